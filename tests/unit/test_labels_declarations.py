"""What a label declaration accepts, and how equal meanings are equal values."""

from __future__ import annotations

import pytest

from tallystick.errors import DeclarationError
from tallystick.spec.labels import DelinquencyLabel, OutcomeLabel, label_contract


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
        ({"name": "x", "where": "amount_minor >"}, "not an SQL condition"),
        ({"name": "x", "where": "loan_id in (select loan_id from t)"}, "without a query"),
        ({"name": "x", "version": 0}, "version"),
    ],
)
def test_a_wrong_delinquency_label_is_refused_with_the_reason(changed: dict[str, object], message: str) -> None:
    with pytest.raises(DeclarationError, match=message):
        DelinquencyLabel(**changed)  # type: ignore[arg-type]


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


def test_the_contract_of_a_label_table_has_one_row_per_application() -> None:
    contract = label_contract(DelinquencyLabel(name="dpd30_90d"))
    assert contract.name == "label.dpd30_90d"
    assert contract.key == ("source", "application_id")
    assert [c.name for c in contract.file_columns][-1] == "definition"
