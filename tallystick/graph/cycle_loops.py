"""The compiled search for cycles of payments in the order of time.

Kept apart because compiled code takes arrays only.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from tallystick.kernel.compiling import array_type, compiler_for, part

Array = npt.NDArray[Any]

_compiled = compiler_for(__file__)
_INTS, _IDS = array_type(numba.int64), array_type(numba.int32)
_PAYMENTS = numba.types.Tuple((_INTS, _IDS, _INTS))
_FOUND = numba.types.Tuple(
    tuple(array_type(kind, is_written=True) for kind in (numba.int8, numba.int64, numba.boolean))
)


@part
def _first_after(at: Array, low: int, high: int, moment: int) -> int:
    while low < high:
        middle = (low + high) // 2
        if at[middle] <= moment:
            low = middle + 1
        else:
            high = middle
    return low


@part
def _is_on(path: Array, depth: int, node: int) -> bool:
    step = 0
    while step <= depth and path[step] != node:
        step += 1
    return step <= depth


@part
def _mark(path: Array, depth: int, moment: int, found: tuple[Array, ...]) -> None:
    length, last_at, _ = found
    for step in range(depth + 1):
        node = path[step]
        last_at[node] = max(last_at[node], moment) if length[node] else moment
        length[node] = min(length[node], depth + 1) if length[node] else depth + 1


@_compiled((_PAYMENTS, _INTS, _INTS, _FOUND))
def walk_cycles(payments: tuple[Array, Array, Array], last_in: Array, limits: Array, found: tuple[Array, ...]) -> None:
    """Search from every payment as the first of a cycle.

    ``payments`` are the start of each payer's rows, and receiver and moment of each payment in order of payer and
    moment. ``last_in`` is when each node was paid for the last time. ``limits`` are the least and the most payments of
    a cycle, the most time from its first to its last one, and the payments looked at from each first one.
    """
    starts, target, at = payments
    least, most, span, steps = limits
    path, cursor = np.empty(most + 1, dtype=np.int64), np.empty(most + 1, dtype=np.int64)
    for root in range(starts.size - 1):
        path[0] = root
        for begin in range(starts[root], starts[root + 1]):
            end, left, depth = min(at[begin] + span, last_in[root]), steps, 1
            if target[begin] == root or end <= at[begin]:
                continue
            path[1] = target[begin]
            cursor[1] = _first_after(at, starts[path[1]], starts[path[1] + 1], at[begin])
            while depth:
                k = cursor[depth]
                if k >= starts[path[depth] + 1] or at[k] > end:
                    depth -= 1
                    continue
                if left == 0:
                    found[2][root] = True
                    break
                left -= 1
                cursor[depth] += 1
                node = target[k]
                if node == root and depth + 1 >= least:
                    _mark(path, depth, at[k], found)
                elif depth + 1 < most and not _is_on(path, depth, node):
                    depth += 1
                    path[depth] = node
                    cursor[depth] = _first_after(at, starts[node], starts[node + 1], at[k])
