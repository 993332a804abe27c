"""What a graph of customers is: of which ties, built on which dates, and what is measured at each customer.

The declaration that ``features/<subject>.py`` may hold beside the feature group that reads it, and the contract of the
table ``graph.<name>`` that it fills: one row per customer and date, which groups read as any table of events.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tallystick.errors import DeclarationError
from tallystick.spec.expressions import Node, columns_used, parse_condition, parse_number
from tallystick.spec.features import Measure
from tallystick.spec.field_types import check_types
from tallystick.spec.frozen import FrozenMap
from tallystick.spec.label_checks import check_label
from tallystick.spec.labels import Label
from tallystick.spec.names import check_name, nearest_name
from tallystick.spec.node_ops import NODE_OPS, NodeOp
from tallystick.spec.tables import Column, TableContract
from tallystick.spec.ties import Tie, check_event_table, refuse_protected, row_columns
from tallystick.spec.windows import Window, parse_window

# When a graph is built: at the midnight of every day, of Mondays, or of the first of each month.
EVERY = ("day", "week", "month")

# The kind that holds the ties of every other one, each kind counting once.
ANY = "any"

# The value that a label gives: 1 for bad, 0 for good.
OUTCOME = "bad"


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeValue:
    """A number that every customer has or lacks at a snapshot, for measures to look at among the neighbours.

    With ``value``, an expression over the rows of ``table`` that pass ``where``, it is that of the customer's last
    visible row with one, null without such a row. Without, it is 1 where there is a visible row and 0 where there is
    none: a flag. ``window`` in days leaves older rows out.
    """

    name: str
    table: str
    where: str = ""
    value: str = ""
    window: str = "all"

    def __post_init__(self) -> None:
        where = f"value {self.name}"
        check_types(self, where=where)
        check_name("value", self.name)
        if not self.span.is_all and self.span.unit != "day":
            raise DeclarationError(f"window {self.window} is not in days", where=where, fix="90d")

    @property
    def span(self) -> Window:
        """How far back rows count."""
        return parse_window(self.window)


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeOutcome:
    """How the customers' earlier loans turned out, as value ``bad`` of a node.

    ``label`` says what bad means, ``table`` whose rows are judged: loans, or applications that became loans. At a
    snapshot it is the share of bad ones among the customer's visible rows of that table whose label is mature by what
    is visible then: with the snapshot's date for a cut-off, and from visible rows alone. Null where there is none.
    """

    label: Label
    table: str = "clean.loans"

    def __post_init__(self) -> None:
        check_types(self, where=f"outcome {getattr(self.label, 'name', '')}")


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeMeasure:
    """A number measured at each customer, in the graph of each of ``kinds`` (ties of that kind, or ``any``).

    ``op`` is one of ``spec.node_ops``. ``of`` names a value of the graph, for the ops that look at one. ``steps`` 2
    looks at those who are exactly two steps away. ``reason`` is what a declined customer may be told; ``sign`` is +1
    where a higher value means more risk. ``{kind}`` in the texts is replaced by the words of the kind.
    """

    op: str
    kinds: tuple[str, ...]
    of: str = ""
    steps: int = 1
    description: str = ""
    reason: str = ""
    sign: int = 0
    pii: str = "personal"
    permitted_use: str = ""

    def __post_init__(self) -> None:
        where = f"node measure {self.op}"
        check_types(self, where=where)
        if self.op not in NODE_OPS:
            raise DeclarationError(f"unknown op {self.op}", where=where, fix=nearest_name(self.op, NODE_OPS))
        rule = NODE_OPS[self.op]
        if rule.takes_value != bool(self.of):
            what = f"{self.op} {'looks at a value' if rule.takes_value else 'looks at no value'}"
            raise DeclarationError(what, where=where, fix="of='bad'" if rule.takes_value else "leave of out")
        if self.steps not in rule.steps:
            what = f"{self.op} of {self.steps} steps cannot be measured"
            raise DeclarationError(what, where=where, fix=f"steps: {', '.join(map(str, rule.steps))}")
        if not self.kinds:
            raise DeclarationError("no kind is named", where=where, fix=f"kinds=({ANY!r},)")

    @property
    def rule(self) -> NodeOp:
        """What the op takes and gives."""
        return NODE_OPS[self.op]

    def column(self, kind: str) -> str:
        """The column of ``graph.<name>`` that holds it for a kind of ties."""
        return "_".join(part for part in (kind, self.of, self.op, "two" if self.steps == 2 else "") if part)


@dataclass(frozen=True, kw_only=True, slots=True)
class CustomerGraph:
    """Customers and the ties between them, as of a date.

    A snapshot stands at the local midnight that begins its date. It holds the customers with a visible row in one of
    ``tables``, and the ties of ``ties`` whose rows are visible then: that happened before the midnight, are known on
    the date, in the version in force, not retracted. The first snapshot is one by which each of ``tables`` that the
    source fills has a known row, the last one that of the last load. ``kinds`` maps each kind of the ties to the words
    a reader sees.

    ``most_ties`` caps hubs: of a customer with more neighbours than that, only the strongest ties are followed by the
    measures that look at neighbours, and ``cut`` counts the others. ``growth_days`` is how far back the component is
    looked at for its growth; ``cycle_length`` and ``cycle_days`` bound the cycles of payments that are looked for.
    """

    name: str
    title: str
    owner: str
    every: str
    tables: tuple[str, ...]
    ties: tuple[str, ...]
    kinds: Mapping[str, str]
    measures: tuple[NodeMeasure, ...]
    values: tuple[NodeValue, ...] = ()
    outcome: NodeOutcome | None = None
    payments: str = ""
    most_ties: int = 200
    growth_days: int = 30
    cycle_length: int = 4
    cycle_days: int = 14
    version: int = 1
    path: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        check_types(self, where=self.where_text)
        object.__setattr__(self, "kinds", FrozenMap(self.kinds))
        check_name("graph", self.name, where=self.where_text)
        if self.every not in EVERY:
            raise DeclarationError(f"every {self.every!r}", where=self.where_text, fix=f"one of {', '.join(EVERY)}")
        for name in ("most_ties", "growth_days", "cycle_days", "version"):
            if getattr(self, name) < 1:
                raise DeclarationError(f"{name} = {getattr(self, name)}", where=self.where_text, fix="1 or more")
        if not 2 <= self.cycle_length <= 8:
            raise DeclarationError(f"cycle_length = {self.cycle_length}", where=self.where_text, fix="2 to 8")
        self._check_measures()

    def _check_measures(self) -> None:
        seen = set()
        for measure in self.measures:
            where = f"{self.where_text}, node measure {measure.op}"
            for kind in measure.kinds:
                if kind not in (*self.kinds, ANY):
                    raise DeclarationError(f"unknown kind {kind}", where=where, fix=nearest_name(kind, self.kinds))
                if measure.column(kind) in seen:
                    raise DeclarationError(f"{measure.column(kind)} is measured twice", where=where)
                seen.add(measure.column(kind))
            if measure.of and measure.of not in self.value_names:
                fix = nearest_name(measure.of, self.value_names)
                raise DeclarationError(f"unknown value {measure.of}", where=where, fix=fix)
            if measure.rule.takes_payments and not self.payments:
                raise DeclarationError(f"{measure.op} needs payments", where=where, fix="payments='<name of a tie>'")

    @property
    def where_text(self) -> str:
        """Where this graph stands, for messages."""
        return f"{self.path}: graph {self.name}" if self.path else f"graph {self.name}"

    @property
    def table(self) -> str:
        """The table that it fills."""
        return f"graph.{self.name}"

    @property
    def value_names(self) -> tuple[str, ...]:
        """The values that a measure may look at."""
        return tuple(value.name for value in self.values) + ((OUTCOME,) if self.outcome else ())

    @property
    def flags(self) -> frozenset[str]:
        """The values that only say whether there is a row: 1 where there is one, else 0."""
        return frozenset(value.name for value in self.values if not value.value)

    @property
    def columns(self) -> tuple[tuple[NodeMeasure, str], ...]:
        """Every measure with each of its kinds, in declared order."""
        return tuple((measure, kind) for measure in self.measures for kind in measure.kinds)


def graph_tables(graph: CustomerGraph, ties: Mapping[str, Tie]) -> tuple[str, ...]:
    """The clean tables that a graph is made of, sorted: of its customers, its ties, their values and their outcome."""
    names = {*graph.tables, *(value.table for value in graph.values)}
    names.update(table for name in graph.ties if name in ties for table in ties[name].tables)
    if graph.outcome is not None:
        names.update((*graph.outcome.label.tables, graph.outcome.table))
    return tuple(sorted(names))


def graph_contract(graph: CustomerGraph, tables: tuple[str, ...]) -> TableContract:
    """The contract of ``graph.<name>``, which is made of the clean ``tables``: one row per customer and snapshot.

    ``event_at`` is the last microsecond before the snapshot's midnight, since the snapshot has seen everything up to
    it: so an observation at that very midnight has the snapshot, and an earlier one has not.
    """
    columns = (
        Column(name="source", type="string", required=True, description="The supplier"),
        Column(name="bucket", type="int32", required=True, description="Hash bucket of the customer"),
        Column(name="period", type="string", required=True, description="Year or month of the snapshot"),
        Column(name="customer_id", type="string", required=True, description="The customer", pii="pseudonymous"),
        Column(name="snapshot_id", type="string", required=True, description="The customer and the snapshot's date",
               pii="pseudonymous"),
        Column(name="event_at", type="timestamp", required=True, description="The last instant that it has seen, UTC"),
        Column(name="known_on", type="date", required=True, description="The date of the snapshot"),
        Column(name="loaded_on", type="date", required=True, description="The date of the snapshot"),
        Column(name="is_retracted", type="boolean", required=True, description="Never: a snapshot is replaced"),
    )  # fmt: skip
    measured = tuple(
        Column(
            name=measure.column(kind),
            type=measure.rule.gives,
            description=words_of(measure.description, graph, kind),
            pii=measure.pii,
        )
        for measure, kind in graph.columns
    )
    return TableContract(
        name=graph.table,
        description=graph.title,
        grain="one row per customer and date of a snapshot",
        owner=graph.owner,
        columns=(*columns, *measured),
        key=("source", "customer_id", "known_on"),
        partition_by=("source", "bucket", "period"),
        sort_by=("customer_id", "event_at"),
        entity="customer_id",
        event_id="snapshot_id",
        event_at="event_at",
        known_on="known_on",
        derived_from=tables,
        path=graph.path,
    )


def node_measures(graph: CustomerGraph) -> tuple[Measure, ...]:
    """The graph's measures for a feature group on its table: of each column the value of the last snapshot."""
    return tuple(
        Measure(
            name=measure.column(kind),
            value=measure.column(kind),
            ops="last",
            description=words_of(measure.description, graph, kind),
            reason=words_of(measure.reason, graph, kind),
            sign=measure.sign,
            pii=measure.pii,
            permitted_use=measure.permitted_use,
        )
        for measure, kind in graph.columns
    )


def words_of(text: str, graph: CustomerGraph, kind: str) -> str:
    """A text of a measure with the words of a kind in it."""
    return text.replace("{kind}", graph.kinds.get(kind, "ties of any kind"))


@dataclass(frozen=True, kw_only=True, slots=True)
class ValueNodes:
    """The expressions of a node's value, typed; None where the declaration has none."""

    where: Node | None
    value: Node | None

    @classmethod
    def of(cls, value: NodeValue, contracts: Mapping[str, TableContract], *, place: str) -> ValueNodes:
        """The expressions over the columns of the value's table; DeclarationError where they do not fit it."""
        contract = check_event_table(value.table, contracts, where=f"{place}, value {value.name}")
        columns, where = row_columns(contract), f"{place}, value {value.name}"
        return cls(
            where=parse_condition(value.where, columns, where=where) if value.where else None,
            value=parse_number(value.value, columns, where=where) if value.value else None,
        )

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that they read, each once."""
        nodes = [node for node in (self.where, self.value) if node is not None]
        return tuple(dict.fromkeys(name for node in nodes for name in columns_used(node)))


def check_graph(graph: CustomerGraph, ties: Mapping[str, Tie], contracts: Mapping[str, TableContract]) -> None:
    """DeclarationError where a graph names ties, kinds or tables that do not exist or do not fit each other."""
    where = graph.where_text
    for name in graph.ties:
        if name not in ties:
            raise DeclarationError(f"unknown tie {name}", where=where, fix=nearest_name(name, ties), texts=(name,))
        if ties[name].kind not in graph.kinds:
            what = f"tie {name} is of kind {ties[name].kind}, which the graph does not name"
            raise DeclarationError(what, where=where, fix=f'kinds={{"{ties[name].kind}": "..."}}')
    idle = [kind for kind in graph.kinds if kind not in {ties[name].kind for name in graph.ties}]
    if idle:
        raise DeclarationError(f"no tie is of kind {idle[0]}", where=where, fix="leave the kind out")
    if graph.payments and (graph.payments not in graph.ties or ties[graph.payments].thing):
        what = f"payments names {graph.payments}, which is no tie of the graph between two customers"
        raise DeclarationError(what, where=where, fix=nearest_name(graph.payments, graph.ties))
    for table in graph.tables:
        check_event_table(table, contracts, where=where)
    for value in graph.values:
        nodes = ValueNodes.of(value, contracts, place=where)
        refuse_protected(contracts[value.table], nodes.columns, where=f"{where}, value {value.name}")
    if graph.outcome is not None:
        check_event_table(graph.outcome.table, contracts, where=f"{where}, outcome")
        check_label(graph.outcome.label, contracts)
