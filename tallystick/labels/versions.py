"""Choosing what was known: the version of every row that a cut-off date sees.

Also the local calendar as columns. It knows nothing of labels.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from tallystick.errors import NotFound
from tallystick.visibility.sql import newest_first_sql, until_sql


@dataclass(frozen=True, kw_only=True, slots=True)
class KnownTables:
    """Clean tables as seen on ``cutoff``: their frames by name, all of one business time zone."""

    frames: Mapping[str, DataFrame]
    cutoff: date
    zone: str

    def versions(self, table: str, event_id: str) -> DataFrame:
        """Every version known on the cut-off (``known_versions``)."""
        return known_versions(self.frames[table], event_id, cutoff=self.cutoff)

    def latest(self, table: str, event_id: str) -> DataFrame:
        """The rows in force on the cut-off (``select_latest``)."""
        return select_latest(self.frames[table], event_id, cutoff=self.cutoff)


def known_versions(rows: DataFrame, event_id: str, *, cutoff: date) -> DataFrame:
    """Every version known on ``cutoff``, retractions too, with ``in_force`` and ``in_force_since``.

    ``in_force`` marks the version that counts on the cut-off: per event, of those known by then, the one that was
    delivered last. ``in_force_since`` is its ``known_on`` and stands on all versions of the event: from then on until
    the cut-off no other version counts.
    """
    newest_first = f"OVER (PARTITION BY source, {event_id} ORDER BY {newest_first_sql()})"
    return rows.where(F.col("known_on") <= F.lit(cutoff)).select(
        "*",
        F.expr(f"ROW_NUMBER() {newest_first} = 1").alias("in_force"),
        F.expr(f"FIRST_VALUE(known_on) {newest_first}").alias("in_force_since"),
    )


def select_latest(rows: DataFrame, event_id: str, *, cutoff: date) -> DataFrame:
    """The rows in force on ``cutoff``: per event, of the versions known by then, the one that was delivered last.

    An event whose version in force is a retraction is gone; an event first known after the cut-off is not there yet.
    """
    known = known_versions(rows, event_id, cutoff=cutoff)
    return known.where(F.col("in_force") & ~F.col("is_retracted")).drop("in_force", "in_force_since")


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
