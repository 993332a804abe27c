"""Who lives with whom: households drawn once, and people who move in and out of them.

Kept apart from ``people`` because it changes: a household is what holds today, a family is for life. Both are causes of
ties, homes and shared telephones. Only customers are members; who else lives there is not known to the town.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

ALONE, PARTNER, PARENT, CHILD, FLATMATE = range(5)
# Shares of the young and of everybody else by kind of household: alone, a couple, two generations, a shared flat.
_YOUNG = 28
_SHARES = np.array([[0.20, 0.20, 0.30, 0.30], [0.30, 0.42, 0.24, 0.04]])
_COUPLE, _GENERATIONS, _FLAT = 1, 2, 3
_SIZES = {_COUPLE: 2, _GENERATIONS: 3, _FLAT: 3}
# Of those who live alone or in a shared flat, how many have family in the town.
_HAS_KIN = 0.5
# Chances a year: partners part, a child leaves home, a flatmate leaves, somebody alone moves in with somebody alone.
_LEAVES_YEARLY = np.array([0.0, 0.03, 0.0, 0.10, 0.25])
_PAIRS_YEARLY = 0.04


@dataclass(kw_only=True, slots=True)
class Households:
    """The household of each person today, a number, with the person's role in it; ``next`` is the next free number."""

    number: np.ndarray
    role: np.ndarray
    next: int

    def leave(self, who: np.ndarray) -> None:
        """Each of these moves out and lives alone; whoever stays behind alone is alone, too."""
        behind = np.isin(self.number, self.number[who])
        self.number[who] = self.next + np.arange(len(who))
        self.next += len(who)
        self.role[who] = ALONE
        _, place, count = np.unique(self.number, return_inverse=True, return_counts=True)
        self.role[behind & (count[place] == 1)] = ALONE

    def pair(self, left: np.ndarray, right: np.ndarray) -> None:
        """Each of ``right`` moves in with the one of ``left`` at the same place; both become partners."""
        self.number[right] = self.number[left]
        self.role[left] = PARTNER
        self.role[right] = PARTNER


def draw_households(rng: np.random.Generator, age: np.ndarray) -> Households:
    """Households of people of these ages (years): partners are of similar age, generations are not."""
    size = len(age)
    reach = np.cumsum(_SHARES[np.where(age < _YOUNG, 0, 1)], axis=1)
    kind = np.minimum((rng.random(size)[:, None] > reach).sum(axis=1), _FLAT)
    number, role = np.arange(size), np.full(size, ALONE)
    for wanted, each in _SIZES.items():
        pool = np.flatnonzero(kind == wanted)
        spread = 3.0 if wanted == _COUPLE else 1_000.0 if wanted == _FLAT else 0.0
        pool = pool[np.argsort(age[pool] + rng.normal(0, spread, len(pool)), kind="stable")]
        pool = pool[: len(pool) // each * each]
        # Neighbours in the order share a home; of generations the youngest, the middle and the oldest third do.
        groups = pool.reshape(each, -1).T if wanted == _GENERATIONS else pool.reshape(-1, each)
        number[groups] = groups[:, :1]
        role[groups] = {_COUPLE: PARTNER, _GENERATIONS: PARENT, _FLAT: FLATMATE}[wanted]
        if wanted == _GENERATIONS:
            role[groups[:, 0]] = CHILD
    return Households(number=number, role=role, next=size)


def draw_families(rng: np.random.Generator, homes: Households) -> np.ndarray:
    """The family of each person: those of a household of kin, and some who live elsewhere."""
    family = np.where(homes.role == FLATMATE, np.arange(len(homes.role)), homes.number)
    single = np.flatnonzero(np.isin(homes.role, (ALONE, FLATMATE)))
    heads = rng.permutation(np.unique(homes.number[np.isin(homes.role, (PARTNER, PARENT))]))
    joined = rng.permutation(single)[: min(int(len(single) * _HAS_KIN), len(heads))]
    family[joined] = heads[: len(joined)]
    return family


def change_households(rng: np.random.Generator, homes: Households, *, here: np.ndarray, region: np.ndarray) -> None:
    """Let a day's separations and new couples happen among those who are ``here``."""
    draw = rng.random((2, len(here)))
    homes.leave(np.flatnonzero(here & (draw[0] < _LEAVES_YEARLY[homes.role] / 365)))
    alone = np.flatnonzero(here & (homes.role == ALONE) & (draw[1] < _PAIRS_YEARLY / 365))
    others = np.flatnonzero(here & (homes.role == ALONE))
    others = others[~np.isin(others, alone)]
    left, right = [], []
    for one, luck in zip(alone.tolist(), rng.random(len(alone)).tolist(), strict=True):
        near = others[region[others] == region[one]]
        if len(near):
            other = int(near[int(luck * len(near))])
            left.append(other)
            right.append(one)
            others = others[others != other]
    homes.pair(np.array(left, dtype=np.int64), np.array(right, dtype=np.int64))
