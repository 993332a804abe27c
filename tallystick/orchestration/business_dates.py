"""The business date of a run: where it comes from, how templates name it, and what all DAGs have in common.

Every date comes from the run and never from the clock: it is the partition key, or the param ``date`` of a run that was
triggered by hand. The first task of every DAG refuses a run without a date, or with a mistyped one, at once.
One date is no business date: that on which a try of a task began, as Airflow keeps it. It dates what comes late.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from airflow.sdk import BaseOperator, Param
from airflow.sdk.exceptions import AirflowFailException

from tallystick.alarms import alarms, deadline
from tallystick.errors import InputError

BUSINESS_DATE = "{{ business_date(dag_run) }}"
FIRST_DATE = "{{ params.first or macros.ds_add(business_date(dag_run), -1) }}"
# An application may be delivered so late, or so many nights may fail, before somebody must name a first date.
LOOK_BACK_DAYS = 92
LOOK_BACK = f"{{{{ 0 if params.first else {LOOK_BACK_DAYS} }}}}"
# After a training everything is scored again, unless the run names dates.
EARLIEST_DATE = "{{ params.first or '1970-01-01' }}"
LATEST_DATE = "{{ params.last or business_date(dag_run) }}"
# The midnight that ended the month before.
MONTH_END = "{{ business_date(dag_run)[:8] }}01"


def run_date(zone: str) -> str:
    """The template of the date in ``zone`` on which a task's try began, or of the param ``run_date``, to repeat a past.

    A second try on a later day is of that day: what the first one did not publish, nobody knew before.
    """
    return f"{{{{ params.run_date or began_on(ti, {zone!r}) }}}}"


# Task and try: a retried or cleared task is new work. The same id again would be taken for done.
RUN_ID = "{{ run_id }}/{{ ti.task_id }}/{{ ti.try_number }}"

_HOW = "give it as the partition key or the param date, such as 2026-04-07"
# A run that waits for its delivery or its turn takes no place of another one; the pool keeps writers apart.
RUNS_AT_ONCE = 16


def settle_date(partition_key: str | None, asked: str | None, *, today: date) -> date:
    """The business date of a run from its partition key and its param ``date``; InputError says what is wrong with it.

    Wrong are: neither of them, two that differ, no date of the form 2026-04-07, a date after ``today``.
    """
    told = {text for text in (partition_key, asked) if text}
    if not told:
        raise InputError(f"the run has no business date: {_HOW}")
    if len(told) > 1:
        raise InputError(f"the partition key says {partition_key} and the param date {asked}: give one of them")
    (text,) = told
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise InputError(f"{text!r} is no business date: {_HOW}") from None
    if found.isoformat() != text:
        raise InputError(f"{text!r} is no business date: {_HOW}")
    if found > today:
        raise InputError(f"{text} lies after today, {today}: {_HOW}")
    return found


def check_run_date(asked: str | None, *, today: date) -> None:
    """Refuse a param ``run_date`` after ``today``: until that date no night would be known. InputError says so."""
    if asked and date.fromisoformat(asked) > today:
        raise InputError(f"the run_date {asked} lies after today, {today}: leave it empty, or give an earlier one")


class RefuseWrongDate(BaseOperator):
    """The first task of a run: it fails at once, without another try, where the run has no usable business date."""

    def __init__(self, *, zone: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.zone = zone

    def execute(self, context: Any) -> str:
        """The business date, which the task's result shows; AirflowFailException where there is none."""
        run = context["dag_run"]
        asked, today = run.conf or {}, datetime.now(ZoneInfo(self.zone)).date()
        try:
            check_run_date(asked.get("run_date"), today=today)
            return settle_date(run.partition_key, asked.get("date"), today=today).isoformat()
        except InputError as error:
            raise AirflowFailException(str(error)) from None


def dag_macros() -> dict[str, Any]:
    """What the templates of the tasks may call."""

    def business_date(dag_run: Any) -> str:
        """The date that the first task of the run has looked at."""
        return str(dag_run.partition_key or (dag_run.conf or {})["date"])

    def began_on(ti: Any, zone: str) -> str:
        """The date in ``zone`` on which this try of the task began."""
        began: datetime = ti.start_date
        return began.astimezone(ZoneInfo(zone)).date().isoformat()

    return {"business_date": business_date, "began_on": began_on}


def dag_params(**dates: str) -> dict[str, Param]:
    """The params of a DAG: its business date, and further optional dates with what each of them means."""
    meanings = {"date": "Business date, where the run has no partition key", **dates}
    return {
        name: Param(None, type=["null", "string"], format="date", title=name, description=meaning)
        for name, meaning in meanings.items()
    }


def dag_settings(dag_id: str, *, owner: str, task_hours: float, run_hours: float) -> dict[str, Any]:
    """What the DAGs have in common: retries that wait longer each time, a time after which a task is ended and its slot
    of the pool is free again, who is told when a task has failed for good, and when a run counts as late.
    """
    return {
        "dag_id": dag_id,
        "catchup": False,
        "max_active_runs": RUNS_AT_ONCE,
        "user_defined_macros": dag_macros(),
        "deadline": deadline(dag_id, hours=run_hours),
        "default_args": {
            "owner": owner,
            "retries": 2,
            "retry_delay": timedelta(minutes=5),
            "retry_exponential_backoff": 2.0,  # Airflow draws up to twice as much
            "max_retry_delay": timedelta(hours=1),
            "execution_timeout": timedelta(hours=task_hours),
            "on_failure_callback": alarms(),
            # Of two runs that want the pool, the one that is further goes first: a night is finished before another.
            "weight_rule": "upstream",
        },
    }
