"""A task that fails says why, and is tried again only where that can help; whoever is named is told."""

from __future__ import annotations

import json
import subprocess
import sys
from email import message_from_string
from pathlib import Path
from typing import Any

import pytest

from tallystick import errors
from tests.dags.conftest import airflow_environment, read_answer, read_facts
from tests.lib.listeners import mail_server, webhook

# What stands in for spark-submit: says what Spark says, then the job's sentence, and ends with the code it was given.
SPARK_SUBMIT = """#!/bin/sh
for last; do :; done
if [ "$last" = hang ]; then sleep 600 & echo $$ $! > "$0.pids"; wait; fi
echo "26/04/01 00:00:00 ERROR Inbox: Ignoring error"
if [ "$last" != 137 ]; then echo "error: bank/2026-04-06: the delivery lacks a file (deliver it)"; fi
echo "26/04/01 00:00:00 INFO ShutdownHookManager: Shutdown hook called"
exit $last
"""
CODES = [*sorted({kind.exit_code for kind in errors._below(errors.TallystickError)}), 130, 137]
RETRIED = {1, 2, 7, 13, 130, 137}


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory, project_root: Path) -> dict[str, Any]:
    place = tmp_path_factory.mktemp("submitted")
    program = place / "spark-submit"
    program.write_text(SPARK_SUBMIT, encoding="utf-8")
    program.chmod(0o755)
    environment = airflow_environment(
        place / "home", warehouse=place / "warehouse", deliveries=place, project=project_root
    )
    environment["PATH"] = f"{place}:{environment['PATH']}"
    command = [sys.executable, str(project_root / "tests/lib/submit_jobs.py"), "0", *map(str, CODES)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return read_answer(done, "ENDS")


def test_only_a_failure_that_may_pass_is_tried_again(ended: dict[str, Any]) -> None:
    assert ended["ends"]["0"] == ["none", ""]
    kinds = {int(code): kind for code, (kind, _) in ended["ends"].items() if code != "0"}
    assert {code for code, kind in kinds.items() if kind == "AirflowException"} == RETRIED
    assert {code for code, kind in kinds.items() if kind == "AirflowFailException"} == set(CODES) - RETRIED


def test_a_failed_task_ends_with_the_jobs_own_sentence(ended: dict[str, Any]) -> None:
    sentence = "bank/2026-04-06: the delivery lacks a file (deliver it)"
    assert ended["ends"]["4"][1] == f"{sentence} [exit code 4]"
    assert ended["ends"]["137"][1] == "job ended with exit code 137 and gave no reason [exit code 137]"


def test_a_job_that_hangs_is_ended_with_all_its_processes_and_says_so(ended: dict[str, Any]) -> None:
    assert ended["hung"] == "not over after 6:00:00: the job was ended"
    assert ended["left"] == 0


def test_every_error_says_whether_it_may_pass() -> None:
    kinds = errors._below(errors.TallystickError)
    assert {kind.exit_code for kind in kinds if kind.may_pass} == {2, 7, 13}
    assert [code for code in CODES if errors.may_pass(code)] == sorted(RETRIED)


def test_every_task_ends_at_last_and_tells_who_is_named(
    facts: dict[str, Any], tmp_path: Path, project_root: Path
) -> None:
    for name, dag in facts["dags"].items():
        assert dag["deadline_hours"] > 0, name
        for task_id, task in dag["tasks"].items():
            assert 0 < task["timeout_hours"] <= 12, task_id
            assert task["told"] == [], task_id
    named = read_facts(
        tmp_path,
        project_root,
        TALLYSTICK_ALARM_URL="http://127.0.0.1:9/alarm",
        TALLYSTICK_ALARM_EMAIL="night@bank.example, risk@bank.example",
        TALLYSTICK_DEADLINE_HOURS="3.5",
    )
    assert {dag["deadline_hours"] for dag in named["dags"].values()} == {3.5}
    told = {tuple(task["told"]) for dag in named["dags"].values() for task in dag["tasks"].values()}
    assert told == {("tell_failure", "SmtpNotifier")}


def test_a_deadline_that_is_no_number_is_an_import_error(tmp_path: Path, project_root: Path) -> None:
    facts = read_facts(tmp_path, project_root, TALLYSTICK_DEADLINE_HOURS="soon")
    assert facts["dags"] == {}
    for text in facts["errors"].values():
        assert "TALLYSTICK_DEADLINE_HOURS: 'soon' is no number of hours (such as 6)" in text


# A task that failed, one whose process was killed, and a run that is late, by hand and by its partition key.
TELL = """
import asyncio, types
from tallystick.alarms import tell_failure, tell_late_run
ti = types.SimpleNamespace(dag_id="d", task_id="t", run_id="r", try_number=2, log_url="http://log")
run = types.SimpleNamespace(partition_key=None, conf={"date": "2026-04-06"})
tell_failure({"ti": ti, "dag_run": run, "exception": ValueError("the gate failed")})
tell_failure({"ti": ti, "dag_run": types.SimpleNamespace(partition_key="2026-04-07", conf={})})
late = {"dag_run_id": "<r>", "partition_key": "2026-04-07", "conf": None}
asyncio.run(tell_late_run("d", 6.0, context={"dag_run": late}))
"""


def test_whoever_is_named_gets_the_run_the_task_and_the_reason(tmp_path: Path, project_root: Path) -> None:
    heard: list[dict[str, Any]] = []
    received: list[str] = []
    environment = airflow_environment(tmp_path, warehouse=tmp_path, deliveries=tmp_path, project=project_root)
    with webhook(heard) as web, mail_server(received) as post:
        extra = {"disable_ssl": True, "disable_tls": True, "from_email": "airflow@bank.example"}
        connection = {"conn_type": "smtp", "host": "127.0.0.1", "port": post, "extra": extra}
        environment |= {
            "TALLYSTICK_ALARM_URL": f"http://127.0.0.1:{web}/alarm",
            "TALLYSTICK_ALARM_EMAIL": "night@bank.example",
            "AIRFLOW_CONN_SMTP_DEFAULT": json.dumps(connection),
        }
        done = subprocess.run([sys.executable, "-c", TELL], env=environment, check=False, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    failed = {"alarm": "task failed", "dag": "d", "task": "t", "run": "r", "try": 2, "log": "http://log"}
    killed = "the task's process ended and gave no reason: it was killed, or its machine went away"
    late = "not over 6 hours after it was queued"
    assert heard == [
        {**failed, "date": "2026-04-06", "reason": "the gate failed"},
        {**failed, "date": "2026-04-07", "reason": killed},
        {"alarm": "run is late", "dag": "d", "date": "2026-04-07", "run": "<r>", "reason": late},
    ]
    mail = message_from_string(*received)
    assert (mail["To"], mail["Subject"]) == ("night@bank.example", "d is late (<r>)")
    assert [part.get_payload(decode=True).strip() for part in mail.walk() if not part.is_multipart()] == [
        f"<p>&lt;r&gt; (2026-04-07): {late}</p>".encode()
    ]


def test_a_task_of_a_failed_run_can_be_cleared_and_is_late_after_its_hours_again(
    tmp_path: Path, project_root: Path
) -> None:
    (tmp_path / "deliveries").mkdir()
    environment = airflow_environment(
        tmp_path / "home", warehouse=tmp_path / "warehouse", deliveries=tmp_path / "deliveries", project=project_root
    )
    command = [sys.executable, str(project_root / "tests/lib/clear_task.py"), str(project_root / "dags")]
    done = subprocess.run(
        [*command, "daily_lending", "2026-04-01"],
        env=environment | {"TALLYSTICK_DEADLINE_HOURS": "3.5"},
        capture_output=True,
        text=True,
        check=False,
    )
    told = read_answer(done, "CLEARED")
    assert (told["before"], told["after"]) == ("failed", None)
    assert told["late_after"] == pytest.approx(3.5 * 3600, abs=5)
