"""Maps rows by Spark's own SQL: branches with functions that DuckDB has not, and views too large for one machine.

The SQL is the same text, and its rows end in the same scratch files: what follows does not know which way they came.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from tallystick.dialect.map_cells import MAP_FUNCTIONS
from tallystick.ingest.casting import Target, judged_sql, name_sql
from tallystick.ingest.delivered_files import read_batches, view_schema
from tallystick.ingest.looked_up import ViewTypes, joined_name, spark_type
from tallystick.ingest.placing import Placed, Placer, TablePlan, mapping_stopped
from tallystick.ingest.pseudonyms import Pseudonyms
from tallystick.ingest.records import FileLayout
from tallystick.ingest.staging import take, with_keys
from tallystick.ingest.views import driving_sql, keyed_sql, readable_sql
from tallystick.spec.mapping_checks import query_views
from tallystick.spec.mapping_sql import branch_sql, view_sql
from tallystick.spec.mappings import CLEAN, Branch
from tallystick.spec.sources import SourceFile

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

# A file's path, the name that its rows carry, and its layout.
Task = tuple[str, str, FileLayout]

_SCHEMA = "table string, placed binary"


@dataclass(frozen=True, kw_only=True, slots=True)
class SparkInput:
    """What a branch reads: the reading tasks of every file's view, parked rows that it is driven by besides, as they
    drive it, and paths of the clean tables that it looks up.
    """

    tasks: Mapping[str, Sequence[Task]]
    parked: Sequence[pa.Table] = ()
    clean: Mapping[str, str] = field(default_factory=dict)
    pseudonyms: Pseudonyms | None = None


def map_by_spark(
    session: SparkSession, branch: Branch, target: Target, *, given: SparkInput, views: ViewTypes, folder: Path
) -> list[Placed]:
    """Map a branch's rows; LoadRefused, telling no value, where Spark stops on a row."""
    names = ViewNames(session, target.source.name)
    try:
        with map_functions(session), _refused(target.source.name, target.load_date):
            sql = _selected(session, branch, given, views=views, names=names, delivery=target.delivery)
            # Analysed once for its types, which decide how each column is cast.
            fields = session.sql(sql).schema.fields
            judged = judged_sql(sql, {field.name: field.dataType.simpleString() for field in fields}, target)
            stage = _stager(TablePlan.of(target), folder)
            found = session.sql(judged).mapInArrow(stage, _SCHEMA).collect()
    finally:
        names.drop()
    return [pickle.loads(bytes(row["placed"])) for row in found]


@contextmanager
def map_functions(session: SparkSession) -> Iterator[None]:
    """The functions that mappings have beside Spark's, known to the session while it is open."""
    from pyspark.sql import functions as F

    for own in MAP_FUNCTIONS:
        session.udf.register(own.name, F.arrow_udf(own.compute, own.type))
    try:
        yield
    finally:
        for own in MAP_FUNCTIONS:
            session.sql(f"DROP TEMPORARY FUNCTION IF EXISTS {own.name}")


def _selected(
    session: SparkSession, branch: Branch, given: SparkInput, *, views: ViewTypes, names: ViewNames, delivery: str
) -> str:
    source, parsed = views.source, views.parsed
    raw: dict[str, str] = {}
    readable: dict[str, str] = {}

    def make(view: str) -> str:
        """The name of a view's readable rows, which is made with all that it reads when it is asked for first."""
        if view not in readable:
            if view in source.files:
                file = source.files[view]
                raw[view] = names.register(
                    read_view(session, file, given.tasks[view], pseudonyms=given.pseudonyms), view
                )
                readable[view] = names.query(readable_sql(raw[view], file), f"{view}_readable")
            else:
                tree = parsed.views[view]
                sql = view_sql(tree, {name: make(name) for name in query_views(tree)})
                readable[view] = names.query(sql, view)
        return readable[view]

    joined: dict[str, str] = {}
    for join in branch.joins:
        if join.view.startswith(f"{CLEAN}."):
            frame = session.createDataFrame(take(given.clean[join.view]).combine_chunks())
            joined[join.view] = names.register(frame, joined_name(join.view))
        else:
            shape = parsed.shapes[join.view]
            sql = keyed_sql(make(join.view), shape.columns, shape.key)
            joined[join.view] = names.query(sql, joined_name(join.view))
    rows = make(branch.view)
    if branch.view in source.files:
        driving = driving_sql(raw[branch.view])
        for table in given.parked:
            parked = names.register(session.createDataFrame(table.combine_chunks()), f"{branch.view}_parked")
            driving = f"{driving} UNION ALL SELECT * FROM {parked}"
    else:
        driving = views.driving_sql(branch.view, rows, delivery=delivery)
    driven = {branch.view: names.query(driving, f"{branch.view}_driving")}
    return branch_sql(branch, parsed.shapes, driven=driven, joined=joined)


def _stager(plan: TablePlan, folder: Path) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def stage(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        placer = Placer(plan, folder)
        for batch in batches:
            rows = with_keys(pa.Table.from_batches([batch]), plan.contract.event_id)
            for file in pc.unique(rows["_file"]).to_pylist():
                placer.add(rows.filter(pc.equal(rows["_file"], file)), file=file)
        yield pa.RecordBatch.from_pydict({"table": [plan.table], "placed": [pickle.dumps(placer.close())]})

    return stage


@contextmanager
def _refused(source: str, load_date: date) -> Iterator[None]:
    """Spark's own errors in our words: its messages quote rows, so only their condition is shown."""
    from pyspark.errors import PySparkException

    try:
        yield
    except PySparkException as error:
        condition = error.getCondition() or type(error).__name__
        raise mapping_stopped(condition, source=source, load_date=load_date) from None


def read_view(
    session: SparkSession, file: SourceFile, tasks: Sequence[Task], *, pseudonyms: Pseudonyms | None = None
) -> DataFrame:
    """The raw view of some files, one Spark task a file. A task is path, the name to carry as ``_file``, layout."""
    schema = view_ddl(file)
    if not tasks:
        return session.createDataFrame([], schema)
    return session.range(0, len(tasks), 1, len(tasks)).mapInArrow(_reader(file, tuple(tasks), pseudonyms), schema)


def _reader(
    file: SourceFile, tasks: tuple[Task, ...], pseudonyms: Pseudonyms | None
) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def read(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for number in batch.column(0).to_pylist():
                path, name, layout = tasks[number]
                yield from read_batches(Path(path), name, file, layout, pseudonyms=pseudonyms)

    return read


def view_ddl(file: SourceFile) -> str:
    """The schema of a raw view as Spark's DDL."""
    return ", ".join(f"{name_sql(field.name)} {spark_type(field.type)}" for field in view_schema(file))


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
