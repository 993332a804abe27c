"""Labels of loans worked out the slow way, day by day, from the written definition: the oracle of the label stage.

What lives here: plain Python over lists of dictionaries. What must not: any import of the code under test.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

Row = Mapping[str, Any]


def add_months(day: date, months: int) -> date:
    """The same day of a later month, or that month's last day when it has no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def versions(rows: Iterable[Row], event_id: str, cutoff: date) -> list[Row]:
    """Per event the newest version known on the cut-off, retractions included."""
    newest: dict[str, Row] = {}
    for row in rows:
        held = newest.get(row[event_id])
        if row["known_on"] <= cutoff and (held is None or delivered(row) > delivered(held)):
            newest[row[event_id]] = row
    return list(newest.values())


def delivered(row: Row) -> tuple[date, date]:
    """The place of a version in the order of delivery; a row without ``loaded_on`` came on its ``known_on``."""
    return row.get("loaded_on", row["known_on"]), row["known_on"]


def dpd(loan: Row, payments: Sequence[Row], on: date, *, zone: str, instalments: int = 0) -> int:
    """Days from the due date of the oldest instalment not covered by payments of earlier dates to ``on``."""
    paid = sum(p["amount_minor"] for p in payments if local_date(p["event_at"], zone) < on)
    owed = 0
    for number in range(min(loan["term_months"], instalments or loan["term_months"])):
        owed += loan["instalment_minor"]
        due = add_months(loan["first_due_date"], number)
        if due < on and owed > paid:
            return (on - due).days
    return 0


def local_date(instant: Any, zone: str) -> date:
    """The calendar date of an instant in a zone."""
    found: date = instant.astimezone(ZoneInfo(zone)).date()
    return found


def delinquency(label: Any, loan: Row | None, repayments: Sequence[Row], *, cutoff: date, zone: str) -> dict[str, Any]:
    """Status, label, dpd and knowledge date of one granted loan (its current version) by a delinquency definition."""
    if loan is None:
        return {"status": "not_granted", "label": None, "dpd": None, "known_on": None}
    start = {"grant": local_date(loan["event_at"], zone), "first_due": loan["first_due_date"]}[label.anchor]
    count, unit = int(label.window[:-1]), label.window[-1]
    end = start + timedelta(days=count) if unit == "d" else add_months(start, count)
    known = [r for r in versions(repayments, "repayment_id", cutoff) if r["loan_id"] == loan["loan_id"]]
    payments = [r for r in known if not r["is_retracted"]]
    days = [end] if label.occurs == "end" else [start + timedelta(days=n + 1) for n in range((end - start).days)]
    worst = max(dpd(loan, payments, day, zone=zone, instalments=label.instalments) for day in days)
    if end + timedelta(days=label.lag_days) > cutoff:
        return {"status": "immature", "label": None, "dpd": worst, "known_on": None}
    used = [r["known_on"] for r in known if local_date(r["event_at"], zone) < end]
    known_on = max([end + timedelta(days=label.lag_days), loan["known_on"], *used])
    return {"status": "mature", "label": int(worst >= label.dpd), "dpd": worst, "known_on": known_on}
