"""Who is told when a task fails or a run is late: a webhook, an e-mail, or nobody but Airflow's own pages.

Apart from ``orchestration``, because Airflow imports these functions where a callback runs: in the task's process, in
the DAG processor and in the triggerer. They import nothing heavy and know no job.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import Mapping
from datetime import timedelta
from html import escape
from typing import Any, cast
from urllib.request import Request, urlopen

from airflow.providers.smtp.notifications.smtp import SmtpNotifier
from airflow.sdk.definitions.callback import AsyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert, DeadlineReference

from tallystick.errors import DeclarationError

URL, MAIL, HOURS = "TALLYSTICK_ALARM_URL", "TALLYSTICK_ALARM_EMAIL", "TALLYSTICK_DEADLINE_HOURS"
# A webhook that does not answer must not hold a task; Airflow shows the failure in any case.
PATIENCE = 10.0
_WEBHOOK = re.compile(r"https?://[A-Za-z0-9][!-~]*")
# Airflow has no exception where the task's own process is gone.
NO_REASON = "the task's process ended and gave no reason: it was killed, or its machine went away"


def check_url(environment: Mapping[str, str] = os.environ) -> None:
    """DeclarationError where the webhook is no http address: urlopen would read files, and show what it refuses."""
    if (address := environment.get(URL)) and not _WEBHOOK.fullmatch(address):
        raise DeclarationError("the webhook is no address", where=URL, fix="https://host/path")


def alarms(environment: Mapping[str, str] = os.environ) -> list[Any]:
    """What Airflow calls when a task has failed for good, as the environment says; empty where it names nobody."""
    check_url(environment)
    told: list[Any] = [tell_failure] if environment.get(URL) else []
    if addresses := _addresses(environment):
        told.append(SmtpNotifier(to=addresses, subject=_SUBJECT, html_content=_BODY))
    return told


def deadline(dag_id: str, *, hours: float, environment: Mapping[str, str] = os.environ) -> DeadlineAlert:
    """The alert for a run that has not ended ``hours`` after it was queued; TALLYSTICK_DEADLINE_HOURS is for all DAGs.

    DeclarationError where the variable is no number above 0.
    """
    text = environment.get(HOURS, "")
    try:
        allowed = float(text) if text else hours
    except ValueError:
        allowed = 0.0
    if not 0 < allowed < 24 * 365:
        raise DeclarationError(f"{text!r} is no number of hours", where=HOURS, fix="such as 6")
    # In seconds, which Airflow reads, too: it stores a timedelta as an object, and 3.3 then refuses to clear a task of
    # a run that has not ended well (https://github.com/apache/airflow/issues/70368).
    interval = cast("timedelta", timedelta(hours=allowed).total_seconds())
    return DeadlineAlert(
        reference=DeadlineReference.DAGRUN_QUEUED_AT,
        interval=interval,
        callback=AsyncCallback(tell_late_run, kwargs={"dag_id": dag_id, "hours": allowed}),
        name=f"{dag_id} is late",
    )


def tell_failure(context: Mapping[str, Any]) -> None:
    """Send a failed task to the webhook: which task of which run, why, and where its log is. No row is ever in it."""
    instance, run = context["ti"], context.get("dag_run")
    _send(
        {
            "alarm": "task failed",
            "dag": instance.dag_id,
            "task": instance.task_id,
            "date": _business_date(getattr(run, "partition_key", None), getattr(run, "conf", None)),
            "run": instance.run_id,
            "try": instance.try_number,
            "reason": str(context.get("exception") or NO_REASON),
            "log": str(getattr(instance, "log_url", "")),
        }
    )


async def tell_late_run(dag_id: str, hours: float, context: Mapping[str, Any] | None = None, **_: Any) -> None:
    """Send a run that is late to whoever is named. Airflow's ``context`` holds the run as its interface answers it."""
    run = (context or {}).get("dag_run") or {}
    message = {
        "alarm": "run is late",
        "dag": dag_id,
        "date": _business_date(run.get("partition_key"), run.get("conf")),
        "run": str(run.get("dag_run_id", "")),
        "reason": f"not over {hours:g} hours after it was queued",
    }
    told: list[Any] = [asyncio.to_thread(_send, message)] if os.environ.get(URL) else []
    if addresses := _addresses(os.environ):
        body = escape(f"{message['run']} ({message['date']}): {message['reason']}")
        mail = SmtpNotifier(to=addresses, subject=f"{dag_id} is late ({message['run']})", html_content=f"<p>{body}</p>")
        told.append(mail.async_notify({}))
    # Each is told whatever becomes of the other; Airflow shows the first error.
    for outcome in await asyncio.gather(*told, return_exceptions=True):
        if outcome is not None:
            raise outcome


def _addresses(environment: Mapping[str, str]) -> list[str]:
    return [one.strip() for one in environment.get(MAIL, "").split(",") if one.strip()]


def _business_date(partition_key: str | None, conf: Mapping[str, Any] | None) -> str:
    """The date of a run as it was asked for, also where ``business_date`` has refused it; empty if there is none."""
    return str(partition_key or (conf or {}).get("date") or "")


def _send(message: Mapping[str, Any]) -> None:
    """One POST of JSON. An error is left to Airflow, which writes it to the log of the callback."""
    body = json.dumps(dict(message)).encode()
    asked = Request(os.environ[URL], data=body, headers={"Content-Type": "application/json"}, method="POST")
    with urlopen(asked, timeout=PATIENCE):
        pass


_SUBJECT = "{{ ti.dag_id }}: {{ ti.task_id }} failed ({{ run_id }})"
_BODY = (
    f"<p>{{{{ (exception or {NO_REASON!r}) | e }}}}</p>"
    "<p>Try {{ ti.try_number }} of {{ ti.task_id }} in {{ ti.dag_id }}, {{ run_id }}.</p>"
)
