"""Labels worked out the slow way: by the written definition, at every cut-off date, over plain dictionaries.

What anybody would answer on a date, and since when the last answer is the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

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


@dataclass(frozen=True)
class Asked:
    """One observation, by the set's key. ``as_of`` is None for an application: its versions say when it was made."""

    key: str
    observation_id: str
    customer_id: str = ""
    as_of: datetime | None = None


@dataclass(frozen=True)
class Answers:
    """What the label is on each date, None where there is no row; and what of the book is seen on it, as one value."""

    by_date: dict[date, dict[str, Any] | None]
    seen: dict[date, tuple[int, ...]]


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
    label: Any, book: Book, asked: Asked, *, first: date, last: date, holds: Callable[[Row], bool] = lambda row: True
) -> Answers:
    """What the label of an observation is on every date from ``first`` to ``last``.

    ``holds`` says of which rows the label's condition is true.
    """
    own = [row for row in book.applications if row["application_id"] == asked.observation_id]
    # Whatever was ever of this observation, in any version, may decide its label on some date.
    loans = touching(book.loans, "loan_id", lambda row: row[asked.key] == asked.observation_id)
    loan_ids = {row["loan_id"] for row in loans}
    paid = touching(
        book.repayments,
        "repayment_id",
        lambda row: row["loan_id"] in loan_ids or (label.kind == "event" and row["customer_id"] == asked.customer_id),
    )
    outcomes = touching(book.outcomes, "outcome_id", lambda row: row[asked.key] == asked.observation_id)
    found = Answers(by_date={}, seen={})
    remembered: dict[tuple[int, ...], dict[str, Any]] = {}
    for number in range((last - first).days + 1):
        on = first + timedelta(days=number)
        made = decided(own, on, book.zone) if asked.as_of is None else None
        as_of = made["event_at"] if made else asked.as_of
        if as_of is None:
            found.by_date[on], found.seen[on] = None, ()
            continue
        counting = [
            in_force(rows, key, on)
            for rows, key in ((loans, "loan_id"), (paid, "repayment_id"), (outcomes, "outcome_id"))
        ]
        views = [[row for row in rows if not row["is_retracted"]] for rows in counting]
        # The answer depends on what is seen and on whether the window is settled: the same view is judged once.
        seen = (id(made), *(id(row) for rows in counting for row in rows))
        if seen not in remembered:
            remembered[seen] = judge(label, asked, as_of, views, zone=book.zone, holds=holds)
        judged = dict(remembered[seen])
        settled_on = judged.pop("settled_on")
        if judged["status"] == "mature" and settled_on > on:
            judged |= {"status": "immature", "label": None}
        found.by_date[on], found.seen[on] = judged, seen
    return found


def touching(rows: Sequence[Row], event_id: str, wanted: Callable[[Row], bool]) -> list[Row]:
    """All versions of the events of which some version is wanted."""
    events = {row[event_id] for row in rows if wanted(row)}
    return [row for row in rows if row[event_id] in events]


def judge(
    label: Any,
    asked: Asked,
    as_of: datetime,
    views: Sequence[Sequence[Row]],
    *,
    zone: str,
    holds: Callable[[Row], bool],
) -> dict[str, Any]:
    """The answer once the window is over, from the loans, payments and outcomes seen, and the date it is settled on."""
    loans, payments, outcomes = views
    if label.kind == "event":
        own = [row for row in payments if row["customer_id"] == asked.customer_id and holds(row)]
        return judge_events(label, asked, as_of, own, zone=zone)
    own = [row for row in loans if row[asked.key] == asked.observation_id]
    loan = min(own, key=lambda row: (row["event_at"], row["loan_id"]), default=None)
    day = local_date(as_of, zone)
    if label.kind == "outcome":
        seen = [row for row in outcomes if row[asked.key] == asked.observation_id]
        return judge_outcome(label, day, loan, seen, zone=zone)
    if loan is None:
        return answer("not_granted", settled_on=date.min)
    paid = [row for row in payments if row["loan_id"] == loan["loan_id"]]
    start = {"as_of": day, "grant": local_date(loan["event_at"], zone), "first_due": loan["first_due_date"]}
    judged = judge_loan(label, start[label.anchor], loan, paid, zone=zone)
    return judged if holds(loan) else judged | {"status": "excluded", "label": None}


def judge_events(label: Any, asked: Asked, as_of: datetime, own: Sequence[Row], *, zone: str) -> dict[str, Any]:
    """A label of an event: one of those seen lies in the window, and is of the observation where the label says so."""
    end = ahead(as_of, label.window, zone)
    inside = [row for row in own if as_of <= row["event_at"] < end]
    if label.per:
        inside = [row for row in inside if row[label.per] == asked.observation_id]
    over = local_date(end, zone)
    while midnight(over, zone) < end:
        over += DAY
    settled_on = over + timedelta(days=label.lag_days)
    return answer("mature", bad=bool(inside), start=local_date(as_of, zone), end=over, settled_on=settled_on)


def ahead(as_of: datetime, window: str, zone: str) -> datetime:
    """The instant a window after another, on the local wall clock."""
    local = as_of.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    if midnight(local.date(), zone) == as_of:
        local = datetime.combine(local.date(), time())
    count, unit = int(window[:-1]), window[-1]
    day = local.date() + timedelta(days=count) if unit == "d" else add_months(local.date(), count)
    return datetime.combine(day, local.time(), ZoneInfo(zone)).astimezone(UTC)


def midnight(day: date, zone: str) -> datetime:
    """The instant at which a local date begins."""
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)


def judge_outcome(label: Any, as_of: date, loan: Row | None, seen: Sequence[Row], *, zone: str) -> dict[str, Any]:
    """An outcome label: the outcome that was observed last."""
    start = as_of if loan is None else local_date(loan["event_at"], zone)
    last = max(seen, key=lambda row: (row["event_at"], row["outcome_id"]), default=None)
    if last is None or last["observed_on"] < as_of:
        return answer("not_granted" if loan is None else "unobserved", start=start, settled_on=date.min)
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
    """The first date from which on every value is the last one."""
    days = sorted(found)
    since = days[-1]
    for day in reversed(days):
        if found[day] != found[days[-1]]:
            break
        since = day
    return since
