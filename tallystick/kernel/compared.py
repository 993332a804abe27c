"""The operations that compare the values of a window with those of the window before: what came again, and how alike.

Kept apart from ``distributions`` because these look at the rows of two windows that follow one another.

The window of an observation is ``[low, high)``, the one before ``[begin, low)``. Counts are whole numbers, so results
do not depend on the order in which values are met.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tallystick.kernel import exact
from tallystick.kernel.distributions import Result, Values, codes_in, per_range, top_rows, values_of
from tallystick.kernel.nullable import Array, Bools, Ints

if TYPE_CHECKING:
    from tallystick.kernel.pieces import RowSelection
    from tallystick.kernel.plan import Reduction


@dataclass(frozen=True, slots=True, eq=False)
class _Compared:
    """Of each window, one line a window: how many values it has (``now``), the one before, and both; how many rows; the
    sums of products of their counts; the rows with a usual value, and with the most frequent one before; whether the
    most frequent values are the same.
    """

    now: Ints
    before: Ints
    both: Ints
    rows: Ints
    rows_before: Ints
    squares: Ints
    squares_before: Ints
    products: Ints
    usual: Ints
    old_top: Ints
    is_same_top: Ints


def _compared(selection: RowSelection, reduction: Reduction) -> _Compared:
    """Both windows, counted once for all operations."""
    key = ("compared", id(reduction.value), reduction.befores, reduction.lows, reduction.highs)
    return selection.once(key, lambda: _compare(selection, reduction))


def _compare(selection: RowSelection, reduction: Reduction) -> _Compared:
    known, vector = selection.known(reduction.node)
    codes = codes_in(known, reduction.node, vector)
    low, high = known.bounds(reduction)
    begin = np.minimum(known.places[list(reduction.befores)], low)
    made: Ints = np.zeros((11, *low.shape), dtype=np.int64)
    for place in range(low.shape[0]):
        for block in exact.blocks(begin[place], high[place]):
            start, middle, end = begin[place][block], low[place][block], high[place][block]
            values = values_of(codes, middle, end, begin=start)
            made[:, place, block] = _lines(values, codes, rows=end - middle, rows_before=middle - start)
    return _Compared(*made)


def _lines(values: Values, codes: Ints, *, rows: Ints, rows_before: Ints) -> Ints:
    """The lines of ``_Compared`` for some observations."""
    owner, n, m, size = values.owner, values.count, values.before, rows.size

    def add(what: Array) -> Ints:
        return per_range(np.add, what.astype(np.int64), owner, size=size)

    before = add(m > 0)
    # At least as frequent as the values of the window before are on average.
    is_usual = (m > 0) & (m * before[owner] >= rows_before[owner])
    top = top_rows(n, values.last, owner, size=size)
    old_top = top_rows(m, values.last_before, owner, size=size)
    is_old_top = (m > 0) & (values.last_before == old_top[owner])
    padded = np.append(codes, -1)
    return np.stack([
        add(n > 0), before, add((n > 0) & (m > 0)), rows, rows_before, add(n * n), add(m * m), add(n * m),
        add(np.where(is_usual, n, 0)), add(np.where(is_old_top, n, 0)),
        (padded[top] == padded[old_top]).astype(np.int64),
    ])  # fmt: skip


def _share(part: Ints, whole: Ints) -> tuple[Array, Bools]:
    return part / np.maximum(whole, 1), whole == 0


def kept(selection: RowSelection, reduction: Reduction) -> Result:
    """The number of values that both windows have."""
    return _compared(selection, reduction).both, None


def new(selection: RowSelection, reduction: Reduction) -> Result:
    """The number of values of the window that the one before does not have."""
    found = _compared(selection, reduction)
    return found.now - found.both, None


def lost(selection: RowSelection, reduction: Reduction) -> Result:
    """The number of values of the window before that do not come again."""
    found = _compared(selection, reduction)
    return found.before - found.both, None


def kept_share(selection: RowSelection, reduction: Reduction) -> Result:
    """The part of the values of the window before that come again."""
    found = _compared(selection, reduction)
    return _share(found.both, found.before)


def new_share(selection: RowSelection, reduction: Reduction) -> Result:
    """The part of the window's values that the one before does not have."""
    found = _compared(selection, reduction)
    return _share(found.now - found.both, found.now)


def jaccard(selection: RowSelection, reduction: Reduction) -> Result:
    """The values that both windows have, over those that either has."""
    found = _compared(selection, reduction)
    return _share(found.both, found.now + found.before - found.both)


def similarity(selection: RowSelection, reduction: Reduction) -> Result:
    """``sum n m / sqrt(sum n ** 2 * sum m ** 2)`` over the values' counts ``n`` in the window and ``m`` before."""
    found = _compared(selection, reduction)
    is_null = (found.rows == 0) | (found.rows_before == 0)
    lengths = np.sqrt(found.squares.astype(np.float64) * found.squares_before.astype(np.float64))
    return found.products / np.where(is_null, 1.0, lengths), is_null


def usual_share(selection: RowSelection, reduction: Reduction) -> Result:
    """The part of the window's rows with a usual value: one that in the window before is at least as frequent as the
    values there are on average.
    """
    found = _compared(selection, reduction)
    share, is_null = _share(found.usual, found.rows)
    return share, is_null | (found.rows_before == 0)


def top_kept(selection: RowSelection, reduction: Reduction) -> Result:
    """1 where the most frequent value is the one of the window before, else 0; of equal ones the one seen last."""
    found = _compared(selection, reduction)
    return found.is_same_top, (found.rows == 0) | (found.rows_before == 0)


def old_top_share(selection: RowSelection, reduction: Reduction) -> Result:
    """The part of the window's rows that have the most frequent value of the window before."""
    found = _compared(selection, reduction)
    share, is_null = _share(found.old_top, found.rows)
    return share, is_null | (found.rows_before == 0)
