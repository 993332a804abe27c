"""Who knows whom: families, colleagues, flatmates, friends of a neighbourhood or a hobby, people who bank elsewhere.

Kept apart from ``people`` because a tie is between two of them. People befriend their like: of their region and age, of
their hobby, of their workplace. A few friendships cross all of that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

FAMILY, COLLEAGUE, FRIEND, OUTSIDER = 0, 1, 2, 3
OUTSIDERS_EACH = 3
_TIE_WEIGHT = np.array([2.5, 2.0, 1.5, 1.0])
# How far apart in the order of a neighbourhood or of a hobby friends are at most.
_REACH = 9


@dataclass(frozen=True, kw_only=True, slots=True)
class Ties:
    """Who knows whom, by owner: the ties of ``i`` are ``start[i]:start[i + 1]``. Every tie stands on both sides."""

    start: np.ndarray
    other: np.ndarray
    kind: np.ndarray
    reach: np.ndarray  # running sum of the weights, to draw a tie by binary search

    def draw(self, rng: np.random.Generator, who: np.ndarray) -> np.ndarray:
        """One tie (its position) for each person, by weight."""
        low = np.where(self.start[who] > 0, self.reach[self.start[who] - 1], 0.0)
        high = self.reach[self.start[who + 1] - 1]
        place = np.searchsorted(self.reach, low + rng.random(len(who)) * (high - low), side="right")
        return np.clip(place, self.start[who], self.start[who + 1] - 1)


def draw_ties(rng: np.random.Generator, groups: Mapping[str, np.ndarray], *, near: np.ndarray) -> Ties:
    """The ties of a town.

    ``groups`` has for each person the number of the ``family``, ``household``, ``workplace``, ``ring`` (-1: none) and
    ``hobby``; ``near`` is everybody in an order in which neighbours are alike.
    """
    ring, size = groups["ring"], len(near)
    every = np.arange(size)
    alike = np.lexsort((np.argsort(near) + rng.normal(0, 6, size), groups["hobby"]))
    found = [
        (_pairs_of_groups(groups["family"]), FAMILY),
        (_random_pairs_of_groups(rng, groups["workplace"], each=3), COLLEAGUE),
        (_pairs_of_groups(groups["household"]), FRIEND),
        (_pairs_of_groups(np.where(ring >= 0, ring, size + every)), FRIEND),
        (_near_pairs(rng, near), FRIEND),
        (_near_pairs(rng, alike), FRIEND),
        (np.stack([every, rng.integers(0, size, size)])[:, rng.random(size) < 0.4], FRIEND),
        (np.stack([np.tile(every, OUTSIDERS_EACH), size + np.arange(OUTSIDERS_EACH * size)]), OUTSIDER),
    ]
    pairs = np.concatenate([pair for pair, _ in found], axis=1)
    kind = np.concatenate([np.full(pair.shape[1], tie) for pair, tie in found])
    low, high = pairs.min(axis=0), pairs.max(axis=0)
    # Two who are kin or work together are that, whatever else they are: the first kind of a pair counts.
    _, first = np.unique(low * (size * (OUTSIDERS_EACH + 1)) + high, return_index=True)
    first = first[low[first] != high[first]]
    return _both_sides(rng, low[first], high[first], kind=kind[first], size=size)


def _both_sides(rng: np.random.Generator, low: np.ndarray, high: np.ndarray, *, kind: np.ndarray, size: int) -> Ties:
    owner, other = np.concatenate([low, high]), np.concatenate([high, low])
    kind, strength = np.tile(kind, 2), np.tile(rng.gamma(1.5, 1.0, len(low)), 2)
    inside = owner < size
    owner, other, kind, strength = owner[inside], other[inside], kind[inside], strength[inside]
    order = np.lexsort((other, owner))
    reach = np.cumsum(_TIE_WEIGHT[kind[order]] * (0.1 + strength[order]))
    start = np.searchsorted(owner[order], np.arange(size + 1))
    return Ties(start=start, other=other[order], kind=kind[order], reach=reach)


def _near_pairs(rng: np.random.Generator, order: np.ndarray) -> np.ndarray:
    """Everybody paired with somebody a few places further in an order; the last ones with the first."""
    size = len(order)
    return np.stack([order, order[(np.arange(size) + rng.integers(1, _REACH + 1, size)) % size]])


def _pairs_of_groups(group: np.ndarray) -> np.ndarray:
    """Every member of a group paired with the next two of it (groups are small)."""
    order = np.argsort(group, kind="stable")
    pairs = [_same_group(order[:-step], order[step:], group) for step in (1, 2)]
    return np.concatenate(pairs, axis=1)


def _random_pairs_of_groups(rng: np.random.Generator, group: np.ndarray, *, each: int) -> np.ndarray:
    """``each`` times: the members of a group in random order, neighbours paired."""
    pairs = []
    for _ in range(each):
        order = np.lexsort((rng.random(len(group)), group))
        pairs.append(_same_group(order[:-1], order[1:], group))
    return np.concatenate(pairs, axis=1)


def _same_group(left: np.ndarray, right: np.ndarray, group: np.ndarray) -> np.ndarray:
    same = group[left] == group[right]
    return np.stack([left[same], right[same]])
