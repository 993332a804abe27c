"""Labels by an outcome that somebody else decided: which outcome counts, and since when."""

from __future__ import annotations

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from tallystick.labels.conditions import holds_expr
from tallystick.labels.loans import observed_loans
from tallystick.labels.versions import KnownTables
from tallystick.spec.labels import OutcomeLabel

_OWNER = ("source", "observation_id")


def judge_outcomes(label: OutcomeLabel, asked: DataFrame, known: KnownTables, *, key: str) -> DataFrame:
    """Status and label of each observation by the outcome that was observed last, as known on the cut-off.

    ``key`` is the column, of loans and outcomes alike, that holds the observation's own key.
    """
    granted = observed_loans(known, key=key).select(*_OWNER, "granted_on", "loan_known_on")
    outcomes = _latest_outcomes(label, known, key=key)
    rows = asked.join(granted, [*_OWNER], "left").join(outcomes, [*_OWNER], "left")
    # What was observed before the observation's own date is no outcome of it.
    is_ahead = F.col("observed_on") >= F.col("as_of_date")
    holds, outcome = F.when(is_ahead, F.col("_holds")), F.col("_outcome")
    is_bad, is_good = outcome.isin(*label.bad), outcome.isin(*label.good)
    on_book_from = F.coalesce("granted_on", "as_of_date")
    status = (
        F.when(holds.isNull() & F.col("granted_on").isNull(), F.lit("not_granted"))
        .when(holds.isNull(), F.lit("unobserved"))
        .when(~holds, F.lit("excluded"))
        .when(~F.coalesce(is_bad | is_good, F.lit(False)), F.lit("indeterminate"))
        .when(F.add_months(on_book_from, label.min_months_on_book) > F.col("observed_on"), F.lit("immature"))
        .otherwise(F.lit("mature"))
    )
    # A running loan is observed after it was granted, and its window begins then.
    start = F.greatest(on_book_from, F.col("as_of_date")) if key == "loan_id" else on_book_from
    return rows.select(
        *asked.columns,
        status.alias("status"),
        is_bad.cast("int").alias("label"),
        start.alias("window_from"),
        F.when(is_ahead, F.col("observed_on")).alias("window_to"),
        F.lit(None).cast("int").alias("dpd"),
        F.greatest("outcome_known_on", "loan_known_on", "observed_known_on").alias("known_on"),
    )


def _latest_outcomes(label: OutcomeLabel, known: KnownTables, *, key: str) -> DataFrame:
    """Per value of the key the outcome that was observed last, and since when no other one was."""
    versions = known.versions(label.table).where(~F.col("is_retracted"))
    contract = known.contracts[label.table]
    place = F.struct(contract.event_at, contract.event_id)
    last = F.max(F.when(F.col("in_force"), place)).over(Window.partitionBy("source", key))
    ranked = versions.select(
        "source",
        F.col(key).alias("observation_id"),
        "in_force",
        "in_force_since",
        "observed_on",
        F.col(label.column).alias("_outcome"),
        holds_expr(label.where, contract, zone=known.zone).alias("_holds"),
        place.alias("_place"),
        last.alias("_last"),
    )
    # Only an outcome observed later than the last one, before it was taken back, could have stood in its place.
    in_the_way = ranked.where(F.col("_last").isNull() | (F.col("_place") >= F.col("_last")))
    is_last = F.col("in_force") & (F.col("_place") == F.col("_last"))
    found = in_the_way.groupBy(*_OWNER).agg(
        F.max("in_force_since").alias("outcome_known_on"),
        F.max(F.when(is_last, F.struct("_outcome", "observed_on", "_holds"))).alias("_chosen"),
    )
    return found.select(*_OWNER, "outcome_known_on", "_chosen.*")
