"""The compiled search for the last row of a key that is visible on a date, with a date of its own for every key.

Kept apart because compiled code takes arrays only.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy.typing as npt

from tallystick.kernel.compiling import array_type, compiler_for

Array = npt.NDArray[Any]

_compiled = compiler_for(__file__)
_INTS, _IDS = array_type(numba.int64), array_type(numba.int32)


@_compiled(
    (
        _INTS,
        numba.types.Tuple((_INTS, _IDS, _IDS)),
        numba.types.Tuple((_IDS, _IDS, _INTS)),
        array_type(numba.int64, is_written=True),
    )
)
def find_last(starts: Array, rows: tuple[Array, ...], asked: tuple[Array, ...], found: Array) -> None:
    """Of each key that is asked for the place of its last visible row, -1 for none and for a key of -1.

    The rows of key ``k`` are those from ``starts[k]`` to before ``starts[k + 1]``: when they happened, and from which
    to before which day each is in force. ``asked`` are keys, days, and the instants at which the days begin.
    """
    at, known, until = rows
    keys, days, instants = asked
    for e in range(found.size):
        found[e] = -1
        if keys[e] >= 0:
            k = starts[keys[e] + 1] - 1
            while k >= starts[keys[e]] and found[e] < 0:
                if known[k] <= days[e] < until[k] and at[k] < instants[e]:
                    found[e] = k
                k -= 1
