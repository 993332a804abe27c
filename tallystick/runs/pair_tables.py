"""Events between customers as runs keep them: from which date on they lack or are wrong, and one commit for them.

Apart from ``graph_tables``, which keeps whole snapshots: here a row is an event, and a night adds those of its load.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from tallystick.features.planning import last_load
from tallystick.observations.population import period_names
from tallystick.runs.progress import progress, working
from tallystick.spec.fingerprint import fingerprint
from tallystick.spec.graph_pairs import MEASURED_ON, OTHER, VALUE, CustomerPairs
from tallystick.spec.tables import TableContract
from tallystick.tables.store.bucketing import bucket_of
from tallystick.tables.store.changes import ChangeLog
from tallystick.tables.store.commits import last_facts
from tallystick.tables.store.door import replace_files, write_arrow
from tallystick.tables.store.slices import Slice
from tallystick.ties.graph_snapshots import GraphRows, Pieces
from tallystick.ties.pair_events import NO_DAY, EventReader, PairEvents, event_columns
from tallystick.ties.pair_measures import measure_events
from tallystick.training.audit_pairs import SeenThen

if TYPE_CHECKING:
    from tallystick.runs.context import RunContext
    from tallystick.runs.graph_tables import GraphBuild


@dataclass(frozen=True, kw_only=True)
class PairBuild:
    """The events between customers of one source: the graph that they are measured in, and which of them are stored."""

    pairs: CustomerPairs
    building: GraphBuild

    @property
    def context(self) -> RunContext:
        """The run."""
        return self.building.context

    @property
    def contract(self) -> TableContract:
        """The contract of the table that is filled."""
        return self.context.contracts[self.pairs.table]

    @cached_property
    def events(self) -> TableContract:
        """The contract of the table that the events are read from."""
        return self.context.contracts[self.context.project.ties[self.pairs.events].table]

    @cached_property
    def definition(self) -> str:
        """The fingerprint of the pairs and the ties as they are declared now, and of the date of the first snapshot.

        A table that begins later moves that date, and then rows were measured on snapshots that are due no more.
        """
        first = self.building.due[0].isoformat() if self.building.due else ""
        return fingerprint([self.context.project.pairs_basis(self.pairs), first])

    def first_due(self, *, first: date | None = None) -> date | None:
        """The date from which on rows are not stored as they would be made now, or ``first`` if that is earlier.

        ``date.min`` for all rows; None where all rows up to the last load are stored, or the graph has no snapshot yet.
        """
        loaded, due = last_load(self.building.pinned.all_files), self.building.due
        if loaded is None or not due:
            return None
        wrong = min(first or date.max, self._first_wrong())
        if wrong <= due[0]:
            return date.min
        return wrong if wrong <= loaded else None

    def lacks_from(self) -> date:
        """The date from which on rows that have come since would change what is stored; date.max where there is none.

        Of pairs that are declared otherwise by now, or were never built, nobody says so here.
        """
        facts = self._facts
        if not facts or facts["fingerprint"] != self.definition:
            return date.max
        return self.first_due() or date.max

    def build(self, since: date) -> int:
        """Replace the rows that count from ``since`` on, in one commit; returns their number.

        Every row counts from the date on which all that it rests on was known, so none before can have changed.
        """
        context, contract = self.context, self.contract
        with working(f"graph {self.pairs.name}"):
            pieces = self.building.pieces()
            rows = self.building.prepare(pieces)
            events = self.read(self.event_pieces(), rows, since=since, last=self._last)
            where = self._slice((None if since == date.min else since, None))
            made = None if events is None else self._table(events, rows, measured_in=rows)
            files = [] if made is None else write_arrow(context.warehouse, contract, made, where=where)
        inputs = self.building.inputs.versions(self.building.pinned.versions)
        run_id = f"{context.run_id}/{self.pairs.name}"
        by = context.signed(self.definition, inputs, run_id=run_id, known_by=self._last)
        return replace_files(context.warehouse, contract, files, where=where, run=by).rows

    def event_pieces(self) -> Pieces:
        """The rows of the events' table, bucket by bucket."""
        contract = self.events
        columns = event_columns(self.pairs, self.context.project.ties, contract)
        return self.building.rows_of(contract.name, columns)

    def read(self, pieces: Pieces, rows: GraphRows, *, since: date, last: date) -> PairEvents | None:
        """The versions of events that count from ``since`` to ``last``."""
        ties, days = self.context.project.ties, self.building.due
        reader = EventReader(pairs=self.pairs, ties=ties, contract=self.events, days=days, last=last)
        return reader.read(pieces, rows, since=since)

    def rebuild(self, seen: SeenThen, known_on: date) -> pa.Table | None:
        """The rows that count from ``known_on`` on and no later, from what was visible alone: for the audit."""
        known = self.building.prepare(seen.parties)
        found = self.read(seen.events, known, since=known_on, last=known_on)
        return None if found is None else self._table(found, known, measured_in=self.building.prepare(seen.snapshot))

    @property
    def _last(self) -> date:
        loaded = last_load(self.building.pinned.all_files)
        assert loaded is not None
        return loaded

    @cached_property
    def _facts(self) -> Mapping[str, Any]:
        """What the newest commit of the stored rows says; empty where there is none."""
        if not self.context.warehouse.exists(self.pairs.table):
            return {}
        return last_facts(self.context.warehouse.table_path(self.pairs.table), self._slice((None, None)).name)

    def _first_wrong(self) -> date:
        """The first date from which on a stored row would be another one now, or from which on rows lack."""
        facts = self._facts
        if not facts or facts["fingerprint"] != self.definition:
            return date.min
        changes = ChangeLog(self.context.warehouse, self.context.source.name)
        reached = self.building.inputs.reach(changes, {str(n): int(v) for n, v in facts["inputs"].items()})
        return min(reached, date.fromisoformat(str(facts["known_by"])) + timedelta(days=1))

    def _slice(self, between: tuple[date | None, date | None]) -> Slice:
        source = self.context.source
        return Slice.of_graph(self.pairs.table, source.name, between=between, buckets=source.layout.buckets)

    def _table(self, events: PairEvents, rows: GraphRows, *, measured_in: GraphRows) -> pa.Table:
        """The events, numbered as the customers of ``rows``, as rows of the table."""
        source, count = self.context.source, len(events.ids)
        at = pa.chunked_array([pa.array(events.at, pa.timestamp("us", "UTC"))])
        customers = rows.customers.take(pa.array(events.source))
        columns = {
            "source": pa.repeat(source.name, count),
            "bucket": pa.array(bucket_of(pa.chunked_array([customers]), source.layout.buckets).astype(np.int32)),
            "period": period_names(at, source.zone, source.layout.period),
            "customer_id": customers,
            self.events.event_id: events.ids,
            "event_at": at,
            "known_on": pa.array(events.known, pa.date32()),
            "loaded_on": pa.array(events.loaded, pa.date32()),
            "is_retracted": pa.array(events.is_retracted),
            MEASURED_ON: pa.array(events.measured, pa.date32(), mask=events.measured == NO_DAY),
            OTHER: rows.customers.take(pa.array(events.target, mask=events.is_retracted)),
            VALUE: pa.array(events.value, mask=np.isnan(events.value)),
        }
        own = events.numbered(rows.customers, measured_in.customers)
        return pa.table({**columns, **measure_events(self.pairs, own, measured_in)})


def build_pairs_up(building: PairBuild, *, first: date | None = None, says_idle: bool = False) -> None:
    """Build what lacks of the events, and all from ``first`` on where that is asked for, and say what was built.

    ``says_idle`` says so, too, where nothing lacked: for a run that does nothing else.
    """
    since, table = building.first_due(first=first), building.pairs.table
    if since is not None:
        from_when = "all dates" if since == date.min else f"{since} on"
        progress(f"      {table}: {building.build(since)} rows that count from {from_when}")
    elif says_idle:
        progress(f"      {table}: nothing to build, all events up to the last load are stored")
