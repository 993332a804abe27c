"""Reads one text as a number, truth value, day or time exactly as Spark's cast does, or says that it is none.

One text at a time, and the definition: ``own_functions`` calls this for what its quick ways leave over.
"""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Context, Decimal

from tallystick.dialect.any_year import DAY, days_of
from tallystick.dialect.java_zones import JAVA_SHORT_NAMES, is_zone, zone_table
from tallystick.dialect.types import MOST_DIGITS

_BLANKS = "".join(map(chr, range(0x21))) + "\x7f"
_TRUE, _FALSE = frozenset(("t", "true", "y", "yes", "1")), frozenset(("f", "false", "n", "no", "0"))
_WHOLE = re.compile(r"[+-]?[0-9]+", re.ASCII)
# Java's decimals take the digits of any script.
_DECIMAL = re.compile(r"[+-]?(\d+[.]?\d*|[.]\d+)([eE][+-]?\d{1,10})?")
_DOUBLE = re.compile(r"([+-]?(?:[0-9]+[.]?[0-9]*|[.][0-9]+)(?:[eE][+-]?[0-9]+)?)[fFdD]?", re.ASCII)
_HEX = re.compile(r"([+-]?0[xX](?:[0-9a-fA-F]+[.]?[0-9a-fA-F]*|[.][0-9a-fA-F]+)[pP][+-]?[0-9]+)[fFdD]?", re.ASCII)
_NAMED = re.compile(r"([+-]?)(Infinity|NaN)[fFdD]?")
_WORDS = {
    "inf": "inf",
    "+inf": "inf",
    "infinity": "inf",
    "+infinity": "inf",
    "-inf": "-inf",
    "-infinity": "-inf",
    "nan": "nan",
}
# Microseconds that 64 bits do not hold.
_BEYOND = 1 << 63
_EXACT = Context(prec=5000)
_MOST_EXPONENT = 1 << 31
_SECONDS_APART = re.compile(r"([+-])([0-9]):")
_MINUTES_APART = re.compile(r"([+-][0-9]{2}):([0-9])(:.*)?")


def read_whole(text: str, bits: int) -> int | None:
    """A whole number of so many bits."""
    trimmed = text.strip(_BLANKS)
    if not _WHOLE.fullmatch(trimmed):
        return None
    number = int(trimmed)
    return number if -(1 << (bits - 1)) <= number < 1 << (bits - 1) else None


def read_decimal(text: str, digits: int, places: int) -> str | None:
    """A decimal of so many digits and places, half a unit rounded away from zero, as plain text."""
    found = _DECIMAL.fullmatch(text.strip(_BLANKS[:0x21]))
    if not found or (found[2] and abs(int(found[2][1:])) > _MOST_EXPONENT):
        return None
    number = Decimal(found[0])
    _, figures, exponent = number.as_tuple()
    # Spark looks at the digits before the point first, and counts those that an exponent puts behind a zero, too.
    if len(figures) + int(exponent) > MOST_DIGITS:
        return None
    if number.adjusted() < -2 * MOST_DIGITS:
        number = Decimal(0)
    rounded = number.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP, context=_EXACT)
    return f"{rounded:f}" if abs(rounded) < Decimal(10) ** (digits - places) else None


def read_double(text: str) -> float | None:
    """A double, as Java reads one and Spark a few words beside."""
    trimmed = text.strip("".join(map(chr, range(0x21))))
    found = _DOUBLE.fullmatch(trimmed)
    if found:
        return float(found[1])
    found = _HEX.fullmatch(trimmed)
    if found:
        try:
            return float.fromhex(found[1])
        except OverflowError:
            return float("-inf" if found[1].startswith("-") else "inf")
    found = _NAMED.fullmatch(trimmed)
    if found:
        return float(f"{found[1]}{'inf' if found[2] == 'Infinity' else 'nan'}")
    word = _WORDS.get(trimmed.lower())
    return float(word) if word else None


def read_boolean(text: str) -> bool | None:
    """A truth value."""
    word = text.strip(_BLANKS).lower()
    return True if word in _TRUE else False if word in _FALSE else None


def read_date(text: str) -> int | None:
    """A day: year, year and month, or all of it, and then a blank or T and anything."""
    trimmed = text.strip(_BLANKS)
    found = re.fullmatch(
        r"([+-]?)([0-9]{4,7})(?:-([0-9]{1,2})(?:-([0-9]{1,2})(?:[ T].*)?)?)?", trimmed, re.ASCII | re.DOTALL
    )
    if not found:
        return None
    year = int(found[2]) * (-1 if found[1] == "-" else 1)
    days = days_of(year, int(found[3] or 1), int(found[4] or 1))
    return days if days is not None and abs(days) < 1 << 31 else None


_TIME = re.compile(
    r"([+-]?)([0-9]{4,6})(?:-([0-9]{1,2})(?:-([0-9]{1,2})(?:[ T](?:([0-9]{1,2})(?::([0-9]{1,2})"
    r"(?::([0-9]{1,2})(?:[.]([0-9]*))?([^0-9].*)?)?)?)?)?)?)?",
    re.ASCII | re.DOTALL,
)


def _clock(text: str) -> tuple[int, str | None] | None:
    """The wall clock of a text in microseconds, and the zone behind it."""
    trimmed = text.strip(_BLANKS)
    found = _TIME.fullmatch(trimmed)
    if not found or (found[4] and re.search(r"[ T]$", trimmed) and found[5] is None):
        return None
    year = int(found[2]) * (-1 if found[1] == "-" else 1)
    days = days_of(year, int(found[3] or 1), int(found[4] or 1))
    hour, minute, second = (int(found[place] or 0) for place in (5, 6, 7))
    if days is None or hour > 23 or minute > 59 or second > 59:
        return None
    micros = int(((found[8] or "") + "000000")[:6])
    clock = days * DAY + ((hour * 60 + minute) * 60 + second) * 1_000_000 + micros
    return (clock, found[9]) if -_BEYOND < clock < _BEYOND else None


def read_timestamp(text: str) -> int | None:
    """An instant in microseconds; a text without a zone is of UTC.

    A time without a day is none. Spark takes it for one of today, whichever day that is: the one thing that is not
    done as Spark does, for a delivery must give the same rows on any day.
    """
    found = _clock(text)
    if found is None or found[1] is None:
        return found[0] if found else None
    offset = fixed_offset(found[1].strip(_BLANKS[:0x21]))
    if isinstance(offset, str):
        return int(zone_table(offset).to_instant(found[0]))
    return None if offset is None else found[0] - offset * 1_000_000


def read_clock(text: str) -> int | None:
    """A wall clock in microseconds; a zone behind it must be one, and is left out."""
    found = _clock(text)
    if found is None or (found[1] is not None and fixed_offset(found[1].strip(_BLANKS[:0x21])) is None):
        return None
    return found[0]


def fixed_offset(zone: str) -> int | str | None:
    """Seconds ahead of UTC, or the name of a region; None for what Java knows as neither."""
    zone = _SECONDS_APART.sub(r"\g<1>0\g<2>:", zone, count=1)
    found = _MINUTES_APART.fullmatch(zone)
    if found:
        zone = f"{found[1]}:0{found[2]}{found[3] or ''}"
    zone = JAVA_SHORT_NAMES.get(zone, zone)
    if zone in ("Z", "UTC", "GMT", "UT"):
        return 0
    if zone[:3] in ("UTC", "GMT") and zone[3:4] in ("+", "-"):
        return _offset(zone[3:])
    if zone[:2] == "UT" and zone[2:3] in ("+", "-"):
        return _offset(zone[2:])
    if zone[:1] in ("+", "-"):
        return _offset(zone)
    return zone if is_zone(zone) else None


def _offset(text: str) -> int | None:
    found = re.fullmatch(r"([+-])([0-9]{1,2}|([0-9]{2}):?([0-9]{2})(?:(:?)([0-9]{2}))?)", text, re.ASCII)
    if not found or (found[6] and (":" in text[:4]) != (found[5] == ":")):
        return None
    hours, minutes, seconds = int(found[3] or found[2]), int(found[4] or 0), int(found[6] or 0)
    total = hours * 3600 + minutes * 60 + seconds
    if minutes > 59 or seconds > 59 or total > 18 * 3600:
        return None
    return -total if found[1] == "-" else total


def date_literal(text: str) -> str | None:
    """A literal day as DuckDB's SQL."""
    days = read_date(text)
    return None if days is None else f"CAST(DATE '1970-01-01' + CAST({days} AS INTEGER) AS DATE)"


def timestamp_literal(text: str) -> str | None:
    """A literal instant as DuckDB's SQL."""
    micros = read_timestamp(text)
    return None if micros is None else f"make_timestamptz({micros})"


def clock_literal(text: str) -> str | None:
    """A literal wall clock as DuckDB's SQL."""
    micros = read_clock(text)
    return None if micros is None else f"make_timestamp({micros})"


def double_literal(text: str) -> str | None:
    """A literal double as DuckDB's SQL."""
    number = read_double(text)
    return None if number is None else f"CAST('{number!r}' AS DOUBLE)"
