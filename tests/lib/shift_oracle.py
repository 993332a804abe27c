"""The oracle of shifts: every way to part a series of days in two, in whole numbers of any size."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from fractions import Fraction
from itertools import accumulate

Value = int | float | None


def shift(op: str, totals: Mapping[dt.date, int | float], days: list[dt.date], *, least: int, today: dt.date) -> Value:
    """What ``op`` gives of the daily totals of these days, 0 on days without one."""
    exact = [Fraction(totals.get(day, 0)) for day in days]
    scale = math.lcm(*(value.denominator for value in exact))
    series = [int(value * scale) for value in exact]
    size, whole = len(series), sum(series)
    # n times the sum of squared deviations from the mean.
    spread = size * sum(value * value for value in series) - whole * whole
    if size < 2 * least or not spread:
        return None
    early = list(accumulate(series))
    # The part of the spread that is gone when the first k days and the others have means of their own.
    gains = {
        k: (size * early[k - 1] - k * whole) ** 2 / (k * (size - k) * spread) for k in range(least, size - least + 1)
    }
    most = max(gains.values())
    if most <= 1e-12:
        return None
    split = max(k for k, gain in gains.items() if gain >= most * (1 - 1e-9))
    before, after = Fraction(early[split - 1], split), Fraction(whole - early[split - 1], size - split)
    if op == "shift_days":
        return (today - days[split]).days
    if op == "shift_share":
        return gains[split]
    return float((after - before) / abs(before)) if before else None
