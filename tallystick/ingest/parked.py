"""Rows that wait for a parent, read again from their text: each load tries those of the loads before it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from tallystick.dialect.engine import answer, connect
from tallystick.ingest.delivered_files import inspect_file, read_batches, split_raw, view_schema
from tallystick.ingest.deliveries import is_of_view
from tallystick.ingest.earlier import EarlierRows
from tallystick.ingest.file_tasks import driving_rows
from tallystick.ingest.rejected import waiting_sql
from tallystick.spec.sources import SourceFile

_NAME = "rejects"
_COLUMNS = ("rejected_id", "reason", "file", "line", "raw")


def parked_rows(
    earlier: EarlierRows, rejected: str, *, branch: int, file: SourceFile, home: Path
) -> list[tuple[str, pa.Table]]:
    """The driving rows that a branch parked, by the landed file that they came from; files lie below ``home``.

    ``rejected`` is the table of rejects. The layout is that of the file each row came from: a later delivery may have
    its columns in another order.
    """
    with connect() as connection:
        connection.register(_NAME, earlier.read(rejected, _COLUMNS))
        waiting = answer(connection, waiting_sql(_NAME, branch=branch))
    found = []
    for name in pc.unique(waiting["file"]).to_pylist():
        if is_of_view(name, file):
            rows = waiting.filter(pc.equal(waiting["file"], name)).combine_chunks()
            layout, _ = inspect_file(home / name, file)
            columns, problems = split_raw(rows["raw"].to_pylist(), layout, file)
            nothing = pa.nulls(rows.num_rows, pa.string())
            told = [rows[part].combine_chunks() for part in ("file", "line", "raw")]
            batch = pa.RecordBatch.from_arrays([*columns, *told, problems, nothing, nothing], schema=view_schema(file))
            found.append((name, driving_rows(batch, is_parked=True)))
    return found


def raw_lines(path: Path, name: str, file: SourceFile, *, lines: pa.Array) -> Mapping[int, str]:
    """The text of some records of a file, by line."""
    layout, _ = inspect_file(path, file)
    found: dict[int, str] = {}
    for batch in read_batches(path, name, file, layout):
        chosen = batch.filter(pc.is_in(batch.column("_line"), value_set=lines))
        found.update(zip(chosen.column("_line").to_pylist(), chosen.column("_raw").to_pylist(), strict=True))
    return found
