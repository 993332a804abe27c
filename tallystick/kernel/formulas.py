"""Derived features: formulas over the cells of a row.

Share, ratio, change, zscore, and those of places. Every sum here is written out term by term, because a library sum may
round differently for one row than for many.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tallystick.kernel.nullable import Array, Bools, Ints
from tallystick.kernel.zones import months_back
from tallystick.spec.features import LEAST_ZSCORE_WINDOWS
from tallystick.spec.geography import EARTH_KM
from tallystick.spec.windows import DAY_MINUTES

# One cell of every row: the values, and where they are null.
CellColumn = tuple[Array, Bools]
Derived = tuple[Array, Bools]

# A window: minutes, days or months, how many of them before as_of it ends, and how many before it begins.
Span = tuple[str, int, int]


def derive(kind: str, cells: list[CellColumn], spans: tuple[Span, ...], days: Ints) -> Derived:
    """The values of a formula and where they are null. ``days`` are the business dates of the rows, ``spans`` the
    windows of a ratio.
    """
    as_doubles = [(values.astype(np.float64), null) for values, null in cells]
    if kind == "share":
        return _quotient(as_doubles[0], as_doubles[1])
    if kind == "ratio":
        rates = [(values / span_days(span, days), null) for (values, null), span in zip(as_doubles, spans, strict=True)]
        return _quotient(rates[0], rates[1])
    if kind in _PLACES:
        null = np.logical_or.reduce([null for _, null in as_doubles])
        return _PLACES[kind](*(np.where(null, 0.0, np.radians(values)) for values, _ in as_doubles)), null
    if kind == "change":
        (now, now_null), (before, before_null) = as_doubles
        return _quotient((now - before, now_null | before_null), (np.abs(before), before_null))
    return _zscore(as_doubles)


def span_days(span: Span, days: Ints) -> Array:
    """The number of days of a window before each date: of months, their real ones, of minutes the part of a day."""
    unit, near, far = span
    if unit == "minute":
        return np.full(days.shape, (far - near) / DAY_MINUTES)
    if unit == "day":
        return np.full(days.shape, far - near, dtype=np.int64)
    return months_back(days, near) - months_back(days, far)


def _distance(latitude: Array, longitude: Array, other_latitude: Array, other_longitude: Array) -> Array:
    """Vincenty's formula for a ball, in kilometres: exact for places near each other, and for opposite ones."""
    turn = other_longitude - longitude
    east = np.cos(other_latitude) * np.sin(turn)
    north = np.cos(latitude) * np.sin(other_latitude) - np.sin(latitude) * np.cos(other_latitude) * np.cos(turn)
    along = np.sin(latitude) * np.sin(other_latitude) + np.cos(latitude) * np.cos(other_latitude) * np.cos(turn)
    return np.asarray(EARTH_KM * np.arctan2(np.sqrt(east * east + north * north), along))


def _gyration(mean_latitude: Array, latitude: Array, longitude: Array) -> Array:
    """From the mean latitude and the spreads of latitude and longitude, in kilometres."""
    east = np.cos(mean_latitude) * longitude
    return np.asarray(EARTH_KM * np.sqrt(latitude * latitude + east * east))


_PLACES: dict[str, Callable[..., Array]] = {"distance": _distance, "gyration": _gyration}


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
