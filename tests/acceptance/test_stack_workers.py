"""The feature stage on an object store, with one Spark worker and with two: do both work, and are the tables the same?

Apart from the stack's test, since it needs neither Airflow nor PostgreSQL, and a bank large enough for several tasks.
It prints what docs/performance.md shows: seconds of the job, and CPU seconds of each worker.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pytest

from tests.lib import house, nights
from tests.lib.adding import copy_declarations
from tests.lib.stack import BIN, Stack

CUSTOMERS = int(os.environ.get("TALLYSTICK_STACK_CUSTOMERS", "10000"))
DAY, FIRST = "2026-04-01", "2024-10-01"
# A worker of one core takes a task at a time: with more buckets than workers, one that is done takes the next.
BUCKETS = 8

pytestmark = [pytest.mark.soak, pytest.mark.timeout(5400)]


@dataclass(frozen=True, kw_only=True)
class Taken:
    """One run of the feature job: seconds, CPU seconds of each worker, and the rows that it wrote."""

    seconds: float
    cpu: dict[str, float]
    tables: dict[str, pa.Table]


@dataclass(frozen=True, kw_only=True)
class Jobs:
    """Submits jobs of one project to the stack's Spark master."""

    stack: Stack
    project: Path

    def command(self, job: str, *args: str) -> list[str]:
        """The command of a job, on the bank's source."""
        stack, environment = self.stack, self.stack.environment
        return [
            str(BIN / "spark-submit"), "--master", f"spark://127.0.0.1:{stack.ports['spark']}",
            "--properties-file", environment["TALLYSTICK_SPARK_CONF"], str(house.ROOT / "jobs" / f"{job}.py"),
            "--project", str(self.project), "--warehouse", environment["TALLYSTICK_WAREHOUSE"], "--source", "simbank",
            *args,
        ]  # fmt: skip

    def measure(self, name: str, workers: tuple[str, ...]) -> Taken:
        """Compute all features with these workers."""
        command = self.command("compute_features", "--recipe", nights.RECIPE, "--from", FIRST, "--to", DAY)
        numbers = {worker: self.stack.processes[worker].pid for worker in workers}
        before = {worker: nights.cpu_seconds(number) for worker, number in numbers.items()}
        most, started = dict(before), time.monotonic()
        self.stack.run(name, [*command, "--run-id", name])
        process = self.stack.processes.pop(name)
        while process.poll() is None:
            # While the job runs: what an executor took is lost with it.
            most = {worker: max(most[worker], nights.cpu_seconds(number)) for worker, number in numbers.items()}
            time.sleep(0.2)
        seconds = time.monotonic() - started
        assert process.returncode == 0, (self.stack.home / "logs" / f"{name}.log").read_text()[-2000:]
        cpu = {worker: most[worker] - before[worker] for worker in workers}
        told = ", ".join(f"{worker} {taken:.1f} CPU s" for worker, taken in cpu.items())
        sys.stdout.write(f"{name}: {seconds:.1f} s; {told}\n")
        stored = self.stack.read_tables(name)
        features = {table: rows for table, rows in stored.items() if table.startswith("feature.")}
        return Taken(seconds=seconds, cpu=cpu, tables=features)


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Taken, Taken]]:
    """The feature job with one worker, then with both."""
    folder = tmp_path_factory.mktemp("workers")
    project = copy_declarations(folder / "project")
    source = project / "sources" / "simbank" / "source.yaml"
    text = source.read_text(encoding="utf-8")
    assert "layout: {buckets: 2," in text
    source.write_text(text.replace("layout: {buckets: 2,", f"layout: {{buckets: {BUCKETS},"), encoding="utf-8")
    nights.simulate(folder / "bank", customers=CUSTOMERS, nights=0, seed=7, months=18)
    stack = Stack(home=folder / "stack", sources=f"simbank={folder / 'bank'}")
    jobs = Jobs(stack=stack, project=project)
    try:
        stack.start_store()
        stack.call("buckets", [sys.executable, str(house.ROOT / "deploy" / "make_bucket.py"), "lake"])
        stack.start_spark("worker_a")
        where = ["--directory", str(folder / "bank"), "--load-date", DAY, "--run-id", "load"]
        stack.call("load", jobs.command("ingest_source", *where))
        stack.call("graph", jobs.command("compute_graph", "--run-id", "graph"))
        one = jobs.measure("one-worker", ("worker_a",))
        stack.start_worker("worker_b")
        yield one, jobs.measure("two-workers", ("worker_a", "worker_b"))
    finally:
        stack.stop()


def test_two_workers_compute_the_tables_of_one_and_share_the_work(taken: tuple[Taken, Taken]) -> None:
    one, two = taken
    assert one.tables.keys() == two.tables.keys() != set()
    assert [name for name, rows in one.tables.items() if not two.tables[name].equals(rows)] == []
    assert all(rows.num_rows for rows in one.tables.values())
    # Neither of the two did nearly all of it.
    assert min(two.cpu.values()) > 0.25 * sum(two.cpu.values())
