"""Which version of every row a cut-off date sees. The rule itself is in ``visibility``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from tallystick.errors import NotFound
from tallystick.spec.tables import TableContract
from tallystick.visibility.sql import delivery_sql, until_sql


@dataclass(frozen=True, kw_only=True, slots=True)
class KnownTables:
    """Clean tables as seen on ``cutoff``: frames and contracts by name, all of one business time zone."""

    frames: Mapping[str, DataFrame]
    contracts: Mapping[str, TableContract]
    cutoff: date
    zone: str

    def versions(self, table: str) -> DataFrame:
        """Every version known on the cut-off, with ``in_force`` and ``in_force_since`` (``known_versions``)."""
        return known_versions(self.frames[table], self.contracts[table].event_id, cutoff=self.cutoff)

    def latest(self, table: str) -> DataFrame:
        """The rows in force on the cut-off (``rows_in_force``)."""
        return rows_in_force(self.versions(table))


def known_versions(rows: DataFrame, event_id: str, *, cutoff: date) -> DataFrame:
    """The versions that were in force on any date up to ``cutoff``, with ``in_force`` and ``in_force_since``.

    ``in_force`` marks the version that counts on the cut-off: per event, of those known by then, the one that was
    delivered last. ``in_force_since`` is its ``known_on`` and stands on all versions of the event: from then on until
    the cut-off no other version counts. A version that was replaced before its own ``known_on`` is left out.
    """
    event = ("source", event_id)
    newest = f"MAX_BY(known_on, {delivery_sql()}) OVER (PARTITION BY {', '.join(event)})"
    known = rows.where(F.col("known_on") <= F.lit(cutoff)).select(
        "*", F.expr(until_sql(event)).alias("_until"), F.expr(newest).alias("in_force_since")
    )
    is_last = F.col("_until").isNull()
    return known.where(is_last | (F.col("known_on") < F.col("_until"))).withColumn("in_force", is_last).drop("_until")


def rows_in_force(versions: DataFrame) -> DataFrame:
    """Of ``known_versions`` those that count on the cut-off.

    An event whose version in force is a retraction is gone; one first known after the cut-off is not there yet.
    """
    return versions.where(F.col("in_force") & ~F.col("is_retracted")).drop("in_force", "in_force_since")


def last_load(bounds: Iterable[Mapping[str, tuple[date, date]]], *, source: str) -> date:
    """The newest load date of files whose log entries say (min, max) of ``loaded_on``: the natural cut-off.

    NotFound when no file has any.
    """
    loads = [found["loaded_on"][1] for found in bounds if "loaded_on" in found]
    if not loads:
        raise NotFound(f"source {source} has no loaded rows", where="the label's tables", fix="ingest it first")
    return max(loads)
