"""Hardship: blows that nobody could foresee, and how they spread along close ties.

An illness, an accident, a separation, a relative in need: for weeks money goes elsewhere and a debt is not the first
thing on one's mind. It strikes by chance, and more often where somebody of the household or a close friend is struck.
Kept apart from ``life`` because its causes are other people; the truth of it is written apart.
"""

from __future__ import annotations

import numpy as np

from tallystick.simulation.friendships import FAMILY, FRIEND
from tallystick.simulation.households import PARTNER
from tallystick.simulation.journal import Facts
from tallystick.simulation.money import seconds_between
from tallystick.simulation.people import People
from tallystick.simulation.town import CASH, CATEGORY, MERCHANT, MOBILE, NOBODY, STRANGER, Hardship, Town, cut_to

ILLNESS, ACCIDENT, RELATIVE, SEPARATION = range(4)
BY_CHANCE, BY_TIES = range(2)
HARDSHIP_TRUTH = "hardship_truth"
# A blow a person in five years or so; the shares of its kinds. A separation is counted when a partner leaves.
_STRIKES_MONTHLY = 0.015
_KINDS = np.array([0.5, 0.2, 0.3])
_SEPARATION_HURTS = 0.6
# How much more often it strikes whose household, or each of whose close friends, is in hardship.
_HOUSEHOLD, _FRIENDS, _MOST = 8.0, 2.0, 10.0
_CLOSE_TIES = 4
_PAYS_DAILY = 1 / 6
# How bills of each kind are paid: for care, in cash, by a transfer to somebody.
_BILLS = (("medical", MOBILE, MERCHANT), ("cash", CASH, NOBODY), ("transfer", MOBILE, STRANGER))
_BILL_OF = np.array([[0.6, 0.2, 0.2], [0.3, 0.4, 0.3], [0.0, 0.3, 0.7], [0.0, 0.4, 0.6]])
_FIRST, _LAST = 17 * 3600 + 26 * 60, 17 * 3600 + 29 * 60


def no_hardship(people: People, role: np.ndarray) -> Hardship:
    """Nobody struck yet."""
    count, ties = people.count, people.ties
    owner, weight = np.repeat(np.arange(count), np.diff(ties.start)), np.diff(ties.reach, prepend=0.0)
    may = (ties.other < count) & np.isin(ties.kind, (FAMILY, FRIEND))
    owner, other, weight = owner[may], ties.other[may], weight[may]
    order = np.lexsort((-weight, owner))
    owner, other = owner[order], other[order]
    close = np.arange(len(owner)) - np.searchsorted(owner, owner) < _CLOSE_TIES
    return Hardship(
        level=np.zeros(count),
        until=np.zeros(count, dtype=np.int64),
        kind=np.zeros(count, dtype=np.int64),
        cost=np.zeros(count, dtype=np.int64),
        partner_of=role.copy(),
        owner=owner[close],
        other=other[close],
    )


def strike_a_day(town: Town, day: int) -> None:
    """Let hardship end and strike, each time with a cause."""
    hard, rng = town.hardship, town.rng
    hard.level[hard.until <= day] = 0.0
    luck, pressure = rng.random(town.count), pressure_of(town)
    chance = _STRIKES_MONTHLY / 30
    parted = (hard.partner_of == PARTNER) & (town.homes.role != PARTNER) & (rng.random(town.count) < _SEPARATION_HURTS)
    hard.partner_of = town.homes.role.copy()
    free = (town.people.joined <= day) & (hard.level == 0)
    struck = np.flatnonzero(free & (parted | (luck < chance * (1 + pressure))))
    size = len(struck)
    kind = np.where(parted[struck], SEPARATION, rng.choice(len(_KINDS), size, p=_KINDS))
    cause = np.where(parted[struck] | (luck[struck] < chance), BY_CHANCE, BY_TIES)
    hard.level[struck] = 0.25 + 0.75 * rng.beta(1.6, 1.6, size)
    hard.until[struck] = day + rng.integers(30, 150, size)
    hard.kind[struck] = kind
    hard.cost[struck] = (town.people.income[struck] * hard.level[struck] * np.exp(rng.normal(-0.1, 0.7, size))).astype(
        np.int64
    )
    rows: Facts = {"who": struck, "kind": kind, "cause": cause, "until": hard.until[struck]}
    town.journal.add(HARDSHIP_TRUTH, day, size=size, columns=rows)


def pressure_of(town: Town) -> np.ndarray:
    """How much hardship close to each person adds to the chance of their own: 0 where there is none near."""
    level, home = town.hardship.level, town.homes.number
    at_home = np.bincount(home, weights=level, minlength=town.homes.next)[home] - level
    near = np.bincount(town.hardship.owner, weights=level[town.hardship.other], minlength=town.count)
    pressure: np.ndarray = np.minimum(_HOUSEHOLD * at_home + _FRIENDS * near, _MOST)
    return pressure


def pay_for_hardship(town: Town, day: int) -> None:
    """Bills of those in hardship, as far as there is money: a third of what is left of the cost at a time."""
    rng, hard = town.rng, town.hardship
    who = np.flatnonzero(town.active(day) & (hard.level > 0) & (hard.cost > 0) & (rng.random(town.count) < _PAYS_DAILY))
    bill = cut_to(np.minimum(hard.cost[who] * 0.35 + 20_000, town.balance[who] * 0.6), 1_000)
    hard.cost[who] = np.maximum(hard.cost[who] - bill, 0)
    way = (rng.random(len(who))[:, None] > np.cumsum(_BILL_OF[hard.kind[who]], axis=1)).sum(axis=1)
    way = np.minimum(way, len(_BILLS) - 1)
    second = seconds_between(town, len(who), low=_FIRST, high=_LAST)
    for place, (category, channel, partner_kind) in enumerate(_BILLS):
        mine = (way == place) & (bill > 0)
        facts: Facts = {"category": CATEGORY[category], "channel": channel, "partner_kind": partner_kind}
        partner = np.where(partner_kind == NOBODY, 0, 4_100 + who[mine] % 97)
        town.book(day, who[mine], -bill[mine], second=second[mine], partner=partner, **facts)
