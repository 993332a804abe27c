"""Makes the views that mappings read: raw ones parsed in tasks, derived ones by SQL, keyed ones for joins.

What lives here: DataFrames of views and the temporary names their SQL knows them by. What must not: rules of clean
tables (``ingest.rows``).
"""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import functions as F

from tallystick.ingest.reading import inspect_file, read_batches, split_raw, view_schema
from tallystick.ingest.records import FileLayout
from tallystick.spec.mapping_sql import MET
from tallystick.spec.sources import SourceFile

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
    """Parked rows of one view, from their raw text. ``parked`` has file, line and raw; files lie below ``home``.

    The layout is that of the landed file each row came from: a later delivery may order its columns otherwise.
    """

    def read(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for name in pc.unique(batch.column(0)).to_pylist():
                rows = batch.filter(pc.equal(batch.column(0), name))
                layout, _ = inspect_file(home / name, file)
                columns, problems = split_raw(rows.column(2).to_pylist(), layout, file)
                nothing = pa.nulls(rows.num_rows, pa.string())
                arrays = [*columns, rows.column(0), rows.column(1), rows.column(2), problems, nothing]
                yield pa.RecordBatch.from_arrays(arrays, schema=view_schema(file))

    is_of_view = F.element_at(F.split("file", "/"), -1).rlike(fnmatch.translate(file.file))
    return parked.where(is_of_view).select("file", "line", "raw").mapInArrow(read, view_ddl(file))


def view_ddl(file: SourceFile) -> str:
    """The schema of a raw view as Spark's DDL."""
    kinds = {"_line": "bigint"}
    return ", ".join(f"`{name}` {kinds.get(name, 'string')}" for name in view_schema(file).names)


def readable_rows(view: DataFrame, file: SourceFile) -> DataFrame:
    """The rows of a raw view whose line could be split: what derived views and joins see."""
    return view.where(F.col("_problem").isNull()).select(*file.columns, "_file", "_line", "_raw")


def driving_rows(view: DataFrame, *, is_parked: bool) -> DataFrame:
    """The rows of a raw view as a mapping is driven by them, unreadable lines included."""
    return view.drop("_fault").withColumn("_is_parked", F.lit(is_parked))


def driving_derived(view: DataFrame, name: str, load_date: str) -> DataFrame:
    """A derived view as a driving one: its rows come from no line, so they carry the view's name and their content."""
    own = [column for column in view.columns if not column.startswith("_")]
    carried = {
        "_file": F.lit(f"{load_date}/view {name}"),
        "_line": F.lit(0).cast("bigint"),
        "_raw": F.to_json(F.struct(*own)),
    }
    made = [(F.col(key) if key in view.columns else value).alias(key) for key, value in carried.items()]
    return view.select(*own, *made, F.lit(None).cast("string").alias("_problem"), F.lit(False).alias("_is_parked"))


def keyed_rows(view: DataFrame, key: Sequence[str]) -> DataFrame:
    """A view as joins see it: one row per key. Equal rows count once; a key whose rows differ is not met by any row.

    Which of two versions is right is not for a join to decide; the rows that look it up are parked.
    """
    rest = [column for column in view.columns if column not in key and not column.startswith("_")]
    known = view.where(" AND ".join(f"`{column}` IS NOT NULL" for column in key))
    if not rest:
        return known.select(*key).distinct().withColumn(MET, F.lit(True))
    row = F.struct(*rest)
    versions = known.groupBy(*key).agg(F.min(row).alias("_low"), F.max(row).alias("_high"))
    same = versions.where(F.col("_low").eqNullSafe(F.col("_high")))
    return same.select(*key, "_low.*", F.lit(True).alias(MET))


def newest_rows(versions: DataFrame, event_id: str, known_on: str) -> DataFrame:
    """The newest version of every object of a clean table, without those taken back."""
    row = F.struct(*versions.columns)
    newest = versions.groupBy(F.col(event_id).alias("_id")).agg(F.max_by(row, known_on).alias("_row"))
    rows = newest.select("_row.*")
    return rows.where("NOT is_retracted") if "is_retracted" in versions.columns else rows


class ViewNames:
    """Temporary views of one load: unique names in the session, dropped when the load is over."""

    def __init__(self, session: SparkSession, prefix: str) -> None:
        self.session = session
        self.prefix = prefix
        self.names: list[str] = []

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
    files: Mapping[str, Sequence[str]], specs: Mapping[str, SourceFile], *, home: Path, load_date: str
) -> tuple[dict[str, list[Task]], list[str]]:
    """The reading tasks of every view, after a look at each file's header, and notes on columns nobody asked for."""
    tasks: dict[str, list[Task]] = {}
    notes = []
    for view, names in files.items():
        tasks[view] = []
        if not names:
            notes.append(f"{specs[view].file} was not delivered")
        for name in names:
            path = home / load_date / name
            layout, extra = inspect_file(path, specs[view])
            tasks[view].append((str(path), f"{load_date}/{name}", layout))
            if extra:
                notes.append(f"{name} has columns that are not declared: {', '.join(extra)}")
    return tasks, notes
