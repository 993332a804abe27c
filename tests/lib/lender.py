"""A lender with two observation sets of loans and applications and one of customers, and what its labels must be."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from tallystick.project import load_project
from tallystick.project.checks import check_project
from tallystick.runs import build_labels
from tallystick.runs.params import BuildLabels
from tallystick.tables import Warehouse, read_arrow
from tests.lib import backfills as bank

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

BOOK = """\
from tallystick.spec.observations import MonthEnds, ObservationSet

BOOK = ObservationSet(name="book", key="loan_id", population=MonthEnds(table="clean.loans", where="mob < term_months"))
"""
RECIPES = """\
from tallystick.spec.algorithms import Scorecard
from tallystick.spec.labels import DelinquencyLabel, EventLabel
from tallystick.spec.recipes import Band, Policy, Recipe

LATE = DelinquencyLabel(name="late", dpd=30, window="1m", anchor="as_of")
PAID = EventLabel(name="paid", table="clean.repayments", where="amount_minor > 100", window="7d")
POLICY = Policy(
    currency="CZK", limit_min_minor=1, limit_max_minor=1, bands=(Band(pd_below=1.0, decision="refer", limit_minor=1),)
)
RECIPES = tuple(
    Recipe(
        name=name, title=name, groups=("spend",), observations=observations, label=label.name,
        algorithms=(Scorecard(),), policy=POLICY,
    )
    for name, observations, label in (
        ("asked", "applications", LATE), ("running", "book", LATE), ("people", "daily", PAID)
    )
)
"""
LOADED = date(2026, 5, 20)


def at(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 10, tzinfo=UTC)


def of_customer(number: int, day: date, **columns: Any) -> dict[str, Any]:
    return {
        "customer_id": f"village:{number}", "event_at": at(day), "known_on": day + timedelta(days=1),
        "amount_minor": 1000, "currency": "CZK", **columns,
    }  # fmt: skip


def loan(name: str, granted: date, *, term: int, customer: int = 1) -> dict[str, Any]:
    return of_customer(
        customer, granted, loan_id=name, application_id=f"p-{name}", term_months=term, instalment_minor=100,
        first_due_date=granted + timedelta(days=30),
    )  # fmt: skip


# Due on 9 February, 22 March and 31 March.
LOANS = [
    loan("a", date(2026, 1, 10), term=3),
    loan("b", date(2026, 2, 20), term=12),
    loan("c", date(2026, 3, 1), term=2, customer=2),
]
PAYMENTS = [("a", 1, date(2026, 2, 5), 10), ("a", 1, date(2026, 3, 5), 20), ("b", 1, date(2026, 3, 20), 300),
            ("b", 1, date(2026, 4, 30), 4000), ("c", 2, date(2026, 3, 31), 50_000)]  # fmt: skip


def lend(tmp_path: Path) -> Path:
    """A folder with the lender's project and warehouse."""
    project = bank.write_project(tmp_path / "project")
    (project / "observations" / "book.py").write_text(BOOK, encoding="utf-8")
    (project / "recipes" / "lending.py").write_text(RECIPES, encoding="utf-8")
    asked = [
        of_customer(1, date(2026, 1, 9), application_id="p-a"),
        of_customer(3, date(2026, 2, 1), application_id="p"),
    ]
    tables = {
        "applications": [{**row, "term_months": 12} for row in asked],
        "loans": LOANS,
        "repayments": [
            of_customer(customer, day, repayment_id=f"r{number}", loan_id=name, amount_minor=amount)
            for number, (name, customer, day, amount) in enumerate(PAYMENTS)
        ],
    }
    for table, rows in tables.items():
        bank.store_rows(project, tmp_path / "warehouse", f"clean.{table}", rows, loaded_on=LOADED)
    bank.store_accounts(project, tmp_path / "warehouse")
    return tmp_path


def stored(root: Path, name: str) -> dict[tuple[str, str, date], tuple[str, int | None, date | None]]:
    rows = read_arrow(Warehouse(root / "warehouse"), f"label.{name}").to_pylist()
    return {
        (row["observations"], row["observation_id"], row["as_of"].astimezone(ZoneInfo(bank.ZONE)).date()):
            (row["status"], row["label"], row["known_on"])
        for row in rows
    }  # fmt: skip


def check_labels(root: Path, session: SparkSession | None) -> None:
    """Sets stand side by side in a label, and customers are those with features."""
    project, warehouse = root / "project", root / "warehouse"
    assert not [problem for problem in check_project(load_project(project)) if "label" in problem.what]
    for recipe in ("asked", "running", "asked"):
        build_labels.run(BuildLabels(project=project, warehouse=warehouse, recipe=recipe, source="village"), session)
    february, march, april, may = (date(2026, month, 1) for month in (2, 3, 4, 5))
    assert stored(root, "late") == {
        ("applications", "p-a", date(2026, 1, 9)): ("mature", 0, date(2026, 2, 9)),
        ("applications", "p", date(2026, 2, 1)): ("not_granted", None, None),
        # 20 days past due on 1 March, 51 on 1 April.
        ("book", "a", february): ("mature", 0, march),
        ("book", "a", march): ("mature", 1, april),
        ("book", "a", april): ("already_bad", None, None),
        ("book", "b", march): ("mature", 0, april),
        ("book", "b", april): ("mature", 0, may),
        ("book", "b", may): ("immature", None, None),
        ("book", "c", april): ("mature", 0, may),
    }
    bank.compute(project, warehouse, groups=("spend",), first=date(2026, 3, 18), last=date(2026, 3, 18))
    build_labels.run(BuildLabels(project=project, warehouse=warehouse, recipe="people", source="village"), session)
    day, known_on = date(2026, 3, 18), date(2026, 3, 25)
    customers = {("daily", f"village:{number}", day): ("mature", int(number == 1), known_on) for number in range(6)}
    assert stored(root, "paid") == customers
