"""Choosing what was known: the version of every row that a cut-off date sees.

What lives here: version choice and the local calendar. What must not: anything about labels.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from tallystick.errors import NotFound
from tallystick.visibility.sql import newest_first_sql, until_sql


def select_latest(rows: DataFrame, event_id: str, *, cutoff: date) -> DataFrame:
    """The rows in force on ``cutoff``: per event, of the versions known by then, the one that was delivered last.

    An event whose chosen version is a retraction is gone; an event first known after the cut-off is not there yet.
    """
    return select_known_versions(rows, event_id, cutoff=cutoff).where(~F.col("is_retracted"))


def select_known_versions(rows: DataFrame, event_id: str, *, cutoff: date) -> DataFrame:
    """As ``select_latest``, but retracted events stay, with their flag: for asking when something became known."""
    newest = F.expr(f"ROW_NUMBER() OVER (PARTITION BY source, {event_id} ORDER BY {newest_first_sql()})")
    known = rows.where(F.col("known_on") <= F.lit(cutoff)).withColumn("_version", newest)
    return known.where(F.col("_version") == 1).drop("_version")


def select_decided(applications: DataFrame, *, cutoff: date, zone: str) -> DataFrame:
    """Per application known on ``cutoff`` the version that its decision was made on; retracted ones are left out.

    Of the versions that come into force, the first whose local date of event_at comes before the next one is in force.
    The same rule as the observations have, so labels and features share as_of.
    """
    key = ("source", "application_id")
    known = applications.where(F.col("known_on") <= F.lit(cutoff)).withColumn("_until", F.expr(until_sql(key)))
    is_in_force = F.col("_until") > F.greatest("known_on", local_date_expr("event_at", zone))
    decided = known.where(F.col("_until").isNull() | is_in_force)
    first = Window.partitionBy(*key).orderBy("known_on")
    found = decided.withColumn("_version", F.row_number().over(first))
    return found.where((F.col("_version") == 1) & ~F.col("is_retracted")).drop("_version", "_until")


def local_date_expr(instant: str, zone: str) -> Column:
    """The calendar date of a UTC instant in ``zone``; null stays null. Expects the session's zone to be UTC."""
    return F.to_date(F.from_utc_timestamp(F.col(instant), zone))


def last_load(bounds: Iterable[Mapping[str, tuple[date, date]]], *, source: str) -> date:
    """The newest load date of files whose log entries say (min, max) of ``loaded_on``: the natural cut-off.

    NotFound when no file has any.
    """
    loads = [found["loaded_on"][1] for found in bounds if "loaded_on" in found]
    if not loads:
        raise NotFound(f"source {source} has no loaded rows", where="the label's tables", fix="ingest it first")
    return max(loads)
