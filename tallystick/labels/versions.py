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

    In the order of ``known_on``, the first version whose local date of event_at comes before the next one is known.
    The same rule as the observations have, so labels and features share as_of.
    """
    versions = Window.partitionBy("source", "application_id").orderBy("known_on")
    known = applications.where(F.col("known_on") <= F.lit(cutoff)).withColumn(
        "_next", F.lead("known_on").over(versions)
    )
    is_decided = F.col("_next").isNull() | (local_date_expr("event_at", zone) < F.col("_next"))
    decided = known.where(is_decided).withColumn("_version", F.row_number().over(versions))
    return decided.where((F.col("_version") == 1) & ~F.col("is_retracted")).drop("_version", "_next")


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
