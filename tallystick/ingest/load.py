"""Prepares a whole load: every table mapped, judged, counted and held against its reject rate before any is written.

The order of the steps. A job hands in frames and takes frames out; no table is read or written here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from functools import reduce
from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.errors import PySparkException
from pyspark.sql import functions as F

from tallystick.errors import LoadRefused, SetupError
from tallystick.ingest.casting import Target, judged_sql, name_sql
from tallystick.ingest.conflicts import compared_sql, published_sql, settled_sql
from tallystick.ingest.counts import FileCounts, RowCounts, read_counts
from tallystick.ingest.delivered_files import fault_error
from tallystick.ingest.deliveries import Delivery
from tallystick.ingest.headers import match_keys
from tallystick.ingest.rejected import rejected_sql, waiting_sql
from tallystick.ingest.views import (
    ViewNames,
    driving_derived_sql,
    driving_sql,
    keyed_sql,
    list_tasks,
    read_view,
    readable_sql,
    reread_view,
    undeclared_note,
)
from tallystick.project.mappings import ParsedSource, parse_source
from tallystick.spec.mapping_sql import MET, branch_sql, view_sql
from tallystick.spec.mappings import CLEAN, Branch, text_sql
from tallystick.spec.sources import Source
from tallystick.spec.tables import TableContract
from tallystick.visibility.sql import newest_sql

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


@dataclass(frozen=True, kw_only=True, slots=True)
class PreparedTable:
    """What a load brings to one clean table; ``accepted`` and ``rejected`` have exactly their contracts' columns."""

    contract: TableContract
    accepted: DataFrame
    rejected: DataFrame
    counts: RowCounts


@dataclass(kw_only=True, slots=True)
class PreparedLoad:
    """A load that may be published: its tables, parents first, and what a reader should know.

    Holds rows in memory or on the workers' disks until ``release``.
    """

    names: ViewNames
    tables: list[PreparedTable] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    held: list[DataFrame] = field(default_factory=list)

    def release(self) -> None:
        """Let the held rows go. Only now the views, too: to drop a view makes Spark forget its cached rows."""
        self.names.drop()
        for frame in self.held:
            frame.unpersist()
        self.held.clear()


def prepare_load(
    session: SparkSession,
    source: Source,
    *,
    contracts: Mapping[str, TableContract],
    delivery: Delivery,
    published: Mapping[str, DataFrame],
    tell: Callable[[str], None] = lambda text: None,
) -> PreparedLoad:
    """All tables of a landed delivery, checked and counted; nothing is written.

    ``delivery.directory`` is the landed copy, one folder below those of the source's other loads. ``published`` holds,
    by name, the source's clean tables and their ``_rejected`` twins as they are stored; rows of this load date and
    later ones in them are left out, so that a load can be repeated. ``tell`` hears how far the work is, in indented
    lines of names and counts. InputError for a file that cannot be read, LoadRefused when a table's reject rate is
    above the declared one.
    """
    if session.conf.get("spark.sql.session.timeZone") != "UTC":
        raise SetupError("Spark's session time zone is not UTC", fix="set spark.sql.session.timeZone to UTC")
    parsed = parse_source(source, contracts, delivery.load_date)
    load = _Load(session, source, contracts=contracts, delivery=delivery, published=published, parsed=parsed)
    load.tell = lambda text: tell(f"      {text}")
    try:
        with _spark_errors(source, delivery):
            return load.prepare()
    except BaseException:
        load.result.release()
        raise


class _Load:
    """One load while it is prepared."""

    def __init__(
        self,
        session: SparkSession,
        source: Source,
        *,
        contracts: Mapping[str, TableContract],
        delivery: Delivery,
        published: Mapping[str, DataFrame],
        parsed: ParsedSource,
    ) -> None:
        self.session = session
        self.source = source
        self.contracts = contracts
        self.delivery = delivery
        self.parsed = parsed
        self.home = delivery.directory.parent
        self.tell: Callable[[str], None] = lambda text: None
        self.names = ViewNames(session, source.name)
        self.result = PreparedLoad(names=self.names)
        self.views: dict[str, DataFrame] = {}
        self.raw: dict[str, str] = {}
        self.readable: dict[str, str] = {}
        self.driven: dict[str, str] = {}
        self.joined: dict[str, str] = {}
        self.known: dict[str, str] = {}
        self.published = {name: self._before(name, frame) for name, frame in published.items()}

    def _before(self, name: str, stored: DataFrame) -> str:
        """The view of a stored table's rows of this source and of earlier loads, in the contract's column order."""
        columns = ", ".join(name_sql(column.name) for column in self.contracts[name].columns)
        rows = f"source = {text_sql(self.source.name)} AND loaded_on < DATE '{self.delivery.load_date.isoformat()}'"
        table = self.names.register(stored, name)
        return self.names.query(f"SELECT {columns} FROM {table} WHERE {rows}", f"{name}_before")

    def prepare(self) -> PreparedLoad:
        self._read_files()
        self._make_derived_views()
        for table in self.parsed.tables:
            self._prepare_table(table)
        return self.result

    def _read_files(self) -> None:
        """Parse all files in one Spark job, and stop at the first that cannot be read to its end."""
        day = self.delivery.load_date.isoformat()
        files = {view: [f"{day}/{name}" for name in names] for view, names in self.delivery.files.items()}
        tasks, notes = list_tasks(files, self.source.files, home=self.home, place=self._place)
        self.result.notes += notes
        for view, file in self.source.files.items():
            self.views[view] = self._hold(read_view(self.session, file, tasks[view]))
        marked = ("_file", "_problem", "_fault", "_keys")
        marks = [frame.select(F.lit(view).alias("view"), *marked) for view, frame in self.views.items()]
        self.tell(f"reading {len(self.delivery.names)} files of {day}")
        found = read_counts(reduce(lambda one, other: one.unionAll(other), marks))
        for told in found:
            self._check_file(told)
        rows = {(told.view, told.file): told.rows for told in found}
        for view, names in files.items():
            for name in names:
                self.tell(f"{name.partition('/')[2]}: {rows.get((view, name), 0)} rows")
            of_view = [told for told in found if told.view == view]
            unreadable = sum(told.unreadable for told in of_view)
            if unreadable and not self._is_driving(view):
                self._allow_unreadable(view, unreadable, sum(told.rows for told in of_view))

    def _check_file(self, told: FileCounts) -> None:
        """InputError for a file that could not be read to its end or lacks a declared key."""
        if told.fault:
            raise fault_error(told.fault, self.source.files[told.view], where=self._place(told.file))
        if told.keys is not None:
            extra = match_keys(self.source.files[told.view], told.keys, where=self._place(told.file))
            self.result.notes += [undeclared_note(told.file, extra)] if extra else []

    def _place(self, file: str) -> str:
        """The path people know a file by: where the supplier put it, or the landed copy where that is not known."""
        day, _, name = file.partition("/")
        is_of_this_load = day == self.delivery.load_date.isoformat()
        if is_of_this_load and self.delivery.origin is not None:
            return str(self.delivery.origin / name)
        return str(self.home / file)

    def _is_driving(self, view: str) -> bool:
        return any(branch.view == view for mapping in self.parsed.tables.values() for branch in mapping.branches)

    def _allow_unreadable(self, view: str, unreadable: int, rows: int) -> None:
        """Lines that no table counts, because their file is only looked up, are held against the strictest rate."""
        rate = min(table.reject_rate for table in self.source.tables.values())
        told = f"{self.source.files[view].file}: {unreadable} of {rows} lines cannot be split into columns"
        if unreadable > rate * rows:
            raise LoadRefused(told, where=f"source {self.source.name}", fix="nothing was published; deliver it again")
        self.result.notes.append(told)

    def _make_derived_views(self) -> None:
        for view, file in self.source.files.items():
            self.raw[view] = self.names.register(self.views[view], view)
            self.readable[view] = self.names.query(readable_sql(self.raw[view], file), f"{view}_readable")
        for view, tree in self.parsed.views.items():
            self.readable[view] = self.names.query(view_sql(tree, self.readable), view)

    def _prepare_table(self, table: str) -> None:
        declared = self.source.tables[table]
        contract = self.contracts[f"{CLEAN}.{table}"]
        target = Target(
            contract=contract, known_on=declared.known_on, source=self.source, load_date=self.delivery.load_date
        )
        branches = [self._branch_sql(branch, target) for branch in self.parsed.tables[table].branches]
        parents = {column: self._known_ids(parent) for column, parent in declared.parents.items()}
        published = self.published.get(contract.name)
        has_parked = f"{contract.name}_rejected" in self.published
        compared = compared_sql(branches, target, parents=parents, has_parked=has_parked)
        if published is not None:
            view = self.names.query(compared, f"{table}_compared")
            compared = published_sql(view, target, published=published)
        settled = self._hold(self.session.sql(settled_sql(compared, target)))
        counts = RowCounts.read_from(settled)
        counts.check(table, declared.reject_rate, source=self.source.name, place=self._place)
        self.tell(f"{table} is mapped")
        name = self.names.register(settled, f"{table}_settled")
        columns = ", ".join(name_sql(column.name) for column in contract.columns)
        accepted = self.session.sql(f"SELECT {columns} FROM {name} WHERE _status = 'accepted'")
        self.known[table] = self.names.register(accepted, f"{table}_accepted")
        rejected = self.session.sql(rejected_sql(name, target))
        self.result.tables.append(PreparedTable(contract=contract, accepted=accepted, rejected=rejected, counts=counts))

    def _branch_sql(self, branch: Branch, target: Target) -> str:
        for join in branch.joins:
            if join.view not in self.joined:
                self.joined[join.view] = self.names.query(self._joined_sql(join.view), f"{join.view}_keyed")
        driven = {branch.view: self._driven(branch, target.contract)}
        selected = branch_sql(branch, self.parsed.shapes, driven=driven, joined=self.joined)
        # Analysed once for its types, which decide how each column is cast.
        fields = self.session.sql(selected).schema.fields
        return judged_sql(selected, {field.name: field.dataType.simpleString() for field in fields}, target)

    def _joined_sql(self, view: str) -> str:
        if view.startswith(f"{CLEAN}."):
            return f"SELECT *, TRUE AS {MET} FROM {self._newest(view.partition('.')[2])}"
        shape = self.parsed.shapes[view]
        return keyed_sql(self.readable[view], shape.columns, shape.key)

    def _driven(self, branch: Branch, contract: TableContract) -> str:
        """The name of a driving view, with the rows of earlier loads that this branch parked for want of a parent."""
        view, role = branch.view, f"{branch.view}_driving"
        rejects = self.published.get(f"{contract.name}_rejected")
        if view in self.source.files and rejects is not None:
            file = self.source.files[view]
            waiting = self.session.sql(waiting_sql(rejects, branch=branch.number))
            again = self.names.register(reread_view(waiting, file, self.home), f"{view}_parked")
            both = f"{driving_sql(self.raw[view])} UNION ALL {driving_sql(again, is_parked=True)}"
            return self.names.query(both, role)
        if view not in self.driven:
            day, columns = self.delivery.load_date.isoformat(), self.parsed.shapes[view].columns
            if view in self.source.files:
                sql = driving_sql(self.raw[view])
            else:
                sql = driving_derived_sql(self.readable[view], columns, name=view, load_date=day)
            self.driven[view] = self.names.query(sql, role)
        return self.driven[view]

    def _known_ids(self, table: str) -> str:
        event_id = self.contracts[f"{CLEAN}.{table}"].event_id
        return self.names.query(f"SELECT {name_sql(event_id)} AS _id FROM {self._newest(table)}", f"{table}_ids")

    def _newest(self, table: str) -> str:
        """The view of the newest version of a clean table's objects, this load's included: it was mapped before."""
        contract = self.contracts[f"{CLEAN}.{table}"]
        versions, earlier = self.known[table], self.published.get(contract.name)
        sql = f"SELECT * FROM {versions}"
        if earlier is not None or self.source.tables[table].known_on.kind == "column":
            if earlier is not None:
                versions = self.names.query(f"{sql} UNION ALL SELECT * FROM {earlier}", f"{table}_versions")
            sql = newest_sql(versions, name_sql(contract.event_id), known_on=name_sql(contract.known_on))
        if any(column.name == "is_retracted" for column in contract.columns):
            sql = f"SELECT * FROM ({sql}) WHERE NOT is_retracted"
        return self.names.query(sql, f"{table}_newest")

    def _hold(self, frame: DataFrame) -> DataFrame:
        """Keep a frame's rows once they are computed: what is counted before the write must be what is written."""
        self.result.held.append(frame.persist())
        return frame


@contextmanager
def _spark_errors(source: Source, delivery: Delivery) -> Iterator[None]:
    """Spark's own errors in our words: its messages quote rows, so only their condition is told."""
    try:
        yield
    except PySparkException as error:
        condition = error.getCondition() or type(error).__name__
        where = f"source {source.name}, load of {delivery.load_date}"
        fix = "nothing was published; use TRY_ functions or CAST in the mapping where a row may not fit"
        raise LoadRefused(f"the mapping stopped on a row or expression: {condition}", where=where, fix=fix) from None


def describe_load(prepared: PreparedLoad, *, source: str, load_date: date, raw_sha256: str) -> pa.Table:
    """The rows of ``monitor.loads`` for a load: per table what was read and where each row went.

    What concerns the whole delivery stands in the notes of every table.
    """
    counts = [table.counts for table in prepared.tables]
    size = len(counts)
    notes = ["; ".join([*count.notes, *prepared.notes]) or None for count in counts]
    return pa.table(
        {
            "loaded_on": pa.array([load_date] * size, pa.date32()),
            "table_name": pa.array([table.contract.table for table in prepared.tables], pa.string()),
            "rows_read": pa.array([count.read for count in counts], pa.int64()),
            "rows_accepted": pa.array([count.accepted for count in counts], pa.int64()),
            "rows_rejected": pa.array([count.rejected for count in counts], pa.int64()),
            "rows_duplicate": pa.array([count.duplicate for count in counts], pa.int64()),
            "rows_excluded": pa.array([count.excluded for count in counts], pa.int64()),
            "rows_entered": pa.array([count.entered for count in counts], pa.int64()),
            "rows_waiting": pa.array([count.waiting for count in counts], pa.int64()),
            "raw_sha256": pa.array([raw_sha256] * size, pa.string()),
            "notes": pa.array(notes, pa.string()),
            "source": pa.array([source] * size, pa.string()),
        }
    )
