"""The largest shift of daily totals, worked out by hand: when, how large, which days, ties and nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import duckdb
import pytest

from tallystick.errors import ContractError, DeclarationError
from tallystick.kernel import compute_group, prepare_group
from tallystick.spec.columns import group_columns
from tallystick.spec.feature_sql import feature_sql, sql_parameters
from tallystick.spec.meaning import column_fingerprints
from tallystick.spec.months import Months
from tests.lib.feature_cases import CONTRACTS, make_events, make_group, make_measure, make_observations, utc

AS_OF = utc(2026, 3, 16)  # a Monday
SHIFT = "shift_days shift_size shift_share"


def daily(*totals: int | None, last: dt.datetime = AS_OF) -> list[dict[str, Any]]:
    """A row with each total at noon of each day up to the day before ``last``; None is a day without one."""
    first = last - dt.timedelta(days=len(totals)) + dt.timedelta(hours=12)
    return [
        {"event_at": first + dt.timedelta(days=number), "amount_minor": total}
        for number, total in enumerate(totals)
        if total is not None
    ]


def computed(rows: Sequence[dict[str, Any]], at: dt.datetime = AS_OF, *, zone: str = "UTC", **parts: Any) -> list[Any]:
    """What each operation gives of one customer."""
    measure = make_measure(**{"ops": SHIFT, "value": "amount_minor", "windows": ("10d",), **parts})
    plan = prepare_group(make_group(measure, windows=measure.windows), CONTRACTS)
    asked = make_observations(("bank:1", at))
    (found,) = compute_group(make_events(rows), asked, plan, zone=zone).to_pylist()
    return list(found.values())


def test_the_shift_is_where_two_levels_fit_best() -> None:
    # 4, 4, 4, 4, 4, 4, 1, 1, 1, 1: two levels fit exactly, the new one since four days.
    assert computed(daily(4, 4, 4, 4, 4, 4, 1, 1, 1, 1)) == [4, (1 - 4) / 4, 1.0]
    # 8, 4, 6, 2 with mean 5: parted after one, two, three days 12, 4 and 12 of 20 are gained; the latest one counts.
    assert computed(daily(8, 4, 6, 2), windows=("4d",)) == [1, (2 - 6) / 6, pytest.approx(12 / 20)]


def test_days_without_rows_are_0_and_rows_of_one_day_are_summed() -> None:
    rows = [*daily(3, 3, None, 3, 3), *daily(None, None, 3)]
    assert computed(rows[:4], windows=("5d",))[0] is not None
    assert computed([*daily(2, 2, 2, 2, None, None, None, None)], windows=("8d",)) == [4, -1.0, 1.0]
    twice = [{**row, "transaction_id": f"x{n}"} for n, row in enumerate(daily(1, 1, 2, 2))]
    assert computed([*daily(1, 1, 1, 1), *twice], windows=("4d",)) == [2, 0.5, 1.0]


def test_the_series_begins_with_the_first_row_that_is_visible() -> None:
    # Seen from the window's first day it would have risen from nothing; nothing is known of these days.
    assert computed(daily(5, 5, 5)) == [None, None, None]
    # The customer's first row of any kind counts, also one that the condition leaves out.
    other = {**daily(9, *[None] * 9)[0], "channel": "other"}
    assert computed([*daily(5, 5, 5), other], where="channel IS NULL") == [3, None, 1.0]
    old = {"event_at": utc(2020, 1, 1), "amount_minor": None}
    assert computed([*daily(5, 5, 5), old]) == [3, None, 1.0]


@pytest.mark.parametrize("totals", [(), (7,), (7, 7, 7, 7), (0, 0, 0)])
def test_without_two_levels_there_is_no_shift(totals: tuple[int, ...]) -> None:
    assert computed(daily(*totals)) == [None, None, None]


def test_each_side_has_as_many_days_as_asked_for() -> None:
    spike = daily(1, 1, 1, 1, 1, 1, 1, 1, 1, 99)
    assert computed(spike)[0] == 1
    ops = "shift_days(3) shift_days(5) shift_days(6)"
    assert computed(spike, ops=ops) == [3, 5, None]
    assert computed(daily(0, 1, 0, 1), ops="shift_days(2)", windows=("4d",)) == [None]


def test_on_weekdays_others_are_neither_counted_nor_in_the_series() -> None:
    # Two weeks up to Sunday; on working days 4 and then, from the second Wednesday, 1; much on Saturdays.
    week = (4, 4, 4, 4, 4, 90, None), (4, 4, 1, 1, 1, 50, 3)
    rows = daily(*week[0], *week[1])
    parts = {"windows": ("14d",), "weekdays": (5, 1, 2, 3, 4)}
    assert computed(rows, **parts) == [5, -0.75, pytest.approx(1)]
    assert computed(rows, **{**parts, "weekdays": (6,)}) == [2, (50 - 90) / 90, 1.0]
    assert computed(rows, windows=("14d",))[0] != 5


def test_only_whole_business_days_of_the_zone_count() -> None:
    rows = daily(4, 4, 1, 1)
    assert computed([*rows, {"event_at": AS_OF, "amount_minor": 70}], AS_OF + dt.timedelta(hours=9)) == [2, -0.75, 1.0]
    # 16:00 UTC is the midnight of Shanghai: the row at noon UTC is at 20:00 there.
    assert computed(rows, utc(2026, 3, 15, 16), zone="Asia/Shanghai") == [2, -0.75, 1.0]


def test_what_becomes_known_later_shifts_nothing_before() -> None:
    rows = daily(4, 4, 4, 4, 4, 4)
    gone = [{**row, "transaction_id": f"g{n}", "amount_minor": -3} for n, row in enumerate(rows[3:])]
    late = [{**row, "known_on": dt.date(2026, 3, 17)} for row in gone]
    assert computed([*rows, *late], windows=("6d",)) == [None, None, None]
    assert computed([*rows, *late], AS_OF + dt.timedelta(days=1), windows=("7d",), ops="shift_days(3)") == [4]
    assert computed([*rows, *gone], windows=("6d",)) == [3, -0.75, 1.0]


def test_of_doubles_equal_days_are_no_shift_and_huge_sums_are_refused() -> None:
    rates = [{**row, "rate": 0.1} for row in daily(1, 1, 1)]
    assert computed(rates, value="rate", windows=("3d",)) == [None, None, None]
    huge = [{**row, "transaction_id": f"h{n}"} for n, row in enumerate([*daily(2**62), *daily(2**62)])]
    with pytest.raises(ContractError, match="leaves int64"):
        computed([*daily(1, 1), *huge])


def test_months_of_shifts_are_what_their_sql_says() -> None:
    measure = make_measure("shift_size", value="amount_minor", windows=("28d",))
    group = make_group(measure, derived=(Months(name="x", value="m_shift_size", ops="last", windows=("2m",)),))
    events = make_events(daily(*[4] * 20, *[1] * 10, last=utc(2026, 3, 1)))
    asked = make_observations(("bank:1", AS_OF))
    (found,) = compute_group(events, asked, prepare_group(group, CONTRACTS), zone="UTC").to_pylist()
    column = group_columns(group, CONTRACTS)[-1]
    assert found[column.name] == pytest.approx(-0.75)
    sql = feature_sql(group, column, CONTRACTS)
    with duckdb.connect() as connection:
        connection.execute("SET threads = 1; CREATE SCHEMA clean").fetchall()
        connection.register("given", events)
        connection.execute("CREATE TABLE clean.transactions AS SELECT * FROM given").fetchall()
        values = sql_parameters(sql, customer_id="bank:1", as_of=AS_OF, zone="UTC")
        assert connection.execute(sql, values).fetchall() == [(pytest.approx(-0.75),)]


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ({"ops": "shift_days(0)"}, "operation 'shift_days\\(0\\)' is unknown"),
        ({"ops": "shift_days", "weekdays": (0, 1)}, "distinct numbers from 1 to 7"),
        ({"ops": "shift_days", "weekdays": (1, 1)}, "distinct numbers from 1 to 7"),
        ({"ops": "shift_days sum", "weekdays": (1, 2)}, "weekdays are for the series of a shift"),
        ({"ops": "shift_days", "value": ""}, "needs a value"),
    ],
)
def test_what_is_no_series_is_refused(parts: dict[str, Any], told: str) -> None:
    with pytest.raises(DeclarationError, match=told):
        make_measure(**{"value": "amount_minor", **parts})


def test_the_days_of_the_week_are_part_of_the_meaning() -> None:
    def of(*weekdays: int) -> str:
        group = make_group(make_measure("shift_days(5)", value="small", weekdays=weekdays))
        (column,) = group_columns(group)
        assert column.name == "txn_m_shift5_days_7d"
        return column_fingerprints(group, (column,))[column.name]

    assert of(1, 2) == of(2, 1) != of()
