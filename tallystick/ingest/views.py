"""Makes the views that mappings read: raw ones parsed in tasks, derived ones by SQL, keyed ones for joins.

Kept apart from ``casting`` because a view knows its supplier's files and nothing of clean tables.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import functions as F

from tallystick.ingest.casting import name_sql
from tallystick.ingest.delivered_files import inspect_file, read_batches, split_raw, view_schema
from tallystick.ingest.headers import list_names
from tallystick.ingest.records import FileLayout
from tallystick.spec.mapping_sql import MET
from tallystick.spec.mappings import text_sql
from tallystick.spec.sources import ORIGIN_COLUMNS, SourceFile

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

Task = tuple[str, str, FileLayout]


def read_view(session: SparkSession, file: SourceFile, tasks: Sequence[Task]) -> DataFrame:
    """The raw view of some files, one Spark task a file. A task is path, the name to carry as ``_file``, layout."""
    schema = view_ddl(file)
    if not tasks:
        return session.createDataFrame([], schema)
    return session.range(0, len(tasks), 1, len(tasks)).mapInArrow(_reader(file, tuple(tasks)), schema)


def _reader(
    file: SourceFile, tasks: tuple[Task, ...]
) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def read(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for number in batch.column(0).to_pylist():
                path, name, layout = tasks[number]
                yield from read_batches(Path(path), name, file, layout)

    return read


def reread_view(parked: DataFrame, file: SourceFile, home: Path) -> DataFrame:
    """Parked rows of one view, from their raw text: ``parked`` has file, line and raw, in this order.

    Files lie below ``home``. The layout is that of the landed file each row came from: a later delivery may have its
    columns in another order.
    """

    def read(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for name in pc.unique(batch.column(0)).to_pylist():
                rows = batch.filter(pc.equal(batch.column(0), name))
                layout, _ = inspect_file(home / name, file)
                columns, problems = split_raw(rows.column(2).to_pylist(), layout, file)
                nothing = pa.nulls(rows.num_rows, pa.string())
                arrays = [*columns, rows.column(0), rows.column(1), rows.column(2), problems, nothing, nothing]
                yield pa.RecordBatch.from_arrays(arrays, schema=view_schema(file))

    is_of_view = F.element_at(F.split("file", "/"), -1).rlike(fnmatch.translate(file.file))
    return parked.where(is_of_view).mapInArrow(read, view_ddl(file))


def view_ddl(file: SourceFile) -> str:
    """The schema of a raw view as Spark's DDL."""
    kinds = {"_line": "bigint"}
    return ", ".join(f"`{name}` {kinds.get(name, 'string')}" for name in view_schema(file).names)


def readable_sql(view: str, file: SourceFile) -> str:
    """The rows of a raw view whose line could be split: what derived views and joins see."""
    columns = ", ".join(name_sql(column) for column in file.columns)
    return f"SELECT {columns}, _file, _line, _raw FROM {view} WHERE _problem IS NULL"


def driving_sql(view: str, *, is_parked: bool = False) -> str:
    """The rows of a raw view as a mapping is driven by them, unreadable lines included."""
    return f"SELECT * EXCEPT (_fault, _keys), {str(is_parked).upper()} AS _is_parked FROM {view}"


def driving_derived_sql(view: str, columns: Sequence[str], *, name: str, load_date: str) -> str:
    """A derived view as a driving one: its rows come from no line, so they carry the view's name and their content."""
    own = [name_sql(column) for column in columns if column not in ORIGIN_COLUMNS]
    carried = {
        "_file": text_sql(f"{load_date}/view {name}"),
        "_line": "CAST(0 AS BIGINT)",
        "_raw": f"TO_JSON(STRUCT({', '.join(own)}))",
    }
    made = [key if key in columns else f"{value} AS {key}" for key, value in carried.items()]
    return f"SELECT {', '.join([*own, *made])}, CAST(NULL AS STRING) AS _problem, FALSE AS _is_parked FROM {view}"


def keyed_sql(view: str, columns: Sequence[str], key: Sequence[str]) -> str:
    """A view as joins see it: one row per key. Equal rows count once; a key whose rows differ is not met by any row.

    Which of two versions is right is not for a join to decide; the rows that look it up are parked.
    """
    rest = [name_sql(column) for column in columns if column not in (*key, *ORIGIN_COLUMNS)]
    keys = ", ".join(name_sql(column) for column in key)
    known = " AND ".join(f"{name_sql(column)} IS NOT NULL" for column in key)
    if not rest:
        return f"SELECT DISTINCT {keys}, TRUE AS {MET} FROM {view} WHERE {known}"
    row = f"STRUCT({', '.join(rest)})"
    versions = f"SELECT {keys}, MIN({row}) AS _low, MAX({row}) AS _high FROM {view} WHERE {known} GROUP BY {keys}"
    return f"SELECT {keys}, _low.*, TRUE AS {MET} FROM ({versions}) WHERE _low <=> _high"


class ViewNames:
    """Temporary views of one load: unique names in the session, dropped when the load is over."""

    def __init__(self, session: SparkSession, prefix: str) -> None:
        self.session = session
        self.prefix = prefix
        self.names: list[str] = []

    def query(self, sql: str, role: str) -> str:
        """Name the result of a query; nothing is computed."""
        return self.register(self.session.sql(sql), role)

    def register(self, frame: DataFrame, role: str) -> str:
        """Give the frame a name that SQL can use."""
        name = f"_{self.prefix}_{len(self.names)}_{role.replace('.', '_')}"
        frame.createOrReplaceTempView(name)
        self.names.append(name)
        return name

    def drop(self) -> None:
        """Forget all of them."""
        for name in self.names:
            self.session.catalog.dropTempView(name)
        self.names.clear()


def list_tasks(
    files: Mapping[str, Sequence[str]], specs: Mapping[str, SourceFile], *, home: Path, place: Callable[[str], str]
) -> tuple[dict[str, list[Task]], list[str]]:
    """The reading tasks of every view, after a look at each file's header, and notes on columns nobody asked for.

    ``files`` lie below ``home``; ``place`` gives the path that people know one by.
    """
    tasks: dict[str, list[Task]] = {}
    notes = []
    for view, names in files.items():
        tasks[view] = []
        if not names:
            notes.append(f"{specs[view].file} was not delivered")
        for name in names:
            layout, extra = inspect_file(home / name, specs[view], where=place(name))
            tasks[view].append((str(home / name), name, layout))
            if extra:
                notes.append(undeclared_note(name, extra))
    return tasks, notes


def undeclared_note(name: str, extra: Sequence[str]) -> str:
    """What a reader should know of a file with columns that nobody asked for."""
    return f"{name.rpartition('/')[2]} has columns that are not declared: {list_names(extra)}"
