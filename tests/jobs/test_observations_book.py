"""The book observed at month ends: loans of one customer told apart, each with features of its own."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow.compute as pc
import pytest

from tallystick.errors import DeclarationError
from tallystick.runs import compute_observed
from tallystick.runs.params import ComputeObserved
from tallystick.tables import Warehouse, read_arrow
from tests.lib import backfills as bank

PAID = """\
from tallystick.spec.features import FeatureGroup, Measure

PAID = FeatureGroup(
    name="paid",
    table="clean.repayments",
    owner="tests",
    windows=("31d", "all"),
    measures=(Measure(name="any", value="amount_minor", ops="count sum", reason="Repayments of this loan"),),
    per="loan_id",
)
"""
BOOK = """\
from tallystick.spec.observations import MonthEnds, ObservationSet

BOOK = ObservationSet(name="book", key="loan_id", population=MonthEnds(table="clean.loans", where="mob < term_months"))
"""
LOADED = date(2026, 5, 20)


def at(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 10, tzinfo=UTC)


def loan(name: str, granted: date, *, term: int, customer: int = 1) -> dict[str, Any]:
    return {
        "customer_id": f"village:{customer}", "loan_id": name, "application_id": f"p-{name}", "event_at": at(granted),
        "known_on": granted + timedelta(days=1), "amount_minor": 1000, "term_months": term, "instalment_minor": 100,
        "first_due_date": granted + timedelta(days=30), "currency": "CZK",
    }  # fmt: skip


# Two loans of one customer that overlap, and one of another: granted, and the whole months that they run.
LOANS = [
    loan("a", date(2026, 1, 10), term=3),
    loan("b", date(2026, 2, 20), term=12),
    loan("c", date(2026, 3, 1), term=2, customer=2),
]
PAYMENTS = [("a", 1, date(2026, 2, 5), 10), ("a", 1, date(2026, 3, 5), 20), ("b", 1, date(2026, 3, 20), 300),
            ("b", 1, date(2026, 4, 30), 4000), ("c", 2, date(2026, 3, 31), 50_000)]  # fmt: skip


@pytest.fixture
def root(tmp_path: Path) -> Path:
    project = bank.write_project(tmp_path / "project")
    (project / "features" / "paid.py").write_text(PAID, encoding="utf-8")
    (project / "observations" / "book.py").write_text(BOOK, encoding="utf-8")
    payments = [
        {"customer_id": f"village:{customer}", "repayment_id": f"r{number}", "loan_id": name, "event_at": at(day),
         "known_on": day + timedelta(days=1), "amount_minor": amount, "currency": "CZK"}
        for number, (name, customer, day, amount) in enumerate(PAYMENTS)
    ]  # fmt: skip
    for table, rows in (("loans", LOANS), ("repayments", payments)):
        bank.store_rows(project, tmp_path / "warehouse", f"clean.{table}", rows, loaded_on=LOADED)
    return tmp_path


def stored(root: Path, name: str = "book") -> dict[tuple[str, date], tuple[str, int, int]]:
    """Customer, and sums of the month and of all time, by loan and local date of as_of."""
    rows = read_arrow(Warehouse(root / "warehouse"), "feature.paid", filter=pc.field("observations") == name)
    return {
        (row["observation_id"], row["as_of"].astimezone(ZoneInfo(bank.ZONE)).date()): (
            row["customer_id"], row["paid_any_sum_31d"], row["paid_any_sum_all"]
        )
        for row in rows.to_pylist()
    }  # fmt: skip


def month(number: int) -> date:
    return date(2026, number, 1)


def test_two_loans_of_one_customer_are_observed_each_month_with_what_was_paid_on_each(root: Path) -> None:
    bank.compute(root / "project", root / "warehouse", groups=("paid",), observations="book")
    one, two = "village:1", "village:2"
    assert stored(root) == {
        # The first loan runs three whole months: its ends of January to April, at mob 0, 1, 2 and no more.
        ("a", month(2)): (one, 0, 0), ("a", month(3)): (one, 10, 10), ("a", month(4)): (one, 20, 30),
        ("b", month(3)): (one, 0, 0), ("b", month(4)): (one, 300, 300), ("b", month(5)): (one, 4000, 4300),
        # Granted on the first of March: at its end a whole month has passed, at the next one two. A payment of the last
        # day of the month became known on the next day, which is the date of the month's end.
        ("c", month(4)): (two, 50_000, 50_000),
    }  # fmt: skip
    asked = {"group": "paid", "observations": "book"}
    assert not bank.plan(root / "project", root / "warehouse", "2026-02-01", "2026-05-20", **asked).chunks


def test_every_night_a_loan_is_observed_while_an_instalment_is_still_to_come(root: Path) -> None:
    nights = BOOK.replace("MonthEnds", "Nights").replace('"book"', '"nights"').replace("BOOK", "NIGHTS")
    (root / "project" / "observations" / "nights.py").write_text(nights, encoding="utf-8")
    asked = {"groups": ("paid",), "observations": "nights"}
    bank.compute(root / "project", root / "warehouse", **asked)  # without dates: the night of the last load
    assert stored(root, "nights") == {("b", LOADED): ("village:1", 4000, 4300)}
    bank.compute(root / "project", root / "warehouse", first=date(2026, 4, 8), last=date(2026, 4, 11), **asked)
    one, two = "village:1", "village:2"
    assert {key: row for key, row in stored(root, "nights").items() if key[1] < LOADED} == {
        # The third whole month of the first loan is over on 10 April.
        **{("a", date(2026, 4, day)): (one, 0, 30) for day in (8, 9)},
        **{("b", date(2026, 4, day)): (one, 300, 300) for day in (8, 9, 10, 11)},
        **{("c", date(2026, 4, day)): (two, 50_000, 50_000) for day in (8, 9, 10, 11)},
    }


def test_a_backfill_of_the_book_writes_the_same_rows_and_counts_its_dates(root: Path) -> None:
    project, warehouse, asked = root / "project", root / "warehouse", {"group": "paid", "observations": "book"}
    bank.compute(project, warehouse, groups=("paid",), observations="book")
    at_once = stored(root)
    planned = bank.plan(project, warehouse, "2026-01-15", "2026-05-20", **asked)
    # The first observation was made on the first of February; the days before it are nobody's.
    assert [(chunk.first, chunk.last) for chunk in planned.chunks] == [(date(2026, 1, 15), date(2026, 1, 31))]
    bank.backfill(project, warehouse, "2026-01-15", "2026-05-20", **asked)
    assert stored(root) == at_once
    # A loan that was taken back in April is on the book of the months before.
    taken_back = {**LOANS[1], "is_retracted": True, "known_on": date(2026, 4, 3)}
    bank.store_rows(project, warehouse, "clean.loans", [taken_back], loaded_on=date(2026, 5, 21))
    assert bank.plan(project, warehouse, "2026-02-01", "2026-05-20", **asked).states[-1].is_late
    bank.backfill(project, warehouse, "2026-02-01", "2026-05-20", **asked)
    assert stored(root) == {key: row for key, row in at_once.items() if key != ("b", month(5))}


CASES = """\
from tallystick.spec.observations import Given, ObservationSet

CASES = ObservationSet(name="cases", key="loan_id", population=Given(as_of="opened_on"))
"""


def test_a_given_file_has_the_key_of_its_set(root: Path) -> None:
    (root / "project" / "observations" / "cases.py").write_text(CASES, encoding="utf-8")
    path = root / "cases.csv"
    path.write_text("loan_id,customer_id,opened_on\na,village:1,2026-03-20\nb,village:1,2026-03-20\n", encoding="utf-8")
    session: Any = bank.LocalSession()
    params = bank.told(
        ComputeObserved, root / "project", root / "warehouse", source="village", groups=("paid",),
        observations=str(path), name="cases",
    )  # fmt: skip
    compute_observed.run(params, session)
    assert stored(root, "cases") == {
        ("a", date(2026, 3, 20)): ("village:1", 20, 30), ("b", date(2026, 3, 20)): ("village:1", 0, 0)
    }  # fmt: skip


PEOPLE = """\
from datetime import date

from tallystick.spec.observations import Nodes, ObservationSet

PEOPLE = ObservationSet(
    name="people", key="customer_id",
    population=Nodes(tables=("clean.loans",), dates=(date(2026, 2, 1), date(2026, 5, 1), date(2030, 1, 1))),
)
"""


def test_customers_on_listed_dates_are_observed_as_far_as_rows_are_loaded(root: Path) -> None:
    (root / "project" / "observations" / "people.py").write_text(PEOPLE, encoding="utf-8")
    every = PAID.replace('    per="loan_id",\n', "")
    (root / "project" / "features" / "paid.py").write_text(every, encoding="utf-8")
    bank.compute(root / "project", root / "warehouse", groups=("paid",), observations="people")
    assert stored(root, "people") == {
        ("village:1", month(2)): ("village:1", 0, 0),
        ("village:1", month(5)): ("village:1", 4000, 4330),
        ("village:2", month(5)): ("village:2", 50_000, 50_000),
    }


def test_a_group_per_loan_is_refused_for_a_set_of_customers(root: Path) -> None:
    with pytest.raises(DeclarationError, match=r"group paid counts rows per loan_id.*have the key customer_id"):
        bank.compute(root / "project", root / "warehouse", groups=("paid",))
