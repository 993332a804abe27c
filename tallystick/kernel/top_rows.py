"""The rows of a window that have its most frequent value: the place of most nights, the contact of most calls.

Kept apart from the operations because any of them that looks at rows can follow.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tallystick.kernel import exact
from tallystick.kernel.distributions import codes_in, top_rows, values_of
from tallystick.kernel.nullable import Bools, Ints, count_before
from tallystick.kernel.pieces import Piece, RowSelection
from tallystick.kernel.plan import Reduction
from tallystick.spec.expressions import Node


class TopRows(RowSelection):
    """Rows of a piece, one run of them for each window of each observation."""

    __slots__ = ("_bounds_of_runs",)

    def __init__(self, piece: Piece, index: Ints, low: Ints, high: Ints) -> None:
        super().__init__(piece, index, piece.places)
        self._bounds_of_runs = low, high

    def narrowed(self, mask: Bools) -> RowSelection:
        """Those of the rows where ``mask`` holds."""
        if mask.all():
            return self
        low, high = (count_before(mask, places) for places in self._bounds_of_runs)
        return TopRows(self.piece, np.arange(mask.size)[mask] if self.index is None else self.index[mask], low, high)

    def bounds(self, reduction: Reduction) -> tuple[Ints, Ints]:
        """First row and end of each window, one line a window."""
        return self._bounds_of_runs


def of_top_rows(selection: RowSelection, reduction: Reduction) -> tuple[RowSelection, Reduction]:
    """The rows with the most frequent value of the reduction's ``top`` in each window, and the reduction over them;
    both as they are where it has no ``top``.

    Of equally frequent values the one seen last counts. Rows where ``top`` is null are left out.
    """
    top = reduction.top
    if top is None:
        return selection, reduction
    key = ("top", id(top), reduction.lows, reduction.highs)
    rows = selection.once(key, lambda: _rows(selection, reduction, top))
    # Windows that lie one in the other have rows of their own: each is reduced alone.
    return rows, replace(reduction, chains=tuple((place,) for place in range(len(reduction.lows))))


def _rows(selection: RowSelection, reduction: Reduction, top: Node) -> TopRows:
    known, vector = selection.known(top)
    codes = codes_in(known, top, vector)
    low, high = known.bounds(reduction)
    counts, found = np.zeros(low.shape, dtype=np.int64), [low[:0].reshape(-1)]
    for place in range(low.shape[0]):
        for block in exact.blocks(low[place], high[place]):
            begin, end = low[place][block], high[place][block]
            values = values_of(codes, begin, end)
            most = top_rows(values.count, values.last, values.owner, size=begin.size)
            rows, owner = exact.spread_ranges(begin, end)
            has_most = codes[rows] == codes[most[owner]]
            counts[place, block] = np.bincount(owner[has_most], minlength=begin.size)
            found.append(rows[has_most])
    rows = np.concatenate(found)
    ends = np.cumsum(counts).reshape(counts.shape)
    return TopRows(selection.piece, rows if known.index is None else known.index[rows], ends - counts, ends)
