"""The largest shift of a measure's level within a window: when it was, how large it is, how much it explains.

Kept apart from ``reductions`` because these look at a series of days, in which a day without rows is 0.

The statistic is the one of binary segmentation (Scott and Knott 1974; Fryzlewicz, Annals of Statistics 42(6), 2014):
of ``n`` daily totals with mean ``m`` and every ``k``, ``sqrt(n / (k (n - k))) * |sum of the first k - k m|``, which is
largest where two levels fit the series best. Each observation's series is summed on its own, so that results do not
depend on what stands around.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tallystick.kernel import exact
from tallystick.kernel.nullable import Array, Bools, Ints, Vector

if TYPE_CHECKING:
    from tallystick.kernel.pieces import RowSelection
    from tallystick.kernel.plan import Reduction

Result = tuple[Array, Bools | None]

# Statistics are equal if they differ by less than this part (of equal shifts the latest one counts), and a shift that
# explains less than this part of the spread is none.
_ALIKE, _LEAST = 1e-9, 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class _Shifts:
    """Of each window the first day of the new level, the mean before and after, and the part of the spread; one line a
    window. ``null`` where there is no shift.
    """

    day: Ints
    before: Array
    after: Array
    share: Array
    null: Bools


def shift_days(selection: RowSelection, reduction: Reduction) -> Result:
    """Whole days from the first day of the new level to as_of's business date."""
    found = _shifts(selection, reduction)
    return selection.piece.asked.day - found.day, found.null


def shift_size(selection: RowSelection, reduction: Reduction) -> Result:
    """The mean after the shift less the mean before it, over the absolute mean before; null where that is 0."""
    found = _shifts(selection, reduction)
    is_null = found.null | (found.before == 0)
    return (found.after - found.before) / np.where(is_null, 1.0, np.abs(found.before)), is_null


def shift_share(selection: RowSelection, reduction: Reduction) -> Result:
    """The part of the squared deviations from the mean that goes when each side has a mean of its own."""
    found = _shifts(selection, reduction)
    return found.share, found.null


def _shifts(selection: RowSelection, reduction: Reduction) -> _Shifts:
    key = ("shifts", id(reduction.value), reduction.lows, reduction.highs, reduction.op.k, reduction.weekdays)
    return selection.once(key, lambda: _find(selection, reduction))


def _find(selection: RowSelection, reduction: Reduction) -> _Shifts:
    known, vector = selection.known(reduction.node)
    low, high = known.bounds(reduction)
    edge_days, week = selection.piece.edge_days, Week.of(reduction.weekdays)
    days: Ints = np.zeros(low.shape, dtype=np.int64)
    made = np.zeros((3, *low.shape))
    null = np.ones(low.shape, dtype=np.bool_)
    for place in range(low.shape[0]):
        begin = np.maximum(edge_days[reduction.lows[place]], edge_days[reduction.befores[place]])
        first = week.number(begin)
        size = np.maximum(week.number(edge_days[reduction.highs[place]]) - first, 0)
        for block in _blocks(size):
            rows, owner = exact.spread_ranges(low[place][block], high[place][block])
            day = known.days[rows]
            rows, owner, day = (part[week.has(day)] for part in (rows, owner, day))
            where = owner, week.number(day) - first[block][owner]
            series = _totals(vector, rows, where, shape=(size[block].size, int(size[block].max(initial=0))))
            split, made[:, place, block], null[place, block] = _split(series, size[block], least=reduction.op.k)
            days[place, block] = week.day(first[block] + split)
    return _Shifts(days, made[0], made[1], made[2], null)


@dataclass(frozen=True, slots=True, eq=False)
class Week:
    """The days of the week that a series is made of, numbered one after the other since 1970-01-01."""

    places: Ints
    before: Ints

    @classmethod
    def of(cls, weekdays: tuple[int, ...]) -> Week:
        """``weekdays`` are numbers from 1, Monday; none stand for all. 1970-01-01 was a Thursday."""
        places = np.array(sorted((day + 3) % 7 for day in weekdays or range(1, 8)), dtype=np.int64)
        return cls(places, np.searchsorted(places, np.arange(7)))

    def number(self, days: Ints) -> Ints:
        """How many days of the series are before each date."""
        return np.asarray(days // 7 * self.places.size + self.before[days % 7])

    def day(self, number: Ints) -> Ints:
        """The date of each number."""
        return np.asarray(number // self.places.size * 7 + self.places[number % self.places.size])

    def has(self, days: Ints) -> Bools:
        """Which dates are in the series."""
        return np.isin(np.arange(7), self.places)[days % 7]


def _blocks(size: Ints) -> Iterator[slice]:
    """Runs of observations whose series can be laid out together."""
    step = max(1, exact.SPREAD_ROWS // max(int(size.max(initial=0)), 1))
    for start in range(0, size.size, step):
        yield slice(start, start + step)


def _totals(vector: Vector, rows: Ints, where: tuple[Ints, Ints], *, shape: tuple[int, int]) -> Array:
    """The daily totals less those of the first day, a line an observation, and the first day's in a last column.

    So equal days become exactly 0, and what is far from 0 keeps its digits. OverflowError where a total of whole
    numbers leaves half of int64.
    """
    made = np.zeros((shape[0], shape[1] + 1), dtype=vector.values.dtype)
    if rows.size:
        owner, day = where
        is_next = np.ones(rows.size, dtype=np.bool_)
        is_next[1:] = (owner[1:] != owner[:-1]) | (day[1:] != day[:-1])
        starts, values = np.flatnonzero(is_next), vector.values[rows]
        if values.dtype != np.float64 and np.abs(np.add.reduceat(values.astype(np.float64), starts)).max() >= 2.0**62:
            raise OverflowError
        made[owner[starts], day[starts]] = np.add.reduceat(values, starts)
        made[:, -1] = made[:, 0]
        made[:, :-1] -= made[:, -1:]
    return made.astype(np.float64)


def _split(series: Array, size: Ints, *, least: int) -> tuple[Ints, Array, Bools]:
    """Of each series how many days come before the shift, then the means before and after it and its part of the
    spread, and whether there is none.
    """
    days, level = series[:, :-1], series[:, -1]
    count = size[:, None]
    number = np.arange(1, days.shape[1] + 1)[None]
    if not days.shape[1]:
        return np.zeros(size.shape, dtype=np.int64), np.zeros((3, size.size)), np.ones(size.shape, dtype=np.bool_)
    sums = np.cumsum(days, axis=1)
    line, last = np.arange(size.size), np.maximum(size - 1, 0)
    whole = sums[line, last]
    centred = count * sums - number * whole[:, None]
    is_split = (number >= least) & (count - number >= least)
    weight = np.where(is_split, count * number * (count - number), 1).astype(np.float64)
    statistic = np.where(is_split, centred * centred / weight, -1.0)
    best = statistic.max(axis=1)
    # The latest of those that are alike.
    is_best = statistic >= np.where(best > 0, best * (1 - _ALIKE), best)[:, None]
    chosen = days.shape[1] - 1 - np.argmax(is_best[:, ::-1], axis=1)
    deviation = np.where(number <= count, days - (whole / np.maximum(size, 1))[:, None], 0.0)
    spread = np.cumsum(deviation * deviation, axis=1)[:, -1]
    reached, found = chosen + 1, np.maximum(best, 0.0)
    is_null = (best <= 0) | (found <= spread * _LEAST)
    share = found / np.where(is_null, 1.0, spread)
    early = sums[line, chosen]
    before = level + early / reached
    after = level + (whole - early) / np.maximum(size - reached, 1)
    return reached, np.stack((before, after, np.minimum(share, 1.0))), is_null
