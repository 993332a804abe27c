"""Who banks here: the people of one town and their traits.

Drawn once for one chunk ("town") of customers: traits are causes that hold from the first day on.

A person is named by a position in the town's arrays (0 .. n-1). Positions from n upwards are outsiders: people whom a
customer calls and writes to but who do not bank here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tallystick.simulation.friendships import Ties, draw_ties
from tallystick.simulation.households import Households, draw_families, draw_households

# Customers who are not there on the first day join over this many days, whatever the length of the run: were it the
# length itself, a longer run would change the past.
JOIN_SPAN_DAYS = 720
REGIONS = 24

# Job: share of customers, monthly income in yuan (median), monthly chance to lose the job, paid by one employer.
JOBS = ("student", "factory", "courier", "office", "self_employed", "public", "retired")
_JOB_SHARES = np.array([0.10, 0.24, 0.14, 0.26, 0.14, 0.09, 0.03])
_JOB_INCOME = np.array([1_800, 5_600, 6_200, 9_000, 8_500, 8_000, 4_500])
JOB_LOSS_MONTHLY = np.array([0.006, 0.027, 0.036, 0.017, 0.022, 0.003, 0.0])
HAS_EMPLOYER = np.array([False, True, True, True, False, True, False])

HOBBIES = (
    "badminton",
    "basketball",
    "cars",
    "cooking",
    "cycling",
    "fishing",
    "gaming",
    "gardening",
    "hiking",
    "music",
    "parenting",
    "pets",
    "photography",
    "reading",
    "running",
    "stocks",
)
# Kinds of a small shop; half of the self-employed keep one.
NO_SHOP = -1
STALL, GROCERY, CLOTHES, SERVICES = range(4)
_SHOP_SHARES = np.array([0.35, 0.30, 0.15, 0.20])
_SELF_EMPLOYED, _KEEPS_SHOP = 4, 0.5
_PAID_ELSEWHERE = 0.4  # of those with an employer
# How many people of one region and like age know each other well enough to be alike.
_CIRCLE = 10


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
    paid_elsewhere: np.ndarray  # the wage goes to another bank
    thrift: np.ndarray  # 0 spends all .. 1 saves much
    will: np.ndarray  # how reliably a due instalment is paid while there is money
    warmth: np.ndarray  # how much someone writes and calls (1 is normal)
    night: np.ndarray  # share of activity at night
    gambler: np.ndarray  # 0 never .. 1 all the time
    ring: np.ndarray  # number of the group that shares one device, -1 for none
    shop: np.ndarray  # kind of the shop, NO_SHOP for none
    trade: np.ndarray  # how often somebody buys there (1 is usual)
    appetite: np.ndarray  # how easily a debt with another lender is taken (1 is usual)
    family: np.ndarray
    hobbies: np.ndarray  # two different ones a person
    ties: Ties

    @property
    def count(self) -> int:
        """How many customers the town has."""
        return len(self.number)


def draw_people(rng: np.random.Generator, count: int, *, first_number: int, start: int) -> tuple[People, Households]:
    """A town of ``count`` customers, numbered from ``first_number``, with their households on the day ``start``."""
    job = rng.choice(len(JOBS), count, p=_JOB_SHARES)
    education = np.clip(rng.normal(1.1, 0.9, count) + 0.6 * (job == 5) + 0.5 * (job == 3), 0, 3.4).astype(np.int64)
    age = np.clip(19 + rng.gamma(2.4, 6.0, count) + 32 * (job == 6), 18, 72)
    age = np.where(job == 0, 18 + 6 * rng.random(count), age)
    homes = draw_households(rng, age)
    family = draw_families(rng, homes)
    # A household lives in one region.
    region = np.minimum((rng.random(count) ** 1.6 * REGIONS).astype(np.int64), REGIONS - 1)[homes.number]
    near = np.lexsort((age + rng.normal(0, 4, count), region))
    boost = np.exp(rng.normal(0, 0.38, count) + 0.12 * (education - 1))
    income = np.round(_JOB_INCOME[job] * boost).astype(np.int64) * 100
    night = np.clip(rng.beta(1.2, 9.0, count), 0.01, 0.7)
    ring = _draw_rings(rng, count)
    gambler = np.where(rng.random(count) < 0.05 + 0.25 * night, rng.beta(2, 3, count), 0.0)
    will = _draw_will(rng, near, homes.number) - 0.25 * gambler - 0.55 * (ring >= 0)
    will = np.clip(will, 0.05, 1.0)
    swagger = np.exp(np.abs(rng.normal(0, 0.10, count)) + 0.5 * (1 - will) * rng.random(count))
    workplace, hobbies = _draw_workplaces(rng, job, region), _draw_hobbies(rng, count)
    groups = {"family": family, "household": homes.number, "workplace": workplace, "ring": ring, "hobby": hobbies[:, 0]}
    people = People(
        number=np.arange(count, dtype=np.int64) + first_number,
        joined=start + _draw_joins(rng, count),
        birth=start - (age * 365.25).astype(np.int64),
        gender=rng.choice(3, count, p=[0.455, 0.542, 0.003]),
        region=region,
        education=education,
        job=job,
        employer=workplace,
        payday=np.array([5, 10, 15, 25])[workplace % 4],
        income=income,
        declared=np.round(income * swagger / 50_000).astype(np.int64) * 50_000,
        paid_elsewhere=HAS_EMPLOYER[job] & (rng.random(count) < _PAID_ELSEWHERE),
        thrift=np.clip(rng.beta(2.2, 2.6, count) - 0.2 * (gambler > 0), 0.02, 1.0),
        will=will,
        warmth=np.exp(rng.normal(-0.25, 0.7, count)),
        night=np.clip(night + 0.25 * gambler, 0, 0.8),
        gambler=gambler,
        ring=ring,
        shop=_draw_shops(rng, job),
        trade=np.exp(rng.normal(0, 0.35, count)),
        appetite=np.exp(rng.normal(-0.3, 0.8, count)),
        family=family,
        hobbies=hobbies,
        ties=draw_ties(rng, groups, near=near),
    )
    return people, homes


def _draw_joins(rng: np.random.Generator, count: int) -> np.ndarray:
    """The day each customer joined, from the first day on: more than half are there before it."""
    before = -rng.integers(1, 900, count)
    later = rng.integers(0, JOIN_SPAN_DAYS, count)
    return np.where(rng.random(count) < 0.58, before, later)


def _draw_will(rng: np.random.Generator, near: np.ndarray, household: np.ndarray) -> np.ndarray:
    """How reliable people are: partly their own nature, partly that of the household and of those around them."""
    count = len(near)
    circle = np.empty(count, dtype=np.int64)
    circle[near] = np.arange(count) // _CIRCLE
    custom = rng.normal(0, 0.13, count // _CIRCLE + 1)
    home = rng.normal(0, 0.10, count)[household]
    will: np.ndarray = 1.14 - rng.beta(1.35, 3.9, count) + custom[circle] + home
    return will


def _draw_rings(rng: np.random.Generator, count: int) -> np.ndarray:
    """Groups of about four customers behind one device: some two in a hundred customers."""
    ring = np.full(count, -1, dtype=np.int64)
    members = rng.permutation(count)[: count // 50]
    ring[members] = np.arange(len(members)) // 4
    return ring


def _draw_workplaces(rng: np.random.Generator, job: np.ndarray, region: np.ndarray) -> np.ndarray:
    """The workplace of each person: some dozen people with the same job, most of one region; others stand alone."""
    size = len(job)
    order = np.lexsort((region + rng.normal(0, 1.0, size), job))
    rank = np.empty(size, dtype=np.int64)
    rank[order] = np.arange(size)
    shared = job * 100_000 + rank // 12
    return np.where(HAS_EMPLOYER[job], shared, 10_000_000 + np.arange(size))


def _draw_shops(rng: np.random.Generator, job: np.ndarray) -> np.ndarray:
    keeps = (job == _SELF_EMPLOYED) & (rng.random(len(job)) < _KEEPS_SHOP)
    return np.where(keeps, rng.choice(len(_SHOP_SHARES), len(job), p=_SHOP_SHARES), NO_SHOP)


def _draw_hobbies(rng: np.random.Generator, count: int) -> np.ndarray:
    """Two hobbies a person; which are common differs from town to town."""
    first = rng.choice(len(HOBBIES), count, p=rng.dirichlet(np.full(len(HOBBIES), 4.0)))
    second = (first + rng.integers(1, len(HOBBIES), count)) % len(HOBBIES)
    return np.stack([first, second], axis=1)
