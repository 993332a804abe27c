"""Rows that wait for a parent, read again from their text or file: each load tries those of the loads before it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from tallystick.dialect.engine import answer, connect
from tallystick.ingest.delivered_files import inspect_file, read_batches, split_raw, view_schema
from tallystick.ingest.deliveries import is_of_view
from tallystick.ingest.earlier import EarlierRows
from tallystick.ingest.file_tasks import driving_rows
from tallystick.ingest.pseudonyms import Pseudonyms
from tallystick.ingest.rejected import waiting_sql
from tallystick.spec.sources import SourceFile

_NAME = "rejects"
_COLUMNS = ("rejected_id", "reason", "file", "line", "raw")


def parked_rows(
    earlier: EarlierRows, rejected: str, *, branch: int, file: SourceFile, home: Path, pseudonyms: Pseudonyms | None
) -> list[tuple[str, pa.Table]]:
    """The driving rows that a branch parked, by the landed file that they came from; files lie below ``home``.

    ``rejected`` is the table of rejects. The layout is that of the file each row came from: a later delivery may have
    its columns in another order. A row whose text was not kept is read again from that file.
    """
    with connect() as connection:
        connection.register(_NAME, earlier.read(rejected, _COLUMNS))
        waiting = answer(connection, waiting_sql(_NAME, branch=branch))
    found = []
    for name in pc.unique(waiting["file"]).to_pylist():
        if not is_of_view(name, file):
            continue
        rows = waiting.filter(pc.equal(waiting["file"], name))
        # A text that was kept before identifiers were hashed is not read any more.
        has_text = pc.and_(pc.is_valid(rows["raw"]), not file.hashed)
        kept, lost = rows.filter(has_text), rows.filter(pc.invert(has_text))
        batches = [_split_again(kept, name, file, home=home)] if kept.num_rows else []
        if lost.num_rows:
            batches += _read_again(home / name, name, file, lines=lost["line"], pseudonyms=pseudonyms)
        found += [(name, driving_rows(batch, is_parked=True)) for batch in batches]
    return found


def _split_again(rows: pa.Table, name: str, file: SourceFile, *, home: Path) -> pa.RecordBatch:
    layout, _ = inspect_file(home / name, file)
    columns, problems = split_raw(rows["raw"].to_pylist(), layout, file)
    nothing = pa.nulls(rows.num_rows, pa.string())
    told = [rows[part].combine_chunks() for part in ("file", "line", "raw")]
    return pa.RecordBatch.from_arrays([*columns, *told, problems, nothing, nothing], schema=view_schema(file))


def _read_again(
    path: Path, name: str, file: SourceFile, *, lines: pa.ChunkedArray, pseudonyms: Pseudonyms | None = None
) -> Iterator[pa.RecordBatch]:
    """Those records of a landed file that stand at some lines."""
    layout, _ = inspect_file(path, file)
    for batch in read_batches(path, name, file, layout, pseudonyms=pseudonyms):
        chosen = batch.filter(pc.is_in(batch.column("_line"), value_set=lines))
        if chosen.num_rows:
            yield chosen


def raw_lines(path: Path, name: str, file: SourceFile, *, lines: pa.Array) -> Mapping[int, str | None]:
    """The text of some records of a file without hashed identifiers, by line."""
    found: dict[int, str | None] = {}
    for batch in _read_again(path, name, file, lines=lines):
        found.update(zip(batch.column("_line").to_pylist(), batch.column("_raw").to_pylist(), strict=True))
    return found
