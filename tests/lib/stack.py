"""The services of docker-compose.yml as plain processes: for machines without a container engine, and for tests.

PostgreSQL, an S3 server, MLflow, a Spark master with two workers, and Airflow's four services, each on a port of its
own on 127.0.0.1, with one folder for all that they write.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.lib import house

BIN = Path(sys.executable).parent
PORTS = ("postgres", "s3", "mlflow", "spark", "spark_ui", "worker_a", "worker_b", "airflow")
READ_TABLES = """
import sys
from pathlib import Path
import pyarrow.parquet as pq
from tallystick.places import to_place
from tests.lib import nights
for name, rows in nights.tables(to_place(sys.argv[1])).items():
    pq.write_table(rows, Path(sys.argv[2]) / name)
"""
WAREHOUSE_BUCKET, MODEL_BUCKET = "lake", "mlflow"


def find_postgres() -> Path | None:
    """The folder of PostgreSQL's programs; None where it is not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    named = shutil.which("initdb")
    return found[-1].parent if found else Path(named).resolve().parent if named else None


def open_to_postgres(folder: Path) -> None:
    """PostgreSQL refuses root, and its own user must reach its folder: everybody may enter it and those above it.

    Nothing else changes: /tmp, which may be among them, must stay as it is.
    """
    for place in (folder, *folder.parents[:2]):
        place.chmod(place.stat().st_mode | 0o055)


def wait_until(what: str, holds: Callable[[], bool], *, seconds: float, every: float = 1.0) -> None:
    """Return once it holds; AssertionError when it does not within so many seconds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"after {seconds:.0f} s still not so: {what}"
        time.sleep(every)


def answers(url: str) -> bool:
    """Whether a service answers with success."""
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except OSError:
        return False


@dataclass
class Stack:
    """Services that are started one by one and ended together. ``home`` holds all their files."""

    home: Path
    sources: str
    recipe: str = "cash_loan"
    settings: Mapping[str, str] = field(default_factory=dict)
    ports: dict[str, int] = field(init=False)
    environment: dict[str, str] = field(init=False)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for folder in ("airflow", "local", "logs", "postgres"):
            (self.home / folder).mkdir(parents=True, exist_ok=True)
        self.ports = _free_ports()
        self.environment = {**os.environ, **self._environment(), **self.settings}

    def _environment(self) -> dict[str, str]:
        at = {name: f"127.0.0.1:{port}" for name, port in self.ports.items()}
        password = secrets.token_hex(12)
        database = f"postgresql+psycopg2://tallystick:{password}@{at['postgres']}"
        spark = {"conn_type": "spark", "host": "spark://127.0.0.1", "port": self.ports["spark"]}
        return {
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "PYTHONPATH": str(house.ROOT),
            "PYSPARK_PYTHON": sys.executable,
            "PGPASSWORD": password,
            "AIRFLOW_HOME": str(self.home / "airflow"),
            "AIRFLOW__CORE__DAGS_FOLDER": str(house.ROOT / "dags"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
            "AIRFLOW__CORE__PARALLELISM": "2",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
            "AIRFLOW__CORE__FERNET_KEY": base64.urlsafe_b64encode(os.urandom(32)).decode(),
            "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(32),
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://{at['airflow']}/execution/",
            "AIRFLOW__API__BASE_URL": f"http://{at['airflow']}",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"{database}/airflow",
            "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "60",
            "AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT": "120",
            "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "300",
            "AIRFLOW_CONN_SPARK_DEFAULT": json.dumps(spark),
            "MLFLOW_TRACKING_URI": f"http://{at['mlflow']}",
            "MLFLOW_BACKEND_STORE_URI": f"{database}/mlflow",
            "MLFLOW_ARTIFACTS_DESTINATION": f"s3://{MODEL_BUCKET}/",
            "MLFLOW_S3_ENDPOINT_URL": f"http://{at['s3']}",
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "GX_ANALYTICS_ENABLED": "false",
            "AWS_ENDPOINT_URL_S3": f"http://{at['s3']}",
            "AWS_ACCESS_KEY_ID": "stack",
            "AWS_SECRET_ACCESS_KEY": secrets.token_hex(12),
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_REGION": "us-east-1",
            "TALLYSTICK_BUCKETS": f"{MODEL_BUCKET} {WAREHOUSE_BUCKET}",
            "TALLYSTICK_WAREHOUSE": f"s3a://{WAREHOUSE_BUCKET}/warehouse",
            "TALLYSTICK_LOCAL": str(self.home / "local"),
            "TALLYSTICK_SOURCES": self.sources,
            "TALLYSTICK_RECIPE": self.recipe,
            "TALLYSTICK_SPARK_CONF": str(self.home / "spark.conf"),
        }

    def start(self) -> None:
        """Bring everything up, each service once those that it needs answer."""
        self._start_postgres()
        self.start_store()
        self.call("init", ["sh", str(house.ROOT / "deploy" / "airflow_init.sh")])
        self.run("mlflow", ["mlflow", "server", "--host=127.0.0.1", f"--port={self.ports['mlflow']}", "--workers=1"])
        self.start_spark("worker_a", "worker_b")
        at = {name: f"http://127.0.0.1:{port}" for name, port in self.ports.items()}
        for service in ("api-server", "scheduler", "dag-processor", "triggerer"):
            more = ["--host", "127.0.0.1", "--port", str(self.ports["airflow"])] if service == "api-server" else []
            quiet = ["--skip-serve-logs"] if service in ("scheduler", "triggerer") else []
            self.run(service, ["airflow", service, *more, *quiet])
        wait_until("MLflow answers", lambda: answers(f"{at['mlflow']}/health"), seconds=120)
        wait_until("Airflow's services are healthy", self._is_airflow_healthy, seconds=180)

    def start_store(self) -> None:
        """The S3 server; without its buckets, which Airflow's first step makes."""
        self.run("s3", [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.ports["s3"])])
        page = f"http://127.0.0.1:{self.ports['s3']}/moto-api/"
        wait_until("the S3 server answers", lambda: answers(page), seconds=60)

    def start_spark(self, *workers: str) -> None:
        """The Spark master and these workers."""
        self._write_spark_settings()
        master = [*_spark_class("master.Master"), "--host", "127.0.0.1", "--port", str(self.ports["spark"])]
        self.run("master", [*master, "--webui-port", str(self.ports["spark_ui"])])
        page = f"http://127.0.0.1:{self.ports['spark_ui']}"
        wait_until("the Spark master answers", lambda: answers(page), seconds=60)
        for name in workers:
            self.start_worker(name)

    def start_worker(self, name: str) -> None:
        """A Spark worker with one core."""
        command = [*_spark_class("worker.Worker"), "--host", "127.0.0.1", "--cores", "1", "--memory", "1g"]
        command += ["--webui-port", str(self.ports[name]), "--work-dir", str(self.home / name)]
        self.run(name, [*command, f"spark://127.0.0.1:{self.ports['spark']}"])

    def run(self, name: str, command: list[str], *, user: str | None = None) -> None:
        """Start a service; what it prints is in logs/NAME.log."""
        with (self.home / "logs" / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                command, env=self.environment, cwd=self.home, stdout=log, stderr=log, start_new_session=True, user=user
            )

    def call(self, name: str, command: list[str], *, user: str | None = None) -> None:
        """Run a command to its end; AssertionError with its last words when it fails."""
        log = self.home / "logs" / f"{name}.log"
        with log.open("ab") as written:
            done = subprocess.run(
                command, env=self.environment, cwd=self.home, stdout=written, stderr=written, check=False, user=user
            )
        assert done.returncode == 0, f"{name}: {log.read_text()[-2000:]}"

    def read_tables(self, name: str) -> dict[str, pa.Table]:
        """The warehouse's tables, read in a process of its own with the stack's environment (``nights.tables``)."""
        out = self.home / name
        out.mkdir()
        self.call("read", [sys.executable, "-c", READ_TABLES, self.environment["TALLYSTICK_WAREHOUSE"], str(out)])
        return {path.name: pq.read_table(path) for path in sorted(out.iterdir())}

    def kill(self, name: str) -> None:
        """kill -9 of a service and of all that it started."""
        process = self.processes.pop(name)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def stop(self) -> None:
        """Take everything down, the last started first."""
        for name in reversed(list(self.processes)):
            if name == "postgres":
                self.processes[name].send_signal(signal.SIGINT)  # a fast shutdown
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.processes[name].wait(timeout=20)
            self.kill(name)

    def ask(self, path: str, *, method: str = "GET", body: Mapping[str, Any] | None = None) -> Any:
        """Airflow's answer to a request to its interface."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.ports['airflow']}{path}", method=method)
        if path.startswith("/api/v2/dags"):
            request.add_header("Authorization", f"Bearer {self.ask('/auth/token')['access_token']}")
        data = json.dumps(body).encode() if body is not None else None
        request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, data=data, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{method} {path}: {error.code} {error.read().decode()[:500]}") from error

    def _is_airflow_healthy(self) -> bool:
        try:
            told = self.ask("/api/v2/monitor/health")
        except OSError:
            return False
        return all(one["status"] == "healthy" for one in told.values())

    def _write_spark_settings(self) -> None:
        text = (house.ROOT / "deploy" / "spark.conf").read_text(encoding="utf-8")
        text = text.replace("/opt/jars", str(house.ROOT / ".jars")).replace("/opt/tallystick", str(house.ROOT))
        small = {
            "spark.driver.memory": "1g",
            "spark.executor.memory": "1g",
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
        }
        kept = [line for line in text.splitlines() if line.split(" ")[0] not in small]
        lines = [*kept, *(f"{name} {value}" for name, value in small.items())]
        (self.home / "spark.conf").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def _start_postgres(self) -> None:
        programs, data = find_postgres(), self.home / "postgres"
        assert programs is not None, "PostgreSQL is not installed: apt-get install postgresql"
        # The server refuses to run as root.
        user = "postgres" if os.geteuid() == 0 else None
        password = self.home / "local" / "password"
        password.write_text(self.environment["PGPASSWORD"], encoding="utf-8")
        if user:
            owner = pwd.getpwnam(user).pw_uid
            os.chown(data, owner, -1)
            os.chown(password, owner, -1)
        init = [str(programs / "initdb"), "-D", str(data), "-U", "tallystick", "--auth=scram-sha-256", "-E", "UTF8"]
        self.call("initdb", [*init, f"--pwfile={password}"], user=user)
        port = str(self.ports["postgres"])
        server = [str(programs / "postgres"), "-D", str(data), "-p", port, "-h", "127.0.0.1", "-k", str(data)]
        self.run("postgres", server, user=user)
        at = ["-h", "127.0.0.1", "-p", port, "-U", "tallystick", "-d", "postgres"]
        ready = [str(programs / "pg_isready"), *at]
        wait_until(
            "PostgreSQL answers",
            lambda: subprocess.run(ready, capture_output=True, check=False).returncode == 0,
            seconds=60,
        )
        for name in ("airflow", "mlflow"):
            self.call("psql", [str(programs / "psql"), *at, "-c", f"CREATE DATABASE {name}"])


def _spark_class(name: str) -> list[str]:
    return [str(BIN / "spark-class"), f"org.apache.spark.deploy.{name}"]


def _free_ports() -> dict[str, int]:
    """A port for each service; all are held at once, so that no two get the same."""
    with contextlib.ExitStack() as held:
        found = {}
        for name in PORTS:
            taken = held.enter_context(socket.socket())
            taken.bind(("127.0.0.1", 0))
            found[name] = taken.getsockname()[1]
        return found
