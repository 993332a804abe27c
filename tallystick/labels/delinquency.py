"""Days past due, from instalment schedules and payments.

What lives here: the dpd arithmetic, shared by labels, vintages and roll rates. What must not: which dpd is bad.

A schedule is never unrolled into rows. Instalments are equal, so the payments made before a date cover the first
``paid div instalment`` of them in full, and the oldest one left open is due that many months after the first due date.
Between two payments dpd only grows, so its maximum over a window is found at the payment dates and at the window's end.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from tallystick.labels.versions import local_date_expr

LOAN_KEY = ("source", "loan_id")


def has_usable_schedule_expr() -> Column:
    """Whether a row of clean.loans has a schedule from which dpd can be told."""
    has_amounts = (F.col("instalment_minor") > 0) & (F.col("term_months") > 0)
    return F.coalesce(has_amounts & F.col("first_due_date").isNotNull(), F.lit(False))


def trace_dpd(
    marks: DataFrame, loans: DataFrame, repayments: DataFrame, *, zone: str, instalments: int = 0
) -> DataFrame:
    """The dpd of each loan at its payment dates and at the dates asked for.

    ``marks`` has (source, loan_id, on_date), any number per loan. ``loans`` and ``repayments`` are current versions.
    The answer has one row per (source, loan_id, on_date): ``dpd`` at the start of that date, ``is_mark`` for the dates
    that were asked for, and ``is_repaid`` when payments before it cover the whole schedule. Loans without a usable
    schedule give no rows. ``instalments`` > 0 looks at the first so many instalments alone.
    """
    paid = repayments.select(
        *LOAN_KEY, local_date_expr("event_at", zone).alias("on_date"), "amount_minor", F.lit(False).alias("is_mark")
    )
    nothing = F.lit(0).cast("bigint").alias("amount_minor")
    asked = marks.select(*LOAN_KEY, "on_date", nothing, F.lit(True).alias("is_mark"))
    days = paid.unionByName(asked).groupBy(*LOAN_KEY, "on_date")
    daily = days.agg(F.sum("amount_minor").alias("paid_on_date"), F.max("is_mark").alias("is_mark"))
    before = Window.partitionBy(*LOAN_KEY).orderBy("on_date").rowsBetween(Window.unboundedPreceding, -1)
    traced = daily.withColumn("paid_before", F.coalesce(F.sum("paid_on_date").over(before), F.lit(0)))
    usable = loans.where(has_usable_schedule_expr())
    schedule = usable.select(*LOAN_KEY, "first_due_date", "instalment_minor", "term_months")
    joined = traced.join(schedule, [*LOAN_KEY], "inner")
    return joined.select(
        *LOAN_KEY,
        "on_date",
        "is_mark",
        _dpd_expr(instalments).alias("dpd"),
        (_covered_expr() >= F.col("term_months")).alias("is_repaid"),
    )


def _covered_expr() -> Column:
    # A negative sum (a refund without a payment) covers nothing, it does not move the first due date back.
    return F.greatest(F.expr("paid_before div instalment_minor"), F.lit(0)).cast("int")


def _dpd_expr(instalments: int) -> Column:
    covered = _covered_expr()
    looked_at = F.least(F.col("term_months"), F.lit(instalments)) if instalments else F.col("term_months")
    oldest_open_due = F.add_months(F.col("first_due_date"), covered)
    days_open = F.greatest(F.date_diff(F.col("on_date"), oldest_open_due), F.lit(0))
    return F.when(covered < looked_at, days_open).otherwise(F.lit(0)).cast("int")
