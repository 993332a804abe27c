"""Rows of clean tables that tests of declared features write by hand, with the columns that every row needs."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator, Mapping
from typing import Any
from zoneinfo import ZoneInfo

ZONE = "Asia/Shanghai"
CUSTOMER = "simbank:1"
Row = dict[str, Any]


def at(day: str, clock: str = "12:00") -> dt.datetime:
    """An instant of the local wall clock, such as ``at("2026-03-09", "23:30")``."""
    return dt.datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=ZoneInfo(ZONE)).astimezone(dt.UTC)


def differing(found: Mapping[str, int | float | None], group: str, expected: Mapping[str, float | None]) -> list[str]:
    """What differs from ``expected``, whose names are without the group's: null is not 0, numbers agree to 1e-12."""
    wrong = []
    for name, value in expected.items():
        is_value = found[f"{group}_{name}"]
        if is_value is None or value is None:
            agree = is_value is value
        else:
            agree = math.isclose(is_value, value, rel_tol=1e-12, abs_tol=1e-12)
        if not agree:
            wrong.append(f"{name} is {is_value}, not {value}")
    return wrong


class Rows:
    """Rows of one table. ``key`` is its event id; a row is known on the day after it happened, unless it says more."""

    def __init__(self, key: str) -> None:
        self._key = key
        self._rows: list[Row] = []

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows)

    def add(self, day: str, clock: str = "12:00", **parts: Any) -> Row:
        """One more row; its id is its number unless ``parts`` names one."""
        known = dt.date.fromisoformat(day) + dt.timedelta(days=1)
        row = {
            self._key: str(len(self._rows)), "customer_id": CUSTOMER, "event_at": at(day, clock), "known_on": known,
            "loaded_on": known, "is_retracted": False, **parts,
        }  # fmt: skip
        self._rows.append(row)
        return row

    def correct(self, row: Row, known_on: str, **parts: Any) -> Row:
        """Another version of ``row``, delivered on a later day and known from it on."""
        day = dt.date.fromisoformat(known_on)
        made = {**row, "known_on": day, "loaded_on": day, **parts}
        self._rows.append(made)
        return made
