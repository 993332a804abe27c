"""One snapshot of a graph: the row of each of its customers, from the prepared rows of ties and values.

It takes rows and returns rows. A run reads the one and writes the other, and the audit calls the same function with the
rows that were visible at the snapshot and no others.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tallystick.kernel.nullable import one_array
from tallystick.spec.graphs import OUTCOME, CustomerGraph
from tallystick.spec.tables import TableContract
from tallystick.spec.ties import Tie
from tallystick.ties.node_measures import KindTies, NodeFacts, measure_nodes
from tallystick.ties.node_values import MemberRows, ValueRows, prepare_value, value_columns
from tallystick.ties.seen_rows import Bools, Codes, Floats, Ints, Moment, number_ids, see_rows
from tallystick.ties.tie_edges import TieRows, prepare_tie, tie_columns

# How the customers' earlier loans turned out as of a date: customer_id and ``bad``, from the rows of its tables.
Outcomes = Callable[[date], pa.Table]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class GraphRows:
    """All rows that a graph is made of, numbered and in order, ready for any snapshot.

    ``filled`` are the kinds of which the source fills a table at all: measures of the others are null.
    """

    graph: CustomerGraph
    zone: str
    customers: pa.Array
    members: tuple[MemberRows, ...]
    ties: tuple[TieRows, ...]
    values: Mapping[str, ValueRows]
    filled: frozenset[str]
    outcomes: Outcomes | None = None

    def snapshot(self, day: date) -> pa.Table:
        """One row per customer at the local midnight that begins ``day``: ``customer_id`` and every measure, by id."""
        moment = Moment.of(day, self.zone)
        members = np.zeros(len(self.customers), dtype=np.bool_)
        for one in self.members:
            one.mark(members, moment)
        places = np.flatnonzero(members)
        facts = NodeFacts(
            graph=self.graph,
            moment=moment,
            count=places.size,
            kinds=self._kinds(moment, members),
            values={name: values[places] for name, values in self._values(moment).items()},
            payments=self._payments(moment, members),
        )
        columns = measure_nodes(facts)
        return pa.table({"customer_id": self.customers.take(pa.array(places)), **columns})

    def _kinds(self, moment: Moment, members: Bools) -> dict[str, KindTies]:
        """The edges of each kind, customers numbered among the members."""
        local = np.cumsum(members).astype(np.int32) - 1
        found = {}
        for kind in self.graph.kinds:
            if kind in self.filled:
                edges = [tie.edges(moment, members) for tie in self.ties if tie.tie.kind == kind]
                found[kind] = KindTies.of(edges, local=local, members=members)
        return found

    def _payments(self, moment: Moment, members: Bools) -> tuple[Codes, Codes, Ints] | None:
        local = np.cumsum(members).astype(np.int32) - 1
        for tie in self.ties:
            if tie.tie.name == self.graph.payments:
                source, target, at = tie.payments(moment, members)
                return local[source], local[target], at
        return None

    def _values(self, moment: Moment) -> dict[str, Floats]:
        found = {name: rows.at(moment) for name, rows in self.values.items()}
        if self.graph.outcome is not None:
            bad = np.full(len(self.customers), np.nan)
            if self.outcomes is not None:
                told = self.outcomes(moment.day)
                places = number_ids(one_array(told["customer_id"].cast(pa.string())), self.customers)
                bad[places[places >= 0]] = told[OUTCOME].to_numpy()[places >= 0]
            found[OUTCOME] = bad
        return found


def prepare_graph(
    graph: CustomerGraph,
    ties: Mapping[str, Tie],
    rows: Mapping[str, pa.Table],
    *,
    contracts: Mapping[str, TableContract],
    zone: str,
    outcomes: Outcomes | None = None,
) -> GraphRows:
    """Number the customers and put all rows in order; ``rows`` holds, by name, the tables that exist at the source.

    A table that is not there has no rows: ties of it tie nobody, values are null and flags 0.
    """
    filled = frozenset(ties[name].kind for name in graph.ties if ties[name].table in rows)
    found = [ties[name] for name in graph.ties if all(table in rows for table in ties[name].tables)]
    ids = [rows[name][contracts[name].entity].cast(pa.string()) for name in graph.tables if name in rows]
    distinct = pc.unique(pa.chunked_array([chunk for one in ids for chunk in one.chunks], pa.string()))
    customers = distinct.take(pc.sort_indices(distinct))
    seen = {name: see_rows(one, contracts[name], customers) for name, one in rows.items()}
    return GraphRows(
        graph=graph,
        zone=zone,
        customers=customers,
        members=tuple(MemberRows(seen[name]) for name in graph.tables if name in rows),
        ties=tuple(prepare_tie(tie, seen, contracts, customers=customers, zone=zone) for tie in found),
        values={
            value.name: prepare_value(value, seen, contracts, count=len(customers), zone=zone)
            for value in graph.values
            if value.table in rows
        },
        filled=filled,
        outcomes=outcomes,
    )


def columns_to_read(
    graph: CustomerGraph, ties: Mapping[str, Tie], contracts: Mapping[str, TableContract], *, among: Collection[str]
) -> dict[str, list[str]]:
    """The stored columns that ``prepare_graph`` needs, by table, of the tables that are ``among`` those that exist.

    The tables of the outcome are read by whoever tells it, and are not here.
    """
    read = value_columns(graph, contracts)
    for name in graph.ties:
        for table, columns in tie_columns(ties[name], contracts).items():
            read[table] = list(dict.fromkeys([*read.get(table, []), *columns]))
    return {table: columns for table, columns in read.items() if table in among}
