"""One snapshot of a graph: the row of each of its customers, from the prepared rows of ties and values.

It takes rows and returns rows. A run reads the one and writes the other, and the audit calls the same function with the
rows that were visible at the snapshot and no others.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tallystick.kernel.nullable import one_array
from tallystick.spec.graphs import OUTCOME, CustomerGraph, NodeValue
from tallystick.spec.tables import TableContract
from tallystick.spec.ties import Tie
from tallystick.ties.kind_graphs import KindTies, NodeFacts
from tallystick.ties.node_measures import measure_nodes
from tallystick.ties.node_values import ValueRows, value_columns
from tallystick.ties.seen_rows import Bools, Codes, Floats, Ints, Moment, SeenRows, SeenSpans, number_ids, see_rows
from tallystick.ties.tie_edges import TiePart, TieRows, join_tie, tie_columns, tie_part

# How the customers' earlier loans turned out as of a date: customer_id and ``bad``, from the rows of its tables; None
# where no loan is visible.
Outcomes = Callable[[date], pa.Table | None]

# The rows of a table piece by piece, all versions; a customer's rows are in one piece, and there is at least one.
Pieces = Callable[[], Iterable[pa.Table]]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class GraphRows:
    """All that a graph needs of its rows, numbered and in order, ready for any snapshot.

    ``members`` are rows that make somebody a customer. ``told`` says, by table, when any row of it is visible:
    before that, and after the last one was taken back, measures of what the table tells are null.
    """

    graph: CustomerGraph
    zone: str
    customers: pa.Array
    members: tuple[SeenSpans, ...]
    ties: tuple[TieRows, ...]
    values: Mapping[str, ValueRows]
    told: Mapping[str, SeenSpans]
    outcomes: Outcomes | None = None

    def snapshot(self, day: date) -> pa.Table:
        """One row per customer at the local midnight that begins ``day``: ``customer_id`` and every measure, by id."""
        moment = Moment.of(day, self.zone)
        members = self.members_at(moment)
        columns = measure_nodes(self._facts(moment, members))
        return pa.table({"customer_id": self.customers.take(pa.array(np.flatnonzero(members))), **columns})

    def facts(self, day: date) -> NodeFacts:
        """What is known of the customers at the local midnight that begins ``day``, before anything is measured."""
        moment = Moment.of(day, self.zone)
        return self._facts(moment, self.members_at(moment))

    def members_at(self, moment: Moment) -> Bools:
        """Who of all is a customer at the moment."""
        members = np.zeros(len(self.customers), dtype=np.bool_)
        for one in self.members:
            members[one.person[one.visible(moment) & (one.person >= 0)]] = True
        return members

    def _facts(self, moment: Moment, members: Bools) -> NodeFacts:
        places = np.flatnonzero(members)
        return NodeFacts(
            graph=self.graph,
            moment=moment,
            count=places.size,
            kinds=self._kinds(moment, members),
            values={name: values[places] for name, values in self._values(moment).items()},
            payments=self._payments(moment, members),
        )

    def tie(self, name: str) -> TieRows | None:
        """The rows of a tie; None where the source lacks a table of it."""
        return next((tie for tie in self.ties if tie.tie.name == name), None)

    def _kinds(self, moment: Moment, members: Bools) -> dict[str, KindTies]:
        """The edges of each kind that has visible rows, customers numbered among the members."""
        local = np.cumsum(members).astype(np.int32) - 1
        found = {}
        for kind in self.graph.kinds:
            ties = [tie for tie in self.ties if tie.tie.kind == kind and self.is_told(moment, *tie.tie.tables)]
            if ties:
                found[kind] = KindTies.of([tie.edges(moment, members) for tie in ties], local=local, members=members)
        return found

    def is_told(self, moment: Moment, *tables: str) -> bool:
        """Whether each of the tables has a row that is visible at the moment."""
        return all(name in self.told and self.told[name].visible(moment).any() for name in tables)

    def _payments(self, moment: Moment, members: Bools) -> tuple[Codes, Codes, Ints] | None:
        local = np.cumsum(members).astype(np.int32) - 1
        for tie in self.ties:
            if tie.tie.name == self.graph.payments and self.is_told(moment, *tie.tie.tables):
                source, target, at = tie.payments(moment, members)
                return local[source], local[target], at
        return None

    def _values(self, moment: Moment) -> dict[str, Floats]:
        found = {
            name: rows.at(moment, count=len(self.customers))
            for name, rows in self.values.items()
            if self.is_told(moment, rows.value.table)
        }
        told = self.outcomes(moment.day) if self.graph.outcome is not None and self.outcomes is not None else None
        if told is not None:
            bad = np.full(len(self.customers), np.nan)
            places = number_ids(one_array(told["customer_id"].cast(pa.string())), self.customers)
            bad[places[places >= 0]] = told[OUTCOME].to_numpy()[places >= 0]
            found[OUTCOME] = bad
        return found


def prepare_graph(
    graph: CustomerGraph,
    ties: Mapping[str, Tie],
    pieces: Mapping[str, Pieces],
    *,
    contracts: Mapping[str, TableContract],
    zone: str,
    outcomes: Outcomes | None = None,
) -> GraphRows:
    """Number the customers and put all rows in order; ``pieces`` holds, by name, the tables that exist at the source.

    One piece of one table is in memory at a time, beside what is kept of those before. A table that is not there has
    no rows: what it would tell is null.
    """
    customers = _number_customers(graph, pieces, contracts)
    reader = _Reader(graph, ties, pieces, contracts=contracts, customers=customers, zone=zone)
    for table in reader.tables:
        reader.read(table)
    return GraphRows(
        graph=graph,
        zone=zone,
        customers=customers,
        members=tuple(reader.members),
        ties=tuple(join_tie(tie, parts, reader.owners(tie), customers=customers) for tie, parts in reader.ties),
        values={value.name: ValueRows.joined(parts) for value, parts in reader.values},
        told={name: SeenSpans.joined(parts) for name, parts in reader.told.items()},
        outcomes=outcomes,
    )


class _Reader:
    """Reads each table once, piece by piece, and keeps of each what ties, values and customers need."""

    def __init__(
        self,
        graph: CustomerGraph,
        ties: Mapping[str, Tie],
        pieces: Mapping[str, Pieces],
        *,
        contracts: Mapping[str, TableContract],
        customers: pa.Array,
        zone: str,
    ) -> None:
        self.graph, self.pieces, self.contracts = graph, pieces, contracts
        self.customers, self.zone = customers, zone
        found = [ties[name] for name in graph.ties if all(table in pieces for table in ties[name].tables)]
        self.ties: list[tuple[Tie, list[TiePart]]] = [(tie, []) for tie in found]
        told = [value for value in graph.values if value.table in pieces]
        self.values: list[tuple[NodeValue, list[ValueRows]]] = [(value, []) for value in told]
        self.members: list[SeenSpans] = []
        self.told: dict[str, list[SeenSpans]] = {}

    @property
    def tables(self) -> list[str]:
        """The tables to read, each once."""
        used = [
            *self.graph.tables,
            *(table for tie, _ in self.ties for table in tie.tables),
            *(value.table for value, _ in self.values),
        ]
        return [name for name in dict.fromkeys(used) if name in self.pieces]

    def read(self, table: str) -> None:
        """Take what is needed of every piece of a table."""
        contract = self.contracts[table]
        for piece in self.pieces[table]():
            seen = see_rows(piece, contract, self.customers)
            self.told.setdefault(table, []).append(seen.spans.outline())
            if table in self.graph.tables:
                self.members.append(seen.spans)
            for tie, parts in self.ties:
                if tie.table == table:
                    parts.append(tie_part(tie, seen, contract, zone=self.zone))
            for value, told in self.values:
                if value.table == table:
                    told.append(ValueRows.of(value, seen, contract, zone=self.zone))

    def owners(self, tie: Tie) -> SeenRows | None:
        """The rows that say which customers a tie's values stand for, in order."""
        if tie.through is None:
            return None
        rows = pa.concat_tables(list(self.pieces[tie.through.table]()))
        contract = self.contracts[tie.through.table]
        return see_rows(rows, contract, self.customers).in_order(contract)


def _number_customers(
    graph: CustomerGraph, pieces: Mapping[str, Pieces], contracts: Mapping[str, TableContract]
) -> pa.Array:
    """The ids of all who are customers at some time, sorted: their places are their numbers."""
    found = [
        pc.unique(piece[contracts[name].entity].cast(pa.string()))
        for name in graph.tables
        if name in pieces
        for piece in pieces[name]()
    ]
    distinct = pc.unique(pa.chunked_array(found, pa.string()))
    return distinct.take(pc.sort_indices(distinct))


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
