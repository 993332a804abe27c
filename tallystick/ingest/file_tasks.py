"""Reads one delivered file in a task and maps its rows to all tables that it drives.

The rows go from the file's bytes to scratch files by bucket in this one pass; no text crosses to the JVM. Mapping is
the branch's SQL in DuckDB (``tallystick.dialect``); ``spark_branches`` maps what only Spark can.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from tallystick.dialect.engine import QueryStopped, answer, connect
from tallystick.ingest.counts import FileCounts
from tallystick.ingest.delivered_files import read_batches
from tallystick.ingest.placing import Placed, Placer, TablePlan
from tallystick.ingest.pseudonyms import Pseudonyms
from tallystick.ingest.read_so_far import ReadingNote
from tallystick.ingest.records import FileLayout
from tallystick.ingest.staging import put, take
from tallystick.spec.sources import SourceFile

# The name of the rows that a branch is driven by.
DRIVING = "driving"


@dataclass(frozen=True, kw_only=True, slots=True)
class MappedBranch:
    """A branch of a mapping as DuckDB's SQL over DRIVING and over the tables of ``lookups``: paths by name.

    ``reads_origin``: its SQL reads the name of the file or the text of the line.
    """

    plan: TablePlan
    sql: str
    lookups: Mapping[str, str] = field(default_factory=dict)
    reads_origin: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class FileTask:
    """One file, and the branches that its rows drive; none when the file is only looked at."""

    view: str
    path: str
    name: str
    file: SourceFile
    layout: FileLayout
    branches: tuple[MappedBranch, ...]
    folder: str
    is_kept: bool = False
    pseudonyms: Pseudonyms | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class FileResult:
    """What was found in a file, what happened to its rows by table, and a path of the rows where they were kept.

    ``stopped`` is the condition, in Spark's words, under which the mapping stopped on a row.
    """

    counts: FileCounts
    placed: tuple[Placed, ...] = ()
    kept: str = ""
    stopped: str = ""


def map_file(task: FileTask) -> list[FileResult]:
    """Read the file to its end, or to what ends it, and map its rows."""
    folder = Path(task.folder)
    tally = FileTally(task.view, task.name)
    kept: list[pa.RecordBatch] = []
    note = ReadingNote(Path(task.path), task.name, folder)
    with Mapper(task.branches, folder) as mapper:
        for batch in read_batches(Path(task.path), task.name, task.file, task.layout, pseudonyms=task.pseudonyms):
            if tally.count(batch):
                break
            mapper.add(driving_rows(batch), file=task.name)
            if mapper.stopped:
                break
            if task.is_kept:
                kept.append(batch)
            note.update()
        note.end()
        placed = mapper.close()
    path = put(pa.Table.from_batches(kept), folder) if kept else ""
    return [FileResult(counts=tally.told(), placed=placed, kept=path, stopped=mapper.stopped)]


class FileTally:
    """Counts a file's records while it is read."""

    def __init__(self, view: str, name: str) -> None:
        self.view, self.name = view, name
        self.rows = self.unreadable = 0
        self.fault = ""
        self.keys: set[str] | None = None

    def count(self, batch: pa.RecordBatch) -> bool:
        """Count the rows of a batch of ``view_schema``; whether it is what ended the file early."""
        fault = batch.column("_fault")
        if fault.null_count < batch.num_rows:
            self.fault = next(text for text in fault.to_pylist() if text)
            return True
        self.rows += batch.num_rows
        self.unreadable += batch.num_rows - batch.column("_problem").null_count
        keys = batch.column("_keys")
        if keys.null_count < batch.num_rows:
            found = {key for text in keys.drop_null().to_pylist() for key in json.loads(text)}
            self.keys = (self.keys or set()) | found
        return False

    def told(self) -> FileCounts:
        """The counts so far."""
        keys = None if self.keys is None else frozenset(self.keys)
        return FileCounts(
            view=self.view, file=self.name, rows=self.rows, unreadable=self.unreadable, fault=self.fault, keys=keys
        )


class Mapper:
    """Maps driving rows by several branches; a context, for it holds a connection."""

    def __init__(self, branches: Sequence[MappedBranch], folder: Path) -> None:
        self.branches = branches
        self.placers = {branch.plan.table: Placer(branch.plan, folder) for branch in branches}
        self.stopped = ""
        self._stack = ExitStack()

    def __enter__(self) -> Mapper:
        if self.branches:
            self._connection = self._stack.enter_context(connect())
            for name, path in {name: path for one in self.branches for name, path in one.lookups.items()}.items():
                self._connection.register(name, take(path))
        return self

    def __exit__(self, *told: object) -> None:
        self._stack.close()

    def add(self, rows: pa.Table, *, file: str, is_own: bool = False) -> None:
        """Map rows that came from one file, or from no one file when each ``is_own``: carries its own file and text.

        The text and the name of other rows stay outside, unless a branch reads them: rejects ask for theirs by line.
        """
        if not self.branches or not rows.num_rows:
            return
        raw = None if is_own else rows.select(["_line", "_raw"])
        bare = rows if is_own else _without_texts(rows)
        for branch in self.branches:
            self._connection.register(DRIVING, rows if branch.reads_origin else bare)
            try:
                judged = answer(self._connection, branch.sql)
            except QueryStopped as error:
                # Kept and not raised: an error would lose its kind on the way from a task.
                self.stopped = error.condition
                return
            self.placers[branch.plan.table].add(judged, file=file, raw=raw)

    def close(self) -> tuple[Placed, ...]:
        """What happened to the rows, by table."""
        return tuple(placer.close() for placer in self.placers.values())


def _without_texts(rows: pa.Table) -> pa.Table:
    for name in ("_file", "_raw"):
        rows = rows.set_column(rows.column_names.index(name), name, pa.nulls(rows.num_rows, pa.string()))
    return rows


def driving_rows(batch: pa.RecordBatch, *, is_parked: bool = False) -> pa.Table:
    """Rows of a raw view as branches are driven by them."""
    rows = pa.Table.from_batches([batch]).drop_columns(["_fault", "_keys"])
    return rows.append_column("_is_parked", pa.repeat(is_parked, rows.num_rows))
