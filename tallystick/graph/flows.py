"""What flows along ties in rounds until it settles: rank, and labels of communities.

Apart from sums over neighbours, which need one pass. Each round reads what the one before it left, so the result does
not depend on chance; communities alone are updated in place, in the order of nodes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tallystick.errors import ContractError
from tallystick.graph.csr import Doubles, Graph, Ids, as_doubles


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Ranks:
    """Of each node its share of all rank (``score``, together 1); the rounds, and the sum of changes in the last."""

    score: Doubles
    rounds: int
    change: float


def compute_pagerank(
    graph: Graph,
    *,
    seeds: npt.ArrayLike | None = None,
    damping: float = 0.85,
    rounds: int = 100,
    tolerance: float = 1e-9,
) -> Ranks:
    """PageRank (Page, Brin, Motwani, Winograd 1999): how often a walk along ties comes by, which starts again with
    probability ``1 - damping`` at a node of any kind, or, with ``seeds``, at these, in proportion to their numbers.

    A walk takes a tie in proportion to its weight. From a node that no weight leaves it starts again. That is how
    networkx computes it, and with seeds its ``personalization``. Without any seed above 0 nothing starts: all scores
    are 0. Ends after ``rounds``, or when the sum of all changes is at most ``tolerance``; below 0 asks for all rounds.
    Refuses seeds that are negative or not finite. Takes a directed graph or one of neighbours.
    """
    from tallystick.graph import flow_loops

    _check_flow(damping, rounds)
    start = np.zeros(0) if seeds is None else _shares(seeds, graph.nodes)
    if graph.nodes == 0 or (seeds is not None and not start.any()):
        return Ranks(score=np.zeros(graph.nodes), rounds=0, change=0.0)
    total, made = np.empty(graph.nodes), np.empty(graph.nodes)
    flow_loops.add_weights(graph.starts, graph.weights, total)
    rank = np.full(graph.nodes, 1.0 / graph.nodes)
    done, change = 0, np.inf
    while done < rounds and change > tolerance:
        change = flow_loops.push_rank(graph.rows, total, (start, damping), rank, made)
        rank, made = made, rank
        done += 1
    return Ranks(score=rank, rounds=done, change=change)


def find_communities(graph: Graph, *, rounds: int = 10) -> Ids:
    """Groups in which most ties stay inside, by label propagation (Raghavan, Albert, Kumara 2007): each node takes the
    label with most weight among its neighbours, in the order of nodes, until nothing changes or ``rounds`` are over.

    Of labels with equal weight a node keeps its own, else takes the smallest: the same graph gives the same groups. A
    label is the smallest node of its group; an isolated node is a group alone. Takes a graph of neighbours.
    """
    from tallystick.graph import flow_loops

    _check_flow(0.0, rounds)
    label = np.arange(graph.nodes, dtype=np.int32)
    flow_loops.pass_labels(graph.rows, rounds, label)
    _, first, group = np.unique(label, return_index=True, return_inverse=True)
    return first[group].astype(np.int32)


def _shares(seeds: npt.ArrayLike, nodes: int) -> Doubles:
    made = as_doubles(seeds, where="seeds", nodes=nodes)
    if len(made) and not (made.min() >= 0 and made.max() < np.inf):
        raise ContractError("a seed is finite and not negative", where="seeds")
    total = made.sum()
    return made / total if total > 0 else made


def _check_flow(damping: float, rounds: int) -> None:
    if not 0 <= damping < 1 or rounds < 1:
        raise ContractError("damping lies from 0 to below 1, and there is at least one round", where="damping, rounds")
