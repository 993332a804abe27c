"""Who finds a place on a list of limited length, and who keeps one: the arithmetic alone, on arrays.

Kept apart from the rows of the list so that its rule can be read, and tested from its definition, on one page.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Flags = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]


def rank_of(risk: npt.NDArray[np.float64], tie: npt.NDArray[np.str_]) -> Ints:
    """The rank of each, 1 being the riskiest; of equally risky ones the lesser ``tie`` comes first."""
    ranks = np.empty(len(risk), dtype=np.int64)
    ranks[np.lexsort((tie, -risk))] = np.arange(1, len(risk) + 1)
    return ranks


def take_places(
    rank: Ints, is_on: Flags, days_on: Ints, *, places: int, keeps: int, stay_days: int
) -> tuple[Flags, Flags]:
    """Who is on the list now, and who kept the right to stay though there may be no place.

    Whoever is on it keeps the right for ``stay_days``, and after that with a rank of at most ``keeps``.
    Of more than ``places`` with the right, those of the best ranks stay. What is free then goes to the others whose
    rank is at most ``places``, best first: with or without a list before, as many as ``places`` are on it, or all.
    """
    may_stay = is_on & ((days_on < stay_days) | (rank <= keeps))
    stays = may_stay & _is_best(rank, may_stay, places)
    enters = ~stays & (rank <= places)
    return stays | (enters & _is_best(rank, enters, places - int(stays.sum()))), may_stay


def _is_best(rank: Ints, among: Flags, number: int) -> Flags:
    """The ``number`` of best rank among some."""
    best = np.zeros(len(rank), dtype=bool)
    at = np.flatnonzero(among)
    best[at[np.argsort(rank[at], kind="stable")[: max(number, 0)]]] = True
    return best
