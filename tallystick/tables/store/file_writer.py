"""Writes one new file of a table in pieces, for rows that may be more than fit into memory.

The door needs it for the rest of an old file that lies partly outside a slice, upkeep for merged files.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tallystick.places import to_place
from tallystick.spec.data_files import DataFile, WriterFacts
from tallystick.spec.tables import TableContract
from tallystick.tables.store.file_access import open_output, open_parquet
from tallystick.tables.store.parquet_files import ROW_GROUP_ROWS, new_rel, parquet_options, stats_json
from tallystick.tables.store.schemas import file_schema, layout_fingerprint, stats_columns
from tallystick.tables.store.slices import Slice

READ_ROWS = 16_384


def split_file(contract: TableContract, *, file: DataFile, where: Slice) -> tuple[int, list[DataFile]]:
    """How many rows of a file lie inside the slice, and a new file with the others.

    The order of the rows stays. With no row inside, and with no row outside, there is no new file.
    """
    schema = pa.schema([column.with_nullable(True) for column in file_schema(contract)])
    writer: FileWriter | None = None
    inside = 0
    try:
        for batch in stream_rows([file.path], schema):
            rows = pa.Table.from_batches([batch])
            outside = rows.filter(_is_outside(rows[where.column], where))
            inside += rows.num_rows - outside.num_rows
            if outside.num_rows:
                writer = writer or FileWriter(to_place(file.table_path), contract, file.partition)
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


def stream_rows(paths: Sequence[str], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """The rows of Parquet files in the columns and types of ``schema``; a column that a file lacks is null."""
    for path in paths:
        with open_parquet(path, coerce_int96_timestamp_unit="us") as file:
            held = [name for name in schema.names if name in file.schema_arrow.names]
            for batch in file.iter_batches(READ_ROWS, columns=held, use_threads=False):
                arrays = [
                    batch[field.name].cast(field.type) if field.name in held else pa.nulls(batch.num_rows, field.type)
                    for field in schema
                ]
                yield pa.RecordBatch.from_arrays(arrays, schema=schema)


@dataclass(slots=True)
class FileWriter:
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
        schema = pa.schema([column.with_nullable(True) for column in file_schema(self.contract)])
        self._sink = open_output(self.table_path / self.rel)
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
        facts = WriterFacts(
            stats=stats_json(self.rows, self.bounds, self.nulls),
            nulls=self.nulls,
            is_key_unique=True,
            layout=layout_fingerprint(self.contract),
        )
        return DataFile(
            table_path=str(self.table_path),
            rel=self.rel,
            size=(self.table_path / self.rel).stat().st_size,
            rows=self.rows,
            partition=self.partition,
            bounds={name: pair for name, pair in self.bounds.items() if self.contract.column(name).type in dated},
            written=facts,
        )
