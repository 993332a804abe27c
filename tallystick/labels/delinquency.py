"""What is open of a loan on a date: days past due, months missed, from instalment schedules and payments.

Shared by labels, vintages and roll rates; which of it is bad is for them to say.

A schedule is not unrolled for days past due. Instalments are equal, so the payments made before a date cover the first
``paid div instalment`` of them in full, and the oldest one left open is due that many months after the first due date.
Between two payments dpd only grows, so its maximum over a window is found at the payment dates and at the window's end.
"""

from __future__ import annotations

from tallystick.labels.engines import Steps
from tallystick.labels.local_dates import local_date_sql

# Null counts as not usable.
HAS_USABLE_SCHEDULE = "COALESCE(instalment_minor > 0 AND term_months > 0, FALSE) AND first_due_date IS NOT NULL"

_OF_LOAN = "PARTITION BY source, loan_id ORDER BY on_date"


def payments_known(versions: str, *, zone: str) -> str:
    """(source, loan_id, paid_on, amount_minor, known_on) of payments as known on a cut-off, from ``known_versions``.

    A payment that was corrected or taken back also leaves a row of amount 0 at every date and loan it once stood at:
    its ``known_on`` says until when somebody would have counted it there.
    """
    amount = "CASE WHEN in_force THEN amount_minor ELSE CAST(0 AS BIGINT) END"
    return (
        f"SELECT source, loan_id, {local_date_sql('event_at', zone)} AS paid_on, {amount} AS amount_minor,"
        f" in_force_since AS known_on FROM {versions} WHERE NOT is_retracted"
    )


def trace_dpd(*, marks: str, loans: str, payments: str, instalments: int = 0) -> Steps:
    """What is open of each loan at its payment dates and at the dates asked for, in step ``traced``.

    ``marks`` has (source, loan_id, on_date), any number per loan; ``loans`` are current versions, ``payments`` those of
    ``payments_known``. The answer has one row per (source, loan_id, on_date): ``dpd`` at the start of that date,
    ``covered``, the number of instalments paid in full before it, ``is_repaid`` when that is all of them, ``is_mark``
    for the dates that were asked for, and ``payments_known_on``, the latest ``known_on`` of the payments before it (or
    null). Loans without a usable schedule give no rows. ``instalments`` > 0 looks at the first so many alone.
    """
    dated = (
        f"SELECT source, loan_id, paid_on AS on_date, amount_minor, known_on, FALSE AS is_mark FROM {payments}"
        " UNION ALL SELECT source, loan_id, on_date, CAST(0 AS BIGINT) AS amount_minor,"
        f" CAST(NULL AS DATE) AS known_on, TRUE AS is_mark FROM {marks}"
    )
    daily = (
        "SELECT source, loan_id, on_date, SUM(amount_minor) AS paid_on_date, MAX(known_on) AS known_since,"
        " MAX(is_mark) AS is_mark FROM dated GROUP BY source, loan_id, on_date"
    )
    before = f"OVER ({_OF_LOAN} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)"
    summed = (
        f"SELECT *, COALESCE(SUM(paid_on_date) {before}, 0) AS paid_before,"
        f" MAX(known_since) {before} AS payments_known_on FROM daily"
    )
    # A negative sum (a refund without a payment) covers nothing, it does not move the first due date back.
    covered = (
        "SELECT s.source, s.loan_id, s.on_date, s.is_mark, s.payments_known_on, l.first_due_date, l.term_months,"
        " CAST(GREATEST(s.paid_before DIV l.instalment_minor, 0) AS INT) AS covered"
        f" FROM summed s JOIN (SELECT * FROM {loans} WHERE {HAS_USABLE_SCHEDULE}) l"
        " ON l.source = s.source AND l.loan_id = s.loan_id"
    )
    traced = (
        f"SELECT source, loan_id, on_date, is_mark, payments_known_on, covered, {_dpd_sql(instalments)} AS dpd,"
        " covered >= term_months AS is_repaid FROM covered_by"
    )
    return {"dated": dated, "daily": daily, "summed": summed, "covered_by": covered, "traced": traced}


def trace_missed_months(*, loans: str, payments: str) -> Steps:
    """Every month of each loan's schedule: one row per (source, loan_id, month), in step ``missed_months``.

    ``month`` counts from 1; row 0 stands for the first due date, when nothing can be missed. ``on_date`` is the date at
    whose start the month is judged, the due date of the next instalment. ``missed`` is the number of consecutive missed
    months that end with this one, 0 when it was not missed (``spec.labels.MissedMonthsLabel`` defines it).
    """
    months = (
        "SELECT source, loan_id, first_due_date, EXPLODE(SEQUENCE(0, term_months)) AS month"
        f" FROM {loans} WHERE {HAS_USABLE_SCHEDULE}"
    )
    marks = "SELECT source, loan_id, ADD_MONTHS(first_due_date, month) AS on_date FROM schedule_months"
    # The marks of a loan are its due dates in order, so their rank is the number of the month.
    numbered = f"SELECT *, ROW_NUMBER() OVER ({_OF_LOAN}) - 1 AS month FROM traced WHERE is_mark"
    opened = "SELECT *, GREATEST(month - covered, 0) AS _open FROM numbered"
    compared = f"SELECT *, COALESCE(_open > LAG(_open) OVER ({_OF_LOAN}), FALSE) AS _is_missed FROM opened"
    so_far = f"OVER ({_OF_LOAN} ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)"
    last_kept = f"MAX(CASE WHEN NOT _is_missed THEN month END) {so_far}"
    counted = f"SELECT source, loan_id, month, on_date, payments_known_on, month - {last_kept} AS missed FROM compared"
    return {
        "schedule_months": months,
        "due_dates": marks,
        **trace_dpd(marks="due_dates", loans=loans, payments=payments),
        "numbered": numbered,
        "opened": opened,
        "compared": compared,
        "missed_months": counted,
    }


def _dpd_sql(instalments: int) -> str:
    looked_at = f"LEAST(term_months, {instalments})" if instalments else "term_months"
    days_open = "GREATEST(DATE_DIFF(on_date, ADD_MONTHS(first_due_date, covered)), 0)"
    return f"CASE WHEN covered < {looked_at} THEN {days_open} ELSE 0 END"
