"""The search for the ring that a reader is shown: customers tied around a confirmed fraud, few enough to be drawn.

Kept apart from the measures because it is for the eye: nothing is stored, computed or decided from it.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tallystick.graph import build_graph, find_components, join_directions
from tallystick.spec.graphs import ANY, CustomerGraph
from tallystick.ties.kind_graphs import KindTies, NodeFacts
from tallystick.ties.rings import FEWEST, MOST, Ring, RingTie
from tallystick.ties.seen_rows import Bools, Ints

# The flag of customers whose fraud was confirmed.
FRAUD = "fraud"


def ring_kinds(graph: CustomerGraph) -> tuple[str, ...]:
    """The kinds whose components the graph searches for the flag ``fraud``; none for most graphs."""
    if FRAUD not in graph.flags:
        return ()
    return tuple(kind for one, kind in graph.columns if (one.op, one.of) == ("component_sum", FRAUD) and kind != ANY)


def find_ring(facts: NodeFacts) -> Ring | None:
    """The component with most flagged members, of 3 to 40 customers; of several the smaller one, then the one of the
    kind that is declared first. None without any.
    """
    candidates = list(_candidates(facts))
    if not candidates:
        return None
    kind, members, is_flagged = min(candidates, key=lambda one: (-int(one[2].sum()), one[1].size))
    order = np.lexsort((members, ~is_flagged))
    words = facts.graph.kinds
    return Ring(
        day=facts.moment.day,
        kind=words[kind],
        members=int(members.size),
        flagged=int(is_flagged.sum()),
        ties=tuple(
            tie for name, ties in facts.kinds.items() for tie in _ties_among(ties, members[order], words[name], facts)
        ),
    )


def _candidates(facts: NodeFacts) -> Iterator[tuple[str, Ints, Bools]]:
    """Of each kind the component that would be shown: its nodes, and which of them are flagged."""
    if FRAUD not in facts.values:
        return
    is_flagged = facts.values[FRAUD] > 0
    for kind in ring_kinds(facts.graph):
        if kind not in facts.kinds:
            continue
        edges = facts.kinds[kind].edges
        found = find_components(join_directions(build_graph(edges, nodes=facts.count)))
        flagged = np.bincount(found.label[is_flagged], minlength=facts.count)[found.label]
        fitting = np.flatnonzero((found.size >= FEWEST) & (found.size <= MOST) & (flagged > 0))
        if fitting.size:
            best = fitting[np.lexsort((fitting, found.size[fitting], -flagged[fitting]))[0]]
            members = np.flatnonzero(found.label == found.label[best])
            yield kind, members, is_flagged[members]


def _ties_among(ties: KindTies, members: Ints, kind: str, facts: NodeFacts) -> Iterator[RingTie]:
    """The ties of one kind between the members, each pair once, sorted."""
    number = np.zeros(facts.count, dtype=np.int64)
    number[members] = np.arange(1, members.size + 1)
    source, target = number[ties.edges.source], number[ties.edges.target]
    is_inside = (source > 0) & (target > 0) & (source != target)
    pairs = set(zip(source[is_inside].tolist(), target[is_inside].tolist(), strict=True))
    for one, other in sorted(pairs):
        is_mutual = (other, one) in pairs
        if not is_mutual or one < other:
            yield RingTie(kind=kind, source=one, target=other, is_mutual=is_mutual)
