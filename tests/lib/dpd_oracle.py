"""Labels of loans worked out the slow way, day by day, from the written definition: the oracle of the label stage.

Plain Python over lists of dictionaries.
"""

from __future__ import annotations

import calendar
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

Row = Mapping[str, Any]


def add_months(day: date, months: int) -> date:
    """The same day of a later month, or that month's last day when it has no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


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


def open_instalments(loan: Row, payments: Sequence[Row], on: date, *, zone: str) -> int:
    """How many instalments that fell due before ``on`` are not covered by payments of earlier dates, oldest first."""
    left = sum(p["amount_minor"] for p in payments if local_date(p["event_at"], zone) < on)
    number_open = 0
    for number in range(loan["term_months"]):
        left -= loan["instalment_minor"]
        number_open += add_months(loan["first_due_date"], number) < on and left < 0
    return number_open
