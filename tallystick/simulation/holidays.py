"""Weekends and public holidays of the simulated country: the same for everybody and known before.

Kept apart from the steps of a day because all of them, and the recorders, look at one calendar.
"""

from __future__ import annotations

from tallystick.simulation.day_numbers import day_number, from_day_number

# Spring Festival's first day by year; a year that is not listed here has none.
_SPRING_FESTIVALS = {2023: 121, 2024: 210, 2025: 129, 2026: 217, 2027: 206, 2028: 126}
_FESTIVAL_DAYS = 8


def is_spring_festival(day: int) -> bool:
    """Whether this is one of the days when nearly everything is shut."""
    date = from_day_number(day)
    festival = _SPRING_FESTIVALS.get(date.year)
    if festival is None:
        return False
    first = day_number(date.replace(month=festival // 100, day=festival % 100))
    return first <= day < first + _FESTIVAL_DAYS


def is_day_off(day: int) -> bool:
    """Whether offices are shut: weekends, New Year, Spring Festival, and the weeks of May 1 and October 1."""
    date = from_day_number(day)
    month_day = date.month * 100 + date.day
    is_week_off = 501 <= month_day <= 505 or 1001 <= month_day <= 1007
    return date.weekday() >= 5 or month_day == 101 or is_week_off or is_spring_festival(day)
