"""Rows of a load between two steps: scratch files in which one bucket's rows can be taken out without reading others.

A task that maps a file knows nothing of other files, and the task that writes a bucket needs the rows of all of them.
So rows are put down once, sorted by bucket and period, with the places noted: what a shuffle does, without moving a row
through the driver or the JVM. No reading of files (``file_tasks``), no judgement (``judging``).
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tallystick.dialect.engine import answer, connect

# Rows put down together: some dozens of megabytes, whatever the size of the delivery.
STAGE_ROWS = 262_144

# Names of the columns that are staged beside the table's own.
KEY = "_key"
# Not staged: alike in all rows of a load, or told by the place where the rows lie.
PLACED = ("source", "bucket", "period", "loaded_on")


@dataclass(frozen=True, kw_only=True, slots=True)
class StagedPart:
    """The rows of a segment that lie in one bucket and period."""

    bucket: int
    period: str
    start: int
    rows: int


@dataclass(frozen=True, kw_only=True, slots=True)
class StagedBatch:
    """Staged rows that came from one file: one record batch of a scratch file.

    ``is_settled`` rows were compared and accepted already; those of other batches stand alone unless their key is
    suspect.
    """

    path: str
    number: int
    file: str
    is_settled: bool = False

    def read(self) -> pa.RecordBatch:
        """The rows, mapped from disk: what is not looked at is not read."""
        return pa.ipc.open_file(pa.memory_map(self.path)).get_batch(self.number)

    def read_part(self, part: StagedPart) -> pa.RecordBatch:
        """The rows of one part."""
        return self.read().slice(part.start, part.rows)

    def read_keys(self) -> np.ndarray:
        """The keys' hashes alone. Read and not mapped: the pages around them would count as memory in use."""
        file = pa.OSFile(self.path)
        place = pa.ipc.open_file(file).schema.get_field_index(KEY)
        asked = pa.ipc.IpcReadOptions(included_fields=[place], use_threads=False)
        return pa.ipc.open_file(file, options=asked).get_batch(self.number).column(0).to_numpy()


@dataclass(frozen=True, kw_only=True, slots=True)
class Segment:
    """A batch, and the parts in it. A task that needs one part gets the batch without the places of all others."""

    batch: StagedBatch
    parts: tuple[StagedPart, ...]

    @property
    def rows(self) -> int:
        """All rows of the segment."""
        return sum(part.rows for part in self.parts)


@dataclass(slots=True)
class StageWriter:
    """Puts rows of one table down in a new scratch file, segment after segment."""

    folder: Path
    is_settled: bool = False
    segments: list[Segment] = field(default_factory=list)
    _waiting: list[pa.Table] = field(default_factory=list)
    _file: str = ""
    _path: Path | None = None
    _writer: Any = None

    def add(self, rows: pa.Table, *, file: str) -> None:
        """Add rows of a file; ``bucket`` and ``period`` are among their columns, and constants of the load are not."""
        if file != self._file:
            self._flush()
            self._file = file
        if rows.num_rows:
            self._waiting.append(rows)
            if sum(piece.num_rows for piece in self._waiting) >= STAGE_ROWS:
                self._flush()

    def _flush(self) -> None:
        if not self._waiting:
            return
        rows = pa.concat_tables(self._waiting).combine_chunks()
        self._waiting.clear()
        order, parts = _arranged(rows["bucket"], rows["period"])
        rows = rows.drop_columns(["bucket", "period"])
        kept = rows if order is None else rows.take(pa.array(order))
        if self._writer is None:
            self._path = scratch_file(self.folder)
            self._writer = pa.ipc.new_file(str(self._path), kept.schema)
        self._writer.write_batch(kept.combine_chunks().to_batches()[0])
        number = len(self.segments)
        batch = StagedBatch(path=str(self._path), number=number, file=self._file, is_settled=self.is_settled)
        self.segments.append(Segment(batch=batch, parts=parts))

    def close(self) -> list[Segment]:
        """All segments, complete on disk."""
        self._flush()
        if self._writer is not None:
            self._writer.close()
        return self.segments


def _arranged(buckets: pa.ChunkedArray, periods: pa.ChunkedArray) -> tuple[np.ndarray | None, tuple[StagedPart, ...]]:
    """The order that puts rows of one bucket and period side by side, None for the order they have, and the parts."""
    coded = periods.combine_chunks().dictionary_encode()
    names = coded.dictionary.to_pylist()
    numbers = buckets.to_numpy().astype(np.int64) * len(names) + coded.indices.to_numpy(zero_copy_only=False)
    order: np.ndarray | None = None
    if (np.diff(numbers) < 0).any():
        order = np.argsort(numbers, kind="stable")
        numbers = numbers[order]
    starts = np.flatnonzero(np.diff(numbers, prepend=numbers[0] - 1))
    ends = np.append(starts[1:], len(numbers))
    parts = tuple(
        StagedPart(
            bucket=int(number) // len(names), period=names[number % len(names)], start=int(start), rows=int(end - start)
        )
        for number, start, end in zip(numbers[starts], starts, ends, strict=True)
    )
    return order, parts


def scratch_file(folder: Path) -> Path:
    """A new path in the folder, which is made when it does not exist: an attempt of a task never meets another's."""
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{uuid.uuid4().hex}.arrow"


def put(rows: pa.Table, folder: Path) -> str:
    """Put a table down as it is; the path."""
    path = scratch_file(folder)
    with pa.ipc.new_file(str(path), rows.schema) as writer:
        writer.write_table(rows)
    return str(path)


def take(path: str) -> pa.Table:
    """A table that was put down."""
    return pa.ipc.open_file(pa.memory_map(path)).read_all()


def is_among(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """For each value whether it is one of ``known``, which is sorted and has each once."""
    if not len(known):
        return np.zeros(len(values), dtype=bool)
    places = np.searchsorted(known, values)
    places[places == len(known)] = 0
    return np.asarray(known[places] == values)


def by_place(segments: Sequence[Segment]) -> dict[tuple[int, str], list[tuple[StagedBatch, StagedPart]]]:
    """The parts of all segments by bucket and period."""
    found: dict[tuple[int, str], list[tuple[StagedBatch, StagedPart]]] = {}
    for segment in segments:
        for part in segment.parts:
            found.setdefault((part.bucket, part.period), []).append((segment.batch, part))
    return found


def copied(rows: pa.Table) -> pa.Table:
    """The rows without what they are a slice of.

    A batch of a large load holds little of each part: with the pages around them, the parts of one bucket would keep
    far more of the scratch files in memory than they are.
    """
    batches = [pa.ipc.read_record_batch(batch.serialize(), rows.schema) for batch in rows.to_batches()]
    return pa.Table.from_batches(batches, rows.schema)


def constant(value: object, size: int, kind: pa.DataType) -> pa.Array:
    """One value for all of some rows."""
    return pa.nulls(size, kind) if value is None else pc.cast(pa.repeat(value, size), kind)


def with_keys(rows: pa.Table, column: str) -> pa.Table:
    """The rows with KEY, the hash of that column's values."""
    with connect() as connection:
        connection.register("rows", rows.select([column]))
        found = answer(connection, f"SELECT {hash_sql(column)} AS {KEY} FROM rows")
    return rows.append_column(KEY, found[KEY])


def hash_sql(column: str) -> str:
    """The hash of a column's values in DuckDB's SQL, alike in all processes of a run."""
    return f'hash("{column}")'
