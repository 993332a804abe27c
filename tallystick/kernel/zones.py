"""Business dates and window edges of whole columns of instants.

Integers only: instants are microseconds and dates are days, both since 1970-01-01. ``spec.calendar`` defines the same
for one instant.

A local time that does not exist moves forward by the length of the gap; one that exists twice is the first of the
two. So the clock of a business zone is monotone, and a business date is the time from its first midnight to the next
date's first midnight (in the few zones that once turned the clock back over midnight this is not the printed date).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from tallystick.spec.calendar import business_zone

Ints = npt.NDArray[np.int64]

DAY = 86_400_000_000
SECOND = 1_000_000
MINUTE = 60 * SECOND

# Offsets are looked up for these years. Before, local mean times; after, rules that nobody has made yet.
FIRST_YEAR, LAST_YEAR = 1900, 2100


@dataclass(frozen=True, slots=True, eq=False)
class Zone:
    """The offsets of a zone: ``offsets[i]`` holds from ``starts[i - 1]`` (UTC) to before ``starts[i]``.

    ``local_starts`` are the local times from which the next offset is used when a local time becomes an instant.
    ``turns_midnight`` tells that the clock was once turned back over a midnight.
    """

    starts: Ints
    offsets: Ints
    local_starts: Ints
    turns_midnight: bool

    def to_local(self, instants: Ints) -> Ints:
        """The local wall clock of UTC instants."""
        return np.asarray(instants + self.offsets[_places(self.starts, instants)])

    def to_instants(self, local: Ints) -> Ints:
        """The UTC instants of local wall clocks."""
        return np.asarray(local - self.offsets[_places(self.local_starts, local)])

    def dates(self, instants: Ints) -> Ints:
        """The business dates of UTC instants."""
        days: Ints = self.to_local(instants) // DAY
        if self.turns_midnight:
            days += instants >= self.midnights(days + 1)
        return days

    def midnights(self, days: Ints) -> Ints:
        """The UTC instant at which each business date begins."""
        return self.to_instants(days * DAY)

    def clocks(self, instants: Ints) -> Ints:
        """The local wall clocks that windows count back from.

        An instant at which a business date begins stands for its midnight, also where the clock skips that midnight:
        whole days before it begin at midnights.
        """
        days = self.dates(instants)
        return np.where(instants == self.midnights(days), days * DAY, self.to_local(instants))

    def back(self, clocks: Ints, unit: str, count: int) -> Ints:
        """The UTC instants ``count`` local days or months before ``clocks``."""
        if unit == "day":
            return self.to_instants(clocks - count * DAY)
        days, time = np.divmod(clocks, DAY)
        return self.to_instants(months_back(days, count) * DAY + time)


def _places(starts: Ints, times: Ints) -> Ints | int:
    """How many of ``starts`` are not after each time. Times of a few years lie among a few starts."""
    if not times.size:
        return 0
    first, end = np.searchsorted(starts, (times.min(), times.max()), side="right").tolist()
    if first == end:
        return int(first)
    return np.asarray(first + np.searchsorted(starts[first:end], times, side="right"))


def months_back(days: Ints, months: int) -> Ints:
    """The dates ``months`` months before ``days``; a day that the month lacks becomes its last one."""
    date: npt.NDArray[Any] = days.astype("datetime64[D]")
    month = date.astype("datetime64[M]")
    day_of_month = date - month.astype("datetime64[D]")
    # Units are named: NumPy 2.5 warns of bare integers beside dates.
    then = month - np.timedelta64(months, "M")
    first = then.astype("datetime64[D]")
    last = (then + np.timedelta64(1, "M")).astype("datetime64[D]") - first - np.timedelta64(1, "D")
    return np.asarray((first + np.minimum(day_of_month, last)).astype(np.int64))


def month_starts(days: Ints, months: int) -> Ints:
    """The first day of the month of ``days``, or of the month so many ``months`` before."""
    month: npt.NDArray[Any] = days.astype("datetime64[D]").astype("datetime64[M]")
    return np.asarray((month - np.timedelta64(months, "M")).astype("datetime64[D]").astype(np.int64))


@lru_cache(maxsize=64)
def zone_offsets(name: str) -> Zone:
    """The offsets of the zone called ``name``; DeclarationError for an unknown one."""
    starts, offsets = _transitions(name)
    at, off = np.array(starts, dtype=np.int64), np.array(offsets, dtype=np.int64)
    before, after = off[:-1], off[1:]
    turned = (at + before - 1) // DAY > (at + after) // DAY
    return Zone(at, off, at + np.maximum(before, after), bool(turned.any()))


def _transitions(name: str) -> tuple[list[int], list[int]]:
    """Every change of offset, found by looking at each second day and halving.

    The shortest time between two changes in the time zone database is a week (Recife, October 2000).
    """
    zone = business_zone(name)

    def offset(second: int) -> int:
        delta = dt.datetime.fromtimestamp(second, zone).utcoffset()
        return 0 if delta is None else (delta.days * DAY) + delta.seconds * SECOND

    step = 2 * DAY // SECOND
    second = int(dt.datetime(FIRST_YEAR, 1, 1, tzinfo=dt.UTC).timestamp())
    end = int(dt.datetime(LAST_YEAR, 1, 1, tzinfo=dt.UTC).timestamp())
    starts: list[int] = []
    offsets = [offset(second)]
    while second < end:
        if offset(second + step) == offsets[-1]:
            second += step
            continue
        low, high = second, second + step
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if offset(middle) == offsets[-1] else (low, middle)
        starts.append(high * SECOND)
        offsets.append(offset(high))
        second = high
    return starts, offsets
