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

HOUR_MINUTES = 60
DAY_MINUTES = 1_440

# What stands for a whole calendar month in the place of a window; nobody can declare it as one.
MONTH = "month"

_PATTERN = re.compile(r"(?P<count>[1-9][0-9]*)(?P<unit>min|h|d|m)")

# Hours are minutes: windows of both lie one in the other, and one base goes with both.
_UNITS = {"min": ("minute", 1), "h": ("minute", HOUR_MINUTES), "d": ("day", 1), "m": ("month", 1)}
_LONGEST = {
    "minute": LONGEST_DAYS * DAY_MINUTES, "day": LONGEST_DAYS, "month": LONGEST_MONTHS, "all": 0, "calendar": 1,
}  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """A span that ends at ``as_of``, half-open: ``[as_of - window, as_of)``.

    ``unit`` is ``minute``, ``day``, ``month`` or ``all``; ``count`` is 0 for ``all``, which starts at the customer's
    first visible event. Days and months are counted on the local wall clock of the business zone. Minutes are time
    that has passed, whatever the clock showed: ``24h`` is not ``1d`` where the clock is changed. ``calendar`` is one
    whole calendar month, which only ``Months`` looks at.
    """

    count: int
    unit: str

    def __post_init__(self) -> None:
        longest = _LONGEST.get(self.unit)
        if longest is None:
            raise DeclarationError(f"window has unknown unit {self.unit}", fix="minute, day, month or all")
        if not min(1, longest) <= self.count <= longest:
            raise DeclarationError(f"window of {self.count} {self.unit}s is out of range", fix=f"1 to {longest}")

    @property
    def text(self) -> str:
        """The only spelling of this window: ``10min``, ``24h``, ``7d``, ``3m`` or ``all``."""
        if self.unit == "calendar":
            return MONTH
        return "all" if self.unit == "all" else distance_text(self.unit, self.count)

    @property
    def length(self) -> str:
        """How long it is, in words: ``7 days``, ``1 hour``; nothing for ``all``."""
        if self.unit == "all":
            return ""
        is_hours = self.unit == "minute" and self.count % HOUR_MINUTES == 0
        count, unit = (self.count // HOUR_MINUTES, "hour") if is_hours else (self.count, self.unit)
        return f"1 {unit}" if count == 1 else f"{count} {unit}s"

    @property
    def words(self) -> str:
        """The window in words: ``the last 7 days``, ``the last hour``, ``the whole history``."""
        return f"the last {self.length.removeprefix('1 ')}" if self.length else "the whole history"

    @property
    def is_all(self) -> bool:
        """True for the window that has no far edge: it has no previous window and no rate per day."""
        return self.unit == "all"

    @property
    def has_days(self) -> bool:
        """False for minutes and hours: no whole business day lies in them for sure."""
        return self.unit != "minute"


CALENDAR_MONTH = Window(count=1, unit="calendar")


def distance_text(unit: str, count: int) -> str:
    """How far back so many of a window's units reach: ``60d``, ``2h``, ``90min``; empty for none."""
    if not count:
        return ""
    if unit == "minute":
        return f"{count // HOUR_MINUTES}h" if count % HOUR_MINUTES == 0 else f"{count}min"
    return f"{count}{unit[0]}"


def parse_window(text: str) -> Window:
    """The window that ``text`` spells: ``10min``, ``24h``, ``7d`` (days), ``3m`` (months) or ``all``.

    Anything else is refused, also whole hours that are written as minutes.
    """
    if text == "all":
        return Window(count=0, unit="all")
    match = _PATTERN.fullmatch(text)
    if match is None:
        raise DeclarationError(
            f"window {text!r} is not understood", fix="write 10min, 24h, 7d, 3m or all", texts=(text,)
        )
    unit, each = _UNITS[match["unit"]]
    window = Window(count=int(match["count"]) * each, unit=unit)
    if window.text != text:
        raise DeclarationError(f"window {text!r} has another spelling", fix=f"write {window.text}", texts=(text,))
    return window
