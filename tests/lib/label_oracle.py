"""Labels worked out the slow way: by the written definition, at every cut-off date, over plain dictionaries.

What anybody would answer on a date, and since when the last answer is the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from tests.lib.dpd_oracle import add_months, dpd, local_date, open_instalments

Row = Mapping[str, Any]

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Book:
    """All versions of all rows that labels rest on."""

    applications: Sequence[Row]
    loans: Sequence[Row]
    repayments: Sequence[Row] = field(default_factory=list)
    outcomes: Sequence[Row] = field(default_factory=list)
    zone: str = "UTC"


def in_force(rows: Iterable[Row], event_id: str, on: date) -> list[Row]:
    """Of each event the version that counts on a date, retractions included: of those known, the one delivered last."""
    newest: dict[str, Row] = {}
    for row in rows:
        held = newest.get(row[event_id])
        if row["known_on"] <= on and (held is None or delivered(row) > delivered(held)):
            newest[row[event_id]] = row
    return list(newest.values())


def delivered(row: Row) -> tuple[date, date]:
    """The place of a version in the order of delivery; a row without ``loaded_on`` came on its ``known_on``."""
    return row.get("loaded_on", row["known_on"]), row["known_on"]


def decided(versions: Sequence[Row], on: date, zone: str) -> Row | None:
    """The version of one application that was decided on, as far as known on a date; None where it was taken back.

    Followed through the dates on which something becomes known: the first version in force that still is when its own
    date has passed.
    """
    dates = sorted({row["known_on"] for row in versions if row["known_on"] <= on})
    held = [in_force(versions, "application_id", day)[0] for day in dates]
    for number, row in enumerate(held):
        until = next(
            (day for day, other in zip(dates, held, strict=True) if day > dates[number] and other is not row), None
        )
        if until is None or local_date(row["event_at"], zone) < until:
            return None if row["is_retracted"] else row
    return None


def answers(
    label: Any,
    book: Book,
    application: str,
    *,
    first: date,
    last: date,
    holds: Callable[[Row], bool] = lambda row: True,
) -> dict[date, dict[str, Any] | None]:
    """What the label of an application is on every date from ``first`` to ``last``; None where there is no row.

    ``holds`` says of which loans the label's condition is true.
    """
    of_application = [row for row in book.applications if row["application_id"] == application]
    loan_ids = {row["loan_id"] for row in book.loans if row["application_id"] == application}
    loans = [row for row in book.loans if row["loan_id"] in loan_ids]
    repayments = {row["repayment_id"] for row in book.repayments if row["loan_id"] in loan_ids}
    paid = [row for row in book.repayments if row["repayment_id"] in repayments]
    outcome_ids = {row["outcome_id"] for row in book.outcomes if row["application_id"] == application}
    outcomes = [row for row in book.outcomes if row["outcome_id"] in outcome_ids]
    found: dict[date, dict[str, Any] | None] = {}
    remembered: dict[tuple[int, ...], dict[str, Any]] = {}
    for number in range((last - first).days + 1):
        on = first + timedelta(days=number)
        asked = decided(of_application, on, book.zone)
        views = [
            [row for row in in_force(rows, key, on) if not row["is_retracted"]]
            for rows, key in ((loans, "loan_id"), (paid, "repayment_id"), (outcomes, "outcome_id"))
        ]
        if asked is None:
            found[on] = None
            continue
        # The answer depends on what is seen and on whether the window is settled: the same view is judged once.
        seen = (id(asked), *(id(row) for view in views for row in view))
        if seen not in remembered:
            remembered[seen] = judge(label, asked, *views, zone=book.zone, holds=holds)
        judged = dict(remembered[seen])
        settled_on = judged.pop("settled_on")
        if judged["status"] == "mature" and settled_on > on:
            judged |= {"status": "immature", "label": None}
        found[on] = judged
    return found


def judge(
    label: Any,
    asked: Row,
    loans: Sequence[Row],
    repayments: Sequence[Row],
    outcomes: Sequence[Row],
    *,
    zone: str,
    holds: Callable[[Row], bool],
) -> dict[str, Any]:
    """The answer once the window is over, from what is seen of an application, and the date it is settled on."""
    own = [row for row in loans if row["application_id"] == asked["application_id"]]
    loan = min(own, key=lambda row: (row["event_at"], row["loan_id"]), default=None)
    as_of = local_date(asked["event_at"], zone)
    if label.kind == "outcome":
        seen = [row for row in outcomes if row["application_id"] == asked["application_id"]]
        return judge_outcome(label, as_of, loan, seen, zone=zone)
    if loan is None:
        return answer("not_granted", settled_on=date.min)
    paid = [row for row in repayments if row["loan_id"] == loan["loan_id"]]
    start = {"as_of": as_of, "grant": local_date(loan["event_at"], zone), "first_due": loan["first_due_date"]}
    judged = judge_loan(label, start[label.anchor], loan, paid, zone=zone)
    return judged if holds(loan) else judged | {"status": "excluded", "label": None}


def judge_outcome(label: Any, as_of: date, loan: Row | None, seen: Sequence[Row], *, zone: str) -> dict[str, Any]:
    """An outcome label: the outcome that was observed last."""
    start = as_of if loan is None else local_date(loan["event_at"], zone)
    if not seen:
        return answer("not_granted" if loan is None else "unobserved", start=start, settled_on=date.min)
    last = max(seen, key=lambda row: (row["event_at"], row["outcome_id"]))
    made = {"start": start, "end": last["observed_on"], "settled_on": date.min}
    if last["outcome"] not in (*label.bad, *label.good):
        return answer("indeterminate", **made)
    if add_months(start, label.min_months_on_book) > last["observed_on"]:
        return answer("immature", **made)
    return answer("mature", bad=last["outcome"] in label.bad, **made)


def judge_loan(label: Any, start: date, loan: Row, paid: Sequence[Row], *, zone: str) -> dict[str, Any]:
    """A label that a loan's schedule and payments decide, over the window that begins on ``start``."""
    count, unit = int(label.window[:-1]), label.window[-1]
    end = start + timedelta(days=count) if unit == "d" else add_months(start, count)
    made = {"start": start, "end": end, "settled_on": end + timedelta(days=label.lag_days)}
    if label.kind == "missed_months":
        runs = missed_runs(loan, paid, zone=zone)
        before = [run for day, run in runs if day <= start]
        if label.anchor == "as_of" and before and before[-1] >= (label.already_bad_months or label.months):
            return answer("already_bad", **made)
        return answer("mature", bad=any(run >= label.months for day, run in runs if start < day <= end), **made)
    days = [end] if label.occurs == "end" else [start + timedelta(days=n + 1) for n in range((end - start).days)]
    at_start = dpd(loan, paid, start, zone=zone, instalments=label.instalments)
    if label.anchor == "as_of" and at_start >= (label.already_bad_dpd or label.dpd):
        return answer("already_bad", dpd=at_start, **made)
    worst = max(dpd(loan, paid, day, zone=zone, instalments=label.instalments) for day in days)
    return answer("mature", bad=worst >= label.dpd, dpd=worst, **made)


def missed_runs(loan: Row, paid: Sequence[Row], *, zone: str) -> list[tuple[date, int]]:
    """Of each month of the schedule the date it is judged on, and how many months up to it were missed in a row."""
    runs, run = [], 0
    for number in range(1, loan["term_months"] + 1):
        begins, ends = (add_months(loan["first_due_date"], n) for n in (number - 1, number))
        grew = open_instalments(loan, paid, ends, zone=zone) > open_instalments(loan, paid, begins, zone=zone)
        run = run + 1 if grew else 0
        runs.append((ends, run))
    return runs


def answer(
    status: str,
    *,
    settled_on: date,
    bad: bool | None = None,
    dpd: int | None = None,
    start: date | None = None,
    end: date | None = None,
) -> dict[str, Any]:
    """One row of a label table, without its ``known_on``."""
    label = None if bad is None else int(bad)
    return {
        "status": status, "label": label, "dpd": dpd, "window_from": start, "window_to": end, "settled_on": settled_on,
    }  # fmt: skip


def settled_since(found: Mapping[date, Any]) -> date:
    """The first date from which on every answer is the last one."""
    days = sorted(found)
    since = days[-1]
    for day in reversed(days):
        if found[day] != found[days[-1]]:
            break
        since = day
    return since
