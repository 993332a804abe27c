"""Delinquency labels against a day-by-day oracle, over drawn and over random loans, in few Spark jobs."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from tallystick.labels import build_labels, count_cohorts, roll_rates, vintage_table
from tallystick.labels.delinquency import trace_dpd
from tallystick.labels.versions import select_decided
from tallystick.spec.labels import DelinquencyLabel, OutcomeLabel
from tests.lib import dpd_oracle

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

ZONE = "Asia/Shanghai"
LOAN_SCHEMA = (
    "source string, bucket int, period string, loan_id string, application_id string, customer_id string, "
    "event_at timestamp, known_on date, loaded_on date, is_retracted boolean, term_months int, "
    "instalment_minor bigint, first_due_date date"
)
PAYMENT_SCHEMA = (
    "source string, repayment_id string, loan_id string, event_at timestamp, known_on date, loaded_on date, "
    "is_retracted boolean, amount_minor bigint"
)
APPLICATION_SCHEMA = (
    "source string, bucket int, period string, application_id string, customer_id string, event_at timestamp, "
    "known_on date, loaded_on date, is_retracted boolean"
)
OUTCOME_SCHEMA = (
    "source string, outcome_id string, application_id string, outcome string, status_code string, observed_on date, "
    "event_at timestamp, known_on date, loaded_on date, is_retracted boolean"
)


def at(day: date, hour: int = 12) -> datetime:
    """An instant of that local day: Shanghai is eight hours ahead of UTC."""
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC) - timedelta(hours=8)


def a_loan(
    name: str, granted: date, *, term: int = 6, instalment: int = 100, first_due: date | None = None
) -> dict[str, Any]:
    due = first_due or dpd_oracle.add_months(granted, 1)
    return {
        "source": "s", "bucket": 0, "period": str(granted.year), "loan_id": f"l{name}", "application_id": f"a{name}",
        "customer_id": f"s:{name}", "event_at": at(granted), "known_on": granted + timedelta(days=1),
        "is_retracted": False, "term_months": term, "instalment_minor": instalment, "first_due_date": due,
    }  # fmt: skip


def a_payment(
    name: str, loan: str, paid: date, amount: int, *, known: date | None = None, retracted: bool = False, hour: int = 12
) -> dict[str, Any]:
    return {
        "source": "s", "repayment_id": name, "loan_id": f"l{loan}", "event_at": at(paid, hour),
        "known_on": known or paid + timedelta(days=1), "is_retracted": retracted, "amount_minor": amount,
    }  # fmt: skip


def an_application(loan: dict[str, Any]) -> dict[str, Any]:
    keys = ("source", "bucket", "period", "application_id", "customer_id", "event_at", "known_on", "is_retracted")
    return {key: loan[key] for key in keys}


def frame(spark: SparkSession, rows: list[dict[str, Any]], schema: str) -> DataFrame:
    names = [part.split()[0] for part in schema.split(", ")]
    # Unless a row says more, it was delivered on the date on which it became known.
    values = [{"loaded_on": row["known_on"], **row} for row in rows]
    return spark.createDataFrame([tuple(row[n] for n in names) for row in values], schema).coalesce(1)


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
    traced = trace_dpd(asked, frame(spark, loans, LOAN_SCHEMA), frame(spark, payments, PAYMENT_SCHEMA), zone=ZONE)
    found = {r["loan_id"]: r["dpd"] for r in traced.where("is_mark").collect()}
    assert {DRAWN[i][0]: found[f"l{i}"] for i in range(len(DRAWN))} == {name: days for name, _, _, days in DRAWN}


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


def random_book(seed: int, size: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Loans and payments with ties, parts, overpayments, late arrivals, corrections and retractions."""
    rng = random.Random(seed)
    loans, payments = [], []
    for number in range(size):
        granted = date(2026, 1, 1) + timedelta(days=rng.randrange(90))
        term, instalment = rng.choice([1, 3, 6, 12]), rng.choice([1, 100, 333])
        due = granted + timedelta(days=rng.choice([0, 14, 30, 31]))
        loans.append(a_loan(str(number), granted, term=term, instalment=instalment, first_due=due))
        for index in range(rng.randrange(0, 9)):
            paid = granted + timedelta(days=rng.randrange(0, 200))
            amount = rng.choice(
                [1, instalment // 2, instalment, instalment, instalment, 2 * instalment + 1, 5 * instalment]
            )
            late = rng.choice([1, 1, 1, 0, 10, 60])
            name = f"{number}_{index}"
            payments.append(
                a_payment(
                    name, str(number), paid, amount, known=paid + timedelta(days=late), hour=rng.choice([0, 12, 23])
                )
            )
            if rng.random() < 0.2:
                payments.append(
                    a_payment(
                        name, str(number), paid, rng.choice([0, amount + 7]), known=paid + timedelta(days=late + 20)
                    )
                )
            if rng.random() < 0.15:
                known = paid + timedelta(days=late + rng.choice([1, 40]))
                payments.append(a_payment(name, str(number), paid, amount, known=known, retracted=True))
            if rng.random() < 0.15:
                payments.append(a_payment(f"{name}t", str(number), paid, instalment, known=paid + timedelta(days=late)))
    return loans, payments


DEFINITIONS = [
    DelinquencyLabel(name="dpd30_90d"),
    DelinquencyLabel(name="dpd1_2m", dpd=1, window="2m", lag_days=10),
    DelinquencyLabel(
        name="first_payment_default", dpd=30, window="30d", anchor="first_due", occurs="end", instalments=1
    ),
    DelinquencyLabel(name="dpd90_mob6", dpd=90, window="6m", occurs="end"),
]
# One plan a case costs seconds, so the cases are few: each definition once, the first one at two cut-offs.
CASES = [
    (DEFINITIONS[0], date(2026, 5, 1)),
    (DEFINITIONS[0], date(2026, 12, 31)),
    (DEFINITIONS[1], date(2026, 5, 1)),
    (DEFINITIONS[2], date(2026, 5, 1)),
    (DEFINITIONS[3], date(2026, 12, 31)),
]


def test_labels_of_random_loans_equal_the_day_by_day_oracle(spark: SparkSession) -> None:
    loans, payments = random_book(7, 150)
    extra = a_loan("refused", date(2026, 2, 1))
    tables = {
        "clean.applications": frame(spark, [an_application(r) for r in [*loans, extra]], APPLICATION_SCHEMA),
        "clean.loans": frame(spark, loans, LOAN_SCHEMA),
        "clean.repayments": frame(spark, payments, PAYMENT_SCHEMA),
    }
    frames = [
        build_labels(definition, tables, cutoff=cutoff, zone=ZONE).selectExpr(f"{number} as case_number", "*")
        for number, (definition, cutoff) in enumerate(CASES)
    ]
    united = frames[0]
    for other in frames[1:]:
        united = united.unionByName(other)
    found: dict[int, dict[str, Any]] = {i: {} for i in range(len(CASES))}
    for row in united.collect():
        found[row["case_number"]][row["application_id"]] = {k: row[k] for k in ("status", "label", "dpd", "known_on")}
    seen: set[tuple[str, int | None]] = set()
    for index, (definition, cutoff) in enumerate(CASES):
        expected = {
            r["application_id"]: dpd_oracle.delinquency(definition, r, payments, cutoff=cutoff, zone=ZONE)
            for r in loans
            if r["known_on"] <= cutoff
        }
        expected["arefused"] = dpd_oracle.delinquency(definition, None, payments, cutoff=cutoff, zone=ZONE)
        assert found[index] == expected, (definition.name, cutoff)
        seen |= {(row["status"], row["label"]) for row in expected.values()}
    # The random book must reach every branch, or agreement would say little.
    assert seen == {("mature", 0), ("mature", 1), ("immature", None), ("not_granted", None)}


def test_vintages_and_roll_rates_count_what_the_oracle_counts(spark: SparkSession) -> None:
    loans, payments = random_book(11, 60)
    cutoff, months = date(2026, 6, 15), 4
    book = frame(spark, loans, LOAN_SCHEMA), frame(spark, payments, PAYMENT_SCHEMA)
    vintages = vintage_table(*book, dpd=10, months=months, cutoff=cutoff, zone=ZONE).collect()
    moves = roll_rates(*book, months=months, cutoff=cutoff, zone=ZONE).collect()
    known = [p for p in dpd_oracle.versions(payments, "repayment_id", cutoff) if not p["is_retracted"]]
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
