"""Keeps and checks the number of buckets that a source's rows lie in, table by table.

A job that joins buckets of several tables takes bucket 3 of each. If one of them had another number of buckets, the job
would meet the rows of other customers. So the number is committed with the rows, as an application transaction whose
version is the number (the mark), and jobs and the door compare it with what the source declares.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
from deltalake import DeltaTable

from tallystick.errors import ContractError
from tallystick.hashes import hash_texts
from tallystick.spec.data_files import DataFile
from tallystick.spec.sources import Source
from tallystick.spec.tables import TableContract
from tallystick.tables.store.parquet_files import read_files
from tallystick.tables.store.schemas import arrow_schema
from tallystick.tables.store.slices import Slice
from tallystick.tables.store.snapshots import Pinned, in_partition, live_files, placement
from tallystick.tables.store.warehouse import Warehouse

REBUCKET = "tally maintain rebucket"

# Numbers tried for an error's text, when a table of an older warehouse does not say its own.
MOST_BUCKETS = 4096


def bucket_of(customers: pa.Array | pa.ChunkedArray, buckets: int) -> np.ndarray:
    """The bucket of every customer, as Spark's ``pmod(xxhash64(customer_id), buckets)`` gives it, also for null."""
    return np.asarray(hash_texts(customers) % buckets, dtype=np.int32)


def is_bucketed(contract: TableContract) -> bool:
    """Whether the table's rows lie in buckets by customer; the rows of all other tables are in bucket 0."""
    return bool(contract.entity) and {"source", "bucket"} <= set(contract.partition_by)


def mark_of(source: str) -> str:
    """The application transaction whose version is the number of buckets that a source's rows lie in."""
    return f"buckets:{source}"


def fence_of(source: str) -> str:
    """The table property with the number of buckets that writers of a source must use from now on."""
    return f"tallystick.buckets.{source}"


def fenced_buckets(table: DeltaTable, source: str) -> int | None:
    """The number of buckets that a re-bucketing has begun to make; None when none ever began."""
    told = table.metadata().configuration.get(fence_of(source))
    return int(told) if told else None


def files_of(table: DeltaTable, source: str) -> list[DataFile]:
    """The live files of a source."""
    return [file for file in live_files(table) if file.partition.get("source") == source]


def held_buckets(table: DeltaTable, contract: TableContract, *, source: str, wanted: int) -> int | None:
    """The number of buckets a source's rows lie in at the opened version; None when it has no rows there.

    The table's mark tells it. A table that was filled before there were marks is looked at row by row: ``wanted`` when
    that number fits every row, else the least one that does, or 0 when none does.
    """
    files = files_of(table, source)
    if not files:
        return None
    marked = table.transaction_version(mark_of(source))
    return int(marked) if marked else _fitting(contract, files, wanted)


def _fitting(contract: TableContract, files: Sequence[DataFile], wanted: int) -> int:
    schema = arrow_schema([contract.column(contract.entity)])
    found = [
        (np.unique(hash_texts(read_files([file.path], schema)[contract.entity])), int(file.partition["bucket"]))
        for file in files
    ]
    least = max(bucket for _, bucket in found) + 1
    for number in (wanted, *range(least, MOST_BUCKETS + 1)):
        if number >= least and all((hashes % number == bucket).all() for hashes, bucket in found):
            return number
    return 0


def check_layout(
    warehouse: Warehouse, pinned: Iterable[Pinned], contracts: Mapping[str, TableContract], *, source: Source
) -> None:
    """ContractError unless the source's rows lie in the buckets that its layout declares, in every pinned version.

    Tables without a customer, or without rows of the source, are always in order. A job that joins buckets of several
    tables, or copies a row's bucket, asks this first: rows in another number of buckets would meet the wrong rows.
    """
    for one in pinned:
        contract = contracts[one.name]
        if is_bucketed(contract):
            table = warehouse.open(one.name, version=one.version)
            check_buckets(table, contract, source=source.name, buckets=source.layout.buckets)


def check_writer(table: DeltaTable, contract: TableContract, *, where: Slice) -> int | None:
    """The mark that a write to the slice must set with its commit; None when the table's mark is right already.

    ContractError when the slice is for another number of buckets than the table's rows of that source lie in, unless
    the slice holds all of them and so replaces them.
    """
    if not where.buckets or not is_bucketed(contract):
        return None
    source = where.partition["source"]
    others = [file for file in files_of(table, source) if not _is_owned(file, where)]
    if others:
        check_buckets(table, contract, source=source, buckets=where.buckets)
    else:
        _check_fence(table, contract.name, source=source, buckets=where.buckets)
    return None if table.transaction_version(mark_of(source)) == where.buckets else where.buckets


def _is_owned(file: DataFile, where: Slice) -> bool:
    return in_partition(file.partition, where) and placement(file.bounds, where) == "inside"


def check_buckets(table: DeltaTable, contract: TableContract, *, source: str, buckets: int) -> None:
    """ContractError unless the source's rows in the opened version, if any, lie in ``buckets`` buckets."""
    _check_fence(table, contract.name, source=source, buckets=buckets)
    held = held_buckets(table, contract, source=source, wanted=buckets)
    if held is not None and held != buckets:
        raise ContractError(
            f"the rows of {source} lie in {held or 'an unknown number of'} buckets, its layout declares {buckets}",
            where=f"table {contract.name}",
            fix=f"{REBUCKET} {source}",
        )


def _check_fence(table: DeltaTable, name: str, *, source: str, buckets: int) -> None:
    # A re-bucketing that was killed leaves its fence: rows of either number would then be mixed, so nobody may write.
    fenced = fenced_buckets(table, source)
    if fenced is not None and fenced != buckets:
        raise ContractError(
            f"the rows of {source} are on their way to {fenced} buckets, its layout declares {buckets}",
            where=f"table {name}",
            fix=f"{REBUCKET} {source}",
        )


def check_rows(data: pa.Table, contract: TableContract, where: Slice) -> None:
    """ContractError when a row is not in its customer's bucket; a slice that names no number of buckets is not checked.

    ``data`` has the contract's columns, partition columns included.
    """
    if where.buckets and is_bucketed(contract):
        expected = bucket_of(data[contract.entity], where.buckets)
        if (expected != data["bucket"].to_numpy()).any():
            what = f"rows are not in the bucket of their customer, of {where.buckets}"
            raise ContractError(what, where=f"table {contract.name}", fix="take buckets from the source's layout")


def aligned(warehouse: Warehouse, pinned: Pinned, *, source: str, buckets: int) -> Pinned:
    """The pinned version for a job that goes bucket by bucket: as it is when its rows lie in ``buckets`` buckets.

    An old version may lie in another number. Its files are then given to every bucket, as those of tables without
    customers are: right for looking up rows by their own key, and slower.
    """
    table = warehouse.open(pinned.name, version=pinned.version)
    if table.transaction_version(mark_of(source)) == buckets:
        return pinned
    everywhere = tuple(replace(file, partition={**file.partition, "period": "all"}) for file in pinned.files)
    return replace(pinned, files=everywhere)
