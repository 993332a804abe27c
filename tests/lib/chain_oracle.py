"""What is measured at each customer of a graph, in plain Python from the definition: an oracle for the stage.

Ties come from ``tie_oracle`` as (weight, first day, last day) by pair and direction. networkx answers what it knows.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from itertools import combinations, pairwise
from typing import Any

import networkx as nx

Ties = Mapping[tuple[str, str], tuple[float, dt.date, dt.date]]
Values = Mapping[str, float | None]


def neighbours_of(ties: Ties, members: Sequence[str]) -> nx.Graph:
    """Members, tied where a tie goes either way: weights of both ways added, the first and last day of both."""
    graph = nx.Graph()
    graph.add_nodes_from(members)
    for (one, other), (weight, first, last) in ties.items():
        if graph.has_edge(one, other):
            old = graph[one][other]
            weight, first, last = weight + old["weight"], min(first, old["first"]), max(last, old["last"])
        graph.add_edge(one, other, weight=weight, first=first, last=last)
    return graph


def measure(ties: Ties, members: Sequence[str], *, day: dt.date, growth_days: int) -> dict[str, dict[str, Any]]:
    """Every measure that looks at ties alone, by name and member."""
    graph = neighbours_of(ties, members)
    directed = nx.DiGraph()
    directed.add_nodes_from(members)
    directed.add_weighted_edges_from((one, other, edge[0]) for (one, other), edge in ties.items())
    old = nx.Graph([(a, b) for a, b, edge in graph.edges(data=True) if (day - edge["first"]).days > growth_days])
    old.add_nodes_from(members)
    sizes, before = ({n: len(part) for part in nx.connected_components(g) for n in part} for g in (graph, old))
    around = {one: [graph[one][other] for other in graph[one]] for one in members}
    ages = {one: [(day - edge["first"]).days for edge in edges] for one, edges in around.items()}
    both = {one: sum(directed.has_edge(one, o) and directed.has_edge(o, one) for o in graph[one]) for one in members}
    rank = nx.pagerank(directed, tol=1e-12, max_iter=1000) if ties else {one: 1 / len(members) for one in members}
    return {
        "neighbours": {one: len(graph[one]) for one in members},
        "fan_out": {one: directed.out_degree(one) for one in members},
        "fan_in": {one: directed.in_degree(one) for one in members},
        "strength": {one: sum(edge["weight"] for edge in around[one]) for one in members},
        "reciprocity": {one: both[one] / len(graph[one]) if graph[one] else None for one in members},
        "mean_age": {one: sum(ages[one]) / len(ages[one]) if ages[one] else None for one in members},
        "least_age": {one: min(ages[one], default=None) for one in members},
        "days_quiet": {one: min(((day - edge["last"]).days for edge in around[one]), default=None) for one in members},
        "new": {one: sum(age <= growth_days for age in ages[one]) for one in members},
        "component": sizes,
        "growth": {one: sizes[one] - before[one] for one in members},
        "core": nx.core_number(graph),
        "pagerank": {one: score * len(members) for one, score in rank.items()},
        "density": {one: nx.clustering(graph, one) if len(graph[one]) > 1 else None for one in members},
    }


def measure_value(ties: Ties, members: Sequence[str], values: Values, *, steps: int) -> dict[str, dict[str, Any]]:
    """Every measure that looks at a value of those exactly so many steps away."""
    graph = neighbours_of(ties, members)
    found: dict[str, dict[str, Any]] = {name: {} for name in ("count", "sum", "mean", "highest", "weighted_mean")}
    for one in members:
        strength: dict[str, float] = {}
        for other in graph[one]:
            if steps == 1:
                strength[other] = graph[one][other]["weight"]
                continue
            for far in graph[other]:
                if far != one and far not in graph[one]:
                    weight = graph[one][other]["weight"] * graph[other][far]["weight"]
                    strength[far] = strength.get(far, 0.0) + weight
        known = {other: value for other in strength if (value := values.get(other)) is not None}
        found["count"][one] = len(known)
        found["sum"][one] = sum(known.values())
        found["mean"][one] = sum(known.values()) / len(known) if known else None
        found["highest"][one] = max(known.values(), default=None)
        weight = sum(strength[other] for other in known)
        weighted = sum(strength[other] * value for other, value in known.items())
        found["weighted_mean"][one] = weighted / weight if known else None
    return found


def measure_flag(ties: Ties, members: Sequence[str], values: Values) -> dict[str, dict[str, Any]]:
    """Every measure that looks further than two steps, or at who has a value above 0."""
    graph = neighbours_of(ties, members)
    flagged = {one for one in members if (values.get(one) or 0) > 0}
    distance: dict[str, int | None] = {}
    for one in members:
        steps = nx.single_source_shortest_path_length(graph, one, cutoff=2)
        distance[one] = min((step for other, step in steps.items() if step and other in flagged), default=None)
    touched, rank, spread = {}, {}, {}
    for one in members:
        others = flagged - {one}  # a measure of a customer is as it would be without that customer's own flag
        groups = nx.connected_components(graph.subgraph(others))
        touched[one] = sum(bool(group & set(graph[one])) for group in groups)
        rank[one] = len(members) * walks_from(graph, {o: values.get(o) or 0.0 for o in others}, to=one)
        spread[one] = heard_by(graph, {o: values.get(o) or 0.0 for o in others}, one)
    parts = {one: part - {one} for part in nx.connected_components(graph) for one in part}
    known = {one: [v for other in others if (v := values.get(other)) is not None] for one, others in parts.items()}
    return {
        "component_sum": {one: sum(found) for one, found in known.items()},
        "component_mean": {one: sum(found) / len(found) if found else None for one, found in known.items()},
        "distance": distance,
        "bridge": touched,
        "rank": rank,
        "spread": spread,
    }


def walks_from(graph: nx.Graph, seeds: Mapping[str, float], *, to: str) -> float:
    """The share of walks of one to three steps from the seeds that end at a member; one of t steps counts 0.85^t."""
    at, found = dict(seeds), 0.0
    for steps in (1, 2, 3):
        after: dict[str, float] = {}
        for one, mass in at.items():
            total = sum(edge["weight"] for edge in graph[one].values())
            for other, edge in graph[one].items():
                after[other] = after.get(other, 0.0) + mass * edge["weight"] / total
        at = after
        found += 0.85**steps * at.get(to, 0.0)
    return found / (0.85 + 0.85**2 + 0.85**3) / (sum(seeds.values()) or 1.0)


def heard_by(graph: nx.Graph, seeds: Mapping[str, float], who: str, *, steps: int = 3) -> float:
    """0.85 times the weighted mean of what neighbours say: a seed its value, others what they hear one step less."""
    total = sum(edge["weight"] for edge in graph[who].values())
    said = 0.0
    for other, edge in graph[who].items():
        further = heard_by(graph, seeds, other, steps=steps - 1) if steps > 1 and other not in seeds else 0.0
        said += edge["weight"] * seeds.get(other, further)
    return 0.85 * said / total if total else 0.0


def shortest_cycles(
    payments: Sequence[tuple[str, str, dt.datetime]], *, longest: int, span: dt.timedelta
) -> dict[str, int]:
    """The payments of the shortest cycle through each member, each later than the one before; none without one."""
    found: dict[str, int] = {}
    for length in range(2, longest + 1):
        for chosen in combinations(sorted(payments, key=lambda payment: payment[2]), length):
            is_chain = all(a[1] == b[0] and a[2] < b[2] for a, b in pairwise(chosen))
            nodes = [payment[0] for payment in chosen]
            is_cycle = is_chain and chosen[-1][1] == nodes[0] and len(set(nodes)) == length
            if is_cycle and chosen[-1][2] - chosen[0][2] <= span:
                for node in nodes:
                    found.setdefault(node, length)
    return found
