"""The operations that compare the values of a window with those of the window before: what came again, and how alike.

Kept apart from ``distributions`` because these look at the rows of two windows that follow one another.

The window of an observation is ``[low, high)``, the one before ``[before, low)``. Counts are whole numbers, so results
do not depend on the order in which values are met.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tallystick.kernel import exact
from tallystick.kernel.distributions import (
    Occurrences,
    Result,
    occurrences_in,
    per_range,
    ranks_of,
    top_rows,
    value_counts,
)
from tallystick.kernel.nullable import Array, Bools, Ints

if TYPE_CHECKING:
    from tallystick.kernel.pieces import RowSelection
    from tallystick.kernel.plan import Reduction


@dataclass(frozen=True, slots=True, eq=False)
class _Sides:
    """The values of a window and of the one before: how many both have (``kept``), and how many each has."""

    kept: Ints
    now: Ints
    before: Ints


@dataclass(frozen=True, slots=True, eq=False)
class _Ranges:
    """Windows of some observations, and where the windows before them begin."""

    occurrences: Occurrences
    before: Ints
    low: Ints
    high: Ints

    def values(self, low: Ints, high: Ints) -> tuple[Ints, Ints, Ints]:
        """For each value of each range the last row with it, the number of the range, and how many rows have it."""
        return value_counts(self.occurrences, low, high)

    def counts_before(self, rows: Ints, owner: Ints) -> Ints:
        """How many rows of the window before have the value that each of ``rows``, of a range ``owner``, has."""
        return self.counts_of(self.occurrences.codes[rows], self.before[owner], self.low[owner])

    def counts_of(self, codes: Ints, low: Ints, high: Ints) -> Ints:
        """How many rows of each range have the value of this code."""
        first, end = ranks_of(self.occurrences, codes, low=low, high=high)
        return end - first


def _ranges(selection: RowSelection, reduction: Reduction) -> tuple[Occurrences, Ints, Ints, Ints]:
    known, vector = selection.known(reduction.node)
    low, high = known.bounds(reduction)
    before = np.minimum(known.places[list(reduction.befores)], low)
    return occurrences_in(known, reduction.node, vector), before, low, high


def _compared(
    selection: RowSelection, reduction: Reduction, compare: Callable[[_Ranges], tuple[Array, Bools]], kind: type
) -> Result:
    """What ``compare`` gives of some observations' windows at once, for all of them."""
    occurrences, before, low, high = _ranges(selection, reduction)
    made: Array = np.zeros(low.shape, dtype=kind)
    null = np.zeros(low.shape, dtype=np.bool_)
    for place in range(low.shape[0]):
        for block in exact.blocks(before[place], high[place]):
            ranges = _Ranges(occurrences, before[place][block], low[place][block], high[place][block])
            made[place, block], null[place, block] = compare(ranges)
    return made, null


def _sides(selection: RowSelection, reduction: Reduction) -> _Sides:
    """Both windows' values, counted once for all operations that need no more."""

    def count() -> _Sides:
        occurrences, before, low, high = _ranges(selection, reduction)
        made: Ints = np.zeros((3, *low.shape), dtype=np.int64)
        for place in range(low.shape[0]):
            for block in exact.blocks(before[place], high[place]):
                begin, middle, end = before[place][block], low[place][block], high[place][block]
                made[:, place, block] = _count_sides(occurrences, begin, middle, end)
        return _Sides(*made)

    key = ("sides", id(reduction.node), reduction.befores, reduction.lows, reduction.highs)
    return selection.once(key, count)


def _count_sides(occurrences: Occurrences, begin: Ints, middle: Ints, end: Ints) -> Ints:
    """Values are counted at their first row in a window."""
    rows, owner = exact.spread_ranges(middle, end)
    earlier = occurrences.preceding[rows]
    is_first = earlier < middle[owner]
    is_kept = is_first & (earlier >= begin[owner])
    old, old_owner = exact.spread_ranges(begin, middle)
    is_old = occurrences.preceding[old] < begin[old_owner]
    counted = ((owner, is_kept), (owner, is_first), (old_owner, is_old))
    return np.stack([np.bincount(who[holds], minlength=begin.size) for who, holds in counted])


def kept(selection: RowSelection, reduction: Reduction) -> Result:
    """The number of values that both windows have."""
    return _sides(selection, reduction).kept, None


def new(selection: RowSelection, reduction: Reduction) -> Result:
    """The number of values of the window that the one before does not have."""
    sides = _sides(selection, reduction)
    return sides.now - sides.kept, None


def lost(selection: RowSelection, reduction: Reduction) -> Result:
    """The number of values of the window before that do not come again."""
    sides = _sides(selection, reduction)
    return sides.before - sides.kept, None


def kept_share(selection: RowSelection, reduction: Reduction) -> Result:
    """The part of the values of the window before that come again."""
    sides = _sides(selection, reduction)
    return _share(sides.kept, sides.before)


def new_share(selection: RowSelection, reduction: Reduction) -> Result:
    """The part of the window's values that the one before does not have."""
    sides = _sides(selection, reduction)
    return _share(sides.now - sides.kept, sides.now)


def jaccard(selection: RowSelection, reduction: Reduction) -> Result:
    """The values that both windows have, over those that either has."""
    sides = _sides(selection, reduction)
    return _share(sides.kept, sides.now + sides.before - sides.kept)


def _share(part: Ints, whole: Ints) -> tuple[Array, Bools]:
    return part / np.maximum(whole, 1), whole == 0


def similarity(selection: RowSelection, reduction: Reduction) -> Result:
    """``sum n m / sqrt(sum n ** 2 * sum m ** 2)`` over the values' counts ``n`` in the window and ``m`` before."""

    def cosine(ranges: _Ranges) -> tuple[Array, Bools]:
        size = ranges.low.size
        rows, owner, counts = ranges.values(ranges.low, ranges.high)
        both = per_range(np.add, counts * ranges.counts_before(rows, owner), owner, size=size)
        now = per_range(np.add, counts * counts, owner, size=size)
        _, owner, counts = ranges.values(ranges.before, ranges.low)
        before = per_range(np.add, counts * counts, owner, size=size)
        is_null = (now == 0) | (before == 0)
        lengths = np.sqrt(now.astype(np.float64) * before.astype(np.float64))
        return both / np.where(is_null, 1.0, lengths), is_null

    return _compared(selection, reduction, cosine, np.float64)


def usual_share(selection: RowSelection, reduction: Reduction) -> Result:
    """The part of the window's rows with a usual value: one that in the window before is at least as frequent as the
    values there are on average.
    """

    def usual(ranges: _Ranges) -> tuple[Array, Bools]:
        size = ranges.low.size
        rows, owner, counts = ranges.values(ranges.low, ranges.high)
        _, old_owner, _ = ranges.values(ranges.before, ranges.low)
        distinct, total = np.bincount(old_owner, minlength=size), ranges.low - ranges.before
        before = ranges.counts_before(rows, owner)
        is_usual = (before > 0) & (before * distinct[owner] >= total[owner])
        part = per_range(np.add, np.where(is_usual, counts, 0), owner, size=size)
        share, is_null = _share(part, ranges.high - ranges.low)
        return share, is_null | (total == 0)

    return _compared(selection, reduction, usual, np.float64)


def top_kept(selection: RowSelection, reduction: Reduction) -> Result:
    """1 where the most frequent value is the one of the window before, else 0; of equal ones the one seen last."""

    def is_same(ranges: _Ranges) -> tuple[Array, Bools]:
        now = top_rows(ranges.occurrences, ranges.low, ranges.high)
        before = top_rows(ranges.occurrences, ranges.before, ranges.low)
        codes = np.append(ranges.occurrences.codes, -1)
        return codes[now] == codes[before], (now < 0) | (before < 0)

    return _compared(selection, reduction, is_same, np.int64)


def old_top_share(selection: RowSelection, reduction: Reduction) -> Result:
    """The part of the window's rows that have the most frequent value of the window before."""

    def share(ranges: _Ranges) -> tuple[Array, Bools]:
        before = top_rows(ranges.occurrences, ranges.before, ranges.low)
        codes = np.append(ranges.occurrences.codes, 0)[before]
        part, is_null = _share(ranges.counts_of(codes, ranges.low, ranges.high), ranges.high - ranges.low)
        return part, is_null | (before < 0)

    return _compared(selection, reduction, share, np.float64)
