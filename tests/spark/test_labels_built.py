"""Label tables against an oracle that answers on every date: all kinds of labels, of applications and of the book."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from tallystick.labels import KnownTables, count_cohorts
from tallystick.labels.engines import view_name
from tallystick.labels.local_dates import ahead_sql, first_whole_date_sql
from tallystick.project import load_project
from tallystick.spec.labels import DelinquencyLabel, EventLabel, Label, MissedMonthsLabel, OutcomeLabel
from tallystick.spec.observations import Customers, MonthEnds, ObservationSet, Rows
from tallystick.spec.windows import parse_window
from tests.lib import dpd_oracle, label_oracle
from tests.lib.label_books import (
    LOAN_SCHEMA,
    OBSERVATION_SCHEMA,
    OUTCOME_SCHEMA,
    PAYMENT_SCHEMA,
    ZONE,
    a_loan,
    a_payment,
    an_application,
    an_observation,
    applications_known,
    at,
    much_corrected_book,
)
from tests.lib.label_engines import Asked, ask_both, build_both, frame, table

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyspark.sql import SparkSession

APPLICATIONS = ObservationSet(name="applications", key="application_id", population=Rows(table="clean.applications"))
BOOK = ObservationSet(name="book", key="loan_id", population=MonthEnds(table="clean.loans"))
PEOPLE = ObservationSet(name="people", key="customer_id", population=Customers(tables=("clean.accounts",)))


@dataclass(frozen=True)
class Case:
    """One label of one set at one cut-off; ``holds`` is its condition in Python."""

    label: Label
    of: ObservationSet
    cutoff: date = date(2026, 12, 31)
    holds: Callable[[label_oracle.Row], bool] = lambda row: True


def is_of_2026(row: label_oracle.Row) -> bool:
    """By the local date, as YEAR(event_at) in a condition."""
    return dpd_oracle.local_date(row["event_at"], ZONE).year == 2026


# One plan a case costs seconds, so the cases are few, and each tries several fields at once.
CASES = [
    Case(
        DelinquencyLabel(name="a", where="term_months > 1 AND YEAR(event_at) = 2026"), APPLICATIONS, date(2026, 5, 1),
        lambda row: row["term_months"] > 1 and is_of_2026(row),
    ),
    Case(DelinquencyLabel(name="b", dpd=1, window="2m", anchor="as_of", lag_days=10), APPLICATIONS),
    Case(
        DelinquencyLabel(name="c", dpd=30, window="30d", anchor="first_due", occurs="end", instalments=1), APPLICATIONS,
        date(2026, 5, 1),
    ),
    Case(MissedMonthsLabel(name="d", months=2, window="6m"), APPLICATIONS),
    Case(EventLabel(name="e", table="clean.repayments", where="amount_minor = 1 AND YEAR(event_at) = 2026",
                    window="45d", lag_days=5), APPLICATIONS,
         holds=lambda row: row["amount_minor"] == 1 and is_of_2026(row)),
    Case(DelinquencyLabel(name="f", dpd=60, window="3m", anchor="as_of", already_bad_dpd=30), BOOK),
    Case(MissedMonthsLabel(name="g", months=3, window="4m", anchor="as_of", already_bad_months=2), BOOK),
    Case(EventLabel(name="h", table="clean.repayments", where="amount_minor > 99", window="1m", per="loan_id"), BOOK,
         holds=lambda row: row["amount_minor"] > 99),
]  # fmt: skip


def month_ends(book: label_oracle.Book, *, customers: int) -> list[dict[str, Any]]:
    """Each loan of the first customers at two month ends, whatever becomes of the loan."""
    rng = random.Random(1)
    loans = {row["loan_id"]: row["customer_id"] for row in book.loans}
    chosen = {name: who for name, who in loans.items() if int(who.removeprefix("s:")) < customers}
    return [
        an_observation(name, who, at(date(2026, month, 1), 0))
        for name, who in chosen.items()
        for month in sorted(rng.sample(range(2, 9), k=2))
    ]


def test_labels_of_a_much_corrected_book_are_what_anybody_would_answer_since_known_on(
    spark: SparkSession, project_root: Path
) -> None:
    book = much_corrected_book(7, 120)
    refused = an_application(a_loan("refused", date(2026, 2, 1)))
    book = label_oracle.Book(
        applications=[*book.applications, refused], loans=book.loans, repayments=book.repayments, zone=ZONE
    )
    frames = {"clean.loans": table(book.loans, LOAN_SCHEMA), "clean.repayments": table(book.repayments, PAYMENT_SCHEMA)}
    contracts = load_project(project_root).contracts
    asked, wanted = [], []
    for case in CASES:
        rows = applications_known(book, case.cutoff) if case.of is APPLICATIONS else month_ends(book, customers=60)
        known = KnownTables(frames=frames, contracts=contracts, cutoff=case.cutoff, zone=ZONE)
        wanted.append(Asked(label=case.label, observations=table(rows, OBSERVATION_SCHEMA), known=known, of=case.of))
        asked.append(rows)
    found = {
        (number, row["observation_id"], row["as_of"]): row
        for number, rows in enumerate(build_both(spark, wanted))
        for row in rows
    }
    assert len(found) == sum(map(len, asked))
    for number, case in enumerate(CASES):
        seen: set[str | int] = set()
        for row in asked[number]:
            is_application = case.of is APPLICATIONS
            observation = label_oracle.Asked(
                key=case.of.key, observation_id=row["observation_id"], customer_id=row["customer_id"],
                as_of=None if is_application else row["as_of"],
            )  # fmt: skip
            answered = label_oracle.answers(
                case.label, book, observation, first=date(2025, 12, 1), last=case.cutoff, holds=case.holds
            )
            stored, last = found[number, row["observation_id"], row["as_of"]], answered.by_date[case.cutoff]
            where = (case.label.name, row["observation_id"], row["as_of"])
            assert last is not None
            assert {key: stored[key] for key in last} == last, where
            assert (stored["observations"], stored["customer_id"]) == (case.of.name, row["customer_id"])
            seen.add(last["status"] if last["label"] is None else last["label"])
            if last["status"] != "mature":
                assert stored["known_on"] is None, where
                continue
            # Not before anybody who asks gets this answer, and no later than nothing that is seen changes any more.
            settled_on = last["window_to"] + timedelta(days=case.label.lag_days)
            quiet_since = max(label_oracle.settled_since(answered.seen), settled_on)
            assert label_oracle.settled_since(answered.by_date) <= stored["known_on"] <= quiet_since, where
        # Each case must reach what it can say, or agreement would say little.
        assert seen == STATUSES_OF[case.label.name], case.label.name


UNDECIDED = {"immature", "not_granted"}
STATUSES_OF: dict[str, set[str | int]] = {
    "a": {0, 1, "excluded", *UNDECIDED},
    "b": {0, 1, "already_bad", "not_granted"},
    "c": {0, 1, *UNDECIDED},
    "d": {0, 1, "not_granted"},
    "e": {0, 1},
    "f": {0, 1, "already_bad", "not_granted"},
    "g": {0, 1, "already_bad", "not_granted"},
    "h": {0, 1},
}


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


def test_outcome_labels_take_what_was_known_at_the_cutoff(spark: SparkSession, project_root: Path) -> None:
    loans, applications, outcomes = [], [], []
    for name, (age, rows, _, _) in OUTCOMES.items():
        loan = a_loan(name, dpd_oracle.add_months(date(2026, 12, 31), -(age or 30)))
        applications.append(an_application(loan))
        loans += [loan] if age is not None else []
        outcomes += [
            an_outcome(name, name, outcome, code, observed, known=known, retracted=retracted)
            for outcome, code, observed, known, retracted in rows
        ]
    # A loan with an outcome early, and a later one that was taken back: the early one is what is known since then.
    twice = a_loan("twice", date(2023, 1, 15))
    outcomes += [
        an_outcome("twice", "early", "good", "A", date(2026, 6, 30), known=date(2026, 7, 1)),
        an_outcome("twice", "later", "bad", "B", date(2026, 10, 1), known=date(2026, 10, 2)),
        an_outcome("twice", "later", "bad", "B", date(2026, 10, 1), known=date(2026, 11, 5), retracted=True),
    ]
    book = label_oracle.Book(
        applications=[*applications, an_application(twice)], loans=[*loans, twice], outcomes=outcomes, zone=ZONE
    )
    frames = {"clean.loans": table(book.loans, LOAN_SCHEMA), "clean.outcomes": table(outcomes, OUTCOME_SCHEMA)}
    label, cutoff = OutcomeLabel(name="default", where="status_code <> 'X'"), date(2026, 12, 31)
    known = KnownTables(frames=frames, contracts=load_project(project_root).contracts, cutoff=cutoff, zone=ZONE)
    running = [an_observation("ltwice", "s:twice", at(date(2026, month, 1), 0)) for month in (6, 7)]
    labels, of_book = build_both(
        spark,
        [
            Asked(label=label, observations=table(rows, OBSERVATION_SCHEMA), known=known, of=of)
            for rows, of in ((applications_known(book, cutoff), APPLICATIONS), (running, BOOK))
        ],
    )
    found = {r["observation_id"][1:]: r for r in labels}
    again = found.pop("twice")
    assert (again["label"], again["known_on"]) == (0, date(2026, 11, 5))
    assert {n: (r["status"], r["label"]) for n, r in found.items()} == {n: c[2:] for n, c in OUTCOMES.items()}
    assert {r["known_on"] for n, r in found.items() if r["status"] == "mature"} == {date(2026, 12, 31)}
    assert all(r["known_on"] is None for r in found.values() if r["status"] != "mature")
    stored = frame(spark, pa.Table.from_pylist(labels))
    cohorts = count_cohorts(stored).agg({"good": "sum", "bad": "sum", "immature": "sum", "excluded": "sum"})
    assert cohorts.collect()[0].asDict() == {"sum(good)": 3, "sum(bad)": 2, "sum(immature)": 1, "sum(excluded)": 1}
    # The outcome of 30 June is one of the loan as of June. On 1 July it lies behind: nothing was observed since.
    told = [(r["status"], r["label"], r["window_from"]) for r in sorted(of_book, key=lambda row: row["as_of"])]
    assert told == [("mature", 0, date(2026, 6, 1)), ("unobserved", None, date(2026, 7, 1))]


def an_outcome(
    loan: str, name: str, outcome: str, code: str, observed: date, *, known: date, retracted: bool = False
) -> dict[str, Any]:
    return {
        "source": "s", "outcome_id": f"o{name}", "application_id": f"a{loan}", "loan_id": f"l{loan}",
        "outcome": outcome, "status_code": code, "observed_on": observed, "event_at": at(observed, 0),
        "known_on": known, "is_retracted": retracted,
    }  # fmt: skip


# What an event label counts, of a window of 30 days from local noon of 1 March: payments of the customer as (local day
# of March or April, hour, known after days, retracted), and label, and known_on as a day after 31 March.
NOON = at(date(2026, 3, 1), 12)
EVENTS: dict[str, tuple[list[tuple[date, int, date, bool]], int, date]] = {
    "nothing": ([], 0, date(2026, 4, 1)),
    "at as_of": ([(date(2026, 3, 1), 12, date(2026, 3, 2), False)], 1, date(2026, 4, 1)),
    "before as_of": ([(date(2026, 3, 1), 11, date(2026, 3, 2), False)], 0, date(2026, 4, 1)),
    "in the last hour": ([(date(2026, 3, 31), 11, date(2026, 4, 1), False)], 1, date(2026, 4, 1)),
    "at the end": ([(date(2026, 3, 31), 12, date(2026, 4, 1), False)], 0, date(2026, 4, 1)),
    "known late": ([(date(2026, 3, 9), 9, date(2026, 5, 4), False)], 1, date(2026, 5, 4)),
    "not known yet": ([(date(2026, 3, 9), 9, date(2026, 7, 1), False)], 0, date(2026, 4, 1)),
    "taken back": ([(date(2026, 3, 9), 9, date(2026, 3, 10), False), (date(2026, 3, 9), 9, date(2026, 5, 6), True)],
                   0, date(2026, 5, 6)),
    "moved away": ([(date(2026, 3, 9), 9, date(2026, 3, 10), False), (date(2026, 2, 9), 9, date(2026, 5, 7), False)],
                   0, date(2026, 5, 7)),
}  # fmt: skip


def test_an_event_label_counts_what_happened_in_its_window_and_became_known(
    spark: SparkSession, project_root: Path
) -> None:
    payments = [
        a_payment(f"p{number}", str(number), day, 1, known=known, retracted=retracted, hour=hour)
        for number, (rows, _, _) in enumerate(EVENTS.values())
        for day, hour, known, retracted in rows
    ]
    # Two at once: the second one known late changes nothing, since one is enough.
    payments += [a_payment(f"{name}", "twice", date(2026, 3, 9), 1, known=known) for name, known in
                 (("first", date(2026, 3, 10)), ("second", date(2026, 5, 8)))]  # fmt: skip
    names = [*map(str, range(len(EVENTS))), "twice"]
    asked = [an_observation(f"s:{name}", f"s:{name}", NOON) for name in names]
    frames = {"clean.repayments": table(payments, PAYMENT_SCHEMA)}
    contracts = load_project(project_root).contracts
    known = KnownTables(frames=frames, contracts=contracts, cutoff=date(2026, 6, 30), zone=ZONE)
    label = EventLabel(name="x", table="clean.repayments", window="30d")
    # A payment under review: the payment itself, at its own as_of, is not what happens after it.
    reviewed = ObservationSet(name="payments", key="repayment_id", population=Rows(table="clean.repayments"))
    both = [an_observation(name, "s:twice", at(date(2026, 3, 9))) for name in ("first", "second")]
    alone = an_observation("p1", "s:1", NOON)
    rows, of_payments = build_both(
        spark,
        [
            Asked(label=label, observations=table(asking, OBSERVATION_SCHEMA), known=known, of=of)
            for asking, of in ((asked, PEOPLE), ([*both, alone], reviewed))
        ],
    )
    found = {row["observation_id"][2:]: row for row in rows}
    expected = {str(n): (label, on) for n, (_, label, on) in enumerate(EVENTS.values())}
    assert {n: (r["label"], r["known_on"]) for n, r in found.items()} == {**expected, "twice": (1, date(2026, 4, 1))}
    assert {(r["window_from"], r["window_to"]) for r in rows} == {(date(2026, 3, 1), date(2026, 4, 1))}
    assert {row["observation_id"]: row["label"] for row in of_payments} == {"first": 1, "second": 1, "p1": 0}


# as_of and the end of the window as local times, and the first business date that begins at the end or later.
AHEAD = [
    ("Asia/Shanghai", "2026-01-31T00:00", "1m", "2026-02-28T00:00", date(2026, 2, 28)),
    ("Asia/Shanghai", "2026-01-31T10:30", "1m", "2026-02-28T10:30", date(2026, 3, 1)),
    ("Asia/Shanghai", "2024-02-29T00:00", "12m", "2025-02-28T00:00", date(2025, 2, 28)),
    ("Europe/Prague", "2024-03-30T12:00", "1d", "2024-03-31T12:00", date(2024, 4, 1)),  # 23 hours later
    ("Europe/Prague", "2024-03-30T02:30", "1d", "2024-03-31T03:30", date(2024, 4, 1)),  # 02:30 does not exist
    ("Europe/Prague", "2024-10-26T02:30", "1d", "2024-10-27T02:30+02:00", date(2024, 10, 28)),  # the first of two
    ("America/Santiago", "2024-09-08T01:00", "1d", "2024-09-09T00:00", date(2024, 9, 9)),  # stands for midnight
    ("America/Santiago", "2024-09-07T00:00", "1d", "2024-09-08T01:00", date(2024, 9, 8)),  # that midnight is skipped
]


def test_a_window_ahead_is_counted_on_the_wall_clock(spark: SparkSession) -> None:
    starts = [datetime.fromisoformat(begin).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC) for zone, begin, *_ in AHEAD]
    end = [ahead_sql("as_of", parse_window(span), zone) for zone, _, span, _, _ in AHEAD]
    whole = [first_whole_date_sql("ends_at", zone) for zone, *_ in AHEAD]
    ended, over = (
        " ".join(f"WHEN number = {number} THEN {sql}" for number, sql in enumerate(each)) for each in (end, whole)
    )
    steps = {
        "ended": f"SELECT number, CASE {ended} END AS ends_at FROM {view_name('starts')}",
        "over": f"SELECT number, ends_at, CASE {over} END AS over_on FROM ended",
    }
    numbered = [{"number": number, "as_of": start} for number, start in enumerate(starts)]
    found = ask_both(spark, steps, {"starts": table(numbered, "number int, as_of timestamp")})
    rows = sorted(found, key=lambda row: row["number"])
    for row, (zone, begin, span, end_at, over_on) in zip(rows, AHEAD, strict=True):
        local = datetime.fromisoformat(end_at)
        expected = (local if local.tzinfo else local.replace(tzinfo=ZoneInfo(zone))).astimezone(UTC)
        assert row["ends_at"] == expected, (zone, begin, span)
        assert row["over_on"] == over_on, (zone, begin, span)
        assert label_oracle.ahead(starts[row["number"]], span, zone) == expected, (zone, begin, span)
