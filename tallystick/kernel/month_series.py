"""Operations over whole calendar months: the cells of each month become a series, and the series one value.

Kept apart from ``formulas`` because a series is evaluated as the rows of a table are, month by month, and then reduced.
Every sum is written out month by month, because a library sum may round differently for one row than for many.
"""

from __future__ import annotations

import numpy as np

from tallystick.kernel.evaluate import Frame
from tallystick.kernel.nullable import Array, Bools, Ints, Vector
from tallystick.kernel.zones import zone_offsets
from tallystick.spec.expressions import Node
from tallystick.spec.series import Series

# Of every observation: values, and where they are null.
Values = tuple[Array, Bools]

# Observations whose months are evaluated together.
_TOGETHER = 16_384


def over_months(series: Series, node: Node, cells: list[Values]) -> Values:
    """The values of an operation over months and where they are null.

    ``cells`` are, stem by stem, the months from the last whole one back.
    """
    size = cells[0][0].size
    parts = [
        _reduced(series, *_months(series, node, cells, slice(begin, begin + _TOGETHER)))
        for begin in range(0, max(size, 1), _TOGETHER)
    ]
    return np.concatenate([values for values, _ in parts]), np.concatenate([null for _, null in parts])


def _months(series: Series, node: Node, cells: list[Values], rows: slice) -> tuple[Array, Bools]:
    """The value of each month, oldest first, a line an observation, and where it is known."""
    columns = {}
    for place, stem in enumerate(series.stems):
        # Oldest first: then LAG looks at the month before.
        mine = cells[place * series.length : (place + 1) * series.length][::-1]
        values = np.stack([values[rows] for values, _ in mine], axis=1)
        valid = ~np.stack([null[rows] for _, null in mine], axis=1)
        if values.dtype == np.float64:
            valid &= ~np.isnan(values)
            values = np.where(valid, values, 0.0)
        columns[stem] = Vector(values.reshape(-1), valid.reshape(-1))
        shape = values.shape
    size = shape[0] * shape[1]
    owner = np.repeat(np.arange(shape[0]), shape[1])
    made = Frame(columns, size, zone_offsets("UTC"), owner=owner).evaluate(node).spread(size)
    known = np.ones(size, dtype=np.bool_) if made.valid is None else made.valid
    if made.values.dtype == np.float64:
        known = known & ~np.isnan(made.values)
    return made.values.reshape(shape)[:, series.more :], known.reshape(shape)[:, series.more :]


def _reduced(series: Series, values: Array, known: Bools) -> Values:
    op, months = series.op, series.months
    if series.rule.of_condition:
        return _of_condition(op, values & known), np.zeros(values.shape[0], dtype=np.bool_)
    numbers = np.where(known, values.astype(np.float64), 0.0)
    count = np.count_nonzero(known, axis=1)
    match op:
        case "min" | "max":
            worst = np.inf if op == "min" else -np.inf
            extreme = np.min if op == "min" else np.max
            return np.where(count > 0, extreme(np.where(known, numbers, worst), axis=1), 0.0), count == 0
        case "mean":
            return _total(numbers) / np.maximum(count, 1), count == 0
        case "std":
            # Taken from one of the months, so that equal months have a deviation of exactly 0.
            pivot = numbers[np.arange(count.size), np.argmax(known, axis=1)]
            shifted = np.where(known, numbers - pivot[:, None], 0.0)
            mean = _total(shifted) / np.maximum(count, 1)
            deviations = np.where(known, shifted - mean[:, None], 0.0)
            return np.sqrt(_total(deviations * deviations) / np.maximum(count - 1, 1)), count < 2
    if series.back > months:
        raise TypeError("no month of the series")
    return numbers[:, -series.back], ~known[:, -series.back]


def _of_condition(op: str, holds: Bools) -> Ints:
    if op == "count":
        return np.asarray(np.count_nonzero(holds, axis=1), dtype=np.int64)
    run = np.zeros(holds.shape[0], dtype=np.int64)
    longest = run.copy()
    for month in holds.T:
        run = np.where(month, run + 1, 0)
        longest = np.maximum(longest, run)
    return longest if op == "longest_streak" else run


def _total(numbers: Array) -> Array:
    total = np.zeros(numbers.shape[0])
    for month in numbers.T:
        total += month
    return total
