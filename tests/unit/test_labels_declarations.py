"""What a label declaration accepts, and how equal meanings are equal values."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import pytest

from tallystick.errors import DeclarationError
from tallystick.spec.label_checks import check_label, check_label_of
from tallystick.spec.labels import (
    DelinquencyLabel,
    EventLabel,
    Label,
    MissedMonthsLabel,
    OutcomeLabel,
    label_contract,
)
from tallystick.spec.observations import Customers, MonthEnds, ObservationSet, Rows
from tallystick.spec.tables import TableContract
from tests.lib.shipped import shipped_project

Contracts = Mapping[str, TableContract]


@pytest.fixture(scope="module")
def contracts() -> Contracts:
    return shipped_project().contracts


def test_outcomes_in_another_order_are_the_same_definition() -> None:
    first = OutcomeLabel(name="default", bad=("written_off", "bad"))
    second = OutcomeLabel(name="default", bad=("bad", "written_off", "bad"))
    assert first == second
    assert hash(first) == hash(second)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"name": "DPD30"}, "snake case"),
        ({"name": "x", "window": "3w"}, "not a span"),
        ({"name": "x", "window": "0d"}, "not a span"),
        ({"name": "x", "anchor": "birth"}, "anchor"),
        ({"name": "x", "occurs": "sometimes"}, "occurs"),
        ({"name": "x", "dpd": 0}, "at least 1 day"),
        ({"name": "x", "lag_days": -1}, "negative"),
        ({"name": "x", "already_bad_dpd": 10}, "looks at the loan at as_of"),
        ({"name": "x", "already_bad_dpd": 31, "anchor": "as_of"}, "already_bad_dpd = 31 is out of range"),
        ({"name": "x", "version": 0}, "version"),
    ],
)
def test_a_wrong_delinquency_label_is_refused_with_the_reason(changed: dict[str, object], message: str) -> None:
    with pytest.raises(DeclarationError, match=message):
        DelinquencyLabel(**changed)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"months": 0}, "months must be at least 1"),
        ({"window": "all"}, "not a span"),
        ({"window": "2m"}, "3 months do not end within 2m of the grant date"),
        ({"window": "80d", "anchor": "first_due"}, "3 months do not end within 80d of the first due date"),
        ({"anchor": "as_of", "already_bad_months": 4}, "already_bad_months = 4 is out of range"),
    ],
)
def test_a_wrong_label_of_missed_months_is_refused_with_the_reason(changed: dict[str, object], message: str) -> None:
    with pytest.raises(DeclarationError, match=message):
        MissedMonthsLabel(name="x", **changed)  # type: ignore[arg-type]


def test_a_running_loan_may_end_its_months_in_a_window_shorter_than_they_are() -> None:
    label = MissedMonthsLabel(name="x", anchor="as_of", window="1m", already_bad_months=1)
    assert label.sentence == (
        "bad = 3 consecutive missed months within 1 months from the as_of date, "
        "loans with 1 missed month(s) in a row at as_of left out"
    )


# where -> what is told of it; None where it is fine.
CONDITIONS = {
    "amount_minor >": "is not SQL: it breaks off or has a word too many at >",
    "amount_minor": "is int64, not a condition",
    "loan_id IN (SELECT loan_id FROM t)": "IN without a list",
    "upper(currency) = 'CNY'": "UPPER is not allowed",
    "amuont_minor > 5": "did you mean amount_minor",
    "amount_minor > '5'": "int64 and string do not mix",
    "known_on > DATE '2026-01-01'": "unknown column known_on",
    "amount_minor > 5 AND currency LIKE 'C%' AND YEAR(event_at) >= 2020": None,
}


@pytest.mark.parametrize("where", CONDITIONS)
def test_the_condition_of_a_label_is_checked_against_the_columns_of_its_table(where: str, contracts: Contracts) -> None:
    message = CONDITIONS[where]
    label = DelinquencyLabel(name="x", where=where)
    with nullcontext() if message is None else pytest.raises(DeclarationError, match=message):
        check_label(label, contracts)


def test_the_columns_of_an_outcome_are_checked(contracts: Contracts) -> None:
    check_label(OutcomeLabel(name="x", where="status_code = 'A'"), contracts)
    with pytest.raises(DeclarationError, match=r"clean\.outcomes has no column result"):
        check_label(OutcomeLabel(name="x", column="result"), contracts)
    with pytest.raises(DeclarationError, match=r"clean\.outcomes\.observed_on is date, not string"):
        check_label(OutcomeLabel(name="x", column="observed_on"), contracts)
    with pytest.raises(DeclarationError, match=r"there is no table clean\.results"):
        check_label(OutcomeLabel(name="x", table="clean.results"), contracts)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"window": "all"}, "not a span"),
        ({"lag_days": -1}, "negative"),
        ({"table": "clean.nothing"}, r"there is no table clean\.nothing"),
        ({"table": "clean.regions"}, "no customer's events"),
        ({"per": "lona_id"}, "did you mean loan_id"),
        ({"per": "amount_minor"}, "is int64, not string"),
        ({"where": "amount_minor"}, "not a condition"),
    ],
)
def test_a_wrong_label_of_events_is_refused_with_the_reason(
    changed: dict[str, Any], message: str, contracts: Contracts
) -> None:
    with pytest.raises(DeclarationError, match=message):
        check_label(EventLabel(**{"name": "x", "table": "clean.repayments", **changed}), contracts)


def test_a_table_that_knows_only_the_day_of_what_happened_has_no_events_for_a_label(contracts: Contracts) -> None:
    repayments = contracts["clean.repayments"]
    columns = tuple(replace(c, type="date") if c.name == "event_at" else c for c in repayments.columns)
    dated = {"clean.repayments": replace(repayments, columns=columns)}
    with pytest.raises(DeclarationError, match="says on which day things happened, not when"):
        check_label(EventLabel(name="x", table="clean.repayments"), dated)


APPLICATIONS = ObservationSet(name="applications", key="application_id", population=Rows(table="clean.applications"))
BOOK = ObservationSet(name="book", key="loan_id", population=MonthEnds(table="clean.loans"))
PAYMENTS = ObservationSet(name="payments", key="repayment_id", population=Rows(table="clean.repayments"))
PEOPLE = ObservationSet(name="people", key="customer_id", population=Customers(tables=("clean.accounts",)))

# A label, a set, and what is told of the two together; None where they fit.
PAIRS: list[tuple[Label, ObservationSet, str | None]] = [
    (DelinquencyLabel(name="x"), APPLICATIONS, None),
    (DelinquencyLabel(name="x", anchor="as_of"), BOOK, None),
    (DelinquencyLabel(name="x"), BOOK, "window begins at the grant date, before loans of the set are observed"),
    (MissedMonthsLabel(name="x", anchor="first_due"), BOOK, "window begins at the first due date"),
    (DelinquencyLabel(name="x", anchor="as_of"), PEOPLE, "is about a loan, and observations by customer_id have none"),
    (OutcomeLabel(name="x"), PAYMENTS, "is about a loan, and observations by repayment_id have none"),
    (OutcomeLabel(name="x"), BOOK, None),
    (EventLabel(name="x", table="clean.repayments"), PEOPLE, None),
    (EventLabel(name="x", table="clean.repayments"), PAYMENTS, None),
    (EventLabel(name="x", table="clean.repayments", per="loan_id"), BOOK, None),
    (
        EventLabel(name="x", table="clean.repayments", per="loan_id"),
        PEOPLE,
        "is not the set's key, which is customer_id",
    ),
    (EventLabel(name="x", table="clean.repayments", per="repayment_id"), PAYMENTS, "is the observation itself"),
]


@pytest.mark.parametrize(("label", "observations", "message"), PAIRS)
def test_a_label_is_held_against_the_observations_it_is_told_of(
    label: Label, observations: ObservationSet, message: str | None, contracts: Contracts
) -> None:
    check_label(label, contracts)
    with nullcontext() if message is None else pytest.raises(DeclarationError, match=message):
        check_label_of(label, observations, contracts)


def test_an_outcome_cannot_be_both_good_and_bad() -> None:
    with pytest.raises(DeclarationError, match="both bad and good"):
        OutcomeLabel(name="x", bad=("late",), good=("late", "fine"))


def test_an_outcome_label_needs_both_classes() -> None:
    with pytest.raises(DeclarationError, match="at least one outcome"):
        OutcomeLabel(name="x", good=())


def test_the_sentence_says_what_is_bad_in_words() -> None:
    label = DelinquencyLabel(
        name="first_payment_default", instalments=1, anchor="first_due", window="30d", occurs="end"
    )
    assert label.sentence == (
        "bad = 30 or more days past due at the end of 30 days from the first due date, first 1 instalment(s) alone"
    )


def test_the_contract_of_a_label_table_has_one_row_per_observation() -> None:
    contract = label_contract(DelinquencyLabel(name="dpd30_90d"))
    assert contract.name == "label.dpd30_90d"
    assert contract.key == ("source", "observations", "observation_id", "as_of")
    assert [c.name for c in contract.file_columns][-1] == "definition"
