"""What the kernel makes of a few rows: values, nulls, order, versions, and what it refuses."""

from __future__ import annotations

import datetime as dt
import gc
import math
import statistics
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tallystick.errors import ContractError
from tallystick.kernel import compute_group, compute_vector, prepare_group, required_columns
from tallystick.kernel.exact import wide_range_sums
from tallystick.kernel.pieces import RowSelection
from tallystick.spec.features import Change, FeatureGroup, Measure, Ratio, Share, ZScore
from tests.lib.feature_cases import CONTRACTS, make_events, make_group, make_measure, make_observations, utc

AS_OF = utc(2026, 3, 10)


def value_of(
    rows: Sequence[dict[str, Any]], op: str, *, value: str = "amount_minor", as_of: dt.datetime = AS_OF, **parts: Any
) -> Any:
    """One feature over the last 30 days of one customer."""
    plan = prepare_group(make_group(make_measure(op, value=value, **parts), windows=("30d",)), CONTRACTS)
    return compute_vector(make_events(rows), as_of, plan, zone="UTC", customer_id="bank:1")[plan.names[0]]


def row(day: int, amount: float | None = None, hour: int = 12, **parts: Any) -> dict[str, Any]:
    return {"event_at": utc(2026, 3, day, hour), "amount_minor": amount, **parts}


ROWS = [row(2, 5), row(3, -1), row(3, None), row(4, 5), row(8, 11)]


@pytest.mark.parametrize(
    ("op", "expected"),
    [
        ("count", 5),
        ("sum", 20),
        ("mean", 5.0),
        ("std", statistics.stdev([5, -1, 5, 11])),
        ("std_pop", statistics.pstdev([5, -1, 5, 11])),
        ("pareto(0.5)", 1),
        ("pareto(0.8)", 2),
        ("min", -1),
        ("max", 11),
        ("quantile(0.5)", 5.0),
        ("quantile(0.9)", 5 + 6 * 0.7),
        ("first", 5),
        ("last", 11),
        ("last_2", 5),
        ("last_3", None),
        ("active_days", 4),
        ("longest_streak", 3),
        ("days_since_first", 8),
        ("days_since_last", 2),
        ("mean_gap", 6 / 4),
        ("max_gap", 4),
        ("distinct", 3),
        ("top_share", 0.5),
        ("hhi", 0.375),
        ("entropy", -(0.5 * math.log(0.5) + 2 * 0.25 * math.log(0.25))),
    ],
)
def test_every_operation_says_what_the_table_says(op: str, expected: float | None) -> None:
    found = value_of(ROWS, op)
    assert found is None if expected is None else found == pytest.approx(expected, rel=1e-12)


def test_a_slope_counts_days_without_rows_as_zero() -> None:
    totals = {2: 5, 3: -1, 4: 5, 8: 11}
    days = range(30)
    daily = [totals.get(day - 20, 0) for day in days]  # day 0 is 8 February, day 22 is 2 March
    expected = statistics.linear_regression(list(days), daily).slope
    assert value_of([row(d, v) for d, v in totals.items()], "slope") == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("op", "empty"),
    [
        ("count", 0),
        ("sum", 0),
        ("active_days", 0),
        ("distinct", 0),
        ("longest_streak", 0),
        ("slope", 0.0),
        ("pareto(0.8)", 0),
    ]
    + [
        (op, None)
        for op in ("mean", "std", "std_pop", "min", "max", "first", "last", "last_2", "quantile(0.5)", "entropy")
    ]
    + [(op, None) for op in ("days_since_first", "days_since_last", "mean_gap", "max_gap", "top_share", "hhi")],
)
def test_no_rows_give_zero_or_null_whether_the_customer_is_known_or_not(op: str, empty: float | None) -> None:
    assert value_of([], op) == empty
    assert value_of([row(3, 1, event_at=utc(2020, 1, 1))], op) == empty
    assert value_of([row(3, 1)], op, where="amount_minor > 1") == empty


def test_a_sum_of_nothing_but_nulls_is_zero_and_a_mean_is_null() -> None:
    assert value_of([row(3, None)], "sum") == 0
    assert value_of([row(3, None)], "mean") is None
    assert value_of([row(3, None)], "count") == 1


TALKS = [
    row(2, 3, channel="ann"), row(3, 1, channel="bob"), row(4, 5, channel="ann"), row(5, None, channel="bob"),
    row(6, 100, channel=None), row(7, 0, channel="cas"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("op", "expected"),
    [("mean", 3.0), ("max", 8), ("quantile(0.5)", 1.0), ("std_pop", statistics.pstdev([8, 1, 0])), ("pareto(0.9)", 2)],
)
def test_an_operation_over_each_looks_at_sums(op: str, expected: float) -> None:
    assert value_of(TALKS, op, each="channel") == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("values", "expected"), [([4, 1], 1), ([4, 1, 1], 2), ([-4, 1], 0), ([3, -1, -1], 1), ([0], 0)]
)
def test_the_fewest_values_that_make_up_a_part_of_the_sum(values: list[int], expected: int) -> None:
    """4 of 5 are 80 %, 4 of 6 are not; where the sum is not above 0 none is needed."""
    assert value_of([row(day, value) for day, value in enumerate(values, 2)], "pareto(0.8)") == expected


def test_the_last_value_that_is_known_reaches_the_rows_after_it() -> None:
    """In its own channel, its own row included; before the first known value there is none."""
    rows = [
        row(2, None, channel="ann"), row(3, 7, channel="ann"), row(4, None, channel="bob"), row(5, None, channel="ann"),
        row(6, 2, channel="bob"), row(7, None, channel="ann"),
    ]  # fmt: skip
    latest = "LAST_VALUE(amount_minor IGNORE NULLS) OVER (PARTITION BY channel)"
    assert value_of(rows, "sum", value=latest) == 3 * 7 + 2
    assert value_of(rows, "count", where=f"{latest} IS NULL") == 2
    assert value_of(rows, "sum", value="LAST_VALUE(amount_minor IGNORE NULLS)") == 3 * 7 + 2 * 2


def test_seconds_between_rows_do_not_see_the_clock_change() -> None:
    rows = [{"event_at": utc(2024, 3, 31, 0, 30)}, {"event_at": utc(2024, 3, 31, 1, 30, 0, 500_000)}]
    plan = prepare_group(make_group(make_measure("sum", value="EPOCH(event_at) - EPOCH(LAG(event_at))")), CONTRACTS)
    found = compute_vector(make_events(rows), utc(2024, 4, 2), plan, zone="Europe/Prague")
    assert list(found.values()) == [3600.5]


def test_age_takes_the_latest_known_date() -> None:
    rows = [row(2, due_date=dt.date(2000, 1, 1)), row(3, due_date=dt.date(2026, 3, 1)), row(4, due_date=None)]
    assert value_of(rows, "age_days", value="due_date") == 9


def test_booleans_count_as_zero_and_one() -> None:
    rows = [row(2, is_night=True), row(3, is_night=False), row(4, is_night=None), row(5, is_night=True)]
    assert value_of(rows, "sum", value="is_night") == 2
    assert value_of(rows, "mean", value="is_night") == 2 / 3


def test_rows_at_one_instant_follow_sequence_then_identifier() -> None:
    at = {"event_at": utc(2026, 3, 3)}
    rows = [
        {**at, "transaction_id": "a", "sequence": None, "amount_minor": 4},
        {**at, "transaction_id": "z", "sequence": 1, "amount_minor": 1},
        {**at, "transaction_id": "c", "sequence": 2, "amount_minor": 3},
        {**at, "transaction_id": "b", "sequence": 2, "amount_minor": 2},
    ]
    assert value_of(rows, "first") == 1
    assert [value_of(rows, op) for op in ("last", "last_2", "last_3")] == [4, 3, 2]


def test_sums_are_exact_to_the_last_unit() -> None:
    big = 2**62 - 1
    rows = [row(2, big), row(3, big), row(4, -big), row(5, 1)]
    assert value_of(rows, "sum") == big + 1
    assert value_of([row(2, 2**63 - 1), row(3, -(2**63))], "sum") == -1


def test_a_sum_that_leaves_int64_is_an_error_not_a_wrap() -> None:
    with pytest.raises(ContractError, match="a sum leaves int64"):
        value_of([row(2, 2**62), row(3, 2**62)], "sum")
    with pytest.raises(ContractError, match="leaves int64"):
        value_of([row(2, 2**62)], "sum", value="amount_minor * 4")


def test_an_overflow_in_a_row_that_is_not_selected_is_no_error() -> None:
    rows = [row(2, 2**62), row(3, 3)]
    assert value_of(rows, "sum", value="amount_minor * 4", where="amount_minor < 10") == 12


@pytest.mark.parametrize("shift", [0, 10**6, 3 * 10**9, -3 * 10**9, 3_037_000_490, 10**12, 2**61])
def test_the_deviation_of_whole_numbers_is_exact_far_from_zero(shift: int) -> None:
    values = [shift + step for step in (0, 1, 1, 4, 9)]
    mean = Fraction(sum(values), len(values))
    expected = math.sqrt(sum((value - mean) ** 2 for value in values) / (len(values) - 1))
    found = value_of([row(2 + n % 3, value) for n, value in enumerate(values)], "std")
    assert found == pytest.approx(expected, rel=1e-15)


def test_what_a_piece_worked_on_is_given_up_without_the_garbage_collector() -> None:
    gc.collect()
    gc.disable()
    try:
        assert value_of([row(2, 5), row(3, None), row(4, 7)], "sum") == 12
        assert value_of([row(2, 5), row(3, 6)], "std", value="amount_minor * 2") == pytest.approx(math.sqrt(2))
        assert [held for held in gc.get_objects() if isinstance(held, RowSelection)] == []
    finally:
        gc.enable()


def test_sums_by_halves_are_exact_in_any_range() -> None:
    values = np.array([2**62, 1, 2**62 + 5, 2**62 + 7, 3, 2**63 - 1, 2**61], dtype=np.int64)
    low, high = np.array([0, 1, 2, 3, 4, 6, 7]), np.array([7, 4, 7, 3, 6, 7, 7])
    found = wide_range_sums(values, low, high)
    assert found.dtype == object
    assert found.tolist() == [sum(values[a:b].tolist()) for a, b in zip(low, high, strict=True)]
    assert wide_range_sums(np.array([1, 2, 3]), np.array([1]), np.array([3])).dtype == np.int64


def test_the_deviation_of_equal_doubles_is_exactly_zero() -> None:
    rows = [row(2 + n, rate=0.1) for n in range(3)]
    assert value_of(rows, "std", value="rate") == 0.0


def test_a_slope_of_huge_numbers_is_exact() -> None:
    big = 2**60
    rows = [row(2, big), row(8, -big)]
    days = [Fraction(d) for d in range(30)]
    totals = [Fraction({22: big, 28: -big}.get(d, 0)) for d in range(30)]
    mean = sum(days) / 30
    expected = sum((d - mean) * t for d, t in zip(days, totals, strict=True)) / sum((d - mean) ** 2 for d in days)
    assert value_of(rows, "slope") == pytest.approx(float(expected), rel=1e-14)


def test_not_a_number_counts_as_null() -> None:
    rows = [row(2, rate=float("nan")), row(3, rate=2.0)]
    assert value_of(rows, "mean", value="rate") == 2.0
    assert value_of(rows, "count", where="rate IS NULL") == 1


def test_infinite_values_do_not_break_the_rest() -> None:
    rows = [row(2, rate=float("inf")), row(3, rate=float("-inf")), row(4, rate=1.0)]
    assert value_of(rows, "min", value="rate") == float("-inf")
    assert value_of(rows, "sum", value="rate") is None


def test_zero_is_one_value_whatever_its_sign() -> None:
    assert value_of([row(2, rate=0.0), row(3, rate=-0.0)], "distinct", value="rate") == 1


def test_the_latest_version_known_counts_and_then_its_window() -> None:
    versions = [
        row(2, 10, transaction_id="x", known_on=dt.date(2026, 3, 3)),
        row(2, 20, transaction_id="x", known_on=dt.date(2026, 3, 5)),
        row(2, 30, transaction_id="x", known_on=dt.date(2026, 3, 7), is_retracted=True),
        row(2, 40, transaction_id="x", known_on=dt.date(2026, 3, 9), event_at=utc(2020, 1, 1)),
    ]
    by_day = [value_of(versions, "sum", as_of=utc(2026, 3, day)) for day in range(2, 11)]
    assert by_day == [0, 10, 10, 20, 20, 0, 0, 0, 0]


def test_a_row_is_seen_until_the_day_its_retraction_becomes_known() -> None:
    versions = [
        row(2, 10, transaction_id="x", known_on=dt.date(2026, 3, 3)),
        row(2, 10, transaction_id="x", known_on=dt.date(2026, 3, 6), is_retracted=True),
        row(2, 1, transaction_id="y", known_on=dt.date(2026, 3, 3)),
    ]
    assert [value_of(versions, "sum", as_of=utc(2026, 3, day)) for day in (4, 5, 6, 7)] == [11, 11, 1, 1]


def test_one_identifier_of_two_customers_is_two_events() -> None:
    rows = [
        row(2, 1, transaction_id="x", known_on=dt.date(2026, 3, 3)),
        row(2, 2, transaction_id="x", known_on=dt.date(2026, 3, 4), customer_id="other:1"),
    ]
    assert value_of(rows, "sum") == 1


def test_two_versions_of_one_date_are_refused() -> None:
    rows = [row(2, 1, transaction_id="x"), row(2, 2, transaction_id="x")]
    with pytest.raises(ContractError, match="two versions of one event"):
        value_of(rows, "sum")


def test_every_row_is_in_one_declared_value_or_in_other() -> None:
    rows = [row(2, 1, channel=channel) for channel in ("card", "cash", "Card", None, "card")]
    group = make_group(make_measure("count", by="channel"), by={"channel": ("cash", "card")})
    plan = prepare_group(group, CONTRACTS)
    found = compute_vector(make_events(rows), utc(2026, 3, 8), plan, zone="UTC")
    assert list(found.values()) == [1, 2, 2]


def test_derived_features_follow_their_formulas() -> None:
    rows = [row(day, day) for day in range(2, 9)]
    group = make_group(
        make_measure("sum", value="amount_minor", unfiltered=True, filters=("late",)),
        filters={"late": "amount_minor > 6"},
        windows=("2d",),
        derived=(
            Share(name="late", a="m_late_sum", b="m_sum"),
            Ratio(of="m_sum", window="1d", against="5d"),
            Change(of="m_sum"),
            ZScore(of="m_sum", windows=("1d",), k=3),
        ),
    )
    found = compute_vector(make_events(rows), utc(2026, 3, 9), prepare_group(group, CONTRACTS), zone="UTC")
    assert found["txn_late_share_2d"] == 1.0
    assert found["txn_m_sum_ratio_1d_5d"] == pytest.approx((8 / 1) / ((8 + 7 + 6 + 5 + 4) / 5))
    assert found["txn_m_sum_change_2d"] == pytest.approx((15 - 11) / 11)
    assert found["txn_m_sum_zscore_1d"] == pytest.approx((8 - 6) / 1.0)


def test_a_derived_feature_without_a_denominator_is_null() -> None:
    group = make_group(
        make_measure("sum count", value="amount_minor"),
        derived=(
            Share(name="x", a="m_sum", b="m_count"),
            Change(of="m_sum"),
            Ratio(of="m_sum", window="1d", against="7d"),
            ZScore(of="m_count", windows=("1d",), k=3),
        ),
    )
    found = compute_vector(make_events([]), AS_OF, prepare_group(group, CONTRACTS), zone="UTC")
    assert list(found.values())[2:] == [None, None, None, None]


def many_kinds() -> FeatureGroup:
    return make_group(
        make_measure("sum last distinct", name="whole", value="amount_minor"),
        make_measure("sum mean std", name="real", value="rate"),
        make_measure("distinct entropy", name="kind", value="channel"),
        windows=("7d", "all"),
    )


def test_text_may_come_plain_or_encoded_and_instants_in_any_unit() -> None:
    plan = prepare_group(many_kinds(), CONTRACTS)
    events = make_events([row(2, 1, channel="card"), row(3, 2, channel=None, rate=0.5), row(4, 2, channel="cash")])
    asked = make_observations(("bank:1", AS_OF), ("bank:9", AS_OF))
    expected = compute_group(events, asked, plan, zone="UTC")
    encoded = events
    for name in ("customer_id", "transaction_id", "channel"):
        place = events.schema.get_field_index(name)
        encoded = encoded.set_column(place, name, events.column(name).dictionary_encode())
    place = events.schema.get_field_index("event_at")
    encoded = encoded.set_column(place, "event_at", events.column("event_at").cast(pa.timestamp("ms", "UTC")))
    chunked = pa.concat_tables([encoded.slice(0, 1), encoded.slice(1)])
    asked_encoded = asked.set_column(0, "customer_id", asked.column("customer_id").dictionary_encode())
    assert compute_group(chunked, asked_encoded, plan, zone="UTC").equals(expected)
    large = events.set_column(0, "customer_id", events.column("customer_id").cast(pa.large_string()))
    assert compute_group(large, asked, plan, zone="UTC").equals(expected)


def test_no_observations_give_no_rows_and_all_columns() -> None:
    plan = prepare_group(many_kinds(), CONTRACTS)
    found = compute_group(make_events([row(2, 1)]), make_observations(), plan, zone="UTC")
    assert (found.num_rows, tuple(found.column_names)) == (0, plan.names)


def test_columns_have_the_declared_types_also_when_empty() -> None:
    plan = prepare_group(many_kinds(), CONTRACTS)
    for events in (make_events([]), make_events([row(2, 1)])):
        found = compute_group(events, make_observations(("x", AS_OF)), plan, zone="UTC")
        kinds = ["int64" if kind == pa.int64() else "double" for kind in found.schema.types]
        assert kinds == [column.type for column in plan.columns]


def test_what_is_missing_or_null_is_named() -> None:
    plan = prepare_group(many_kinds(), CONTRACTS)
    events, asked = make_events([row(2, 1)]), make_observations(("bank:1", AS_OF))
    assert {"customer_id", "known_on", "sequence", "transaction_id", "rate"} <= set(required_columns(plan))
    with pytest.raises(ContractError, match="lack columns.*rate"):
        compute_group(events.drop_columns(["rate"]), asked, plan, zone="UTC")
    for name in ("customer_id", "event_at", "known_on"):
        place = events.schema.get_field_index(name)
        holed = events.set_column(place, name, pa.nulls(1, events.schema.field(name).type))
        with pytest.raises(ContractError, match=f"null {name}"):
            compute_group(holed, asked, plan, zone="UTC")
    holed = asked.set_column(1, "as_of", pa.nulls(1, asked.schema.field("as_of").type))
    with pytest.raises(ContractError, match="null as_of"):
        compute_group(events, holed, plan, zone="UTC")
    two = make_events([row(2, 1), row(2, 1, customer_id="bank:2")])
    with pytest.raises(ContractError, match="several customers"):
        compute_vector(two, AS_OF, plan, zone="UTC")


def test_hours_are_those_of_the_business_zone() -> None:
    measure = Measure(name="night", ops="sum", value="CASE WHEN HOUR(event_at) < 6 THEN 1 ELSE 0 END", reason="r")
    plan = prepare_group(make_group(measure), CONTRACTS)
    events = make_events([{"event_at": utc(2026, 3, 8, 20)}, {"event_at": utc(2026, 3, 8, 12)}])
    assert compute_vector(events, AS_OF, plan, zone="UTC")["txn_night_sum_7d"] == 0
    assert compute_vector(events, AS_OF, plan, zone="Asia/Shanghai")["txn_night_sum_7d"] == 1
