"""The measures of a graph at one snapshot, each by an algorithm of ``graph``, as columns that a table can hold.

Kept apart from the rows that edges come from: here everything is numbered.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tallystick.graph import (
    Aggregates,
    Capped,
    Components,
    ComponentTotals,
    Cycles,
    Edges,
    Flagged,
    Graph,
    Payments,
    TieMeasures,
    aggregate_components,
    aggregate_neighbours,
    aggregate_two_steps,
    build_graph,
    cap_hubs,
    compute_pagerank,
    count_groups,
    find_communities,
    find_components,
    find_cores,
    find_cycles,
    find_flagged,
    join_directions,
    measure_egos,
    measure_growth,
    measure_ties,
    rank_nearby,
    spread_scores,
)
from tallystick.kernel.zones import DAY
from tallystick.spec.graphs import ANY, CustomerGraph, NodeMeasure
from tallystick.ties.seen_rows import Bools, Codes, Floats, Ints, Moment
from tallystick.ties.tie_edges import TieEdges

Numbers = npt.NDArray[np.generic]


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


def measure_nodes(facts: NodeFacts) -> dict[str, pa.Array]:
    """Every measure of the graph as a column, null where a source fills none of the tables that it needs."""
    measured: dict[str, _KindMeasures] = {}
    columns = {}
    for measure, kind in facts.graph.columns:
        if kind not in measured:
            measured[kind] = _KindMeasures(facts, kind)
        columns[measure.column(kind)] = _column(measured[kind], measure)
    return columns


def _column(measures: _KindMeasures, measure: NodeMeasure) -> pa.Array:
    kind = pa.int64() if measure.rule.gives == "int64" else pa.float64()
    if not measures.is_there(measure):
        return pa.nulls(measures.facts.count, kind)
    values = np.asarray(_OPS[measure.op](measures, measure))
    if measure.rule.gives == "int64":
        return pa.array(values.astype(np.int64))
    floats = values.astype(np.float64)
    return pa.array(floats, mask=np.isnan(floats))


class _KindMeasures:
    """What the measures of one kind share, each worked out when it is first asked for."""

    def __init__(self, facts: NodeFacts, kind: str) -> None:
        self.facts = facts
        self.kind = kind
        self.steps: dict[tuple[str, int], Aggregates] = {}
        self.flags: dict[str, Flagged] = {}

    def is_there(self, measure: NodeMeasure) -> bool:
        """Whether the source has what the measure looks at."""
        facts = self.facts
        has_ties = bool(facts.kinds) if self.kind == ANY else self.kind in facts.kinds
        has_value = not measure.of or measure.of in facts.values
        return has_ties and has_value and (not measure.rule.takes_payments or facts.payments is not None)

    @cached_property
    def graph(self) -> Graph:
        """The directed graph of the kind; of all kinds together, each kind of a pair counts one."""
        if self.kind != ANY:
            return build_graph(self.facts.kinds[self.kind].edges, nodes=self.facts.count)
        merged = [_edges_of(build_graph(one.edges, nodes=self.facts.count)) for one in self.facts.kinds.values()]
        parts = [np.concatenate(column) for column in zip(*merged, strict=True)]
        edges = Edges(source=parts[0], target=parts[1], first_day=parts[2], last_day=parts[3])
        return build_graph(edges, nodes=self.facts.count)

    @cached_property
    def neighbours(self) -> Graph:
        return join_directions(self.graph)

    @cached_property
    def capped(self) -> Capped:
        return cap_hubs(self.neighbours, self.facts.graph.most_ties)

    @cached_property
    def ties(self) -> TieMeasures:
        return measure_ties(self.neighbours, day=self.facts.moment.number)

    @cached_property
    def hubs(self) -> Codes:
        if self.kind != ANY:
            return self.facts.kinds[self.kind].hubs
        return np.asarray(sum(one.hubs for one in self.facts.kinds.values()), dtype=np.int32)

    @cached_property
    def components(self) -> Components:
        return find_components(self.neighbours)

    @cached_property
    def growth(self) -> Codes:
        source, target, first, _ = _edges_of(self.neighbours)
        is_old = first < self.facts.moment.number - self.facts.graph.growth_days
        before = build_graph(Edges(source=source[is_old], target=target[is_old]), nodes=self.facts.count)
        return np.asarray(measure_growth(self.components, find_components(before)))

    @cached_property
    def new(self) -> Codes:
        source, _, first, _ = _edges_of(self.neighbours)
        is_new = first >= self.facts.moment.number - self.facts.graph.growth_days
        return np.bincount(source[is_new], minlength=self.facts.count).astype(np.int32)

    @cached_property
    def strength(self) -> Floats:
        source, *_ = _edges_of(self.neighbours)
        return np.bincount(source, weights=self.neighbours.weights, minlength=self.facts.count).astype(np.float64)

    @cached_property
    def community(self) -> Codes:
        label = find_communities(self.neighbours)
        return np.bincount(label, minlength=self.facts.count)[label].astype(np.int32) if label.size else label

    @cached_property
    def cycles(self) -> Cycles:
        assert self.facts.payments is not None
        source, target, at = self.facts.payments
        graph, payments = self.facts.graph, Payments(source=source, target=target, at=at)
        return find_cycles(payments, nodes=self.facts.count, longest=graph.cycle_length, span=graph.cycle_days * DAY)

    def value(self, measure: NodeMeasure) -> Floats:
        return self.facts.values[measure.of]

    def around(self, measure: NodeMeasure) -> Aggregates:
        """The value among those one step away, or exactly two."""
        key = measure.of, measure.steps
        if key not in self.steps:
            aggregate = aggregate_neighbours if measure.steps == 1 else aggregate_two_steps
            self.steps[key] = aggregate(self.capped.graph, self.value(measure))
        return self.steps[key]

    def flagged(self, measure: NodeMeasure) -> Flagged:
        if measure.of not in self.flags:
            self.flags[measure.of] = find_flagged(self.neighbours, self.value(measure) > 0)
        return self.flags[measure.of]

    def distance(self, measure: NodeMeasure) -> Floats:
        steps = self.flagged(measure).distance.astype(np.float64)
        return np.where(steps > 0, steps, np.nan)

    def spread(self, measure: NodeMeasure) -> Floats:
        value = self.value(measure)
        if measure.of in self.facts.graph.flags:
            # Who has no flag is a customer of whom nothing is known, not one known to be clean: flags flow through.
            value = np.where(value > 0, value, np.nan)
        return np.asarray(spread_scores(self.capped.graph, value))

    def rank(self, measure: NodeMeasure) -> Floats:
        seeds = np.nan_to_num(self.value(measure), nan=0.0).clip(min=0.0)
        return np.asarray(rank_nearby(self.capped.graph, seeds) * self.facts.count)

    def among(self, measure: NodeMeasure) -> ComponentTotals:
        """The value among the others of the component."""
        return aggregate_components(self.components, self.value(measure))

    def bridge(self, measure: NodeMeasure) -> Codes:
        return np.asarray(count_groups(self.neighbours, self.value(measure) > 0))

    def cycle_age(self) -> Floats:
        age = (self.facts.moment.instant - self.cycles.last_at) / DAY
        return np.where(self.cycles.length > 0, age, np.nan)


def _edges_of(graph: Graph) -> tuple[Codes, Codes, Codes, Codes]:
    """Source, target, first and last day of each entry of a graph."""
    source = np.repeat(np.arange(graph.nodes, dtype=np.int32), np.diff(graph.starts))
    none = np.zeros(graph.targets.size, dtype=np.int32)
    first = none if graph.first_days is None else graph.first_days
    last = none if graph.last_days is None else graph.last_days
    return source, graph.targets, first, last


_OPS: Mapping[str, Callable[[_KindMeasures, NodeMeasure], Numbers]] = {
    "neighbours": lambda of, _: of.neighbours.degrees(),
    "fan_out": lambda of, _: of.ties.fan_out,
    "fan_in": lambda of, _: of.ties.fan_in,
    "strength": lambda of, _: of.strength,
    "reciprocity": lambda of, _: of.ties.reciprocity,
    "mean_age": lambda of, _: of.ties.mean_age,
    "least_age": lambda of, _: of.ties.least_age,
    "days_quiet": lambda of, _: of.ties.quiet_days,
    "new": lambda of, _: of.new,
    "hubs": lambda of, _: of.hubs,
    "cut": lambda of, _: of.capped.cut,
    "component": lambda of, _: of.components.size,
    "growth": lambda of, _: of.growth,
    "core": lambda of, _: find_cores(of.neighbours),
    "pagerank": lambda of, _: compute_pagerank(of.graph).score * of.facts.count,
    "community": lambda of, _: of.community,
    "density": lambda of, _: measure_egos(of.neighbours).density,
    "count": lambda of, measure: of.around(measure).known[0],
    "sum": lambda of, measure: of.around(measure).total[0],
    "mean": lambda of, measure: of.around(measure).mean[0],
    "highest": lambda of, measure: of.around(measure).highest[0],
    "weighted_mean": lambda of, measure: of.around(measure).weighted_mean[0],
    "component_sum": lambda of, measure: of.among(measure).total,
    "component_mean": lambda of, measure: of.among(measure).mean,
    "spread": lambda of, measure: of.spread(measure),
    "rank": lambda of, measure: of.rank(measure),
    "distance": lambda of, measure: of.distance(measure),
    "bridge": lambda of, measure: of.bridge(measure),
    "cycle_length": lambda of, _: of.cycles.length,
    "cycle_age": lambda of, _: of.cycle_age(),
    "cycle_cut": lambda of, _: of.cycles.is_cut,
}
