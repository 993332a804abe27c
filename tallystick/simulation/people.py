"""Who banks here: the people of one town, their traits and whom they know.

Drawn once for one chunk ("town") of customers: traits are causes that hold from the first day on.

A person is named by a position in the town's arrays (0 .. n-1). Positions from n upwards are outsiders: people whom a
customer calls and writes to but who do not bank here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# Customers who are not there on the first day join over this many days, whatever the length of the run: were it the
# length itself, a longer run would change the past.
JOIN_SPAN_DAYS = 720
REGIONS = 24
OUTSIDERS_EACH = 3

# Job: share of customers, monthly income in yuan (median), monthly chance to lose the job, paid by one employer.
JOBS = ("student", "factory", "courier", "office", "self_employed", "public", "retired")
_JOB_SHARES = np.array([0.10, 0.24, 0.14, 0.26, 0.14, 0.09, 0.03])
_JOB_INCOME = np.array([1_800, 5_600, 6_200, 9_000, 8_500, 8_000, 4_500])
JOB_LOSS_MONTHLY = np.array([0.006, 0.027, 0.036, 0.017, 0.022, 0.003, 0.0])
HAS_EMPLOYER = np.array([False, True, True, True, False, True, False])

FAMILY, COLLEAGUE, FRIEND, OUTSIDER = 0, 1, 2, 3
_TIE_WEIGHT = np.array([2.5, 2.0, 1.5, 1.0])


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


@dataclass(frozen=True, kw_only=True, slots=True)
class People:
    """The customers of one town; all arrays run over the same positions. Money is in fen, shares are 0..1."""

    number: np.ndarray  # customer number, unique over all towns
    joined: np.ndarray  # day number
    birth: np.ndarray  # day number
    gender: np.ndarray  # 0 female, 1 male, 2 other
    region: np.ndarray
    education: np.ndarray  # 0 school .. 3 master
    job: np.ndarray
    employer: np.ndarray  # workplace of the town
    payday: np.ndarray  # day of the month
    income: np.ndarray  # fen a month, true
    declared: np.ndarray  # fen a month, as told to the bank
    thrift: np.ndarray  # 0 spends all .. 1 saves much
    will: np.ndarray  # how reliably a due instalment is paid while there is money
    warmth: np.ndarray  # how much someone writes and calls (1 is normal)
    night: np.ndarray  # share of activity at night
    gambler: np.ndarray  # 0 never .. 1 all the time
    ring: np.ndarray  # number of the group that shares one device, -1 for none
    family: np.ndarray
    ties: Ties

    @property
    def count(self) -> int:
        """How many customers the town has."""
        return len(self.number)


def draw_people(rng: np.random.Generator, count: int, *, first_number: int, start: int) -> People:
    """A town of ``count`` customers, the first of whom has number ``first_number``; ``start`` is the first day."""
    job = rng.choice(len(JOBS), count, p=_JOB_SHARES)
    education = np.clip(rng.normal(1.1, 0.9, count) + 0.6 * (job == 5) + 0.5 * (job == 3), 0, 3.4).astype(np.int64)
    age = np.clip(19 + rng.gamma(2.4, 6.0, count) + 32 * (job == 6), 18, 72)
    age = np.where(job == 0, 18 + 6 * rng.random(count), age)
    boost = np.exp(rng.normal(0, 0.38, count) + 0.12 * (education - 1))
    income = np.round(_JOB_INCOME[job] * boost).astype(np.int64) * 100
    night = np.clip(rng.beta(1.2, 9.0, count), 0.01, 0.7)
    ring = _draw_rings(rng, count)
    gambler = np.where(rng.random(count) < 0.05 + 0.25 * night, rng.beta(2, 3, count), 0.0)
    will = np.clip(1.10 - rng.beta(1.35, 3.9, count) - 0.25 * gambler - 0.55 * (ring >= 0), 0.05, 1.0)
    swagger = np.exp(np.abs(rng.normal(0, 0.10, count)) + 0.5 * (1 - will) * rng.random(count))
    workplace, family = _draw_workplaces(rng, job), rng.permutation(count) // 3
    return People(
        number=np.arange(count, dtype=np.int64) + first_number,
        joined=start + _draw_joins(rng, count),
        birth=start - (age * 365.25).astype(np.int64),
        gender=rng.choice(3, count, p=[0.455, 0.542, 0.003]),
        region=np.minimum((rng.random(count) ** 1.6 * REGIONS).astype(np.int64), REGIONS - 1),
        education=education,
        job=job,
        employer=workplace,
        payday=np.array([5, 10, 15, 25])[workplace % 4],
        income=income,
        declared=np.round(income * swagger / 50_000).astype(np.int64) * 50_000,
        thrift=np.clip(rng.beta(2.2, 2.6, count) - 0.2 * (gambler > 0), 0.02, 1.0),
        will=will,
        warmth=np.exp(rng.normal(-0.25, 0.7, count)),
        night=np.clip(night + 0.25 * gambler, 0, 0.8),
        gambler=gambler,
        ring=ring,
        family=family,
        ties=_draw_ties(rng, workplace, family, ring),
    )


def _draw_joins(rng: np.random.Generator, count: int) -> np.ndarray:
    """The day each customer joined, from the first day on: more than half are there before it."""
    before = -rng.integers(1, 900, count)
    later = rng.integers(0, JOIN_SPAN_DAYS, count)
    return np.where(rng.random(count) < 0.58, before, later)


def _draw_rings(rng: np.random.Generator, count: int) -> np.ndarray:
    """Groups of about four customers behind one device: some two in a hundred customers."""
    ring = np.full(count, -1, dtype=np.int64)
    members = rng.permutation(count)[: count // 50]
    ring[members] = np.arange(len(members)) // 4
    return ring


def _draw_workplaces(rng: np.random.Generator, job: np.ndarray) -> np.ndarray:
    """The workplace of each person: some dozen people with the same job each; people without one stand alone."""
    size = len(job)
    order = np.lexsort((rng.random(size), job))
    rank = np.empty(size, dtype=np.int64)
    rank[order] = np.arange(size)
    shared = job * 100_000 + rank // 12
    return np.where(HAS_EMPLOYER[job], shared, 10_000_000 + np.arange(size))


def _draw_ties(rng: np.random.Generator, workplace: np.ndarray, family: np.ndarray, ring: np.ndarray) -> Ties:
    """Ties inside families, workplaces and rings, to friends of the town, and to outsiders."""
    size = len(family)
    every = np.arange(size)
    groups = [
        (_pairs_of_groups(family), FAMILY),
        (_random_pairs_of_groups(rng, workplace, each=3), COLLEAGUE),
        (_pairs_of_groups(np.where(ring >= 0, ring, size + every)), FRIEND),
        (np.stack([every, (every + rng.integers(1, 25, size)) % size]), FRIEND),
        (np.stack([every, rng.integers(0, size, size)]), FRIEND),
        (np.stack([np.tile(every, OUTSIDERS_EACH), size + np.arange(OUTSIDERS_EACH * size)]), OUTSIDER),
    ]
    pairs = np.concatenate([pair for pair, _ in groups], axis=1)
    kind = np.concatenate([np.full(pair.shape[1], tie) for pair, tie in groups])
    low, high = pairs.min(axis=0), pairs.max(axis=0)
    _, first = np.unique(low * (size * (OUTSIDERS_EACH + 1)) + high, return_index=True)
    first = first[low[first] != high[first]]
    low, high, kind = low[first], high[first], kind[first]
    owner, other = np.concatenate([low, high]), np.concatenate([high, low])
    kind, strength = np.tile(kind, 2), np.tile(rng.gamma(1.5, 1.0, len(low)), 2)
    inside = owner < size
    owner, other, kind, strength = owner[inside], other[inside], kind[inside], strength[inside]
    order = np.lexsort((other, owner))
    reach = np.cumsum(_TIE_WEIGHT[kind[order]] * (0.1 + strength[order]))
    start = np.searchsorted(owner[order], np.arange(size + 1))
    return Ties(start=start, other=other[order], kind=kind[order], reach=reach)


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
