"""The edges of windows on the wall clock, from the definition: part of the oracle."""

from __future__ import annotations

import datetime as dt
import re

from tallystick.spec.bases import Cell


def back(local: dt.datetime, unit: str, count: int) -> dt.datetime:
    """So many days or months before a local time; a month without that day ends on its last one."""
    if unit == "d":
        return local - dt.timedelta(days=count)
    year, month = local.year, local.month - count
    while month < 1:
        year, month = year - 1, month + 12
    for day in range(local.day, 0, -1):
        try:
            return local.replace(year=year, month=month, day=day)
        except ValueError:  # the month has no such day
            continue
    raise AssertionError("every month has a first day")


def measured(window: str) -> tuple[int, str]:
    """How many of which unit a window has; hours are minutes."""
    found = re.fullmatch(r"(\d+)(min|h|d|m)", window)
    assert found is not None, window
    return (int(found[1]) * 60, "min") if found[2] == "h" else (int(found[1]), found[2])


def skipped(cell: Cell) -> int:
    """How many of its unit the window ends earlier than its lag says."""
    return measured(cell.after)[0] if cell.after else 0
