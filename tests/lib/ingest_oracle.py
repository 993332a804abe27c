"""A load worked out by Spark's SQL over whole rows: every row, with its text, through every window. Slow and plain.

What ingest does by keys, hashes and buckets is held against this. It shares the SQL of mappings and of comparisons with
ingest, and none of its mechanics: DuckDB, scratch files, the choice of suspect rows.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from tallystick.ingest.casting import Target, judged_sql, name_sql
from tallystick.ingest.conflicts import compared_sql, published_sql, settled_sql
from tallystick.ingest.delivered_files import inspect_file, read_batches, split_raw, view_schema
from tallystick.ingest.views import driving_derived_sql, driving_sql, keyed_sql, readable_sql
from tallystick.project.mappings import parse_source
from tallystick.spec.mapping_sql import MET, branch_sql, view_sql
from tallystick.spec.mappings import Branch
from tallystick.spec.sources import Source
from tallystick.spec.tables import TableContract
from tallystick.visibility.sql import newest_sql

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from tallystick.spec.sources import SourceFile

PARKED = "parent_unknown"
Rows = list[dict[str, Any]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Settled:
    """A table's rows of one load with their outcomes: the contract's columns, ``_file``, ``_line``, ``_raw``,
    ``_branch``, ``_is_parked``, ``_status``, ``_reason`` and ``_column``.
    """

    rows: pa.Table

    @property
    def accepted(self) -> pa.Table:
        """The rows that the clean table gains."""
        kept = self.rows.filter(pc.equal(self.rows["_status"], "accepted"))
        return kept.select([name for name in kept.column_names if not name.startswith("_")])

    def counts(self) -> dict[tuple[bool, str, str | None, str | None], int]:
        """Rows by whether they were parked, status, reason and column."""
        names = ["_is_parked", "_status", "_reason", "_column"]
        found = self.rows.group_by(names).aggregate([("_line", "count")]).to_pylist()
        return {tuple(row[name] for name in names): row["_line_count"] for row in found}  # type: ignore[misc]


class SparkLoads:
    """Loads of one source, one after the other; keeps what each stored."""

    def __init__(self, session: SparkSession, source: Source, contracts: Mapping[str, TableContract]) -> None:
        self.session, self.source, self.contracts = session, source, contracts
        self.stored: dict[str, list[pa.Table]] = {}
        self.rejects: dict[str, Rows] = {}

    def load(self, home: Path, load_date: date) -> dict[str, Settled]:
        """What happens to the rows of the delivery ``<home>/<load_date>``; kept for the loads that follow."""
        one = _Load(self, home, load_date)
        return {table: one.settle(table) for table in one.parsed.tables}

    def waiting(self, table: str, branch: int) -> Rows:
        """Rejects that a branch parked and that no load has settled."""
        places = [row for row in self.rejects.get(table, []) if row["branch"] == branch and row["line"] > 0]
        gone = {(row["file"], row["line"]) for row in places if row["reason"] != PARKED}
        found = {(row["file"], row["line"]): row for row in places if (row["file"], row["line"]) not in gone}
        return [found[place] for place in sorted(found)]

    def keep(self, table: str, settled: Settled) -> None:
        """Store a load's accepted rows, its rejects and what it settled."""
        self.stored.setdefault(table, []).append(settled.accepted)
        for row in settled.rows.to_pylist():
            is_settled = row["_is_parked"] and not (row["_status"] == "rejected" and row["_reason"] == PARKED)
            if is_settled or (not row["_is_parked"] and row["_status"] == "rejected"):
                told = {name: row[f"_{name}"] for name in ("file", "line", "branch", "raw")}
                reason = row["_reason"] or "entered_later"
                self.rejects.setdefault(table, []).append({**told, "reason": reason, "column": row["_column"]})


class _Load:
    """One load, table after table."""

    def __init__(self, loads: SparkLoads, home: Path, load_date: date) -> None:
        self.loads, self.source, self.session = loads, loads.source, loads.session
        self.home, self.load_date = home, load_date
        self.parsed = parse_source(loads.source, loads.contracts, load_date)
        self.newest: dict[str, str] = {}
        self.number = 0
        self.raw = {view: self.add(self._raw(file)) for view, file in self.source.files.items()}
        self.readable = {v: self.query(readable_sql(self.raw[v], file)) for v, file in self.source.files.items()}
        for view, tree in self.parsed.views.items():
            self.readable[view] = self.query(view_sql(tree, self.readable))

    def add(self, rows: pa.Table) -> str:
        """Give rows a name that SQL can use."""
        # PySpark drops the rows behind an empty chunk.
        return self._named(self.session.createDataFrame(rows.combine_chunks()))

    def query(self, sql: str) -> str:
        """Give the result of a query a name."""
        return self._named(self.session.sql(sql))

    def _named(self, frame: DataFrame) -> str:
        self.number += 1
        name = f"oracle_{self.number}"
        frame.createOrReplaceTempView(name)
        return name

    def _raw(self, file: SourceFile) -> pa.Table:
        folder = self.home / self.load_date.isoformat()
        batches = []
        for path in sorted(folder.glob(file.file)):
            layout, _ = inspect_file(path, file)
            batches += list(read_batches(path, f"{self.load_date}/{path.name}", file, layout))
        return pa.Table.from_batches(batches, view_schema(file))

    def _parked(self, table: str, branch: Branch) -> pa.Table | None:
        file = self.source.files.get(branch.view)
        rows = self.loads.waiting(table, branch.number) if file else []
        rows = [row for row in rows if fnmatch.fnmatchcase(row["file"].rpartition("/")[2], file.file)] if file else []
        batches = []
        for row in rows if file else []:
            layout, _ = inspect_file(self.home / row["file"], file)
            columns, problems = split_raw([row["raw"]], layout, file)
            told = [pa.array([row["file"]]), pa.array([row["line"]], pa.int64()), pa.array([row["raw"]])]
            nothing = pa.nulls(1, pa.string())
            arrays = [*columns, *told, problems, nothing, nothing]
            batches.append(pa.RecordBatch.from_arrays(arrays, schema=view_schema(file)))
        return pa.Table.from_batches(batches) if batches else None

    def _driving(self, table: str, branch: Branch) -> str:
        if branch.view not in self.source.files:
            day, columns = self.load_date.isoformat(), self.parsed.shapes[branch.view].columns
            return self.query(driving_derived_sql(self.readable[branch.view], columns, name=branch.view, delivery=day))
        sql = driving_sql(self.raw[branch.view])
        parked = self._parked(table, branch)
        if parked is not None:
            sql += f" UNION ALL {driving_sql(self.add(parked), is_parked=True)}"
        return self.query(sql)

    def _joined(self, view: str) -> str:
        if view.startswith("clean."):
            return self.query(f"SELECT *, TRUE AS {MET} FROM {self.newest[view.partition('.')[2]]}")
        shape = self.parsed.shapes[view]
        return self.query(keyed_sql(self.readable[view], shape.columns, shape.key))

    def _judged(self, table: str, branch: Branch, target: Target) -> str:
        joined = {join.view: self._joined(join.view) for join in branch.joins}
        driven = {branch.view: self._driving(table, branch)}
        selected = branch_sql(branch, self.parsed.shapes, driven=driven, joined=joined)
        fields = self.session.sql(selected).schema.fields
        return judged_sql(selected, {field.name: field.dataType.simpleString() for field in fields}, target)

    def settle(self, table: str) -> Settled:
        """What happens to a table's rows; tables that it names or looks up were settled before."""
        contract, declared = self.loads.contracts[f"clean.{table}"], self.source.tables[table]
        target = Target(contract=contract, known_on=declared.known_on, source=self.source, load_date=self.load_date)
        branches = self.parsed.tables[table].branches
        judged = [self._judged(table, branch, target) for branch in branches]
        parents = {column: self._ids(parent) for column, parent in declared.parents.items()}
        has_several = any(self.loads.waiting(table, branch.number) for branch in branches)
        sql = compared_sql(judged, target, parents=parents, has_several=has_several)
        if self.loads.stored.get(table):
            published = self.add(pa.concat_tables(self.loads.stored[table]))
            sql = published_sql(self.query(sql), target, published=published)
        settled = Settled(rows=self.session.sql(settled_sql(sql, target)).toArrow())
        self.loads.keep(table, settled)
        versions = self.add(pa.concat_tables(self.loads.stored[table]))
        newest = newest_sql(versions, name_sql(contract.event_id), known_on=name_sql(contract.known_on))
        can_retract = any(column.name == "is_retracted" for column in contract.columns)
        self.newest[table] = self.query(
            f"SELECT * FROM ({newest}) WHERE {'NOT is_retracted' if can_retract else 'TRUE'}"
        )
        return settled

    def _ids(self, parent: str) -> str:
        event_id = self.loads.contracts[f"clean.{parent}"].event_id
        return self.query(f"SELECT {name_sql(event_id)} AS _id FROM {self.newest[parent]}")
