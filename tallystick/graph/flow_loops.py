"""The compiled loops over a whole graph: components, rank, core numbers, scores and labels that flow along ties.

Kept apart because compiled code takes arrays only. A graph comes as starts, targets and weights of its rows.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from tallystick.kernel.compiling import array_type, compiler_for, part

Array = npt.NDArray[Any]
Rows = tuple[Array, Array, Array]

_compiled = compiler_for(__file__)
_INT, _DOUBLE = numba.int64, numba.float64
_INTS, _IDS, _DOUBLES = array_type(_INT), array_type(numba.int32), array_type(_DOUBLE)
_IDS_OUT, _DOUBLES_OUT = array_type(numba.int32, is_written=True), array_type(_DOUBLE, is_written=True)
_ROWS = numba.types.Tuple((_INTS, _IDS, array_type(numba.float32)))


@part
def _root(above: Array, node: int) -> int:
    while above[node] != node:
        above[node] = above[above[node]]
        node = above[node]
    return node


@_compiled((_INTS, _IDS, array_type(numba.boolean), _IDS_OUT))
def label_components(starts: Array, targets: Array, among: Array, label: Array) -> None:
    """The smallest node that can be reached from each node, against the direction of ties as along it.

    With ``among`` (no elements: all nodes) only ties between its nodes count; others are labelled -1.
    """
    for node in range(label.size):
        label[node] = node
    for node in range(label.size):
        if among.size and not among[node]:
            continue
        for k in range(starts[node], starts[node + 1]):
            if among.size and not among[targets[k]]:
                continue
            one, other = _root(label, node), _root(label, targets[k])
            if one < other:
                label[other] = one
            else:
                label[one] = other
    for node in range(label.size):
        label[node] = label[label[node]]  # whoever is above has a smaller number, so it is final
    if among.size:
        for node in range(label.size):
            if not among[node]:
                label[node] = -1


@_compiled((_INTS, array_type(numba.float32), _DOUBLES_OUT))
def add_weights(starts: Array, weights: Array, total: Array) -> None:
    """The sum of the weights of each row."""
    for node in range(total.size):
        made = 0.0
        for k in range(starts[node], starts[node + 1]):
            made += weights[k]
        total[node] = made


@_compiled((_ROWS, _DOUBLES, numba.types.Tuple((_DOUBLES, _DOUBLE)), _DOUBLES_OUT, _DOUBLES_OUT), gives=_DOUBLE)
def push_rank(rows: Rows, total: Array, teleport: tuple[Array, float], rank: Array, made: Array) -> float:
    """One round of PageRank, from ``rank`` to ``made``; returns the sum of all changes.

    ``teleport`` is where a walk starts again (no elements: everywhere alike), and the damping. Nodes that no weight
    leaves pass their rank on as a start does.
    """
    starts, targets, weights = rows
    start, damping = teleport
    lost, all_alike = 0.0, 1.0 / max(rank.size, 1)
    for node in range(rank.size):
        if total[node] == 0.0:
            lost += rank[node]
    again = 1.0 - damping + damping * lost
    for node in range(rank.size):
        made[node] = again * (start[node] if start.size else all_alike)
    for node in range(rank.size):
        if total[node] > 0.0 and rank[node] > 0.0:
            share = damping * rank[node] / total[node]
            for k in range(starts[node], starts[node + 1]):
                made[targets[k]] += share * weights[k]
    change = 0.0
    for node in range(rank.size):
        change += abs(made[node] - rank[node])
    return change


@_compiled((_ROWS, _DOUBLES, _DOUBLE, _DOUBLES_OUT))
def pull_scores(rows: Rows, score: Array, damping: float, made: Array) -> None:
    """The weighted mean of the neighbours' scores times ``damping``; 0 without any weight."""
    starts, targets, weights = rows
    for node in range(made.size):
        flow, total = 0.0, 0.0
        for k in range(starts[node], starts[node + 1]):
            flow += weights[k] * score[targets[k]]
            total += weights[k]
        made[node] = damping * flow / total if total > 0.0 else 0.0


@_compiled((_INTS, _IDS, _IDS_OUT))
def peel_cores(starts: Array, targets: Array, core: Array) -> None:
    """The core number of each node: nodes leave in order of the ties they have left (Batagelj and Zaversnik 2003)."""
    size, most = core.size, 0
    for node in range(size):
        core[node] = starts[node + 1] - starts[node]
        most = max(most, core[node])
    # Nodes in order of degree: where each degree begins, the order, and the place of each node in it.
    begin = np.zeros(most + 2, dtype=np.int32)
    order, place = np.empty(size, dtype=np.int32), np.empty(size, dtype=np.int32)
    for node in range(size):
        begin[core[node] + 1] += 1
    for degree in range(most + 1):
        begin[degree + 1] += begin[degree]
    for node in range(size):
        place[node] = begin[core[node]]
        order[place[node]] = node
        begin[core[node]] += 1
    for degree in range(most, 0, -1):
        begin[degree] = begin[degree - 1]
    begin[0] = 0
    for at in range(size):
        node = order[at]
        for k in range(starts[node], starts[node + 1]):
            other = targets[k]
            if core[other] <= core[node]:
                continue
            # It changes places with the first of its degree, which then ends one degree lower.
            first = begin[core[other]]
            moved = order[first]
            if moved != other:
                order[first], order[place[other]] = other, moved
                place[moved], place[other] = place[other], first
            begin[core[other]] += 1
            core[other] -= 1


@_compiled((_ROWS, _INT, _IDS_OUT), gives=_INT)
def pass_labels(rows: Rows, rounds: int, label: Array) -> int:
    """Each node, in order, takes the label with most weight among its neighbours: its own if that is among the best,
    else the smallest. Returns the rounds that were needed; ``label`` comes in as what each node starts with.
    """
    starts, targets, weights = rows
    found, longest = np.zeros(label.size, dtype=np.float64), 0
    for node in range(label.size):
        longest = max(longest, starts[node + 1] - starts[node])
    seen = np.empty(longest, dtype=np.int32)
    for done in range(rounds):
        changes = 0
        for node in range(label.size):
            count = 0
            for k in range(starts[node], starts[node + 1]):
                one = label[targets[k]]
                if weights[k] > 0.0:
                    if found[one] == 0.0:
                        seen[count] = one
                        count += 1
                    found[one] += weights[k]
            best = label[node]
            for e in range(count):
                one = seen[e]
                is_tie = found[one] == found[best]
                if found[one] > found[best] or (is_tie and best != label[node] and one < best):
                    best = one
            for e in range(count):
                found[seen[e]] = 0.0
            changes += best != label[node]
            label[node] = best
        if changes == 0:
            return done + 1
    return rounds
