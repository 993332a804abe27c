"""Compares rows with each other and with what earlier loads published: duplicates, conflicts, unknown parents.

What lives here: the outcomes that one row alone cannot tell. What must not: types and values of columns
(``ingest.rows``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pyspark.sql import functions as F
from pyspark.sql.window import Window

from tallystick.ingest.rows import Target

if TYPE_CHECKING:
    from pyspark.sql import Column as SparkColumn
    from pyspark.sql import DataFrame

# Not part of a row's content: they say how and when it came, not what it says.
NOT_CONTENT = ("source", "bucket", "period", "loaded_on")

PARENT_UNKNOWN = "parent_unknown"


def park_orphans(judged: DataFrame, parents: Mapping[str, DataFrame]) -> DataFrame:
    """Fault every row that names a parent which nobody delivered; ``parents`` has one column ``_id`` per column."""
    rows = judged
    for column, known in parents.items():
        ids = known.select(F.col("_id").alias("_parent")).distinct().withColumn("_is_known", F.lit(True))
        is_orphan = F.col(column).isNotNull() & F.col("_is_known").isNull() & ~F.col("_is_excluded")
        fault = F.struct(F.lit(PARENT_UNKNOWN).alias("reason"), F.lit(column).alias("column"))
        met = rows.join(ids, F.col(column) == F.col("_parent"), "left")
        told = F.coalesce(F.col("_fault"), F.when(is_orphan, fault)).alias("_fault")
        rows = met.select(*(name for name in rows.columns if name != "_fault"), told)
    return rows


def settle_rows(judged: DataFrame, target: Target, *, published: DataFrame | None) -> DataFrame:
    """The final outcome of every row: ``_status`` accepted, rejected, duplicate or excluded, ``_reason``, ``_column``.

    Of equal rows in one load the first by file and line is accepted; different rows with one key are all rejected,
    because nobody can say which is right. A row equal to the version that was published for its time is a duplicate.
    """
    contract = target.contract
    is_candidate = F.col("_fault").isNull() & ~F.col("_is_excluded")
    content = _content(target)
    # Rows that are out already must not meet in one huge group: each is a group of its own.
    own = F.concat_ws("\n", "_file", F.col("_line").cast("string"), F.col("_branch").cast("string"), "_raw")
    key = F.when(is_candidate, F.col(contract.event_id)).otherwise(own)
    parts = [is_candidate, key, *([F.col(contract.known_on)] if target.has_own_known_on else [])]
    window = Window.partitionBy(*parts)
    compared = judged.select(
        "*",
        is_candidate.alias("_is_candidate"),
        F.min(content).over(window).alias("_low"),
        F.max(content).over(window).alias("_high"),
        F.row_number().over(window.orderBy("_is_parked", "_file", "_line", "_branch")).alias("_place"),
    )
    is_conflict = F.col("_is_candidate") & ~F.col("_low").eqNullSafe(F.col("_high"))
    told = compared.select(
        *(name for name in judged.columns if name not in ("_fault", "_is_excluded")),
        "_is_candidate",
        F.coalesce("_fault", F.when(is_conflict, _fault("conflicting_versions", contract.event_id))).alias("_fault"),
        (F.col("_is_candidate") & ~is_conflict & (F.col("_place") > 1)).alias("_is_duplicate"),
        "_is_excluded",
    )
    if published is not None:
        told = _compare_published(told, target, published)
    status = (
        F.when(F.col("_is_excluded"), "excluded")
        .when(F.col("_fault").isNotNull(), "rejected")
        .when(F.col("_is_duplicate"), "duplicate")
        .otherwise("accepted")
    )
    return told.select(
        *(column.name for column in contract.columns),
        *("_file", "_line", "_raw", "_branch", "_is_parked"),
        status.alias("_status"),
        F.col("_fault.reason").alias("_reason"),
        F.col("_fault.column").alias("_column"),
    )


def _compare_published(told: DataFrame, target: Target, published: DataFrame) -> DataFrame:
    """Hold each row against the published version of its object that is valid at the row's ``known_on``."""
    contract = target.contract
    event_id, known_on = contract.event_id, contract.known_on
    versions = published.select(
        F.col(event_id).alias("_id"), F.col(known_on).alias("_since"), _content(target).alias("_before")
    )
    rows = told.where("_is_candidate").select(F.col(event_id).alias("_id"), F.col(known_on).alias("_at")).distinct()
    earlier = rows.join(versions, "_id").where("_since <= _at")
    valid = earlier.groupBy("_id", "_at").agg(F.max(F.struct("_since", "_before")).alias("_valid"))
    is_same_key = (F.col(event_id) == F.col("_id")) & (F.col(known_on) == F.col("_at"))
    met = told.join(valid, is_same_key & F.col("_is_candidate"), "left")
    is_known = F.col("_valid").isNotNull() & F.col("_is_candidate")
    is_equal = is_known & F.col("_valid._before").eqNullSafe(_content(target))
    is_taken = is_known & ~is_equal & (F.col("_valid._since") == F.col(known_on))
    faults = [F.col("_fault"), F.when(is_taken, _fault("conflicting_versions", event_id))]
    if contract.entity:
        before = F.col(f"_valid._before.{contract.entity}")
        is_moved = is_known & ~F.col("_valid._before.is_retracted") & (before != F.col(contract.entity))
        faults.insert(1, F.when(is_moved, _fault("changed_customer", contract.entity)))
    others = [name for name in told.columns if name not in ("_fault", "_is_duplicate")]
    return met.select(
        *others,
        F.coalesce(*faults).alias("_fault"),
        (F.col("_is_duplicate") | F.coalesce(is_equal, F.lit(False))).alias("_is_duplicate"),
    )


def _content(target: Target) -> SparkColumn:
    """What a row says: the columns in which two versions can differ."""
    apart = (*NOT_CONTENT, target.contract.known_on)
    return F.struct(*(column.name for column in target.contract.columns if column.name not in apart))


def _fault(reason: str, column: str) -> SparkColumn:
    return F.struct(F.lit(reason).alias("reason"), F.lit(column).alias("column"))
