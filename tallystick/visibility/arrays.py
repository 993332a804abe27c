"""The rule in NumPy, over numbered events and dates as day numbers."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tallystick.visibility import NEVER

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

# Day numbers are 32 bit: the last version of an event ends behind all of them, and events lie further apart than that.
_OPEN = 2**32
_APART = 2**34


def delivery_order(event: Ints, *, known: Ints, loaded: Ints) -> Ints:
    """An index that sorts rows by event and within an event by delivery."""
    return np.lexsort((known, loaded, event))


def has_conflict(event: Ints, *, known: Ints, loaded: Ints) -> bool:
    """Whether two versions of one event came in one load with one ``known_on``; rows in the order of delivery."""
    same = (event[1:] == event[:-1]) & (loaded[1:] == loaded[:-1]) & (known[1:] == known[:-1])
    return bool(same.any())


def version_ends(event: Ints, known: Ints) -> Ints:
    """For each row the first date on which a version delivered after it is known, else NEVER.

    Rows are in the order of delivery.
    """
    until = np.full(event.size, _OPEN, dtype=np.int64)
    if event.size < 2:
        return np.full(event.size, NEVER, dtype=np.int64)
    is_last = np.append(event[1:] != event[:-1], True)
    until[~is_last] = known[1:][~is_last[:-1]]
    # From the last row to the first, each event's dates far below those of the events behind it: then one running
    # minimum serves all events.
    below = np.cumsum(is_last[::-1]) * _APART
    until = (np.minimum.accumulate(until[::-1] - below) + below)[::-1]
    return np.where(until == _OPEN, NEVER, until)
