"""Nights of a small simulated bank as a deployment runs them: each job a spark-submit of its own that can be killed."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from tallystick.tables import Warehouse, read_arrow
from tests.lib import house, processes

RECIPE = "cash_loan"
# What differs between two runs that wrote the same rows: their names, and versions of tables, which count commits.
PERSONAL = ("run_id", "inputs", "table_version", "judged_on", "judgement_key")
# Executors are processes of their own there, as on a cluster.
CLUSTER = "local-cluster[2,1,1024]"
KINDS = ("spark-submit", "driver", "Python worker", "executor")


@dataclass(frozen=True, kw_only=True)
class Bank:
    """Deliveries in folders named by their dates, and where their tables go."""

    deliveries: Path
    warehouse: Path

    @property
    def dates(self) -> list[str]:
        """The business dates of the deliveries, in order."""
        return sorted(folder.name for folder in self.deliveries.glob("????-??-??"))

    def jobs(self, day: str) -> list[list[str]]:
        """The commands of one night, without the program that submits them."""
        source = ["--warehouse", str(self.warehouse), "--source", "simbank"]
        recipe = [*source, "--recipe", RECIPE]
        jobs = [
            ["ingest_source", *source, "--directory", str(self.deliveries), "--load-date", day],
            ["validate_tables", *source, "--layer", "clean"],
            ["compute_graph", *source],
            ["compute_features", *recipe, "--from", day, "--to", day, "--look-back", "92"],
            ["build_labels", *recipe, "--cutoff", day],
        ]
        return [[str(house.ROOT / "jobs" / f"{job}.py"), "--project", str(house.ROOT), *rest] for job, *rest in jobs]


def simulate(folder: Path, *, customers: int, nights: int, seed: int, months: int = 12) -> Path:
    """A bank's history and so many nightly deliveries; the folder of its deliveries."""
    command = [
        str(Path(sys.executable).parent / "tally"), "simulate", "--out", str(folder), "--customers", str(customers),
        "--seed", str(seed), "--daily", str(nights), "--months", str(months),
    ]  # fmt: skip
    subprocess.run(command, cwd=house.ROOT, check=True, capture_output=True)
    return folder


def submit(job: Sequence[str], *, run_id: str, log: Path, master: str = CLUSTER) -> subprocess.Popen[bytes]:
    """Start a job in a process group of its own; what it prints goes into the log."""
    binary = Path(sys.executable).parent
    settings = {
        "spark.executor.extraClassPath": f"{house.ROOT}/.jars/*",
        "spark.executorEnv.PYTHONPATH": os.environ.get("PYTHONPATH", str(house.ROOT)),
        "spark.executor.memory": "1g",
        "spark.task.maxFailures": "4",
    }
    command = [
        str(binary / "spark-submit"), "--master", master,
        "--properties-file", str(house.ROOT / "conf" / "local" / "spark-defaults.conf"),
        *(word for name, value in settings.items() for word in ("--conf", f"{name}={value}")),
        *job, "--run-id", run_id,
    ]  # fmt: skip
    environment = {**os.environ, "PYSPARK_PYTHON": sys.executable, "PYSPARK_DRIVER_PYTHON": sys.executable}
    with log.open("ab") as written:
        return subprocess.Popen(
            command, cwd=log.parent, env=environment, stdout=written, stderr=written, start_new_session=True
        )


def cpu_seconds(first: int) -> float:
    """Processor time, of user and system, of a process and of all below it."""
    return sum(one.ticks for one in processes.below(first).values()) / os.sysconf("SC_CLK_TCK")


def as_large(job: Sequence[str]) -> list[str]:
    """The same job, which hands even its small work to Spark and its Python workers."""
    return [str(house.ROOT / "tests" / "lib" / "as_large.py"), *job]


def find_processes(job: int) -> dict[str, list[int]]:
    """The processes of a job by what they are (``KINDS``)."""
    found: dict[str, list[int]] = {kind: [] for kind in KINDS}
    for number, process in processes.below(job).items():
        for kind, word in (
            ("executor", "CoarseGrainedExecutorBackend"), ("Python worker", "worker_daemon"),
            ("spark-submit", "deploy.SparkSubmit"), ("driver", "/jobs/"),
        ):  # fmt: skip
            # What spark-submit's shell is given names the job, too.
            if word in process.line and (kind != "driver" or process.line.startswith(sys.executable)):
                found[kind].append(number)
                break
    return found


def kill_one(job: subprocess.Popen[bytes], kind: str, rng: random.Random) -> bool:
    """Kill one process of the kind; False if the job has none now."""
    running = find_processes(job.pid)[kind]
    if not running or job.poll() is not None:
        return False
    processes.kill(rng.choice(running))
    return True


def end_group(job: subprocess.Popen[bytes], *, patience: float) -> int | None:
    """The job's exit code; None if it had to be ended after so many seconds. Nothing of it is left."""
    code: int | None = None
    with contextlib.suppress(subprocess.TimeoutExpired):
        code = job.wait(timeout=patience)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(job.pid, signal.SIGKILL)
    job.wait()
    return code


def end_writers(warehouse: Path) -> None:
    """Kill whatever still works for a warehouse: a driver outlives the spark-submit that was killed."""
    for number in processes.writers(warehouse):
        processes.kill(number)


def tables(warehouse: Path) -> dict[str, pa.Table]:
    """Every table's rows, in an order that does not depend on files, without what names a run."""
    found = {}
    for name in Warehouse(warehouse).tables():
        rows = read_arrow(Warehouse(warehouse), name)
        rows = rows.drop_columns([column for column in rows.column_names if column in PERSONAL])
        if rows.num_rows:
            flat = [c for c in rows.column_names if not pa.types.is_nested(rows.schema.field(c).type)]
            rows = rows.sort_by([(column, "ascending") for column in flat])
        found[name] = rows
    return found
