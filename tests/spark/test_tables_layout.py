"""Layout beside Spark: it keeps the buckets' mark, swaps loads inside compacted files, and loses a race in the open."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, SparkSession

from tallystick.errors import ConflictError, ContractError
from tallystick.tables import Warehouse, pin, replace, replace_arrow
from tallystick.tables.store import frames
from tests.lib import layouts, store

# PySpark leaves the sockets it collects results through to the garbage collector.
pytestmark = [
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
    pytest.mark.filterwarnings("ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    """Three loads of a source in two buckets."""
    filled = Warehouse(tmp_path)
    for day in (1, 2, 3):
        layouts.load(filled, day, 2)
    return filled


def write(spark: SparkSession, warehouse: Warehouse, day: int, data: pa.Table, *, buckets: int = 2) -> None:
    """Replace a load by Spark."""
    frame = spark.createDataFrame(data.to_pylist(), store.DDL)
    where = layouts.laid(store.day_slice(day), buckets)
    replace(spark, warehouse, store.CONTRACT, frame, where=where, run=store.run(f"spark {day}"))


def overtake_spark(monkeypatch: pytest.MonkeyPatch, other: Callable[[str], None], root: Path) -> None:
    """Let ``other`` run in full inside the write's own task: after Spark looked at the table, before its commit."""
    real, place = frames._laid_out, str(root)

    def laid_out(rows: DataFrame, contract: object) -> DataFrame:
        def late(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            other(place)
            yield from batches

        return real(rows, contract).coalesce(1).mapInArrow(late, store.DDL)  # type: ignore[arg-type]

    monkeypatch.setattr(frames, "_laid_out", laid_out)


def compact(root: str) -> None:
    layouts.compact(Warehouse(root))


def rebucket(root: str) -> None:
    layouts.rebucket(Warehouse(root), 4)


def test_sparks_first_write_of_a_source_sets_the_mark(spark: SparkSession, tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path)
    write(spark, warehouse, 1, layouts.rows([1], 3), buckets=3)
    assert warehouse.open(store.NAME).transaction_version("buckets:north") == 3
    assert store.held(warehouse) == store.ordered(layouts.rows([1], 3))
    with pytest.raises(ContractError, match="lie in 3 buckets, its layout declares 4"):
        write(spark, warehouse, 2, layouts.rows([2], 4), buckets=4)


def test_spark_refuses_rows_in_a_wrong_bucket(spark: SparkSession, warehouse: Warehouse) -> None:
    wrong = layouts.rows([4], 2)
    wrong = wrong.set_column(1, store.SCHEMA.field("bucket"), pa.array([5] * 5, pa.int32()))
    with pytest.raises(ContractError, match="5 rows are not in the bucket of their customer, of 2"):
        write(spark, warehouse, 4, wrong)


def test_spark_swaps_a_load_inside_a_compacted_file(spark: SparkSession, warehouse: Warehouse) -> None:
    layouts.compact(warehouse)
    again = layouts.rows([2], 2).slice(0, 3)
    write(spark, warehouse, 2, again)
    assert store.held(warehouse) == store.ordered(pa.concat_tables([layouts.rows([1, 3], 2), again]))


def test_a_compaction_wins_over_sparks_replay_of_a_load_in_it(
    spark: SparkSession, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = store.held(warehouse)
    overtake_spark(monkeypatch, compact, warehouse.root)
    with pytest.raises(ConflictError):
        write(spark, warehouse, 2, layouts.rows([2], 2).slice(0, 3))
    assert store.held(warehouse) == before
    assert len(pin(warehouse, store.NAME).files) == 2


def test_a_rebucketing_wins_over_sparks_new_load(
    spark: SparkSession, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = store.held(warehouse)
    overtake_spark(monkeypatch, rebucket, warehouse.root)
    with pytest.raises(ConflictError):
        write(spark, warehouse, 4, layouts.rows([4], 2))
    assert layouts.values(store.held(warehouse)) == layouts.values(before)
    layouts.check(warehouse, 4)


def test_spark_reads_the_same_rows_after_maintenance(spark: SparkSession, warehouse: Warehouse) -> None:
    layouts.compact(warehouse)
    layouts.rebucket(warehouse, 4)
    replace_arrow(
        warehouse,
        store.CONTRACT,
        layouts.rows([5], 4),
        where=layouts.laid(store.day_slice(5), 4),
        run=store.run("new"),
    )
    frame = frames.read(spark, warehouse, store.NAME)
    found = frame.where("loaded_on >= DATE '2026-03-02'").toArrow()
    assert found.num_rows == 15
    assert store.ordered(found.cast(store.SCHEMA)) == store.ordered(layouts.rows([2, 3, 5], 4))
