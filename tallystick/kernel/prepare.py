"""Makes the plan of a feature group: its families of rows, edges of windows, reductions and formulas.

Kept apart from ``plan`` because a worker that computes a plan makes none: it needs neither declarations nor a parser.
"""

from __future__ import annotations

from collections.abc import Mapping

from tallystick.kernel.plan import Edge, Family, Formula, GroupPlan, Reduction
from tallystick.spec.among import ROW_OF, table_name
from tallystick.spec.bases import Base, Cell, FeatureColumn, group_bases
from tallystick.spec.checks import readable_columns
from tallystick.spec.columns import group_columns
from tallystick.spec.combined_columns import COMBINED
from tallystick.spec.expressions import Call, ColumnRef, Constant, Node, columns_used, parse_expression
from tallystick.spec.features import FeatureGroup
from tallystick.spec.names import OTHER, value_name
from tallystick.spec.ops import SHIFT_OPS, WHOLE_DAY_OPS, Op
from tallystick.spec.tables import TableContract

# What tells reductions of one selection of rows apart: the op, its value, its ``each`` and ``top``, the window before,
# and the days of the week.
_Reduced = tuple[Op, Node | None, Node | None, Node | None, str, tuple[int, ...]]


def prepare_group(group: FeatureGroup, contracts: Mapping[str, TableContract]) -> GroupPlan:
    """The plan of ``group`` without its combined features; DeclarationError where it does not fit its tables.

    ``contracts`` are the project's, by name: the group's table and those of its lookups must be among them.
    """
    columns = tuple(column for column in group_columns(group, contracts) if column.formula != COMBINED)
    contract = contracts[group.table]
    maker = _Maker(group, contracts)
    families = maker.families(columns)
    formulas = tuple(maker.formula(column) for column in columns)
    return GroupPlan(
        group=group.name,
        table=group.table,
        columns=columns,
        formulas=formulas,
        families=families,
        edges=tuple(maker.edges),
        slot_types=tuple(maker.slot_type(cell) for cell in maker.slots),
        entity=group.entity,
        event_at=group.event_at,
        event_id=contract.event_id,
        known_on=contract.known_on,
        sequence=contract.sequence,
        inputs=_inputs(families),
    )


def _inputs(families: tuple[Family, ...]) -> tuple[str, ...]:
    names: dict[str, None] = {}
    for family in families:
        for node in family.nodes:
            names.update(dict.fromkeys(columns_used(node)))
        if family.by:
            names[family.by] = None
    return tuple(names)


class _Maker:
    """Collects edges, slots and families while it walks the columns."""

    def __init__(self, group: FeatureGroup, contracts: Mapping[str, TableContract]) -> None:
        self.group = group
        self.readable = readable_columns(group, contracts)
        self.bases = group_bases(group)
        self.edges: dict[Edge, int] = {}
        self.slots: dict[Cell, int] = {}
        self.nodes: dict[str, Node] = {}
        self.series: dict[tuple[str, ...], Node] = {}

    def formula(self, column: FeatureColumn) -> Formula:
        slots = tuple(self.slots[cell] for cell in column.cells)
        is_ratio = column.formula == "ratio"
        spans = tuple((cell.span.unit, cell.near, cell.far) for cell in column.cells) if is_ratio else ()
        if column.series is None:
            return Formula(column.formula, slots, spans)
        # Types of stems are those of the slots: every column of one text has the same node.
        key = column.series.value, *column.series.stems
        if key not in self.series:
            types = {cell.stem: self.slot_type(cell) for cell in column.cells}
            self.series[key] = column.series.node(types)
        return Formula(column.formula, slots, series=column.series, node=self.series[key])

    def families(self, columns: tuple[FeatureColumn, ...]) -> tuple[Family, ...]:
        """One family per selection of rows, whatever measures share it; one reduction per op, value and each in it."""
        grouped: dict[tuple[tuple[Node, ...], str, str], dict[_Reduced, list[Cell]]] = {}
        for cell in dict.fromkeys(cell for column in columns for cell in column.cells):
            base = self.bases[cell.stem]
            category = base.measure.by
            key = (self.conditions(base), category, self.raw_value(base))
            value = self.parsed(base.measure.value) if base.op.rule.takes != "none" else None
            each = self.parsed(base.measure.each) if base.measure.each else None
            top = self.parsed(base.measure.top) if base.measure.top else None
            before = base.measure.base if base.op.rule.compares else ""
            reduced = (base.op, value, each, top, before, tuple(sorted(base.measure.weekdays)))
            grouped.setdefault(key, {}).setdefault(reduced, []).append(cell)
        return tuple(
            Family(conditions, by, value, tuple(self.group.by[by]) if by else (), self.reductions(ops))
            for (conditions, by, value), ops in grouped.items()
        )

    def reductions(self, ops: Mapping[_Reduced, list[Cell]]) -> tuple[Reduction, ...]:
        made = []
        for (op, value, each, top, _, weekdays), cells in ops.items():
            slot = len(self.slots)
            self.slots.update({cell: slot + place for place, cell in enumerate(cells)})
            lows, highs = zip(*(self.window_edges(cell, op) for cell in cells), strict=True)
            befores = tuple(map(self.edge_before, cells)) if op.rule.compares or op.name in SHIFT_OPS else ()
            made.append(Reduction(op, value, slot, lows, highs, _chains(cells), each, befores, top, weekdays))
        return tuple(made)

    def conditions(self, base: Base) -> tuple[Node, ...]:
        texts = (self.group.where, base.measure.where, self.group.filters[base.filter] if base.filter else "")
        own = Call("eq", (ColumnRef(ROW_OF, "string"), Constant(table_name(self.group.table), "string")), "boolean")
        kept = (own,) if self.group.among else ()
        return tuple(dict.fromkeys((*kept, *(self.parsed(text) for text in texts if text))))

    def parsed(self, text: str) -> Node:
        if text not in self.nodes:
            self.nodes[text] = parse_expression(text, self.readable, where=self.group.where_text, has_lag=True)
        return self.nodes[text]

    def raw_value(self, base: Base) -> str:
        if base.value in ("", OTHER):
            return ""
        return next(value for value in self.group.by[base.measure.by] if value_name(value) == base.value)

    def window_edges(self, cell: Cell, op: Op) -> tuple[int, int]:
        window = cell.span
        near, far = cell.near, cell.far
        if window.unit == "calendar":
            return self.edge(Edge(window.unit, far)), self.edge(Edge(window.unit, near))
        up, down = ("up", "down") if op.name in WHOLE_DAY_OPS else ("", "")
        high = Edge(window.unit, near, down) if near else Edge("now", 0, down)
        low = Edge("all") if window.is_all else Edge(window.unit, far, up)
        return self.edge(low), self.edge(high)

    def edge_before(self, cell: Cell) -> int:
        """The far edge of the window before that of ``cell``; of a shift the customer's first row."""
        if not self.bases[cell.stem].op.rule.compares:
            return self.edge(Edge("all"))
        before = self.bases[cell.stem].before(cell)
        return self.edge(Edge("all") if before.is_all else Edge(cell.span.unit, cell.far + before.count))

    def edge(self, edge: Edge) -> int:
        return self.edges.setdefault(edge, len(self.edges))

    def slot_type(self, cell: Cell) -> str:
        base = self.bases[cell.stem]
        gives = base.op.rule.gives
        if gives != "same":
            return gives
        return "double" if self.parsed(base.measure.value).type == "double" else "int64"


def _chains(cells: list[Cell]) -> tuple[tuple[int, ...], ...]:
    """Positions of the cells that end at as_of, by unit and length, ``all`` outermost; each other cell alone.

    Minutes nest in minutes, days in days and months in months, but 24 hours and a day, 30 days and a month overlap
    either way.
    """
    windows = [cell.span for cell in cells]
    current = [i for i, cell in enumerate(cells) if not cell.near and windows[i].unit != "calendar"]
    units = [unit for unit in ("minute", "day", "month") if any(windows[i].unit == unit for i in current)] or ["all"]
    chains = []
    for unit in units:
        chain = sorted((i for i in current if windows[i].unit == unit), key=lambda i: windows[i].count)
        if unit == units[-1] and unit != "all":
            chain += [i for i in current if windows[i].is_all]
        chains.append(tuple(chain))
    chains.extend((i,) for i in range(len(cells)) if i not in current)
    return tuple(chain for chain in chains if chain)
