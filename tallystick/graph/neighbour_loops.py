"""The compiled loops over the neighbours of each node and over their neighbours.

Kept apart because compiled code takes arrays only. Nodes at two steps are collected in a small hash table for one node
after the other: pairs at two steps never exist all at once, and the table of a usual node stays in the fastest cache.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from tallystick.kernel.compiling import array_type, compiler_for, part

Array = npt.NDArray[Any]
Rows = tuple[Array, Array, Array]
# Of each node the number of others, and by column and node: those with a value, their sum, maximum, weighted mean.
Results = tuple[Array, Array, Array, Array, Array]

_compiled = compiler_for(__file__)
_INT, _ID, _DOUBLE, _BOOL = numba.int64, numba.int32, numba.float64, numba.boolean
_INTS, _IDS, _BOOLS = array_type(_INT), array_type(_ID), array_type(_BOOL)
_IDS_OUT, _DOUBLES_OUT = array_type(_ID, is_written=True), array_type(_DOUBLE, is_written=True)
_ROWS = numba.types.Tuple((_INTS, _IDS, array_type(numba.float32)))
_PLANES = array_type(_DOUBLE, 2, is_written=True)
_RESULTS = numba.types.Tuple((_IDS_OUT, array_type(_ID, 2, is_written=True), _PLANES, _PLANES, _PLANES))
_VALUES = array_type(_DOUBLE, 2)

_EMPTY, _NEAR = np.int32(-1), np.float64(-1.0)
_SPREAD, _LOW = np.uint64(2654435761), np.uint64(2**32 - 1)  # Knuth's multiplier spreads neighbouring numbers


@part
def _summarise(values: Array, ids: Array, weights: Array, held: Array, results: Results, node: int) -> None:
    """Write what the nodes ``ids`` have, column by column.

    All values are fetched before any is looked at: fetches that wait for memory then overlap, while a branch on a value
    that is not there yet would hold up the next ones.
    """
    for c in range(values.shape[1]):
        for e in range(ids.size):
            held[e] = values[ids[e], c]
        known, total, most, flow, weight = 0, 0.0, -np.inf, 0.0, 0.0
        for e in range(ids.size):
            value = held[e]
            is_known = value == value
            known += is_known
            total += value if is_known else 0.0
            most = value if value > most else most
            flow += weights[e] * value if is_known else 0.0
            weight += np.float64(weights[e]) if is_known else 0.0
        results[1][c, node], results[2][c, node] = known, total
        results[3][c, node] = most if known else np.nan
        results[4][c, node] = flow / weight if weight > 0.0 else np.nan


@_compiled((_ROWS, _VALUES, _RESULTS))
def sum_neighbours(rows: Rows, values: Array, results: Results) -> None:
    """What the neighbours of each node have; ``values`` by node and column, NaN is no value."""
    starts, targets, weights = rows
    longest = 0
    for node in range(starts.size - 1):
        longest = max(longest, starts[node + 1] - starts[node])
    held = np.empty(longest)
    for node in range(starts.size - 1):
        begin, end = starts[node], starts[node + 1]
        results[0][node] = end - begin
        _summarise(values, targets[begin:end], weights[begin:end], held, results, node)


@part
def _find(table: Array, bits: int, node: int) -> int:
    """The place of a node in the first ``2 ** bits`` places of the table, or the empty one where it belongs."""
    at = np.int64(((np.uint64(node) * _SPREAD) & _LOW) >> np.uint64(32 - bits))
    last = (np.int64(1) << bits) - 1
    while table[at] != _EMPTY and table[at] != node:
        at = (at + 1) & last
    return int(at)


@part
def _bits_for(count: int) -> int:
    """A table of so many bits is at most half full with ``count`` nodes."""
    bits = 4
    while (np.int64(1) << bits) < 2 * count:
        bits += 1
    return bits


@part
def _most_at_two(rows: Rows, node: int) -> int:
    """A bound of the nodes within two steps: all paths."""
    starts, targets, _ = rows
    paths = 1 + starts[node + 1] - starts[node]
    for k in range(starts[node], starts[node + 1]):
        paths += starts[targets[k] + 1] - starts[targets[k]]
    return int(min(paths, starts.size - 1))


@part
def _collect(rows: Rows, node: int, table: Array, bits: int, path: Array, used: Array) -> int:
    """Fill the table with all nodes within two steps; returns how many. ``path`` is the weight of all paths of two
    steps, or ``_NEAR`` for the node and its neighbours, which come first in ``used``.
    """
    starts, targets, weights = rows
    at = _find(table, bits, node)
    table[at], path[at], used[0], count = node, _NEAR, at, 1
    for k in range(starts[node], starts[node + 1]):
        at = _find(table, bits, targets[k])
        table[at], path[at], used[count] = targets[k], _NEAR, at
        count += 1
    for k in range(starts[node], starts[node + 1]):
        weight = np.float64(weights[k])
        for e in range(starts[targets[k]], starts[targets[k] + 1]):
            at = _find(table, bits, targets[e])
            if table[at] == _EMPTY:
                table[at], path[at], used[count] = targets[e], weight * weights[e], at
                count += 1
            elif path[at] >= 0.0:
                path[at] += weight * weights[e]
    return count


@_compiled((_ROWS, _VALUES, _RESULTS))
def sum_two_steps(rows: Rows, values: Array, results: Results) -> None:
    """What the nodes at exactly two steps have, each counted once."""
    starts = rows[0]
    room = 0
    table, used, ids = np.empty(0, dtype=np.int32), np.empty(0, dtype=np.int32), np.empty(0, dtype=np.int32)
    path, far, held = np.empty(0), np.empty(0), np.empty(0)
    for node in range(starts.size - 1):
        bits = _bits_for(_most_at_two(rows, node))
        if bits > room:
            room = bits
            table = np.full(1 << room, _EMPTY, dtype=np.int32)
            used, ids = np.empty(1 << room, dtype=np.int32), np.empty(1 << room, dtype=np.int32)
            path, far, held = np.empty(1 << room), np.empty(1 << room), np.empty(1 << room)
        near = 1 + starts[node + 1] - starts[node]
        count = _collect(rows, node, table, bits, path, used)
        for e in range(near, count):
            ids[e - near], far[e - near] = table[used[e]], path[used[e]]
        for e in range(count):
            table[used[e]] = _EMPTY
        results[0][node] = count - near
        _summarise(values, ids[: count - near], far[: count - near], held, results, node)


@_compiled((_INTS, _IDS, _BOOLS, _IDS_OUT, array_type(numba.int8, is_written=True)))
def find_flags(starts: Array, targets: Array, flags: Array, count: Array, distance: Array) -> None:
    """The flagged neighbours of each node, and the steps to the next flagged node that is not itself: 1, 2 or 0."""
    for node in range(count.size):
        count[node] = 0
        for k in range(starts[node], starts[node + 1]):
            count[node] += flags[targets[k]]
    for node in range(count.size):
        distance[node] = count[node] > 0
        k = starts[node]
        while distance[node] == 0 and k < starts[node + 1]:
            if count[targets[k]] > 0 and not flags[node]:
                distance[node] = 2
            elif count[targets[k]] > 0:
                for e in range(starts[targets[k]], starts[targets[k] + 1]):
                    if targets[e] != node and flags[targets[e]]:
                        distance[node] = 2
            k += 1


@part
def _has(starts: Array, targets: Array, node: int, other: int) -> bool:
    low, high = starts[node], starts[node + 1]
    while low < high:
        middle = (low + high) // 2
        if targets[middle] < other:
            low = middle + 1
        else:
            high = middle
    return bool(low < starts[node + 1] and targets[low] == other)


@_compiled((_INTS, _IDS, _BOOLS, _IDS_OUT, array_type(_INT, is_written=True)))
def count_links(starts: Array, targets: Array, among: Array, members: Array, links: Array) -> None:
    """Of each node the neighbours that are ``among`` (no elements: all), and how many pairs of them are tied: at least
    one stands in the row of the other.
    """
    room = 10
    table = np.full(1 << room, _EMPTY, dtype=np.int32)
    for node in range(members.size):
        begin, end = starts[node], starts[node + 1]
        members[node] = links[node] = 0
        bits = _bits_for(end - begin)
        if bits > room:
            room = bits
            table = np.full(1 << room, _EMPTY, dtype=np.int32)
        for k in range(begin, end):
            if among.size == 0 or among[targets[k]]:
                table[_find(table, bits, targets[k])] = targets[k]
                members[node] += 1
        if members[node] == 0:
            continue
        for k in range(begin, end):
            one = targets[k]
            if members[node] == 1 or (among.size and not among[one]):
                continue
            for e in range(starts[one], starts[one + 1]):
                other = targets[e]
                if table[_find(table, bits, other)] == other:
                    # A pair that stands in both rows counts in that of the smaller number.
                    links[node] += one < other or not _has(starts, targets, other, one)
        table[: np.int64(1) << bits] = _EMPTY


@_compiled(
    (
        _INTS,
        numba.types.Tuple((_IDS, _IDS, array_type(numba.uint8))),
        _INT,
        array_type(_ID, 2, is_written=True),
        _PLANES,
    )
)
def measure_rows(starts: Array, columns: tuple[Array, ...], day: int, counts: Array, ages: Array) -> None:
    """Ties that go out, come in and go both ways; the mean and the least age, and the days since any was seen."""
    first, last, ways = columns
    for node in range(starts.size - 1):
        out, into, both = 0, 0, 0
        total, youngest, latest = 0, np.int64(2**62), np.int64(2**62)
        for k in range(starts[node], starts[node + 1]):
            out += ways[k] & 1
            into += ways[k] >> 1
            both += ways[k] == 3
            if first.size:
                age = day - first[k]
                total += age
                youngest = min(youngest, age)
            if last.size:
                latest = min(latest, day - last[k])
        counts[0, node], counts[1, node], counts[2, node] = out, into, both
        size = starts[node + 1] - starts[node]
        ages[0, node] = total / size if size and first.size else np.nan
        ages[1, node] = youngest if size and first.size else np.nan
        ages[2, node] = latest if size and last.size else np.nan
