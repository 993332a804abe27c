"""One night for real: Airflow runs the daily DAG, Spark is submitted five times, and the tables have the new day.

A small bank whose history is loaded and whose model is trained, and the DAG run of the next date.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from tallystick.errors import ModelError
from tallystick.model.registry import Registry
from tallystick.model.results import GateResult
from tallystick.pipeline import Dates, Place, list_steps, run_steps
from tallystick.project import load_project
from tallystick.simulation import simulate
from tallystick.tables import Warehouse, query
from tests.dags.conftest import RECIPE, SOURCE, STATES, airflow_environment, read_answer

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# Most of it is five starts of Spark. At a load of 10 it took more than ten minutes; two are a guess for a quiet one.
pytestmark = pytest.mark.timeout(1800)

HISTORY, TONIGHT = date(2026, 4, 1), date(2026, 4, 2)
# The first business date that the run observes: the default would be the day before, on which hardly anyone applied.
FIRST = date(2026, 3, 20)
BEFORE = ("ingest_source", "compute_features", "build_labels", "audit_leakage", "train_model")


@dataclass(frozen=True, kw_only=True)
class Night:
    """The warehouse after the run, what it held before, and the states of the tasks."""

    warehouse: Warehouse
    versions: dict[str, int]
    states: dict[str, Any]


@pytest.fixture(scope="module")
def deliveries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A year and a half of a small bank, and one day more: in less it has too few bad loans to learn from."""
    out = tmp_path_factory.mktemp("night") / "bank"
    simulate(out, customers=500, months=18, daily=1)
    return out


@pytest.fixture(scope="module")
def trained(
    spark: SparkSession, deliveries: Path, project_root: Path, tmp_path_factory: pytest.TempPathFactory
) -> Warehouse:
    """The history loaded and a champion in force, in this process."""
    warehouse = Warehouse(tmp_path_factory.mktemp("night") / "warehouse")
    recipe = load_project(project_root).recipes[RECIPE]
    place = Place(project=project_root, warehouse=Path(warehouse.root))
    steps = list_steps(recipe, {SOURCE: deliveries}, place=place, dates=Dates(load_date=HISTORY))
    # So small a bank may not pass the gates of its recipe. What counts here is that a model is in force.
    with contextlib.suppress(ModelError):
        run_steps(
            [step for step in steps if step.job in BEFORE],
            session=lambda: spark,
            run_id="history",
        )
    registry = Registry(warehouse.root)
    registry.promote(registry.versions(RECIPE)[0], [GateResult(name="there is one", is_passed=True)])
    return warehouse


@pytest.fixture(scope="module")
def night(trained: Warehouse, deliveries: Path, project_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Night:
    """The run of the daily DAG for the second delivery."""
    tables = ("clean.transactions", "clean.applications")
    versions = {name: count_rows(trained, name) for name in tables}
    environment = airflow_environment(
        tmp_path_factory.mktemp("airflow"), warehouse=Path(trained.root), deliveries=deliveries, project=project_root
    )
    program = str(project_root / "tests/lib/run_dag.py")
    params = json.dumps({"first": FIRST.isoformat()})
    done = subprocess.run(
        [sys.executable, program, str(project_root / "dags"), "daily_lending", TONIGHT.isoformat(), params],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return Night(warehouse=trained, versions=versions, states=read_answer(done, STATES))


def count_rows(warehouse: Warehouse, name: str) -> int:
    """Rows of a table."""
    rows: int = query(warehouse, f"SELECT count(*) AS n FROM {name}").to_pylist()[0]["n"]
    return rows


def test_every_task_of_the_night_ends_well(night: Night) -> None:
    assert set(night.states["tasks"].values()) == {"success"}, night.states
    assert night.states["run"] == "success"


def test_the_delivery_of_the_night_is_in_the_tables_and_passed_the_gate(night: Night) -> None:
    for name, before in night.versions.items():
        assert count_rows(night.warehouse, name) > before, name
    loads = query(night.warehouse, "SELECT DISTINCT loaded_on FROM monitor.loads ORDER BY 1").to_pylist()
    assert [row["loaded_on"] for row in loads] == [HISTORY, TONIGHT]
    assert count_rows(night.warehouse, "monitor.validations") > 0


def test_the_applications_of_the_named_dates_and_no_others_are_scored(night: Night) -> None:
    rows = query(night.warehouse, "SELECT application_id, event_at FROM clean.applications").to_pylist()
    zone = ZoneInfo("Asia/Shanghai")
    asked = {row["application_id"] for row in rows if FIRST <= row["event_at"].astimezone(zone).date() <= TONIGHT}
    scored = query(night.warehouse, "SELECT observation_id FROM score.applications").to_pylist()
    assert len(asked) > 3, "some applied in the last days"
    assert {row["observation_id"] for row in scored} == asked
    assert len(scored) == len(asked)
