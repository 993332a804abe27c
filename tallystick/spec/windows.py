"""Windows: how far back a feature looks, in one spelling per meaning.

A text such as ``30d`` becomes a value here. ``calendar``, and ``zones`` in the kernel, turns a window into instants.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tallystick.errors import DeclarationError

# Ten times a century: longer than any record, and far from the end of the calendar of datetime.
LONGEST_DAYS = 36_600
LONGEST_MONTHS = 1_200

# What stands for a whole calendar month in the place of a window; nobody can declare it as one.
MONTH = "month"

_PATTERN = re.compile(r"(?P<count>[1-9][0-9]*)(?P<unit>[dm])")


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """A span that ends at ``as_of``, half-open: ``[as_of - window, as_of)``.

    ``unit`` is ``day``, ``month`` or ``all``; ``count`` is 0 for ``all``, which starts at the customer's first
    visible event. Days and months are counted on the local wall clock of the business zone. ``calendar`` is one whole
    calendar month, which only ``Months`` looks at.
    """

    count: int
    unit: str

    def __post_init__(self) -> None:
        longest = {"day": LONGEST_DAYS, "month": LONGEST_MONTHS, "all": 0, "calendar": 1}.get(self.unit)
        if longest is None:
            raise DeclarationError(f"window has unknown unit {self.unit}", fix="day, month or all")
        if not min(1, longest) <= self.count <= longest:
            raise DeclarationError(f"window of {self.count} {self.unit}s is out of range", fix=f"1 to {longest}")

    @property
    def text(self) -> str:
        """The only spelling of this window: ``7d``, ``3m`` or ``all``."""
        if self.unit == "calendar":
            return MONTH
        return "all" if self.unit == "all" else f"{self.count}{self.unit[0]}"

    @property
    def words(self) -> str:
        """The window in words: ``the last 7 days``, ``the whole history``."""
        if self.unit == "all":
            return "the whole history"
        return f"the last {self.unit}" if self.count == 1 else f"the last {self.count} {self.unit}s"

    @property
    def is_all(self) -> bool:
        """True for the window that has no far edge: it has no previous window and no rate per day."""
        return self.unit == "all"


CALENDAR_MONTH = Window(count=1, unit="calendar")


def parse_window(text: str) -> Window:
    """The window that ``text`` spells: ``7d`` (days), ``3m`` (months) or ``all``; anything else is refused."""
    if text == "all":
        return Window(count=0, unit="all")
    match = _PATTERN.fullmatch(text)
    if match is None:
        raise DeclarationError(f"window {text!r} is not understood", fix="write 7d, 3m or all", texts=(text,))
    return Window(count=int(match["count"]), unit={"d": "day", "m": "month"}[match["unit"]])
