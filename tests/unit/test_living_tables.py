"""The four steps of a live feature table, seen by three readers: before, after the step, after new rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError

from tallystick.errors import ConflictError, ContractError
from tallystick.features import GroupWork, compute_local
from tallystick.spec.columns import group_contract
from tallystick.spec.features import Change, FeatureGroup
from tallystick.spec.tables import Column
from tallystick.tables import Slice, Warehouse, arrow_schema, ensure_table, query, read_arrow, replace_arrow
from tallystick.tables.store.stored_schema import grown_schema
from tests.lib import store
from tests.lib.feature_cases import CONTRACTS, make_observations
from tests.lib.living import (
    EVENTS,
    TABLE,
    by_deltalake,
    by_duckdb,
    by_query,
    living_group,
    midnight,
    paid,
    store_days,
)

READERS = (by_deltalake, by_duckdb, by_query)
FIRST = living_group(paid())
# The sum of three days' payments: 100 + 200 + 300 on the fourth, and so on.
SUMS = {4: 600, 5: 900, 6: 1200, 7: 1500, 8: 1800}


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    """A table with the fourth and fifth of March."""
    home = Warehouse(tmp_path)
    store_days(home, FIRST, 4, 5)
    return home


def adopt(warehouse: Warehouse, group: FeatureGroup) -> None:
    """The step alone: the declaration meets the table, no row is written."""
    ensure_table(warehouse, group_contract(group, CONTRACTS))


def assert_read(warehouse: Warehouse, column: str, expected: dict[int, Any], *readers: Callable[..., Any]) -> None:
    for reader in readers or READERS:
        assert reader(warehouse, column) == expected, reader.__name__


def protocol(warehouse: Warehouse) -> tuple[int, int]:
    found = DeltaTable(str(warehouse.table_path(TABLE))).protocol()
    return found.min_reader_version, found.min_writer_version


def test_an_added_feature_is_absent_before_and_there_after(warehouse: Warehouse) -> None:
    # Counts and sums too: no row that is older than the feature has one.
    wider = living_group(paid(), paid(name="large", where="amount_minor >= 500"), derived=(Change(of="out_sum"),))
    adopt(warehouse, wider)
    for name in ("txn_large_count_3d", "txn_large_sum_3d", "txn_out_sum_change_3d"):
        assert_read(warehouse, name, {4: None, 5: None})
    store_days(warehouse, wider, 6, 7)
    assert_read(warehouse, "txn_large_sum_3d", {4: None, 5: None, 6: 500, 7: 1100})
    assert_read(warehouse, "txn_out_sum_3d", {day: SUMS[day] for day in (4, 5, 6, 7)})
    # A backfill gives the old rows their history.
    store_days(warehouse, wider, 4, 5)
    assert_read(warehouse, "txn_large_count_3d", {4: 0, 5: 0, 6: 1, 7: 2})
    assert protocol(warehouse) == (1, 2)


def test_a_filter_finds_old_and_new_rows_alike(warehouse: Warehouse) -> None:
    wider = living_group(paid(), paid(name="large", where="amount_minor >= 500"))
    store_days(warehouse, wider, 6)
    rows = read_arrow(warehouse, TABLE, filter=pc.field("txn_large_sum_3d").is_null())
    assert sorted({at.day for at in rows["as_of"].to_pylist()}) == [4, 5]
    assert read_arrow(warehouse, TABLE, filter=pc.field("txn_out_sum_3d") > 0).num_rows == 3
    assert query(warehouse, f"SELECT count(*) AS n FROM {TABLE} WHERE txn_large_count_3d = 1").to_pylist() == [{"n": 1}]


def test_a_changed_feature_keeps_its_column(warehouse: Warehouse) -> None:
    adopt(warehouse, living_group(paid(version=2)))
    assert DeltaTable(str(warehouse.table_path(TABLE))).version() == 1
    twice = living_group(paid(value="amount_minor * 2"))
    store_days(warehouse, twice, 6)
    assert_read(warehouse, "txn_out_sum_3d", {4: 600, 5: 900, 6: 2400})
    store_days(warehouse, twice, 4, 5)
    assert_read(warehouse, "txn_out_sum_3d", {4: 1200, 5: 1800, 6: 2400})


def test_a_renamed_feature_is_written_under_its_new_name_only(warehouse: Warehouse) -> None:
    renamed = living_group(paid(name="spent", replaces="out"))
    adopt(warehouse, renamed)
    assert_read(warehouse, "txn_out_sum_3d", {4: 600, 5: 900}, by_deltalake, by_duckdb)
    assert_read(warehouse, "txn_spent_sum_3d", {4: None, 5: None})
    store_days(warehouse, renamed, 6)
    assert_read(warehouse, "txn_out_sum_3d", {4: 600, 5: 900, 6: None}, by_deltalake, by_duckdb)
    assert_read(warehouse, "txn_spent_sum_3d", {4: None, 5: None, 6: 1200})
    store_days(warehouse, renamed, 4, 5)
    assert_read(warehouse, "txn_spent_sum_3d", {day: SUMS[day] for day in (4, 5, 6)})
    assert not {"txn_out_sum_3d", "txn_out_count_3d"} & set(read_arrow(warehouse, TABLE).column_names)


def test_a_retired_feature_ends_on_its_date_and_keeps_its_history(warehouse: Warehouse) -> None:
    retired = living_group(paid(retired_on=date(2026, 3, 7)), paid(name="large", where="amount_minor >= 500"))
    adopt(warehouse, retired)
    assert_read(warehouse, "txn_out_sum_3d", {4: 600, 5: 900}, by_deltalake, by_duckdb)
    store_days(warehouse, retired, 6, 7, 8)
    expected = {4: 600, 5: 900, 6: 1200, 7: None, 8: None}
    assert_read(warehouse, "txn_out_sum_3d", expected, by_deltalake, by_duckdb)
    # A later run over days before the date still computes it.
    store_days(warehouse, retired, 5)
    assert_read(warehouse, "txn_out_sum_3d", expected, by_deltalake, by_duckdb)
    assert_read(warehouse, "txn_large_sum_3d", {4: None, 5: 0, 6: 500, 7: 1100, 8: 1800})
    assert not {"txn_out_sum_3d", "txn_out_count_3d"} & set(read_arrow(warehouse, TABLE).column_names)


def test_a_date_is_a_business_date_in_the_zone_of_the_source(warehouse: Warehouse) -> None:
    work = GroupWork.of(living_group(paid(retired_on=date(2026, 3, 7))), CONTRACTS, first=date(2026, 3, 5))
    # Four in the afternoon of the sixth in UTC is the midnight that begins the seventh in Shanghai.
    asked = make_observations(*(("bank:1", midnight(6).replace(hour=hour)) for hour in (15, 16, 18)))
    sums = {
        zone: compute_local(work, EVENTS, asked, dimensions={}, zone=zone)["txn_out_sum_3d"].null_count
        for zone in ("UTC", "Asia/Shanghai")
    }
    assert sums == {"UTC": 0, "Asia/Shanghai": 2}


def test_a_column_whose_definition_is_gone_is_retired_by_its_name_or_a_pattern(warehouse: Warehouse) -> None:
    narrow = living_group(paid(ops="sum"), retired={"txn_out_count_*": date(2026, 3, 6)})
    store_days(warehouse, narrow, 6)
    assert_read(warehouse, "txn_out_count_3d", {4: 3, 5: 3, 6: None}, by_deltalake, by_duckdb)
    assert_read(warehouse, "txn_out_sum_3d", {4: 600, 5: 900, 6: 1200})
    # The mark is in the table: the declaration may be tidied away, and is not asked for again.
    store_days(warehouse, living_group(paid(ops="sum")), 7)
    assert "txn_out_count_3d" not in read_arrow(warehouse, TABLE).column_names


def test_rows_beside_a_replaced_slice_keep_the_history_of_retired_columns(warehouse: Warehouse) -> None:
    # Both days lie in one file: replacing one of them writes the other one's rows again.
    store_days(warehouse, living_group(paid(ops="sum"), retired={"txn_out_count_3d": date(2026, 3, 5)}), 5)
    assert_read(warehouse, "txn_out_count_3d", {4: 3, 5: None}, by_deltalake, by_duckdb)


def test_a_feature_that_comes_back_is_read_again(warehouse: Warehouse) -> None:
    adopt(warehouse, living_group(paid(retired_on=date(2026, 3, 6))))
    assert "txn_out_sum_3d" not in read_arrow(warehouse, TABLE).column_names
    store_days(warehouse, FIRST, 6)
    assert_read(warehouse, "txn_out_sum_3d", {4: 600, 5: 900, 6: 1200})


def test_every_step_is_one_version_of_the_table_and_none_when_repeated(warehouse: Warehouse) -> None:
    before = DeltaTable(str(warehouse.table_path(TABLE))).version()
    files = DeltaTable(str(warehouse.table_path(TABLE))).file_uris()
    for step, group in enumerate(
        (
            living_group(paid(name="spent", replaces="out")),
            living_group(paid(name="spent", retired_on=date(2026, 3, 6)), paid(name="large")),
        ),
        start=1,
    ):
        for _ in range(2):
            adopt(warehouse, group)
            table = DeltaTable(str(warehouse.table_path(TABLE)))
            assert (table.version(), table.file_uris()) == (before + step, files)


def test_a_step_that_meets_another_writer_says_so(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    def lose(*_: object, **__: object) -> None:
        raise CommitFailedError("another one was first")

    monkeypatch.setattr(DeltaTable, "create_write_transaction", lose)
    with pytest.raises(ConflictError, match="another run changed the table"):
        adopt(warehouse, living_group(paid(name="spent", replaces="out")))


def test_a_new_row_without_a_count_is_refused(warehouse: Warehouse) -> None:
    rows = read_arrow(warehouse, TABLE)
    place = rows.schema.get_field_index("txn_out_count_3d")
    empty = rows.set_column(place, "txn_out_count_3d", pa.nulls(rows.num_rows, pa.int64()))
    where = Slice("all", {"observations": "daily", "source": "bank"})
    with pytest.raises(ContractError, match=r"required columns \['txn_out_count_3d'\] have nulls"):
        replace_arrow(warehouse, group_contract(FIRST, CONTRACTS), empty, where=where, run=store.run("r9"))


def strict_table(warehouse: Warehouse) -> Warehouse:
    """The same rows in a table as it was made when counts and sums were NOT NULL, with their bounds in the log."""
    contract = group_contract(FIRST, CONTRACTS)
    strict = replace(contract, columns=tuple(replace(c, required=c.required or c.filled) for c in contract.columns))
    other = Warehouse(warehouse.root / "strict")
    where = Slice("daily", {"observations": "daily", "source": "bank"})
    replace_arrow(other, strict, read_arrow(warehouse, TABLE), where=where, run=store.run("r"))
    return other


def test_a_table_from_when_counts_could_not_be_null_is_mended(warehouse: Warehouse) -> None:
    old = strict_table(warehouse)
    stored = DeltaTable(str(old.table_path(TABLE)))
    assert not pa.schema(stored.schema().to_arrow()).field("txn_out_sum_3d").nullable
    assert "min.txn_out_sum_3d" in pa.table(stored.get_add_actions(flatten=True)).column_names
    wider = living_group(paid(), paid(name="large", where="amount_minor >= 500"))
    store_days(old, wider, 6)
    assert_read(old, "txn_out_sum_3d", {4: 600, 5: 900, 6: 1200})
    assert_read(old, "txn_large_sum_3d", {4: None, 5: None, 6: 500})
    # Bounds in some files and not in others would hide rows from a filter.
    assert read_arrow(old, TABLE, filter=pc.field("txn_out_sum_3d") > 0).num_rows == 3
    mended = DeltaTable(str(old.table_path(TABLE)))
    assert mended.metadata().configuration["delta.dataSkippingStatsColumns"] == "as_of"
    assert mended.to_pyarrow_table().num_rows == 6


def test_of_many_columns_that_differ_the_first_and_their_number_are_told() -> None:
    more = tuple(Column(name=f"share_{number}", type="double") for number in range(9))
    wider = replace(store.CONTRACT, columns=(*store.CONTRACT.columns, *more))
    told = r"differs from its contract in (share_\d, ){4}share_4 and 4 more columns \(rebuild"
    with pytest.raises(ContractError, match=told):
        grown_schema(arrow_schema(wider.columns), store.CONTRACT)
