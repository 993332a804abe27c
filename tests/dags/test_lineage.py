"""A deployment that names where to send lineage gets tables and columns of every task; any other sends nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.dags.conftest import RECIPE, SOURCE, STATES, airflow_environment, read_answer

DAY = "2026-04-02"
# Stands in for spark-submit: all jobs end well but the scores.
SPARK_SUBMIT = """#!/bin/sh
case "$*" in *score_observations.py*) echo "error: no model was trained yet"; exit 11;; esac
"""
Events = dict[tuple[str, str], dict[str, Any]]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("lineage")
    (place / "bank" / DAY).mkdir(parents=True)
    program = place / "spark-submit"
    program.write_text(SPARK_SUBMIT, encoding="utf-8")
    program.chmod(0o755)
    return place


@pytest.fixture(scope="module")
def events(place: Path, project_root: Path) -> Events:
    """What was sent of one night, by job and kind of event."""
    environment = airflow_environment(
        place / "home", warehouse=place / "tables", deliveries=place / "bank", project=project_root
    )
    environment["PATH"] = f"{place}:{environment['PATH']}"
    transport = {"type": "file", "log_file_path": f"{place}/events.json", "append": True}
    environment["AIRFLOW__OPENLINEAGE__TRANSPORT"] = json.dumps(transport)
    environment["AIRFLOW__OPENLINEAGE__EXECUTION_TIMEOUT"] = "60"
    program = str(project_root / "tests/lib/run_dag.py")
    done = subprocess.run(
        [sys.executable, program, str(project_root / "dags"), "daily_lending", DAY, "{}"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    states = read_answer(done, STATES)["tasks"]
    assert states[f"{SOURCE}.build_labels"] == "success", done.stdout[-3000:]
    assert states[f"{SOURCE}.score_observations"] == "failed"
    lines = (place / "events.json").read_text(encoding="utf-8").splitlines()
    told = [json.loads(line) for line in lines]
    return {(one["job"]["name"].rpartition(".")[2], one["eventType"]): one for one in told}


def names(datasets: list[dict[str, Any]], place: Path) -> set[str]:
    """What datasets are called, under the place of the test."""
    assert {one["namespace"] for one in datasets} == {"file"}
    return {str(Path(one["name"]).relative_to(place)) for one in datasets}


def made_of(event: dict[str, Any], table: str, column: str) -> set[tuple[str, str, str]]:
    """Of a column that an event says is written: table, column and type of what it is made of."""
    output = next(one for one in event["outputs"] if one["name"].endswith(f"/{table}"))
    fields = output["facets"]["columnLineage"]["fields"][column]["inputFields"]
    return {("/".join(Path(one["name"]).parts[-2:]), one["field"], one["transformations"][0]["type"]) for one in fields}


def test_a_task_tells_of_its_tables_when_it_starts_and_when_it_ends(events: Events, place: Path) -> None:
    for job in ("ingest_source", "compute_features", "build_labels"):
        start, end = events[job, "START"], events[job, "COMPLETE"]
        assert names(start["inputs"], place) == names(end["inputs"], place) != set(), job
        assert names(start["outputs"], place) == names(end["outputs"], place) != set(), job
    assert "bank/loan.csv.gz" in names(events["ingest_source", "COMPLETE"]["inputs"], place)
    assert names(events["build_labels", "COMPLETE"]["outputs"], place) == {"tables/label/dpd30_in_90_days"}


def test_a_task_that_failed_tells_so(events: Events, place: Path) -> None:
    failed = events["score_observations", "FAIL"]
    assert names(failed["outputs"], place) == {"tables/score/applications"}
    assert f"tables/training/{RECIPE}" in names(failed["inputs"], place)
    assert "columnLineage" not in failed["outputs"][0]["facets"]


def test_a_column_of_a_clean_table_is_traced_to_the_columns_of_files(events: Events) -> None:
    event = events["ingest_source", "COMPLETE"]
    assert made_of(event, "clean/loans", "amount_minor") == {("bank/loan.csv.gz", "AMT", "DIRECT")}
    assert made_of(event, "clean/loans", "currency") == set()


def test_a_feature_is_traced_to_the_columns_that_it_is_made_of(events: Events) -> None:
    event = events["compute_features", "COMPLETE"]
    assert made_of(event, "feature/transactions", "transactions_credit_sum_30d") == {
        ("clean/transactions", "amount_minor", "DIRECT"),
        ("clean/transactions", "direction", "INDIRECT"),
    }


def test_nothing_is_sent_unless_a_deployment_says_where_to(place: Path, project_root: Path) -> None:
    environment = airflow_environment(place / "home", warehouse=place, deliveries=place, project=project_root)
    code = "from airflow.providers.openlineage import conf; print(conf.is_disabled())"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "True"
