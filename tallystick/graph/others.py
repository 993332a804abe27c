"""What the others say of a node: their values, ranks and groups as they would be if the node's own were not known.

Apart from ``flows``, whose results contain a node's own seed: a walk that leaves a node comes back to it through its
neighbours, so a feature of a person would contain that person's own outcome. Here each node is left out, which needs
the walks that return to it; so walks have at most three steps, and the work is that of two-step aggregates. What came
back is taken away in doubles: an own value of 1e12 times the others' or more leaves nothing of theirs.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt

from tallystick.errors import ContractError
from tallystick.graph.csr import Array, Bools, Doubles, Graph, Ids, as_doubles, as_flags

# Below this share of what was taken away, what is left is rounding: then nobody else has said anything.
_ROUNDING = 1e-12


def spread_scores(graph: Graph, seeds: npt.ArrayLike, *, damping: float = 0.85) -> Doubles:
    """What flows in from the values of others over at most three steps, weaker with every step.

    Three rounds of: ``damping`` times the weighted mean of the neighbours' scores, while the seeds keep their own value
    (Zhu and Ghahramani 2002, with damping). ``seeds`` has a number for each node, NaN where nothing is known; all
    others start with 0. The result of a seed is what these rounds give if nothing is known of that seed, so that it may
    be a feature of the seed. 0 for a node without ties, or that no other seed reaches. Cap hubs first.
    """
    from tallystick.graph import flow_loops

    _check_damping(damping)
    known = as_doubles(seeds, where="seeds", nodes=graph.nodes)
    is_seed = ~np.isnan(known)
    own = np.where(is_seed, known, 0.0)
    rounds = [np.empty(graph.nodes) for _ in range(3)]
    score = own
    for made in rounds:
        flow_loops.pull_scores(graph.rows, score, damping, made)
        score = np.where(is_seed, known, made)
    two, three = _returns(graph, asked=is_seed, through=~is_seed)
    echo = own * (damping**2 * two + damping**3 * three)
    # Without a value of its own the node passes on what its neighbours' values gave it after one round.
    return _without(rounds[2], echo) + damping**2 * two * rounds[0]


def rank_nearby(graph: Graph, seeds: npt.ArrayLike, *, damping: float = 0.85) -> Doubles:
    """Where walks of one to three steps end that begin at other nodes, in proportion to their ``seeds``.

    It is personalised PageRank without the steps beyond the third and without the node's own seed: a walk takes a tie
    in proportion to its weight, and one of ``t`` steps counts ``damping ** t``, together 1. So the results of nodes
    that are no seeds sum to at most 1. A walk at a node that no weight leaves ends there unread. 0 where no other seed
    is. Refuses seeds that are negative or not finite. Takes a directed graph or one of neighbours; cap hubs first.
    """
    from tallystick.graph import others_loops

    _check_damping(damping)
    given = as_doubles(seeds, where="seeds", nodes=graph.nodes)
    if len(given) and not (given.min() >= 0 and given.max() < np.inf):
        raise ContractError("a seed is finite and not negative", where="seeds")
    total = _totals(graph)
    steps = [given, *(np.empty(graph.nodes) for _ in range(3))]
    for before, after in pairwise(steps):
        others_loops.push_walks(graph.rows, total, before, after)
    share = damping ** np.arange(1.0, 4.0)
    share /= share.sum() or 1.0
    found = share[0] * steps[1] + share[1] * steps[2] + share[2] * steps[3]
    two, three = _returns(graph, asked=given > 0, through=np.ones(graph.nodes, dtype=np.bool_))
    rest = given.sum() - given
    made = np.zeros(graph.nodes)
    np.divide(_without(found, given * (share[1] * two + share[2] * three)), rest, out=made, where=rest > 0)
    return made


def count_groups(graph: Graph, flags: npt.ArrayLike) -> Ids:
    """How many groups of other flagged nodes a node is tied to; at 2 or more it is a bridge between them.

    A group is flagged nodes that reach each other through flagged nodes. The node's own flag does not count: if it has
    one, groups that only it holds together are several (its biconnected blocks, Hopcroft and Tarjan 1973). Takes a
    graph of neighbours whose hubs are not capped.
    """
    from tallystick.graph import others_loops
    from tallystick.graph.components import find_components

    if not graph.is_symmetric:
        raise ContractError(
            "groups around a node need each tie in the rows of both its ends",
            where="count_groups",
            fix="join the directions, and cap no hubs",
        )
    known = as_flags(flags, where="flags", nodes=graph.nodes)
    count = np.empty(graph.nodes, dtype=np.int32)
    others_loops.count_labels(graph.starts, graph.targets, find_components(graph, among=known).label, count)
    others_loops.count_blocks(graph.starts, graph.targets, known, count)
    return count


def _returns(graph: Graph, *, asked: Bools, through: Bools) -> tuple[Doubles, Doubles]:
    """Of each node asked for the chance that a walk is back after two steps, and after three for the first time."""
    from tallystick.graph import others_loops

    two, three = np.zeros(graph.nodes), np.zeros(graph.nodes)
    others_loops.walk_back(graph.rows, _totals(graph), (asked, through), two, three)
    return two, three


def _totals(graph: Graph) -> Doubles:
    from tallystick.graph import flow_loops

    total = np.empty(graph.nodes)
    flow_loops.add_weights(graph.starts, graph.weights, total)
    return total


def _without(whole: Array, part: Array) -> Doubles:
    left = whole - part
    return np.where(np.abs(left) <= _ROUNDING * np.abs(part), 0.0, left)


def _check_damping(damping: float) -> None:
    if not 0 < damping < 1:
        raise ContractError("damping lies between 0 and 1", where="damping")
