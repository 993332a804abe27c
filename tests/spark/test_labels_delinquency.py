"""Delinquency labels against a day-by-day oracle, over drawn and over random loans, in few Spark jobs."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from functools import reduce
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from pyspark.sql import DataFrame

from tallystick.labels import build_labels, count_cohorts, roll_rates, vintage_table
from tallystick.labels.delinquency import payments_known, trace_dpd, trace_missed_months
from tallystick.labels.versions import KnownTables, select_decided
from tallystick.spec.labels import DelinquencyLabel, MissedMonthsLabel, OutcomeLabel
from tests.lib import dpd_oracle, label_oracle
from tests.lib.label_books import (
    APPLICATION_SCHEMA,
    LOAN_SCHEMA,
    OUTCOME_SCHEMA,
    PAYMENT_SCHEMA,
    ZONE,
    a_loan,
    a_payment,
    an_application,
    at,
    frame,
    much_corrected_book,
    random_book,
)

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def known_payments(spark: SparkSession, payments: list[dict[str, Any]]) -> DataFrame:
    """All of the payments, as known long after."""
    frames = {"clean.repayments": frame(spark, payments, PAYMENT_SCHEMA)}
    return payments_known(KnownTables(frames=frames, cutoff=date(2027, 12, 31), zone=ZONE))


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
    marks = [("s", f"l{i}", on) for i, (_, _, on, _) in enumerate(DRAWN)]
    asked = spark.createDataFrame(marks, "source string, loan_id string, on_date date").coalesce(1)
    traced = trace_dpd(
        asked,
        frame(spark, loans, LOAN_SCHEMA),
        known_payments(spark, payments),
    )
    found = {r["loan_id"]: r["dpd"] for r in traced.where("is_mark").collect()}
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
    months = trace_missed_months(frame(spark, loans, LOAN_SCHEMA), known_payments(spark, payments))
    traced = months.where("month > 0").collect()
    found: dict[str, list[int]] = {}
    for row in sorted(traced, key=lambda row: row["month"]):
        found.setdefault(MISSED[int(row["loan_id"][1:])][0], []).append(row["missed"])
    assert found == {name: runs for name, _, runs in MISSED}
    assert {row["on_date"] for row in traced} == {date(2026, month, 15) for month in range(3, 9)}


def test_an_application_is_labelled_in_the_version_that_was_decided_on(spark: SparkSession) -> None:
    day = date(2026, 1, 15)
    before, after, later = day - timedelta(days=1), day + timedelta(days=1), day + timedelta(days=2)
    first = an_application(a_loan("x", day))
    versions = [
        ("corrected after", at(day, 9), day, False), ("corrected after", at(day, 10), after, False),
        ("retracted after", at(day, 9), day, False), ("retracted after", at(day, 9), after, True),
        ("corrected in time", at(day, 9), before, False), ("corrected in time", at(day, 11), day, False),
        ("retracted in time", at(day, 9), before, False), ("retracted in time", at(day, 9), day, True),
        ("delivered late", at(day, 13), after, False), ("delivered late", at(day, 14), later, False),
        ("moved to a later day", at(day, 9), day, False), ("moved to a later day", at(later, 9), after, False),
        ("after the cut-off", at(day, 9), date(2027, 1, 1), False),
    ]  # fmt: skip
    rows = [
        {**first, "application_id": name, "event_at": when, "known_on": known, "is_retracted": gone}
        for name, when, known, gone in versions
    ]
    decided = select_decided(frame(spark, rows, APPLICATION_SCHEMA), cutoff=date(2026, 12, 31), zone=ZONE)
    found = {row["application_id"]: row["event_at"] for row in decided.collect()}
    hours = {
        "corrected after": 9,
        "retracted after": 9,
        "corrected in time": 11,
        "delivered late": 13,
        "moved to a later day": 9,
    }
    assert found == {name: at(day, hour).replace(tzinfo=None) for name, hour in hours.items()}


# One plan a case costs seconds, so the cases are few: each definition once, the first one at two cut-offs.
CASES = [
    (DelinquencyLabel(name="dpd30_90d", where="term_months > 1 AND YEAR(event_at) = 2026"), date(2026, 5, 1)),
    (DelinquencyLabel(name="dpd30_90d"), date(2026, 12, 31)),
    (DelinquencyLabel(name="dpd1_2m", dpd=1, window="2m", anchor="as_of", lag_days=10), date(2026, 12, 31)),
    (
        DelinquencyLabel(
            name="first_payment_default", dpd=30, window="30d", anchor="first_due", occurs="end", instalments=1
        ),
        date(2026, 5, 1),
    ),
    (MissedMonthsLabel(name="missed2_6m", months=2, window="6m"), date(2026, 12, 31)),
]


def is_long_loan_of_2026(loan: label_oracle.Row) -> bool:
    """The condition of the first case, in Python: the year is that of the local date."""
    return bool(loan["term_months"] > 1 and dpd_oracle.local_date(loan["event_at"], ZONE).year == 2026)


def test_labels_of_a_much_corrected_book_are_what_anybody_would_answer_since_known_on(spark: SparkSession) -> None:
    book = much_corrected_book(7, 150)
    refused = an_application(a_loan("refused", date(2026, 2, 1)))
    tables = {
        "clean.applications": frame(spark, [*book.applications, refused], APPLICATION_SCHEMA),
        "clean.loans": frame(spark, [*book.loans], LOAN_SCHEMA),
        "clean.repayments": frame(spark, [*book.repayments], PAYMENT_SCHEMA),
    }
    book = replace(book, applications=[*book.applications, refused])
    frames = [
        build_labels(definition, tables, cutoff=cutoff, zone=ZONE).selectExpr(f"{number} as case_number", "*")
        for number, (definition, cutoff) in enumerate(CASES)
    ]
    rows = [row.asDict() for row in reduce(DataFrame.unionByName, frames).collect()]
    seen: set[tuple[str, int | None]] = set()
    mature = waited = 0
    for index, (definition, cutoff) in enumerate(CASES):
        found = {row["application_id"]: row for row in rows if row["case_number"] == index}
        for name in sorted({row["application_id"] for row in book.applications}):
            asked = label_oracle.answers(
                definition, book, name, first=date(2025, 12, 1), last=cutoff,
                holds=lambda row, where=definition.where: not where or is_long_loan_of_2026(row),  # type: ignore[misc]
            )  # fmt: skip
            last = asked[cutoff]
            assert (name in found) == (last is not None), (definition.name, name)
            if last is None:
                continue
            stored = found[name]
            seen.add((stored["status"], stored["label"]))
            assert {key: stored[key] for key in last} == last, (definition.name, cutoff, name)
            if last["status"] != "mature":
                assert stored["known_on"] is None
                continue
            since = label_oracle.settled_since(asked)
            assert since <= stored["known_on"] <= cutoff, (definition.name, cutoff, name)
            mature, waited = mature + 1, waited + (stored["known_on"] > since)
    # The random book must reach every branch, or agreement would say little. Labels that wait for a row which changed
    # nothing in the end are the minority even here, or training would lose rows.
    undecided = ("immature", "already_bad", "excluded", "not_granted")
    assert seen == {("mature", 0), ("mature", 1), *((status, None) for status in undecided)}
    assert waited < mature / 3


def test_vintages_and_roll_rates_count_what_the_oracle_counts(spark: SparkSession) -> None:
    loans, payments = random_book(11, 60)
    cutoff, months = date(2026, 6, 15), 4
    book = frame(spark, loans, LOAN_SCHEMA), frame(spark, payments, PAYMENT_SCHEMA)
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


# name -> (months before the observation at which the loan was granted, outcome rows, expected status, label)
OUTCOMES: dict[str, tuple[int | None, list[tuple[str, str, date, date, bool]], str, int | None]] = {
    "good": (30, [("good", "A", date(2026, 12, 31), date(2026, 12, 31), False)], "mature", 0),
    "bad": (30, [("bad", "B", date(2026, 12, 31), date(2026, 12, 31), False)], "mature", 1),
    "exactly_mature": (24, [("bad", "B", date(2026, 12, 31), date(2026, 12, 31), False)], "mature", 1),
    "too_young": (23, [("good", "C", date(2026, 12, 31), date(2026, 12, 31), False)], "immature", None),
    "neither": (30, [("indeterminate", "E", date(2026, 12, 31), date(2026, 12, 31), False)], "indeterminate", None),
    "excluded": (30, [("good", "X", date(2026, 12, 31), date(2026, 12, 31), False)], "excluded", None),
    "not_yet_known": (30, [("good", "A", date(2026, 12, 31), date(2027, 1, 1), False)], "unobserved", None),
    "withdrawn": (30, [("bad", "B", date(2026, 12, 31), date(2026, 12, 30), False),
                       ("bad", "B", date(2026, 12, 31), date(2026, 12, 31), True)], "unobserved", None),
    "corrected": (30, [("bad", "B", date(2026, 12, 31), date(2026, 12, 30), False),
                       ("good", "A", date(2026, 12, 31), date(2026, 12, 31), False)], "mature", 0),
    "no_outcome": (30, [], "unobserved", None),
    "no_loan": (None, [], "not_granted", None),
}  # fmt: skip


def test_outcome_labels_take_what_was_known_at_the_cutoff(spark: SparkSession) -> None:
    loans, applications, outcomes = [], [], []
    for name, (age, rows, _, _) in OUTCOMES.items():
        loan = a_loan(name, dpd_oracle.add_months(date(2026, 12, 31), -(age or 30)))
        applications.append(an_application(loan))
        loans += [loan] if age is not None else []
        outcomes += [
            {"source": "s", "outcome_id": f"o{name}", "application_id": f"a{name}", "outcome": outcome,
             "status_code": code, "observed_on": observed, "event_at": at(observed, 0), "known_on": known,
             "is_retracted": retracted}
            for outcome, code, observed, known, retracted in rows
        ]  # fmt: skip
    tables = {
        "clean.applications": frame(spark, applications, APPLICATION_SCHEMA),
        "clean.loans": frame(spark, loans, LOAN_SCHEMA),
        "clean.outcomes": frame(spark, outcomes, OUTCOME_SCHEMA),
    }
    label = OutcomeLabel(name="default", where="status_code <> 'X'")
    labels = build_labels(label, tables, cutoff=date(2026, 12, 31), zone=ZONE)
    found = {r["application_id"][1:]: r for r in labels.collect()}
    assert {n: (r["status"], r["label"]) for n, r in found.items()} == {n: c[2:] for n, c in OUTCOMES.items()}
    assert {r["known_on"] for n, r in found.items() if r["status"] == "mature"} == {date(2026, 12, 31)}
    assert all(r["known_on"] is None for r in found.values() if r["status"] != "mature")
    cohorts = (
        count_cohorts(labels).agg({"good": "sum", "bad": "sum", "immature": "sum", "excluded": "sum"}).collect()[0]
    )
    assert tuple(cohorts.asDict().values()).count(2) == 2
