"""Shifts clocks between UTC and a zone as Java does, in any year.

``kernel.zones`` does the same for the years in which features have windows. A local time that a clock change skipped
moves forward by the gap; one that came twice is the first of the two.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

import numpy as np
import numpy.typing as npt

from tallystick.dialect.types import NotTranslated

Ints = npt.NDArray[np.int64]

SECOND = 1_000_000
# Offsets of every day of these years are looked at. From then on a zone's last rule repeats with the calendar.
_FIRST_YEAR, _LAST_YEAR, _CYCLE_YEARS = 1800, 2100, 400
_CYCLE = 146_097 * 86_400 * SECOND

# Java's ZoneId.SHORT_IDS.
JAVA_SHORT_NAMES = {
    "ACT": "Australia/Darwin", "AET": "Australia/Sydney", "AGT": "America/Argentina/Buenos_Aires",
    "ART": "Africa/Cairo", "AST": "America/Anchorage", "BET": "America/Sao_Paulo", "BST": "Asia/Dhaka",
    "CAT": "Africa/Harare", "CNT": "America/St_Johns", "CST": "America/Chicago", "CTT": "Asia/Shanghai",
    "EAT": "Africa/Addis_Ababa", "ECT": "Europe/Paris", "IET": "America/Indiana/Indianapolis", "IST": "Asia/Kolkata",
    "JST": "Asia/Tokyo", "MIT": "Pacific/Apia", "NET": "Asia/Yerevan", "NST": "Pacific/Auckland",
    "PLT": "Asia/Karachi", "PNT": "America/Phoenix", "PRT": "America/Puerto_Rico", "PST": "America/Los_Angeles",
    "SST": "Pacific/Guadalcanal", "VST": "Asia/Ho_Chi_Minh", "EST": "-05:00", "MST": "-07:00", "HST": "-10:00",
}  # fmt: skip

# Until this day the regions in early_years.txt have other offsets in Java than in Python: in Java, the ones written
# there (regions that share a line, then the first offset and each change as second:offset).
_EARLY_UNTIL = 946_684_800
_EARLY_YEARS = Path(__file__).with_name("early_years.txt")
# Known to one of them alone.
_KNOWN_TO_ONE = frozenset(("America/Coyhaique", "ROC"))


@dataclass(frozen=True, slots=True, eq=False)
class ZoneTable:
    """The offsets of a zone in microseconds: ``offsets[i]`` holds from ``starts[i - 1]`` to before ``starts[i]``.

    ``local_starts`` are the local times from which the next offset is used when a local time becomes an instant.
    """

    starts: Ints
    offsets: Ints
    local_starts: Ints
    cycle_from: int

    def to_local(self, instants: Ints) -> Ints:
        """The zone's wall clock at instants."""
        return np.asarray(instants + self._offsets(self.starts, instants))

    def to_instants(self, clocks: Ints) -> Ints:
        """The instants of wall clocks."""
        return np.asarray(clocks - self._offsets(self.local_starts, clocks))

    def to_instant(self, clock: int) -> int:
        """The instant of one wall clock."""
        return int(self.to_instants(np.array([clock], dtype=np.int64))[0])

    def _offsets(self, starts: Ints, times: Ints) -> Ints | np.int64:
        """The offset at each time. Times of a few years lie among a few starts, mostly between two."""
        if not times.size:
            return np.int64(0)
        low, high = int(times.min()), int(times.max())
        if high >= self.cycle_from + _CYCLE:
            # Late years have the offsets of the cycle of years before them.
            times = times - np.maximum((times - self.cycle_from) // _CYCLE, 0) * _CYCLE
            return np.asarray(self.offsets[np.searchsorted(starts, times, side="right")])
        first, end = np.searchsorted(starts, (low, high), side="right").tolist()
        if first == end:
            return np.int64(self.offsets[first])
        return np.asarray(self.offsets[first + np.searchsorted(starts[first:end], times, side="right")])


def is_zone(name: str) -> bool:
    """Whether Java knows a region by that name; NotTranslated for one of which that is not sure."""
    if name in _KNOWN_TO_ONE or name.startswith("SystemV/"):
        raise NotTranslated("a zone that not every release knows")
    return name in _regions()


@lru_cache(maxsize=1)
def _regions() -> frozenset[str]:
    return frozenset(available_timezones()) - {"Factory", "localtime", "posixrules", "EST", "MST", "HST"}


@lru_cache(maxsize=64)
def zone_table(name: str) -> ZoneTable:
    """The offsets of a region."""
    zone = ZoneInfo(name)
    cycle_from = _second(_LAST_YEAR)
    early = _early_years().get(name)
    first = _second(_FIRST_YEAR) if early is None else _EARLY_UNTIL
    starts, offsets = _changes(zone, first, cycle_from, step=2 * 86_400)
    if early is not None:
        starts, offsets = early[0] + starts, early[1] + offsets[1:]
    last_rule = _changes(zone, cycle_from, cycle_from + 366 * 86_400, step=20 * 86_400)
    if len(last_rule[0]):
        later = _changes(zone, cycle_from, cycle_from + (_CYCLE // SECOND) + 366 * 86_400, step=20 * 86_400)
        starts, offsets = starts + later[0], offsets + later[1][1:]
    at, off = np.array(starts, dtype=np.int64) * SECOND, np.array(offsets, dtype=np.int64) * SECOND
    return ZoneTable(at, off, at + np.maximum(off[:-1], off[1:]), (cycle_from + 200 * 86_400) * SECOND)


@lru_cache(maxsize=1)
def _early_years() -> dict[str, tuple[list[int], list[int]]]:
    """The changes before ``_EARLY_UNTIL`` by region, and the offsets between them."""
    found: dict[str, tuple[list[int], list[int]]] = {}
    for block in re.split(r"\n(?! )", _EARLY_YEARS.read_text(encoding="utf-8").strip()):
        names, first, *changes = block.split()
        pairs = [change.split(":") for change in changes]
        table = ([int(start) for start, _ in pairs], [int(first), *(int(offset) for _, offset in pairs)])
        found |= dict.fromkeys(names.split(","), table)
    return found


def _second(year: int) -> int:
    return int(dt.datetime(year, 1, 1, tzinfo=dt.UTC).timestamp())


def _changes(zone: ZoneInfo, first: int, end: int, *, step: int) -> tuple[list[int], list[int]]:
    """Seconds of every change of offset, found by looking at each step and halving, and the offsets between."""

    def offset(second: int) -> int:
        delta = dt.datetime.fromtimestamp(second, zone).utcoffset()
        return 0 if delta is None else delta.days * 86_400 + delta.seconds

    second, starts, offsets = first, list[int](), [offset(first)]
    while second < end:
        if offset(second + step) == offsets[-1]:
            second += step
            continue
        low, high = second, second + step
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if offset(middle) == offsets[-1] else (low, middle)
        starts.append(high)
        offsets.append(offset(high))
        second = high
    return starts, offsets
