"""docs/labels.md: its drawn rows are what the definition says, its examples are labels, its fields are all of them."""

from __future__ import annotations

import re
from dataclasses import fields
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tallystick.spec import labels
from tallystick.spec.label_checks import check_label
from tests.lib import dpd_oracle, label_oracle
from tests.lib.label_books import ZONE, a_loan, a_payment, an_application
from tests.lib.shipped import shipped_project

KINDS = (labels.DelinquencyLabel, labels.MissedMonthsLabel, labels.OutcomeLabel, labels.EventLabel)


@pytest.fixture(scope="module")
def page(project_root: Path) -> str:
    return (project_root / "docs" / "labels.md").read_text(encoding="utf-8")


def rows_below(page: str, header: str) -> list[list[str]]:
    """The cells of the table that has this header line."""
    lines = page[page.index(header) :].splitlines()[2:]
    end = next(number for number, line in enumerate([*lines, ""]) if not line.startswith("|"))
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[:end]]


def day(text: str) -> date:
    """``02-15`` is a day of 2026."""
    return date.fromisoformat(f"2026-{text}")


def payments_of(text: str) -> list[dict[str, Any]]:
    """``100 on 02-20, -100 on 03-20``, or ``none``."""
    found = re.findall(r"(-?\d+) on (\d\d-\d\d)", text)
    return [a_payment(f"p{number}", "1", day(on), int(amount)) for number, (amount, on) in enumerate(found)]


def test_the_drawn_days_past_due_are_what_the_definition_says(page: str) -> None:
    loan, rows = a_loan("1", date(2026, 1, 15)), rows_below(page, "| payments | at | dpd |")
    assert len(rows) == 8
    for text, at, expected in rows:
        told = [dpd_oracle.dpd(loan, payments_of(text), day(on), zone=ZONE) for on in at.split(", then ")]
        assert told == [int(days) for days in expected.split(", then ")], text


def test_the_drawn_missed_months_are_what_the_definition_says(page: str) -> None:
    loan, rows = a_loan("1", date(2026, 1, 15)), rows_below(page, "| payments | 03-15 |")
    assert len(rows) == 9
    for text, *runs in rows:
        assert [run for _, run in label_oracle.missed_runs(loan, payments_of(text), zone=ZONE)] == list(map(int, runs))


def test_the_drawn_windows_end_where_the_wall_clock_says(page: str) -> None:
    rows = rows_below(page, "| zone | as_of | window |")
    assert len(rows) == 8
    for zone, begin, window, end, over in rows:
        as_of = datetime.fromisoformat(begin).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
        ends = datetime.fromisoformat(end)
        ends = ends if ends.tzinfo else ends.replace(tzinfo=ZoneInfo(zone))
        assert label_oracle.ahead(as_of, window, zone) == ends.astimezone(UTC), (zone, begin)
        assert label_oracle.midnight(date.fromisoformat(over), zone) >= ends
        assert label_oracle.midnight(date.fromisoformat(over) - timedelta(days=1), zone) < ends


def test_the_drawn_dates_from_which_a_label_is_known_are_found_by_asking_every_day(page: str) -> None:
    loan = a_loan("1", date(2026, 1, 15))
    paid = [a_payment(f"p{n}", "1", day(on), 100) for n, on in enumerate(("02-15", "03-01"))]
    late = [paid[0], {**paid[1], "known_on": day("05-20")}]
    moved = [*paid, {**paid[1], "event_at": paid[1]["event_at"] + timedelta(days=61), "known_on": day("06-02")}]
    first = {**a_loan("0", date(2026, 1, 14)), "application_id": loan["application_id"]}
    gone = {**first, "known_on": day("07-01"), "is_retracted": True}
    asked = an_application(loan)
    books = {
        "window over": ([asked], [loan], paid),
        "a payment of the window becomes known": ([asked], [loan], late),
        "a payment of 03-01 is corrected": ([asked], [loan], moved),
        "a first loan of the application is retracted": ([asked], [loan, first, gone], paid),
        "the application itself": ([{**asked, "known_on": day("08-01")}], [loan], paid),
    }
    rows = rows_below(page, "| what happened | label | known_on |")
    label = labels.DelinquencyLabel(name="x", dpd=30, window="3m")
    for (text, value, known_on), (begin, (applications, loans, payments)) in zip(rows, books.items(), strict=True):
        assert text.startswith(begin)
        book = label_oracle.Book(applications=applications, loans=loans, repayments=payments, zone=ZONE)
        one = label_oracle.Asked(key="application_id", observation_id=loan["application_id"])
        found = label_oracle.answers(label, book, one, first=date(2026, 1, 1), last=date(2026, 12, 31)).by_date
        last = found[date(2026, 12, 31)]
        assert last is not None
        assert (last["status"], last["label"]) == ("mature", int(value)), text
        assert label_oracle.settled_since(found) == day(known_on), text


def test_the_examples_are_labels_of_this_project(page: str) -> None:
    code = page[page.index("```python\n") + len("```python\n") :]
    contracts = shipped_project().contracts
    lines = [line.partition("  #")[0] for line in code[: code.index("```")].splitlines()]
    made = [eval(line, {kind.__name__: kind for kind in KINDS}) for line in lines]
    assert {type(label) for label in made} == set(KINDS)
    for label in made:
        check_label(label, contracts)


def test_every_field_and_status_is_told(page: str) -> None:
    told = set(re.findall(r"`(\w+)`", page[page.index("## Fields") : page.index("## What was known")]))
    wanted = {field.name for kind in KINDS for field in fields(kind)} | set(labels.STATUSES)
    assert not wanted - told
