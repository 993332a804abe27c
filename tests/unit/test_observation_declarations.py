"""Observation sets: what is refused, and what follows from a declaration."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from tallystick.errors import DeclarationError
from tallystick.project import load_project
from tallystick.project.checks import check_project
from tallystick.spec.observations import (
    Customers,
    Given,
    MonthEnds,
    Nodes,
    ObservationSet,
    Population,
    Rows,
)
from tallystick.spec.tables import TableContract
from tests.lib.project_folder import OBSERVATIONS, write_project
from tests.lib.shipped import shipped_project

LOANS, ACCOUNTS = "clean.loans", "clean.accounts"


@pytest.fixture(scope="session")
def contracts() -> Mapping[str, TableContract]:
    """The project's own tables."""
    return shipped_project().contracts


def make(population: Population, *, key: str = "customer_id", **more: Any) -> ObservationSet:
    return ObservationSet(name="mine", key=key, population=population, **more)


@pytest.mark.parametrize(
    ("declare", "says"),
    [
        (lambda: Customers(tables=()), "no table is named"),
        (lambda: Customers(tables=ACCOUNTS), "is a text"),  # type: ignore[arg-type]
        (lambda: Customers(tables=(ACCOUNTS,), days=0), "days = 0"),
        (lambda: Nodes(tables=(ACCOUNTS,), dates=()), "no date is listed"),
        (lambda: Nodes(tables=(ACCOUNTS,), dates=(datetime(2026, 3, 1),)), "holds an instant"),  # noqa: DTZ001
        (lambda: make(Customers(tables=(ACCOUNTS,)), key="account_id"), "does not name a customer"),
        (lambda: make(Nodes(tables=(ACCOUNTS,), dates=(date(2026, 3, 1),)), key="node"), "does not name a customer"),
        (lambda: make(Given(), key="Key"), "not a name"),
        (lambda: make(Given(), version=0), "version 0"),
        (lambda: make(Rows(table=LOANS), key="loan_id", review_days=-1), "review_days = -1"),
        (lambda: make(Rows(table=LOANS), key="loan_id", review_days=32), "review_days = 32"),
        (lambda: make(MonthEnds(table=LOANS), key="loan_id", review_days=1), "a midnight stands for the decisions of"),
        (lambda: ObservationSet(name="My set", key="customer_id", population=Given()), "not a name"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(declare: Any, says: str) -> None:
    with pytest.raises(DeclarationError, match=says):
        declare()


@pytest.mark.parametrize(
    ("declared", "says"),
    [
        (make(Rows(table="clean.loan"), key="loan_id"), r"unknown table clean.loan \(did you mean clean.loans\?\)"),
        (make(Rows(table="clean.regions"), key="region_id"), "nobody can be observed"),
        (make(Customers(tables=(ACCOUNTS, "clean.regions"))), "nobody can be observed"),
        (make(Rows(table=LOANS), key="account_id"), r"does not tell the rows .* \(key='loan_id'\)"),
        (make(MonthEnds(table=LOANS, closed_on="closed_on"), key="loan_id"), r"no date column of clean.loans"),
        (make(MonthEnds(table=LOANS, closed_on="known_on"), key="loan_id"), "no date column"),
        (make(Rows(table=LOANS, where="amount > 3"), key="loan_id"), "amount"),
        (make(Rows(table=LOANS, where="amount_minor + 3"), key="loan_id"), "where"),
        (make(Rows(table=LOANS, where="mob < 3"), key="loan_id"), "mob"),
        (make(Rows(table=LOANS, where="customer_id = 'a'"), key="loan_id"), "customer_id"),
        (make(MonthEnds(table=LOANS, where="mob <= term_months + 3"), key="loan_id"), ""),
        (make(Rows(table=LOANS, where="currency = 'CNY'"), key="loan_id"), ""),
        (make(Given(), key="case_id"), ""),
    ],
)
def test_a_set_fits_the_tables_it_names(
    contracts: Mapping[str, TableContract], declared: ObservationSet, says: str
) -> None:
    if not says:
        declared.check(contracts)
        return
    with pytest.raises(DeclarationError, match=says):
        declared.check(contracts)


def test_a_set_offers_the_columns_of_its_own_table(contracts: Mapping[str, TableContract]) -> None:
    applied = make(Rows(table="clean.applications"), key="application_id")
    types = applied.own_columns(contracts)
    assert types["amount_minor"] == "int64"
    assert types["purpose"] == "string"
    assert not {"customer_id", "application_id", "known_on", "loaded_on", "is_retracted", "source"} & set(types)
    assert make(Customers(tables=(ACCOUNTS,))).own_columns(contracts) == {}
    assert (applied.table, applied.by_event, applied.by_customer) == ("clean.applications", True, False)


def test_tables_and_dates_have_one_spelling() -> None:
    assert Customers(tables=("clean.b", "clean.a", "clean.b")).tables == ("clean.a", "clean.b")
    days = (date(2026, 3, 2), date(2026, 3, 1), date(2026, 3, 2))
    assert Nodes(tables=(ACCOUNTS,), dates=days).dates == (date(2026, 3, 1), date(2026, 3, 2))


@pytest.mark.parametrize(
    ("population", "dates"),
    [
        (Customers(tables=(ACCOUNTS,)), 60),
        (Nodes(tables=(ACCOUNTS,), dates=(date(2026, 1, 1), date(2026, 1, 31), date(2026, 4, 1))), 2),
        (MonthEnds(table=LOANS), 3),  # 1 January, 1 February, 1 March
        (Rows(table=LOANS), 1),
    ],
)
def test_dates_that_can_be_observed_are_counted(population: Population, dates: int) -> None:
    declared = make(population, key="loan_id" if hasattr(population, "table") else "customer_id")
    assert declared.count_dates(date(2026, 1, 1), date(2026, 3, 1)) == dates
    assert declared.count_dates(date(2026, 1, 1), date(2026, 3, 1)) == dates


def test_the_meaning_of_a_set_is_who_is_observed_and_by_which_key() -> None:
    plain = make(Customers(tables=(ACCOUNTS,)))
    same = make(Customers(tables=(ACCOUNTS,), days=28), description="In other words")
    assert same.meaning == plain.meaning
    assert make(Customers(tables=(ACCOUNTS, LOANS))).meaning != plain.meaning
    assert make(Customers(tables=(ACCOUNTS,)), version=2).meaning != plain.meaning
    loans = [make(Rows(table=LOANS), key="loan_id", review_days=days) for days in (0, 1, 2)]
    assert len({one.meaning for one in loans}) == 3


def test_events_are_reviewed_up_to_the_last_load_less_the_days_of_review() -> None:
    at_once, next_day = (make(Rows(table=LOANS), key="loan_id", review_days=days) for days in (0, 1))
    loaded = date(2026, 3, 1)
    assert (at_once.last_reviewed(loaded), next_day.last_reviewed(loaded)) == (None, date(2026, 2, 28))
    assert next_day.last_reviewed(None) is None


def test_sets_are_read_from_their_folder_and_know_their_place(tmp_path: Path) -> None:
    project = load_project(write_project(tmp_path))
    assert list(project.observations) == ["visits"]
    assert project.observations["visits"].path.endswith("observations/visits.py:3")
    assert {"applications", "daily"} <= set(shipped_project().observations)


def test_a_project_without_the_folder_declares_none(tmp_path: Path) -> None:
    root = write_project(tmp_path)
    (root / "observations" / "visits.py").unlink()
    (root / "observations").rmdir()
    project = load_project(root)
    assert dict(project.observations) == {}
    assert check_project(project) == []


def test_the_check_names_file_and_line_of_a_set_that_does_not_fit(tmp_path: Path) -> None:
    root = write_project(tmp_path)
    (root / "observations" / "visits.py").write_text(OBSERVATIONS.replace("visit_id", "visitor"), encoding="utf-8")
    (found,) = check_project(load_project(root))
    assert "observations/visits.py:3" in str(found)
    assert "key='visit_id'" in str(found)
