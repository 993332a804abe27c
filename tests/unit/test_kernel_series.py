"""What looks at the row or the month before: LAG in expressions, and the calendar months of ``Months``."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import pytest

from tallystick.errors import ContractError
from tallystick.kernel import compute_group, prepare_group, required_columns
from tallystick.spec.features import FeatureGroup
from tests.lib.feature_cases import CONTRACTS, make_events, make_group, make_measure, make_observations, utc

AS_OF = utc(2026, 3, 10)


def computed(
    group: FeatureGroup, rows: Sequence[dict[str, Any]], as_of: dt.datetime = AS_OF, *, zone: str = "UTC", who: int = 1
) -> dict[str, Any]:
    """The features of one customer at one instant."""
    asked = make_observations((f"bank:{who}", as_of))
    (found,) = compute_group(make_events(rows), asked, prepare_group(group, CONTRACTS), zone=zone).to_pylist()
    return found


def values(text: str, rows: Sequence[dict[str, Any]], as_of: dt.datetime = AS_OF, **parts: Any) -> list[Any]:
    """The value of an expression in the last three visible rows, latest first."""
    group = make_group(make_measure("last last_2 last_3", value=text), windows=("all",), **parts)
    return list(computed(group, rows, as_of).values())


def row(day: int, amount: int | None, hour: int = 0, **parts: Any) -> dict[str, Any]:
    return {"event_at": utc(2026, 3, day, hour), "amount_minor": amount, **parts}


def test_the_row_before_is_the_one_of_the_same_customer_whatever_the_order_of_the_file() -> None:
    rows = [row(4, 9), row(2, 5), row(3, 100, customer_id="bank:2"), row(3, 7)]
    assert values("LAG(amount_minor)", rows) == [7, 5, None]
    assert values("LAG(amount_minor, 2)", rows) == [5, None, None]
    assert values("amount_minor - LAG(amount_minor)", rows) == [2, 2, None]
    assert values("amount_minor / LAG(amount_minor)", rows) == [9 / 7, 7 / 5, None]
    assert values("LAG(amount_minor, 4)", rows) == [None, None, None]


def test_rows_of_one_instant_follow_sequence_then_identifier() -> None:
    rows = [
        row(3, 4, transaction_id="a", sequence=None),
        row(3, 1, transaction_id="z", sequence=1),
        row(3, 3, transaction_id="c", sequence=2),
        row(3, 2, transaction_id="b", sequence=2),
    ]
    assert values("LAG(amount_minor)", rows) == [3, 2, 1]


def test_the_row_before_may_lie_before_the_window_and_outside_the_condition() -> None:
    rows = [row(1, 5, channel="cash"), row(9, 7, channel="card"), row(9, 8, hour=1, channel="cash")]
    group = make_group(
        make_measure("sum count", name="of_card", value="LAG(amount_minor)", where="channel = 'card'"),
        make_measure("count", name="after_card", where="LAG(channel) = 'card'"),
        windows=("2d",),
    )
    found = computed(group, rows)
    assert found == {"txn_of_card_sum_2d": 5, "txn_of_card_count_2d": 1, "txn_after_card_count_2d": 1}


def test_a_key_parts_the_rows_and_null_is_a_key() -> None:
    rows = [row(2, 1, channel="cash"), row(3, 2), row(4, 3, channel="card"), row(5, 4, channel="cash"), row(6, 5)]
    assert values("LAG(amount_minor) OVER (PARTITION BY channel)", rows) == [2, 1, None]
    both = "LAG(amount_minor) OVER (PARTITION BY channel, is_night)"
    rows[4] |= {"is_night": True}
    assert values(both, rows) == [None, 1, None]


def test_a_null_in_the_row_before_is_null_and_the_row_is_not_passed_over() -> None:
    assert values("LAG(amount_minor)", [row(2, 1), row(3, None), row(4, 3)]) == [None, 1, None]
    assert values("COALESCE(LAG(amount_minor), 0)", [row(2, 1), row(3, None)]) == [1, 0, None]


def test_only_rows_that_the_observation_sees_come_before() -> None:
    late = row(3, 100, known_on=dt.date(2026, 3, 11))
    gone = {"transaction_id": "g", **row(4, 50)}
    taken_back = {**gone, "is_retracted": True, "known_on": dt.date(2026, 3, 8)}
    old = {"transaction_id": "c", **row(5, 20)}
    corrected = {**old, "amount_minor": 21, "known_on": dt.date(2026, 3, 9)}
    rows = [row(2, 1), late, gone, taken_back, old, corrected, row(6, 30)]
    assert values("LAG(amount_minor)", rows) == [21, 1, None]
    assert values("LAG(amount_minor)", rows, utc(2026, 3, 8)) == [20, 1, None]
    assert values("LAG(amount_minor)", rows, utc(2026, 3, 7)) == [20, 50, 1]
    assert values("LAG(amount_minor)", rows, utc(2026, 3, 11)) == [21, 100, 1]


def test_an_overflow_in_a_row_that_is_not_selected_is_no_error_beside_the_row_before() -> None:
    rows = [row(2, 2**62, channel="cash"), row(3, 5, channel="card")]
    group = make_group(make_measure("last", value="amount_minor * 4 - LAG(amount_minor)", where="channel = 'card'"))
    with pytest.raises(ContractError, match="leaves int64"):
        computed(make_group(make_measure("last", value="amount_minor * 4 - LAG(amount_minor)")), rows, utc(2026, 3, 4))
    assert computed(group, rows, utc(2026, 3, 4)) == {"txn_m_last_7d": 20 - 2**62}


def test_what_looks_at_the_row_before_reads_what_orders_rows() -> None:
    plan = prepare_group(make_group(make_measure("sum", value="LAG(amount_minor)")), CONTRACTS)
    assert {"sequence", "transaction_id", "amount_minor"} <= set(required_columns(plan, has_versions=False))
