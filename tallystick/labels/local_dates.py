"""Local dates, and the end of a window that looks ahead, as SQL. Spark's own zone must be UTC."""

from __future__ import annotations

from tallystick.spec.mappings import text_sql
from tallystick.spec.windows import Window


def local_date_sql(instant: str, zone: str) -> str:
    """The calendar date of a UTC instant in ``zone``; null stays null."""
    return f"TO_DATE({_local(instant, zone)})"


def ahead_sql(instant: str, span: Window, zone: str) -> str:
    """The UTC instant ``span`` after a UTC instant, counted on the local wall clock as ``docs/windows.md`` has it.

    Months clamp to their last day. The instant at which a business date begins stands for its midnight, also where the
    clock skips that midnight. A local time that does not exist moves forward, of one that exists twice the first
    counts.
    """
    local = _local(instant, zone)
    midnight = f"DATE_TRUNC('DAY', {local})"
    begins_a_date = f"{_utc(midnight, zone)} = {instant}"
    start = f"CASE WHEN {begins_a_date} THEN {midnight} ELSE {local} END"
    return _utc(f"{start} + INTERVAL '{span.count}' {span.unit.upper()}", zone)


def first_whole_date_sql(instant: str, zone: str) -> str:
    """The first business date at whose start a UTC instant has come: its own date where it begins that date."""
    local_date = local_date_sql(instant, zone)
    begins_a_date = f"{_utc(f'CAST({local_date} AS TIMESTAMP)', zone)} = {instant}"
    return f"CASE WHEN {begins_a_date} THEN {local_date} ELSE DATE_ADD({local_date}, 1) END"


def _local(instant: str, zone: str) -> str:
    return f"FROM_UTC_TIMESTAMP({instant}, {text_sql(zone)})"


def _utc(local: str, zone: str) -> str:
    return f"TO_UTC_TIMESTAMP({local}, {text_sql(zone)})"
