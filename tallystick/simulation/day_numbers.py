"""Dates of the simulated bank as whole day numbers.

Kept apart from Python's dates because days are counted in arrays. The bank has one wall clock without clock changes.
"""

from __future__ import annotations

from datetime import date

import numpy as np

_EPOCH = date(1970, 1, 1).toordinal()


def day_number(day: date) -> int:
    """Days since 1970-01-01."""
    return day.toordinal() - _EPOCH


def from_day_number(number: int) -> date:
    """The date of a day number."""
    return date.fromordinal(number + _EPOCH)


def month_number(day: date) -> int:
    """Months since January 1970."""
    return (day.year - 1970) * 12 + day.month - 1


def first_of_month(month: np.ndarray) -> np.ndarray:
    """The day number of the first day of each month number."""
    return month.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)


def days_of_months(month: np.ndarray, day_of_month: np.ndarray) -> np.ndarray:
    """The day number of a day of a month; a month that is too short gives its last day."""
    first = first_of_month(month)
    length = first_of_month(month + 1) - first
    return first + np.minimum(day_of_month, length) - 1


def date_texts(days: np.ndarray, pattern: str = "%Y-%m-%d") -> np.ndarray:
    """The days as text (object array); each distinct day is formatted once."""
    distinct, where = np.unique(days, return_inverse=True)
    texts = np.array([from_day_number(int(day)).strftime(pattern) for day in distinct], dtype=object)
    return texts[where] if len(distinct) else np.empty(0, dtype=object)


# The seconds of a day as HH:MM:SS.
CLOCK = tuple(
    f"{hour:02d}:{minute:02d}:{second:02d}" for hour in range(24) for minute in range(60) for second in range(60)
)
