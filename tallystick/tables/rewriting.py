"""Rows of some files of a table into new files, sorted and of a bounded size, in bounded memory.

What lives here: one merge, which runs in a Spark task or in the process at hand. What must not: which files to merge
(``compaction``, ``rebucketing``), commits.
"""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tallystick.errors import ContractError
from tallystick.spec.tables import TableContract
from tallystick.tables.buckets import bucket_of
from tallystick.tables.disk import full_disk_is_setup_error
from tallystick.tables.files import ROW_GROUP_ROWS, DataFile, new_rel, parquet_options, stats_json
from tallystick.tables.schemas import file_schema, layout_fingerprint, stats_columns
from tallystick.tables.slices import Slice
from tallystick.tables.snapshots import LiveFile
from tallystick.tables.warehouse import Warehouse

# Large enough that a year of a bucket is one file, small enough that a load inside it is replaced in seconds.
TARGET_BYTES = 512 * 2**20
# Rows beyond it are sorted on disk (TMPDIR).
SORT_MEMORY_BYTES = 2**30
READ_ROWS = 16_384

BUCKET = "_bucket"


@dataclass(frozen=True, kw_only=True, slots=True)
class Merge:
    """Files whose rows belong together, and the partition of the files that take their place.

    With ``buckets`` the partition lacks its bucket: rows are dealt to the buckets of their customers. It travels to the
    tasks.
    """

    table: str
    files: tuple[LiveFile, ...]
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
    written: list[_FileWriter] = []
    with full_disk_is_setup_error(contract.name):
        try:
            for partition, rows in _cut(_sorted_rows(path, contract, merge, memory_bytes), merge):
                if not written or written[-1].partition != partition or written[-1].size >= target_bytes:
                    if written:
                        written[-1].close()
                    written.append(_FileWriter(path, contract, partition))
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


def split_file(path: Path, contract: TableContract, *, file: LiveFile, where: Slice) -> tuple[int, list[DataFile]]:
    """How many rows of a file of the table at ``path`` lie inside the slice, and a new file with the others.

    The order of the rows stays. With no row inside, and with no row outside, there is no new file.
    """
    schema = pa.schema([column.with_nullable(True) for column in file_schema(contract)])
    writer: _FileWriter | None = None
    inside = 0
    try:
        for batch in _batches([path / file.rel], schema):
            rows = pa.Table.from_batches([batch])
            outside = rows.filter(_is_outside(rows[where.column], where))
            inside += rows.num_rows - outside.num_rows
            if outside.num_rows:
                writer = writer or _FileWriter(path, contract, file.partition)
                writer.write(outside)
        if writer is not None:
            writer.close()
    except BaseException:
        if writer is not None:
            writer.discard()
        raise
    if writer is None:
        return inside, []
    if inside:
        return inside, [writer.described()]
    writer.discard()
    return 0, []


def _is_outside(column: pa.ChunkedArray, where: Slice) -> pa.ChunkedArray:
    mask = pc.is_null(column)
    if where.low is not None:
        mask = pc.or_(mask, pc.fill_null(pc.less(column, pa.scalar(where.low, column.type)), True))
    if where.high is not None:
        mask = pc.or_(mask, pc.fill_null(pc.greater_equal(column, pa.scalar(where.high, column.type)), True))
    return mask


def _sorted_rows(path: Path, contract: TableContract, merge: Merge, memory_bytes: int) -> Iterator[pa.Table]:
    # DuckDB, because it sorts on disk what does not fit. Files are read here: they may lack a column, or carry the
    # instants of another writer.
    import duckdb

    schema = pa.schema([field.with_nullable(True) for field in file_schema(contract)])
    streamed = schema.append(pa.field(BUCKET, pa.int32())) if merge.buckets else schema
    in_files = set(schema.names)
    order = [name for name in (*contract.sort_by, *contract.key) if name in in_files]
    by = ", ".join(f'"{name}" NULLS LAST' for name in dict.fromkeys([BUCKET, *order] if merge.buckets else order))
    with tempfile.TemporaryDirectory(prefix="tallystick-sort-") as spill, duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'; SET threads = 1")
        connection.execute(f"SET memory_limit = '{memory_bytes // 2**20}MiB'; SET temp_directory = '{spill}'")
        batches = _batches([path / file.rel for file in merge.files], schema)
        if merge.buckets:
            batches = _dealt(batches, contract.entity, merge.buckets)
        connection.register("stored", pa.RecordBatchReader.from_batches(streamed, batches))
        sorted_rows = connection.sql(f"SELECT * FROM stored{f' ORDER BY {by}' if by else ''}")
        for batch in sorted_rows.to_arrow_reader(READ_ROWS):
            yield pa.Table.from_batches([batch]).cast(streamed)


def _batches(paths: Sequence[Path], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    for path in paths:
        with pq.ParquetFile(path, coerce_int96_timestamp_unit="us") as file:
            held = [name for name in schema.names if name in file.schema_arrow.names]
            for batch in file.iter_batches(READ_ROWS, columns=held, use_threads=False):
                arrays = [
                    batch[field.name].cast(field.type) if field.name in held else pa.nulls(batch.num_rows, field.type)
                    for field in schema
                ]
                yield pa.RecordBatch.from_arrays(arrays, schema=schema)


def _dealt(batches: Iterator[pa.RecordBatch], entity: str, buckets: int) -> Iterator[pa.RecordBatch]:
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


@dataclass(slots=True)
class _FileWriter:
    """One new file: rows are added in pieces and described as ``write_file`` would."""

    table_path: Path
    contract: TableContract
    partition: Mapping[str, str]
    rows: int = 0
    nulls: dict[str, int] = field(default_factory=dict)
    bounds: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    rel: str = ""
    _waiting: list[pa.Table] = field(default_factory=list)
    _sink: Any = None
    _writer: Any = None

    def __post_init__(self) -> None:
        by = self.contract.partition_by
        self.partition = {name: self.partition[name] for name in by}
        self.rel = new_rel(dict(self.partition))
        path = self.table_path / self.rel
        path.parent.mkdir(parents=True, exist_ok=True)
        schema = pa.schema([column.with_nullable(True) for column in file_schema(self.contract)])
        self._sink = pa.OSFile(str(path), "wb")
        self._writer = pq.ParquetWriter(self._sink, schema, **parquet_options(self.contract))

    @property
    def size(self) -> int:
        """Bytes so far: whole row groups."""
        return int(self._sink.tell()) if not self._sink.closed else (self.table_path / self.rel).stat().st_size

    def write(self, rows: pa.Table) -> None:
        """Add rows; they go to disk a row group at a time."""
        self.rows += rows.num_rows
        for name in rows.column_names:
            if rows[name].null_count:
                self.nulls[name] = self.nulls.get(name, 0) + rows[name].null_count
        for name in stats_columns(self.contract):
            pair = pc.min_max(rows[name]).as_py()
            low, high = self.bounds.get(name, (pair["min"], pair["max"]))
            self.bounds[name] = (min(low, pair["min"]), max(high, pair["max"]))
        self._waiting.append(rows)
        if sum(piece.num_rows for piece in self._waiting) >= ROW_GROUP_ROWS:
            self._flush()

    def _flush(self) -> None:
        if self._waiting:
            held = pa.concat_tables(self._waiting)
            self._waiting.clear()
            self._writer.write_table(held, row_group_size=max(held.num_rows, 1))

    def close(self) -> None:
        """Write what waits, and the footer."""
        self._flush()
        self._writer.close()
        self._sink.close()

    def discard(self) -> None:
        """Close without a word and remove the file."""
        with suppress(OSError, pa.ArrowException):
            self._writer.close()
        with suppress(OSError, pa.ArrowException):
            self._sink.close()
        (self.table_path / self.rel).unlink(missing_ok=True)

    def described(self) -> DataFile:
        """The closed file, for the commit. Its key is unique as far as it was in the files that it replaces."""
        dated = ("date", "timestamp")
        return DataFile(
            path=self.rel,
            size=(self.table_path / self.rel).stat().st_size,
            rows=self.rows,
            partition=self.partition,
            stats=stats_json(self.rows, self.bounds, self.nulls),
            bounds={name: pair for name, pair in self.bounds.items() if self.contract.column(name).type in dated},
            nulls=self.nulls,
            is_key_unique=True,
            layout=layout_fingerprint(self.contract),
        )
