"""Values of customers at a snapshot: the last number that their visible rows tell, or whether there is such a row.

Kept apart from the ties because a value is about one customer, and measures look at those of the neighbours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tallystick.spec.graphs import CustomerGraph, NodeValue, ValueNodes
from tallystick.spec.tables import TableContract
from tallystick.ties.seen_rows import Floats, Moment, SeenRows, SeenSpans, columns_to_see


@dataclass(frozen=True, slots=True, eq=False)
class ValueRows:
    """The rows that tell a value, or a piece of them, in order; ``numbers`` are theirs, None for a flag."""

    value: NodeValue
    spans: SeenSpans
    numbers: Floats | None

    @classmethod
    def of(cls, value: NodeValue, seen: SeenRows, contract: TableContract, *, zone: str) -> ValueRows:
        """What a value needs of a piece that holds all rows of its customers."""
        nodes = ValueNodes.of(value, {contract.name: contract}, place=f"value {value.name}")
        found = seen.selected(columns_to_see(contract, nodes.columns)).where(nodes.where, zone=zone)
        found = found.taken(np.flatnonzero(found.spans.person >= 0)).in_order(contract)
        if nodes.value is None:
            return cls(value, found.spans, None)
        numbers = found.numbers(nodes.value, zone=zone)
        is_known = ~np.isnan(numbers)
        return cls(value, found.spans.taken(is_known), numbers[is_known])

    @classmethod
    def joined(cls, parts: Sequence[ValueRows]) -> ValueRows:
        """The rows of all pieces, which are of different customers."""
        numbers = [part.numbers for part in parts if part.numbers is not None]
        spans = SeenSpans.joined([part.spans for part in parts])
        return cls(parts[0].value, spans, np.concatenate(numbers) if numbers else None)

    def at(self, moment: Moment, *, count: int) -> Floats:
        """The value of each of ``count`` numbered customers at the moment; NaN is null."""
        is_counted = self.spans.visible(moment)
        if not self.value.span.is_all:
            is_counted &= self.spans.at >= moment.before(self.value.span.count)
        rows = np.flatnonzero(is_counted)
        if self.numbers is None:
            flags = np.zeros(count)
            flags[self.spans.person[rows]] = 1.0
            return flags
        values = np.full(count, np.nan)
        values[self.spans.person[rows]] = self.numbers[rows]  # rows are in order: the last one stays
        return values


def value_columns(graph: CustomerGraph, contracts: Mapping[str, TableContract]) -> dict[str, list[str]]:
    """The stored columns that tell who is a customer, and the customers' values, by table."""
    read = {name: columns_to_see(contracts[name], []) for name in graph.tables}
    for value in graph.values:
        nodes = ValueNodes.of(value, contracts, place=graph.where_text)
        own = columns_to_see(contracts[value.table], nodes.columns)
        read[value.table] = list(dict.fromkeys([*read.get(value.table, []), *own]))
    return read
