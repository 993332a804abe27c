"""Values of customers at a snapshot: the last number that their visible rows tell, or whether there is such a row.

Kept apart from the ties because a value is about one customer, and measures look at those of the neighbours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tallystick.spec.graphs import CustomerGraph, NodeValue, ValueNodes
from tallystick.spec.tables import TableContract
from tallystick.ties.seen_rows import Bools, Floats, Moment, SeenRows, columns_to_see


@dataclass(frozen=True, slots=True, eq=False)
class ValueRows:
    """The rows that tell a value, ready for any snapshot; ``numbers`` are theirs, None for a flag."""

    value: NodeValue
    seen: SeenRows
    numbers: Floats | None
    count: int

    def at(self, moment: Moment) -> Floats:
        """The value of every numbered customer at the moment; NaN is null."""
        is_visible = self.seen.visible(moment) & (self.seen.person >= 0)
        if not self.value.span.is_all:
            is_visible &= self.seen.at >= moment.before(self.value.span.count)
        if self.numbers is None:
            flags = np.zeros(self.count)
            flags[self.seen.person[is_visible]] = 1.0
            return flags
        rows = np.flatnonzero(is_visible & ~np.isnan(self.numbers))
        values = np.full(self.count, np.nan)
        values[self.seen.person[rows]] = self.numbers[rows]  # rows are in order: the last one stays
        return values


def prepare_value(
    value: NodeValue,
    seen_rows: Mapping[str, SeenRows],
    contracts: Mapping[str, TableContract],
    *,
    count: int,
    zone: str,
) -> ValueRows:
    """The rows of a value in order, once for all snapshots; ``count`` is the number of customers."""
    nodes = ValueNodes.of(value, contracts, place=f"value {value.name}")
    seen = seen_rows[value.table].where(nodes.where, zone=zone).in_order(contracts[value.table])
    numbers = None if nodes.value is None else seen.numbers(nodes.value, zone=zone)
    return ValueRows(value, seen, numbers, count)


@dataclass(frozen=True, slots=True, eq=False)
class MemberRows:
    """The rows that make somebody a customer, of one table."""

    seen: SeenRows

    def mark(self, members: Bools, moment: Moment) -> None:
        """Mark those with a visible row at the moment."""
        members[self.seen.person[self.seen.visible(moment) & (self.seen.person >= 0)]] = True


def value_columns(graph: CustomerGraph, contracts: Mapping[str, TableContract]) -> dict[str, list[str]]:
    """The stored columns that tell who is a customer, and the customers' values, by table."""
    read = {name: columns_to_see(contracts[name], []) for name in graph.tables}
    for value in graph.values:
        nodes = ValueNodes.of(value, contracts, place=graph.where_text)
        own = columns_to_see(contracts[value.table], nodes.columns)
        read[value.table] = list(dict.fromkeys([*read.get(value.table, []), *own]))
    return read
