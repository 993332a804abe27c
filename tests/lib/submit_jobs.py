"""Run the operator that submits jobs, once for each exit code, and print how each task would end as one line of JSON.

A program for a process of its own, since Airflow reads its configuration at import.

    python tests/lib/submit_jobs.py 0 4 137
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

from airflow.sdk.exceptions import AirflowTaskTimeout
from airflow.sdk.execution_time.timeout import timeout

from tallystick.submitting import JobOperator

MARK = "ENDS"
CONTEXT = {"dag_run": SimpleNamespace(partition_key="2026-04-01")}


def job_operator(last: str) -> JobOperator:
    """A task whose job gets one argument; nobody asks for its lineage."""
    return JobOperator(
        task_id="job",
        application="job.py",
        application_args=[last],
        conn_id="spark_default",
        lineage=lambda with_columns: None,
    )


def end_of(code: str) -> list[str]:
    """The class and the text of what the task raises when its job ends with ``code``."""
    operator = job_operator(code)
    try:
        operator.execute(CONTEXT)
    except Exception as error:  # noqa: BLE001 - which one it is, is what is asked
        return [type(error).__name__, str(error)]
    return ["none", ""]


def end_of_hung() -> tuple[str, int]:
    """What the task of a job that hangs raises when its time is over, and how many processes of the job are left."""
    operator = job_operator("hang")
    operator.execution_timeout = timedelta(hours=6)
    written = Path(shutil.which("spark-submit") or "").with_suffix(".pids")
    threading.Thread(target=end_time_once_there, args=[written], daemon=True).start()
    reason = ""
    # As Airflow's own runner does it.
    try:
        with timeout(operator.execution_timeout.total_seconds()):
            operator.execute(CONTEXT)
    except AirflowTaskTimeout as error:
        operator.on_kill()
        reason = str(error)
    numbers = [int(number) for number in written.read_text(encoding="ascii").split()]
    ends = time.monotonic() + 30  # a busy machine needs some seconds
    while time.monotonic() < ends and any(map(is_alive, numbers)):
        time.sleep(0.02)
    return reason, sum(map(is_alive, numbers))


def end_time_once_there(written: Path) -> None:
    """The time of the task is over as soon as its job has written the numbers of its processes."""
    while not written.is_file() or len(written.read_text(encoding="ascii").split()) < 2:
        time.sleep(0.02)
    os.kill(os.getpid(), signal.SIGALRM)


def is_alive(number: int) -> bool:
    """Whether a process of that number runs; one that has ended and was not waited for yet does not."""
    with contextlib.suppress(OSError):
        return ") Z " not in Path(f"/proc/{number}/stat").read_text(encoding="utf-8")
    return False


if __name__ == "__main__":
    ends = {code: end_of(code) for code in sys.argv[1:]}
    reason, left = end_of_hung()
    sys.stdout.write(f"{MARK}{json.dumps({'ends': ends, 'hung': reason, 'left': left})}\n")
