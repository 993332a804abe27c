"""Tables that the label arithmetic also gives: vintages, roll rates, and cohorts of label status."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING

from tallystick.labels.delinquency import HAS_USABLE_SCHEDULE, payments_known, trace_dpd
from tallystick.labels.engines import Steps, ask_spark, day_sql, query_of, view_name
from tallystick.labels.local_dates import local_date_sql
from tallystick.labels.versions import in_force_sql, known_versions
from tallystick.spec.labels import STATUSES

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_SAME_LOAN = "t.source = a.source AND t.loan_id = a.loan_id"


def vintage_table(
    loans: DataFrame, repayments: DataFrame, *, dpd: int, months: int, cutoff: date, zone: str
) -> DataFrame:
    """How each month's new loans went bad with age: one row per (source, vintage, months_on_book).

    ``bad`` counts loans that were ``dpd`` or more days past due on any date up to that age, ``loans`` those that had
    reached it by the cut-off, and ``is_complete`` says whether that is all of the vintage: an incomplete row is
    biased to the older loans of its month. Ages run from 1 to ``months``.
    """
    worst = (
        "SELECT a.source, a.loan_id, a.vintage, a.months_on_book, a.reached_on, MAX(t.dpd) AS worst"
        f" FROM aged a JOIN traced t ON {_SAME_LOAN} WHERE t.on_date <= a.reached_on"
        " GROUP BY a.source, a.loan_id, a.vintage, a.months_on_book, a.reached_on"
    )
    sizes = "SELECT source, vintage, COUNT(*) AS started FROM worst WHERE months_on_book = 1 GROUP BY source, vintage"
    counted = (
        f"SELECT source, vintage, months_on_book, COUNT(*) AS loans, COUNT_IF(worst >= {dpd}) AS bad FROM worst"
        f" WHERE reached_on <= {day_sql(cutoff)} GROUP BY source, vintage, months_on_book"
    )
    table = (
        "SELECT c.source, c.vintage, c.months_on_book, c.loans, c.bad, c.bad / c.loans AS bad_rate,"
        " c.loans = s.started AS is_complete FROM counted c JOIN sizes s"
        " ON s.source = c.source AND s.vintage = c.vintage"
    )
    traced = _traced(months=months, cutoff=cutoff, zone=zone)
    steps = {**traced, "worst": worst, "sizes": sizes, "counted": counted, "vintages": table}
    return ask_spark(query_of(steps), {"loans": loans, "repayments": repayments})


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
    states = (
        f"SELECT a.source, a.loan_id, a.months_on_book, {_state_sql(edges)} AS from_state"
        f" FROM traced t JOIN aged a ON {_SAME_LOAN} AND t.on_date = a.reached_on"
        f" WHERE t.is_mark AND a.reached_on <= {day_sql(cutoff)}"
    )
    next_state = "LEAD(from_state) OVER (PARTITION BY source, loan_id ORDER BY months_on_book)"
    counted = (
        "SELECT source, from_state, to_state, COUNT(*) AS loans FROM moves WHERE to_state IS NOT NULL"
        " GROUP BY source, from_state, to_state"
    )
    rates = (
        "SELECT source, from_state, to_state, loans,"
        " loans / SUM(loans) OVER (PARTITION BY source, from_state) AS rate FROM counted"
    )
    steps = {
        **_traced(months=months, cutoff=cutoff, zone=zone),
        "states": states,
        "moves": f"SELECT source, from_state, {next_state} AS to_state FROM states",
        "counted": counted,
        "rates": rates,
    }
    return ask_spark(query_of(steps), {"loans": loans, "repayments": repayments})


def count_cohorts(labels: DataFrame) -> DataFrame:
    """Good, bad and everything that is neither, per month of application: one row per (source, cohort).

    ``bad_rate`` is bad / (good + bad), null for a cohort without a mature label.
    """
    names = [name for name in STATUSES if name != "mature"]
    counts = [f"COUNT_IF(status = '{name}') AS {name}" for name in names]
    month = "DATE_FORMAT(as_of, 'yyyy-MM')"
    grouped = (
        f"SELECT source, {month} AS cohort, COUNT_IF(label = 0) AS good,"
        f" COUNT_IF(label = 1) AS bad, {', '.join(counts)} FROM {view_name('labels')} GROUP BY source, {month}"
    )
    rate = "CASE WHEN good + bad > 0 THEN bad / (good + bad) END AS bad_rate"
    cohorts = f"SELECT source, cohort, good, bad, {rate}, {', '.join(names)} FROM grouped"
    return ask_spark(query_of({"grouped": grouped, "cohorts": cohorts}), {"labels": labels})


def _traced(*, months: int, cutoff: date, zone: str) -> Steps:
    """Steps ``aged``, the ages of each loan with a usable schedule, and ``traced``, what is open of it at each."""
    granted = (
        f"SELECT source, loan_id, {local_date_sql('event_at', zone)} AS granted_on, EXPLODE(SEQUENCE(1, {months}))"
        f" AS months_on_book FROM current_loans WHERE {HAS_USABLE_SCHEDULE}"
    )
    aged = (
        "SELECT source, loan_id, DATE_FORMAT(granted_on, 'yyyy-MM') AS vintage, months_on_book,"
        " ADD_MONTHS(granted_on, months_on_book) AS reached_on FROM granted"
    )
    return {
        **known_versions("loan_versions", view_name("loans"), "loan_id", cutoff=cutoff),
        "current_loans": in_force_sql("loan_versions"),
        **known_versions("payment_versions", view_name("repayments"), "repayment_id", cutoff=cutoff),
        "payments": payments_known("payment_versions", zone=zone),
        "granted": granted,
        "aged": aged,
        "marks": "SELECT source, loan_id, reached_on AS on_date FROM aged",
        **trace_dpd(marks="marks", loans="current_loans", payments="payments"),
    }


def _state_sql(edges: Sequence[int]) -> str:
    ordered = sorted(edges)
    ranges = " ".join(f"WHEN t.dpd < {high} THEN '{low}-{high - 1}'" for low, high in pairwise(ordered))
    current, worst = f"WHEN t.dpd < {ordered[0]} THEN 'current'", f"'{ordered[-1]}+'"
    return f"CASE WHEN t.is_repaid THEN 'repaid' {current} {ranges} ELSE {worst} END"
