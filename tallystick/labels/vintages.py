"""Tables that the label arithmetic also gives: vintages, roll rates, and cohorts of label status."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import pairwise

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from tallystick.labels.delinquency import LOAN_KEY, has_usable_schedule_expr, payments_known, trace_dpd
from tallystick.labels.local_dates import local_date_expr
from tallystick.labels.versions import known_versions, rows_in_force
from tallystick.spec.labels import STATUSES


def vintage_table(
    loans: DataFrame, repayments: DataFrame, *, dpd: int, months: int, cutoff: date, zone: str
) -> DataFrame:
    """How each month's new loans went bad with age: one row per (source, vintage, months_on_book).

    ``bad`` counts loans that were ``dpd`` or more days past due on any date up to that age, ``loans`` those that had
    reached it by the cut-off, and ``is_complete`` says whether that is all of the vintage: an incomplete row is
    biased to the older loans of its month. Ages run from 1 to ``months``.
    """
    current = rows_in_force(known_versions(loans, "loan_id", cutoff=cutoff))
    aged = _aged_loans(current, months=months, zone=zone)
    traced = _trace(aged, current, repayments, cutoff=cutoff, zone=zone)
    is_past = F.col("on_date") <= F.col("reached_on")
    joined = aged.join(traced.select(*LOAN_KEY, "on_date", "dpd"), [*LOAN_KEY]).where(is_past)
    worst = joined.groupBy(*LOAN_KEY, "vintage", "months_on_book", "reached_on").agg(F.max("dpd").alias("worst"))
    sizes = worst.where(F.col("months_on_book") == 1).groupBy("source", "vintage").agg(F.count("*").alias("started"))
    has_reached = F.col("reached_on") <= F.lit(cutoff)
    counted = worst.where(has_reached).groupBy("source", "vintage", "months_on_book")
    table = counted.agg(F.count("*").alias("loans"), F.count_if(F.col("worst") >= dpd).alias("bad"))
    return table.join(sizes, ["source", "vintage"]).select(
        "source", "vintage", "months_on_book", "loans", "bad", (F.col("bad") / F.col("loans")).alias("bad_rate"),
        (F.col("loans") == F.col("started")).alias("is_complete"),
    )  # fmt: skip


def roll_rates(
    loans: DataFrame,
    repayments: DataFrame,
    *,
    months: int,
    cutoff: date,
    zone: str,
    edges: Sequence[int] = (1, 30, 60, 90),
) -> DataFrame:
    """Where loans move from one month on book to the next: one row per (source, from_state, to_state).

    States are ``repaid``, ``current`` and one per dpd range that ``edges`` begins, such as ``30-59`` and ``90+``. Every
    pair of consecutive ages up to ``months`` that the loan had reached by the cut-off counts once; ``rate`` is the
    share of the row's ``from_state``.
    """
    current = rows_in_force(known_versions(loans, "loan_id", cutoff=cutoff))
    aged = _aged_loans(current, months=months, zone=zone).where(F.col("reached_on") <= F.lit(cutoff))
    traced = _trace(aged, current, repayments, cutoff=cutoff, zone=zone).where("is_mark")
    state = F.when(F.col("is_repaid"), F.lit("repaid")).otherwise(_state_expr(edges))
    ages = aged.select(*LOAN_KEY, "months_on_book", F.col("reached_on").alias("on_date"))
    states = traced.join(ages, [*LOAN_KEY, "on_date"]).select(*LOAN_KEY, "months_on_book", state.alias("from_state"))
    next_month = Window.partitionBy(*LOAN_KEY).orderBy("months_on_book")
    moves = states.withColumn("to_state", F.lead("from_state").over(next_month)).where(F.col("to_state").isNotNull())
    counted = moves.groupBy("source", "from_state", "to_state").agg(F.count("*").alias("loans"))
    of_row = Window.partitionBy("source", "from_state")
    return counted.select(
        "source", "from_state", "to_state", "loans", (F.col("loans") / F.sum("loans").over(of_row)).alias("rate")
    )


def count_cohorts(labels: DataFrame) -> DataFrame:
    """Good, bad and everything that is neither, per month of application: one row per (source, cohort).

    ``bad_rate`` is bad / (good + bad), null for a cohort without a mature label.
    """
    month = F.date_format("as_of", "yyyy-MM")
    names = [name for name in STATUSES if name != "mature"]
    counts = [F.count_if(F.col("status") == name).alias(name) for name in names]
    good, bad = F.count_if(F.col("label") == 0).alias("good"), F.count_if(F.col("label") == 1).alias("bad")
    grouped = labels.groupBy("source", month.alias("cohort")).agg(good, bad, *counts)
    decided = F.col("good") + F.col("bad")
    rate = F.when(decided > 0, F.col("bad") / decided).alias("bad_rate")
    return grouped.select("source", "cohort", "good", "bad", rate, *names)


def _aged_loans(loans: DataFrame, *, months: int, zone: str) -> DataFrame:
    usable = loans.where(has_usable_schedule_expr())
    granted = usable.select(*LOAN_KEY, local_date_expr("event_at", zone).alias("granted_on"))
    ages = F.explode(F.sequence(F.lit(1), F.lit(months))).alias("months_on_book")
    aged = granted.select(*LOAN_KEY, "granted_on", ages)
    return aged.select(
        *LOAN_KEY, F.date_format("granted_on", "yyyy-MM").alias("vintage"), "months_on_book",
        F.add_months("granted_on", F.col("months_on_book")).alias("reached_on"),
    )  # fmt: skip


def _trace(aged: DataFrame, loans: DataFrame, repayments: DataFrame, *, cutoff: date, zone: str) -> DataFrame:
    marks = aged.select(*LOAN_KEY, F.col("reached_on").alias("on_date"))
    versions = known_versions(repayments, "repayment_id", cutoff=cutoff)
    return trace_dpd(marks, loans, payments_known(versions, zone=zone))


def _state_expr(edges: Sequence[int]) -> Column:
    ordered = sorted(edges)
    state = F.when(F.col("dpd") < ordered[0], F.lit("current"))
    for low, high in pairwise(ordered):
        state = state.when(F.col("dpd") < high, F.lit(f"{low}-{high - 1}"))
    return state.otherwise(F.lit(f"{ordered[-1]}+"))
