"""The operations that look at rows and values: count, sum, mean, std, min, max, first, last, ages and gaps.

``REDUCERS`` has one function per op: a selection and a reduction in, one line of values per span out, with where they
are null.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from tallystick.kernel import compared, distributions, exact, shifts
from tallystick.kernel.nullable import Array, Bools, Ints
from tallystick.kernel.pieces import RowSelection
from tallystick.kernel.plan import Reduction

Result = tuple[Array, Bools | None]
Reducer = Callable[[RowSelection, Reduction], Result]


def reduce_selection(selection: RowSelection, reduction: Reduction) -> Result:
    """The values of ``reduction``, one line a span, and where they are null (None: nowhere)."""
    return REDUCERS[reduction.op.name](selection, reduction)


def _count(selection: RowSelection, reduction: Reduction) -> Result:
    low, high = selection.bounds(reduction)
    return high - low, None


def _sum(selection: RowSelection, reduction: Reduction) -> Result:
    return _sums(selection, reduction), None


def _sums(selection: RowSelection, reduction: Reduction) -> Array:
    known, vector = selection.known(reduction.node)
    low, high = known.bounds(reduction)

    def add() -> Array:
        if vector.values.dtype == np.float64:
            return np.stack([
                exact.reduce_ranges(np.add, vector.values, low[i], high[i], empty=0.0) for i in range(low.shape[0])
            ])  # fmt: skip
        return exact.range_sums(vector.values, low, high)

    return known.once(("sums", id(reduction.value), reduction.lows, reduction.highs), add)


def _mean(selection: RowSelection, reduction: Reduction) -> Result:
    low, high = selection.known(reduction.node)[0].bounds(reduction)
    count = high - low
    return _sums(selection, reduction) / np.maximum(count, 1), count == 0


def _std(selection: RowSelection, reduction: Reduction) -> Result:
    """The sample standard deviation, or that of the population."""
    known, vector = selection.known(reduction.node)
    low, high = known.bounds(reduction)
    count = high - low
    fewer = 1 if reduction.op.name == "std" else 0
    pairs = np.maximum(count, 1 + fewer).astype(np.float64) * np.maximum(count - fewer, 1)
    if vector.values.dtype == np.float64:
        squares = np.stack([_deviations(vector.values, low[i], high[i]) for i in range(low.shape[0])])
        return np.sqrt(squares / np.maximum(count - fewer, 1)), count <= fewer
    values = vector.values
    if exact.largest(values) ** 2 > exact.LARGEST:
        big = values.astype(object)
        total, squares = exact.big_range_sums(big, low, high), exact.big_range_sums(big * big, low, high)
    else:
        total, squares = exact.range_sums(values, low, high), exact.wide_range_sums(values * values, low, high)
    return np.sqrt(exact.square_excess(count, total, squares) / pairs), count <= fewer


def _deviations(values: Array, low: Ints, high: Ints) -> Array:
    """The sum of squared deviations from the mean of each range, in two passes.

    Values are taken from the range's first one, so that equal values have a deviation of exactly 0.
    """
    made = np.zeros(low.shape)
    for block in exact.blocks(low, high):
        rows, owner = exact.spread_ranges(low[block], high[block])
        shifted = values[rows] - values[low[block][owner]]
        sizes = high[block] - low[block]
        ends = np.cumsum(sizes)
        starts = ends - sizes
        mean = exact.reduce_ranges(np.add, shifted, starts, ends, empty=0.0) / np.maximum(sizes, 1)
        deviation = shifted - mean[owner]
        made[block] = exact.reduce_ranges(np.add, deviation * deviation, starts, ends, empty=0.0)
    return made


def _extreme(ufunc: np.ufunc, worst_int: int, worst: float) -> Reducer:
    def reduce(selection: RowSelection, reduction: Reduction) -> Result:
        known, vector = selection.known(reduction.node)
        low, high = known.bounds(reduction)
        values = vector.values
        empty = worst if values.dtype == np.float64 else worst_int
        made = np.empty(low.shape, dtype=values.dtype)
        for chain in reduction.chains:
            lows, near = low[list(chain)], high[chain[0]]
            rings = known.once(("rings", chain, reduction.lows), partial(exact.Rings, lows, near))
            made[list(chain)] = rings.reduce(ufunc, values, empty=empty)
        is_empty = high == low
        made[is_empty] = 0
        return made, is_empty

    return reduce


def _first(selection: RowSelection, reduction: Reduction) -> Result:
    low, high = selection.bounds(reduction)
    return _pick(selection, reduction, low, low < high)


def _last(selection: RowSelection, reduction: Reduction) -> Result:
    low, high = selection.bounds(reduction)
    place = high - reduction.op.k
    return _pick(selection, reduction, place, place >= low)


def _pick(selection: RowSelection, reduction: Reduction, place: Ints, is_there: Bools) -> Result:
    """The value of the row at ``place``, which may be null: the row decides, not its value."""
    vector = selection.values(reduction.node)
    if not vector.values.size:
        return np.zeros(place.shape, dtype=vector.values.dtype), ~is_there
    place = np.where(is_there, place, 0)
    valid = is_there if vector.valid is None else is_there & vector.valid[place]
    return vector.values[place], ~valid


def _age_days(selection: RowSelection, reduction: Reduction) -> Result:
    known, vector = selection.known(reduction.node)
    low, high = known.bounds(reduction)
    return selection.piece.asked.day - _at(vector.values, high - 1), high == low


def _days_since_first(selection: RowSelection, reduction: Reduction) -> Result:
    low, high = selection.bounds(reduction)
    return selection.piece.asked.day - _at(selection.days, low), high == low


def _days_since_last(selection: RowSelection, reduction: Reduction) -> Result:
    low, high = selection.bounds(reduction)
    return selection.piece.asked.day - _at(selection.days, high - 1), high == low


def _at(values: Array, place: Ints) -> Array:
    """The values at ``place``, anything where there is none."""
    if not values.size:
        return np.zeros(place.shape, dtype=values.dtype)
    return values[np.clip(place, 0, values.size - 1)]


def _mean_gap(selection: RowSelection, reduction: Reduction) -> Result:
    low, high = selection.bounds(reduction)
    gaps = high - low - 1
    days = _at(selection.days, high - 1) - _at(selection.days, low)
    return days / np.maximum(gaps, 1), gaps < 1


def _max_gap(selection: RowSelection, reduction: Reduction) -> Result:
    low, high = selection.bounds(reduction)
    gaps = np.diff(selection.days)  # gap i lies between rows i and i + 1
    until = np.maximum(high - 1, low)
    made = np.stack([
        exact.reduce_ranges(np.maximum, gaps, np.minimum(low[i], gaps.size), np.minimum(until[i], gaps.size), empty=0)
        for i in range(low.shape[0])
    ])  # fmt: skip
    return made, high - low < 2


def _active_days(selection: RowSelection, reduction: Reduction) -> Result:
    low, high = selection.bounds(reduction)
    # The first row of a range opens a day; after it, each row whose date differs from the row before.
    opened = exact.running(np.diff(selection.days, prepend=np.int64(0)) != 0)
    return np.where(high > low, 1 + opened[high] - opened[np.minimum(low + 1, opened.size - 1)], 0), None


def _longest_streak(selection: RowSelection, reduction: Reduction) -> Result:
    days, owner = selection.days, selection.take(selection.piece.owner)
    is_new = np.ones(days.size, dtype=np.bool_)
    is_new[1:] = (days[1:] != days[:-1]) | (owner[1:] != owner[:-1])
    active = selection.narrowed(is_new)
    low, high = active.bounds(reduction)
    days, owner = active.days, active.take(active.piece.owner)
    starts_run = np.ones(days.size, dtype=np.bool_)
    starts_run[1:] = (days[1:] != days[:-1] + 1) | (owner[1:] != owner[:-1])
    starts = np.flatnonzero(starts_run)
    run = np.cumsum(starts_run) - 1
    length = np.arange(days.size) - starts[run] + 1 if days.size else np.zeros(0, dtype=np.int64)
    # The run that the range begins in counts from the range's first day; later runs count whole.
    ends = np.append(starts[1:], days.size)
    first_end = np.minimum(ends[_at(run, low)], high) if days.size else high
    first_end = np.maximum(first_end, low)
    rest = np.stack([
        exact.reduce_ranges(np.maximum, length, first_end[i], high[i], empty=0) for i in range(low.shape[0])
    ])  # fmt: skip
    return np.where(high > low, np.maximum(first_end - low, rest), 0), None


def _slope(selection: RowSelection, reduction: Reduction) -> Result:
    """Least squares of daily totals on the day number: 6 * sum((2 day - first - last) y) / (n (n^2 - 1))."""
    known, vector = selection.known(reduction.node)
    low, high = known.bounds(reduction)
    days = known.days
    edge_days = selection.piece.edge_days
    first = np.stack([edge_days[edge] for edge in reduction.lows])
    end = np.stack([edge_days[edge] for edge in reduction.highs])
    length = np.maximum(end - first, 0)
    values = vector.values
    if values.dtype == np.float64:
        moment = np.stack([
            _day_moment(values, days, first[i] + end[i] - 1, low=low[i], high=high[i]) for i in range(low.shape[0])
        ])  # fmt: skip
    else:
        bound = exact.largest(values) * max(exact.longest(low, high), 1) * max(int(length.max(initial=0)), 1)
        sums = exact.big_range_sums if bound > exact.LARGEST // 4 else _wrapping_sums
        kind = object if bound > exact.LARGEST // 4 else np.int64
        pivot = int(days.min(initial=0))
        weighted = values.astype(kind) * (days - pivot)
        centre = first + end - 1 - 2 * pivot
        exact_moment = 2 * sums(weighted, low, high) - centre * sums(values.astype(kind), low, high)
        moment = exact_moment.astype(np.float64)
    n = np.maximum(length, 2).astype(np.float64)
    return np.where(length > 1, 6.0 * moment / (n * (n * n - 1.0)), 0.0), None


def _wrapping_sums(values: Ints, low: Ints, high: Ints) -> Ints:
    total = exact.running(values)
    return np.asarray(total[high] - total[low])


def _day_moment(values: Array, days: Ints, centre: Ints, *, low: Ints, high: Ints) -> Array:
    """``sum((2 day - centre) value)`` of each range of doubles."""
    made = np.zeros(low.shape)
    for block in exact.blocks(low, high):
        rows, owner = exact.spread_ranges(low[block], high[block])
        ends = np.cumsum(high[block] - low[block])
        weighted = (2 * days[rows] - centre[block][owner]) * values[rows]
        made[block] = exact.reduce_ranges(np.add, weighted, ends - (high[block] - low[block]), ends, empty=0.0)
    return made


REDUCERS: dict[str, Reducer] = {
    "count": _count,
    "sum": _sum,
    "mean": _mean,
    "std": _std,
    "std_pop": _std,
    "min": _extreme(np.minimum, exact.LARGEST, np.inf),
    "max": _extreme(np.maximum, -exact.LARGEST - 1, -np.inf),
    "first": _first,
    "last": _last,
    "last_k": _last,
    "days_since_first": _days_since_first,
    "days_since_last": _days_since_last,
    "age_days": _age_days,
    "mean_gap": _mean_gap,
    "max_gap": _max_gap,
    "active_days": _active_days,
    "longest_streak": _longest_streak,
    "slope": _slope,
    "distinct": distributions.distinct,
    "entropy": distributions.entropy,
    "top_share": distributions.top_share,
    "hhi": distributions.hhi,
    "quantile": distributions.quantile,
    "pareto": distributions.pareto,
    "shift_days": shifts.shift_days,
    "shift_size": shifts.shift_size,
    "shift_share": shifts.shift_share,
    "kept": compared.kept,
    "new": compared.new,
    "lost": compared.lost,
    "kept_share": compared.kept_share,
    "new_share": compared.new_share,
    "jaccard": compared.jaccard,
    "similarity": compared.similarity,
    "usual_share": compared.usual_share,
    "top_kept": compared.top_kept,
    "old_top_share": compared.old_top_share,
}
