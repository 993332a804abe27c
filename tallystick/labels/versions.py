"""Choosing what was known: the version of every row that a cut-off date sees.

What lives here: version choice and the local calendar. What must not: anything about labels.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from tallystick.errors import NotFound


def select_latest(rows: DataFrame, event_id: str, *, cutoff: date) -> DataFrame:
    """The rows as known on ``cutoff``: per event the version with the greatest ``known_on`` not after it.

    An event whose chosen version is a retraction is gone; an event first known after the cut-off is not there yet.
    """
    newest_first = Window.partitionBy("source", event_id).orderBy(F.col("known_on").desc())
    known = rows.where(F.col("known_on") <= F.lit(cutoff)).withColumn("_version", F.row_number().over(newest_first))
    is_current = (F.col("_version") == 1) & ~F.col("is_retracted")
    return known.where(is_current).drop("_version")


def select_known_versions(rows: DataFrame, event_id: str, *, cutoff: date) -> DataFrame:
    """As ``select_latest``, but retracted events stay, with their flag: for asking when something became known."""
    newest_first = Window.partitionBy("source", event_id).orderBy(F.col("known_on").desc())
    known = rows.where(F.col("known_on") <= F.lit(cutoff)).withColumn("_version", F.row_number().over(newest_first))
    return known.where(F.col("_version") == 1).drop("_version")


def select_decided(applications: DataFrame, *, cutoff: date, zone: str) -> DataFrame:
    """Per application known on ``cutoff`` the version that its decision was made on; retracted ones are left out.

    Of the versions with ``known_on`` not after the local date of their own event_at the newest; where the first one
    came later than that, the first. The same rule as the observations have, so labels and features share as_of.
    """
    is_timely = F.col("known_on") <= local_date_expr("event_at", zone)
    days = F.datediff("known_on", F.lit("1970-01-01"))
    order = Window.partitionBy("source", "application_id").orderBy(
        is_timely.desc(), F.when(is_timely, -days).otherwise(days)
    )
    known = applications.where(F.col("known_on") <= F.lit(cutoff)).withColumn("_version", F.row_number().over(order))
    return known.where((F.col("_version") == 1) & ~F.col("is_retracted")).drop("_version")


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
