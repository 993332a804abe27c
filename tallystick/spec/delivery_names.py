"""Names of deliveries: the business date, and from the second delivery of that date on a number.

``2026-04-06`` is the night of that date, ``2026-04-06.2`` what its supplier delivered for it after that: a correction,
or files that were forgotten. The order of the names as texts is the order in which the statements of deliveries count.
"""

from __future__ import annotations

import re
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
