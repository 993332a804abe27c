"""Customers arrive: accounts, holders, cards, standing orders, first money, and the ties that the bank learns of.

Kept apart from the daily steps because it happens once in a customer's life.
"""

from __future__ import annotations

import numpy as np

from tallystick.simulation.friendships import FRIEND
from tallystick.simulation.hardship import no_hardship
from tallystick.simulation.journal import Facts, Journal
from tallystick.simulation.life import record_facts
from tallystick.simulation.other_lenders import draw_debts
from tallystick.simulation.people import People, draw_people
from tallystick.simulation.town import (
    ADDRESS,
    CATEGORY,
    DEVICE,
    MOBILE,
    NEVER,
    STRANGER,
    Loans,
    Marks,
    Orders,
    Town,
    cut_to,
    draw_factors,
)

OWNER, AUTHORISED = 1, 2
_OPENING_HOURS = (8 * 3600, 17 * 3600)


def found_town(rng: np.random.Generator, count: int, *, first_number: int, start: int) -> Town:
    """A town on the eve of the first day, with everything that those who joined before it brought."""
    people, homes = draw_people(rng, count, first_number=first_number, start=start)
    saver = (rng.random(count) < 0.75 * people.thrift) & (people.thrift > 0.25)
    main = people.income * people.thrift * np.exp(rng.normal(0.1, 0.6, count))
    aside = np.where(saver, people.income * people.thrift * np.exp(rng.normal(0.3, 0.9, count)), 0)
    town = Town(
        first_day=start,
        people=people,
        rng=rng,
        journal=Journal(),
        balance=np.concatenate([main, aside]).astype(np.int64) * (np.tile(people.joined, 2) < start),
        elsewhere=np.where(people.paid_elsewhere, people.income * rng.exponential(0.5, count), 0).astype(np.int64),
        has_savings=saver,
        homes=homes,
        region=people.region.copy(),
        pay=people.income.copy(),
        idle_since=np.full(count, NEVER),
        told_idle=np.zeros(count, dtype=bool),
        urge=people.gambler * 0.6 * rng.random(count),
        stress=0.2 * rng.random(count),
        hardship=no_hardship(people, homes.role),
        debts=draw_debts(rng, people),
        loans=Loans(),
        orders=_draw_orders(rng, people),
        marks=Marks.none(count),
    )
    idle = np.flatnonzero(rng.random(count) < 0.04)
    town.idle_since[idle] = start - rng.integers(1, 120, len(idle))
    _welcome(town, np.flatnonzero(people.joined < start))
    return town


def _draw_orders(rng: np.random.Generator, people: People) -> Orders:
    """Rent for most, utilities, an insurance for some: what a customer set up when joining."""
    kinds = (("household", 0.58, 0.20), ("utilities", 0.75, 0.025), ("insurance", 0.28, 0.018))
    parts = []
    for category, chance, share in kinds:
        who = np.flatnonzero(rng.random(people.count) < chance * (0.7 + 0.5 * people.thrift))
        amount = cut_to(people.income[who] * share * draw_factors(rng, len(who), 0.25), 100) + 100
        parts.append((who, np.full(len(who), CATEGORY[category]), amount, rng.integers(1, 28, len(who))))
    who, category_codes, amount, day_of_month = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Orders(who=who, category=category_codes, amount=amount, day_of_month=day_of_month)


def welcome_a_day(town: Town, day: int) -> None:
    """Open the accounts of those who join today, with a first deposit an hour later."""
    who = np.flatnonzero(town.people.joined == day)
    if len(who) == 0:
        return
    second = _welcome(town, who)
    income, thrift = town.people.income[who], town.people.thrift[who]
    amount = cut_to(income * thrift * draw_factors(town.rng, len(who), 0.5), 10_000) + 10_000
    facts: Facts = {
        "category": CATEGORY["transfer"],
        "channel": MOBILE,
        "partner_kind": STRANGER,
        "partner": who + 50_000,
    }
    town.book(day, who, amount, second=second + 3_600, **facts)


def _welcome(town: Town, who: np.ndarray) -> np.ndarray:
    """Write the facts, accounts, holders, cards and orders of these people; returns when each came (second)."""
    people, rng = town.people, town.rng
    day, second = people.joined[who], rng.integers(*_OPENING_HOURS, len(who))
    record_facts(town, day, who=who, second=second)
    saver = town.has_savings[who]
    owner = np.concatenate([who, who[saver]])
    account = np.concatenate([who, who[saver] + town.count])
    opened = np.concatenate([day, day[saver]])
    clock = np.concatenate([second + 60, second[saver] + 120])
    accounts = {
        "who": owner,
        "account": account,
        "region": town.region[owner],
        "second": clock,
        "cycle": owner % 10 // 8,
    }
    town.journal.add("accounts", opened, size=len(owner), columns=accounts)
    holders: Facts = {"who": owner, "account": account, "holder": owner, "role": OWNER, "second": clock}
    town.journal.add("holders", opened, size=len(owner), columns=holders)
    _authorise(town, who, day, second)
    card = rng.random(len(who)) < 0.72
    kind = np.where(people.income[who] > 900_000, 1, 0) + (people.income[who] > 1_800_000)
    cards = {"who": who[card], "kind": kind[card], "second": second[card] + 1_800}
    town.journal.add("cards", day[card], size=int(card.sum()), columns=cards)
    mine = np.flatnonzero(np.isin(town.orders.who, who))
    position = np.searchsorted(who, town.orders.who[mine])
    rows = {"order": mine, "who": town.orders.who[mine], "second": second[position] + 2_400}
    rows |= {"category": town.orders.category[mine], "amount": town.orders.amount[mine]}
    town.journal.add("orders", day[position], size=len(mine), columns=rows)
    return second


def _authorise(town: Town, who: np.ndarray, day: np.ndarray, second: np.ndarray) -> None:
    """One in twelve lets a second person of the family use the account, if that person is already a customer."""
    people, n = town.people, town.count
    partner = np.argsort(people.family, kind="stable")
    place = np.empty(n, dtype=np.int64)
    place[partner] = np.arange(n)
    other = partner[(place[who] + 1) % n]
    same = (people.family[other] == people.family[who]) & (people.joined[other] < day)
    chosen = same & (town.rng.random(len(who)) < 0.12)
    rows: Facts = {"who": who[chosen], "account": who[chosen], "holder": other[chosen], "role": AUTHORISED}
    town.journal.add("holders", day[chosen], size=int(chosen.sum()), columns={**rows, "second": second[chosen] + 900})


def draw_relations(town: Town) -> dict[str, np.ndarray]:
    """Ties that the bank comes to know (address book, employer, device, address), each with the day it does."""
    people, ties, rng, n = town.people, town.people.ties, town.rng, town.count
    owner = np.repeat(np.arange(n), np.diff(ties.start))
    once = (ties.other < n) & (owner < ties.other) & (rng.random(len(owner)) < 0.65)
    low, high, kind = owner[once], ties.other[once], ties.kind[once]
    homes = town.homes.number
    same_home = (homes[low] == homes[high]) & (rng.random(len(low)) < 0.5)
    same_ring = (people.ring[low] >= 0) & (people.ring[low] == people.ring[high]) & (kind == FRIEND)
    same_device = same_ring | ((people.family[low] == people.family[high]) & (rng.random(len(low)) < 0.12))
    who = np.concatenate([low, low[same_home], low[same_device]])
    other = np.concatenate([high, high[same_home], high[same_device]])
    extra = np.repeat([ADDRESS, DEVICE], [same_home.sum(), same_device.sum()])
    day = np.maximum(people.joined[who], people.joined[other]) + 1 + rng.geometric(0.03, len(who))
    return {
        "who": who,
        "other": other,
        "kind": np.concatenate([kind, extra]),
        "day": day,
        "second": rng.integers(8 * 3600, 22 * 3600, len(who)),
    }


def reveal_relations(town: Town, relations: dict[str, np.ndarray], chosen: np.ndarray) -> None:
    """Write the chosen ones of the relations."""
    rows = {name: column[chosen] for name, column in relations.items() if name != "day"}
    town.journal.add("relations", relations["day"][chosen], size=int(chosen.sum()), columns=rows)
