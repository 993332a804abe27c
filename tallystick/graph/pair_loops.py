"""The compiled loops over pairs of nodes: whether they are tied, whom both are tied to, and how far apart they are.

Kept apart because compiled code takes arrays only. A graph comes as starts and targets of its rows. The shorter row of
a pair is gone through and looked up in the longer one, so a pair costs the size of the shorter row.
"""

from __future__ import annotations

from math import log
from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from tallystick.kernel.compiling import array_type, compiler_for, part

Array = npt.NDArray[Any]
Rows = tuple[Array, Array]
# Of each pair its place and its score, and by count and pair the counts.
Found = tuple[Array, Array, Array]

_compiled = compiler_for(__file__)
_INT, _ID = numba.int64, numba.int32
_INTS, _IDS = array_type(_INT), array_type(_ID)
_IDS_OUT = array_type(_ID, is_written=True)
_ROWS, _PAIRS = numba.types.Tuple((_INTS, _IDS)), numba.types.Tuple((_IDS, _IDS))
_FOUND = numba.types.Tuple(
    (
        array_type(_INT, is_written=True),
        array_type(numba.float64, is_written=True),
        array_type(_ID, 2, is_written=True),
    )
)


@part
def _place(rows: Rows, node: int, other: int) -> int:
    """Where a node's row names another one, -1 where it does not."""
    starts, targets = rows
    low, high = starts[node], starts[node + 1]
    while low < high:
        middle = (low + high) // 2
        if targets[middle] < other:
            low = middle + 1
        else:
            high = middle
    return int(low if low < starts[node + 1] and targets[low] == other else -1)


@part
def _size(starts: Array, node: int) -> int:
    return int(starts[node + 1] - starts[node])


@_compiled((_ROWS, _INT, _IDS_OUT))
def count_plain(rows: Rows, most: int, plain: Array) -> None:
    """Of each node the neighbours that have at most ``most`` neighbours themselves."""
    starts, targets = rows
    for node in range(plain.size):
        plain[node] = 0
        for k in range(starts[node], starts[node + 1]):
            plain[node] += _size(starts, targets[k]) <= most


@part
def _common(rows: Rows, small: int, large: int, most: int) -> tuple[int, int, float]:
    """The common neighbours that are no hubs, those that are, and the sum of 1 / ln(neighbours) of the former."""
    starts, targets = rows
    common, hubs, score = 0, 0, 0.0
    for k in range(starts[small], starts[small + 1]):
        if _place(rows, large, targets[k]) >= 0:
            size = _size(starts, targets[k])
            if size > most:
                hubs += 1
            else:
                common += 1
                score += 1.0 / log(np.float64(size))
    return common, hubs, score


@part
def _is_three_apart(rows: Rows, small: int, large: int, most: int) -> bool:
    """Whether a neighbour of the one is tied to a neighbour of the other, both with at most ``most`` neighbours."""
    starts, targets = rows
    for k in range(starts[small], starts[small + 1]):
        middle = targets[k]
        if _size(starts, middle) <= most:
            for e in range(starts[middle], starts[middle + 1]):
                last = targets[e]
                if _size(starts, last) <= most and _place(rows, large, last) >= 0:
                    return True
    return False


@_compiled((_ROWS, _PAIRS, _INT, _IDS, _FOUND))
def measure_pairs(rows: Rows, pairs: Rows, most: int, plain: Array, found: Found) -> None:
    """Of each pair the place of the tie in the first one's row (-1: not tied) and the score of Adamic and Adar; by row
    of the counts the common neighbours, those of either, the common hubs, the distance (0: further than three, or not
    searched), and 1 where the third step was not searched. A node below 0 has no neighbours.
    """
    starts = rows[0]
    places, scores, counts = found
    for e in range(places.size):
        one, other = pairs[0][e], pairs[1][e]
        places[e], scores[e], counts[:, e] = -1, 0.0, 0
        if one < 0 or other < 0:
            counts[1, e] = plain[max(one, other)] if max(one, other) >= 0 else 0
        elif one != other:
            places[e] = _place(rows, one, other)
            is_first = _size(starts, one) <= _size(starts, other)
            small, large = (one, other) if is_first else (other, one)
            counts[0, e], counts[2, e], scores[e] = _common(rows, small, large, most)
            counts[1, e] = plain[one] + plain[other] - counts[0, e]
            if places[e] >= 0:
                counts[1, e] -= (_size(starts, one) <= most) + (_size(starts, other) <= most)
                counts[3, e] = 1
            elif counts[0, e]:
                counts[3, e] = 2
            elif _size(starts, small) > most:
                counts[4, e] = 1
            elif _is_three_apart(rows, small, large, most):
                counts[3, e] = 3
