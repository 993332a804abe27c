"""What is open of a loan on a date: days past due, months missed, from instalment schedules and payments.

Shared by labels, vintages and roll rates; which of it is bad is for them to say.

A schedule is not unrolled for days past due. Instalments are equal, so the payments made before a date cover the first
``paid div instalment`` of them in full, and the oldest one left open is due that many months after the first due date.
Between two payments dpd only grows, so its maximum over a window is found at the payment dates and at the window's end.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from tallystick.labels.local_dates import local_date_expr

LOAN_KEY = ("source", "loan_id")


def has_usable_schedule_expr() -> Column:
    """Whether a row of clean.loans has a schedule from which dpd can be told."""
    has_amounts = (F.col("instalment_minor") > 0) & (F.col("term_months") > 0)
    return F.coalesce(has_amounts & F.col("first_due_date").isNotNull(), F.lit(False))


def payments_known(versions: DataFrame, *, zone: str) -> DataFrame:
    """(source, loan_id, paid_on, amount_minor, known_on) of payments as known on a cut-off, from ``known_versions``.

    A payment that was corrected or taken back also leaves a row of amount 0 at every date and loan it once stood at:
    its ``known_on`` says until when somebody would have counted it there.
    """
    amount = F.when(F.col("in_force"), F.col("amount_minor")).otherwise(F.lit(0).cast("bigint"))
    return versions.where(~F.col("is_retracted")).select(
        *LOAN_KEY,
        local_date_expr("event_at", zone).alias("paid_on"),
        amount.alias("amount_minor"),
        F.col("in_force_since").alias("known_on"),
    )


def trace_dpd(marks: DataFrame, loans: DataFrame, payments: DataFrame, *, instalments: int = 0) -> DataFrame:
    """What is open of each loan at its payment dates and at the dates asked for.

    ``marks`` has (source, loan_id, on_date), any number per loan; ``loans`` are current versions, ``payments`` those of
    ``payments_known``. The answer has one row per (source, loan_id, on_date): ``dpd`` at the start of that date,
    ``covered``, the number of instalments paid in full before it, ``is_repaid`` when that is all of them, ``is_mark``
    for the dates that were asked for, and ``payments_known_on``, the latest ``known_on`` of the payments before it (or
    null). Loans without a usable schedule give no rows. ``instalments`` > 0 looks at the first so many alone.
    """
    paid = payments.select(
        *LOAN_KEY, F.col("paid_on").alias("on_date"), "amount_minor", "known_on", F.lit(False).alias("is_mark")
    )
    nothing, nobody = F.lit(0).cast("bigint").alias("amount_minor"), F.lit(None).cast("date").alias("known_on")
    asked = marks.select(*LOAN_KEY, "on_date", nothing, nobody, F.lit(True).alias("is_mark"))
    days = paid.unionByName(asked).groupBy(*LOAN_KEY, "on_date")
    daily = days.agg(
        F.sum("amount_minor").alias("paid_on_date"),
        F.max("known_on").alias("known_on"),
        F.max("is_mark").alias("is_mark"),
    )
    before = Window.partitionBy(*LOAN_KEY).orderBy("on_date").rowsBetween(Window.unboundedPreceding, -1)
    traced = daily.withColumn("paid_before", F.coalesce(F.sum("paid_on_date").over(before), F.lit(0))).withColumn(
        "payments_known_on", F.max("known_on").over(before)
    )
    usable = loans.where(has_usable_schedule_expr())
    schedule = usable.select(*LOAN_KEY, "first_due_date", "instalment_minor", "term_months")
    joined = traced.join(schedule, [*LOAN_KEY], "inner")
    return joined.select(
        *LOAN_KEY,
        "on_date",
        "is_mark",
        "payments_known_on",
        _covered_expr().alias("covered"),
        _dpd_expr(instalments).alias("dpd"),
        (_covered_expr() >= F.col("term_months")).alias("is_repaid"),
    )


def trace_missed_months(loans: DataFrame, payments: DataFrame) -> DataFrame:
    """Every month of each loan's schedule: one row per (source, loan_id, month).

    ``month`` counts from 1; row 0 stands for the first due date, when nothing can be missed. ``on_date`` is the date at
    whose start the month is judged, the due date of the next instalment. ``missed`` is the number of consecutive missed
    months that end with this one, 0 when it was not missed (``spec.labels.MissedMonthsLabel`` defines it).
    """
    usable = loans.where(has_usable_schedule_expr())
    numbers = F.explode(F.sequence(F.lit(0), F.col("term_months")))
    months = usable.select(*LOAN_KEY, "first_due_date", numbers.alias("month"))
    marks = months.select(*LOAN_KEY, F.add_months("first_due_date", F.col("month")).alias("on_date"))
    traced = trace_dpd(marks, loans, payments).where("is_mark")
    in_order = Window.partitionBy(*LOAN_KEY).orderBy("on_date")
    # The marks of a loan are its due dates in order, so their rank is the number of the month.
    numbered = traced.withColumn("month", F.row_number().over(in_order) - 1)
    open_now = numbered.withColumn("_open", F.greatest(F.col("month") - F.col("covered"), F.lit(0)))
    is_missed = F.coalesce(F.col("_open") > F.lag("_open").over(in_order), F.lit(False))
    last_kept = F.last(F.when(~F.col("_is_missed"), F.col("month")), ignorenulls=True).over(in_order)
    runs = open_now.withColumn("_is_missed", is_missed)
    return runs.select(*LOAN_KEY, "month", "on_date", "payments_known_on", (F.col("month") - last_kept).alias("missed"))


def _covered_expr() -> Column:
    # A negative sum (a refund without a payment) covers nothing, it does not move the first due date back.
    return F.greatest(F.expr("paid_before div instalment_minor"), F.lit(0)).cast("int")


def _dpd_expr(instalments: int) -> Column:
    covered = _covered_expr()
    looked_at = F.least(F.col("term_months"), F.lit(instalments)) if instalments else F.col("term_months")
    oldest_open_due = F.add_months(F.col("first_due_date"), covered)
    days_open = F.greatest(F.date_diff(F.col("on_date"), oldest_open_due), F.lit(0))
    return F.when(covered < looked_at, days_open).otherwise(F.lit(0)).cast("int")
