"""The label stage: from clean tables to one row per application.

What lives here: joining applications with what became of them, maturity and status. What must not: storage, dpd
arithmetic (``delinquency`` has it).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from tallystick.errors import DeclarationError
from tallystick.labels.delinquency import LOAN_KEY, has_usable_schedule_expr, trace_dpd
from tallystick.labels.versions import local_date_expr, select_decided, select_known_versions, select_latest
from tallystick.spec.labels import LABEL_COLUMNS, DelinquencyLabel, Label, OutcomeLabel

_APPLICATION = ("source", "application_id")


def build_labels(label: Label, tables: Mapping[str, DataFrame], *, cutoff: date, zone: str) -> DataFrame:
    """The rows of ``label.<name>``: one per application known on ``cutoff``, by what was known on that date.

    ``tables`` holds the frames that ``label.tables`` names, ``zone`` is the business time zone of the source. The
    frame has the columns of ``spec.labels.LABEL_COLUMNS``; ``label`` is null unless ``status`` is ``mature``.
    ``known_on`` is the first date that could know the label as given: the end of the window, or later when a row that
    it rests on arrived later.
    """
    missing = [name for name in label.tables if name not in tables]
    if missing:
        raise DeclarationError(f"tables {missing} were not given", where=f"label {label.name}")
    applications = select_decided(tables["clean.applications"], cutoff=cutoff, zone=zone)
    asked = applications.select(
        "source", "bucket", "period", "application_id", "customer_id", F.col("event_at").alias("as_of"),
        local_date_expr("event_at", zone).alias("applied_on"),
    )  # fmt: skip
    loans = _first_loan(select_latest(tables["clean.loans"], "loan_id", cutoff=cutoff), zone=zone)
    if isinstance(label, OutcomeLabel):
        judged = _judge_outcomes(label, asked, loans, tables[label.table], cutoff=cutoff)
    else:
        judged = _judge_delinquency(label, asked, loans, tables["clean.repayments"], cutoff=cutoff, zone=zone)
    is_mature = F.col("status") == "mature"
    decided = judged.withColumn("label", F.when(is_mature, F.col("label")))
    settled = decided.withColumn("definition", F.lit(label.sentence))
    return settled.select(*[F.col(c.name).cast(_SPARK_TYPES[c.type]).alias(c.name) for c in LABEL_COLUMNS])


_SPARK_TYPES = {"string": "string", "int32": "int", "timestamp": "timestamp", "date": "date"}


def _first_loan(loans: DataFrame, *, zone: str) -> DataFrame:
    # One application normally leads to one loan; if a source splits it, the first one granted is judged.
    first = Window.partitionBy(*_APPLICATION).orderBy("event_at", "loan_id")
    dated = loans.withColumn("granted_on", local_date_expr("event_at", zone))
    ranked = dated.withColumn("_rank", F.row_number().over(first))
    return ranked.where(F.col("_rank") == 1).withColumnRenamed("known_on", "loan_known_on")


def _judge_outcomes(
    label: OutcomeLabel, asked: DataFrame, loans: DataFrame, outcomes: DataFrame, *, cutoff: date
) -> DataFrame:
    current = select_latest(outcomes, "outcome_id", cutoff=cutoff)
    latest = Window.partitionBy(*_APPLICATION).orderBy(F.col("event_at").desc(), F.col("outcome_id").desc())
    holds = F.coalesce(F.expr(label.where), F.lit(False)) if label.where else F.lit(True)
    ranked = current.withColumn("_rank", F.row_number().over(latest)).withColumn("_holds", holds)
    last = ranked.where(F.col("_rank") == 1).select(
        *_APPLICATION, F.col(label.column).alias("_outcome"), "observed_on", "_holds",
        F.col("known_on").alias("outcome_known_on"),
    )  # fmt: skip
    granted = loans.select(*_APPLICATION, "granted_on")
    rows = asked.join(granted, [*_APPLICATION], "left").join(last, [*_APPLICATION], "left")
    started = rows.withColumn("window_from", F.coalesce("granted_on", "applied_on"))
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
    return dated.withColumn("known_on", F.when(F.col("status") == "mature", F.col("outcome_known_on")))


def _judge_delinquency(
    label: DelinquencyLabel, asked: DataFrame, loans: DataFrame, repayments: DataFrame, *, cutoff: date, zone: str
) -> DataFrame:
    holds = F.coalesce(F.expr(label.where), F.lit(False)) if label.where else F.lit(True)
    usable = loans.withColumn("_holds", holds & has_usable_schedule_expr())
    rows = asked.join(
        usable.select(*_APPLICATION, "loan_id", "granted_on", "first_due_date", "loan_known_on", "_holds"),
        [*_APPLICATION],
        "left",
    )
    anchor = {"application": "applied_on", "grant": "granted_on", "first_due": "first_due_date"}[label.anchor]
    count, unit = label.window_length
    end = F.date_add(F.col(anchor), count) if unit == "d" else F.add_months(F.col(anchor), count)
    windowed = rows.withColumn("window_from", F.when(F.col("loan_id").isNotNull(), F.col(anchor))).withColumn(
        "window_to", F.when(F.col("loan_id").isNotNull(), end)
    )
    worst = _dpd_in_window(label, windowed, usable, repayments, cutoff=cutoff, zone=zone)
    joined = windowed.join(worst, [*LOAN_KEY], "left")
    settled_on = F.date_add("window_to", label.lag_days)
    status = (
        F.when(F.col("loan_id").isNull(), F.lit("not_granted"))
        .when(~F.col("_holds"), F.lit("excluded"))
        .when(settled_on > F.lit(cutoff), F.lit("immature"))
        .otherwise(F.lit("mature"))
    )
    named = joined.withColumn("status", status).withColumn("label", (F.col("dpd") >= label.dpd).cast("int"))
    known = F.greatest(settled_on, F.col("loan_known_on"), F.col("payments_known_on"))
    return named.withColumn("known_on", F.when(F.col("status") == "mature", known))


def _dpd_in_window(
    label: DelinquencyLabel, windowed: DataFrame, loans: DataFrame, repayments: DataFrame, *, cutoff: date, zone: str
) -> DataFrame:
    known = select_known_versions(repayments, "repayment_id", cutoff=cutoff)
    windows = windowed.where(F.col("loan_id").isNotNull()).select(*LOAN_KEY, "window_from", "window_to")
    marks = windows.select(*LOAN_KEY, F.col("window_to").alias("on_date"))
    payments = known.where(~F.col("is_retracted"))
    traced = trace_dpd(marks, loans, payments, zone=zone, instalments=label.instalments).join(windows, [*LOAN_KEY])
    is_last = F.col("on_date") == F.col("window_to")
    is_inside = (F.col("on_date") > F.col("window_from")) & (F.col("on_date") <= F.col("window_to"))
    judged = traced.where(is_inside if label.occurs == "ever" else is_last)
    worst = judged.groupBy(*LOAN_KEY).agg(F.max("dpd").alias("dpd"))
    paid = known.withColumn("_paid_on", local_date_expr("event_at", zone)).join(windows, [*LOAN_KEY])
    used = paid.where(F.col("_paid_on") < F.col("window_to")).groupBy(*LOAN_KEY)
    return worst.join(used.agg(F.max("known_on").alias("payments_known_on")), [*LOAN_KEY], "left")
