"""Nights of the simulated bank and the answers from them: what is looked up is what is computed, and what is scored."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pyarrow.compute as pc
import pytest

from tallystick.answers import Answers
from tallystick.errors import ModelError
from tallystick.model.logged_models import ModelPackage, load_local
from tallystick.model.packaging import OUTPUTS, SCORER_FILE
from tallystick.model.registry import OUTCOMES_TAG, Registry
from tallystick.model.results import GateResult
from tallystick.pipeline import Dates, Place, Step, list_night_steps, run_steps
from tallystick.project import Project, load_project
from tallystick.runs.params import IngestSource
from tallystick.simulation import simulate
from tallystick.spec.model_tables import training_contract
from tallystick.tables import Warehouse, ensure_table, pin, read_arrow

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

FIRST, SECOND, LAST = date(2026, 4, 1), date(2026, 4, 2), date(2026, 4, 3)
TABLE = "score.daily"
INPUTS = ("accounts_held_count_all", "transactions_debit_sum_30d", "request_told_to_inferred_income")


@pytest.fixture(scope="module")
def project(project_root: Path) -> Project:
    return load_project(project_root)


@pytest.fixture(scope="module")
def bank(spark: SparkSession, project: Project, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """Four months of sixty customers and two nights after them, loaded; three nights are scored then."""
    home = tmp_path_factory.mktemp("nights")
    files, warehouse = home / "bank", Warehouse(home / "warehouse")
    simulate(files, customers=60, months=4, daily=2)
    place, recipe = Place(project=project.root, warehouse=warehouse.root), project.recipes["returning"]
    load = IngestSource(project=project.root, warehouse=warehouse.root, source="simbank", directory=files)
    run_steps([Step(title="load", params=load)], session=lambda: spark, run_id="load")
    register_model(warehouse, project)
    steps = list_night_steps(recipe, "simbank", place=place, dates=Dates(first=FIRST, last=LAST))
    run_steps(steps, session=lambda: spark, run_id="nights")
    return warehouse


def register_model(warehouse: Warehouse, project: Project, *, run_id: str = "r1", known: date = FIRST) -> None:
    """A champion of the recipe that reads three inputs, written by hand."""
    texts = {"reasons": {INPUTS[0]: "Accounts", INPUTS[1]: "Spending", INPUTS[2]: "Income"}, "name": "returning"}
    variables = [
        {"feature": name, "coefficient": 1.0, "edges": [edge], "woe": [-0.5, 0.5], "woe_missing": 0.1, "average": 0.0}
        for name, edge in zip(INPUTS, (2.0, 300_000.0, 1.0), strict=True)
    ]
    model = {
        **texts, "format": 1, "features": list(INPUTS),
        "members": [{"kind": "scorecard", "weight": 1.0, "intercept": -1.5, "variables": variables}],
        "calibration": {"intercept": 0.0, "slope": 1.0}, "scale": {"offset": 33.0, "factor": 11.5},
        "policy": {"currency": "CNY", "bands": [{"pd_below": 0.2, "decision": "approve", "limit_minor": 800_000}]},
    }  # fmt: skip
    package = ModelPackage(
        name="returning", run_id=run_id, params={}, metrics={}, files={}, outputs=OUTPUTS, model_file=SCORER_FILE,
        example=pd.DataFrame({name: [1.0] for name in INPUTS}), requirements=("numpy", "pandas"),
        model_artifacts={"model.json": json.dumps(model).encode()},
        tags={"training_version": "0", "source": "simbank", OUTCOMES_TAG: known.isoformat()},
    )  # fmt: skip
    ensure_table(warehouse, training_contract(project.recipes["returning"], INPUTS))
    registry = Registry(warehouse.root)
    registry.promote(registry.register(package), [GateResult(name="by hand", is_passed=True)])


@pytest.fixture(autouse=True)
def own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def test_what_is_computed_on_the_spot_is_what_the_night_stored(bank: Warehouse, project: Project) -> None:
    answers, empty = Answers(bank, project), Warehouse(bank.root.parent / "without_features")
    empty.root.mkdir()
    for layer in ("clean", "monitor"):
        (empty.root / layer).symlink_to(bank.root / layer)
    bare = Answers(empty, project)
    customers = sorted(set(read_arrow(bank, "score.daily", columns=["customer_id"])["customer_id"].to_pylist()))
    assert len(customers) > 30  # half of the people have an account with the bank
    compared = 0
    for place, customer in enumerate(customers[::3]):
        day = (FIRST, SECOND, LAST)[place % 3]
        stored, computed = answers.vector(customer, as_of=day), bare.vector(customer, as_of=day)
        assert (stored.computed, computed.stored) == ((), ())
        assert dict(computed.features) == dict(stored.features), (place, day)
        compared += sum(value not in (None, 0) for value in stored.features.values())
    assert compared > 1_000


def test_a_score_is_the_models_answer_on_the_vector_of_its_night(bank: Warehouse, project: Project) -> None:
    answers = Answers(bank, project)
    stored = read_arrow(bank, "score.daily")
    assert len(pc.unique(stored["as_of"])) == 3
    registry = Registry(bank.root)
    predict = load_local(str(registry.fetch_model(registry.find("returning"))))
    seen = set()
    for day in (FIRST, LAST):
        for customer in sorted(set(stored["customer_id"].to_pylist()))[::9]:
            features = dict(answers.vector(customer, as_of=day).features)
            told, paid = features["applicant_income_last_all"], features["income_pay_sum_90d"]
            features["request_told_to_inferred_income"] = 3 * told / paid if told is not None and paid else None
            (expected,) = predict(pd.DataFrame([features])[list(INPUTS)].astype(float)).to_dict("records")
            found = answers.score(customer, as_of=day)
            assert (found.pd, found.decision, list(found.reasons)) == (
                expected["pd"], expected["decision"], list(expected["reasons"])
            )  # fmt: skip
            assert (found.scored_on, found.stale, found.is_in_training) == (day, (), False)
            seen.add(found.pd)
    assert len(seen) > 2


def test_a_later_champion_does_not_replace_what_was_said(
    bank: Warehouse, project: Project, spark: SparkSession, capsys: pytest.CaptureFixture[str]
) -> None:
    place, recipe = Place(project=project.root, warehouse=bank.root), project.recipes["returning"]
    before = pin(bank, TABLE)
    register_model(bank, project, run_id="r2", known=LAST)
    *_, again = list_night_steps(recipe, "simbank", place=place, dates=Dates(first=SECOND, last=LAST))
    with pytest.raises(ModelError, match="returning/1 has scored these dates, and returning/2 would replace"):
        run_steps([again], session=lambda: spark, run_id="again")
    assert pin(bank, TABLE) == before
    wanted = replace(again, params=replace(again.params, again=True))
    run_steps([wanted], session=lambda: spark, run_id="again, said")
    told = f"returning/2 learned from outcomes known on {LAST}, so its scores of {SECOND} to {SECOND} are hindsight"
    assert told in "".join(capsys.readouterr())
    answers = Answers(bank, project)
    customer = read_arrow(bank, TABLE, columns=["customer_id", "as_of"]).sort_by("as_of")["customer_id"][0].as_py()
    versions = [answers.score(customer, as_of=day).model_version for day in (FIRST, SECOND, LAST)]
    assert versions == ["returning/1", "returning/2", "returning/2"]
    late = [
        day
        for day in (FIRST, SECOND, LAST)
        if any("hindsight" in str(one) for one in answers.score(customer, as_of=day).stale)
    ]
    assert late == [SECOND]
