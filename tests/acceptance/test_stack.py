"""The stack as it is deployed, without containers: first date, training, a killed worker, and a night that comes late.

Airflow's own processes submit to a Spark master with two workers; tables and models lie in an S3 server; PostgreSQL
keeps Airflow's and MLflow's books. The tables must be those of a quiet run in a folder. `make stack-test` runs it and
shows each step with its time; with TALLYSTICK_STACK_FOLDER=1 the tables lie in a folder instead of the store.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pytest

from tests.lib import nights
from tests.lib.stack import Stack, find_postgres, open_to_postgres, wait_until

CUSTOMERS = int(os.environ.get("TALLYSTICK_STACK_CUSTOMERS", "2000"))
IN_FOLDER = bool(os.environ.get("TALLYSTICK_STACK_FOLDER"))
# The demo's bank: large enough for the gates of its recipe.
SEED = 7
HISTORY, FIRST_NIGHT, LATE_NIGHT, LAST_NIGHT = "2026-04-01", "2026-04-02", "2026-04-03", "2026-04-04"
# The bank's first day: training needs the features of all applications that have a label.
OBSERVED_FROM = "2024-10-01"
# The day on which everything is loaded. Airflow's own would be that of the machine, months later.
RUN_DATE = LAST_NIGHT
BEGAN = time.monotonic()

pytestmark = [pytest.mark.soak, pytest.mark.timeout(5400)]


def say(text: str) -> None:
    """A line of the transcript."""
    sys.stdout.write(f"{time.monotonic() - BEGAN:7.0f} s  {text}\n")
    sys.stdout.flush()


@dataclass
class Operator:
    """What a person does with Airflow: triggers runs, looks at tasks, clears them."""

    stack: Stack

    def unpause(self, *dags: str) -> None:
        """Let these DAGs run, once they are read."""
        for dag in dags:
            wait_until(f"{dag} is there", lambda dag=dag: dag in self._dags(), seconds=180)
            self.stack.ask(f"/api/v2/dags/{dag}", method="PATCH", body={"is_paused": False})

    def pause(self, dag: str) -> None:
        """Let no further run of a DAG start."""
        self.stack.ask(f"/api/v2/dags/{dag}", method="PATCH", body={"is_paused": True})

    def trigger(self, dag: str, day: str, **params: str) -> str:
        """Start the run of a business date by hand; its id."""
        body = {"logical_date": None, "conf": {"date": day, **params}}
        run: str = self.stack.ask(f"/api/v2/dags/{dag}/dagRuns", method="POST", body=body)["dag_run_id"]
        say(f"{dag} of {day} triggered")
        return run

    def wait_for_run(self, dag: str, day: str) -> str:
        """The id of the run of a business date that another DAG's tables start."""
        found: list[str] = []

        def is_there() -> bool:
            runs = self.stack.ask(f"/api/v2/dags/{dag}/dagRuns")["dag_runs"]
            found[:] = [one["dag_run_id"] for one in runs if one["partition_key"] == day]
            return bool(found)

        wait_until(f"a run of {dag} for {day}", is_there, seconds=120, every=3)
        say(f"{dag} of {day} has been started by its tables")
        return found[0]

    def states(self, dag: str, run: str) -> dict[str, str]:
        """The state of each task of a run."""
        told = self.stack.ask(f"/api/v2/dags/{dag}/dagRuns/{run}/taskInstances")
        return {one["task_id"]: one["state"] or "none" for one in told["task_instances"]}

    def wait_for(self, dag: str, run: str, task: str, state: str = "success") -> None:
        """Until a task of a run is in a state; AssertionError when one of its tasks has failed before."""

        def is_there() -> bool:
            states = self.states(dag, run)
            failed = [name for name, one in states.items() if one == "failed"]
            assert not failed, f"{dag}: {failed[0]} failed: {self.last_words(dag, run, failed[0])}"
            return self._state(states, task) == state

        wait_until(f"{task} of {dag} is {state}", is_there, seconds=1800, every=3)
        say(f"{dag}: {task} {state}")

    def last_words(self, dag: str, run: str, task: str) -> str:
        """The last lines that a task's log has."""
        logs = self.stack.home / "airflow" / "logs" / f"dag_id={dag}" / f"run_id={run}" / f"task_id={task}"
        tries = sorted(logs.glob("attempt=*.log"))
        return tries[-1].read_text(encoding="utf-8")[-3000:] if tries else "no log"

    def clear(self, dag: str, run: str, task: str) -> None:
        """Have a task done again."""
        names = [name for name in self.states(dag, run) if name.split(".")[-1] == task]
        body = {"dry_run": False, "dag_run_id": run, "task_ids": names, "only_failed": False, "reset_dag_runs": True}
        self.stack.ask(f"/api/v2/dags/{dag}/clearTaskInstances", method="POST", body=body)
        say(f"{dag}: {task} cleared")

    def _dags(self) -> set[str]:
        return {one["dag_id"] for one in self.stack.ask("/api/v2/dags")["dags"]}

    @staticmethod
    def _state(states: dict[str, str], task: str) -> str:
        return next((one for name, one in states.items() if name.split(".")[-1] == task), "none")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if find_postgres() is None:
        pytest.fail("the stack needs PostgreSQL: apt-get install postgresql")
    folder = tmp_path_factory.mktemp("stack")
    open_to_postgres(folder)
    nights.simulate(folder / "bank", customers=CUSTOMERS, nights=3, seed=SEED, months=18)
    say(f"a bank of {CUSTOMERS} customers simulated")
    return folder


@pytest.fixture(scope="module")
def operated(folder: Path) -> dict[str, pa.Table]:
    """The tables after everything was run in the stack, which is down then."""
    deliveries, held_back = folder / "deliveries", folder / "held_back"
    for place in (deliveries, held_back):
        place.mkdir()
    for night in sorted((folder / "bank").glob("????-??-??")):
        shutil.copytree(night, (deliveries if night.name == HISTORY else held_back) / night.name)
    home = folder / "stack"
    settings = {"TALLYSTICK_WAREHOUSE": str(home / "warehouse")} if IN_FOLDER else {}
    stack = Stack(home=home, sources=f"simbank={deliveries}", settings=settings)
    try:
        stack.start()
        say("PostgreSQL, S3, MLflow, Spark with two workers and Airflow's four services are up")
        operate(stack, deliveries, held_back)
        return stack.read_tables("tables")
    finally:
        stack.stop()
        say("taken down")


def operate(stack: Stack, deliveries: Path, held_back: Path) -> None:
    """First date, training, a night whose worker is killed, a night, and the one between them that comes late."""
    person = Operator(stack)
    person.unpause("daily_lending", "training")
    first = person.trigger("daily_lending", HISTORY, first=OBSERVED_FROM)
    person.wait_for("daily_lending", first, "build_labels")
    learned = person.wait_for_run("training", HISTORY)
    person.wait_for("training", learned, "write_report")
    person.pause("training")
    person.clear("daily_lending", first, "score_observations")
    person.wait_for("daily_lending", first, "score_observations")
    for day in (FIRST_NIGHT, LAST_NIGHT, LATE_NIGHT):
        run = person.trigger("daily_lending", day, run_date=RUN_DATE)
        (held_back / day).rename(deliveries / day)
        say(f"the delivery of {day} has come")
        if day == FIRST_NIGHT:
            person.wait_for("daily_lending", run, "compute_features", "running")
            kill_at_work(stack, "worker_a")
        person.wait_for("daily_lending", run, "score_observations")
        if day == FIRST_NIGHT:
            stack.start_worker("worker_a")


def kill_at_work(stack: Stack, name: str) -> None:
    """kill -9 of a Spark worker and its executor while that computes a bucket."""
    worker = stack.processes[name].pid

    def computes() -> bool:
        return bool(nights.find_processes(worker)["Python worker"])

    wait_until(f"a bucket is computed on {name}", computes, seconds=300, every=0.2)
    time.sleep(1)
    assert computes(), f"the job on {name} had ended before it was to be killed"
    stack.kill(name)
    say("kill -9 of a Spark worker with its executor, which computed a bucket")


@pytest.fixture(scope="module")
def quiet(folder: Path) -> dict[str, pa.Table]:
    """The same deliveries loaded in the same order into a folder, and everything computed once at the end."""
    bank = nights.Bank(deliveries=folder / "bank", warehouse=folder / "quiet")
    for day in (HISTORY, FIRST_NIGHT, LAST_NIGHT, LATE_NIGHT):
        finish([*bank.jobs(day)[0], "--run-date", RUN_DATE], folder=folder, name=f"load-{day}")
    source = ["--source", "simbank", "--warehouse", str(bank.warehouse), "--recipe", nights.RECIPE]
    program = bank.jobs(HISTORY)[0][0].replace("ingest_source", "{}")
    project = bank.jobs(HISTORY)[0][1:3]
    dates = ["--from", OBSERVED_FROM, "--to", LAST_NIGHT]
    finish([program.format("compute_features"), *project, *source, *dates], folder=folder, name="features")
    return nights.tables(bank.warehouse)


def finish(job: list[str], *, folder: Path, name: str) -> None:
    """Run a job on this machine to its end."""
    log = folder / f"{name}.log"
    started = nights.submit(job, run_id=name, log=log, master="local[2]")
    assert nights.end_group(started, patience=1800) == 0, log.read_text()[-2000:]
    say(f"quiet run: {name}")


def test_no_row_is_lost_and_none_doubled(operated: dict[str, pa.Table], quiet: dict[str, pa.Table]) -> None:
    compared, other = 0, {}
    layers = ("clean", "feature", "graph")
    of_stack, of_quiet = ({name for name in tables if name.split(".")[0] in layers} for tables in (operated, quiet))
    assert of_stack == of_quiet
    for name, expected in quiet.items():
        if name in of_quiet:
            compared += 1
            if not operated[name].equals(expected):
                other[name] = (operated[name].num_rows, expected.num_rows)
    say(f"{compared} tables compared with a quiet run in a folder, {len(other)} differ")
    assert other == {}


def test_every_application_of_the_nights_is_scored_once(operated: dict[str, pa.Table]) -> None:
    scored = operated["score.applications"]["observation_id"].to_pylist()
    say(f"{len(scored)} scores, {len(set(scored))} applications")
    assert len(scored) == len(set(scored)) > 0


def test_the_late_night_is_known_from_the_day_after_the_newest_one(operated: dict[str, pa.Table]) -> None:
    days = sorted({str(day) for day in operated["monitor.loads"]["loaded_on"].to_pylist()})
    assert days == [HISTORY, FIRST_NIGHT, LAST_NIGHT, "2026-04-05"]
