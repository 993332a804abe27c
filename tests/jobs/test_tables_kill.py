"""Killed at any point and run again: the same table, the same landed files."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from tallystick.tables import Warehouse, landing, pin, replace_arrow
from tests.lib import store
from tests.lib.kill import run_killed

DAY = "2026-03-10"
FILES = ["accounts.csv", "cards.csv", "orders.csv"]


def write(root: str) -> None:
    """Replace a slice: two files, one of them for rows that an old file holds too."""
    data = store.rows([2], buckets=2, each=5)
    replace_arrow(Warehouse(root), store.CONTRACT, data, where=store.day_slice(2), run=store.run("r2"))


@pytest.mark.parametrize(
    ("at", "after", "nth", "is_committed"),
    [
        ("pyarrow.parquet:ParquetWriter.write_table", True, 2, False),  # the second file has rows but no footer
        ("tallystick.tables.store.door:commit_change", False, 1, False),  # all files lie there, no version names them
        ("tallystick.tables.store.door:commit_change", True, 1, True),  # committed, but the run never heard of it
    ],
    ids=["inside a file", "before the commit", "after the commit"],
)
def test_a_killed_write_shows_all_or_nothing_and_runs_again(
    tmp_path: Path, at: str, after: bool, nth: int, is_committed: bool
) -> None:
    warehouse = Warehouse(tmp_path)
    old = store.rows([1, 2, 3])
    replace_arrow(warehouse, store.CONTRACT, old, where=store.source_slice(), run=store.run("r1"))
    run_killed(write, str(tmp_path), at=at, after=after, nth=nth)
    expected = [row for row in store.ordered(old) if row["loaded_on"] != date(2026, 3, 2)]
    expected = sorted([*expected, *store.ordered(store.rows([2], buckets=2, each=5))], key=str)
    assert (sorted(store.held(warehouse), key=str) == expected) is is_committed
    if not is_committed:
        assert store.held(warehouse) == store.ordered(old)
    write(str(tmp_path))
    assert sorted(store.held(warehouse), key=str) == expected
    assert pin(warehouse, store.NAME).version == 2


def land(root: str, delivery: str) -> None:
    """Land a delivery and publish it."""
    landed = landing.land(Warehouse(root), "north", DAY, delivery, FILES)
    landing.mark_published(landed, store.run("r1"), date(2026, 3, 10))


@pytest.mark.parametrize(
    ("at", "after", "nth", "landed"),
    [
        ("tallystick.tables.landing.raw_folder:_copy", True, 2, "old"),  # some files copied
        ("tallystick.tables.landing.raw_folder:write_whole", True, 1, "old"),  # copied, not yet in place
        ("pathlib:Path.rename", True, 1, "none"),  # the old load is out of the way, the new one not in place
        ("pathlib:Path.rename", True, 2, "new"),  # in place, the old one not cleaned up
        ("tallystick.tables.landing.raw_folder:write_whole", False, 2, "new"),  # in place, not published
        ("os:fsync", True, 5, "new"),  # the mark is half way
    ],
)
def test_a_killed_landing_shows_whole_loads_only_and_runs_again(
    tmp_path: Path, at: str, after: bool, nth: int, landed: str
) -> None:
    warehouse, delivery = Warehouse(tmp_path / "warehouse"), tmp_path / "delivery"
    delivery.mkdir()
    for text in ("old", "new"):
        for name in FILES:
            (delivery / name).write_text(f"{text} {name}\n")
        if text == "old":
            landing.land(warehouse, "north", DAY, delivery, FILES)
    run_killed(land, str(warehouse.root), str(delivery), at=at, after=after, nth=nth)
    found = landing.landings(warehouse, "north")
    assert [f.file(name).read_text().split()[0] for f in found for name in FILES] == [landed] * 3 * (landed != "none")
    assert not any(f.is_published for f in found)
    land(str(warehouse.root), str(delivery))
    (again,) = landing.landings(warehouse, "north")
    assert again.is_published
    assert [again.file(name).read_text() for name in FILES] == [f"new {name}\n" for name in FILES]
    assert sorted(p.name for p in again.path.iterdir()) == ["_manifest.json", "_published.json", *FILES]
    assert sorted(p.name for p in again.path.parent.iterdir()) == [".2026-03-10.lock", "2026-03-10"]
