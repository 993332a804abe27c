"""The graph of one kind of ties at a snapshot: its members and edges, numbered, and what is found in it as a whole.

Kept apart from measures because those of customers and those of pairs are made in the same graphs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from tallystick.graph import (
    Components,
    Edges,
    Graph,
    build_graph,
    find_communities,
    find_components,
    join_directions,
)
from tallystick.spec.graphs import ANY, CustomerGraph

if TYPE_CHECKING:
    from tallystick.ties.seen_rows import Bools, Codes, Floats, Ints, Moment
    from tallystick.ties.tie_edges import TieEdges


@dataclass(frozen=True, slots=True, eq=False)
class KindTies:
    """The ties of one kind between numbered members, and how many hubs each of them shares."""

    edges: Edges
    hubs: Codes

    @classmethod
    def of(cls, edges: Sequence[TieEdges], *, local: Codes, members: Bools) -> KindTies:
        """The edges of several ties together; ``local`` numbers the members among all customers."""
        hubs = np.zeros(members.size, dtype=np.int32)
        for one in edges:
            hubs += one.hubs
        parts = {
            name: np.concatenate([getattr(one, name) for one in edges])
            for name in ("source", "target", "weight", "first_day", "last_day")
        }
        # A weight that is 0 in the precision of the graph ties nobody; its largest number stands for what is larger.
        parts["weight"] = np.minimum(parts["weight"], np.finfo(np.float32).max).astype(np.float32)
        parts = {name: values[parts["weight"] > 0] for name, values in parts.items()}
        made = Edges(
            source=local[parts["source"]],
            target=local[parts["target"]],
            weight=parts["weight"],
            first_day=parts["first_day"],
            last_day=parts["last_day"],
        )
        shared: Codes = hubs[members]
        return cls(made, shared)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class NodeFacts:
    """What is known of ``count`` members at a moment: ties by kind, values by name (NaN is null), single payments."""

    graph: CustomerGraph
    moment: Moment
    count: int
    kinds: Mapping[str, KindTies]
    values: Mapping[str, Floats]
    payments: tuple[Codes, Codes, Ints] | None = None


class KindGraph:
    """The graph of one kind of ties, or of any, among the members that ``facts`` tell of; built when asked for."""

    def __init__(self, facts: NodeFacts, kind: str) -> None:
        self.facts = facts
        self.kind = kind

    @property
    def is_told(self) -> bool:
        """Whether the source has rows of a tie of the kind."""
        return bool(self.facts.kinds) if self.kind == ANY else self.kind in self.facts.kinds

    @cached_property
    def graph(self) -> Graph:
        """The directed graph of the kind; of all kinds together, each kind weighs one in each direction of a pair."""
        if self.kind != ANY:
            return build_graph(self.facts.kinds[self.kind].edges, nodes=self.facts.count)
        merged = [edges_of(build_graph(one.edges, nodes=self.facts.count)) for one in self.facts.kinds.values()]
        parts = [np.concatenate(column) for column in zip(*merged, strict=True)]
        edges = Edges(source=parts[0], target=parts[1], first_day=parts[2], last_day=parts[3])
        return build_graph(edges, nodes=self.facts.count)

    @cached_property
    def neighbours(self) -> Graph:
        """The graph of neighbours, tied either way; no hub is capped."""
        return join_directions(self.graph)

    @cached_property
    def components(self) -> Components:
        """The component of each member."""
        return find_components(self.neighbours)

    @cached_property
    def communities(self) -> Codes:
        """Of each member the label of its community."""
        return np.asarray(find_communities(self.neighbours))


def edges_of(graph: Graph) -> tuple[Codes, Codes, Codes, Codes]:
    """Source, target, first and last day of each entry of a graph."""
    source = np.repeat(np.arange(graph.nodes, dtype=np.int32), np.diff(graph.starts))
    none = np.zeros(graph.targets.size, dtype=np.int32)
    first = none if graph.first_days is None else graph.first_days
    last = none if graph.last_days is None else graph.last_days
    return source, graph.targets, first, last
