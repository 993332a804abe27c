"""The measures of a graph at one snapshot, each by an algorithm of ``graph``, as columns that a table can hold.

Kept apart from the rows that edges come from: here everything is numbered.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tallystick.graph import (
    Aggregates,
    Capped,
    ComponentTotals,
    Cycles,
    Edges,
    Flagged,
    Payments,
    TieMeasures,
    aggregate_components,
    aggregate_neighbours,
    aggregate_two_steps,
    build_graph,
    cap_hubs,
    compute_pagerank,
    count_groups,
    find_components,
    find_cores,
    find_cycles,
    find_flagged,
    measure_egos,
    measure_growth,
    measure_ties,
    rank_nearby,
    spread_scores,
)
from tallystick.kernel.zones import DAY
from tallystick.spec.graphs import ANY, NodeMeasure
from tallystick.ties.kind_graphs import KindGraph, NodeFacts, edges_of
from tallystick.ties.seen_rows import Codes, Floats

Numbers = npt.NDArray[np.generic]


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


class _KindMeasures(KindGraph):
    """What the measures of one kind share, each worked out when it is first asked for."""

    def __init__(self, facts: NodeFacts, kind: str) -> None:
        super().__init__(facts, kind)
        self.steps: dict[tuple[str, int], Aggregates] = {}
        self.flags: dict[str, Flagged] = {}

    def is_there(self, measure: NodeMeasure) -> bool:
        """Whether the source has what the measure looks at."""
        has_value = not measure.of or measure.of in self.facts.values
        return self.is_told and has_value and (not measure.rule.takes_payments or self.facts.payments is not None)

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
    def growth(self) -> Codes:
        source, target, first, _ = edges_of(self.neighbours)
        is_old = first < self.facts.moment.number - self.facts.graph.growth_days
        before = build_graph(Edges(source=source[is_old], target=target[is_old]), nodes=self.facts.count)
        return np.asarray(measure_growth(self.components, find_components(before)))

    @cached_property
    def new(self) -> Codes:
        source, _, first, _ = edges_of(self.neighbours)
        is_new = first >= self.facts.moment.number - self.facts.graph.growth_days
        return np.bincount(source[is_new], minlength=self.facts.count).astype(np.int32)

    @cached_property
    def strength(self) -> Floats:
        source, *_ = edges_of(self.neighbours)
        return np.bincount(source, weights=self.neighbours.weights, minlength=self.facts.count).astype(np.float64)

    @cached_property
    def community(self) -> Codes:
        label = self.communities
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
