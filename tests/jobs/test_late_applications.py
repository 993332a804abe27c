"""A night that finds an application without its row, late or left by a failed night: it gets it all the same."""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tallystick.entrypoint import perform
from tallystick.model.registry import ModelVersion
from tallystick.runs import input_gate, score_observations
from tallystick.runs.params import ScoreObservations
from tallystick.tables import Warehouse, pin, read_arrow
from tests.lib import backfills as bank

RECIPE = """\
from tallystick.spec.recipes import Recipe

ASKED = Recipe(name="asked", title="Asked", groups=("spend",), observations="applications")
"""

TONIGHT = date(2026, 3, 10)
LAST_NIGHT = TONIGHT - timedelta(days=1)
# Customer 0 asked in February and was loaded with the history, customer 1 in time; 2 and 3 are nearly a week late.
EARLY, IN_TIME = datetime(2026, 2, 25, 8, tzinfo=UTC), datetime(2026, 3, 9, 8, tzinfo=UTC)
LATE, LESS_LATE = datetime(2026, 3, 4, 8, tzinfo=UTC), datetime(2026, 3, 5, 23, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def observed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bank with all its transactions, and the applications of every night but the last computed."""
    root = tmp_path_factory.mktemp("bank")
    project, warehouse = bank.write_project(root / "project"), root / "warehouse"
    (project / "recipes" / "asked.py").write_text(RECIPE, encoding="utf-8")
    bank.store_bank(project, warehouse)
    bank.store_applications(project, warehouse, [(0, EARLY)], loaded_on=bank.HISTORY)
    bank.compute(project, warehouse, recipe="asked", first=date(2026, 2, 1), last=LAST_NIGHT)
    return root


@pytest.fixture
def root(tmp_path: Path, observed: Path) -> Path:
    """The same after tonight's delivery, which also corrects the application of customer 0."""
    shutil.copytree(observed, tmp_path, dirs_exist_ok=True)
    made = [(0, EARLY), (1, IN_TIME), (2, LATE), (3, LESS_LATE)]
    bank.store_applications(tmp_path / "project", tmp_path / "warehouse", made, loaded_on=TONIGHT)
    return tmp_path


def compute(root: Path, *, first: date = LAST_NIGHT, last: date = TONIGHT, look_back: int = 0) -> None:
    asked = {"recipe": "asked", "first": first, "last": last, "look_back": look_back}
    bank.compute(root / "project", root / "warehouse", **asked)


def rows(root: Path) -> dict[tuple[str, datetime], tuple[Any, ...]]:
    """Every row of the feature table."""
    names = [f"spend_{name}" for name in ("any_count_7d", "any_count_all", "any_sum_7d", "any_sum_all", "out_max_7d")]
    found = read_arrow(Warehouse(root / "warehouse"), "feature.spend").to_pylist()
    return {(row["customer_id"], row["as_of"]): tuple(row[name] for name in names) for row in found}


def test_late_applications_get_the_row_that_they_would_have_had_in_time(root: Path) -> None:
    compute(root, look_back=30)
    found = rows(root)
    assert set(found) == {("village:0", EARLY), ("village:1", IN_TIME), ("village:2", LATE), ("village:3", LESS_LATE)}
    bank.compute(root / "project", root / "warehouse", recipe="asked")
    assert rows(root) == found


def test_without_looking_back_a_night_observes_its_own_dates_only(root: Path) -> None:
    compute(root)
    assert set(rows(root)) == {("village:0", EARLY), ("village:1", IN_TIME)}


def test_a_corrected_application_of_february_is_no_reason_to_compute_february_again(root: Path) -> None:
    before = {file.path for file in pin(Warehouse(root / "warehouse"), "feature.spend").files}
    assert any("period=2026-02" in path for path in before)
    compute(root, look_back=30)
    after = {file.path for file in pin(Warehouse(root / "warehouse"), "feature.spend").files}
    assert {path for path in before if "period=2026-02" in path} <= after


def test_what_a_failed_night_left_is_done_by_the_next(root: Path) -> None:
    # The load of the 10th is in the tables, and its night did nothing more; the 12th would begin with the 11th.
    compute(root, first=date(2026, 3, 11), last=date(2026, 3, 12), look_back=30)
    assert set(rows(root)) == {
        ("village:0", EARLY), ("village:1", IN_TIME), ("village:2", LATE), ("village:3", LESS_LATE)
    }  # fmt: skip


def test_the_scores_of_a_night_begin_with_the_first_application_that_has_none(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, Any] = {}

    class Asked(Exception):
        """The job has settled its dates."""

    def checked(*_: object, first: date, last: date, **__: object) -> None:
        asked.update(first=first, last=last)
        raise Asked

    model = ModelVersion(name="asked", version=1, mlflow_run_id="", run_id="", aliases=(), tags={})
    registry = SimpleNamespace(find=lambda *_, **__: model, inputs=lambda _: [])
    monkeypatch.setattr(score_observations, "Registry", lambda _: registry)
    monkeypatch.setattr(score_observations, "check_model_inputs", lambda *_, **__: None)
    monkeypatch.setattr(input_gate, "check_definitions", checked)
    compute(root, look_back=30)
    night = {"first": LAST_NIGHT, "last": TONIGHT, "look_back": 30}
    whose = {"recipe": "asked", "source": "village"}
    params = bank.told(ScoreObservations, root / "project", root / "warehouse", **whose, **night)
    with pytest.raises(Asked):
        perform(params)
    assert asked == {"first": date(2026, 2, 25), "last": TONIGHT}
