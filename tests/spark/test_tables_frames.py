"""The door for DataFrames, beside the one for files: same promises, one lock, tables that every engine reads."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator
from dataclasses import replace as replace_fields
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from deltalake import DeltaTable

from tallystick.errors import ConflictError, ContractError, NotFound
from tallystick.tables import (
    Slice,
    TableChange,
    Warehouse,
    ensure_table,
    pin,
    publish,
    read,
    read_arrow,
    read_files,
    replace,
    replace_arrow,
    replace_files,
    without_values,
    write_arrow,
    write_file,
    write_frame,
)
from tallystick.tables.store import door, frames, publications
from tests.lib import store

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


# PySpark leaves the sockets it collects results through to the garbage collector.
pytestmark = [
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
    pytest.mark.filterwarnings("ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    return Warehouse(tmp_path)


def frame(spark: SparkSession, data: pa.Table) -> DataFrame:
    return spark.createDataFrame(data.to_pylist(), store.DDL)


def test_a_frame_replaces_its_slice_and_every_engine_reads_it(spark: SparkSession, warehouse: Warehouse) -> None:
    # A file that a task wrote holds three days; the frame owns the middle one.
    replace_arrow(warehouse, store.CONTRACT, store.rows([1, 2, 3]), where=store.source_slice(), run=store.run("r1"))
    data = store.rows([2], buckets=2, each=4)
    done = replace(spark, warehouse, store.CONTRACT, frame(spark, data), where=store.day_slice(2), run=store.run("r2"))
    expected = store.ordered(pa.concat_tables([store.rows([1, 3]), data]))
    table = DeltaTable(str(warehouse.table_path(store.NAME)))
    assert (done.version, done.rows, done.skipped, table.version()) == (2, 8, False, 2)
    assert (table.protocol().min_reader_version, table.protocol().min_writer_version) == (1, 2)
    assert store.held(warehouse) == expected
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        events = table.to_pyarrow_dataset()
        connection.register("events", events)
        assert store.ordered(connection.sql("SELECT * FROM events").to_arrow_table()) == expected
    held = read(spark, warehouse, store.NAME)
    assert held.schema.simpleString() == spark.createDataFrame([], store.DDL).schema.simpleString()
    assert store.ordered(held.toArrow().cast(store.SCHEMA)) == expected
    assert read(spark, warehouse, store.NAME, version=1).count() == 9
    with pytest.raises(NotFound, match="no version 9"):
        read(spark, warehouse, store.NAME, version=9)
    told = json.loads(table.history(1)[0]["userMetadata"])
    assert (told["run_id"], told["inputs"], told["rows"]) == ("r2", {"raw.events": 3}, 8)
    again = replace(spark, warehouse, store.CONTRACT, held, where=store.day_slice(2), run=store.run("r2"))
    assert (again.skipped, again.version, again.rows, again.files) == (True, 2, 8, done.files)
    # Spark's log cuts instants to milliseconds; a filter on the microsecond still finds its row.
    last = data.filter(pc.equal(data["event_id"], "1_2_3"))["event_at"][0]
    assert read_arrow(warehouse, store.NAME, filter=pc.field("event_at") == last).num_rows == 2
    # And back: ready files replace a part of what Spark wrote, whose log has truncated instants.
    two = store.rows([2], each=1)
    replace_arrow(warehouse, store.CONTRACT, two, where=store.day_slice(2), run=store.run("r3"))
    assert store.held(warehouse) == store.ordered(pa.concat_tables([store.rows([1, 3]), two]))
    assert store.ordered(read(spark, warehouse, store.NAME).toArrow().cast(store.SCHEMA)) == store.held(warehouse)
    instants = read_files(pin(warehouse, store.NAME, version=2).paths, ["event_at"]).schema.field("event_at").type
    assert instants == pa.timestamp("us", "UTC")


def test_an_empty_frame_empties_its_slice_and_a_slice_may_be_the_whole_table(
    spark: SparkSession, warehouse: Warehouse
) -> None:
    everything = Slice("everything")
    data = frame(spark, pa.concat_tables([store.rows([1]), store.rows([1], source="south")]))
    assert replace(spark, warehouse, store.CONTRACT, data, where=everything, run=store.run("r1")).rows == 6
    none = data.where("source = 'east'")
    replace(spark, warehouse, store.CONTRACT, none, where=store.source_slice("south"), run=store.run("r2"))
    assert store.held(warehouse) == store.ordered(store.rows([1]))
    replace(spark, warehouse, store.CONTRACT, none, where=everything, run=store.run("r3"))
    assert store.held(warehouse) == []


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"event_id": None}, r"required columns \['event_id'\] have nulls"),
        ({"loaded_on": date(2031, 7, 9)}, "1 rows outside the slice north/2026-03-01"),
        ({"period": "secret 2026"}, r"partition columns \['period'\] have values with other characters"),
        ({"event_id": "0_1_1"}, "a key occurs twice"),
    ],
)
def test_a_row_that_breaks_the_contract_is_refused_without_its_values(
    spark: SparkSession,
    warehouse: Warehouse,
    capfd: pytest.CaptureFixture[str],
    columns: dict[str, object],
    message: str,
) -> None:
    records = store.rows([1]).to_pylist()
    records[0] |= {"customer_id": "secret-customer", **columns}
    data = spark.createDataFrame(records, store.DDL)
    with pytest.raises(ContractError, match=message) as caught:
        replace(spark, warehouse, store.CONTRACT, data, where=store.day_slice(1), run=store.run("r1"))
    told = str(caught.value) + "".join(capfd.readouterr())
    assert "secret" not in told
    assert "2031" not in told
    assert store.held(warehouse) == []


def test_columns_and_types_are_compared_before_anything_runs(spark: SparkSession, warehouse: Warehouse) -> None:
    data = frame(spark, store.rows([1]))
    where, run = store.day_slice(1), store.run("r1")
    renamed = data.withColumnRenamed("share", "note")
    with pytest.raises(ContractError, match=r"missing columns \['share'\] and extra columns \['note'\]"):
        replace(spark, warehouse, store.CONTRACT, renamed, where=where, run=run)
    wider = data.selectExpr("* EXCEPT (term_months)", "CAST(term_months AS bigint) AS term_months")
    with pytest.raises(ContractError, match="term_months is bigint, not int32"):
        replace(spark, warehouse, store.CONTRACT, wider, where=where, run=run)


def test_an_error_of_spark_is_told_without_the_rows_that_caused_it(
    spark: SparkSession, warehouse: Warehouse, capfd: pytest.CaptureFixture[str]
) -> None:
    data = frame(spark, store.rows([1]))
    broken = data.selectExpr("* EXCEPT (amount_minor)", "CAST('secret' || customer_id AS bigint) AS amount_minor")
    with pytest.raises(ContractError, match="could not compute or store the rows: CAST_INVALID_INPUT") as caught:
        replace(spark, warehouse, store.CONTRACT, broken, where=store.day_slice(1), run=store.run("r1"))
    assert caught.value.__cause__ is None
    assert "secret" not in str(caught.value) + "".join(capfd.readouterr())

    def refuse(_: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        raise ContractError("column share is text", where="clean.events, file x", fix="cast it")

    with (
        pytest.raises(ContractError, match=r"^clean.events, file x: column share is text \(cast it\)$"),
        without_values("x"),
    ):
        spark.range(1).mapInArrow(refuse, "id bigint").collect()


def test_tasks_write_files_and_the_driver_commits_them(spark: SparkSession, warehouse: Warehouse) -> None:
    ensure_table(warehouse, store.CONTRACT)
    path, contract = str(warehouse.table_path(store.NAME)), store.CONTRACT
    data = store.rows([1], buckets=3)

    def write(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for bucket in batch["bucket"].to_pylist():
                rows = data.filter(pc.equal(data["bucket"], bucket)).drop_columns(["source", "bucket", "period"])
                partition = {"source": "north", "bucket": bucket, "period": "2026"}
                file = write_file(path, f"load=2026-03-01/{bucket}.parquet", rows, partition, contract)
                yield pa.record_batch({"file": pa.array([pickle.dumps(file)], pa.binary())})

    found = spark.range(3).selectExpr("int(id) AS bucket").mapInArrow(write, "file binary").collect()
    files = [pickle.loads(row.file) for row in found]
    done = replace_files(warehouse, contract, files, where=store.day_slice(1), run=store.run("r1"))
    assert (done.files, done.rows) == (3, 9)
    assert store.ordered(read(spark, warehouse, store.NAME).toArrow().cast(store.SCHEMA)) == store.ordered(data)


@pytest.mark.parametrize("moment", ["before Spark looks at the lock", "while Spark writes"])
def test_spark_fails_when_ready_files_took_the_slice_first(
    spark: SparkSession, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    ensure_table(warehouse, store.CONTRACT)
    where, contract, winner = store.day_slice(1), store.CONTRACT, store.rows([1], each=2)

    def overtake() -> None:
        replace_arrow(warehouse, contract, winner, where=where, run=store.run("fast"))

    def overtake_in_task(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        yield from batches
        overtake()

    real_check, real_layout = frames._check_rows, frames._laid_out

    def late_check(*args: object) -> int:
        count = real_check(*args)  # type: ignore[arg-type]
        overtake()
        return count

    def late_layout(rows: DataFrame, contract: object) -> DataFrame:
        return real_layout(rows.coalesce(1).mapInArrow(overtake_in_task, rows.schema), contract)  # type: ignore[arg-type]

    if moment == "while Spark writes":
        monkeypatch.setattr(frames, "_laid_out", late_layout)
    else:
        monkeypatch.setattr(frames, "_check_rows", late_check)
    data = frame(spark, store.rows([1], each=5))
    with pytest.raises(ConflictError, match="another run wrote this slice first"):
        replace(spark, warehouse, store.CONTRACT, data, where=where, run=store.run("slow"))
    assert store.held(warehouse) == store.ordered(winner)


def test_ready_files_fail_when_spark_took_the_slice_first(
    spark: SparkSession, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    where, real = store.day_slice(1), door.commit_change
    data = frame(spark, store.rows([1], each=2))

    def late(*args: object, **kwargs: object) -> None:
        replace(spark, warehouse, store.CONTRACT, data, where=where, run=store.run("fast"))
        real(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(door, "commit_change", late)
    with pytest.raises(ConflictError, match="another run wrote this slice first"):
        replace_arrow(warehouse, store.CONTRACT, store.rows([1], each=5), where=where, run=store.run("slow"))
    assert store.held(warehouse) == store.ordered(store.rows([1], each=2))


def test_a_file_of_spark_that_a_publication_removed_comes_back_for_every_engine(
    spark: SparkSession, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, where = store.rows([1, 2], each=2), store.day_slice(2)
    replace(spark, warehouse, store.CONTRACT, frame(spark, data), where=store.source_slice(), run=store.run("r1"))
    before = pin(warehouse, store.NAME)
    files = write_arrow(warehouse, store.CONTRACT, store.rows([2], each=5), where=where)
    real = door.commit_write
    monkeypatch.setattr(publications, "commit_write", lambda *told: [real(*told), 1 / 0])
    with pytest.raises(ZeroDivisionError):
        publish(warehouse, [TableChange(contract=store.CONTRACT, files=files, where=where)], run=store.run("r2"))
    assert pin(warehouse, store.NAME).files == before.files
    assert store.ordered(read(spark, warehouse, store.NAME).toArrow().cast(store.SCHEMA)) == store.ordered(data)
    (late,) = read(spark, warehouse, store.NAME).where("loaded_on = DATE '2026-03-02'").groupBy().count().collect()
    assert late["count"] == 2


def test_tasks_write_the_files_of_a_frame(spark: SparkSession, warehouse: Warehouse) -> None:
    ensure_table(warehouse, store.CONTRACT)
    data, where = store.rows([1, 2], buckets=2, each=2), store.source_slice()
    files = write_frame(warehouse, store.CONTRACT, frame(spark, data.take(list(range(7, -1, -1)))), where=where)
    assert sorted((file.partition["bucket"], file.rows) for file in files) == [("0", 4), ("1", 4)]
    assert pin(warehouse, store.NAME).files == ()
    replace_files(warehouse, store.CONTRACT, files, where=where, run=store.run("r1"))
    assert store.ordered(read_arrow(warehouse, store.NAME)) == store.ordered(data)
    assert [row["event_id"] for row in read_files([files[0].path], ["event_id"]).to_pylist()] == [
        f"{files[0].partition['bucket']}_{day}_{i}" for i in (0, 1) for day in (1, 2)
    ]
    bucketed = replace_fields(where, buckets=2)
    with pytest.raises(ContractError):
        write_frame(warehouse, store.CONTRACT, frame(spark, data), where=bucketed)
