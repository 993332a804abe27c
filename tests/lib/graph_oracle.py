"""Small random graphs, and what graph measures mean, written down with dictionaries and sets.

Nothing here knows of rows or arrays: ties are a dictionary from pairs of nodes to weight, first and last day.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import networkx as nx
import numpy as np

from tallystick.graph import Edges, Graph, Payments

# Of a tie: weight, first and last day.
Tie = tuple[float, int, int]
Pairs = Mapping[tuple[int, int], Tie]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class DrawnGraph:
    """Ties as they would come in: loops, parallel ties, equal weights, hubs and nodes without ties among them."""

    nodes: int
    source: list[int]
    target: list[int]
    weight: list[float]
    first_day: list[int]
    last_day: list[int]

    @property
    def edges(self) -> Edges:
        ids = (np.array(one, dtype=np.int32) for one in (self.source, self.target, self.first_day, self.last_day))
        source, target, first, last = ids
        weight = np.array(self.weight, dtype=np.float32)
        return Edges(source=source, target=target, weight=weight, first_day=first, last_day=last)

    def directed(self) -> dict[tuple[int, int], Tie]:
        """Loops dropped, parallel ties one."""
        found: dict[tuple[int, int], Tie] = {}
        rows = zip(self.source, self.target, self.weight, self.first_day, self.last_day, strict=True)
        for source, target, weight, first, last in rows:
            if source != target:
                before = found.get((source, target), (0.0, 10**9, -(10**9)))
                found[source, target] = (before[0] + weight, min(before[1], first), max(before[2], last))
        return found

    def neighbours(self) -> dict[tuple[int, int], Tie]:
        """Every pair that is tied either way, in both orders."""
        found: dict[tuple[int, int], Tie] = {}
        for (source, target), tie in self.directed().items():
            for pair in ((source, target), (target, source)):
                before = found.get(pair, (0.0, 10**9, -(10**9)))
                found[pair] = (before[0] + tie[0], min(before[1], tie[1]), max(before[2], tie[2]))
        return found


def draw_graphs(count: int, *, seed: int = 1) -> Iterator[DrawnGraph]:
    """Of 0 to 14 nodes, with 0 to 60 ties: sparse and dense, half of them with a hub. Weights are eighths, also 0."""
    source = np.random.default_rng(seed)
    for number in range(count):
        nodes = int(source.integers(0, 15)) if number else 0
        size = int(source.integers(0, 4 * nodes + 1)) if nodes else 0
        ends = source.integers(0, max(nodes, 1), (2, size))
        if number % 2:
            ends[number % 4 // 2, source.random(size) < 0.6] = 0
        first = source.integers(0, 5, size)
        yield DrawnGraph(
            nodes=nodes,
            source=ends[0].tolist(),
            target=ends[1].tolist(),
            weight=(source.integers(0, 9, size) / 8).tolist(),
            first_day=first.tolist(),
            last_day=(first + source.integers(0, 4, size)).tolist(),
        )


def read_rows(graph: Graph) -> dict[tuple[int, int], Tie]:
    """The ties that the rows of a graph hold."""
    assert graph.first_days is not None
    assert graph.last_days is not None
    found = {}
    for node in range(graph.nodes):
        row = range(graph.starts[node], graph.starts[node + 1])
        assert list(graph.targets[row.start : row.stop]) == sorted(set(graph.targets[row.start : row.stop]))
        for k in row:
            tie = (float(graph.weights[k]), int(graph.first_days[k]), int(graph.last_days[k]))
            found[node, int(graph.targets[k])] = tie
    return found


def row_of(pairs: Pairs, node: int) -> dict[int, float]:
    """The neighbours of a node and their weights, in order."""
    return {target: pairs[source, target][0] for source, target in sorted(pairs) if source == node}


def cap_rows(pairs: Pairs, most: int, *, by_day: bool) -> dict[tuple[int, int], Tie]:
    """The ``most`` strongest of each row, of equal ones the latest, then the smaller node; or the latest first."""
    kept = {}
    for source in {source for source, _ in pairs}:
        row = [(pair, tie) for pair, tie in pairs.items() if pair[0] == source]
        row.sort(key=lambda one: (-one[1][2], -one[1][0], one[0]) if by_day else (-one[1][0], -one[1][2], one[0]))
        kept.update(row[:most])
    return kept


def step_matrix(pairs: Pairs, nodes: int) -> np.ndarray:
    """The chances of one step from each row's node, in proportion to weights; a row of zeros where none leaves."""
    matrix = np.zeros((nodes, nodes))
    for pair, tie in pairs.items():
        matrix[pair] = tie[0]
    total = matrix.sum(axis=1, keepdims=True)
    return np.divide(matrix, total, out=np.zeros_like(matrix), where=total > 0)


def two_steps(pairs: Pairs, node: int) -> dict[int, float]:
    """The nodes at exactly two steps, and the weight of all paths to each."""
    near, found = row_of(pairs, node), {}
    for middle, weight in near.items():
        for far, second in row_of(pairs, middle).items():
            if far != node and far not in near:
                found[far] = found.get(far, 0.0) + weight * second
    return found


def aggregate(others: Mapping[int, float], values: np.ndarray) -> tuple[int, int, float, float, float, float]:
    """Others, those with a value, and of these sum, mean, maximum and weighted mean."""
    known = {node: weight for node, weight in others.items() if not math.isnan(values[node])}
    found = [float(values[node]) for node in known]
    weights = sum(known.values())
    return (
        len(others),
        len(known),
        math.fsum(found),
        math.fsum(found) / len(found) if found else math.nan,
        max(found, default=math.nan),
        math.fsum(w * float(values[n]) for n, w in known.items()) / weights if weights else math.nan,
    )


def draw_payments(count: int, *, seed: int = 2) -> Iterator[tuple[int, Payments]]:
    """Of 2 to 7 nodes, up to 24 payments in 12 moments: many at the same moment, some to oneself."""
    source = np.random.default_rng(seed)
    for _ in range(count):
        nodes, size = int(source.integers(2, 8)), int(source.integers(0, 25))
        source_ids, target_ids = source.integers(0, nodes, (2, size)).astype(np.int32)
        yield nodes, Payments(source=source_ids, target=target_ids, at=source.integers(0, 12, size))


def cycles_of(payments: Payments, *, shortest: int, longest: int, span: int) -> dict[int, tuple[int, int]]:
    """Of each node on a cycle the length of the shortest and the moment when the last one closed: tries all orders."""
    rows = list(zip(payments.source.tolist(), payments.target.tolist(), payments.at.tolist(), strict=True))
    found: dict[int, tuple[int, int]] = {}

    def extend(path: list[tuple[int, int, int]]) -> None:
        first, last = path[0], path[-1]
        if last[1] == first[0]:
            if len(path) >= shortest:
                for source, _, _ in path:
                    length, at = found.get(source, (10**9, -1))
                    found[source] = (min(length, len(path)), max(at, last[2]))
            return
        seen = {source for source, _, _ in path}
        for row in rows:
            is_next = row[0] == last[1] and row[2] > last[2] and row[2] - first[2] <= span
            if is_next and len(path) < longest and row[0] not in seen:
                extend([*path, row])

    for row in rows:
        if row[0] != row[1]:
            extend([row])
    return found


def links_among(pairs: Pairs, nodes: set[int]) -> int:
    """The pairs of these nodes that are tied, whichever row says so."""
    return sum((a, b) in pairs or (b, a) in pairs for a, b in itertools.combinations(sorted(nodes), 2))


def close_of(graph: nx.Graph, one: int, other: int, *, most: int) -> dict[str, float]:
    """How close two nodes are, by networkx: in the graph without the hubs but these two, and without their own tie."""
    hubs = {node for node in graph if len(graph[node]) > most} - {one, other}
    plain = graph.subgraph(set(graph) - hubs).copy()
    apart = plain.copy()
    apart.remove_edges_from([(one, other)])
    common = sorted(nx.common_neighbors(apart, one, other))
    ((*_, jaccard),) = nx.jaccard_coefficient(apart, [(one, other)])
    steps = nx.single_source_shortest_path_length(plain, one, cutoff=3).get(other, 0)
    is_searched = min(len(graph[one]), len(graph[other])) <= most or 0 < steps < 3
    return {
        "common": len(common),
        "hubs": len(hubs & set(graph[one]) & set(graph[other])),
        "jaccard": jaccard if apart[one] or apart[other] else math.nan,
        "adamic_adar": sum(1 / math.log(len(graph[node])) for node in common),
        "distance": steps if is_searched else 0,
        "is_cut": not is_searched,
    }
