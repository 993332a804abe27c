"""The dates of a graph's snapshots.

Kept apart from ``graph_snapshots`` because a run asks for dates before it reads a row.
"""

from __future__ import annotations

from datetime import date, timedelta


def list_snapshots(every: str, *, first: date, last: date) -> list[date]:
    """Every date of a snapshot from ``first`` to ``last``, both inclusive: each day, Mondays, or firsts of a month.

    >>> list_snapshots("month", first=date(2026, 1, 2), last=date(2026, 3, 1))
    [datetime.date(2026, 2, 1), datetime.date(2026, 3, 1)]
    """
    is_due = {"day": lambda _: True, "week": lambda day: day.weekday() == 0, "month": lambda day: day.day == 1}[every]
    days = (last - first).days + 1
    return [day for day in (first + timedelta(days=number) for number in range(days)) if is_due(day)]
