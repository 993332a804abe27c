"""The compiled loops of what the others say: walks that return to where they began, and groups around a node.

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
_INTS, _IDS, _DOUBLES = array_type(numba.int64), array_type(numba.int32), array_type(numba.float64)
_BOOLS = array_type(numba.boolean)
_IDS_OUT, _DOUBLES_OUT = array_type(numba.int32, is_written=True), array_type(numba.float64, is_written=True)
_ROWS = numba.types.Tuple((_INTS, _IDS, array_type(numba.float32)))


@_compiled((_ROWS, _DOUBLES, _DOUBLES, _DOUBLES_OUT))
def push_walks(rows: Rows, total: Array, before: Array, after: Array) -> None:
    """One step of all walks: what stands at a node goes along its ties in proportion to their weights."""
    starts, targets, weights = rows
    after[:] = 0.0
    for node in range(before.size):
        if total[node] > 0.0 and before[node] > 0.0:
            share = before[node] / total[node]
            for k in range(starts[node], starts[node + 1]):
                after[targets[k]] += share * weights[k]


@part
def _weight_of(rows: Rows, node: int, other: int) -> float:
    """The weight of the tie from a node to another, 0 if its row does not name it."""
    starts, targets, weights = rows
    low, high = starts[node], starts[node + 1]
    while low < high:
        middle = (low + high) // 2
        if targets[middle] < other:
            low = middle + 1
        else:
            high = middle
    return np.float64(weights[low]) if low < starts[node + 1] and targets[low] == other else 0.0


@_compiled((_ROWS, _DOUBLES, numba.types.Tuple((_BOOLS, _BOOLS)), _DOUBLES_OUT, _DOUBLES_OUT))
def walk_back(rows: Rows, total: Array, chosen: tuple[Array, Array], two: Array, three: Array) -> None:
    """The chance that a walk from a node that is asked for is back after two steps, and first after three, on a way
    through nodes that let it through.
    """
    starts, targets, weights = rows
    asked, through = chosen
    for node in range(asked.size):
        if not asked[node] or total[node] == 0.0:
            continue
        for k in range(starts[node], starts[node + 1]):
            middle = targets[k]
            if not through[middle] or total[middle] == 0.0:
                continue
            there = weights[k] / total[node]
            for e in range(starts[middle], starts[middle + 1]):
                far = targets[e]
                chance = there * weights[e] / total[middle]
                if far == node:
                    two[node] += chance
                elif through[far] and total[far] > 0.0:
                    three[node] += chance * _weight_of(rows, far, node) / total[far]


@_compiled((_INTS, _IDS, _IDS, _IDS_OUT))
def count_labels(starts: Array, targets: Array, label: Array, count: Array) -> None:
    """How many labels of at least 0 the neighbours of each node have, each counted once."""
    longest = 0
    for node in range(count.size):
        longest = max(longest, starts[node + 1] - starts[node])
    found = np.empty(longest, dtype=np.int32)
    for node in range(count.size):
        size = 0
        for k in range(starts[node], starts[node + 1]):
            if label[targets[k]] >= 0:
                found[size] = label[targets[k]]
                size += 1
        found[:size].sort()
        count[node] = 0
        for e in range(size):
            count[node] += e == 0 or found[e] != found[e - 1]


@_compiled((_INTS, _IDS, _BOOLS, _IDS_OUT))
def count_blocks(starts: Array, targets: Array, flags: Array, count: Array) -> None:
    """Of each flagged node the biconnected blocks of flagged nodes that it is in; other nodes keep their count.

    A walk in depth without recursion: a child that reaches no node before its parent begins a block of the parent.
    """
    size, clock = count.size, 0
    reached, low = np.zeros(size, dtype=np.int32), np.zeros(size, dtype=np.int32)
    above, cursor = np.full(size, -1, dtype=np.int32), starts[:-1].copy()
    for root in range(size):
        if flags[root]:
            count[root] = 0
    for root in range(size):
        node = root if flags[root] and reached[root] == 0 else -1
        while node >= 0:
            if reached[node] == 0:
                clock += 1
                reached[node] = low[node] = clock
            if cursor[node] < starts[node + 1]:
                other = targets[cursor[node]]
                cursor[node] += 1
                if not flags[other] or other == above[node]:
                    continue
                if reached[other] == 0:
                    above[other] = node
                    node = other
                else:
                    low[node] = min(low[node], reached[other])
                continue
            parent = above[node]
            if parent >= 0:
                low[parent] = min(low[parent], low[node])
                if low[node] >= reached[parent]:
                    count[parent] += 1
                count[node] += 1  # the block that it shares with its parent
            node = parent
