"""The compiled loops that make rows of neighbours out of ties: count, place, sort, unite, cut.

Kept apart because compiled code takes arrays only. A column that a graph lacks is an array without elements. No tuple
of arrays is passed on for each tie: Numba counts references of its arrays then, which takes ten times the work itself.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from tallystick.kernel.compiling import array_type, compiler_for, part

Array = npt.NDArray[Any]
# Of each tie: weight, first and last day, and which ways it goes.
Columns = tuple[Array, ...]

_compiled = compiler_for(__file__)
_INT, _ID, _REAL, _WAY = numba.int64, numba.int32, numba.float32, numba.uint8
_INTS, _IDS = array_type(_INT), array_type(_ID)
_INTS_OUT, _IDS_OUT = array_type(_INT, is_written=True), array_type(_ID, is_written=True)
_COLUMNS = numba.types.Tuple((array_type(_REAL), _IDS, _IDS, array_type(_WAY)))
_COLUMNS_OUT = numba.types.Tuple(
    (array_type(_REAL, is_written=True), _IDS_OUT, _IDS_OUT, array_type(_WAY, is_written=True))
)

_OUT, _IN = np.uint8(1), np.uint8(2)
_PLACE = np.int64(2**32)
# Up to here insertion is faster than Numba's quicksort, whose call alone takes as long as sorting a dozen.
_SHORT = 48


@_compiled((_IDS, _IDS, _INTS_OUT))
def count_ties(source: Array, target: Array, starts: Array) -> None:
    """Where each node's row starts if every tie but loops stands in the row of its source. ``starts`` comes as zeros,
    one more than nodes.
    """
    for k in range(source.size):
        if source[k] != target[k]:
            starts[source[k] + 1] += 1
    for node in range(starts.size - 1):
        starts[node + 1] += starts[node]


@_compiled((_IDS, _INTS, _INTS_OUT))
def count_both(targets: Array, starts: Array, both: Array) -> None:
    """The same if every tie stands in the rows of both its ends."""
    for node in range(starts.size - 1):
        both[node + 1] += starts[node + 1] - starts[node]
        for k in range(starts[node], starts[node + 1]):
            both[targets[k] + 1] += 1
    for node in range(both.size - 1):
        both[node + 1] += both[node]


@_compiled((numba.types.Tuple((_IDS, _IDS)), _COLUMNS, _INTS_OUT, _IDS_OUT, _COLUMNS_OUT))
def place_ties(ends: tuple[Array, Array], columns: Columns, cursor: Array, targets: Array, made: Columns) -> None:
    """Each tie but loops into the row of its source, in their order. ``cursor`` starts as ``starts``."""
    source, target = ends
    for k in range(source.size):
        if source[k] == target[k]:
            continue
        to = cursor[source[k]]
        cursor[source[k]] += 1
        targets[to] = target[k]
        made[0][to] = 1.0 if columns[0].size == 0 else columns[0][k]
        if made[1].size:
            made[1][to] = columns[1][k]
        if made[2].size:
            made[2][to] = columns[2][k]


@_compiled((numba.types.Tuple((_INTS, _IDS)), _COLUMNS, _INTS_OUT, _IDS_OUT, _COLUMNS_OUT))
def place_both(rows: tuple[Array, Array], columns: Columns, cursor: Array, targets: Array, made: Columns) -> None:
    """Each tie into the rows of both its ends, with the way it goes from there."""
    starts, ends = rows
    weights, first, last, ways = made
    for node in range(starts.size - 1):
        for k in range(starts[node], starts[node + 1]):
            for way in (_OUT, _IN):
                one, other = (node, ends[k]) if way == _OUT else (ends[k], node)
                to = cursor[one]
                cursor[one] += 1
                targets[to], weights[to], ways[to] = other, columns[0][k], way
                if first.size:
                    first[to] = columns[1][k]
                if last.size:
                    last[to] = columns[2][k]


@part
def _sort_row(targets: Array, begin: int, end: int, keys: Array) -> None:
    """Target and place in the row, by target. Most rows are short: they are sorted as they are read."""
    size = end - begin
    for k in range(size):
        key = targets[begin + k] * _PLACE + k
        at = k
        while size <= _SHORT and at > 0 and keys[at - 1] > key:
            keys[at] = keys[at - 1]
            at -= 1
        keys[at] = key
    if size > _SHORT:
        keys[:size].sort()


@part
def _add_up(kept: Array, keys: Array, begin: int, end: int) -> float:
    if end - begin == 1:
        return np.float64(kept[keys[begin] % _PLACE])
    if end - begin == 2:
        return np.float64(kept[keys[begin] % _PLACE]) + np.float64(kept[keys[begin + 1] % _PLACE])
    run = np.empty(end - begin, dtype=np.float64)
    for e in range(begin, end):
        run[e - begin] = kept[keys[e] % _PLACE]
    run.sort()
    total = 0.0
    for e in range(run.size):
        total += run[e]
    return total


@_compiled((_INTS_OUT, _IDS_OUT, _COLUMNS_OUT), gives=_INT)
def merge_rows(starts: Array, targets: Array, columns: Columns) -> int:
    """Sort each row by target and make parallel ties one, in place; returns how many are left.

    Weights are added in double precision and in ascending order, so that the order of ties does not matter.
    """
    weights, first, last, ways = columns
    longest = 0
    for node in range(starts.size - 1):
        longest = max(longest, starts[node + 1] - starts[node])
    keys = np.empty(longest, dtype=np.int64)
    kept = np.empty(longest, dtype=np.float32)
    days = np.empty((2, longest), dtype=np.int32)
    went = np.empty(longest, dtype=np.uint8)
    made, begin = 0, starts[0]
    for node in range(starts.size - 1):
        end = starts[node + 1]
        size = end - begin
        starts[node] = made
        _sort_row(targets, begin, end, keys)
        for k in range(size):
            kept[k] = weights[begin + k]
            if first.size:
                days[0, k] = first[begin + k]
            if last.size:
                days[1, k] = last[begin + k]
            if ways.size:
                went[k] = ways[begin + k]
        k = 0
        while k < size:
            other, run = keys[k] // _PLACE, k + 1
            while run < size and keys[run] // _PLACE == other:
                run += 1
            targets[made] = other
            weights[made] = _add_up(kept, keys, k, run)
            for e in range(k, run):
                at = keys[e] % _PLACE
                if first.size:
                    first[made] = days[0, at] if e == k else min(first[made], days[0, at])
                if last.size:
                    last[made] = days[1, at] if e == k else max(last[made], days[1, at])
                if ways.size:
                    ways[made] = went[at] if e == k else ways[made] | went[at]
            made += 1
            k = run
        begin = end
    starts[-1] = made
    return made


@part
def _choose(columns: Columns, begin: int, size: int, most: int, is_by_day: bool, order: Array) -> None:
    """Mark in ``order[2]`` the ``most`` first of a row."""
    weights, _, last, _ = columns
    for k in range(size):
        # The bits of floats from 0 on are ordered as the floats are; adding 0 takes the sign off a 0.
        heavy = np.int64(np.float32(weights[begin + k] + np.float32(0.0)).view(np.int32))
        late = np.int64(last[begin + k]) if last.size else np.int64(0)
        order[0, k], order[1, k] = (late, heavy) if is_by_day else (heavy, late)
    scratch = order[0, :size].copy()
    scratch.sort()
    bound = scratch[size - most]
    above, equal = 0, 0
    for k in range(size):
        above += order[0, k] > bound
        if order[0, k] == bound:
            scratch[equal] = order[1, k]
            equal += 1
    room = most - above
    seconds = scratch[:equal].copy()
    seconds.sort()
    second = seconds[equal - room]
    for e in range(equal):
        room -= seconds[e] > second
    for k in range(size):
        order[2, k] = order[0, k] > bound or (order[0, k] == bound and order[1, k] > second)
        if order[0, k] == bound and order[1, k] == second and room > 0:
            order[2, k] = 1
            room -= 1


@_compiled((numba.types.Tuple((_INTS, _IDS)), _COLUMNS, numba.boolean, _INTS, _IDS_OUT, _COLUMNS_OUT))
def cut_rows(
    rows: tuple[Array, Array], columns: Columns, is_by_day: bool, cut: Array, targets: Array, made: Columns
) -> None:
    """Of each row as many ties as the row of ``cut`` (starts) has room for: those first by weight and then by last day,
    or the other way round; of equal ones those with the smaller target.
    """
    starts, ends = rows
    weights, first, last, ways = made
    longest = 0
    for node in range(starts.size - 1):
        longest = max(longest, starts[node + 1] - starts[node])
    order = np.empty((3, longest), dtype=np.int64)
    for node in range(starts.size - 1):
        begin, size, most = starts[node], starts[node + 1] - starts[node], cut[node + 1] - cut[node]
        if size > most:
            _choose(columns, begin, size, most, is_by_day, order)
        to = cut[node]
        for k in range(size):
            if size <= most or order[2, k]:
                targets[to], weights[to] = ends[begin + k], columns[0][begin + k]
                if first.size:
                    first[to] = columns[1][begin + k]
                if last.size:
                    last[to] = columns[2][begin + k]
                if ways.size:
                    ways[to] = columns[3][begin + k]
                to += 1
