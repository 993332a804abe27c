"""The rows of the most frequent value, distances between places, and a window against the one before it, by hand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import pytest

from tallystick.errors import DeclarationError
from tallystick.kernel import compute_group, prepare_group
from tallystick.spec.columns import group_columns
from tallystick.spec.describe import window_words
from tallystick.spec.features import FeatureGroup, Ratio
from tallystick.spec.geography import Distance, Gyration
from tallystick.spec.meaning import column_fingerprints
from tests.lib.feature_cases import CONTRACTS, make_events, make_group, make_measure, make_observations, utc

AS_OF = utc(2026, 3, 15)
DEGREE = 6371.0088 * 3.141592653589793 / 180


def row(day: int, channel: str | None, amount: int | None = None, hour: int = 12, **parts: Any) -> dict[str, Any]:
    return {"event_at": utc(2026, 3, day, hour), "channel": channel, "amount_minor": amount, **parts}


def computed(group: FeatureGroup, rows: Sequence[dict[str, Any]], as_of: dt.datetime = AS_OF) -> dict[str, Any]:
    asked = make_observations(("bank:1", as_of))
    (found,) = compute_group(make_events(rows), asked, prepare_group(group, CONTRACTS), zone="UTC").to_pylist()
    return {name.removeprefix("txn_"): value for name, value in found.items()}


def test_only_rows_of_the_most_frequent_value_count() -> None:
    ops = "count sum min max first last active_days days_since_last mean"
    group = make_group(make_measure(ops, value="amount_minor", top="channel"))
    rows = [row(9, "home", 1), row(9, "home", 2, 13), row(11, "home", None), row(10, "work", 50), row(14, "work", 60)]
    found = computed(group, [*rows, row(14, None, 999), row(12, None, 999), row(13, None, 9), row(1, "work", 7)])
    assert list(found.values()) == [3, 3, 1, 2, 1, None, 2, 4, 1.5]
    assert list(computed(group, []).values()) == [0, 0, None, None, None, None, 0, None, None]


def test_each_window_has_its_own_most_frequent_value_and_of_equal_ones_the_last_seen() -> None:
    group = make_group(make_measure("last count", value="amount_minor", top="channel", windows=("2d", "7d", "all")))
    rows = [row(2, "old", 1), row(3, "old", 1), row(4, "old", 1), row(9, "a", 2), row(10, "b", 3), row(14, "c", 4)]
    found = computed(group, rows)
    assert [found[f"m_last_{window}"] for window in ("2d", "7d", "all")] == [4, 4, 1]
    assert [found[f"m_count_{window}"] for window in ("2d", "7d", "all")] == [1, 1, 3]


def test_a_row_that_is_known_late_or_taken_back_moves_the_most_frequent_value_only_then() -> None:
    group = make_group(make_measure("last", value="amount_minor", top="channel"))
    late = row(10, "work", 2, 13, known_on=dt.date(2026, 3, 14))
    gone = {"transaction_id": "g", **row(9, "home", 1)}
    back = {**gone, "is_retracted": True, "known_on": dt.date(2026, 3, 12)}
    rows = [gone, back, row(9, "home", 1, 13), row(10, "work", 2), late]
    found = [computed(group, rows, utc(2026, 3, day))["m_last_7d"] for day in (11, 13, 14)]
    assert found == [1, 2, 2]
    assert computed(group, [*rows, row(8, "home", 1)], utc(2026, 3, 13))["m_last_7d"] == 1


HOME = {"windows": ("7d", "all")}


def places(*derived: Any) -> FeatureGroup:
    home = make_measure("last mean std_pop", name="home", value="amount_minor", top="")
    return make_group(home, make_measure("last std_pop", name="east", value="small"), derived=derived, **HOME)


def test_the_distance_of_places_is_that_along_the_great_circle() -> None:
    far = Distance(name="far", a=("home_last", "east_last"), b=("home_last", "home_last"))
    move = Distance(name="move", a=("home_last", "east_last"))
    group = places(far, move)
    before, now = row(5, None, 0, small=10), row(12, None, 0, small=100)
    found = computed(group, [before, now])
    assert found["move_distance_7d"] == pytest.approx(90 * DEGREE)
    assert found["far_distance_7d"] == found["far_distance_all"] == pytest.approx(100 * DEGREE)
    assert "move_distance_all" not in found
    # Prague to Brno, with the radius of a ball; the same place is exactly 0 away.
    prague_brno = computed(
        make_group(
            *(make_measure("last", name=name, value=f"amount_minor * 0 + {value}") for name, value in
              (("a", 50.0755), ("b", 14.4378), ("c", 49.1951), ("d", 16.6068))),
            derived=(
                Distance(name="way", a=("a_last", "b_last"), b=("c_last", "d_last")),
                Distance(name="none", a=("a_last", "b_last"), b=("a_last", "b_last")),
            ),
        ),
        [now],
    )  # fmt: skip
    assert prague_brno["way_distance_7d"] == pytest.approx(184.5, abs=0.5)
    assert prague_brno["none_distance_7d"] == 0
    assert computed(group, [now])["move_distance_7d"] is None


def test_the_radius_of_gyration_is_the_spread_of_the_rows() -> None:
    group = places(Gyration(name="about", latitude="home", longitude="east"))
    rows = [row(9, None, 59, small=0), row(10, None, 61, small=4)]
    # One degree north and south of 60 degrees, where a degree of longitude is half as long: 2 of them east and west.
    assert computed(group, rows)["about_gyration_7d"] == pytest.approx((2**0.5) * DEGREE)
    assert computed(group, rows[:1])["about_gyration_7d"] == 0
    assert computed(group, [])["about_gyration_7d"] is None


def test_a_ratio_apart_looks_at_the_days_before_the_window() -> None:
    count = make_measure("count", windows=("2d",))
    group = make_group(count, derived=(Ratio(of="m_count", window="2d", against="4d", apart=True),))
    rows = [row(14, None), row(13, None, hour=0), row(12, None, hour=23), row(9, None, hour=0), row(8, None, hour=23)]
    assert computed(group, rows)["m_count_ratio_2d_4d_apart"] == (2 / 2) / (2 / 4)
    assert computed(group, rows[:2])["m_count_ratio_2d_4d_apart"] is None
    columns = group_columns(group)
    assert window_words(group, columns[1]) == [
        "the last 2 days: [as_of - 2d, as_of)", "the 4 days before: [as_of - 6d, as_of - 2d)",
    ]  # fmt: skip
    plain = group_columns(make_group(count, derived=(Ratio(of="m_count", window="2d", against="4d"),)))
    assert column_fingerprints(group, columns[1:]).values() != column_fingerprints(group, plain[1:]).values()


def test_months_apart_count_their_real_days() -> None:
    count = make_measure("count", windows=("1m",))
    group = make_group(count, derived=(Ratio(of="m_count", window="1m", against="1m", apart=True),))
    rows = [{"event_at": utc(2026, 3, 10)}, {"event_at": utc(2026, 2, 10)}]
    found = computed(group, rows, utc(2026, 4, 1))
    assert found["m_count_ratio_1m_1m_apart"] == pytest.approx((1 / 31) / (1 / 28))


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: make_measure("std", value="small", top="channel"), "std does not look at the rows"),
        (lambda: make_measure("mean", value="small", top="channel", each="channel"), "top and each exclude each other"),
        (lambda: Ratio(of="m", window="7d", against="1m", apart=True), "of two units"),
        (lambda: Ratio(of="m", window="7d", against="7d"), "two different windows"),
        (lambda: Distance(name="x", a=("latitude",)), "not 1 stems"),
        (lambda: Distance(name="x", a=("a", "b"), windows=("all",)), "window all has no window before it"),
        (lambda: group_columns(places(Distance(name="x", a=("home_last", "west_last")))), "unknown west_last"),
        (lambda: group_columns(places(Gyration(name="x", latitude="east", longitude="home"))), "unknown east_mean"),
        (lambda: group_columns(make_group(make_measure("count", top="NULL")), CONTRACTS), "top is null"),
    ],
)
def test_what_has_no_meaning_is_refused(make: Any, told: str) -> None:
    with pytest.raises(DeclarationError, match=told):
        make()
