"""Reads a table as a Spark DataFrame, and replaces a slice with one.

The promises are those of ``door``. Here delta-spark keeps them, so they are kept by other means: Spark clamps the write
to the slice, and the lock is the transaction that its writer takes. Whoever writes files need not import pyspark.
"""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pyarrow as pa

from tallystick.errors import ContractError
from tallystick.places import RemotePath
from tallystick.spec.data_files import DataFile
from tallystick.spec.tables import TableContract
from tallystick.tables.runtime.spark_errors import without_values
from tallystick.tables.store.bucketing import check_buckets, check_writer, is_bucketed, mark_of
from tallystick.tables.store.commits import commit_mark, confirm_commit, find_done, held_version
from tallystick.tables.store.disk import full_disk_is_setup_error
from tallystick.tables.store.door import replace_files, write_arrow
from tallystick.tables.store.parquet_files import read_files
from tallystick.tables.store.schemas import SPARK_TYPES, arrow_schema, check_names
from tallystick.tables.store.slices import PLAIN, Commit, Run, Slice
from tallystick.tables.store.snapshots import arrow_dataset, live_files
from tallystick.tables.store.undoing import settle
from tallystick.tables.store.warehouse import Warehouse, ensure_table

if TYPE_CHECKING:
    from deltalake import DeltaTable
    from pyspark.sql import DataFrame, SparkSession


def replace(
    session: SparkSession, warehouse: Warehouse, contract: TableContract, frame: DataFrame, *, where: Slice, run: Run
) -> Commit:
    """Make the slice hold exactly the rows of ``frame``, in one version of the table.

    ``frame`` has the contract's columns, partition columns included, in any order and of the exact types. It is
    computed once. The second call with the same run and slice computes nothing and returns the first one's commit as
    ``skipped``. ContractError when a row breaks the contract or lies outside the slice, ConflictError when another
    run wrote the slice since this call began; the table is then as before. No error tells a row's value.
    """
    if isinstance(warehouse.root, RemotePath):
        # Spark's writer would not be refused where another one has put the entry of the log first.
        return replace_files(
            warehouse, contract, write_frame(warehouse, contract, frame, where=where), where=where, run=run
        )
    where.check(contract)
    settle(warehouse, [contract.name])
    table = ensure_table(warehouse, contract)
    path = warehouse.table_path(contract.name)
    mark = check_writer(table, contract, where=where)
    before, lock = table.version(), held_version(table, where)
    done = find_done(table, run, where)
    if done is not None:
        return Commit(done.version, done.files, done.rows, skipped=True)
    name = f"table {contract.name}"
    if mark is not None:
        check_buckets(table, contract, source=where.partition["source"], buckets=mark)
    rows = _in_order(frame, contract, name)
    with full_disk_is_setup_error(name), without_values(name):
        # The rows are needed twice, for the checks and for the write, and a query may give others the second time.
        held = rows.persist()
        try:
            count = _check_rows(held, contract, where, name)
            if mark is not None:
                # Spark commits one application transaction, the lock; so a source's mark goes before its first rows.
                commit_mark(table, mark_of(where.partition["source"]), mark, where=where, run=run, name=contract.name)
            writer = (
                _laid_out(held, contract)
                .write.format("delta")
                .mode("overwrite")
                .option("replaceWhere", where.sql(contract))
                .option("txnAppId", where.lock)
                .option("txnVersion", lock + 1)
                .option("userMetadata", run.metadata(where, files=0, rows=count))
            )
            writer.save(str(path))
        finally:
            held.unpersist()
    return confirm_commit(path, run, where, name=contract.name, after=before)


def write_frame(warehouse: Warehouse, contract: TableContract, frame: DataFrame, *, where: Slice) -> list[DataFile]:
    """``write_arrow`` for a frame of any size: each partition is a task's; no version names the files yet.

    ``frame`` has the contract's columns, as for ``replace``, and is computed once. The rows of one partition are in
    memory together.
    """
    name = f"table {contract.name}"
    rows, schema = _in_order(frame, contract, name), arrow_schema(contract.columns)

    def write(part: pa.Table) -> pa.Table:
        files = write_arrow(warehouse, contract, part.cast(schema), where=where)
        return pa.table({"file": pa.array([pickle.dumps(file) for file in files], pa.binary())})

    with full_disk_is_setup_error(name), without_values(name):
        found = rows.groupBy(*contract.partition_by).applyInArrow(write, "file binary").collect()
    return [pickle.loads(bytes(row["file"])) for row in found]


def read(session: SparkSession, warehouse: Warehouse, name: str, *, version: int | None = None) -> DataFrame:
    """The table at ``version`` (default: the newest now, and fixed from now on) as a DataFrame. NotFound if missing."""
    opened = warehouse.open(name, version=version)
    pinned = opened.version()
    if isinstance(warehouse.root, RemotePath):
        return _read_by_tasks(session, opened)
    return session.read.format("delta").option("versionAsOf", pinned).load(str(warehouse.table_path(name)))


def _read_by_tasks(session: SparkSession, table: DeltaTable) -> DataFrame:
    """The rows of the opened version, each file read by a task with Arrow: Spark needs no client of the store."""
    files, dataset = live_files(table), arrow_dataset(table)
    schema, by = dataset.schema, list(table.metadata().partition_columns)
    stored = pa.schema([field for field in schema if field.name not in by])
    listed = [(file.path, json.dumps({name: file.partition[name] for name in by})) for file in files]

    def rows(parts: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for part in parts:
            for asked in part.to_pylist():
                found = read_files([asked["path"]], stored)
                for name, value in json.loads(asked["partition"]).items():
                    kind = schema.field(name).type
                    found = found.append_column(name, pa.repeat(pa.scalar(value).cast(kind), found.num_rows))
                yield from found.select(schema.names).to_batches()

    from pyspark.sql.pandas.types import from_arrow_schema

    named = session.createDataFrame(listed, "path string, partition string").repartition(max(len(files), 1))
    return named.mapInArrow(rows, from_arrow_schema(schema))


def _in_order(frame: DataFrame, contract: TableContract, name: str) -> DataFrame:
    check_names(frame.columns, [c.name for c in contract.columns], name)
    found = {field.name: field.dataType.simpleString() for field in frame.schema.fields}
    wrong = [
        f"{c.name} is {found[c.name]}, not {c.type}" for c in contract.columns if found[c.name] != SPARK_TYPES[c.type]
    ]
    if wrong:
        raise ContractError("; ".join(wrong), where=name, fix="cast before writing")
    return frame.select([c.name for c in contract.columns])


def _check_rows(rows: DataFrame, contract: TableContract, where: Slice, name: str) -> int:
    """The number of rows; ContractError when any breaks nulls, slice or partition values, or repeats a key."""
    told = _count_breaches(rows, contract, where)
    nulls = [column for column in _never_null(contract) if told[f"_null_{column}"]]
    odd = [column for column in contract.partition_by if told[f"_odd_{column}"]]
    if nulls:
        raise ContractError(f"required columns {nulls} have nulls", where=name, fix="reject such rows before the write")
    if odd:
        fix = "use letters, digits, _ and - only"
        raise ContractError(f"partition columns {odd} have values with other characters", where=name, fix=fix)
    if told["_outside"]:
        what = f"{told['_outside']} rows outside the slice {where.name}"
        raise ContractError(what, where=name, fix="filter to the slice")
    if told["_misplaced"]:
        what = f"{told['_misplaced']} rows are not in the bucket of their customer, of {where.buckets}"
        raise ContractError(what, where=name, fix="take buckets from the source's layout")
    if contract.key and told["_most"] > 1:
        raise ContractError("a key occurs twice", where=name, fix=f"the key is {', '.join(contract.key)}")
    return told["_rows"]


def _never_null(contract: TableContract) -> list[str]:
    return [c.name for c in contract.columns if c.required or c.name in contract.partition_by]


def _count_breaches(rows: DataFrame, contract: TableContract, where: Slice) -> dict[str, int]:
    """Rows in all, rows that break each rule, and the most rows of one key: one Spark job."""
    from pyspark.sql import functions as F

    is_inside = F.coalesce(F.expr(where.sql(contract)), F.lit(False))
    rules = {f"_null_{column}": F.col(column).isNull() for column in _never_null(contract)}
    for column in contract.partition_by:
        rules[f"_odd_{column}"] = ~F.col(column).cast("string").rlike(f"^{PLAIN.pattern}$")
    rules["_outside"] = ~is_inside
    rules["_misplaced"] = F.lit(False)
    if where.buckets and is_bucketed(contract):
        rules["_misplaced"] = F.col("bucket") != F.pmod(F.xxhash64(contract.entity), F.lit(where.buckets))
    counted = [
        F.count(F.lit(1)).alias("_rows"),
        *(F.count_if(rule).alias(rule_name) for rule_name, rule in rules.items()),
    ]
    by_key = rows.groupBy(*contract.key).agg(*counted)
    totals = [F.coalesce(F.sum(column), F.lit(0)).alias(column) for column in ("_rows", *rules)]
    most = F.coalesce(F.max("_rows"), F.lit(0)).alias("_most")
    return {column: int(count) for column, count in by_key.agg(*totals, most).collect()[0].asDict().items()}


def _laid_out(rows: DataFrame, contract: TableContract) -> DataFrame:
    """One file for each partition, sorted inside as the contract says."""
    by = list(contract.partition_by)
    spread = rows.repartition(*by) if by else rows.coalesce(1)
    order = [*by, *(name for name in contract.sort_by if name not in by)]
    return spread.sortWithinPartitions(*order) if order else spread
