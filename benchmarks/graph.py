"""The command: ``python -m benchmarks.graph``. CPU seconds and memory of the measures of a graph, on made-up ties.

    python -m benchmarks.graph --edges 100000000 --nodes 10000000

Degrees are skewed as those of people and shops are: of n nodes, the one of rank r is paid about (r / n) ** (-2/3) times
as often as the last one (a power law with exponent 2.5). Equal arguments give equal ties. The four measures that a
nightly run cannot do without come first; ``--all`` adds the others.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.measure import Measured, Meter
from tallystick.graph import (
    Capped,
    Components,
    Edges,
    Graph,
    PairMeasures,
    Payments,
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
    measure_pairs,
    measure_ties,
    rank_nearby,
    spread_scores,
)

_CHUNK = 5_000_000
_DAYS = 730
_HOUR = 3_600_000_000
# A large prime: ranks become node numbers that lie apart, so that hubs do not stand next to each other.
_STRIDE = 2_147_483_629


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """What one measure took."""

    name: str
    took: Measured

    @property
    def line(self) -> str:
        """A row of a Markdown table."""
        return f"| {self.name} | {self.took.cpu:.1f} | {self.took.wall:.1f} | {self.took.peak_mb:,.0f} |"


def made_up_ties(edges: int, nodes: int, *, seed: int = 1) -> Edges:
    """Who paid whom, how much, first and last day: written piece by piece, so nothing but the result takes memory."""
    source = np.random.default_rng(seed)
    made = Edges(
        source=np.empty(edges, dtype=np.int32),
        target=np.empty(edges, dtype=np.int32),
        weight=np.empty(edges, dtype=np.float32),
        first_day=np.empty(edges, dtype=np.int32),
        last_day=np.empty(edges, dtype=np.int32),
    )
    for begin in range(0, edges, _CHUNK):
        rows = slice(begin, min(begin + _CHUNK, edges))
        size = rows.stop - begin
        made.source[rows] = _skewed(source.random(size), nodes, power=2)
        made.target[rows] = _skewed(source.random(size), nodes, power=3)
        made.weight[rows] = source.exponential(1.0, size)  # type: ignore[index]  # given above
        first = source.integers(0, _DAYS, size)
        made.first_day[rows] = first  # type: ignore[index]  # given above
        made.last_day[rows] = np.minimum(first + source.integers(0, 90, size), _DAYS)  # type: ignore[index]  # above
    return made


def _skewed(uniform: np.ndarray, nodes: int, *, power: int) -> np.ndarray:
    rank = (uniform**power * nodes).astype(np.int64)
    return (rank * _STRIDE) % nodes


def made_up_values(nodes: int, *, seed: int = 2) -> np.ndarray:
    """An amount that a fifth of the nodes lacks, and a flag that seven of ten lack."""
    source = np.random.default_rng(seed)
    made = np.column_stack([source.normal(size=nodes), source.random(nodes) < 0.05])
    made[source.random(nodes) < 0.2, 0] = np.nan
    made[source.random(nodes) < 0.7, 1] = np.nan
    return made


class Bench:
    """Runs the measures one after the other, and prints and keeps what each took."""

    def __init__(self, *, is_quiet: bool = False) -> None:
        self.steps: list[Step] = []
        self._is_quiet = is_quiet

    def timed(self, name: str, work: Callable[..., Any], *given: Any, **options: Any) -> Any:
        """What the work returns; what it took is kept."""
        with Meter() as meter:
            made = work(*given, **options)
        self.steps.append(Step(name=name, took=meter.measured()))
        self.tell(self.steps[-1].line)
        return made

    def tell(self, line: str) -> None:
        """A line of the output, at once: later ones may take minutes."""
        if not self._is_quiet:
            sys.stdout.write(line + "\n")
            sys.stdout.flush()


def measure_graph(bench: Bench, edges: int, nodes: int, *, most: int, values: np.ndarray) -> tuple[Graph, Graph]:
    """The measures of every night; returns the graph of neighbours, and the same with hubs capped."""
    ties = made_up_ties(edges, nodes)
    graph: Graph = bench.timed("rows of the directed graph", build_graph, ties, nodes=nodes)
    del ties
    bench.timed("components", find_components, graph)
    bench.timed("PageRank, 20 rounds", compute_pagerank, graph, rounds=20, tolerance=-1)
    joined: Graph = bench.timed("graph of neighbours", join_directions, graph)
    del graph
    bench.timed("one step, 2 values", aggregate_neighbours, joined, values)
    capped: Capped = bench.timed(f"hubs capped at {most}", cap_hubs, joined, most)
    bench.timed("two steps, 2 values", aggregate_two_steps, capped.graph, values)
    share, lost = (capped.cut > 0).mean(), capped.cut.sum(dtype=np.int64)
    longest = int(joined.degrees().max(initial=0))
    bench.tell(f"Capping cut {lost:,} ties of {share:.2%} of the nodes; the largest hub had {longest:,} neighbours.")
    return joined, capped.graph


def measure_others(bench: Bench, joined: Graph, capped: Graph, *, values: np.ndarray) -> None:
    """The measures that a run may add."""
    flags = np.random.default_rng(3).random(joined.nodes) < 0.002
    seeds = np.where(flags, 1.0, np.where(np.isnan(values[:, 1]), np.nan, 0.0))
    frauds: Components = bench.timed("components of flagged nodes", find_components, joined, among=flags)
    bench.timed("sums over components", aggregate_components, frauds, values[:, 0])
    bench.timed("growth of components", measure_growth, frauds, frauds)
    bench.timed("PageRank from seeds, 20 rounds", compute_pagerank, joined, seeds=flags, rounds=20, tolerance=-1)
    bench.timed("scores that flow, hubs capped", spread_scores, capped, seeds)
    bench.timed("rank of others nearby, hubs capped", rank_nearby, capped, flags)
    bench.timed("communities, 5 rounds", find_communities, joined, rounds=5)
    bench.timed("core numbers", find_cores, joined)
    bench.timed("direction and age of ties", measure_ties, joined, day=_DAYS)
    bench.timed("flagged nodes near", find_flagged, joined, flags)
    bench.timed("bridges", count_groups, joined, flags)
    bench.timed("density among neighbours, hubs capped", measure_egos, capped)


def measure_closeness(bench: Bench, joined: Graph, pairs: int, *, most: int) -> None:
    """Pairs drawn as ties are: skewed, so that many have a hub in them, and most are not tied."""
    asked = made_up_ties(pairs, joined.nodes, seed=6)
    found: PairMeasures = bench.timed(
        f"{pairs:,} pairs, hubs above {most} left out", measure_pairs, joined, asked.source, asked.target, most=most
    )
    tied, common, cut = ((part > 0).mean() for part in (found.place + 1, found.common, found.is_cut))
    bench.tell(f"{tied:.1%} of the pairs are tied, {common:.1%} have somebody in common, {cut:.1%} were cut.")


def measure_cycles(bench: Bench, payments: int, nodes: int) -> None:
    """Cycles of at most 5 payments within two days, of payments in one month."""
    ties = made_up_ties(payments, nodes, seed=4)
    at = np.random.default_rng(5).integers(0, 30 * 24 * _HOUR, payments)
    asked = Payments(source=ties.source, target=ties.target, at=at)
    name = f"cycles of {payments:,} payments"
    found = bench.timed(name, find_cycles, asked, nodes=nodes, longest=5, span=48 * _HOUR)
    bench.tell(f"{(found.length > 0).sum():,} nodes are on a cycle; the search from {found.is_cut.sum():,} was cut.")


def main() -> None:
    """Print a line for each measure and the sum of those of every night."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.graph", description="Measure the graph.")
    parser.add_argument("--edges", type=int, default=1_000_000)
    parser.add_argument("--nodes", type=int, default=100_000)
    parser.add_argument("--cap", type=int, default=100, help="neighbours that a hub keeps (default %(default)s)")
    parser.add_argument("--all", action="store_true", help="the other measures, too")
    given = parser.parse_args()
    _run(Bench(is_quiet=True), edges=20, nodes=10, most=2, has_others=True)  # loads the compiled loops
    bench = Bench()
    bench.tell("| measure | CPU s | wall s | peak MB |\n|---|---|---|---|")
    _run(bench, edges=given.edges, nodes=given.nodes, most=given.cap, has_others=given.all)


def _run(bench: Bench, *, edges: int, nodes: int, most: int, has_others: bool) -> None:
    values = made_up_values(nodes)
    joined, capped = measure_graph(bench, edges, nodes, most=most, values=values)
    cpu, wall = (sum(getattr(step.took, part) for step in bench.steps) for part in ("cpu", "wall"))
    peak = max(step.took.peak_mb for step in bench.steps)
    bench.tell(f"| all of these | {cpu:.1f} | {wall:.1f} | {peak:,.0f} |")
    if has_others:
        measure_others(bench, joined, capped, values=values)
        del capped
        measure_closeness(bench, joined, edges // 10, most=most)
        del joined
        measure_cycles(bench, edges // 10, nodes)


if __name__ == "__main__":
    main()
