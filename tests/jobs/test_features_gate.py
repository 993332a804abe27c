"""The jobs that read features refuse values of another definition, each before it does anything else with them."""

from __future__ import annotations

import importlib
import shutil
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tallystick.entrypoint import perform
from tallystick.errors import ContractError, ModelError, ValidationFailed
from tallystick.model.registry import ModelVersion
from tallystick.project import load_project
from tallystick.quality import Finding, JudgedAt, findings_table
from tallystick.runs.fields import Params
from tallystick.runs.params import AuditLeakage, ScoreObservations, TrainModel
from tallystick.tables import Run, Slice, Warehouse, ensure_table, replace_arrow
from tests.lib import backfills as bank

RECIPE = """\
from tallystick.spec.algorithms import OrdinalScorecard
from tallystick.spec.labels import OutcomeLabel
from tallystick.spec.recipes import Band, Policy, Recipe

BAD = OutcomeLabel(name="bad", bad=("bad",), good=("good",), description="Bad")

ASKED = Recipe(
    name="asked", title="Asked", groups=("spend",), observations="applications", label="bad",
    algorithms=(OrdinalScorecard(),),
    policy=Policy(currency="CZK", limit_min_minor=1, limit_max_minor=9,
                  bands=(Band(pd_below=0.5, decision="approve", limit_minor=9),)),
)
"""


RUNS: dict[str, type[Params]] = {one.job: one for one in (AuditLeakage, TrainModel, ScoreObservations)}


@pytest.fixture(scope="module")
def computed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bank whose features are computed, with whatever else the jobs want to find."""
    root = tmp_path_factory.mktemp("bank")
    project, warehouse = bank.write_project(root / "project"), root / "warehouse"
    (project / "recipes" / "asked.py").write_text(RECIPE, encoding="utf-8")
    rows = bank.history()
    bank.store(project, warehouse, rows, loaded_on=bank.HISTORY)
    made = [(c, datetime(2026, 2, 20 + c, 8, tzinfo=UTC)) for c in range(4)]
    bank.store_applications(project, warehouse, made, loaded_on=bank.HISTORY)
    contracts = load_project(project).contracts
    for name in ("clean.customers", "label.bad", "monitor.leakage"):
        ensure_table(Warehouse(warehouse), contracts[name])
    bank.compute(project, warehouse, recipe="asked")
    return root


@pytest.fixture
def root(tmp_path: Path, computed: Path) -> Path:
    shutil.copytree(computed, tmp_path, dirs_exist_ok=True)
    return tmp_path


def run(root: Path, name: str, monkeypatch: pytest.MonkeyPatch, *, learned_from: str = "village") -> None:
    """Run a job up to what follows the gate, which ends it with Passed. The champion learned from a source."""
    job = importlib.import_module(f"tallystick.runs.{name}")
    tags = {"training_version": "0", "source": learned_from}
    champion = ModelVersion(name="asked", version=1, mlflow_run_id="", run_id="", aliases=(), tags=tags)

    def find(_: str, *, source: str) -> ModelVersion:
        if source != learned_from:
            raise ModelError(f"of {learned_from}, not of {source}")
        return champion

    registry = SimpleNamespace(
        find=find, inputs=lambda _: [], check_source=lambda name, source: find(name, source=source)
    )

    def passed(*_: object, **__: object) -> None:
        raise Passed

    jobs: dict[str, dict[str, Any]] = {
        "audit_leakage": {"build_rows": passed},
        "train_model": {
            "Registry": lambda _: registry,
            "train_model": passed,
            "build_rows": passed,
            "check_audit_passed": lambda *_: None,
        },
        "score_observations": {
            "pin": passed,
            "Registry": lambda _: registry,
            "check_model_inputs": lambda *_, **__: None,
        },
    }
    for attribute, value in jobs[name].items():
        monkeypatch.setattr(job, attribute, value)
    perform(bank.told(RUNS[name], root / "project", root / "warehouse", recipe="asked", source="village"))


class Passed(Exception):
    """The job came past the gate."""


@pytest.mark.parametrize("name", ["audit_leakage", "train_model", "score_observations"])
def test_a_job_reads_features_of_the_declared_definition_only(
    root: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Passed):
        run(root, name, monkeypatch)
    project = root / "project"
    bank.write_project(project, spend=bank.SPEND.replace("direction = 'out'", "direction = 'in'"))
    with pytest.raises(ContractError, match="stored values of spend_out_max_7d were computed by another definition"):
        run(root, name, monkeypatch)
    bank.backfill(str(project), str(root / "warehouse"), "2026-02-20", "2026-03-01", recipe="asked")
    with pytest.raises(Passed):
        run(root, name, monkeypatch)


@pytest.mark.parametrize("name", ["train_model", "score_observations"])
def test_a_champion_of_another_source_is_neither_replaced_nor_asked(
    root: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ModelError, match="of town, not of village"):
        run(root, name, monkeypatch, learned_from="town")


@pytest.mark.parametrize("name", ["audit_leakage", "train_model", "score_observations"])
def test_a_warehouse_without_a_ledger_is_told_to_compute_its_features(
    root: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "warehouse" / "monitor" / "feature_days").rename(root / "away")
    with pytest.raises(ContractError, match=r"of 4 stored rows the ledger knows 0.*run compute_features"):
        run(root, name, monkeypatch)


def record_validation(root: Path, *, day: date, is_success: bool, severity: str = "critical") -> None:
    """What a validation of the transactions found on that day."""
    finding = Finding(
        table="clean.transactions", number=1, expectation="expect_table_row_count_to_be_between", columns="",
        severity=severity, is_success=is_success, reason="there are rows",
    )  # fmt: skip
    judged = {"clean.transactions": JudgedAt(table_version=0, judged_on=day)}
    rows = findings_table([finding], run_id=f"{day}", source="village", validated_on=day, judged=judged)
    contract = load_project(root / "project").contracts["monitor.validations"]
    where = Slice.of_findings(contract.name, "village", day)
    replace_arrow(Warehouse(root / "warehouse"), contract, rows, where=where, run=Run(f"{day}{is_success}", "t", "0"))


def test_nothing_is_computed_from_a_table_whose_newest_validation_found_something_critical(root: Path) -> None:
    def compute() -> None:
        bank.compute(root / "project", root / "warehouse", recipe="asked")

    record_validation(root, day=date(2026, 3, 1), is_success=False)
    with pytest.raises(ValidationFailed, match="clean.transactions: expect_table_row_count.* run validate_tables"):
        compute()
    with pytest.raises(ValidationFailed):
        bank.plan(root / "project", root / "warehouse", "2026-02-20", "2026-03-01", recipe="asked")
    record_validation(root, day=date(2026, 3, 2), is_success=True)
    compute()
    record_validation(root, day=date(2026, 3, 3), is_success=False, severity="warning")
    compute()
