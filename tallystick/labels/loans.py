"""The loan that each observation is judged by, and since when that is settled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tallystick.labels.engines import Steps
from tallystick.labels.local_dates import local_date_sql
from tallystick.labels.versions import KnownTables, in_force_sql

OBSERVED = "observed_loans"
CURRENT = "current_loans"


def observed_loans(known: KnownTables[Any], *, key: str, wanted: Mapping[str, str]) -> Steps:
    """The loan of each observation by the set's key, in step OBSERVED: source, observation_id, loan_known_on, loan_id,
    ``granted_on`` and ``wanted``, by name in SQL over a row of the loan. CURRENT holds the loans in force.

    ``key`` is ``loan_id``, or ``application_id`` for the first loan of an application. ``loan_known_on`` is the date
    from which on which loan it is, and all that is known of it, stays as it is until the cut-off.
    """
    columns = {"loan_id": "loan_id", "granted_on": local_date_sql("event_at", known.zone), **wanted}
    name, steps = known.versions("clean.loans")
    steps = {**steps, CURRENT: in_force_sql(name)}
    if key == "loan_id":
        told = ", ".join(f"{sql} AS {column}" for column, sql in columns.items())
        by_id = f"SELECT source, loan_id AS observation_id, known_on AS loan_known_on, {told} FROM {CURRENT}"
        return {**steps, OBSERVED: by_id}
    return {**steps, **_loans_of_applications(name, columns)}


def _loans_of_applications(versions: str, columns: Mapping[str, str]) -> Steps:
    """A source may split an application into several loans: the first one granted is judged (event_at, then loan_id).

    ``loan_known_on`` takes more than the loan's own versions into account: also loans that would have come first and
    were taken back, moved to a later day or to another application. The loan's columns are null where an application
    had loans and has none left.
    """
    first = "MIN(CASE WHEN in_force THEN STRUCT(event_at, loan_id) END) OVER (PARTITION BY source, application_id)"
    told = ", ".join(f"{sql} AS {column}" for column, sql in columns.items() if column != "loan_id")
    ranked = (
        f"SELECT source, application_id, loan_id, event_at, in_force, in_force_since, {told}, {first} AS _first"
        f" FROM {versions} WHERE NOT is_retracted"
    )
    is_first = "in_force AND event_at = _first.event_at AND loan_id = _first.loan_id"
    # A loan that was granted after the first one never changed which one is first.
    in_the_way = "event_at < _first.event_at OR (event_at = _first.event_at AND loan_id <= _first.loan_id)"
    chosen = (
        "SELECT source, application_id AS observation_id, MAX(in_force_since) AS loan_known_on,"
        f" MAX(CASE WHEN {is_first} THEN STRUCT({', '.join(columns)}) END) AS _loan"
        f" FROM ranked_loans WHERE _first IS NULL OR {in_the_way} GROUP BY source, application_id"
    )
    listed = ", ".join(f"_loan.{column} AS {column}" for column in columns)
    return {
        "ranked_loans": ranked,
        "chosen_loans": chosen,
        OBSERVED: f"SELECT source, observation_id, loan_known_on, {listed} FROM chosen_loans",
    }
