"""The door for a Spark DataFrame: the same promises as for files, kept by delta-spark.

What lives here: ``replace`` and ``read``. What must not: files of tasks, stages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tallystick.errors import ContractError
from tallystick.spec.tables import TableContract
from tallystick.tables.commits import confirm_commit, find_commit, held_version
from tallystick.tables.disk import full_disk_is_setup_error
from tallystick.tables.schemas import SPARK_TYPES, check_names
from tallystick.tables.slices import Commit, Run, Slice
from tallystick.tables.spark_errors import without_values
from tallystick.tables.warehouse import Warehouse, ensure_table

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession


def replace(
    session: SparkSession, warehouse: Warehouse, contract: TableContract, frame: DataFrame, *, where: Slice, run: Run
) -> Commit:
    """Make the slice hold exactly the rows of ``frame``, in one version of the table.

    ``frame`` has the contract's columns, partition columns included, in any order and of the exact types. It is
    computed once. The second call with the same run and slice computes nothing and returns the first one's commit as
    ``skipped``. ContractError when a row breaks the contract or lies outside the slice, ConflictError when another
    run wrote the slice since this call began; the table is then as before. No error tells a row's value.
    """
    where.check(contract)
    table = ensure_table(warehouse, contract)
    path = warehouse.table_path(contract.name)
    before, lock = table.version(), held_version(table, where)
    done = find_commit(path, run.run_id, where)
    if done is not None:
        return Commit(done.version, done.files, done.rows, skipped=True)
    name = f"table {contract.name}"
    rows = _in_order(frame, contract, name)
    with full_disk_is_setup_error(name), without_values(name):
        held = rows.persist()
        try:
            count = _check_rows(held, contract, where, name)
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


def read(session: SparkSession, warehouse: Warehouse, name: str, *, version: int | None = None) -> DataFrame:
    """The table at ``version`` (default: the newest now, and fixed from now on) as a DataFrame. NotFound if missing."""
    pinned = warehouse.open(name, version=version).version()
    return session.read.format("delta").option("versionAsOf", pinned).load(str(warehouse.table_path(name)))


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
    from pyspark.sql import functions as F

    required = [c.name for c in contract.columns if c.required or c.name in contract.partition_by]
    checks: list[Column] = [F.count(F.lit(1)).alias("_rows")]
    checks += [F.count_if(F.col(column).isNull()).alias(f"_null_{column}") for column in required]
    is_inside = F.coalesce(F.expr(where.sql(contract)), F.lit(False))
    checks.append(F.count_if(~is_inside).alias("_outside"))
    is_plain = [F.col(column).cast("string").rlike("^[0-9A-Za-z_-]+$") for column in contract.partition_by]
    checks += [F.count_if(~plain).alias(f"_odd_{i}") for i, plain in enumerate(is_plain)]
    told = rows.agg(*checks).collect()[0].asDict()
    nulls = [column for column in required if told[f"_null_{column}"]]
    odd = [column for i, column in enumerate(contract.partition_by) if told[f"_odd_{i}"]]
    if nulls:
        raise ContractError(
            f"required columns {nulls} have nulls", where=name, fix="reject those rows before the write"
        )
    if odd:
        raise ContractError(
            f"partition columns {odd} have values with other characters than letters, digits, _ and -", where=name
        )
    if told["_outside"]:
        raise ContractError(
            f"{told['_outside']} rows outside the slice {where.name}", where=name, fix="filter to the slice"
        )
    if contract.key:
        repeated = rows.groupBy(*contract.key).count().where("count > 1").limit(1).count()
        if repeated:
            raise ContractError("a key occurs twice", where=name, fix=f"the key is {', '.join(contract.key)}")
    return int(told["_rows"])


def _laid_out(rows: DataFrame, contract: TableContract) -> DataFrame:
    """One file for each partition, sorted inside as the contract says."""
    by = list(contract.partition_by)
    spread = rows.repartition(*by) if by else rows.coalesce(1)
    order = [*by, *(name for name in contract.sort_by if name not in by)]
    return spread.sortWithinPartitions(*order) if order else spread
