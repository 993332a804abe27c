"""Looked-up columns must be what was known of the other table at every business date, whatever was known later."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta

import pyarrow as pa

from tallystick.features import attach_lookups
from tallystick.spec.features import Lookup

LOOKUP = Lookup(table="clean.regions", on="region_id", columns=("rate",))
START = date(2026, 1, 1)


def events_table(rows: list[tuple[str, str | None, int]]) -> pa.Table:
    """Rows of (event_id, region_id, known day)."""
    return pa.table(
        {
            "fact_id": [row[0] for row in rows],
            "region_id": pa.array([row[1] for row in rows], pa.string()),
            "known_on": pa.array([START + timedelta(days=row[2]) for row in rows], pa.date32()),
            "event_at": pa.array([datetime(2025, 1, 1, tzinfo=UTC)] * len(rows), pa.timestamp("us", tz="UTC")),
        }
    )


def regions_table(rows: list[tuple[str, int, int]]) -> pa.Table:
    """Rows of (region_id, known day, rate)."""
    return pa.table(
        {
            "region_id": pa.array([row[0] for row in rows], pa.string()),
            "known_on": pa.array([START + timedelta(days=row[1]) for row in rows], pa.date32()),
            "rate": pa.array([row[2] for row in rows], pa.int64()),
        }
    )


def seen_at(table: pa.Table, event_id: str, day: int) -> tuple[str | None, int | None] | None:
    """(region, rate) of the version of an event that is the latest known on a day; None where none is."""
    rows = [r for r in table.to_pylist() if r["fact_id"] == event_id and r["known_on"] <= START + timedelta(days=day)]
    if not rows:
        return None
    last = max(rows, key=lambda r: r["known_on"])
    assert sum(r["known_on"] == last["known_on"] for r in rows) == 1, "two versions known on one day"
    return last["region_id"], last["rate"]


def test_a_row_that_was_known_before_the_event_adds_no_version() -> None:
    joined = attach_lookups(
        events_table([("e1", "north", 5), ("e2", None, 5), ("e3", "nowhere", 5)]),
        (LOOKUP,),
        {"clean.regions": regions_table([("north", 0, 7)])},
        event_id="fact_id",
    )
    assert joined["rate"].to_pylist() == [7, None, None]


def test_a_row_that_became_known_later_is_not_seen_before() -> None:
    joined = attach_lookups(
        events_table([("e1", "north", 5)]),
        (LOOKUP,),
        {"clean.regions": regions_table([("north", 8, 7), ("north", 10, 9)])},
        event_id="fact_id",
    )
    seen = {day: seen_at(joined, "e1", day) for day in (4, 5, 7, 8, 9, 10)}
    assert seen == {
        4: None,
        5: ("north", None),
        7: ("north", None),
        8: ("north", 7),
        9: ("north", 7),
        10: ("north", 9),
    }


def test_versions_agree_with_looking_up_day_by_day() -> None:
    rng = random.Random(20260310)
    for _ in range(60):
        regions = list(
            {(rng.choice("ab"), rng.randrange(12)): rng.randrange(100) for _ in range(rng.randrange(6))}.items()
        )
        dimension = [(name, day, rate) for (name, day), rate in regions]
        facts = list(
            {(rng.choice("xyz"), rng.randrange(12)): rng.choice(["a", "b", "c", None]) for _ in range(6)}.items()
        )
        events = [(event, region, day) for (event, day), region in facts]
        joined = attach_lookups(
            events_table(events), (LOOKUP,), {"clean.regions": regions_table(dimension)}, event_id="fact_id"
        )
        for event in "xyz":
            for day in range(13):
                versions = [(known, region) for (name, region, known) in events if name == event and known <= day]
                if not versions:
                    assert seen_at(joined, event, day) is None
                    continue
                region = max(versions)[1] if all(v[1] for v in versions) else max(versions, key=lambda v: v[0])[1]
                rates = [(known, rate) for (name, known, rate) in dimension if name == region and known <= day]
                assert seen_at(joined, event, day) == (region, max(rates)[1] if rates else None)
