"""Audit, training and scoring as of a date, while a later night loads: they see what a run on that date has seen."""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tallystick.entrypoint import perform
from tallystick.errors import ContractError, LeakageFound, ModelError, NotFound
from tallystick.model.registry import Registry
from tallystick.runs.fields import Params
from tallystick.runs.params import AuditLeakage, BuildLabels, ScoreObservations, TrainModel
from tallystick.tables import Warehouse, read_arrow
from tests.lib import backfills as bank

RECIPE = """\
from tallystick.spec.algorithms import OrdinalScorecard, Selection
from tallystick.spec.labels import EventLabel
from tallystick.spec.recipes import Audit, Gates, Recipe, Split

BOUGHT = EventLabel(name="bought", table="clean.transactions", where="direction = 'in'", window="20d")
ASKED = Recipe(
    name="asked", title="Asked", groups=("spend",), observations="applications", label="bought",
    algorithms=(OrdinalScorecard(selection=Selection(min_iv=0.0, max_missing=1.0, max_correlation=1.0,
                                                     drop_against_sign=False)),),
    split=Split(method="random_by_customer", test_share=0.4, folds=2, repeats=1),
    audit=Audit(max_auc=1.0, max_joint_auc=1.0, max_missing_auc=1.0),
    gates=Gates(min_auc=0.5, calibration_slope=(0.0, 100.0), max_psi=50.0, min_bad=1),
)
"""
PEOPLE = 80
TONIGHT, NEXT = date(2026, 3, 20), date(2026, 3, 21)
# Asked in the evening, and delivered with the load of the next night.
ASKED_LATE = datetime(2026, 3, 20, 18, tzinfo=UTC)


def bookings() -> list[bank.Transaction]:
    """Small payments of everybody, and some money that comes in after the applications of February."""
    rng, rows = np.random.default_rng(3), []
    for person in range(PEOPLE):
        for number, day in enumerate(range(0, 70, 7)):
            at = datetime(2026, 1, 5, 9, tzinfo=UTC) + timedelta(days=day)
            is_rich = rng.random() < (0.8 if person % 3 else 0.2)
            direction = "in" if day > 35 and is_rich and rng.random() < 0.3 else "out"
            amount = int(rng.integers(1, 100) + 200 * is_rich)
            rows.append(bank.Transaction(person, 100 * person + number, at, at.date(), amount, direction))
    return rows


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bank whose night is computed, labelled and audited; a later night has published its load since."""
    root = tmp_path_factory.mktemp("known_by")
    project, warehouse = bank.write_project(root / "project"), root / "warehouse"
    (project / "recipes" / "asked.py").write_text(RECIPE, encoding="utf-8")
    bank.store(project, warehouse, bookings(), loaded_on=TONIGHT)
    made = [(person, datetime(2026, 2, 1 + person % 20, 8, tzinfo=UTC)) for person in range(PEOPLE)]
    bank.store_applications(project, warehouse, made, loaded_on=TONIGHT)
    bank.compute(project, warehouse, recipe="asked", last=TONIGHT)
    run(root, BuildLabels, cutoff=TONIGHT)
    run(root, AuditLeakage, known_by=TONIGHT)
    bank.store_applications(project, warehouse, [(PEOPLE, ASKED_LATE)], loaded_on=NEXT)
    # What the later load brings would turn labels over, were it seen.
    late = datetime(2026, 2, 21, 9, tzinfo=UTC)
    rows = [bank.Transaction(person, 90_000 + person, late, NEXT, 5, "in") for person in range(PEOPLE // 2)]
    bank.store(project, warehouse, rows, loaded_on=NEXT)
    return root


@pytest.fixture
def root(tmp_path: Path, audited: Path) -> Path:
    shutil.copytree(audited, tmp_path, dirs_exist_ok=True)
    return tmp_path


def run(root: Path, params: type[Params], **asked: Any) -> None:
    session: Any = bank.LocalSession() if params is ScoreObservations else None
    told = bank.told(params, root / "project", root / "warehouse", recipe="asked", source="village", **asked)
    perform(told, session)


def finish_next_night(root: Path) -> None:
    """The later night's features and labels."""
    bank.compute(root / "project", root / "warehouse", recipe="asked", first=TONIGHT, last=NEXT)
    run(root, BuildLabels, cutoff=NEXT)


def learned(root: Path) -> list[dict[str, Any]]:
    columns = ["observation_id", "as_of", "label"]
    return read_arrow(Warehouse(root / "warehouse"), "training.asked", columns=columns).to_pylist()


def scored(root: Path) -> set[str]:
    return set(read_arrow(Warehouse(root / "warehouse"), "score.applications")["observation_id"].to_pylist())


def test_a_training_learns_what_was_known_on_its_date_whatever_came_since(root: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="1 of 81 observations have no row in feature.spend"):
        run(root, TrainModel)
    quiet = tmp_path / "before"
    shutil.copytree(root, quiet, ignore=shutil.ignore_patterns("before"))
    run(quiet, TrainModel, known_by=TONIGHT)
    finish_next_night(root)
    run(root, TrainModel, known_by=TONIGHT)
    assert len(learned(root)) == PEOPLE
    assert {row["label"] for row in learned(root)} == {0, 1}
    assert learned(root) == learned(quiet)
    # As of the later date many have another label, and nobody has audited that.
    with pytest.raises(LeakageFound, match="the rows to learn from are not those that were audited"):
        run(root, TrainModel, known_by=NEXT)


def test_an_audit_of_a_date_sees_that_date(root: Path) -> None:
    finish_next_night(root)
    before = read_arrow(Warehouse(root / "warehouse"), "monitor.leakage").drop_columns(["run_id"])
    run(root, AuditLeakage, known_by=TONIGHT)
    assert read_arrow(Warehouse(root / "warehouse"), "monitor.leakage").drop_columns(["run_id"]).equals(before)
    with pytest.raises(NotFound, match=r"label.bought: labels were never built as of 2026-03-15 \(they are as of 2026"):
        run(root, AuditLeakage, known_by=date(2026, 3, 15))


def test_labels_of_an_earlier_date_do_not_replace_later_ones(root: Path) -> None:
    finish_next_night(root)
    version = Warehouse(root / "warehouse").newest_version("label.bought")
    run(root, BuildLabels, cutoff=TONIGHT, keep_newer=True)
    assert Warehouse(root / "warehouse").newest_version("label.bought") == version
    run(root, BuildLabels, cutoff=NEXT, keep_newer=True)
    assert Warehouse(root / "warehouse").newest_version("label.bought") == version + 1


def test_a_second_try_after_a_crash_registers_no_second_model(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(Registry, "promote", lambda *_: (_ for _ in ()).throw(OSError("the machine went away")))
        with pytest.raises(OSError, match="went away"):
            run(root, TrainModel, known_by=TONIGHT, run_id="night/train_model/1")
    registry = Registry(root / "warehouse")
    (first,) = registry.versions("asked")
    assert first.aliases == ()
    run(root, TrainModel, known_by=TONIGHT, run_id="night/train_model/2")
    (again,) = registry.versions("asked")
    assert (again.version, again.aliases) == (first.version, ("champion",))
    assert (again.tags["tallystick.job_run"], again.outcomes_known_by) == ("night/train_model/1", TONIGHT)
    # An earlier date, cleared by hand, does not put an older model in force.
    run(root, AuditLeakage, known_by=TONIGHT - timedelta(days=1))
    run(root, TrainModel, known_by=TONIGHT - timedelta(days=1))
    assert [one.version for one in registry.versions("asked")] == [first.version]


def test_scores_of_a_date_wait_for_no_later_application_and_take_none_away(root: Path) -> None:
    run(root, TrainModel, known_by=TONIGHT)
    with pytest.raises(ModelError, match="have no row in feature.spend"):
        run(root, ScoreObservations, last=TONIGHT)
    run(root, ScoreObservations, last=TONIGHT, known_by=TONIGHT)
    in_time = {f"p{person}" for person in range(PEOPLE)}
    assert scored(root) == in_time
    finish_next_night(root)
    run(root, ScoreObservations, first=TONIGHT, last=NEXT, known_by=NEXT)
    assert scored(root) == in_time | {f"p{PEOPLE}"}
    run(root, ScoreObservations, last=TONIGHT, known_by=TONIGHT)
    assert scored(root) == in_time | {f"p{PEOPLE}"}


def test_nothing_is_scored_on_features_that_have_not_seen_a_row_of_their_day(root: Path) -> None:
    run(root, TrainModel, known_by=TONIGHT)
    made = datetime(2026, 2, 10, 9, tzinfo=UTC)
    rows = [bank.Transaction(person, 80_000 + person, made, made.date(), 7, "out") for person in range(3)]
    bank.store(root / "project", root / "warehouse", rows, loaded_on=NEXT + timedelta(days=1))
    before, late = date(2026, 2, 9), date(2026, 2, 10)
    run(root, ScoreObservations, first=date(2026, 2, 1), last=before, known_by=TONIGHT)
    told = f"rows were loaded that the features of {late} have not seen.*--from {late} --to {late}"
    with pytest.raises(ContractError, match=told):
        run(root, ScoreObservations, first=before, last=late, known_by=TONIGHT)
    bank.compute(root / "project", root / "warehouse", recipe="asked", first=late, last=late)
    run(root, ScoreObservations, first=before, last=late, known_by=TONIGHT)
    assert len(scored(root)) == sum(person % 20 <= 9 for person in range(PEOPLE))
