"""Rows that a load kept out: what is stored of them, which of them wait for a parent, and their summary.

What lives here: DataFrames of rejects and the SQL that sums them up. What must not: storage, a row's values in what
people are shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F

from tallystick.ingest.rows import Target
from tallystick.ingest.versions import PARENT_UNKNOWN

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

# What is written about a parked row when a later load settles it.
ENTERED_LATER = "entered_later"


@dataclass(frozen=True, kw_only=True, slots=True)
class RejectedRows:
    """One line of a summary: how many rows of a load were kept out of a table for one reason, and where one is."""

    table: str
    source: str
    loaded_on: date
    reason: str
    column: str
    rows: int
    first_place: str


def build_rejected(settled: DataFrame, target: Target) -> DataFrame:
    """The rows for the table's ``_rejected`` twin: what this load rejected, and what became of rows it had parked.

    A parked row that still waits is not told again.
    """
    is_new = ~F.col("_is_parked") & (F.col("_status") == "rejected")
    still_waits = (F.col("_status") == "rejected") & (F.col("_reason") == PARENT_UNKNOWN)
    is_settled = F.col("_is_parked") & ~still_waits
    place = F.concat_ws(":", "_file", F.col("_line").cast("string"), F.col("_branch").cast("string"))
    return settled.where(is_new | is_settled).select(
        F.concat_ws(":", place, F.hex(F.xxhash64("_raw"))).alias("rejected_id"),
        F.lit(target.load_date.isoformat()).cast("date").alias("loaded_on"),
        F.lit(target.contract.table).alias("table_name"),
        F.coalesce("_reason", F.lit(ENTERED_LATER)).alias("reason"),
        F.col("_column").alias("column_name"),
        F.col("_file").alias("file"),
        F.col("_line").alias("line"),
        F.col("_raw").alias("raw"),
        F.col(target.contract.known_on).alias("known_on"),
        F.lit(target.source.name).alias("source"),
    )


def waiting_rows(rejected: DataFrame, *, branch: int) -> DataFrame:
    """Of all rejects of a table, those a branch of its mapping parked and no load has settled: file, line, raw text."""
    history = rejected.groupBy("rejected_id", "file", "line", "raw").agg(
        F.max(F.col("reason") == PARENT_UNKNOWN).alias("was_parked"),
        F.max(F.col("reason") != PARENT_UNKNOWN).alias("is_settled"),
    )
    is_of_branch = F.regexp_extract("rejected_id", ":([0-9]+):[0-9A-F]+$", 1) == str(branch)
    # Rows of a derived view have no line to be read again; the next delivery derives them anew.
    waits = F.col("was_parked") & ~F.col("is_settled") & (F.col("line") > 0)
    return history.where(waits & is_of_branch).select("file", "line", "raw")


def rejected_summary_sql(tables: Iterable[str], *, waiting_only: bool = False) -> str:
    """A query (DuckDB) over ``clean.<table>_rejected`` that counts rejects by load, reason and column; no values.

    ``tables`` are clean tables without their layer that have a ``_rejected`` twin. ``waiting_only`` leaves the rows
    that still wait for a parent.
    """
    columns = "table_name, source, loaded_on, reason, column_name, file, line, rejected_id"
    parts = [f"SELECT {columns} FROM clean.{table}_rejected" for table in tables]
    settled = (
        "SELECT table_name, source, rejected_id FROM rejected GROUP BY ALL"
        f" HAVING bool_or(reason <> '{PARENT_UNKNOWN}')"
    )
    waiting = f" WHERE reason = '{PARENT_UNKNOWN}' AND NOT EXISTS (SELECT 1 FROM settled s WHERE s.table_name ="
    waiting += " r.table_name AND s.source = r.source AND s.rejected_id = r.rejected_id)"
    return (
        f"WITH rejected AS ({' UNION ALL '.join(parts)}), settled AS ({settled})"
        " SELECT table_name, source, loaded_on, reason, COALESCE(column_name, '') AS column_name,"
        " CAST(COUNT(*) AS BIGINT) AS rows, MIN(file || ':' || line) AS first_place"
        f" FROM rejected r{waiting if waiting_only else ''} GROUP BY ALL ORDER BY 1, 2, 3, 6 DESC, 4, 5"
    )


def summarise_rejected(
    query: Callable[[str], Any], tables: Iterable[str], *, waiting_only: bool = False
) -> list[RejectedRows]:
    """The summary as values. ``query`` runs SQL over the warehouse and gives an Arrow table; no tables give no rows."""
    chosen = list(tables)
    if not chosen:
        return []
    found: list[Mapping[str, Any]] = query(rejected_summary_sql(chosen, waiting_only=waiting_only)).to_pylist()
    return [
        RejectedRows(
            table=row["table_name"],
            source=row["source"],
            loaded_on=row["loaded_on"],
            reason=row["reason"],
            column=row["column_name"],
            rows=row["rows"],
            first_place=row["first_place"],
        )
        for row in found
    ]
