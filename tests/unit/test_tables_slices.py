"""Slices: their SQL, their bounds and what they refuse."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from tallystick.errors import DeclarationError
from tallystick.tables import Slice
from tallystick.tables.store.snapshots import placement
from tests.lib import store

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("where", "sql"),
    [
        (Slice("all"), "true"),
        (Slice("n", {"source": "north", "bucket": "3"}), "source = 'north' AND bucket = 3"),
        (Slice("n", {"period": "1997"}), "period = '1997'"),
        (Slice("n", {}, "loaded_on", date(2026, 3, 1), None), "loaded_on >= DATE '2026-03-01'"),
        (
            Slice("n", {}, "event_at", NOON.astimezone(timezone(timedelta(hours=8))), NOON + timedelta(microseconds=1)),
            (
                "event_at >= TIMESTAMP '2026-03-01 12:00:00.000000+00:00'"
                " AND event_at < TIMESTAMP '2026-03-01 12:00:00.000001+00:00'"
            ),
        ),
    ],
)
def test_a_slice_reads_as_one_sql_condition(where: Slice, sql: str) -> None:
    where.check(store.CONTRACT)
    assert where.sql(store.CONTRACT) == sql


def test_a_slice_refuses_values_and_bounds_that_could_mean_two_things() -> None:
    with pytest.raises(DeclarationError, match="other characters"):
        Slice("n", {"source": "x' OR true"})
    with pytest.raises(DeclarationError, match="no time zone"):
        Slice("n", {}, "event_at", datetime(2026, 3, 1))  # noqa: DTZ001 - the missing zone is the point
    with pytest.raises(DeclarationError, match="bounds without a column"):
        Slice("n", {}, low=date(2026, 3, 1))
    with pytest.raises(DeclarationError, match="no name"):
        Slice("")


@pytest.mark.parametrize(
    ("where", "message"),
    [
        (Slice("n", {"event_id": "1"}), "not partition columns"),
        (Slice("n", {}, "amount_minor", date(2026, 3, 1)), "cannot bound a slice"),
        (Slice("n", {}, "event_at", date(2026, 3, 1)), "not of the type of event_at"),
        (Slice("n", {}, "loaded_on", NOON), "not of the type of loaded_on"),
        (Slice("n", {}, "nothing", NOON), "no column nothing"),
    ],
)
def test_a_slice_that_does_not_fit_its_contract_is_refused(where: Slice, message: str) -> None:
    with pytest.raises(DeclarationError, match=message):
        where.check(store.CONTRACT)


MS = timedelta(milliseconds=1)
US = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("least", "most", "expected"),
    [
        (NOON, NOON + timedelta(hours=1), "inside"),
        (NOON - US, NOON + timedelta(hours=1), "across"),
        (NOON - timedelta(hours=2), NOON - US, "outside"),
        # A maximum of whole milliseconds may be Spark's truncated one: the true one may lie at noon or after it.
        (NOON - timedelta(hours=2), NOON - MS, "outside"),
        (NOON - timedelta(hours=2), NOON, "across"),
        (NOON + timedelta(hours=2) - US, NOON + timedelta(hours=2) - US, "inside"),
        (NOON + timedelta(hours=1), NOON + timedelta(hours=2) - MS, "inside"),
        (NOON + timedelta(hours=1), NOON + timedelta(hours=2), "across"),
        (NOON + timedelta(hours=2), NOON + timedelta(hours=3), "outside"),
    ],
)
def test_files_are_placed_by_bounds_that_may_be_truncated(least: datetime, most: datetime, expected: str) -> None:
    where = Slice("n", {}, "event_at", NOON, NOON + timedelta(hours=2))
    assert placement({"event_at": (least, most)}, where) == expected


def test_a_file_without_bounds_may_hold_anything() -> None:
    assert placement({}, Slice("n", {}, "event_at", NOON, None)) == "across"
    assert placement({}, Slice("n")) == "inside"


DAY = date(2026, 3, 10)
BETWEEN = (NOON, NOON + timedelta(hours=1))


@pytest.mark.parametrize(
    ("where", "name", "rows"),
    [
        (Slice.of_source("clean.a", "north"), "clean.a/north", ({"source": "north"}, "", None, None)),
        (
            Slice.of_load("clean.a", "north", DAY),
            "clean.a/north/2026-03-10",
            ({"source": "north"}, "loaded_on", DAY, date(2026, 3, 11)),
        ),
        (
            Slice.of_findings("monitor.a", "north", DAY),
            "monitor.a/north/2026-03-10",
            ({"source": "north"}, "validated_on", DAY, date(2026, 3, 11)),
        ),
        (
            Slice.of_features("feature.a", "north", "daily", between=BETWEEN),
            "feature.a/daily/north",
            ({"source": "north", "observations": "daily"}, "as_of", *BETWEEN),
        ),
        (
            Slice.of_features("feature.a", "north", "daily"),
            "feature.a/daily/north",
            ({"source": "north", "observations": "daily"}, "", None, None),
        ),
        (
            Slice.of_scores("score.a", "north", "loan", between=(NOON, None)),
            "score.a/loan/north",
            ({"source": "north", "recipe": "loan"}, "as_of", NOON, None),
        ),
    ],
)
def test_a_slice_owns_the_rows_it_is_of_and_days_of_one_set_share_a_lock(
    where: Slice, name: str, rows: tuple[object, ...]
) -> None:
    assert (where.name, where.lock) == (name, f"slice:{name}")
    assert (where.partition, where.column, where.low, where.high) == rows


def test_upkeep_and_marks_take_no_lock_of_a_writer() -> None:
    writers = [Slice.of_source("a.b", "north"), Slice.of_load("a.b", "north", DAY), Slice.of_audit("a.b", "north")]
    others = [Slice.of_layout("a.b", "north"), Slice.of_source("a.b", "north").beside("buckets:north")]
    assert not {one.lock for one in writers} & {one.lock for one in others}
