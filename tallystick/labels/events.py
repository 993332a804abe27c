"""Labels by an event that happened in the performance window, or did not."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from tallystick.labels.conditions import holds_expr
from tallystick.labels.local_dates import ahead_expr, first_whole_date_expr
from tallystick.labels.versions import KnownTables
from tallystick.spec.labels import EventLabel

_OBSERVATION = ("source", "observation_id", "as_of")


def judge_events(label: EventLabel, asked: DataFrame, known: KnownTables, *, own_table: str) -> DataFrame:
    """Status and label of each observation by the events of its customer, as known on the cut-off.

    ``own_table`` is the table that each observation is a row of, or empty: that row does not count for itself.
    """
    ends = asked.withColumn("ends_at", ahead_expr("as_of", label.span, known.zone))
    found = _events_in_window(label, ends, known, own_table=own_table)
    windowed = ends.select(
        *asked.columns,
        F.col("as_of_date").alias("window_from"),
        first_whole_date_expr(F.col("ends_at"), known.zone).alias("window_to"),
        F.lit(None).cast("int").alias("dpd"),
    )
    settled_on = F.date_add("window_to", label.lag_days)
    is_bad = F.col("bad_since").isNotNull()
    # One event that stays is enough: others may come and go. That there is none is known when the last one has gone.
    known_on = F.greatest(settled_on, F.col("observed_known_on"), F.coalesce("bad_since", "changed_on"))
    return windowed.join(found, [*_OBSERVATION], "left").select(
        *windowed.columns,
        F.when(settled_on > F.lit(known.cutoff), F.lit("immature")).otherwise(F.lit("mature")).alias("status"),
        is_bad.cast("int").alias("label"),
        known_on.alias("known_on"),
    )


def _events_in_window(label: EventLabel, ends: DataFrame, known: KnownTables, *, own_table: str) -> DataFrame:
    """Per observation with any such event ``bad_since``, from which on one of them counts until the cut-off, and
    ``changed_on``, from which on none that was taken back or moved away counts.
    """
    contract = known.contracts[label.table]
    versions = known.versions(label.table).where(~F.col("is_retracted"))
    events = versions.where(holds_expr(label.where, contract, zone=known.zone)).select(
        "source", F.col(contract.entity).alias("customer_id"), F.col(contract.event_at).alias("happened_at"),
        F.col(contract.event_id).alias("own_id"), F.col(label.per or contract.event_id).alias("per_id"),
        "in_force", "in_force_since",
    )  # fmt: skip
    matches = (F.col("happened_at") >= F.col("as_of")) & (F.col("happened_at") < F.col("ends_at"))
    if label.per:
        matches &= F.col("per_id") == F.col("observation_id")
    if label.table == own_table:
        matches &= F.col("own_id") != F.col("observation_id")
    in_window = ends.select(*_OBSERVATION, "customer_id", "ends_at").join(events, ["source", "customer_id"])
    return (
        in_window.where(matches)
        .groupBy(*_OBSERVATION)
        .agg(
            F.min(F.when(F.col("in_force"), F.col("in_force_since"))).alias("bad_since"),
            F.max("in_force_since").alias("changed_on"),
        )
    )
