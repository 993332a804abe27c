"""Functions of days and times: how DuckDB writes each, and which type comes out.

The session's zone is UTC.
"""

from __future__ import annotations

from collections.abc import Sequence

from tallystick.dialect.casts import cast, literal_text, must, only_text
from tallystick.dialect.java_zones import is_zone
from tallystick.dialect.patterns import time_pattern
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


def _add_months(values: Sequence[Value]) -> Value:
    if values[1].type != "int":
        raise NotTranslated(values[1].type)
    return Value(f"CAST({cast(values[0], 'date').sql} + to_months({values[1].sql}) AS DATE)", "date")


def _date_format(values: Sequence[Value]) -> Value:
    forms = {"yyyy": "%Y", "yyyy-MM": "%Y-%m"}
    form = forms.get(literal_text(values[1]))
    if form is None or values[0].type not in TIMES:
        raise NotTranslated("another pattern")
    day = cast(values[0], "date").sql
    inside = f"{day} BETWEEN DATE '0001-01-01' AND DATE '9999-12-31'"
    return Value(
        must(
            f"CASE WHEN {inside} THEN strftime({day}, '{form}') END", f"{day} IS NOT NULL", "a day beyond the year 9999"
        ),
        "string",
    )


TIME_RULES = (
    FunctionRule("TO_DATE DATE", 1, 1, _to_date, ""),
    FunctionRule("TIMESTAMP", 1, 1, _timestamp, ""),
    FunctionRule("TRY_TO_TIMESTAMP", 2, 2, _try_to_timestamp, "a pattern of y M d H m s S, each of its usual width"),
    FunctionRule("UNIX_TIMESTAMP TO_UNIX_TIMESTAMP", 1, 1, _unix_timestamp, "of an instant"),
    FunctionRule("DATE_ADD", 2, 2, _date_add, "whole days"),
    FunctionRule("ADD_MONTHS", 2, 2, _add_months, "a day that the month lacks becomes its last one"),
    FunctionRule("DATE_FORMAT", 2, 2, _date_format, "'yyyy' or 'yyyy-MM' of a day of the years 1 to 9999"),
    FunctionRule("TO_UTC_TIMESTAMP", 2, 2, shifted("spark_to_utc"), "a region's name, such as Europe/Prague"),
    FunctionRule("FROM_UTC_TIMESTAMP", 2, 2, shifted("spark_from_utc"), "a region's name, such as Europe/Prague"),
    FunctionRule("TIMESTAMP_SECONDS", 1, 1, counted(1_000_000), "of a whole number"),
    FunctionRule("TIMESTAMP_MILLIS", 1, 1, counted(1000), "of a whole number"),
    FunctionRule("TIMESTAMP_MICROS", 1, 1, counted(1), "of a whole number"),
)
