"""What looks at the row or the month before: LAG in expressions, and the calendar months of ``Months``."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import pytest

from tallystick.errors import ContractError, DeclarationError
from tallystick.kernel import compute_group, prepare_group, required_columns
from tallystick.spec.columns import group_columns
from tallystick.spec.features import FeatureGroup, Measure, Share
from tallystick.spec.meaning import column_fingerprint
from tallystick.spec.months import Months
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


DUE = (
    make_measure("sum count", name="due", value="amount_minor", where="channel = 'due'", windows=("12m",)),
    make_measure("sum mean", name="paid", value="amount_minor", where="channel = 'paid'", windows=("12m",)),
)


def monthly(value: str, ops: str, *windows: str, **parts: Any) -> FeatureGroup:
    return make_group(*DUE, derived=(Months(name="x", value=value, ops=ops, windows=windows or ("6m",), **parts),))


def of_months(group: FeatureGroup, rows: Sequence[dict[str, Any]], as_of: dt.datetime = AS_OF, **how: Any) -> list[Any]:
    return [value for name, value in computed(group, rows, as_of, **how).items() if "_months_" in name]


def booked(month: int, channel: str, amount: int, day: int = 5, **parts: Any) -> dict[str, Any]:
    """Month 1 is January 2026; 0 and less are before."""
    year, place = divmod(month - 1, 12)
    return {"event_at": utc(2026 + year, place + 1, day), "channel": channel, "amount_minor": amount, **parts}


# Due 100 in each month from September to March; paid late, in part or not at all in October, November, January.
BOOK = [booked(month, "due", 100) for month in range(-3, 4)] + [
    booked(-3, "paid", 100), booked(-2, "paid", 40), booked(0, "paid", 60), booked(0, "paid", 60, day=9),
    booked(2, "paid", 100, day=28), booked(3, "paid", 30),
]  # fmt: skip
MISSED = "due_sum > 0 AND paid_sum < due_sum"


def test_what_was_last_known_is_looked_for_in_the_months_of_the_window() -> None:
    # Paid on average: 40 in October, nothing in November, 60 in December, nothing in January, 100 in February.
    known = "LAST_VALUE(paid_mean IGNORE NULLS)"
    assert of_months(monthly(known, "last last_2 last_4 mean", "5m"), BOOK) == [
        100,
        60,
        40,
        (40 + 40 + 60 + 60 + 100) / 5,
    ]
    # The window begins in November: what was known before it is not.
    assert of_months(monthly(known, "mean last_4", "4m"), BOOK) == [(60 + 60 + 100) / 3, None]
    # A LAG that asks for the month before lets it be seen.
    assert of_months(monthly(f"{known} + 0 * COALESCE(LAG(due_sum), 0)", "last_4", "4m"), BOOK) == [40]


def test_months_missed_in_a_row_and_paid_over_due_are_declared() -> None:
    group = make_group(
        *DUE,
        derived=(
            Share(name="paid", a="paid_sum", b="due_sum"),
            Months(name="missed", value=MISSED, ops="longest_streak current_streak count", windows=("6m", "3m")),
        ),
    )
    found = computed(group, BOOK, utc(2026, 3, 1))
    assert found["txn_paid_share_12m"] == 360 / 600
    told = {name.removeprefix("txn_missed_months_"): found[name] for name in found if "missed" in name}
    assert told == {
        "longest_streak_6m": 2, "current_streak_6m": 0, "count_6m": 3,
        "longest_streak_3m": 1, "current_streak_3m": 0, "count_3m": 1,
    }  # fmt: skip
    assert of_months(monthly(MISSED, "current_streak"), BOOK, utc(2026, 2, 28, 23)) == [1]
    assert of_months(monthly(MISSED, "current_streak longest_streak"), BOOK, utc(2026, 4, 1)) == [1, 2]


def test_a_month_without_rows_has_what_its_stems_give_of_nothing() -> None:
    rows = [booked(2, "paid", 8), booked(0, "paid", 2), booked(0, "paid", 3)]
    asked = utc(2026, 3, 1)
    assert of_months(monthly("paid_sum", "mean min last last_2 last_3", "3m"), rows, asked) == [13 / 3, 0, 8, 0, 5]
    assert of_months(monthly("paid_mean", "mean min last last_2 last_3", "3m"), rows, asked) == [
        5.25,
        2.5,
        8,
        None,
        2.5,
    ]
    assert of_months(monthly("COALESCE(paid_mean, 0)", "mean", "3m"), rows, asked) == [10.5 / 3]
    assert (
        of_months(monthly("paid_sum = 0", "count longest_streak current_streak", "12m"), [], asked, who=9) == [12] * 3
    )
    assert of_months(monthly("paid_sum / due_sum", "mean std min max last"), [], asked, who=9) == [None] * 5


def test_null_is_not_true_and_ends_a_streak() -> None:
    rows = [booked(month, "paid", 5) for month in (-1, 0, 2)]
    group = monthly("paid_mean > 1", "count longest_streak current_streak")
    assert of_months(group, rows, utc(2026, 3, 1)) == [3, 2, 1]


def test_the_month_before_is_known_for_the_first_month_of_the_window_too() -> None:
    rows = [booked(month, "paid", amount) for month, amount in ((-1, 7), (0, 5), (1, 10), (2, 4))]
    asked = utc(2026, 3, 15)
    assert of_months(monthly("paid_sum - LAG(paid_sum)", "min max last last_2", "2m"), rows, asked) == [-6, 5, -6, 5]
    assert of_months(monthly("paid_sum / LAG(paid_sum)", "last", "1m"), rows, asked) == [0.4]
    assert of_months(monthly("paid_sum / LAG(paid_sum, 3)", "last", "1m"), rows, asked) == [4 / 7]
    assert of_months(monthly("paid_sum / LAG(paid_sum)", "last", "1m"), rows, utc(2026, 5, 1)) == [None]


def test_months_are_those_of_the_zone_and_of_what_the_observation_sees() -> None:
    late = booked(2, "paid", 50, known_on=dt.date(2026, 3, 11))
    gone = booked(2, "paid", 7, transaction_id="g")
    rows = [late, gone, {**gone, "is_retracted": True, "known_on": dt.date(2026, 3, 9)}]
    group = monthly("paid_sum", "last")
    assert [of_months(group, rows, utc(2026, 3, day)) for day in (8, 10, 11)] == [[7], [0], [50]]
    # 31 January 17:00 UTC is 1 February in Shanghai.
    edge = [{**booked(1, "paid", 9), "event_at": utc(2026, 1, 31, 17)}]
    assert of_months(group, edge, utc(2026, 2, 28, 15, 59), zone="Asia/Shanghai") == [0]
    assert of_months(group, edge, utc(2026, 2, 28, 16), zone="Asia/Shanghai") == [9]


def test_equal_months_have_a_deviation_of_exactly_zero() -> None:
    rows = [booked(month, "paid", 10**15 + 1) for month in (-1, 0, 1, 2)]
    assert of_months(monthly("paid_sum / 3", "std", "4m"), rows, utc(2026, 3, 1)) == [0.0]


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"value": "due_sm > 0"}, "did you mean due_sum"),
        ({"value": "due_sum"}, "count over months of double 'due_sum' cannot be computed"),
        ({"ops": "mean"}, "mean over months of boolean"),
        ({"ops": "sum"}, "operation 'sum' is unknown over months"),
        ({"ops": "last_7", "value": "due_sum"}, "last_7 is before the first of 6 months"),
        ({"ops": ""}, "months need ops and windows"),
        ({"windows": ()}, "months need ops and windows"),
        ({"windows": ("30d",)}, "window 30d is no number of months"),
        ({"windows": ("121m",)}, "window 121m is no number of months"),
        ({"value": "1 > 0"}, "is no value of a month"),
        ({"value": "LAG(due_sum) OVER (PARTITION BY paid_sum) > 0"}, "is no value of a month"),
        ({"value": "LAST_VALUE(due_sum IGNORE NULLS) OVER (PARTITION BY paid_sum) > 0"}, "is no value of a month"),
        ({"value": "LAST_VALUE(LAG(due_sum) IGNORE NULLS) > 0"}, "is no value of a month"),
        ({"value": "amount_minor > 0"}, "unknown column amount_minor"),
        ({"name": "Missed"}, "months name"),
        ({"sign": 3}, "sign 3"),
        ({"version": 0}, "version 0"),
    ],
)
def test_months_that_cannot_be_computed_are_refused(parts: dict[str, Any], said: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        group_columns(
            make_group(
                *DUE, derived=(Months(**{"name": "x", "value": MISSED, "ops": "count", "windows": ("6m",), **parts}),)
            )
        )
    assert said in str(caught.value)


def test_a_series_means_its_value_and_operation_and_not_its_names() -> None:
    def prints(group: FeatureGroup) -> list[str]:
        return [column_fingerprint(group, c) for c in group_columns(group, CONTRACTS) if c.formula == "months"]

    first = prints(monthly("paid_sum < due_sum", "count"))
    assert first == prints(monthly("(paid_sum<due_sum)", "count"))
    renamed = make_group(
        *(
            Measure(name=f"{m.name}_new", ops=m.ops, value=m.value, where=m.where, reason="r", windows=("3m",))
            for m in DUE
        ),
        derived=(Months(name="y", value="paid_new_sum < due_new_sum", ops="count", windows=("6m",)),),
    )
    assert first == prints(renamed)
    for other in (
        monthly("paid_sum > due_sum", "count"),
        monthly("due_sum < paid_sum", "count"),
        monthly("paid_sum < due_sum", "longest_streak"),
        monthly("paid_sum < due_sum", "count", "5m"),
        monthly("paid_sum < due_sum", "count", version=2),
    ):
        assert first != prints(other)
