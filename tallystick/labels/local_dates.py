"""Local dates, and the end of a window that looks ahead, as Spark columns. Spark's own zone must be UTC."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from tallystick.spec.windows import Window


def local_date_expr(instant: str, zone: str) -> Column:
    """The calendar date of a UTC instant in ``zone``; null stays null."""
    return F.to_date(F.from_utc_timestamp(F.col(instant), zone))


def ahead_expr(instant: str, span: Window, zone: str) -> Column:
    """The UTC instant ``span`` after a UTC instant, counted on the local wall clock as ``docs/windows.md`` has it.

    Months clamp to their last day. The instant at which a business date begins stands for its midnight, also where the
    clock skips that midnight. A local time that does not exist moves forward, of one that exists twice the first
    counts.
    """
    local = F.from_utc_timestamp(F.col(instant), zone)
    midnight = F.date_trunc("day", local)
    begins_a_date = F.to_utc_timestamp(midnight, zone) == F.col(instant)
    start = F.when(begins_a_date, midnight).otherwise(local)
    length = f"INTERVAL '{span.count}' {span.unit.upper()}"
    return F.to_utc_timestamp(start + F.expr(length), zone)


def first_whole_date_expr(instant: Column, zone: str) -> Column:
    """The first business date at whose start a UTC instant has come: its own date where it begins that date."""
    local_date = F.to_date(F.from_utc_timestamp(instant, zone))
    begins_a_date = F.to_utc_timestamp(local_date.cast("timestamp"), zone) == instant
    return F.when(begins_a_date, local_date).otherwise(F.date_add(local_date, 1))
