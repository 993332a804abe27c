"""Re-bucketing: the same rows in their customers' new buckets, and nobody who still writes or reads the old ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tallystick.errors import ConflictError, ContractError
from tallystick.tables import (
    Warehouse,
    aligned,
    pin,
    plan_rebucketing,
    replace_arrow,
)
from tallystick.tables.store import door as door_module
from tallystick.tables.store.bucketing import bucket_of
from tests.lib import store
from tests.lib.kill import run_killed
from tests.lib.layouts import bucket, check, laid, load, rebucket, rows, values


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    """Three loads of a source in two buckets, and one of another source in one bucket."""
    filled = Warehouse(tmp_path)
    for day in (1, 2, 3):
        load(filled, day, 2)
    south = laid(store.day_slice(1, source="south"), 1)
    replace_arrow(filled, store.CONTRACT, rows([1], 1, source="south"), where=south, run=store.run("south"))
    return filled


@pytest.mark.parametrize("buckets", [1, 3, 8])
def test_rows_move_to_the_buckets_of_their_customers_and_do_not_change(warehouse: Warehouse, buckets: int) -> None:
    before = store.held(warehouse)
    south = pin(warehouse, store.NAME).where(source="south").paths
    rebucket(warehouse, buckets)
    after = store.held(warehouse)
    assert values(after) == values(before)
    north = [row for row in after if row["source"] == "north"]
    assert [row["bucket"] for row in north] == [bucket(str(row["customer_id"]), buckets) for row in north]
    assert pin(warehouse, store.NAME).where(source="south").paths == south


def test_a_load_keeps_files_of_its_own_sorted_and_with_bounds(warehouse: Warehouse) -> None:
    rebucket(warehouse, 3)
    for file in pin(warehouse, store.NAME).where(source="north").files:
        assert file.bounds["loaded_on"][0] == file.bounds["loaded_on"][1]
        customers = pq.ParquetFile(file.path).read(["customer_id"])["customer_id"].to_pylist()
        assert customers == sorted(customers)
        assert {str(bucket(customer, 3)) for customer in customers} == {file.partition["bucket"]}


def test_a_second_rebucketing_finds_nothing(warehouse: Warehouse) -> None:
    rebucket(warehouse, 4)
    version = pin(warehouse, store.NAME).version
    rebucket(warehouse, 4, run_id="again")
    assert pin(warehouse, store.NAME).version == version


def test_reading_in_another_number_names_table_numbers_and_command(warehouse: Warehouse) -> None:
    check(warehouse, 2)
    with pytest.raises(ContractError) as told:
        check(warehouse, 4)
    expected = "table clean.events: the rows of north lie in 2 buckets, its layout declares 4"
    assert str(told.value) == f"{expected} (tally maintain rebucket north)"
    rebucket(warehouse, 4)
    check(warehouse, 4)
    check(warehouse, 2, version=pin(warehouse, store.NAME).version - 2)  # an old version is as it was


def test_writing_in_another_number_is_refused_before_and_after(warehouse: Warehouse) -> None:
    before = store.held(warehouse)
    with pytest.raises(ContractError, match="lie in 2 buckets, its layout declares 4"):
        load(warehouse, 4, 4)
    assert store.held(warehouse) == before
    rebucket(warehouse, 4)
    with pytest.raises(ContractError, match="on their way to 4 buckets, its layout declares 2"):
        load(warehouse, 4, 2)
    load(warehouse, 4, 4)
    check(warehouse, 4)


def test_rows_in_a_wrong_bucket_are_refused(warehouse: Warehouse) -> None:
    where = laid(store.day_slice(4), 2)
    wrong = rows([4], 2)
    wrong = wrong.set_column(1, store.SCHEMA.field("bucket"), pa.array([7] * 5, pa.int32()))
    with pytest.raises(ContractError, match="not in the bucket of their customer"):
        replace_arrow(warehouse, store.CONTRACT, wrong, where=where, run=store.run("r"))


def test_a_write_that_replaces_all_rows_of_a_source_may_lay_them_out_anew(warehouse: Warehouse) -> None:
    where = laid(store.source_slice(), 4)
    replace_arrow(warehouse, store.CONTRACT, rows([1], 4), where=where, run=store.run("whole"))
    check(warehouse, 4)
    with pytest.raises(ContractError, match="lie in 4 buckets"):
        check(warehouse, 2)


def test_a_table_filled_before_there_were_marks_is_looked_at(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path)
    days = list(range(1, 6))
    replace_arrow(warehouse, store.CONTRACT, rows(days, 4), where=store.source_slice(), run=store.run("old"))
    check(warehouse, 4)
    with pytest.raises(ContractError, match="lie in 4 buckets, its layout declares 8"):
        check(warehouse, 8)
    rebucket(warehouse, 4)  # sets the mark
    assert warehouse.open(store.NAME).transaction_version("buckets:north") == 4
    with pytest.raises(ContractError, match="lie in 4 buckets, its layout declares 8"):
        load(warehouse, 9, 8)


def test_a_version_of_another_number_is_given_to_every_bucket(warehouse: Warehouse) -> None:
    old = pin(warehouse, store.NAME).where(source="north")
    assert aligned(warehouse, old, source="north", buckets=2) == old
    spread = aligned(warehouse, old, source="north", buckets=4)
    assert {file.partition["period"] for file in spread.files} == {"all"}
    assert spread.paths == old.paths


def overtaken(monkeypatch: pytest.MonkeyPatch, module: object, other: Callable[[], object]) -> None:
    """Let ``other`` run in full between the next commit's look at the table and the commit."""
    real, done = module.commit_change, []  # type: ignore[attr-defined]

    def late(*args: object, **kwargs: object) -> object:
        if not done:
            done.append(True)
            other()
        return real(*args, **kwargs)

    monkeypatch.setattr(module, "commit_change", late)


def test_a_load_that_began_before_the_rebucketing_does_not_enter(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = store.held(warehouse)
    overtaken(monkeypatch, door_module, lambda: rebucket(warehouse, 4))
    with pytest.raises(ConflictError):
        load(warehouse, 4, 2)
    assert values(store.held(warehouse)) == values(before)
    check(warehouse, 4)


def test_nobody_writes_between_the_fence_and_the_swap(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    from tallystick.tables.upkeep import compaction

    refused = []

    def try_both() -> None:
        for buckets in (2, 4):
            with pytest.raises(ContractError) as told:
                load(warehouse, 4, buckets)
            refused.append(told.value.what)

    overtaken(monkeypatch, compaction, try_both)
    rebucket(warehouse, 4)
    assert refused == [
        "the rows of north are on their way to 4 buckets, its layout declares 2",
        "the rows of north lie in 2 buckets, its layout declares 4",
    ]


def test_another_source_is_loaded_meanwhile(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    from tallystick.tables.upkeep import compaction

    where = laid(store.day_slice(2, source="south"), 1)
    new = rows([2], 1, source="south")
    overtaken(
        monkeypatch,
        compaction,
        lambda: replace_arrow(warehouse, store.CONTRACT, new, where=where, run=store.run("south 2")),
    )
    rebucket(warehouse, 4)
    assert len([row for row in store.held(warehouse) if row["source"] == "south"]) == 10


def rebucket_north(root: str) -> None:
    """Re-bucket, in a process that a test may kill."""
    rebucket(Warehouse(root), 4)


@pytest.mark.parametrize(
    ("at", "after"),
    [
        ("tallystick.tables.upkeep.rebucketing:_set_fence", True),
        ("pyarrow.parquet:ParquetWriter.write_table", True),
        ("tallystick.tables.upkeep.compaction:commit_change", False),
        ("tallystick.tables.upkeep.compaction:commit_change", True),
    ],
    ids=["behind the fence", "inside a file", "before the commit", "after the commit"],
)
def test_a_killed_rebucketing_is_finished_by_the_next(warehouse: Warehouse, at: str, after: bool) -> None:
    before = store.held(warehouse)
    run_killed(rebucket_north, str(warehouse.root), at=at, after=after)
    assert values(store.held(warehouse)) == values(before)
    with pytest.raises(ContractError):
        check(warehouse, 2)
    rebucket(warehouse, 4)
    check(warehouse, 4)
    assert values(store.held(warehouse)) == values(before)


def test_a_rebucketing_can_be_taken_back_before_the_swap(warehouse: Warehouse) -> None:
    run = store.run("r")
    plan_rebucketing(warehouse, store.CONTRACT, source="north", buckets=4, run=run)
    with pytest.raises(ContractError, match="on their way to 4"):
        load(warehouse, 4, 2)
    rebucket(warehouse, 2)
    load(warehouse, 4, 2)


def test_the_bucket_of_a_customer_is_sparks(warehouse: Warehouse) -> None:
    names = pa.array(["north:1", "", "severo:příliš", None])
    expected = [*(bucket(name, 7) for name in names.to_pylist() if name is not None), 42 % 7]
    assert bucket_of(names, 7).tolist() == expected
