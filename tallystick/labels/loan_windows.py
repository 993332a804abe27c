"""Labels that a loan's schedule and payments decide: what happened of it in the performance window."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from tallystick.labels.conditions import holds_expr
from tallystick.labels.delinquency import (
    LOAN_KEY,
    has_usable_schedule_expr,
    payments_known,
    trace_dpd,
    trace_missed_months,
)
from tallystick.labels.loans import observed_loans
from tallystick.labels.versions import KnownTables
from tallystick.spec.labels import DelinquencyLabel, MissedMonthsLabel

_OWNER = ("source", "observation_id")
_OBSERVATION = (*_OWNER, "as_of")


def judge_loans(
    label: DelinquencyLabel | MissedMonthsLabel, asked: DataFrame, known: KnownTables, *, key: str
) -> DataFrame:
    """Status and label of each observation by what was open of its loan in the window, as known on the cut-off.

    ``key`` is the column of clean.loans that holds the observation's own key.
    """
    loans = observed_loans(known, key=key)
    holds = holds_expr(label.where, known.contracts["clean.loans"], zone=known.zone) & has_usable_schedule_expr()
    own = loans.where(F.col("loan_id").isNotNull()).withColumn("_holds", holds)
    columns = (*_OWNER, "loan_id", "granted_on", "first_due_date", "loan_known_on", "_holds")
    windowed = _with_window(label, asked.join(own.select(*columns), [*_OWNER], "left"))
    current = known.latest("clean.loans")
    payments = payments_known(known.versions("clean.repayments"), zone=known.zone)
    windows = windowed.where(F.col("loan_id").isNotNull()).select(*_OBSERVATION, "loan_id", "window_from", "window_to")
    if isinstance(label, DelinquencyLabel):
        found = _dpd_in_window(label, windows, current, payments)
    else:
        found = _missed_in_window(label, windows, current, payments)
    joined = windowed.join(found, [*_OBSERVATION], "left")
    settled_on = F.date_add("window_to", label.lag_days)
    was_bad = F.coalesce("was_bad", F.lit(False)) if label.anchor == "as_of" else F.lit(False)
    status = (
        F.when(F.col("loan_id").isNull(), F.lit("not_granted"))
        .when(~F.col("_holds"), F.lit("excluded"))
        .when(was_bad, F.lit("already_bad"))
        .when(settled_on > F.lit(known.cutoff), F.lit("immature"))
        .otherwise(F.lit("mature"))
    )
    known_on = F.greatest(settled_on, F.col("observed_known_on"), F.col("loan_known_on"), F.col("payments_known_on"))
    # A loan none of whose months ends by the end of the window has missed nothing in it.
    named = joined.withColumn("status", status).withColumn("label", F.coalesce("is_bad", F.lit(False)).cast("int"))
    decisive = F.when(was_bad, F.col("dpd_before")).otherwise(F.col("dpd"))
    return named.withColumn("dpd", decisive).withColumn("known_on", known_on)


def _with_window(label: DelinquencyLabel | MissedMonthsLabel, rows: DataFrame) -> DataFrame:
    anchor = {"as_of": "as_of_date", "grant": "granted_on", "first_due": "first_due_date"}[label.anchor]
    start = F.when(F.col("loan_id").isNotNull(), F.col(anchor))
    count, unit = label.span.count, label.span.unit
    end = F.date_add("window_from", count) if unit == "day" else F.add_months("window_from", count)
    return rows.withColumn("window_from", start).withColumn("window_to", end)


def _dpd_in_window(label: DelinquencyLabel, windows: DataFrame, loans: DataFrame, payments: DataFrame) -> DataFrame:
    ends = windows.select(*LOAN_KEY, F.col("window_to").alias("on_date"))
    starts = windows.select(*LOAN_KEY, F.col("window_from").alias("on_date"))
    marks = ends.unionByName(starts) if label.anchor == "as_of" else ends
    traced = trace_dpd(marks, loans, payments, instalments=label.instalments)
    inside = _up_to_the_end(windows, traced).where(F.col("on_date") >= F.col("window_from"))
    is_start, is_end = F.col("on_date") == F.col("window_from"), F.col("on_date") == F.col("window_to")
    is_judged = is_end if label.occurs == "end" else ~is_start
    worst, before = F.max(F.when(is_judged, F.col("dpd"))), F.max(F.when(is_start, F.col("dpd")))
    return inside.groupBy(*_OBSERVATION).agg(
        worst.alias("dpd"),
        (worst >= label.dpd).alias("is_bad"),
        before.alias("dpd_before"),
        (before >= label.bad_from_dpd).alias("was_bad"),
        F.max(F.when(is_end, F.col("payments_known_on"))).alias("payments_known_on"),
    )


def _missed_in_window(label: MissedMonthsLabel, windows: DataFrame, loans: DataFrame, payments: DataFrame) -> DataFrame:
    judged = _up_to_the_end(windows, trace_missed_months(loans, payments))
    is_before = F.col("on_date") <= F.col("window_from")
    # Of the months before the window the last one counts: it says what the loan is like as the window begins.
    before = F.max_by("missed", F.when(is_before, F.col("month")))
    nothing = F.lit(None).cast("int")
    return judged.groupBy(*_OBSERVATION).agg(
        F.first(nothing).alias("dpd"),
        F.max(~is_before & (F.col("missed") >= label.months)).alias("is_bad"),
        F.first(nothing).alias("dpd_before"),
        (before >= label.bad_from_months).alias("was_bad"),
        F.max("payments_known_on").alias("payments_known_on"),
    )


def _up_to_the_end(windows: DataFrame, traced: DataFrame) -> DataFrame:
    return windows.join(traced, [*LOAN_KEY]).where(F.col("on_date") <= F.col("window_to"))
