"""Sums over ranges of rows that are exact, and reductions whose result does not depend on what stands around.

Arithmetic on ranges ``[low, high)`` of an array, which knows nothing of operations, nulls or windows.

Integers are summed by differences of running totals: these wrap around, and so do their differences, so a result
that fits int64 is exact; whether it fits is checked. Doubles are reduced range by range, in row order.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tallystick.kernel.nullable import Array, Ints

LARGEST = 2**63 - 1

# Rows laid out at once where ranges have to be spread out. 2 M rows of 8 bytes stay far below a worker's memory.
SPREAD_ROWS = 2_000_000


def largest(values: Array) -> int:
    """The largest absolute value, as a Python integer."""
    if not values.size:
        return 0
    return max(abs(int(values.min())), abs(int(values.max())))


def longest(low: Ints, high: Ints) -> int:
    """The number of rows of the longest range."""
    return int((high - low).max(initial=0))


def running(values: Array) -> Array:
    """Totals of the first 0, 1, 2, ... values."""
    total = np.zeros(values.size + 1, dtype=np.int64 if values.dtype == np.bool_ else values.dtype)
    np.cumsum(values, out=total[1:])
    return total


def range_sums(values: Ints, low: Ints, high: Ints) -> Ints:
    """Exact sums of integers; OverflowError where one does not fit int64."""
    total = running(values)
    sums: Ints = total[high] - total[low]
    if largest(values) * longest(low, high) > LARGEST:
        upper, lower = running(values >> 32), running(values & 0xFFFFFFFF)
        top = upper[high] - upper[low] + ((lower[high] - lower[low]) >> 32)
        if top.size and (top.max() >= 2**31 or top.min() < -(2**31)):
            raise OverflowError
    return sums


def big_range_sums(values: Array, low: Ints, high: Ints) -> Array:
    """Sums of Python integers of any size (an object array)."""
    total = running(values)
    return np.asarray(total[high] - total[low], dtype=object)


def wide_range_sums(values: Ints, low: Ints, high: Ints) -> Array:
    """Exact sums of integers that are not negative: Python integers (an object array) where one may leave int64.

    Rows stay machine words, summed by their halves; only the sums become objects.
    """
    if largest(values) * longest(low, high) <= LARGEST:
        return range_sums(values, low, high)
    upper, lower = running(values >> 32), running(values & 0xFFFFFFFF)
    return np.asarray((upper[high] - upper[low]).astype(object) * 2**32 + (lower[high] - lower[low]).astype(object))


def reduce_ranges(ufunc: np.ufunc, values: Array, low: Ints, high: Ints, *, empty: Any) -> Array:
    """``ufunc`` over each range (one dimension), ``empty`` where it has no rows."""
    if not values.size:
        return np.full(low.shape, empty, dtype=values.dtype)
    # reduceat takes no index behind the end, and gives the element at an index that is not below its successor.
    padded = np.append(values, values[-1:])
    bounds = np.stack((low, high), axis=1).reshape(-1)
    return np.where(high > low, ufunc.reduceat(padded, bounds)[::2], empty)


class Rings:
    """The ranges ``[lows[k], high)`` for descending ``lows``, cut into the rings between neighbours."""

    __slots__ = ("_bounds", "_filled", "_shape")

    def __init__(self, lows: Ints, high: Ints) -> None:
        bounds = np.concatenate((lows[::-1], high[None]))
        self._shape = bounds.shape
        self._bounds = bounds.T.reshape(-1)
        self._filled = bounds[1:] > bounds[:-1]

    def reduce(self, ufunc: np.ufunc, values: Array, *, empty: Any) -> Array:
        """``ufunc`` over each range, one line for each of ``lows``: every ring is reduced once."""
        count, size = self._shape
        made = np.full((count - 1, size), empty, dtype=values.dtype)
        if not values.size:
            return made
        # reduceat takes no index behind the end; where a ring is empty it gives some element, which is not used.
        reduced = ufunc.reduceat(np.append(values, values[-1:]), self._bounds).reshape(size, count)
        for line in range(count - 1):
            ring = count - 2 - line
            if line:
                made[line] = made[line - 1]
            ufunc(made[line], reduced[:, ring], out=made[line], where=self._filled[ring])
        return made


def spread_ranges(low: Ints, high: Ints) -> tuple[Ints, Ints]:
    """Every row of every range one after the other, and the number of the range it stands in."""
    sizes = high - low
    owner = np.repeat(np.arange(sizes.size), sizes)
    rows = np.arange(owner.size) + np.repeat(low - (np.cumsum(sizes) - sizes), sizes)
    return rows, owner


def blocks(low: Ints, high: Ints) -> Iterator[slice]:
    """Runs of ranges that together have at most SPREAD_ROWS rows (a longer one stands alone)."""
    ends = np.cumsum(high - low)
    start = 0
    while start < low.size:
        before = ends[start - 1] if start else 0
        stop = max(int(np.searchsorted(ends, before + SPREAD_ROWS, side="right")), start + 1)
        yield slice(start, stop)
        start = stop


def square_excess(count: Ints, total: Array, squares: Array) -> Array:
    """``count * squares - total ** 2`` as a double rounded from the exact integer; it is never negative."""
    if squares.dtype == object:
        exact = count.astype(object) * squares - total.astype(object) ** 2
        upper = np.array([float(value >> 64) for value in exact.reshape(-1)]).reshape(exact.shape)
        lower = np.array([float(value & (2**64 - 1)) for value in exact.reshape(-1)]).reshape(exact.shape)
        return np.asarray(upper * 2.0**64 + lower)
    upper_a, lower_a = _wide_product(count, squares)
    upper_b, lower_b = _wide_product(total, total)
    lower = lower_a - lower_b
    upper = upper_a - upper_b - (lower_a < lower_b)
    return np.asarray(upper.astype(np.float64) * 2.0**64 + lower.astype(np.float64))


def _wide_product(a: Ints, b: Ints) -> tuple[Array, Array]:
    """The 128-bit product, as (upper, lower) words, of integers of one sign: it is never negative."""
    x, y = np.abs(a).astype(np.uint64), np.abs(b).astype(np.uint64)
    mask, shift = np.uint64(0xFFFFFFFF), np.uint64(32)
    x1, x0, y1, y0 = x >> shift, x & mask, y >> shift, y & mask
    middle = x1 * y0 + (x0 * y0 >> shift)
    other = x0 * y1 + (middle & mask)
    upper = x1 * y1 + (middle >> shift) + (other >> shift)
    lower = x * y
    return upper.astype(np.int64), lower
