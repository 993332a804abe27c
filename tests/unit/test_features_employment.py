"""The validity of a declared job on rows made by hand: what each source says, what is missing, and what follows."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

import tallystick

SHANGHAI = ZoneInfo("Asia/Shanghai")
# A Monday. The four weeks before it begin on 2 February, the eight weeks of the base on 8 December.
AS_OF = dt.date(2026, 3, 2)
CONFIRMED, DOUBTFUL, NO_LONGER_USABLE = 3, 2, 1
Row = dict[str, Any]


@pytest.fixture(autouse=True)
def in_the_project(project_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project_root)


def row(day: dt.date, number: int, hour: int = 10, **parts: Any) -> Row:
    at = dt.datetime(day.year, day.month, day.day, hour, tzinfo=SHANGHAI)
    known = day + dt.timedelta(days=1)
    return {"customer_id": "simbank:1", "event_at": at, "known_on": known, "loaded_on": parts.get("known_on", known),
            "is_retracted": False, "_n": number, **parts}  # fmt: skip


def told(**parts: Any) -> Row:
    declared = {"employer_id": "E1", "started_on": dt.date(2022, 1, 1), **parts}
    made = row(dt.date(2025, 1, 10), 1, **declared)
    return {"employment_fact_id": f"f{made.pop('_n')}", **made}


def salary(day: dt.date, **parts: Any) -> Row:
    made = row(day, day.toordinal(), **{"direction": "in", "category": "salary", "counterparty_id": "E1", **parts})
    return {
        "transaction_id": f"t{made.pop('_n')}",
        "account_id": "A1",
        "amount_minor": 500_000,
        "currency": "CNY",
        **made,
    }


def message(day: dt.date, **parts: Any) -> Row:
    made = row(day, day.toordinal(), **{"group_kind": "work", **parts})
    return {"group_message_id": f"m{made.pop('_n')}", "group_id": "G1", **made}


def fix(day: dt.date, cell: str, hour: int = 10) -> Row:
    made = row(day, day.toordinal() * 100 + hour, hour, cell_id=cell, cell_grid="made up")
    return {"location_event_id": f"l{made.pop('_n')}", **made}


def monthly(*, until: dt.date) -> list[Row]:
    """Paydays on the 15th since September."""
    months = [dt.date(2025, month, 15) for month in (9, 10, 11, 12)] + [dt.date(2026, month, 15) for month in (1, 2)]
    return [salary(day) for day in months if day <= until]


def weekdays(first: dt.date, last: dt.date) -> list[dt.date]:
    days = (first + dt.timedelta(days=ahead) for ahead in range((last - first).days + 1))
    return [day for day in days if day.isoweekday() <= 5]


def chatter(*, until: dt.date) -> list[Row]:
    """A message every other weekday of the base and after: half a message a weekday."""
    return [message(day) for day in weekdays(dt.date(2025, 12, 8), until)[::2]]


ROWS: dict[str, list[Row]] = {
    "clean.transactions": monthly(until=AS_OF),
    "clean.group_messages": chatter(until=dt.date(2026, 2, 27)),
    "clean.location_events": [],
    "clean.customers": [],
}


def judged(*, facts: list[Row] | None = None, **tables: list[Row]) -> Row:
    """The group's columns without their prefix; what is not given stays as it is with work as before."""
    given = {**ROWS, **{f"clean.{name}": rows for name, rows in tables.items()}}
    events = [told()] if facts is None else facts
    found = tallystick.compute_vector(
        events, AS_OF, "employment", zone="Asia/Shanghai", customer_id="simbank:1",
        lookups=given | {"clean.employment": events},
    )  # fmt: skip
    return {name.removeprefix("employment_"): value for name, value in found.items()}


def test_work_as_before_is_confirmed() -> None:
    found = judged()
    # Paid 15 days ago; the usual gap is the median of 30, 31, 30, 31 and 31 days.
    assert found["pay_doubt"] == pytest.approx(-3 + 2 * 15 / 31)
    assert found["group_rate"] == 0.5
    # Of one to four weeks the one that looks quietest: two messages in the last week, 2.5 to be expected.
    assert found["group_doubt"] == pytest.approx(max(2.5 - 3 * 2, 5 - 3 * 5, 7.5 - 3 * 7, 10 - 3 * 10, -4 + 1.4) - 1.4)
    assert (found["place_doubt"], found["hours_doubt"]) == (None, None)
    assert [found[f"{source}_evidence"] for source in ("pay", "group", "place", "hours")] == [1, 1, None, None]
    assert found["doubt"] == found["pay_doubt"] + found["group_doubt"]
    assert found["state"] == CONFIRMED
    assert found["tenure_days"] == (AS_OF - dt.date(2022, 1, 1)).days


def test_a_payday_missed_and_silence_end_it() -> None:
    found = judged(transactions=monthly(until=dt.date(2026, 1, 15)), group_messages=chatter(until=dt.date(2026, 2, 6)))
    # Due on the 31st day, now the 46th; three quiet weeks, 7.5 messages to be expected in them.
    assert found["pay_doubt"] == pytest.approx(4 + 2 * (46 - 30.5 - 7) / 30.5)
    assert found["group_doubt"] == 4.0
    assert [found["pay_evidence"], found["group_evidence"], found["state"]] == [-1, -1, NO_LONGER_USABLE]
    assert found["tenure_days"] is None, "a declared job that no longer counts is read by nobody"


def test_silence_alone_makes_doubtful() -> None:
    found = judged(group_messages=chatter(until=dt.date(2026, 1, 30)))
    assert [found["pay_evidence"], found["group_evidence"], found["state"]] == [1, -1, DOUBTFUL]
    assert found["tenure_days"] is not None


def test_a_source_that_is_missing_says_nothing() -> None:
    no_pay = judged(transactions=[])
    assert [no_pay["pay_doubt"], no_pay["pay_evidence"]] == [None, None]
    assert no_pay["doubt"] == no_pay["group_doubt"]
    no_group = judged(group_messages=[])
    assert [no_group["group_rate"], no_group["group_doubt"]] == [None, None]
    assert no_group["doubt"] == no_group["pay_doubt"]
    nothing = judged(transactions=[], group_messages=[])
    assert [nothing["doubt"], nothing["state"], nothing["tenure_days"]] == [None, None, None]


def test_too_little_of_a_source_is_no_base() -> None:
    assert judged(transactions=monthly(until=AS_OF)[-2:])["pay_doubt"] is None
    few = chatter(until=dt.date(2026, 1, 30))
    assert len(few) == 20
    assert judged(group_messages=few[:7])["group_rate"] is None
    assert judged(group_messages=few[:8])["group_rate"] == 8 / 40


@pytest.mark.parametrize(
    ("since", "doubt"),
    [(1, -3 + 2 / 30), (30, -1), (31, -1 + 5 / 7), (37, 4), (38, 4 + 2 / 30), (67, 6), (68, 6), (200, 6)],
)
def test_doubt_grows_with_the_days_that_pay_is_late(since: int, doubt: float) -> None:
    last = AS_OF - dt.timedelta(days=since)
    paid = [salary(last - dt.timedelta(days=30 * number)) for number in range(4)]
    assert judged(transactions=paid)["pay_doubt"] == pytest.approx(doubt)


def test_pay_of_others_and_pay_taken_back_are_no_pay() -> None:
    before = monthly(until=dt.date(2026, 1, 15))
    late = judged(transactions=before)["pay_doubt"]
    february = dt.date(2026, 2, 15)
    for one in (
        {"counterparty_id": "E2"},
        {"category": "family_support"},
        {"direction": "out"},
        {"is_retracted": True},
        {"known_on": dt.date(2026, 3, 3)},
    ):
        assert judged(transactions=[*before, salary(february, **one)])["pay_doubt"] == late, one
    known = salary(february, known_on=AS_OF)
    assert judged(transactions=[*before, known])["pay_doubt"] == pytest.approx(-3 + 2 * 15 / 31)
    taken_back = {**known, "is_retracted": True, "loaded_on": AS_OF + dt.timedelta(days=1)}
    assert judged(transactions=[*before, known, taken_back])["pay_doubt"] == late


def test_only_the_employer_told_last_counts() -> None:
    moved = {**told(employer_id="E2"), "employment_fact_id": "f2"}
    moved["event_at"] += dt.timedelta(days=300)
    assert judged(facts=[told(), moved])["pay_doubt"] is None
    unseen = {**moved, "known_on": AS_OF + dt.timedelta(days=1), "loaded_on": AS_OF + dt.timedelta(days=1)}
    assert judged(facts=[told(), unseen])["pay_evidence"] == 1


def test_messages_count_as_they_were_known_and_on_weekdays_in_work_groups() -> None:
    quiet = chatter(until=dt.date(2026, 2, 13))
    silent = judged(group_messages=quiet)["group_doubt"]
    wednesday, sunday = dt.date(2026, 2, 25), dt.date(2026, 3, 1)
    for one in (
        message(sunday),
        message(wednesday, group_kind="family"),
        message(wednesday, is_retracted=True),
        message(wednesday, known_on=dt.date(2026, 3, 3)),
        message(AS_OF, hour=0, known_on=AS_OF),
    ):
        assert judged(group_messages=[*quiet, one])["group_doubt"] == silent
    assert judged(group_messages=[*quiet, message(wednesday)])["group_doubt"] < silent
    # The first instant of the four weeks belongs to them, and so not to the base.
    edge = message(dt.date(2026, 2, 2), hour=0, group_message_id="edge")
    assert judged(group_messages=[*quiet, edge])["group_rate"] == 0.5


def test_what_the_customer_told_goes_before_what_is_seen() -> None:
    gone = [told(ended_on=dt.date(2026, 2, 20))]
    assert judged(facts=gone)["state"] == NO_LONGER_USABLE
    assert judged(facts=gone, transactions=[], group_messages=[])["state"] == NO_LONGER_USABLE
    notice = [told(ended_on=dt.date(2026, 3, 31))]
    assert judged(facts=notice)["state"] == CONFIRMED
    again = {**told(), "employment_fact_id": "f2"}
    again["event_at"] += dt.timedelta(days=300)
    assert judged(facts=[*gone, again])["state"] == CONFIRMED


@pytest.mark.parametrize("facts", [[], [told(employer_id=None)]])
def test_without_a_declared_employer_nothing_is_judged(facts: list[Row]) -> None:
    found = judged(facts=facts)
    assert [found["state"], found["tenure_days"], found["declared_income_minor"]] == [None, None, None]


def test_a_declared_income_is_read_through_the_job() -> None:
    fact = {"customer_id": "simbank:1", "customer_fact_id": "c1", "event_at": told()["event_at"], "is_retracted": False,
            "known_on": dt.date(2025, 1, 11), "declared_income_minor": 700_000}  # fmt: skip
    assert judged(customers=[fact])["declared_income_minor"] == 700_000
    silent = {
        "transactions": monthly(until=dt.date(2025, 12, 15)),
        "group_messages": chatter(until=dt.date(2026, 1, 30)),
    }
    assert judged(customers=[fact], **silent)["declared_income_minor"] is None


def at_work(*, until: dt.date) -> list[Row]:
    """Every second Tuesday of the base and after: the night at home, office hours at work."""
    tuesdays = [dt.date(2025, 12, 9) + dt.timedelta(days=14 * number) for number in range(6)]
    return [one for day in tuesdays for one in (fix(day, "home", 3), fix(day, "work" if day <= until else "home"))]


def test_office_hours_at_the_usual_place_speak_for_the_job() -> None:
    found = judged(location_events=at_work(until=AS_OF))
    # One sighting there in the last two weeks, two in four; each weighs 3.
    assert found["place_doubt"] == pytest.approx(-3 - 0.7)
    assert found["hours_doubt"] == pytest.approx(-0.7 * 2)
    assert [found["place_evidence"], found["hours_evidence"]] == [1, 1]
    assert found["doubt"] == pytest.approx(found["pay_doubt"] + found["group_doubt"] + found["place_doubt"])


def test_office_hours_elsewhere_speak_against_it() -> None:
    found = judged(location_events=at_work(until=dt.date(2026, 1, 31)))
    usual = 4 / 6
    assert found["place_doubt"] == pytest.approx(2 * (usual + usual**2) - 0.7)
    assert found["hours_doubt"] == pytest.approx(1.1 * 2)


def test_office_hours_count_at_home_only_where_no_usual_place_is_known() -> None:
    # Each time elsewhere: there is no usual place of office hours, but it was never home.
    days = [dt.date(2025, 12, 9) + dt.timedelta(days=14 * number) for number in range(4)]
    out = [one for day in days for one in (fix(day, "home", 3), fix(day, f"out {day}"))]
    lately = [fix(dt.date(2026, 2, 10), "home", 3), fix(dt.date(2026, 2, 10), "home")]
    found = judged(location_events=[*out, *lately])
    assert [found["place_doubt"], found["hours_doubt"]] == [None, pytest.approx(1.1)]
    assert found["doubt"] == pytest.approx(found["pay_doubt"] + found["group_doubt"] + found["hours_doubt"])


def test_a_telephone_that_says_nothing_is_no_evidence() -> None:
    gap = [one for one in at_work(until=AS_OF) if one["event_at"].date() < dt.date(2026, 2, 1)]
    found = judged(location_events=gap)
    assert [found["place_doubt"], found["hours_doubt"], found["state"]] == [None, None, CONFIRMED]


def test_days_off_are_no_alarm() -> None:
    # Spring Festival of 2026, 17 to 24 February, and a leave until the end of the month: nobody writes, pay comes.
    found = judged(
        group_messages=chatter(until=dt.date(2026, 2, 13)), location_events=at_work(until=dt.date(2026, 2, 13))
    )
    assert found["state"] != NO_LONGER_USABLE
