"""Stored rows by key, wherever the warehouse lies: folders above it may be named as columns are."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest

from tallystick.tables import Warehouse, pin_all, replace_arrow
from tallystick.tables.store.earlier_rows import StoredBefore
from tests.lib import store

FOLDERS = ("warehouse", "amount_minor=3", "event_id=x/source=other/bucket=9", "loaded_on=1999-01-01", "it's [a] st*r?")


@pytest.mark.parametrize("folder", FOLDERS)
def test_folders_above_the_warehouse_give_no_values(tmp_path: Path, folder: str) -> None:
    warehouse = Warehouse(tmp_path / folder)
    for day in (1, 2, 3):
        rows = store.rows([day], buckets=2)
        replace_arrow(warehouse, store.CONTRACT, rows, where=store.day_slice(day), run=store.run(f"r{day}"))
    pinned = pin_all(warehouse, [store.NAME]).values()
    stored = StoredBefore.of(pinned, {store.NAME: store.CONTRACT}, source="north", before=date(2026, 3, 3))
    before = pa.concat_tables([store.rows([1], buckets=2), store.rows([2], buckets=2)])
    read = stored.read(store.NAME, before.column_names)
    assert read.sort_by("event_id").to_pylist() == before.sort_by("event_id").to_pylist()
    found = stored.find(store.NAME, "event_id", pa.array(["1_2_0", "0_1_1", "0_3_0", "no such"]))
    assert sorted(found.select(["event_id", "bucket", "amount_minor"]).to_pylist(), key=str) == [
        {"event_id": "0_1_1", "bucket": 0, "amount_minor": 101},
        {"event_id": "1_2_0", "bucket": 1, "amount_minor": 200},
    ]
