"""Days and times of any year, as Java knows them: Python's own end with the year 9999."""

from __future__ import annotations

# Microseconds.
DAY = 86_400_000_000


def days_of(year: int, month: int, day: int) -> int | None:
    """Days since 1970-01-01 of a day of the Gregorian calendar, in any year; None for a day that is none."""
    if not 1 <= month <= 12 or not 1 <= day <= last_day(year, month):
        return None
    shifted = year - (month <= 2)
    era, of_era = divmod(shifted, 400)
    of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719_468


def last_day(year: int, month: int) -> int:
    """The number of a month's last day."""
    if month == 2:
        return 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    return 30 if month in (4, 6, 9, 11) else 31


def date_text(days: int) -> str:
    """A day of any year: four digits of the year, or a sign and more."""
    shifted = days + 719_468
    era, of_era = divmod(shifted, 146_097)
    of_era_years = (of_era - of_era // 1460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * of_era_years + of_era_years // 4 - of_era_years // 100)
    place = (5 * of_year + 2) // 153
    month = place + 3 if place < 10 else place - 9
    year = of_era_years + era * 400 + (month <= 2)
    sign = "-" if year < 0 else "+" if year > 9999 else ""
    return f"{sign}{abs(year):04d}-{month:02d}-{of_year - (153 * place + 2) // 5 + 1:02d}"


def time_text(micros: int) -> str:
    """A wall clock, with as many decimals of the second as it needs."""
    days, rest = divmod(micros, DAY)
    seconds, fraction = divmod(rest, 1_000_000)
    minutes, second = divmod(seconds, 60)
    part = f".{fraction:06d}".rstrip("0") if fraction else ""
    return f"{date_text(days)} {minutes // 60:02d}:{minutes % 60:02d}:{second:02d}{part}"
