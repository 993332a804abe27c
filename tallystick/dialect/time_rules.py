"""Functions of days and times: how DuckDB writes each, and which type comes out.

The session's zone is UTC.
"""

from __future__ import annotations

from collections.abc import Sequence

from tallystick.dialect.casts import as_clock, as_instant, cast, literal_text, must, only_text
from tallystick.dialect.java_zones import is_zone
from tallystick.dialect.patterns import fields_of, time_pattern
from tallystick.dialect.types import (
    INTEGERS,
    TIMES,
    FunctionRule,
    NotTranslated,
    Rule,
    Value,
    text_literal,
)


def shifted(name: str) -> Rule:
    """A clock moved between UTC and a zone."""

    def apply(values: Sequence[Value]) -> Value:
        zone = literal_text(values[1])
        if not is_zone(zone):
            raise NotTranslated("a zone that is no region")
        moved = cast(values[0], "timestamp")
        return Value(f"{name}({moved.sql}, {text_literal(zone)})", "timestamp")

    return apply


def counted(micros: int) -> Rule:
    """An instant from a count of units of so many microseconds."""

    def apply(values: Sequence[Value]) -> Value:
        if values[0].type not in INTEGERS:
            raise NotTranslated(values[0].type)
        return Value(f"make_timestamptz(CAST({values[0].sql} AS BIGINT) * {micros})", "timestamp")

    return apply


def _to_date(values: Sequence[Value]) -> Value:
    return cast(values[0], "date")


def _timestamp(values: Sequence[Value]) -> Value:
    return cast(values[0], "timestamp")


def _try_to_timestamp(values: Sequence[Value]) -> Value:
    pattern = literal_text(values[1])
    time_pattern(pattern)
    return Value(f"spark_pattern({only_text(values[0])}, {text_literal(pattern)})", "timestamp")


def _unix_timestamp(values: Sequence[Value]) -> Value:
    if values[0].type not in TIMES:
        raise NotTranslated(values[0].type)
    # Towards 1970 on both sides of it, unlike a cast.
    return Value(f"(epoch_us({cast(values[0], 'timestamp').sql}) // 1000000)", "bigint")


def _date_add(values: Sequence[Value]) -> Value:
    if values[1].type != "int":
        raise NotTranslated(values[1].type)
    return Value(f"({cast(values[0], 'date').sql} + {values[1].sql})", "date")


def later(value: Value, count: str, unit: str) -> Value:
    """An instant so many whole days or months later on UTC's clock; a day that the month lacks becomes its last one."""
    if unit not in ("DAY", "MONTH") or value.type != "timestamp" or not count.isdecimal() or len(count) > 6:
        raise NotTranslated(f"an interval of {unit} beside {value.type}")
    if unit == "DAY":
        # Not as an interval: DuckDB takes 30 days and one month in one query for the same.
        return Value(f"make_timestamptz(epoch_us({value.sql}) + {int(count) * 86_400_000_000})", "timestamp")
    return Value(as_instant(f"({as_clock(value)} + to_months({int(count)}))"), "timestamp")


def _add_months(values: Sequence[Value]) -> Value:
    if values[1].type != "int":
        raise NotTranslated(values[1].type)
    return Value(f"CAST({cast(values[0], 'date').sql} + to_months({values[1].sql}) AS DATE)", "date")


def _date_format(values: Sequence[Value]) -> Value:
    if values[0].type not in TIMES:
        raise NotTranslated(values[0].type)
    return Value(written_as(as_clock(values[0]), literal_text(values[1])), "string")


def written_as(clock: str, pattern: str) -> str:
    """A clock by a pattern. Years that have not four digits are written by a function of ours, if alone or first."""
    form = "".join(_FORMS[field.letter, field.size] if field.letter else field.text.replace("%", "%%")
                   for field in fields_of(pattern, known=_FORMS))  # fmt: skip
    made = f"strftime({clock}, {text_literal(form)})"
    cut = {"yyyy": 6, "yyyy-MM": 3, "yyyy-MM-dd": 0}.get(pattern)
    far = f"spark_date_text(CAST({clock} AS DATE))"
    if "y" not in pattern:
        return made
    is_near = f"{clock} >= TIMESTAMP '0001-01-01' AND {clock} < TIMESTAMP '9999-12-31 24:00:00'"
    if cut is None:
        return must(f"CASE WHEN {is_near} THEN {made} END", f"{clock} IS NOT NULL", "a year that has not four digits")
    return f"CASE WHEN {is_near} THEN {made} ELSE left({far}, CAST(length({far}) - {cut} AS INTEGER)) END"


# Fields of a pattern that is written, as strftime has them.
_FORMS = {
    ("y", 4): "%Y", ("M", 2): "%m", ("d", 2): "%d", ("H", 2): "%H", ("m", 2): "%M", ("s", 2): "%S", ("M", 1): "%-m",
    ("d", 1): "%-d", ("H", 1): "%-H",
}  # fmt: skip


def part(name: str) -> Rule:
    """A number out of a day or a clock."""

    def apply(values: Sequence[Value]) -> Value:
        if values[0].type not in TIMES:
            raise NotTranslated(values[0].type)
        return Value(f"CAST({name}({as_clock(values[0])}) AS INTEGER)", "int")

    return apply


def _weekday(values: Sequence[Value]) -> Value:
    return Value(f"CAST({part('isodow')(values).sql} - 1 AS INTEGER)", "int")


def _date_sub(values: Sequence[Value]) -> Value:
    if values[1].type != "int":
        raise NotTranslated(values[1].type)
    return Value(f"({cast(values[0], 'date').sql} - {values[1].sql})", "date")


def _datediff(values: Sequence[Value]) -> Value:
    end, start = (cast(value, "date") for value in values)
    return Value(f"CAST(({end.sql} - {start.sql}) AS INTEGER)", "int")


def _last_day(values: Sequence[Value]) -> Value:
    return Value(f"last_day({cast(values[0], 'date').sql})", "date")


_UNITS = {"YEAR": "year", "YYYY": "year", "YY": "year", "QUARTER": "quarter", "MONTH": "month", "MM": "month",
          "MON": "month", "WEEK": "week"}  # fmt: skip
_SMALL_UNITS = {"DAY": "day", "DD": "day", "HOUR": "hour", "MINUTE": "minute", "SECOND": "second"}


def _trunc(values: Sequence[Value]) -> Value:
    unit = _UNITS.get(literal_text(values[1]).upper())
    if unit is None:
        raise NotTranslated("another unit")
    return Value(f"CAST(date_trunc('{unit}', {cast(values[0], 'date').sql}) AS DATE)", "date")


def _date_trunc(values: Sequence[Value]) -> Value:
    unit = {**_UNITS, **_SMALL_UNITS}.get(literal_text(values[0]).upper())
    if unit is None or values[1].type not in TIMES:
        raise NotTranslated("another unit or type")
    return Value(
        as_instant(f"CAST(date_trunc('{unit}', {as_clock(cast(values[1], 'timestamp'))}) AS TIMESTAMP)"), "timestamp"
    )


def _unix_date(values: Sequence[Value]) -> Value:
    if values[0].type != "date":
        raise NotTranslated(values[0].type)
    return Value(f"CAST(({values[0].sql} - DATE '1970-01-01') AS INTEGER)", "int")


def _from_unix_date(values: Sequence[Value]) -> Value:
    if values[0].type != "int":
        raise NotTranslated(values[0].type)
    return Value(f"(DATE '1970-01-01' + {values[0].sql})", "date")


def _from_unixtime(values: Sequence[Value]) -> Value:
    if values[0].type not in INTEGERS:
        raise NotTranslated(values[0].type)
    clock = f"make_timestamp(CAST({values[0].sql} AS BIGINT) * 1000000)"
    return Value(written_as(clock, literal_text(values[1]) if len(values) > 1 else "yyyy-MM-dd HH:mm:ss"), "string")


TIME_RULES = (
    FunctionRule("TO_DATE DATE", 1, 1, _to_date, ""),
    FunctionRule("TIMESTAMP", 1, 1, _timestamp, ""),
    FunctionRule("TRY_TO_TIMESTAMP", 2, 2, _try_to_timestamp, "a pattern of y M d H m s S, each of its usual width"),
    FunctionRule("UNIX_TIMESTAMP TO_UNIX_TIMESTAMP", 1, 1, _unix_timestamp, "of an instant"),
    FunctionRule("DATE_ADD", 2, 2, _date_add, "whole days"),
    FunctionRule("ADD_MONTHS", 2, 2, _add_months, "a day that the month lacks becomes its last one"),
    FunctionRule("DATE_FORMAT", 2, 2, _date_format, "a pattern of yyyy, M, d, H of one or two letters, mm, ss"),
    FunctionRule("FROM_UNIXTIME", 1, 2, _from_unixtime, "of a whole number; a pattern as for DATE_FORMAT"),
    FunctionRule("DATE_SUB", 2, 2, _date_sub, "whole days"),
    FunctionRule("DATEDIFF DATE_DIFF", 2, 2, _datediff, "of two days"),
    FunctionRule("LAST_DAY", 1, 1, _last_day),
    FunctionRule("TRUNC", 2, 2, _trunc, "to a year, quarter, month or week"),
    FunctionRule("DATE_TRUNC", 2, 2, _date_trunc, "to a year, quarter, month, week, day, hour, minute or second"),
    FunctionRule("UNIX_DATE", 1, 1, _unix_date),
    FunctionRule("DATE_FROM_UNIX_DATE", 1, 1, _from_unix_date),
    *(
        FunctionRule(names, 1, 1, part(names.split()[-1].lower().replace("dayofmonth", "day")))
        for names in ("YEAR", "QUARTER", "MONTH", "DAYOFMONTH DAY", "HOUR", "MINUTE", "SECOND")
    ),
    FunctionRule("WEEKDAY", 1, 1, _weekday, "0 is Monday"),
    FunctionRule("TO_UTC_TIMESTAMP", 2, 2, shifted("spark_to_utc"), "a region's name, such as Europe/Prague"),
    FunctionRule("FROM_UTC_TIMESTAMP", 2, 2, shifted("spark_from_utc"), "a region's name, such as Europe/Prague"),
    FunctionRule("TIMESTAMP_SECONDS", 1, 1, counted(1_000_000), "of a whole number"),
    FunctionRule("TIMESTAMP_MILLIS", 1, 1, counted(1000), "of a whole number"),
    FunctionRule("TIMESTAMP_MICROS", 1, 1, counted(1), "of a whole number"),
)
