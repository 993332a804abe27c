"""Writes the rows of some files of a table to new files, sorted and of a bounded size, in bounded memory.

Apart from the plans (``compaction``, ``rebucketing``) because it runs in a Spark task or in the calling process.
"""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from tallystick.errors import ContractError
from tallystick.spec.data_files import DataFile
from tallystick.spec.tables import TableContract
from tallystick.tables.store.bucketing import bucket_of
from tallystick.tables.store.disk import full_disk_is_setup_error
from tallystick.tables.store.file_writer import READ_ROWS, FileWriter, stream_rows
from tallystick.tables.store.schemas import file_schema
from tallystick.tables.store.warehouse import Warehouse

# Large enough that a year of a bucket is one file, small enough that a load inside it is replaced in seconds.
TARGET_BYTES = 512 * 2**20
# Rows beyond it are sorted on disk (TMPDIR).
SORT_MEMORY_BYTES = 2**30

BUCKET = "_bucket"


@dataclass(frozen=True, kw_only=True, slots=True)
class Merge:
    """Files whose rows belong together, and the partition of the files that take their place.

    With ``buckets`` the partition lacks its bucket: rows go to the buckets of their customers. It travels to the
    tasks.
    """

    table: str
    files: tuple[DataFile, ...]
    partition: Mapping[str, str]
    buckets: int = 0


def write_merge(
    warehouse: Warehouse,
    contract: TableContract,
    merge: Merge,
    *,
    target_bytes: int = TARGET_BYTES,
    memory_bytes: int = SORT_MEMORY_BYTES,
) -> list[DataFile]:
    """Write the rows of the merge's files to new ones, sorted as the contract says; no version names them yet.

    A file ends with the row group that makes it reach ``target_bytes``. Rows that the sort order leaves equal are
    ordered by the key. Memory stays near ``memory_bytes`` and one row group, whatever the size of the files.
    ContractError when the rows are not as many as the log says; then nothing is left behind.
    """
    path = warehouse.table_path(contract.name)
    expected = sum(file.rows for file in merge.files)
    written: list[FileWriter] = []
    with full_disk_is_setup_error(contract.name):
        try:
            for partition, rows in _cut(_sorted_rows(contract, merge, memory_bytes), merge):
                if not written or written[-1].partition != partition or written[-1].size >= target_bytes:
                    if written:
                        written[-1].close()
                    written.append(FileWriter(path, contract, partition))
                written[-1].write(rows)
            if written:
                written[-1].close()
            found = sum(writer.rows for writer in written)
            if found != expected:
                raise ContractError(f"the files hold {found} rows, the log says {expected}", where=contract.name)
        except BaseException:
            for writer in written:
                writer.discard()
            raise
    return [writer.described() for writer in written]


def _sorted_rows(contract: TableContract, merge: Merge, memory_bytes: int) -> Iterator[pa.Table]:
    # DuckDB, because it sorts on disk what does not fit. Files are read here: they may lack a column, or carry the
    # instants of another writer.
    import duckdb

    schema = pa.schema([field.with_nullable(True) for field in file_schema(contract)])
    streamed = schema.append(pa.field(BUCKET, pa.int32())) if merge.buckets else schema
    in_files = set(schema.names)
    order = [name for name in (*contract.sort_by, *contract.key) if name in in_files]
    by = ", ".join(f'"{name}" NULLS LAST' for name in dict.fromkeys([BUCKET, *order] if merge.buckets else order))
    with tempfile.TemporaryDirectory(prefix="tallystick-sort-") as spill, duckdb.connect() as connection:
        # One thread: several merges run side by side, one in each task.
        connection.execute("SET TimeZone = 'UTC'; SET threads = 1")
        connection.execute(f"SET memory_limit = '{memory_bytes // 2**20}MiB'; SET temp_directory = '{spill}'")
        batches = stream_rows([file.path for file in merge.files], schema)
        if merge.buckets:
            batches = _with_buckets(batches, contract.entity, merge.buckets)
        connection.register("stored", pa.RecordBatchReader.from_batches(streamed, batches))
        sorted_rows = connection.sql(f"SELECT * FROM stored{f' ORDER BY {by}' if by else ''}")
        for batch in sorted_rows.to_arrow_reader(READ_ROWS):
            yield pa.Table.from_batches([batch]).cast(streamed)


def _with_buckets(batches: Iterator[pa.RecordBatch], entity: str, buckets: int) -> Iterator[pa.RecordBatch]:
    """The batches with every row's bucket as their last column."""
    for batch in batches:
        yield batch.append_column(BUCKET, pa.array(bucket_of(batch[entity], buckets)))


def _cut(rows: Iterator[pa.Table], merge: Merge) -> Iterator[tuple[Mapping[str, str], pa.Table]]:
    """The sorted rows with the partition of each piece; a piece ends where the bucket changes."""
    for table in rows:
        if not merge.buckets:
            yield merge.partition, table
            continue
        buckets = table[BUCKET].to_numpy()
        edges = [0, *(np.flatnonzero(np.diff(buckets)) + 1).tolist(), table.num_rows]
        plain = table.drop_columns([BUCKET])
        for start, end in itertools.pairwise(edges):
            if end > start:
                yield {**merge.partition, "bucket": str(buckets[start])}, plain.slice(start, end - start)
