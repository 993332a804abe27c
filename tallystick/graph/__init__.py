"""Measures of a graph of ties: pure functions, arrays in and arrays out.

Here: rows of neighbours (CSR) from lists of ties, and what is computed over them. Not here: Spark, files, dates of
observation, which ties count on a day (whoever calls leaves out what was not visible then).

Nodes are the numbers 0 to ``nodes - 1``; whoever calls numbers the customers, and uses the same numbers for graphs that
are compared. Days are whole days since 1970-01-01. A value that is NaN is null. The order in which ties are given does
not change a result.

``build_graph`` makes a directed graph, ``join_directions`` the graph of neighbours whose ties may go either way,
``cap_hubs`` shortens the rows of hubs and says how many ties each lost. All other functions take one of these graphs
and say which. Results are exact for the graph that they are given: whoever caps hubs first gets the exact measures of
the capped graph.
"""

from __future__ import annotations

from tallystick.graph.components import (
    Components,
    ComponentTotals,
    aggregate_components,
    find_components,
    find_cores,
    measure_growth,
)
from tallystick.graph.csr import Capped, Edges, Graph, build_graph, cap_hubs, join_directions
from tallystick.graph.cycles import Cycles, Payments, find_cycles
from tallystick.graph.egos import Egos, Flagged, TieMeasures, find_flagged, measure_egos, measure_ties
from tallystick.graph.flows import Ranks, compute_pagerank, find_communities
from tallystick.graph.neighbours import Aggregates, aggregate_neighbours, aggregate_two_steps
from tallystick.graph.others import count_groups, rank_nearby, spread_scores
from tallystick.graph.pairs import PairMeasures, measure_pairs

__all__ = [
    "Aggregates",
    "Capped",
    "ComponentTotals",
    "Components",
    "Cycles",
    "Edges",
    "Egos",
    "Flagged",
    "Graph",
    "PairMeasures",
    "Payments",
    "Ranks",
    "TieMeasures",
    "aggregate_components",
    "aggregate_neighbours",
    "aggregate_two_steps",
    "build_graph",
    "cap_hubs",
    "compute_pagerank",
    "count_groups",
    "find_communities",
    "find_components",
    "find_cores",
    "find_cycles",
    "find_flagged",
    "join_directions",
    "measure_egos",
    "measure_growth",
    "measure_pairs",
    "measure_ties",
    "rank_nearby",
    "spread_scores",
]
