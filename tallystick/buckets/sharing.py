"""How many buckets one Spark task takes: starting a task costs as much as a small bucket's work.

Arithmetic on sizes alone, so that a plan can use it without Spark.
"""

from __future__ import annotations

from collections.abc import Sequence

# A share takes of what is left at most this part of a core's: those who end first find small shares at the end.
LEFT_FOR_LATER = 2

# Some seconds of work: starting a task, 40 to 50 ms, is then of no account, and a task that is lost costs little.
MOST_BYTES = 64 * 2**20


def share_out(sizes: Sequence[int], *, cores: int, most_bytes: int = MOST_BYTES) -> list[range]:
    """Cut tasks of these sizes, in their order, into shares of neighbours that ``cores`` take as they become free.

    Guided self-scheduling (Polychronopoulos and Kuck, 1987): each share is about half of what every core would get of
    the tasks that are left, so shares become smaller towards the end, where they even out what went before. A share
    has at least one task, and no second one that would make it larger than ``most_bytes``. Tasks of unknown size (0)
    count as equal.
    """
    weights = [max(size, 1) for size in sizes] if any(sizes) else [1] * len(sizes)
    left = sum(weights)
    shares, start = [], 0
    while start < len(weights):
        wanted, taken = left / (LEFT_FOR_LATER * cores), weights[start]
        stop = start + 1
        while stop < len(weights) and taken + weights[stop] <= min(wanted, most_bytes):
            taken += weights[stop]
            stop += 1
        shares.append(range(start, stop))
        left -= taken
        start = stop
    return shares
