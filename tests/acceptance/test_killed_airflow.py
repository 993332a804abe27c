"""Two schedulers fire one business date, and Airflow's own processes are killed under running jobs.

Real Airflow on PostgreSQL submits real jobs. A killed scheduler leaves its tasks and their jobs behind, a killed task
leaves its job: the next try then works beside it. The tables must be those of the same jobs run one after the other.
"""

from __future__ import annotations

import os
import random
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tallystick.pipeline import Dates, Place, list_steps
from tallystick.project import load_project
from tallystick.runs.arguments import render
from tests.lib import nights, processes
from tests.lib.schedulers import Schedulers
from tests.lib.stack import find_postgres, open_to_postgres, wait_until

DAG = "daily_lending"
HISTORY, TONIGHT, CUT_SHORT = date(2026, 4, 1), date(2026, 4, 2), date(2026, 4, 3)
FIRST = date(2026, 3, 1)
LOOK_BACK = 92
JOBS = ("ingest_source", "validate_tables", "compute_features", "build_labels")
# What is killed while which job of which run works, kill -9 of that one process, at a random moment of so many seconds:
# on a quiet machine the jobs take a little longer.
KILLS = (
    ("history", "ingest_source", "scheduler", 4.0),
    ("history", "compute_features", "task", 15.0),
    ("tonight", "ingest_source", "supervisor", 4.0),
    ("tonight", "compute_features", "scheduler", 15.0),
)
SEED = int(os.environ.get("TALLYSTICK_KILL_SEED", "1"))
PATIENCE = 2400.0
BEGAN = time.monotonic()

pytestmark = [pytest.mark.soak, pytest.mark.timeout(3 * 3600)]


def say(text: str) -> None:
    """A line of the transcript, which ``pytest -s`` shows."""
    sys.stdout.write(f"{time.monotonic() - BEGAN:7.0f} s  {text}\n")
    sys.stdout.flush()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if find_postgres() is None:
        pytest.fail("two schedulers need PostgreSQL: apt-get install postgresql")
    folder = tmp_path_factory.mktemp("schedulers")
    open_to_postgres(folder)
    nights.simulate(folder / "bank", customers=200, nights=2, seed=5)
    for file in sorted((folder / "bank" / CUT_SHORT.isoformat()).iterdir())[:1]:
        file.unlink()
    return folder


@pytest.fixture(scope="module")
def quiet(folder: Path, project_root: Path) -> dict[str, pa.Table]:
    """The tables of the same jobs, each run once after the other."""
    recipe = load_project(project_root).recipes[nights.RECIPE]
    place = Place(project=project_root, warehouse=folder / "quiet")
    for day in (HISTORY, TONIGHT):
        dates = Dates(
            load_date=day, last=day, cutoff=day, known_by=day,
            first=FIRST if day == HISTORY else HISTORY, look_back=0 if day == HISTORY else LOOK_BACK,
        )  # fmt: skip
        for step in list_steps(recipe, {"simbank": folder / "bank"}, place=place, dates=dates):
            if step.job in JOBS:
                name = f"{day}-{step.job}"
                command = [str(project_root / "jobs" / f"{step.job}.py"), *render(replace(step.params, run_id=""))]
                log = folder / f"{name}.log"
                started = nights.submit(command, run_id=name, log=log, master="local[2]")
                assert nights.end_group(started, patience=PATIENCE) == 0, log.read_text()[-2000:]
    say("the quiet run is over")
    return nights.tables(folder / "quiet")


@pytest.fixture(scope="module")
def airflow(folder: Path) -> Iterator[Schedulers]:
    (folder / "deliveries").mkdir()
    airflow = Schedulers(home=folder / "airflow", sources=f"simbank={folder / 'deliveries'}")
    try:
        airflow.start()
        say("PostgreSQL, two schedulers and the services around them are up")
        airflow.unpause(DAG)
        yield airflow
    finally:
        airflow.stop()


@pytest.fixture(scope="module")
def operated(airflow: Schedulers, folder: Path) -> dict[str, dict[str, Any]]:
    """The tasks of each run after two people started the first date at once, and Airflow was killed four times."""
    shutil.copytree(folder / "bank" / HISTORY.isoformat(), folder / "deliveries" / HISTORY.isoformat())
    first = {"first": FIRST.isoformat()}
    runs = {"history": airflow.trigger(DAG, HISTORY.isoformat(), **first)}
    runs["history, too"] = airflow.trigger(DAG, HISTORY.isoformat(), **first)
    rng = random.Random(SEED)
    for name, job, what, seconds in KILLS:
        if name not in runs:
            for run in ("history", "history, too"):
                wait_until_done(airflow, runs[run], run)
            shutil.copytree(folder / "bank" / TONIGHT.isoformat(), folder / "deliveries" / TONIGHT.isoformat())
            runs[name] = airflow.trigger(DAG, TONIGHT.isoformat())
        found = airflow.wait_for_job(job, seconds=PATIENCE)
        moment = rng.uniform(0, seconds)
        time.sleep(moment)
        assert found[what] in processes.list_processes(), f"the {what} ended before it was killed"
        assert processes.writers(airflow.warehouse, job), f"{job} ended before its {what} was killed"
        processes.kill(found[what])
        say(f"kill -9 of a {what} {moment:.1f} s after {job} began to work")
        if what == "scheduler":
            killed = next(one for one, process in airflow.processes.items() if process.pid == found[what])
            airflow.processes[killed].wait()
            time.sleep(30)
            airflow.start_scheduler(killed)
    wait_until_done(airflow, runs["tonight"], "tonight")
    return {name: airflow.tasks(DAG, run) for name, run in runs.items()}


def wait_until_done(airflow: Schedulers, run: str, name: str) -> None:
    """Until the labels of a run are built; AssertionError when a task before them fails for good."""

    def is_done() -> bool:
        states = {job: one["state"] for job, one in airflow.tasks(DAG, run).items() if job in JOBS}
        assert not {"failed", "upstream_failed"} & set(states.values()), states
        return states["build_labels"] == "success"

    wait_until(f"{name} is done", is_done, seconds=PATIENCE, every=3)
    tries = {job: airflow.tasks(DAG, run)[job]["try_number"] for job in JOBS}
    say(f"{name}: labels are built; tries: {tries}")


def test_no_row_is_lost_and_none_doubled(
    operated: dict[str, Any], airflow: Schedulers, quiet: dict[str, pa.Table]
) -> None:
    assert set(operated) == {"history", "history, too", "tonight"}
    found = nights.tables(airflow.warehouse)
    assert found.keys() == quiet.keys()
    other = {
        name: (found[name].num_rows, quiet[name].num_rows) for name in quiet if not found[name].equals(quiet[name])
    }
    rows = sum(table.num_rows for table in quiet.values())
    say(f"{len(quiet)} tables with {rows} rows compared with those of a quiet run, {len(other)} tables differ")
    assert other == {}


def test_two_schedulers_make_one_run_of_a_day(operated: dict[str, Any], airflow: Schedulers) -> None:
    assert operated
    runs = airflow.ask(f"/api/v2/dags/{DAG}/dagRuns?limit=100")["dag_runs"]
    scheduled = [one["partition_key"] for one in runs if one["run_type"] == "scheduled"]
    say(f"scheduled: {scheduled}")
    assert len(scheduled) == len(set(scheduled)) > 0


def test_an_alarm_tells_why_a_task_failed(operated: dict[str, Any], airflow: Schedulers, folder: Path) -> None:
    assert operated
    shutil.copytree(folder / "bank" / CUT_SHORT.isoformat(), folder / "deliveries" / CUT_SHORT.isoformat())
    run = airflow.trigger(DAG, CUT_SHORT.isoformat())
    wait_until("the alarm came", lambda: any(one.get("run") == run for one in airflow.heard), seconds=PATIENCE)
    alarm = next(one for one in airflow.heard if one.get("run") == run)
    say(f"alarm: {alarm}")
    assert alarm["alarm"] == "task failed"
    assert alarm["date"] == CUT_SHORT.isoformat()
    assert alarm["try"] == 1
    assert alarm["reason"].endswith("[exit code 4]")


def test_an_alarm_names_the_run_that_is_late(operated: dict[str, Any], airflow: Schedulers) -> None:
    # The run of today, which the schedule started, waits for a delivery that never comes.
    def late() -> list[dict[str, Any]]:
        return [one for one in airflow.heard if one["alarm"] == "run is late" and one["run"].startswith("scheduled")]

    assert operated
    wait_until("a run is late", lambda: bool(late()), seconds=900)
    alarm = late()[0]
    say(f"alarm: {alarm}")
    assert f"__{alarm['date']}__" in alarm["run"]
    assert alarm["reason"] == "not over 0.1 hours after it was queued"
