"""A value summed for each value of something else, so that an operation looks at sums: messages per contact.

Kept apart from the operations because any of them that looks at numbers alone can follow.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tallystick.kernel import exact
from tallystick.kernel.distributions import first_ranks, last_rows, occurrences_in
from tallystick.kernel.nullable import Array, Ints, Vector
from tallystick.kernel.pieces import RowSelection
from tallystick.kernel.plan import Reduction
from tallystick.spec.expressions import Node


class GroupSums(RowSelection):
    """The sums in the place of rows: one run of them for each window of each observation."""

    __slots__ = ("_bounds_of_sums", "_vector")

    def __init__(self, rows: RowSelection, sums: Array, low: Ints, high: Ints) -> None:
        super().__init__(rows.piece, None, rows.places)
        self._vector = Vector(sums)
        self._bounds_of_sums = low, high

    def known(self, node: Node) -> tuple[RowSelection, Vector]:
        """The sums: none of them is null."""
        return self, self._vector

    def bounds(self, reduction: Reduction) -> tuple[Ints, Ints]:
        """First sum and end of each window, one line a window."""
        return self._bounds_of_sums


def summed_by_each(selection: RowSelection, reduction: Reduction) -> tuple[RowSelection, Reduction]:
    """The sums of the reduction's value for each value of its ``each``, and the reduction over them; both as they are
    where it has no ``each``.

    Rows where one of the two is null are left out. The sums of a window stand in the order of their last rows, so that
    the rounding of what is made of them depends on the window's own rows alone. OverflowError where a sum of whole
    numbers does not fit int64.
    """
    each = reduction.each
    if each is None:
        return selection, reduction
    key = ("each", id(each), id(reduction.value), reduction.lows, reduction.highs)
    sums = selection.once(key, lambda: _sums(selection, reduction, each))
    # Windows that lie one in the other have different sums: each is reduced alone.
    return sums, replace(reduction, chains=tuple((place,) for place in range(len(reduction.lows))))


def _sums(selection: RowSelection, reduction: Reduction, each: Node) -> GroupSums:
    rows, vector = selection.known(each)[0].known(reduction.node)
    occurrences = occurrences_in(rows, each, rows.values(each))
    ordered = vector.values[occurrences.order]
    low, high = rows.bounds(reduction)
    counts, sums = np.zeros(low.shape, dtype=np.int64), [ordered[:0]]
    for place in range(low.shape[0]):
        for block in exact.blocks(low[place], high[place]):
            from_row, to_row = low[place][block], high[place][block]
            last, owner = last_rows(occurrences, from_row, to_row)
            first = first_ranks(occurrences, from_row, rows=last, owner=owner)
            counts[place, block] = np.bincount(owner, minlength=from_row.size)
            sums.append(_range_sums(ordered, first, occurrences.rank[last] + 1))
    ends = np.cumsum(counts).reshape(counts.shape)
    return GroupSums(selection, np.concatenate(sums), ends - counts, ends)


def _range_sums(values: Array, low: Ints, high: Ints) -> Array:
    if values.dtype == np.float64:
        return exact.reduce_ranges(np.add, values, low, high, empty=0.0)
    return exact.range_sums(values, low, high)
