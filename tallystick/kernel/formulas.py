"""Derived features: formulas over the cells of a row.

Share, ratio, change, zscore. Every sum here is written out term by term, because a library sum may round differently
for one row than for many.
"""

from __future__ import annotations

import numpy as np

from tallystick.kernel.nullable import Array, Bools, Ints
from tallystick.kernel.zones import months_back
from tallystick.spec.features import LEAST_ZSCORE_WINDOWS
from tallystick.spec.windows import Window

# One cell of every row: the values, and where they are null.
CellColumn = tuple[Array, Bools]
Derived = tuple[Array, Bools]


def derive(kind: str, cells: list[CellColumn], windows: tuple[Window, ...], days: Ints) -> Derived:
    """The values of a formula and where they are null. ``days`` are the business dates of the rows."""
    as_doubles = [(values.astype(np.float64), null) for values, null in cells]
    if kind == "share":
        return _quotient(as_doubles[0], as_doubles[1])
    if kind == "ratio":
        rates = [
            (values / window_days(window, days), null)
            for (values, null), window in zip(as_doubles, windows, strict=True)
        ]
        return _quotient(rates[0], rates[1])
    if kind == "change":
        (now, now_null), (before, before_null) = as_doubles
        return _quotient((now - before, now_null | before_null), (np.abs(before), before_null))
    return _zscore(as_doubles)


def window_days(window: Window, days: Ints) -> Ints:
    """The number of days of ``window`` before each date: of a month, its real ones."""
    if window.unit == "day":
        return np.full(days.shape, window.count, dtype=np.int64)
    return days - months_back(days, window.count)


def _quotient(above: CellColumn, below: CellColumn) -> Derived:
    is_null = above[1] | below[1] | (below[0] == 0)
    return above[0] / np.where(is_null, 1.0, below[0]), is_null


def _zscore(cells: list[CellColumn]) -> Derived:
    now, now_null = cells[0]
    # Taken from the latest known one, so that equal windows have a deviation of exactly 0.
    pivot = np.zeros(now.shape)
    for values, null in reversed(cells[1:]):
        pivot = np.where(null, pivot, values)
    earlier = [(values - pivot, null) for values, null in cells[1:]]
    count = np.zeros(now.shape, dtype=np.int64)
    total = np.zeros(now.shape)
    for values, null in earlier:
        count += ~null
        total += np.where(null, 0.0, values)
    mean = total / np.maximum(count, 1)
    squares = np.zeros(now.shape)
    for values, null in earlier:
        deviation = np.where(null, 0.0, values - mean)
        squares += deviation * deviation
    std = np.sqrt(squares / np.maximum(count - 1, 1))
    is_null = now_null | (count < LEAST_ZSCORE_WINDOWS) | (std == 0)
    return (now - pivot - mean) / np.where(is_null, 1.0, std), is_null
