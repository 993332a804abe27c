"""Airflow in processes of its own: it reads its configuration at import, and a scheduler imports nothing of ours.

The environment of a throw-away deployment, and the facts of its DAGs.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

RECIPE = "cash_loan"
SOURCE = "simbank"

# What tests/lib/read_dags.py and tests/lib/run_dag.py begin their line of JSON with: Airflow talks on stdout too.
FACTS, STATES = "FACTS", "STATES"


def read_answer(done: subprocess.CompletedProcess[str], mark: str) -> dict[str, Any]:
    """The line of JSON in what a program printed."""
    lines = [line for line in done.stdout.splitlines() if line.startswith(mark)]
    assert lines, done.stdout[-3000:] + done.stderr[-3000:]
    answer: dict[str, Any] = json.loads(lines[0].removeprefix(mark))
    return answer


def airflow_environment(home: Path, *, warehouse: Path, deliveries: Path, project: Path) -> dict[str, str]:
    """The variables under which Airflow runs in these tests: SQLite, no examples, Spark on this machine."""
    keep = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "TALLYSTICK_"))}
    return keep | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(project / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
        "AIRFLOW_CONN_SPARK_DEFAULT": json.dumps({"conn_type": "spark", "host": "local[2]"}),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYSPARK_PYTHON": sys.executable,
        "TALLYSTICK_WAREHOUSE": str(warehouse),
        "TALLYSTICK_SOURCES": f"{SOURCE}={deliveries}",
        "TALLYSTICK_RECIPE": RECIPE,
    }


@pytest.fixture(scope="session")
def facts(tmp_path_factory: pytest.TempPathFactory, project_root: Path) -> dict[str, Any]:
    """What a DAG processor sees: import errors, DAGs with their tasks, and the modules that parsing imported."""
    place = tmp_path_factory.mktemp("airflow")
    return read_facts(place, project_root)


def read_facts(place: Path, project: Path, **changed: str) -> dict[str, Any]:
    """The facts of a deployment in ``place``, with some of its variables changed."""
    (place / "deliveries").mkdir()
    environment = airflow_environment(
        place / "home", warehouse=place / "warehouse", deliveries=place / "deliveries", project=project
    )
    done = subprocess.run(
        [sys.executable, str(project / "tests/lib/read_dags.py"), str(project / "dags")],
        env=environment | changed,
        capture_output=True,
        text=True,
        check=False,
    )
    return read_answer(done, FACTS)
