"""What is measured at pairs of customers: of which events of a tie, in which graph, and by which operations.

The declaration that ``features/<subject>.py`` may hold beside a graph, and the contract of the table
``graph.<graph>_pairs`` that it fills: one row per event between two customers. Apart from ``graphs``, whose tables have
one row per customer and snapshot.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from tallystick.errors import DeclarationError
from tallystick.spec.features import Measure
from tallystick.spec.field_types import check_types
from tallystick.spec.graphs import ANY, CustomerGraph, check_graph, graph_tables, words_of
from tallystick.spec.names import nearest_name
from tallystick.spec.pair_ops import PAIR_OPS, PairOp
from tallystick.spec.tables import Column, TableContract
from tallystick.spec.ties import Tie, TieNodes, refuse_protected

# The snapshot that a row was measured on, the other customer of the pair, and the value of the event.
MEASURED_ON, OTHER, VALUE = "measured_on", "other_customer_id", "value"

# The tie of the events as it is looked at for how often and how much; no graph has a tie or a kind of that name.
HISTORY = "events_so_far"


@dataclass(frozen=True, kw_only=True, slots=True)
class PairMeasure:
    """A number measured at a pair, in the graph of each of ``kinds`` for the ops that look at one.

    ``op`` is one of ``spec.pair_ops``. ``reason`` is what a declined customer may be told; ``sign`` is +1 where a
    higher value means more risk. ``{kind}`` in the texts is replaced by the words of the kind.
    """

    op: str
    kinds: tuple[str, ...] = ()
    description: str = ""
    reason: str = ""
    sign: int = 0
    pii: str = "personal"

    def __post_init__(self) -> None:
        where = f"pair measure {self.op}"
        check_types(self, where=where)
        if self.op not in PAIR_OPS:
            raise DeclarationError(f"unknown op {self.op}", where=where, fix=nearest_name(self.op, PAIR_OPS))
        if self.rule.takes_kind != bool(self.kinds):
            what = f"{self.op} {'looks at ties of a kind' if self.rule.takes_kind else 'looks at no kind'}"
            raise DeclarationError(what, where=where, fix=f"kinds=({ANY!r},)" if self.rule.takes_kind else "leave out")

    @property
    def rule(self) -> PairOp:
        """What the op takes and gives."""
        return PAIR_OPS[self.op]

    @property
    def columns(self) -> tuple[tuple[str, str], ...]:
        """Each kind that is measured, empty for an op without, and the column that holds it."""
        return tuple((kind, f"{kind}_{self.op}") for kind in self.kinds) or (("", self.op),)


@dataclass(frozen=True, kw_only=True, slots=True)
class CustomerPairs:
    """Events of the tie ``events`` of a graph, each with what the two customers had to do with each other before.

    A row is an event of the tie from its row's customer to another customer, such as a transfer, in every version that
    the clean table has of it. It is measured on the graph's last snapshot at or before the event's local date: the
    snapshot has seen what happened before its midnight and was known by its date. Who the other customer is counts as
    known on the date on which the row is. ``value`` is a number of each event, an expression over its row.
    """

    graph: CustomerGraph
    events: str
    title: str
    owner: str
    measures: tuple[PairMeasure, ...]
    value: str = ""
    version: int = 1
    path: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        check_types(self, where=self.where_text)
        if self.version < 1:
            raise DeclarationError(f"version = {self.version}", where=self.where_text, fix="1 or more")
        seen = set()
        for measure in self.measures:
            where = f"{self.where_text}, pair measure {measure.op}"
            if measure.rule.takes_value and not self.value:
                raise DeclarationError(f"{measure.op} adds up a value", where=where, fix="value='<a number>'")
            for kind, column in measure.columns:
                if kind and kind not in (*self.graph.kinds, ANY):
                    fix = nearest_name(kind, self.graph.kinds)
                    raise DeclarationError(f"unknown kind {kind}", where=where, fix=fix)
                if column in seen:
                    raise DeclarationError(f"{column} is measured twice", where=where)
                seen.add(column)

    @property
    def name(self) -> str:
        """The graph's name with ``_pairs``."""
        return f"{self.graph.name}_pairs"

    @property
    def where_text(self) -> str:
        """Where these pairs stand, for messages."""
        return f"{self.path}: pairs of graph {self.graph.name}" if self.path else f"pairs of graph {self.graph.name}"

    @property
    def table(self) -> str:
        """The table that they fill."""
        return f"graph.{self.name}"

    @property
    def structure(self) -> CustomerGraph:
        """The graph without measures and values of customers, with the tie of the events beside its own ones."""
        ties = (*self.graph.ties, HISTORY)
        return replace(self.graph, measures=(), values=(), outcome=None, payments="", ties=ties)

    @property
    def meaning(self) -> CustomerPairs:
        """The same pairs in that graph: what their values depend on beside the ties."""
        return replace(self, graph=self.structure)

    @property
    def columns(self) -> tuple[tuple[PairMeasure, str, str], ...]:
        """Every measure with each of its kinds and its column, in declared order."""
        return tuple((measure, kind, column) for measure in self.measures for kind, column in measure.columns)


def pair_ties(pairs: CustomerPairs, ties: Mapping[str, Tie]) -> dict[str, Tie]:
    """The ties that pairs are measured in: those of the graph, and beside them the tie of the events as ``HISTORY``.

    There every event counts as one whatever its age, and its weight is the pairs' value. Its kind is no kind of the
    graph.
    """
    named = {name: ties[name] for name in pairs.graph.ties if name in ties}
    events = named[pairs.events]
    return {**named, HISTORY: replace(events, name=HISTORY, kind=HISTORY, weight=pairs.value, half_life="")}


def pairs_contract(
    pairs: CustomerPairs, ties: Mapping[str, Tie], contracts: Mapping[str, TableContract]
) -> TableContract:
    """The contract of ``graph.<graph>_pairs``: one row per event between two customers and version of it."""
    events = contracts[ties[pairs.events].table]
    columns = (
        Column(name="source", type="string", required=True, description="The supplier"),
        Column(name="bucket", type="int32", required=True, description="Hash bucket of the customer"),
        Column(name="period", type="string", required=True, description="Year or month of the event"),
        Column(name="customer_id", type="string", required=True, description="The customer of the event's row",
               pii="pseudonymous"),
        Column(name=events.event_id, type="string", required=True, description="The event", pii="pseudonymous"),
        Column(name="event_at", type="timestamp", required=True, description="When it happened, UTC"),
        Column(name="known_on", type="date", required=True,
               description="The date on which this version of the event became known, or of its snapshot if later"),
        Column(name="loaded_on", type="date", required=True, description="Load date of the version's delivery"),
        Column(name="is_retracted", type="boolean", required=True,
               description="True for a version that is no event between two customers any more"),
        Column(name=MEASURED_ON, type="date", description="The snapshot that it is measured on"),
        Column(name=OTHER, type="string", description="The other customer", pii="pseudonymous"),
        Column(name=VALUE, type="double", description="The value of the event", pii="personal"),
    )  # fmt: skip
    measured = tuple(
        Column(name=column, type=measure.rule.gives, pii=measure.pii,
               description=words_of(measure.description or measure.rule.meaning, pairs.graph, kind))
        for measure, kind, column in pairs.columns
    )  # fmt: skip
    return TableContract(
        name=pairs.table,
        description=pairs.title,
        grain="one row per event between two customers and version of it",
        owner=pairs.owner,
        columns=(*columns, *measured),
        key=("source", "customer_id", events.event_id, "known_on", "loaded_on"),
        partition_by=("source", "bucket", "period"),
        sort_by=("customer_id", "event_at", events.event_id),
        entity="customer_id",
        event_id=events.event_id,
        event_at="event_at",
        known_on="known_on",
        derived_from=graph_tables(pairs.structure, ties),
        path=pairs.path,
    )


def pair_measures(pairs: CustomerPairs) -> tuple[Measure, ...]:
    """The pairs' measures for a feature group on their table: of each column that of the last event."""
    return tuple(
        Measure(
            name=column,
            value=column,
            ops="last",
            description=words_of(measure.description, pairs.graph, kind),
            reason=words_of(measure.reason, pairs.graph, kind),
            sign=measure.sign,
            pii=measure.pii,
        )
        for measure, kind, column in pairs.columns
    )


def check_pairs(pairs: CustomerPairs, ties: Mapping[str, Tie], contracts: Mapping[str, TableContract]) -> None:
    """DeclarationError where the graph, the tie of the events or their value does not exist or does not fit."""
    where = pairs.where_text
    check_graph(replace(pairs.structure, ties=pairs.graph.ties), ties, contracts)
    if pairs.events not in pairs.graph.ties:
        fix = nearest_name(pairs.events, pairs.graph.ties)
        raise DeclarationError(f"events names {pairs.events}, which is no tie of the graph", where=where, fix=fix)
    tie = ties[pairs.events]
    if tie.thing or tie.last_of:
        what = f"tie {tie.name} ties by {'a thing' if tie.thing else 'a state'}, and not by events of two customers"
        raise DeclarationError(what, where=where, fix="a tie with to, without last_of")
    if pairs.value:
        nodes = TieNodes.of(replace(pair_ties(pairs, ties)[HISTORY], where="", path=pairs.path), contracts)
        refuse_protected(contracts[tie.table], nodes.columns, where=where)
