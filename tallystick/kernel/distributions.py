"""The operations that look at how values are distributed: distinct, entropy, top_share, hhi, quantile, pareto.

Kept apart from ``reductions`` because these compare the values of a window with one another.

Equal values of a window are counted at the last of their rows in it, so that a result depends on nothing but the
window's own rows: not on codes, which depend on what else is in the piece.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tallystick.kernel import exact
from tallystick.kernel.compiled import compiled
from tallystick.kernel.nullable import Array, Bools, Ints, Vector, distinct_codes, stable_order

if TYPE_CHECKING:
    from tallystick.kernel.pieces import RowSelection
    from tallystick.kernel.plan import Reduction
    from tallystick.spec.expressions import Node

Result = tuple[Array, Bools | None]


@dataclass(frozen=True, slots=True, eq=False)
class Occurrences:
    """The rows by (value, row): ``order`` in that order, ``keys`` ascending with it, ``rank`` of each row in it,
    ``following`` the next row with the same value (behind all rows where there is none).
    """

    codes: Ints
    order: Ints
    keys: Ints
    rank: Ints
    following: Ints


def occurrences_of(vector: Vector) -> Occurrences:
    """Where each value of rows without nulls occurs."""
    codes = distinct_codes(vector)
    size = codes.size
    order = stable_order(codes)
    ordered = codes[order]
    same = ordered[1:] == ordered[:-1]
    rank = np.empty(size, dtype=np.int64)
    rank[order] = np.arange(size)
    following = np.full(size, size, dtype=np.int64)
    following[order[:-1][same]] = order[1:][same]
    return Occurrences(codes, order, ordered * (size + 1) + order, rank, following)


def occurrences_in(rows: RowSelection, node: Node, vector: Vector) -> Occurrences:
    """The same of ``vector``, the values of ``node`` in ``rows`` without nulls, made once for all operations."""
    return rows.once(("occurrences", id(node)), lambda: occurrences_of(vector))


def last_rows(occurrences: Occurrences, low: Ints, high: Ints) -> tuple[Ints, Ints]:
    """The rows of each range that are the last with their value in it, and the number of their range."""
    rows, owner = exact.spread_ranges(low, high)
    is_last = occurrences.following[rows] >= high[owner]
    return rows[is_last], owner[is_last]


def first_ranks(occurrences: Occurrences, low: Ints, *, rows: Ints, owner: Ints) -> Ints:
    """The rank of the first row in its range that has the value of each of ``rows``."""
    wanted = occurrences.codes[rows] * (occurrences.codes.size + 1) + low[owner]
    return np.asarray(np.searchsorted(occurrences.keys, wanted))


@dataclass(frozen=True, slots=True, eq=False)
class Values:
    """Each value of some ranges by range (``owner``) and last row: how many of the range's rows have it, how many of
    those before the range (``before``), and the last row of both (-1 where there is none).
    """

    owner: Ints
    count: Ints
    before: Ints
    last: Ints
    last_before: Ints


def values_of(codes: Ints, low: Ints, high: Ints, *, begin: Ints | None = None) -> Values:
    """The values of the ranges ``[low, high)`` and of those before them, ``[begin, low)``, if there are any."""
    ranges = (np.ascontiguousarray(edge) for edge in (low if begin is None else begin, low, high))
    found = compiled().count_values(codes, tuple(ranges), int(codes.max(initial=0)) + 1)
    return Values(*found)


def codes_in(rows: RowSelection, node: Node, vector: Vector) -> Ints:
    """A number for each value of ``vector``, the values of ``node`` in ``rows`` without nulls, from 0."""

    def make() -> Ints:
        codes = distinct_codes(vector)
        # Texts of a piece are near each other in the dictionary of all: tables of them stay as small as the piece.
        return codes - codes.min() if codes.size else codes

    return rows.once(("codes", id(node)), make)


def top_rows(counts: Ints, last: Ints, owner: Ints, *, size: int) -> Ints:
    """The last row of the value that most rows of each range have, of equally frequent ones the one seen last; -1 where
    a range has no rows.
    """
    width = int(last.max(initial=0)) + 2
    keys = np.where(counts > 0, counts * width + last + 1, 0)
    return np.asarray(per_range(np.maximum, keys, owner, size=size) % width - 1)


def per_range(ufunc: np.ufunc, values: Array, owner: Ints, *, size: int) -> Array:
    """``ufunc`` over the values of each range (0 of none); ``owner`` is ascending."""
    ends = np.cumsum(np.bincount(owner, minlength=size))
    return exact.reduce_ranges(ufunc, values, np.concatenate(([0], ends[:-1])), ends, empty=0)


def distinct(selection: RowSelection, reduction: Reduction) -> Result:
    """The number of distinct values."""
    known, vector = selection.known(reduction.node)
    low, high = known.bounds(reduction)
    made = np.zeros(low.shape, dtype=np.int64)
    for place in range(low.shape[0]):
        for block in exact.blocks(low[place], high[place]):
            owner = _counted(known, reduction, vector, place=place, block=block).owner
            made[place, block] = np.bincount(owner, minlength=low[place][block].size)
    return made, None


def entropy(selection: RowSelection, reduction: Reduction) -> Result:
    """``-sum p ln p`` over the frequencies of the values."""

    def terms(counts: Ints, total: Ints) -> Array:
        p = counts / total
        return p * np.log(p)

    sums, empty = _frequencies(selection, reduction, np.add, terms)
    return 0.0 - sums, empty


def top_share(selection: RowSelection, reduction: Reduction) -> Result:
    """The share of the most frequent value."""
    return _frequencies(selection, reduction, np.maximum, lambda counts, total: counts / total)


def hhi(selection: RowSelection, reduction: Reduction) -> Result:
    """``sum p ** 2`` over the frequencies of the values, from an exact sum of squares."""
    sums, empty = _frequencies(selection, reduction, np.add, lambda counts, _: counts * counts)
    low, high = selection.known(reduction.node)[0].bounds(reduction)
    total = np.maximum(high - low, 1).astype(np.float64)
    return sums / (total * total), empty


def _frequencies(
    selection: RowSelection, reduction: Reduction, ufunc: np.ufunc, terms: Callable[[Ints, Ints], Array]
) -> Result:
    known, vector = selection.known(reduction.node)
    low, high = known.bounds(reduction)
    made = np.zeros(low.shape)
    for place in range(low.shape[0]):
        for block in exact.blocks(low[place], high[place]):
            from_row, to_row = low[place][block], high[place][block]
            values = _counted(known, reduction, vector, place=place, block=block)
            made[place, block] = per_range(
                ufunc, terms(values.count, (to_row - from_row)[values.owner]), values.owner, size=from_row.size
            )
    return made, high == low


def _counted(known: RowSelection, reduction: Reduction, vector: Vector, *, place: int, block: slice) -> Values:
    """The values of a block of one window, counted once for all operations on them."""
    low, high = known.bounds(reduction)
    codes = codes_in(known, reduction.node, vector)
    key = ("values", id(reduction.value), reduction.lows, reduction.highs, place, block.start)
    return known.once(key, lambda: values_of(codes, low[place][block], high[place][block]))


def quantile(selection: RowSelection, reduction: Reduction) -> Result:
    """The exact quantile, linear between the two values around ``(n - 1) q``."""
    known, vector = selection.known(reduction.node)
    low, high = known.bounds(reduction)
    made = np.zeros(low.shape)
    for chain in reduction.chains:
        near, outer = high[chain[0]], low[chain[-1]]
        for block in exact.blocks(outer, near):
            rows, owner = exact.spread_ranges(outer[block], near[block])
            order = np.lexsort((vector.values[rows], owner))
            rows, owner = rows[order], owner[order]
            for place in chain:
                inside = rows >= low[place][block][owner]
                values = vector.values[rows[inside]].astype(np.float64)
                count = near[block] - low[place][block]
                made[place, block] = _interpolated(values, count, reduction.op.q)
    return made, high == low


def _interpolated(values: Array, count: Ints, q: float) -> Array:
    """The quantile of each run of ``count`` ascending values, 0 for an empty run."""
    if not values.size:
        return np.zeros(count.shape)
    start = np.cumsum(count) - count
    exact_place = np.maximum(count - 1, 0) * q
    below = np.floor(exact_place).astype(np.int64)
    above = np.minimum(below + 1, np.maximum(count - 1, 0))
    last = values.size - 1
    left, right = values[np.minimum(start + below, last)], values[np.minimum(start + above, last)]
    return np.where(count > 0, left + (right - left) * (exact_place - below), 0.0)


# Parts are written with at most six digits.
_WHOLE = 1_000_000


def pareto(selection: RowSelection, reduction: Reduction) -> Result:
    """The least number of values, the largest first, whose sum is at least the part ``q`` of the sum of all.

    It is 0 where the sum of all is not above 0. Exact: ``q`` is a decimal fraction. OverflowError where a sum does not
    fit int64.
    """
    known, vector = selection.known(reduction.node)
    low, high = known.bounds(reduction)
    values, part = vector.values, round(reduction.op.q * _WHOLE)
    total = exact.range_sums(values, low, high)
    exact.range_sums(np.maximum(values, 0), low, high)  # no sum of the largest values is above that of the positive
    # The least whole number that is not below q * total.
    wanted = part * (total // _WHOLE) - -(part * (total % _WHOLE)) // _WHOLE
    made = np.zeros(low.shape, dtype=np.int64)
    for place in range(low.shape[0]):
        for block in exact.blocks(low[place], high[place]):
            rows, owner = exact.spread_ranges(low[place][block], high[place][block])
            ordered = values[rows[np.lexsort((~values[rows], owner))]]
            ends = np.cumsum(high[place][block] - low[place][block])
            starts = ends - (high[place][block] - low[place][block])
            sums = exact.running(ordered)
            reached = sums[1:] - sums[starts[owner]] >= wanted[place][block][owner]
            rank = np.where(reached, np.arange(owner.size) - starts[owner] + 1, owner.size)
            made[place, block] = exact.reduce_ranges(np.minimum, rank, starts, ends, empty=0)
    return np.where(wanted > 0, made, 0), None
