"""Delinquency labels against a day-by-day oracle, over drawn and over random loans, in few Spark jobs."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from tallystick.labels import roll_rates, vintage_table
from tallystick.labels.delinquency import payments_known, trace_dpd, trace_missed_months
from tallystick.labels.engines import Steps, view_name
from tallystick.labels.versions import known_versions
from tests.lib import dpd_oracle, label_oracle
from tests.lib.label_books import (
    LOAN_SCHEMA,
    PAYMENT_SCHEMA,
    ZONE,
    a_loan,
    a_payment,
    random_book,
)
from tests.lib.label_engines import ask_both, frame, table

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def known_payments() -> Steps:
    """All of the payments, as known long after, in step ``payments``."""
    versions = known_versions("versions", view_name("repayments"), "repayment_id", cutoff=date(2027, 12, 31))
    return {**versions, "payments": payments_known("versions", zone=ZONE)}


def book_of(loans: list[dict[str, Any]], payments: list[dict[str, Any]]) -> dict[str, pa.Table]:
    return {"loans": table(loans, LOAN_SCHEMA), "repayments": table(payments, PAYMENT_SCHEMA)}


# Each case: payments as (day of 2026, amount), and dpd at a date, for a loan granted 2026-01-15 with six instalments of
# 100 from 2026-02-15 on.
DRAWN = [
    ("not yet due on the due date", [], date(2026, 2, 15), 0),
    ("one day late on the day after", [], date(2026, 2, 16), 1),
    ("paid on the due date is on time", [(date(2026, 2, 15), 100)], date(2026, 2, 16), 0),
    ("a payment counts from the next day", [(date(2026, 2, 20), 100)], date(2026, 2, 20), 5),
    ("and then covers", [(date(2026, 2, 20), 100)], date(2026, 2, 21), 0),
    ("a part covers nothing", [(date(2026, 2, 14), 99)], date(2026, 3, 1), 14),
    ("two parts cover", [(date(2026, 2, 14), 99), (date(2026, 2, 15), 1)], date(2026, 3, 1), 0),
    ("an overpayment reaches the next instalment", [(date(2026, 2, 1), 200)], date(2026, 4, 14), 0),
    ("and no further", [(date(2026, 2, 1), 299)], date(2026, 4, 20), 5),
    ("the oldest open instalment counts", [], date(2026, 4, 20), 64),
    ("paying late moves the oldest forward", [(date(2026, 4, 1), 100)], date(2026, 4, 20), 36),
    ("all paid is never late", [(date(2026, 2, 1), 600)], date(2027, 1, 1), 0),
    ("more than all paid is never late", [(date(2026, 2, 1), 9999)], date(2027, 1, 1), 0),
    ("a refund without a payment leaves the first due date", [(date(2026, 2, 1), -50)], date(2026, 2, 20), 5),
]


def test_dpd_of_the_drawn_loans_is_what_the_definition_says(spark: SparkSession) -> None:
    loans = [a_loan(str(i), date(2026, 1, 15)) for i in range(len(DRAWN))]
    payments = [
        a_payment(f"p{i}_{j}", str(i), day, amount)
        for i, (_, paid, _, _) in enumerate(DRAWN)
        for j, (day, amount) in enumerate(paid)
    ]
    marks = [{"source": "s", "loan_id": f"l{i}", "on_date": on} for i, (_, _, on, _) in enumerate(DRAWN)]
    asked = table(marks, "source string, loan_id string, on_date date")
    traced = trace_dpd(marks=view_name("marks"), loans=view_name("loans"), payments="payments")
    rows = ask_both(spark, {**known_payments(), **traced}, {**book_of(loans, payments), "marks": asked})
    found = {r["loan_id"]: r["dpd"] for r in rows if r["is_mark"]}
    assert {DRAWN[i][0]: found[f"l{i}"] for i in range(len(DRAWN))} == {name: days for name, _, _, days in DRAWN}


# Each case: payments as (day of 2026, amount), and for each of the six months, of the same loan, how many months up to
# it were missed in a row. The months end on 03-15, 04-15, ... 08-15.
MISSED = [
    ("nothing paid", [], [1, 2, 3, 4, 5, 6]),
    ("everything ahead", [(date(2026, 2, 1), 600)], [0, 0, 0, 0, 0, 0]),
    ("three ahead, then nothing", [(date(2026, 2, 1), 300)], [0, 0, 0, 1, 2, 3]),
    ("five days late is not missed", [(date(2026, 2, 20), 100)], [0, 1, 2, 3, 4, 5]),
    ("paid on the next due date", [(date(2026, 3, 15), 100)], [1, 0, 1, 2, 3, 4]),
    ("a month late throughout", [(date(2026, m, 20), 100) for m in range(3, 8)], [1, 0, 0, 0, 0, 0]),
    ("every other month", [(date(2026, m, 20), 100) for m in (2, 4, 6)], [0, 1, 0, 1, 0, 1]),
    ("halves complete every other month", [(date(2026, m, 20), 50) for m in range(2, 8)], [1, 0, 1, 0, 1, 0]),
    ("a refund opens what was paid", [(date(2026, 2, 15), 100), (date(2026, 3, 20), -100)], [0, 1, 2, 3, 4, 5]),
]


def test_missed_months_of_the_drawn_loans_are_what_the_definition_says(spark: SparkSession) -> None:
    loans = [a_loan(str(i), date(2026, 1, 15)) for i in range(len(MISSED))]
    payments = [
        a_payment(f"p{i}_{j}", str(i), day, amount)
        for i, (_, paid, _) in enumerate(MISSED)
        for j, (day, amount) in enumerate(paid)
    ]
    months = trace_missed_months(loans=view_name("loans"), payments="payments")
    rows = ask_both(spark, {**known_payments(), **months}, book_of(loans, payments))
    traced = [row for row in rows if row["month"] > 0]
    found: dict[str, list[int]] = {}
    for row in sorted(traced, key=lambda row: row["month"]):
        found.setdefault(MISSED[int(row["loan_id"][1:])][0], []).append(row["missed"])
    assert found == {name: runs for name, _, runs in MISSED}
    assert {row["on_date"] for row in traced} == {date(2026, month, 15) for month in range(3, 9)}


def test_vintages_and_roll_rates_count_what_the_oracle_counts(spark: SparkSession) -> None:
    loans, payments = random_book(11, 60)
    cutoff, months = date(2026, 6, 15), 4
    book = frame(spark, table(loans, LOAN_SCHEMA)), frame(spark, table(payments, PAYMENT_SCHEMA))
    vintages = vintage_table(*book, dpd=10, months=months, cutoff=cutoff, zone=ZONE).collect()
    moves = roll_rates(*book, months=months, cutoff=cutoff, zone=ZONE).collect()
    known = [p for p in label_oracle.in_force(payments, "repayment_id", cutoff) if not p["is_retracted"]]
    expected: dict[tuple[str, int], list[int]] = {}
    steps: dict[tuple[str, str], int] = {}
    for loan in loans:
        own = [p for p in known if p["loan_id"] == loan["loan_id"]]
        granted = dpd_oracle.local_date(loan["event_at"], ZONE)
        states = []
        for month in range(1, months + 1):
            reached = dpd_oracle.add_months(granted, month)
            if reached > cutoff:
                continue
            days = [granted + timedelta(days=n) for n in range((reached - granted).days + 1)]
            worst = max(dpd_oracle.dpd(loan, own, day, zone=ZONE) for day in days)
            cell = expected.setdefault((granted.strftime("%Y-%m"), month), [0, 0])
            cell[0] += 1
            cell[1] += worst >= 10
            states.append(state_of(loan, own, reached))
        for pair in pairwise(states):
            steps[pair] = steps.get(pair, 0) + 1
    assert {(r["vintage"], r["months_on_book"]): [r["loans"], r["bad"]] for r in vintages} == expected
    assert {(r["from_state"], r["to_state"]): r["loans"] for r in moves} == steps
    assert {r["is_complete"] for r in vintages} == {True, False}
    by_state: dict[str, float] = {}
    for row in moves:
        by_state[row["from_state"]] = by_state.get(row["from_state"], 0.0) + row["rate"]
    assert list(by_state.values()) == pytest.approx([1.0] * len(by_state))


def state_of(loan: dict[str, Any], payments: list[dict[str, Any]], on: date) -> str:
    paid = sum(p["amount_minor"] for p in payments if dpd_oracle.local_date(p["event_at"], ZONE) < on)
    if paid >= loan["instalment_minor"] * loan["term_months"]:
        return "repaid"
    days = dpd_oracle.dpd(loan, payments, on, zone=ZONE)
    return "current" if days < 1 else "1-29" if days < 30 else "30-59" if days < 60 else "60-89" if days < 90 else "90+"
