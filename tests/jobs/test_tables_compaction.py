"""Compaction: few large sorted files, the same rows, younger loads untouched, and one winner beside a load."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tallystick.errors import ConflictError, ContractError
from tallystick.tables import (
    Commit,
    Pinned,
    Warehouse,
    commit_layout,
    pin,
    plan_compaction,
    read_arrow,
    replace_arrow,
    replace_files,
    write_merge,
)
from tallystick.tables.store import door as door_module
from tallystick.tables.store.changes import ChangeLog
from tests.lib import store
from tests.lib.kill import run_killed
from tests.lib.layouts import BEFORE, compact


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    """Eight loads of three buckets, each load with files of its own."""
    filled = Warehouse(tmp_path)
    for day in range(1, 9):
        data = store.rows([day], buckets=2)
        replace_arrow(filled, store.CONTRACT, data, where=store.day_slice(day), run=store.run(f"load {day}"))
    return filled


def planned(warehouse: Warehouse, **options: int) -> int:
    return plan_compaction(warehouse, store.CONTRACT, source="north", before=BEFORE, **options).files


def old_files(pinned: Pinned) -> list[tuple[str, int]]:
    """Bucket and rows of the files that hold older loads."""
    return sorted((f.partition["bucket"], f.rows) for f in pinned.files if f.bounds["loaded_on"][0] < BEFORE)


def test_old_loads_become_one_sorted_file_a_partition_and_no_row_changes(warehouse: Warehouse) -> None:
    before = store.held(warehouse)
    younger = {f.path for f in pin(warehouse, store.NAME).files if f.bounds["loaded_on"][0] >= BEFORE}
    compact(warehouse)
    pinned = pin(warehouse, store.NAME)
    assert store.held(warehouse) == before
    assert old_files(pinned) == [("0", 15), ("1", 15)]
    assert younger < set(pinned.paths)
    for file in pinned.where(bucket=1).files:
        order = [(r["customer_id"], r["event_at"], r["event_id"]) for r in pq.ParquetFile(file.path).read().to_pylist()]
        assert order == sorted(order)
        columns = pq.read_metadata(file.path).row_group(0)
        encodings = {columns.column(n).path_in_schema: columns.column(n).encodings for n in range(columns.num_columns)}
        assert "DELTA_BINARY_PACKED" in encodings["event_at"], "a merge writes as every other writer does"


def test_a_compacted_file_has_the_bounds_that_find_its_loads(warehouse: Warehouse) -> None:
    compact(warehouse)
    old = [f for f in pin(warehouse, store.NAME).files if f.bounds["loaded_on"][0] < BEFORE]
    assert {f.bounds["loaded_on"] for f in old} == {(date(2026, 3, 1), date(2026, 3, 5))}
    for file in old:
        instants = pq.ParquetFile(file.path).read(["event_at"])["event_at"].to_pylist()
        assert file.bounds["event_at"] == (min(instants), max(instants))
    # deltalake's own dataset filters by the bounds in the log: one that is missing or wrong would hide rows.
    found = read_arrow(warehouse, store.NAME, filter=pa.compute.field("loaded_on") == date(2026, 3, 3))
    assert store.ordered(found) == store.ordered(store.rows([3], buckets=2))


def test_a_compaction_is_no_change_to_those_who_ask_for_changes(warehouse: Warehouse) -> None:
    version = pin(warehouse, store.NAME).version
    compact(warehouse)
    assert ChangeLog(warehouse, "north").since(store.NAME, version) == ()
    replay(warehouse, 7)
    assert ChangeLog(warehouse, "north").since(store.NAME, version)


def test_a_second_compaction_finds_nothing(warehouse: Warehouse) -> None:
    compact(warehouse)
    assert planned(warehouse) == 0
    version = pin(warehouse, store.NAME).version
    assert pin(warehouse, store.NAME).version == version


def test_a_partition_with_one_file_is_left_alone(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path)
    replace_arrow(warehouse, store.CONTRACT, store.rows([1, 2]), where=store.source_slice(), run=store.run("r"))
    assert planned(warehouse) == 0


def test_another_source_is_left_alone(warehouse: Warehouse) -> None:
    for day in (1, 2):
        where, data = store.day_slice(day, source="south"), store.rows([day], source="south")
        replace_arrow(warehouse, store.CONTRACT, data, where=where, run=store.run(f"south {day}"))
    before = pin(warehouse, store.NAME).where(source="south").paths
    compact(warehouse)
    assert pin(warehouse, store.NAME).where(source="south").paths == before


def test_a_later_compaction_takes_the_loads_that_have_become_old(warehouse: Warehouse) -> None:
    before = store.held(warehouse)
    compact(warehouse)
    compact(warehouse, run_id="c2", before=date(2026, 3, 8))
    assert sorted(f.rows for f in pin(warehouse, store.NAME).where(bucket=0).files) == [3, 21]
    assert store.held(warehouse) == before


def many_rows(day: int, count: int) -> pa.Table:
    """``count`` rows of as many customers, loaded on that day of March, in no order."""
    data = pa.concat_tables([store.rows([day], each=50)] * (count // 50))
    names = pa.array([f"{day}_{number * 7_919 % count}" for number in range(count)])
    data = data.set_column(4, store.SCHEMA.field("event_id"), names)
    return data.set_column(3, store.SCHEMA.field("customer_id"), names)


def test_a_file_of_target_size_is_never_written_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tallystick.tables.store.file_writer.ROW_GROUP_ROWS", 2_048)
    monkeypatch.setattr("tallystick.tables.store.file_writer.READ_ROWS", 2_048)
    monkeypatch.setattr("tallystick.tables.upkeep.rewriting.READ_ROWS", 2_048)
    warehouse = Warehouse(tmp_path)
    for day in range(1, 9):
        where = store.day_slice(day)
        replace_arrow(warehouse, store.CONTRACT, many_rows(day, 5_000), where=where, run=store.run(f"load {day}"))
    before = store.held(warehouse)
    target = max(f.size for f in pin(warehouse, store.NAME).files) + 1
    compact(warehouse, target_bytes=target)
    old = [f for f in pin(warehouse, store.NAME).files if f.bounds["loaded_on"][0] < BEFORE]
    full = {f.path for f in old if f.size >= target}
    assert 3 <= len(full) <= 5
    assert len(old) - len(full) <= 1
    assert planned(warehouse, target_bytes=target) == 0
    assert store.held(warehouse) == before
    compact(warehouse, run_id="c2", target_bytes=target, before=date(2026, 3, 9))
    assert full < set(pin(warehouse, store.NAME).paths)
    assert store.held(warehouse) == before


@pytest.mark.parametrize("rows", [store.rows([3], buckets=2, each=4), None], ids=["with other rows", "with nothing"])
def test_a_load_inside_a_compacted_file_is_swapped_exactly(warehouse: Warehouse, rows: pa.Table | None) -> None:
    compact(warehouse)
    where, run = store.day_slice(3), store.run("again")
    if rows is None:
        replace_files(warehouse, store.CONTRACT, [], where=where, run=run)
    else:
        replace_arrow(warehouse, store.CONTRACT, rows, where=where, run=run)
    others = store.rows([1, 2, 4, 5, 6, 7, 8], buckets=2)
    expected = others if rows is None else pa.concat_tables([others, rows])
    assert store.held(warehouse) == store.ordered(expected)


def test_the_rest_of_a_swapped_file_is_written_in_pieces(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    compact(warehouse)
    monkeypatch.setattr("tallystick.tables.store.file_writer.READ_ROWS", 2)
    replace_arrow(warehouse, store.CONTRACT, store.rows([3]), where=store.day_slice(3), run=store.run("again"))
    for file in pin(warehouse, store.NAME).files:
        rows = pq.ParquetFile(file.path).read().to_pylist()
        assert [r["customer_id"] for r in rows] == sorted(r["customer_id"] for r in rows)
    expected = pa.concat_tables([store.rows([1, 2, 4, 5, 6, 7, 8], buckets=2), store.rows([3])])
    assert store.held(warehouse) == store.ordered(expected)


def test_a_load_that_did_not_have_a_column_yet_is_merged_with_nulls(warehouse: Warehouse) -> None:
    grown = replace(store.CONTRACT, columns=(*store.CONTRACT.columns, replace(store.CONTRACT.columns[-1], name="new")))
    wide = store.rows([9]).append_column("new", pa.array([True] * 3))
    replace_arrow(warehouse, grown, wide, where=store.day_slice(9), run=store.run("grown"))
    plan = plan_compaction(warehouse, grown, source="north", before=date(2026, 3, 10))
    files = [file for merge in plan.merges for file in write_merge(warehouse, plan.contract, merge)]
    commit_layout(warehouse, plan, files=files, run=store.run("c"))
    values = read_arrow(warehouse, store.NAME, columns=["new"])["new"].to_pylist()
    assert (values.count(True), values.count(None)) == (3, 48)


def test_columns_that_only_the_stored_table_has_are_kept(warehouse: Warehouse) -> None:
    left_behind = replace(store.CONTRACT, columns=store.CONTRACT.columns[:-1])
    before = store.held(warehouse)
    plan = plan_compaction(warehouse, left_behind, source="north", before=BEFORE)
    files = [file for merge in plan.merges for file in write_merge(warehouse, plan.contract, merge)]
    commit_layout(warehouse, plan, files=files, run=store.run("c"))
    assert store.held(warehouse) == before


def test_rows_that_are_not_what_the_log_says_stop_the_compaction(warehouse: Warehouse) -> None:
    plan = plan_compaction(warehouse, store.CONTRACT, source="north", before=BEFORE)
    merge = plan.merges[0]
    files = (replace(merge.files[0], rows=99), *merge.files[1:])
    before = sorted(warehouse.root.rglob("*.parquet"))
    with pytest.raises(ContractError, match="the files hold 15 rows, the log says 111"):
        write_merge(warehouse, store.CONTRACT, replace(merge, files=files))
    assert sorted(warehouse.root.rglob("*.parquet")) == before


def test_rows_beyond_the_memory_are_sorted_on_disk(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path)
    for day in (1, 2, 3):
        data = many_rows(day, 150_000)
        replace_arrow(warehouse, store.CONTRACT, data, where=store.day_slice(day), run=store.run(f"load {day}"))
    plan = plan_compaction(warehouse, store.CONTRACT, source="north", before=BEFORE)
    (file,) = write_merge(warehouse, store.CONTRACT, plan.merges[0], memory_bytes=48 * 2**20)
    stored = pq.ParquetFile(warehouse.table_path(store.NAME) / file.path)
    assert (file.rows, stored.metadata.num_row_groups) == (450_000, 4)
    customers = stored.read(["customer_id"])["customer_id"].to_pylist()
    assert customers == sorted(customers)


def overtaken(monkeypatch: pytest.MonkeyPatch, module: object, other: Callable[[], object]) -> None:
    """Let ``other`` run in full between the next commit's look at the table and the commit."""
    real, done = module.commit_change, []  # type: ignore[attr-defined]

    def late(*args: object, **kwargs: object) -> object:
        if not done:
            done.append(True)
            other()
        return real(*args, **kwargs)

    monkeypatch.setattr(module, "commit_change", late)


def replay(warehouse: Warehouse, day: int) -> Commit:
    """A load again, with a row less a bucket."""
    data = store.rows([day], buckets=2, each=2)
    return replace_arrow(warehouse, store.CONTRACT, data, where=store.day_slice(day), run=store.run("replay"))


def test_a_load_that_is_faster_than_a_compaction_wins(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    from tallystick.tables.upkeep import compaction

    overtaken(monkeypatch, compaction, lambda: replay(warehouse, 3))
    with pytest.raises(ConflictError):
        compact(warehouse)
    expected = pa.concat_tables([store.rows([1, 2, 4, 5, 6, 7, 8], buckets=2), store.rows([3], buckets=2, each=2)])
    assert store.held(warehouse) == store.ordered(expected)
    compact(warehouse, run_id="later")
    assert store.held(warehouse) == store.ordered(expected)
    assert old_files(pin(warehouse, store.NAME)) == [("0", 14), ("1", 14)]


def test_a_compaction_that_is_faster_than_a_load_wins(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    before = store.held(warehouse)
    overtaken(monkeypatch, door_module, lambda: compact(warehouse))
    with pytest.raises(ConflictError):
        replay(warehouse, 3)
    assert store.held(warehouse) == before
    replay(warehouse, 3)
    assert len(store.held(warehouse)) == len(before) - 2


def test_a_new_load_and_a_compaction_do_not_disturb_each_other(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    overtaken(monkeypatch, door_module, lambda: compact(warehouse))
    replace_arrow(warehouse, store.CONTRACT, store.rows([9]), where=store.day_slice(9), run=store.run("new"))
    expected = pa.concat_tables([store.rows(list(range(1, 9)), buckets=2), store.rows([9])])
    assert store.held(warehouse) == store.ordered(expected)
    assert old_files(pin(warehouse, store.NAME)) == [("0", 15), ("1", 15)]


def test_of_two_compactions_one_wins(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    from tallystick.tables.upkeep import compaction

    before = store.held(warehouse)
    overtaken(monkeypatch, compaction, lambda: compact(warehouse, run_id="fast"))
    with pytest.raises(ConflictError):
        compact(warehouse, run_id="slow")
    assert store.held(warehouse) == before


def compact_north(root: str) -> None:
    """Compact, in a process that a test may kill."""
    compact(Warehouse(root))


@pytest.mark.parametrize(
    ("at", "after", "nth", "is_committed"),
    [
        ("pyarrow.parquet:ParquetWriter.write_table", True, 2, False),  # a file has rows but no footer
        # All files lie there and no version names them; then committed, but the run never heard of it.
        ("tallystick.tables.upkeep.compaction:commit_change", False, 1, False),
        ("tallystick.tables.upkeep.compaction:commit_change", True, 1, True),
    ],
    ids=["inside a file", "before the commit", "after the commit"],
)
def test_a_killed_compaction_changes_no_row_and_runs_again(
    warehouse: Warehouse, at: str, after: bool, nth: int, is_committed: bool
) -> None:
    before = store.held(warehouse)
    run_killed(compact_north, str(warehouse.root), at=at, after=after, nth=nth)
    assert store.held(warehouse) == before
    assert (planned(warehouse) == 0) is is_committed
    if not is_committed:
        compact(warehouse, run_id="again")
    assert store.held(warehouse) == before
    assert old_files(pin(warehouse, store.NAME)) == [("0", 15), ("1", 15)]
