"""Names of deliveries: the business date, and from the second delivery of that date on a number.

``2026-04-06`` is the night of that date, ``2026-04-06.2`` what its supplier delivered for it after that: a correction,
or files that were forgotten. The order of the names as texts is the order in which the statements of deliveries count.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date

from tallystick.errors import InputError

_NAME = re.compile(r"(\d{4}-\d{2}-\d{2})(\.[2-9])?")
_LIKE_A_NAME = re.compile(r"\d{4}-\d{2}-\d{2}(\.\d+)?")


def business_date(name: str) -> date:
    """The business date of a delivery by its name; ValueError for another text."""
    return date.fromisoformat(name[:10])


def is_delivery(name: str, *, where: str = "") -> bool:
    """Whether a folder of this name is a delivery. InputError for one that only looks like it, such as ``2026-13-03``
    or ``2026-03-10.12``: a delivery that nobody would read.
    """
    if not _LIKE_A_NAME.fullmatch(name):
        return False
    try:
        business_date(name)
    except ValueError:
        fix = "name it by the business date of its delivery"
        raise InputError("the folder's name is no date", where=where or name, fix=fix) from None
    if not _NAME.fullmatch(name):
        fix = f"further deliveries of one business date are named {name[:10]}.2 to {name[:10]}.9"
        raise InputError("the folder's name is no delivery's", where=where or name, fix=fix)
    return True


def next_name(name: str) -> str:
    """The name for a correction of a delivery."""
    return f"{name[:10]}.{int(name[11:] or 1) + 1}"


def told_records(records: Mapping[str, int]) -> str:
    """The deliveries of a load, and how many records each had, as ``monitor.loads`` keeps them."""
    return " ".join(f"{name}:{rows}" for name, rows in records.items())


def read_records(told: str) -> dict[str, int]:
    """The deliveries of a load, and how many records each had, from ``told_records``."""
    return {name: int(rows) for name, _, rows in (part.partition(":") for part in told.split())}


def loaded_nights(told: str | None, loaded_on: date) -> list[date]:
    """The business dates of the deliveries of a load, from ``told_records``: how fresh the source is with it.

    A load that does not name its deliveries, of before they were told, is of one delivery: that of its own date. What
    came late is known from ``loaded_on`` on, and says nothing of that date.
    """
    return [business_date(name) for name in read_records(told)] if told else [loaded_on]


def fed_nights(fed_by: str | None, told: str | None, loaded_on: date) -> list[date]:
    """Those of them whose delivery held a file of a table, by the names in ``fed_by``: how fresh the table is with it.

    None is a load of before it was told per table, in which each delivery counts for each table; an empty text is one
    in which no file of the table came.
    """
    return loaded_nights(told, loaded_on) if fed_by is None else [business_date(name) for name in fed_by.split()]
