"""The door for files: what it refuses, what it replaces, and what it leaves alone."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

from tallystick.errors import ContractError, DeclarationError
from tallystick.spec.tables import Column
from tallystick.tables import (
    DataFile,
    Slice,
    Warehouse,
    ensure_table,
    pin,
    replace_arrow,
    replace_files,
    write_file,
)
from tallystick.tables.store import keys
from tests.lib import store

PARTITION = {"source": "north", "bucket": 0, "period": "2026"}


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    return Warehouse(tmp_path)


def write(warehouse: Warehouse, data: pa.Table, *, rel: str = "part.parquet", **partition: object) -> DataFile:
    ensure_table(warehouse, store.CONTRACT)
    values = {**PARTITION, **partition}
    path = warehouse.table_path(store.NAME)
    return write_file(path, rel, data.drop_columns(list(values)), values, store.CONTRACT)


def set_column(data: pa.Table, name: str, values: pa.Array) -> pa.Table:
    return data.set_column(data.schema.get_field_index(name), name, values)


def test_a_slice_is_replaced_and_its_neighbours_are_untouched(warehouse: Warehouse) -> None:
    for day in (1, 2, 3):
        replace_arrow(
            warehouse, store.CONTRACT, store.rows([day]), where=store.day_slice(day), run=store.run(f"r{day}")
        )
    before = pin(warehouse, store.NAME)
    replace_arrow(warehouse, store.CONTRACT, store.rows([2], each=5), where=store.day_slice(2), run=store.run("again"))
    after = pin(warehouse, store.NAME)
    assert store.held(warehouse) == store.ordered(pa.concat_tables([store.rows([1, 3]), store.rows([2], each=5)]))
    kept = {f.path for f in before.files} & {f.path for f in after.files}
    assert len(kept) == 2
    assert store.held(warehouse, version=before.version) == store.ordered(store.rows([1, 2, 3]))


def test_the_second_call_of_a_run_writes_nothing(warehouse: Warehouse) -> None:
    first = replace_arrow(warehouse, store.CONTRACT, store.rows([1]), where=store.day_slice(1), run=store.run("r1"))
    files = sorted(warehouse.root.rglob("*.parquet"))
    second = replace_arrow(warehouse, store.CONTRACT, store.rows([1]), where=store.day_slice(1), run=store.run("r1"))
    assert (second.skipped, second.version, second.rows, second.files) == (True, first.version, 3, 1)
    assert sorted(warehouse.root.rglob("*.parquet")) == files
    again = replace_files(warehouse, store.CONTRACT, [], where=store.day_slice(1), run=store.run("r1"))
    assert again.skipped
    assert len(store.held(warehouse)) == 3


def test_one_run_may_write_several_slices(warehouse: Warehouse) -> None:
    for day in (1, 2):
        done = replace_arrow(
            warehouse, store.CONTRACT, store.rows([day]), where=store.day_slice(day), run=store.run("r")
        )
        assert not done.skipped
    assert len(store.held(warehouse)) == 6


def test_a_run_id_inside_another_is_not_mistaken_for_it(warehouse: Warehouse) -> None:
    replace_arrow(warehouse, store.CONTRACT, store.rows([1]), where=store.day_slice(1), run=store.run("run-10"))
    done = replace_arrow(warehouse, store.CONTRACT, store.rows([1]), where=store.day_slice(1), run=store.run("run-1"))
    assert not done.skipped


def test_no_files_empty_the_slice(warehouse: Warehouse) -> None:
    replace_arrow(warehouse, store.CONTRACT, store.rows([1, 2]), where=store.source_slice(), run=store.run("r1"))
    done = replace_files(warehouse, store.CONTRACT, [], where=store.day_slice(1), run=store.run("r2"))
    assert (done.files, done.rows) == (0, 0)
    assert store.held(warehouse) == store.ordered(store.rows([2]))
    empty = store.rows([1]).slice(0, 0)
    replace_arrow(warehouse, store.CONTRACT, empty, where=store.source_slice(), run=store.run("r3"))
    assert store.held(warehouse) == []
    nothing = replace_files(warehouse, store.CONTRACT, [], where=store.source_slice(), run=store.run("r4"))
    assert (nothing.files, nothing.skipped) == (0, False)


def test_an_old_file_partly_inside_keeps_its_rows_outside(warehouse: Warehouse) -> None:
    replace_arrow(
        warehouse, store.CONTRACT, store.rows([1, 2, 3], buckets=2), where=store.source_slice(), run=store.run("r1")
    )
    replace_arrow(warehouse, store.CONTRACT, store.rows([2], each=1), where=store.day_slice(2), run=store.run("r2"))
    assert store.held(warehouse) == store.ordered(
        pa.concat_tables([store.rows([1, 3], buckets=2), store.rows([2], each=1)])
    )


def test_an_instant_at_the_upper_bound_is_outside_and_at_the_lower_one_inside(warehouse: Warehouse) -> None:
    contract = replace(store.CONTRACT, name="feature.edges", key=("source", "event_id"))
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    instants = [noon.replace(hour=11, minute=59, second=59, microsecond=999_999), noon, noon.replace(microsecond=1)]
    data = set_column(store.rows([1]), "event_at", pa.array(instants, pa.timestamp("us", "UTC")))
    replace_arrow(warehouse, contract, data, where=store.source_slice(), run=store.run("r1"))
    afternoon = Slice("afternoon", {"source": "north"}, "event_at", noon, datetime(2026, 3, 2, tzinfo=UTC))
    replace_files(warehouse, contract, [], where=afternoon, run=store.run("r2"))
    assert [row["event_at"] for row in store.held(warehouse, name="feature.edges")] == instants[:1]
    morning = Slice("morning", {"source": "north"}, "event_at", None, noon)
    with pytest.raises(ContractError, match="outside the slice morning"):
        replace_arrow(warehouse, contract, data, where=morning, run=store.run("r3"))


def test_a_commit_records_who_wrote_it_from_what(warehouse: Warehouse) -> None:
    replace_arrow(warehouse, store.CONTRACT, store.rows([1]), where=store.day_slice(1), run=store.run("r1"))
    told = json.loads(DeltaTable(str(warehouse.table_path(store.NAME))).history(1)[0]["userMetadata"])
    assert told == {
        "run_id": "r1",
        "slice": "north/2026-03-01",
        "job": "test",
        "code_version": "code-1",
        "fingerprint": "spec-1",
        "inputs": {"raw.events": 3},
        "files": 1,
        "rows": 3,
        "between": ["2026-03-01", "2026-03-02"],
    }


def wrong_type(data: pa.Table) -> pa.Table:
    return set_column(data, "term_months", data["term_months"].cast(pa.int64()))


def without_zone(data: pa.Table) -> pa.Table:
    return set_column(data, "event_at", data["event_at"].cast(pa.timestamp("us")))


def with_null(data: pa.Table) -> pa.Table:
    return set_column(data, "customer_id", pa.array(["secret-1", None, "secret-2"]))


def with_same_key(data: pa.Table) -> pa.Table:
    return set_column(data, "event_id", pa.array(["secret-1", "secret-1", "secret-2"]))


def on_another_day(data: pa.Table) -> pa.Table:
    return set_column(data, "loaded_on", pa.array([date(2026, 3, 1), date(2026, 3, 1), date(2031, 7, 9)]))


def of_another_source(data: pa.Table) -> pa.Table:
    return set_column(data, "source", pa.array(["north", "south", "north"]))


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (lambda data: data.drop_columns(["share"]), r"missing columns \['share'\]"),
        (lambda data: data.append_column("note", data["customer_id"]), r"extra columns \['note'\]"),
        (wrong_type, "column term_months is int64, not int32"),
        (without_zone, r"column event_at is timestamp\[us\], not timestamp\[us, tz=UTC\]"),
        (with_null, r"required columns \['customer_id'\] have nulls"),
        (with_same_key, r"a key occurs twice.*the key is source, event_id, loaded_on"),
        (on_another_day, "rows outside the slice north/2026-03-01: loaded_on is out of bounds"),
        (of_another_source, "rows outside the slice north/2026-03-01: another partition"),
    ],
)
def test_rows_that_break_the_contract_are_refused_and_the_table_stays(
    warehouse: Warehouse, break_it: object, message: str
) -> None:
    replace_arrow(warehouse, store.CONTRACT, store.rows([1]), where=store.day_slice(1), run=store.run("r1"))
    before = pin(warehouse, store.NAME)
    broken = break_it(store.rows([1]))  # type: ignore[operator]
    with pytest.raises(ContractError, match=message) as caught:
        replace_arrow(warehouse, store.CONTRACT, broken, where=store.day_slice(1), run=store.run("r2"))
    assert "secret" not in str(caught.value)
    assert "2031" not in str(caught.value)
    assert pin(warehouse, store.NAME) == before


def test_a_null_or_odd_partition_value_is_refused(warehouse: Warehouse) -> None:
    data = set_column(store.rows([1]), "period", pa.array(["2026", None, "2026"]))
    with pytest.raises(ContractError, match="partition column period has nulls"):
        replace_arrow(warehouse, store.CONTRACT, data, where=store.day_slice(1), run=store.run("r1"))
    data = set_column(store.rows([1]), "period", pa.array(["a/b", "2026", "2026"]))
    with pytest.raises(DeclarationError, match="partition column period has a value with other characters"):
        replace_arrow(warehouse, store.CONTRACT, data, where=store.day_slice(1), run=store.run("r1"))


def test_a_file_that_is_not_as_it_was_written_is_refused(warehouse: Warehouse) -> None:
    file = write(warehouse, store.rows([1]))
    where, run = store.day_slice(1), store.run("r1")
    table = warehouse.table_path(store.NAME)
    with pytest.raises(ContractError, match="written for another contract"):
        replace_files(
            warehouse, store.CONTRACT, [replace(file, written=replace(file.facts, layout="0"))], where=where, run=run
        )
    with pytest.raises(ContractError, match="handed in twice"):
        replace_files(warehouse, store.CONTRACT, [file, file], where=where, run=run)
    with pytest.raises(ContractError, match="must lie inside its table"):
        replace_files(warehouse, store.CONTRACT, [replace(file, rel="../x.parquet")], where=where, run=run)
    whole = (table / file.rel).read_bytes()
    (table / file.rel).write_bytes(whole[:-1])
    with pytest.raises(ContractError, match="not there as it was written"):
        replace_files(warehouse, store.CONTRACT, [file], where=where, run=run)
    (table / file.rel).write_bytes(whole)
    assert replace_files(warehouse, store.CONTRACT, [file], where=where, run=run).rows == 3
    with pytest.raises(ContractError, match="handed in twice"):
        replace_files(warehouse, store.CONTRACT, [file], where=where, run=store.run("r2"))


def test_a_key_in_two_files_is_found_unless_their_partitions_rule_it_out(warehouse: Warehouse) -> None:
    where, run = store.day_slice(1), store.run("r1")
    one = write(warehouse, store.rows([1]), rel="one.parquet")
    other = write(warehouse, store.rows([1]), rel="other.parquet", bucket=1)
    with pytest.raises(ContractError, match="a key occurs in two files"):
        replace_files(warehouse, store.CONTRACT, [one, other], where=where, run=run)
    # With entity and instant in the key, bucket and period follow from it: only equal partitions are compared.
    ensure_table(warehouse, store.SNAPSHOTS)
    path = warehouse.table_path(store.SNAPSHOTS.name)
    data = store.rows([1]).drop_columns(list(PARTITION))
    files = [write_file(path, f"{i}.parquet", data, {**PARTITION, "bucket": i}, store.SNAPSHOTS) for i in (0, 1)]
    twin = write_file(path, "twin.parquet", data, {**PARTITION, "bucket": 1}, store.SNAPSHOTS)
    with pytest.raises(ContractError, match="a key occurs in two files"):
        replace_files(warehouse, store.SNAPSHOTS, [*files, twin], where=where, run=run)
    assert replace_files(warehouse, store.SNAPSHOTS, files, where=where, run=run).files == 2


def test_write_file_refuses_what_no_commit_could_use(warehouse: Warehouse) -> None:
    path, data = warehouse.table_path(store.NAME), store.rows([1]).drop_columns(list(PARTITION))
    with pytest.raises(ContractError, match="a file without rows"):
        write_file(path, "x.parquet", data.slice(0, 0), PARTITION, store.CONTRACT)
    with pytest.raises(ContractError, match="partition"):
        write_file(path, "x.parquet", data, {"source": "north"}, store.CONTRACT)
    for rel in ("/x.parquet", "../x.parquet", "_delta_log/x.parquet", "x.csv"):
        with pytest.raises(ContractError, match="must lie inside its table"):
            write_file(path, rel, data, PARTITION, store.CONTRACT)
    write_file(path, "x.parquet", data, PARTITION, store.CONTRACT)
    with pytest.raises(ContractError, match="exists already"):
        write_file(path, "x.parquet", data, PARTITION, store.CONTRACT)


def test_a_file_holds_exact_types_and_the_log_exact_bounds(warehouse: Warehouse) -> None:
    texts = set_column(store.rows([1]), "customer_id", store.rows([1])["customer_id"].dictionary_encode())
    file = write(warehouse, texts)
    stored = pq.read_schema(file.path)
    assert [field.type for field in stored] == [field.type for field in store.SCHEMA if field.name not in PARTITION]
    told = json.loads(file.facts.stats)
    assert told["numRecords"] == 3
    assert told["minValues"]["event_at"] == "2026-03-01T08:00:00.123456Z"
    assert told["maxValues"] == {
        "event_at": "2026-03-01T08:00:02.123456Z",
        "loaded_on": "2026-03-01",
    }
    assert told["nullCount"] == {"event_at": 0, "loaded_on": 0}
    assert file.facts.nulls == {"sequence": 1}
    assert file.facts.is_key_unique


def test_a_full_disk_is_said_in_a_sentence_and_leaves_no_file(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tallystick.errors import SetupError

    def fill(rows: pa.Table, sink: pa.NativeFile, **_: object) -> None:
        sink.write(b"PAR1")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pq, "write_table", fill)
    with pytest.raises(SetupError, match="the disk is full"):
        write(warehouse, store.rows([1]))
    assert not list(warehouse.root.rglob("*.parquet"))


def test_rows_are_sorted_as_the_contract_says_and_split_by_partition(warehouse: Warehouse) -> None:
    data = store.rows([3, 1], buckets=2)
    shuffled = data.take(pa.array(range(data.num_rows - 1, -1, -1)))
    replace_arrow(warehouse, store.CONTRACT, shuffled, where=store.source_slice(), run=store.run("r1"))
    pinned = pin(warehouse, store.NAME)
    assert [f.partition["bucket"] for f in pinned.files] == ["0", "1"]
    for file in pinned.files:
        held = pq.read_table(file.path, partitioning=None)
        order = pc.sort_indices(held, [(name, "ascending") for name in store.CONTRACT.sort_by])
        assert order.to_pylist() == list(range(held.num_rows))


@pytest.mark.parametrize("id_column", ["customer_id", "observation_id"])
def test_files_of_two_buckets_of_features_share_no_key(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, id_column: str
) -> None:
    # A day's features of a large bank are as many files as buckets: no commit may have to read them again.
    contract = replace(
        store.SNAPSHOTS,
        key=("source", id_column, "as_of"),
        event_at="",
        columns=(
            *store.SNAPSHOTS.columns,
            Column(name="as_of", type="timestamp"),
            Column(name="observation_id", type="string"),
        ),
    )
    ensure_table(warehouse, contract)
    path = warehouse.table_path(contract.name)
    data = store.rows([1]).drop_columns(list(PARTITION))
    data = data.append_column("as_of", data["event_at"]).append_column("observation_id", data["customer_id"])
    files = [write_file(path, f"{i}.parquet", data, {**PARTITION, "bucket": i}, contract) for i in (0, 1)]
    twin = write_file(path, "twin.parquet", data, {**PARTITION, "bucket": 1}, contract)
    compared: list[int] = []
    monkeypatch.setattr("tallystick.tables.store.keys._has_shared_key", lambda *told: compared.append(len(told[-1])))
    keys.check_keys(path, contract, files)
    assert compared == []
    keys.check_keys(path, contract, [*files, twin])
    assert compared == [2]
