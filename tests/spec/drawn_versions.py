"""The rows that a drawn table of versions stands for."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

import pyarrow as pa

from tests.lib.feature_cases import make_events
from tests.spec.drawn_tables import Drawn, VersionCase

CUSTOMER = "bank:1"


def versions_of(case: Drawn) -> pa.Table:
    """Each row's amount is a power of two, by its place in the table."""
    rows = []
    for number, row in enumerate(case.rows):
        made = {
            "event_at": case.instant(row["event_at"]).astimezone(dt.UTC),
            "known_on": dt.date.fromisoformat(row["known_on"]),
            "amount_minor": 2**number,
            "is_retracted": row.get("retracted") == "yes",
        }
        made |= {"transaction_id": row["event"]} if "event" in row else {}
        made |= {"loaded_on": dt.date.fromisoformat(row["loaded_on"])} if "loaded_on" in row else {}
        rows.append(made)
    return make_events(rows)


def days_of(case: VersionCase) -> dict[str, dt.date]:
    """The business date of each column that answers."""
    return {column: dt.date.fromisoformat(f"2026-{column}") for column in case.answers}


def midnight(case: Drawn, day: dt.date) -> dt.datetime:
    """The instant at which a date begins in the case's zone."""
    return case.instant(f"{day} 00:00").astimezone(dt.UTC)


def told_of(case: Drawn, numbers: Collection[int]) -> list[str]:
    """What a column says if exactly these rows are in."""
    return ["in" if number in numbers else "" for number in range(len(case.rows))]
