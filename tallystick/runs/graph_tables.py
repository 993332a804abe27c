"""Graphs of customers as runs keep them: which snapshots lack or are right no more, and one commit that brings them up.

Which graphs a run needs is told apart from here (``graph_needs``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property, partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tallystick.features.ledger import Inputs
from tallystick.features.planning import last_load
from tallystick.how_far import parts_of
from tallystick.observations.population import period_names
from tallystick.runs.context import RunContext
from tallystick.runs.graph_outcomes import outcome_tables, outcomes_of
from tallystick.runs.input_gate import PinnedTables, pin_clean
from tallystick.runs.loaded_nights import newest_night
from tallystick.runs.progress import progress, working
from tallystick.spec.data_files import DataFile
from tallystick.spec.graphs import CustomerGraph, check_graph, graph_tables
from tallystick.spec.tables import TableContract
from tallystick.spec.ties import Tie
from tallystick.tables.store.bucket_store import BucketStore
from tallystick.tables.store.bucketing import bucket_of
from tallystick.tables.store.changes import ChangeLog
from tallystick.tables.store.commits import last_facts
from tallystick.tables.store.door import replace_files, write_arrow
from tallystick.tables.store.queries import read_arrow
from tallystick.tables.store.slices import Slice
from tallystick.ties.graph_dates import list_snapshots
from tallystick.ties.graph_snapshots import GraphRows, Pieces, columns_to_read, prepare_graph
from tallystick.ties.ring_search import find_ring, ring_kinds
from tallystick.ties.rings import Ring
from tallystick.ties.seen_rows import Moment


@dataclass(frozen=True, kw_only=True)
class GraphBuild:
    """One graph of one source: what it is read from, and which snapshots are stored."""

    context: RunContext
    graph: CustomerGraph
    ties: Mapping[str, Tie]
    pinned: PinnedTables
    night: date | None

    @classmethod
    def open(cls, context: RunContext, graph: CustomerGraph, *, ties: Mapping[str, Tie] | None = None) -> GraphBuild:
        """Pin all that the graph is made of, as far as it exists at the source; ``ties`` are the project's where none
        are given.

        DeclarationError where the graph names ties or tables that do not exist or do not fit.
        """
        known = context.project.ties if ties is None else ties
        if ties is None:
            check_graph(graph, known, context.contracts)
        names = [name for name in graph_tables(graph, known) if _fills(context, name)]
        # Before the tables: of a night that is loaded meanwhile they may hold what this does not count.
        night = newest_night(context)
        return cls(context=context, graph=graph, ties=known, pinned=pin_clean(context, names), night=night)

    @cached_property
    def definition(self) -> str:
        """The fingerprint of the graph and its ties as they are declared now."""
        return self.context.project.graph_basis(self.graph)

    def list_due(self, *, first: date | None = None) -> list[date]:
        """The dates of snapshots up to the last load, from the first one that is not stored as it would be made now.

        From ``first`` on, where that is earlier.
        """
        begin = min(first or date.max, self._first_wrong(self.due)) if self.due else date.max
        return [day for day in self.due if day >= begin]

    @cached_property
    def due(self) -> list[date]:
        """The dates of all snapshots up to the last load."""
        # Of the source: a night without a row of these tables is known, too.
        loaded, low = self.night or last_load(self.pinned.all_files), self._first_day()
        return [] if loaded is None or low is None else list_snapshots(self.graph.every, first=low, last=loaded)

    def lacks_from(self) -> date:
        """The date of the first snapshot that lacks rows which have come since, or is due and not stored; date.max
        where there is none. Of a graph that is declared otherwise by now nobody says so here.
        """
        is_same = bool(self._facts) and self._facts["fingerprint"] == self.definition
        return min(self.list_due(), default=date.max) if is_same else date.max

    def build(self, days: Sequence[date]) -> int:
        """Build the snapshots of these dates and replace all from the first one on; returns the rows.

        From the first due date on everything is replaced, so that no snapshot stays that is due no more: of another
        ``every``, or before a table began. A date on which nobody was a customer has no rows.
        """
        rows = self.prepare(self.pieces())
        files: list[DataFile] = []
        with working(f"graph {self.graph.name}") as how_far:
            for day, part in zip(days, parts_of(how_far, [1] * len(days)), strict=True):
                files += self._write(rows.snapshot(day), day)
                part(1.0)
        context, contract = self.context, self.context.contracts[self.graph.table]
        where = self._slice((None if days[0] == self.due[0] else days[0], None))
        inputs = self.inputs.versions(self.pinned.versions)
        run_id = f"{context.run_id}/{self.graph.name}"
        by = context.signed(self.definition, inputs, run_id=run_id, known_by=days[-1])
        return replace_files(context.warehouse, contract, files, where=where, run=by).rows

    def pieces(self) -> dict[str, Pieces]:
        """The rows of every table that the graph is made of and that exists at the source, bucket by bucket."""
        context, files = self.context, self.pinned.files
        read = columns_to_read(self.graph, self.ties, context.contracts, among=files)
        read |= {name: _all_columns(context.contracts[name]) for name in outcome_tables(self.graph) if name in files}
        storage = context.storage(read)
        contracts = {name: context.contracts[name] for name in read}
        # Ids of events are all different, and the outcome's tables are read by SQL.
        coded = {
            name: {column.name for column in one.columns if column.type == "string"} - {one.event_id}
            for name, one in contracts.items()
            if name not in outcome_tables(self.graph)
        }
        return {
            name: partial(_read_pieces, storage, name, files[name], columns=columns, coded=coded.get(name, set()))
            for name, columns in read.items()
        }

    def rows_of(self, name: str, columns: Sequence[str]) -> Pieces:
        """The rows of one of its tables with these columns, bucket by bucket; none where it does not exist."""
        contract = self.context.contracts[name]
        coded = {column.name for column in contract.columns if column.type == "string"} - {contract.event_id}
        storage, files = self.context.storage([name]), self.pinned.files.get(name, ())
        return partial(_read_pieces, storage, name, files, columns=columns, coded=coded)

    def prepare(self, pieces: Mapping[str, Pieces]) -> GraphRows:
        """These rows, ready for any snapshot."""
        context, zone = self.context, self.context.source.zone
        outcomes = outcomes_of(self.graph, pieces, context.contracts, zone=zone)
        return prepare_graph(self.graph, self.ties, pieces, contracts=context.contracts, zone=zone, outcomes=outcomes)

    def snapshot(self, pieces: Mapping[str, Pieces], day: date) -> pa.Table:
        """One snapshot from these rows."""
        return self.prepare(pieces).snapshot(day)

    def ring(self) -> Ring | None:
        """The ring to show of the newest snapshot; None without a snapshot or a ring."""
        days = self._stored_days()
        return find_ring(self.prepare(self.pieces()).facts(days[-1])) if days else None

    def _first_wrong(self, due: Sequence[date]) -> date:
        """The first of the dates whose snapshot is not stored, or would be another one now."""
        facts = self._facts
        if not facts or facts["fingerprint"] != self.definition:
            return date.min
        changes = ChangeLog(self.context.warehouse, self.context.source.name)
        reached = self.inputs.reach(changes, {str(n): int(v) for n, v in facts["inputs"].items()})
        stored = set(self._stored_days())
        if not stored <= set(due):
            return date.min
        # A commit builds all dates up to the last load: those without rows, when nobody was a customer yet, are done.
        done = str(facts.get("known_by", ""))
        return min([reached, *(day for day in due if day not in stored and day.isoformat() > done)], default=date.max)

    @cached_property
    def _facts(self) -> Mapping[str, Any]:
        if not self.context.warehouse.exists(self.graph.table):
            return {}
        return last_facts(self.context.warehouse.table_path(self.graph.table), self._slice((None, None)).name)

    @property
    def inputs(self) -> Inputs:
        """The tables that the graph is made of, whose changes reach its rows."""
        tables = tuple(graph_tables(self.graph, self.ties))
        return Inputs(tables=tables, zone=self.context.source.zone)

    def _first_day(self) -> date | None:
        """The first date by which each table of customers that the source fills has a known row."""
        held = [self.pinned.files[name] for name in self.graph.tables if self.pinned.files.get(name)]
        known = [[file.bounds["known_on"][0] for file in files if "known_on" in file.bounds] for files in held]
        return max((min(days) for days in known if days), default=None)

    def _stored_days(self) -> list[date]:
        rows = read_arrow(self.context.warehouse, self.graph.table, columns=["known_on"], filter=self.context.is_ours)
        return sorted(pc.unique(rows["known_on"]).to_pylist())

    def _slice(self, between: tuple[date | None, date | None]) -> Slice:
        source = self.context.source
        return Slice.of_graph(self.graph.table, source.name, between=between, buckets=source.layout.buckets)

    def _write(self, measured: pa.Table, day: date) -> list[DataFile]:
        """One file a bucket; none for a date on which nobody was a customer."""
        source, count = self.context.source, measured.num_rows
        seen = Moment.of(day, source.zone).instant - 1
        at = pa.chunked_array([pa.array(np.full(count, seen), pa.timestamp("us", "UTC"))])
        days = pa.chunked_array([pa.repeat(pa.scalar(day, pa.date32()), count)])
        customers = measured["customer_id"]
        technical = {
            "source": pa.repeat(source.name, count),
            "bucket": pa.array(bucket_of(customers, source.layout.buckets).astype(np.int32)),
            "period": period_names(at, source.zone, source.layout.period),
            "customer_id": customers,
            "snapshot_id": pc.binary_join_element_wise(customers, day.isoformat(), "@"),
            "event_at": at,
            "known_on": days,
            "loaded_on": days,
            "is_retracted": pa.repeat(False, count),
        }
        made = pa.table(technical | {name: measured[name] for name in measured.column_names if name != "customer_id"})
        contract = self.context.contracts[self.graph.table]
        return write_arrow(self.context.warehouse, contract, made, where=self._slice((day, day + timedelta(days=1))))


def build_graph_up(building: GraphBuild, *, first: date | None = None, says_idle: bool = False) -> None:
    """Build what lacks of one graph, and all from ``first`` on where that is asked for, and say what was built.

    ``says_idle`` says so, too, where nothing lacked: for a run that does nothing else.
    """
    days = building.list_due(first=first)
    table = building.graph.table
    if days:
        rows = building.build(days)
        progress(f"      {table}: {rows} rows, {len(days)} snapshots from {days[0]} to {days[-1]}")
    elif says_idle:
        progress(f"      {table}: nothing to build, all snapshots up to the last load are stored")


def _read_pieces(
    storage: BucketStore, name: str, files: Sequence[DataFile], *, columns: Sequence[str], coded: Collection[str]
) -> Iterator[pa.Table]:
    """The rows of a table, one bucket after the other; without a file a piece without rows."""
    by_bucket: dict[str, list[str]] = {} if files else {"": []}
    for file in files:
        by_bucket.setdefault(file.partition["bucket"], []).append(file.path)
    for paths in by_bucket.values():
        yield storage.read(name, paths, columns, coded=set(columns) & set(coded))


def _all_columns(contract: TableContract) -> list[str]:
    return [column.name for column in contract.file_columns]


def _fills(context: RunContext, name: str) -> bool:
    return name.partition(".")[2] in context.source.tables


def show_ring(context: RunContext) -> Ring | None:
    """The ring of the first graph, by name, that searches for confirmed fraud and has snapshots; None without one.

    Reads the rows of the graph's ties, as a run that builds one snapshot does.
    """
    for _, graph in sorted(context.project.graphs.items()):
        if ring_kinds(graph) and context.warehouse.exists(graph.table):
            return GraphBuild.open(context, graph).ring()
    return None
