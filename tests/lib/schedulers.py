"""Airflow with two schedulers on PostgreSQL, whose jobs run on this machine and write into a folder.

The parts of ``stack`` that the faults of Airflow need: no object store, no MLflow, no cluster.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from http.server import HTTPServer
from pathlib import Path
from typing import Any

from tests.lib import house, processes
from tests.lib.listeners import listen
from tests.lib.stack import Stack, wait_until

# A dead scheduler is found in a minute, not in five: the test waits for nothing else.
QUICK = {
    "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "20",
    "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "20",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "60",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "10",
}


@dataclass
class Schedulers(Stack):
    """Two schedulers and the services around them; ``heard`` are the alarms that the webhook got."""

    heard: list[dict[str, Any]] = field(default_factory=list)
    listener: HTTPServer = field(init=False)

    def __post_init__(self) -> None:
        self.listener = listen(self.heard)
        self.settings = {
            **QUICK,
            "TALLYSTICK_WAREHOUSE": str(self.home / "warehouse"),
            "TALLYSTICK_SPARK_CONF": str(house.ROOT / "conf" / "local" / "spark-defaults.conf"),
            "TALLYSTICK_ALARM_URL": f"http://127.0.0.1:{self.listener.server_port}/alarm",
            "AIRFLOW_CONN_SPARK_DEFAULT": json.dumps({"conn_type": "spark", "host": "local[2]"}),
            "TALLYSTICK_DEADLINE_HOURS": "0.1",
            "AWS_ENDPOINT_URL_S3": "",
            "MLFLOW_TRACKING_URI": "",
            **self.settings,
        }
        super().__post_init__()

    @property
    def warehouse(self) -> Path:
        """Where the tables are."""
        return self.home / "warehouse"

    def start(self) -> None:
        """Bring up PostgreSQL and Airflow."""
        for folder in ("airflow", "local", "logs", "postgres"):
            (self.home / folder).mkdir(exist_ok=True)
        self._start_postgres()
        self.call("init", ["sh", str(house.ROOT / "deploy" / "airflow_init.sh")])
        port = str(self.ports["airflow"])
        self.run("api-server", ["airflow", "api-server", "--host", "127.0.0.1", "--port", port])
        for name in ("scheduler_a", "scheduler_b"):
            self.start_scheduler(name)
        self.run("dag-processor", ["airflow", "dag-processor"])
        self.run("triggerer", ["airflow", "triggerer", "--skip-serve-logs"])
        wait_until("Airflow's services are healthy", self._is_airflow_healthy, seconds=300)

    def start_scheduler(self, name: str) -> None:
        """One of the two schedulers, also after it was killed."""
        self.run(name, ["airflow", "scheduler", "--skip-serve-logs"])

    def stop(self) -> None:
        """Take everything down, with what killed schedulers left."""
        super().stop()
        for number in processes.belonging("AIRFLOW_HOME", self.environment["AIRFLOW_HOME"]):
            processes.kill(number)
        self.listener.shutdown()
        self.listener.server_close()

    def unpause(self, dag: str) -> None:
        """Let a DAG run, once it is read."""

        def is_there() -> bool:
            return dag in {one["dag_id"] for one in self.ask("/api/v2/dags")["dags"]}

        wait_until(f"{dag} is there", is_there, seconds=300)
        self.ask(f"/api/v2/dags/{dag}", method="PATCH", body={"is_paused": False})

    def trigger(self, dag: str, day: str, **params: str) -> str:
        """Start a run of a business date by hand; its id."""
        body = {"logical_date": None, "conf": {"date": day, **params}}
        run: str = self.ask(f"/api/v2/dags/{dag}/dagRuns", method="POST", body=body)["dag_run_id"]
        return run

    def tasks(self, dag: str, run: str) -> dict[str, dict[str, Any]]:
        """The tasks of a run by their own names, with state and number of tries."""
        told = self.ask(f"/api/v2/dags/{dag}/dagRuns/{run}/taskInstances")
        return {one["task_id"].split(".")[-1]: one for one in told["task_instances"]}

    def wait_for_job(self, job: str, *, seconds: float) -> dict[str, int]:
        """The processes above a job that runs: its ``task``, the ``supervisor`` of that, and the ``scheduler``."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for number in processes.writers(self.warehouse, job):
                found: dict[str, int] = {}
                for process, one in processes.above(number).items():
                    if "airflow worker -- LocalExecutor" in one.line:
                        found["supervisor"] = process
                    elif "airflow worker -- " in one.line:
                        found["task"] = process
                    elif "airflow scheduler" in one.line:
                        found["scheduler"] = process
                if len(found) == 3:
                    return found
            time.sleep(0.1)
        raise AssertionError(f"after {seconds:.0f} s no task runs {job}")
