"""Which rules are enough: few rules that together find nearly all that all of them find.

Apart from the back-test, which judges each rule as it stands.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tallystick.kernel.nullable import Bools

# Of the rules at most so many, and of what all of them find at least so much.
MOST_RULES = 0.5
LEAST_RECALL = 0.99


@dataclass(frozen=True, kw_only=True, slots=True)
class RuleSubset:
    """Numbers of rules. ``chosen`` in the order in which they were chosen, with the share of the frauds that any rule
    hits which they hit together (``recall``, rising). ``dead`` hit nothing at all. ``redundant`` hit no fraud that the
    chosen ones do not; ``left`` hit some, which was not needed.
    """

    chosen: tuple[int, ...]
    recall: tuple[float, ...]
    dead: tuple[int, ...]
    redundant: tuple[int, ...]
    left: tuple[int, ...]


def choose_subset(
    hits: npt.NDArray[np.bool_], fraud: Bools, *, most: float = MOST_RULES, least: float = LEAST_RECALL
) -> RuleSubset:
    """Choose rules greedily: each time the one that hits most frauds that none of the chosen hits; of several the one
    with the fewest hits. It ends when ``least`` of what all rules find is found, or ``most`` of the rules are chosen.
    """
    caught, counts = hits & fraud, hits.sum(axis=1)
    reachable, left_over = int(caught.any(axis=0).sum()), caught.any(axis=0)
    chosen: list[int] = []
    recall: list[float] = []
    while len(chosen) < int(most * len(hits)) and (not recall or recall[-1] < least):
        gains = (caught & left_over).sum(axis=1)
        best = int(np.lexsort((counts, -gains))[0]) if gains.size else -1
        if best < 0 or not gains[best]:
            break
        chosen.append(best)
        left_over = left_over & ~caught[best]
        recall.append((reachable - int(left_over.sum())) / reachable)
    found = caught[chosen].any(axis=0) if chosen else np.zeros(fraud.size, dtype=bool)
    others = [number for number in range(len(hits)) if number not in chosen]
    dead = tuple(number for number in others if not counts[number])
    redundant = tuple(n for n in others if counts[n] and not (caught[n] & ~found).any())
    left = tuple(number for number in others if number not in (*dead, *redundant))
    return RuleSubset(chosen=tuple(chosen), recall=tuple(recall), dead=dead, redundant=redundant, left=left)
