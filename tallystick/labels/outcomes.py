"""Labels by an outcome that somebody else decided.

Kept apart from ``loan_windows`` because no schedule and no payment is looked at.
"""

from __future__ import annotations

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from tallystick.labels.conditions import holds_expr
from tallystick.labels.loans import loans_of_applications
from tallystick.labels.versions import KnownTables
from tallystick.spec.labels import OutcomeLabel

_APPLICATION = ("source", "application_id")


def judge_outcomes(label: OutcomeLabel, asked: DataFrame, known: KnownTables) -> DataFrame:
    """Status and label of each application by the outcome that was observed last, as known on the cut-off."""
    granted = loans_of_applications(known).select(*_APPLICATION, "granted_on", "loan_known_on")
    rows = asked.join(granted, [*_APPLICATION], "left").join(_latest_outcomes(label, known), [*_APPLICATION], "left")
    started = rows.withColumn("window_from", F.coalesce("granted_on", "as_of_date"))
    is_bad = F.col("_outcome").isin(*label.bad)
    is_good = F.col("_outcome").isin(*label.good)
    status = (
        F.when(F.col("_holds").isNull() & F.col("granted_on").isNull(), F.lit("not_granted"))
        .when(F.col("_holds").isNull(), F.lit("unobserved"))
        .when(~F.col("_holds"), F.lit("excluded"))
        .when(~F.coalesce(is_bad | is_good, F.lit(False)), F.lit("indeterminate"))
        .when(F.add_months("window_from", label.min_months_on_book) > F.col("observed_on"), F.lit("immature"))
        .otherwise(F.lit("mature"))
    )
    named = started.withColumn("status", status).withColumn("label", is_bad.cast("int"))
    dated = named.withColumn("window_to", F.col("observed_on")).withColumn("dpd", F.lit(None).cast("int"))
    return dated.withColumn("known_on", F.greatest("outcome_known_on", "loan_known_on", "observed_known_on"))


def _latest_outcomes(label: OutcomeLabel, known: KnownTables) -> DataFrame:
    """Per application the outcome that was observed last, and since when no other one was."""
    versions = known.versions(label.table, "outcome_id").where(~F.col("is_retracted"))
    place = F.struct("event_at", "outcome_id")
    last = F.max(F.when(F.col("in_force"), place)).over(Window.partitionBy(*_APPLICATION))
    judged = versions.withColumn("_holds", holds_expr(label.where, versions, zone=known.zone))
    ranked = judged.withColumn("_place", place).withColumn("_last", last)
    # Only an outcome observed later than the last one, before it was taken back, could have stood in its place.
    in_the_way = ranked.where(F.col("_last").isNull() | (F.col("_place") >= F.col("_last")))
    chosen = F.when(
        F.col("in_force") & (F.col("_place") == F.col("_last")),
        F.struct(F.col(label.column).alias("_outcome"), "observed_on", "_holds"),
    )
    found = in_the_way.groupBy(*_APPLICATION).agg(
        F.max("in_force_since").alias("outcome_known_on"), F.max(chosen).alias("_chosen")
    )
    return found.select(*_APPLICATION, "outcome_known_on", "_chosen.*")
