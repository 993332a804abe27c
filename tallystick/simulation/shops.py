"""Small shops of self-employed customers: takings from many payers, supplies, cash, and the household on one account.

A look-alike: many small sums from distinct people come in and most of them go out again, as on the account of a
mule. Kept apart from ``money``, the usual day of everybody. Takings and supplies are by the hours of a shop: its owner
shops privately in the evening, so that on each account the order of booking is the order of time.
"""

from __future__ import annotations

import numpy as np

from tallystick.simulation.day_numbers import from_day_number
from tallystick.simulation.holidays import is_spring_festival
from tallystick.simulation.journal import Facts
from tallystick.simulation.money import account_number, seconds_between
from tallystick.simulation.people import NO_SHOP
from tallystick.simulation.town import CASH, CATEGORY, CUSTOMER, MOBILE, NEVER, NOBODY, STRANGER, TRANSFER, Town, cut_to

# Payments a day on a usual working day, and how a weekend compares.
_DAILY, _WEEKEND = np.array([2.2, 1.6, 0.7, 0.8]), np.array([0.8, 1.15, 1.9, 1.4])
# What of the takings is paid by telephone onto this account; the rest is cash, of which some is brought here.
_BY_TELEPHONE, _BROUGHT = 0.8, 0.6
_MARGIN = 0.35
# Trade by month. In China's retail sales of 2023 (National Bureau of Statistics) December was 1.11 of the mean month,
# January to April 0.95.
_SEASON = np.array([1.04, 0.92, 0.96, 0.89, 0.96, 1.02, 0.94, 0.96, 1.01, 1.10, 1.08, 1.11])
_REGULARS, _COMES_AGAIN = 60, 0.4
_HOUSEHOLD_SHARE = 0.25
_NOON, _EVENING = (11 * 3600 + 21 * 60, 16 * 3600 + 40 * 60), (17 * 3600 + 46 * 60, 19 * 3600 + 34 * 60)
_SUPPLIES, _TO_THE_HOUSEHOLD = (8 * 3600 + 26 * 60, 8 * 3600 + 28 * 60), 8 * 3600 + 29 * 60


def open_shops(town: Town, day: int) -> np.ndarray:
    """Who keeps a shop open today: its owners but those who gave it up, and nobody at Spring Festival."""
    is_open: np.ndarray = (town.people.shop != NO_SHOP) & town.active(day) & (town.idle_since == NEVER)
    return is_open & (not is_spring_festival(day))


def take_at_noon(town: Town, day: int) -> None:
    """Takings of the larger part of the day."""
    _take(town, day, _NOON, share=0.7)


def take_in_the_evening(town: Town, day: int) -> None:
    """Takings between the afternoon's collection of instalments and the owner's own evening."""
    _take(town, day, _EVENING, share=0.3)


def _take(town: Town, day: int, hours: tuple[int, int], *, share: float) -> None:
    """Payments by telephone in these hours, one after the other on each account."""
    rng, people, date = town.rng, town.people, from_day_number(day)
    owner = np.flatnonzero(open_shops(town, day))
    kind, season = people.shop[owner], _SEASON[date.month - 1]
    often = _DAILY[kind] * people.trade[owner] * season * (_WEEKEND[kind] if date.weekday() >= 5 else 1.0) * share
    who = np.repeat(owner, rng.poisson(often))
    size = len(who)
    usual = town.pay[who] / _MARGIN * _BY_TELEPHONE / (_DAILY[people.shop[who]] * 30)
    amount = cut_to(usual * np.exp(rng.normal(-0.3, 0.75, size)), 50) + 100
    regular = rng.random(size) < _COMES_AGAIN
    payer = np.where(regular, who * 1_000 + (rng.random(size) ** 2 * _REGULARS).astype(np.int64), 0)
    payer = np.where(regular, payer, 5_000_000 + rng.integers(0, 4_000_000, size))
    second = seconds_between(town, size, low=hours[0], high=hours[1])
    order = np.lexsort((second, who))
    who, amount, payer, second = who[order], amount[order], payer[order], second[order]
    turn = np.arange(size) - np.searchsorted(who, who)
    facts: Facts = {"category": CATEGORY["business"], "channel": MOBILE, "partner_kind": STRANGER}
    for one in range(int(turn.max(initial=-1)) + 1):
        at = turn == one
        town.book(day, who[at], amount[at], second=second[at], partner=payer[at], **facts)


def run_shops(town: Town, day: int) -> None:
    """What owners do in the morning: pay suppliers once a week, bring cash, give the household its share."""
    rng, owner = town.rng, np.flatnonzero(open_shops(town, day))
    date = from_day_number(day)
    turnover = town.pay[owner] / _MARGIN * _SEASON[date.month - 1] * 7 / 30
    buys = (owner % 6 == date.weekday()) & (rng.random(len(owner)) < 0.93)
    cost = turnover * town.people.trade[owner] * (1 - _MARGIN) * np.exp(rng.normal(0, 0.3, len(owner)))
    cost = cut_to(np.minimum(cost, town.balance[owner] * 0.85), 1_000)
    who, cost = owner[buys & (cost > 0)], cost[buys & (cost > 0)]
    second = seconds_between(town, len(who), low=_SUPPLIES[0], high=_SUPPLIES[1])
    facts: Facts = {"category": CATEGORY["business"], "channel": TRANSFER, "partner_kind": STRANGER}
    town.book(day, who, -cost, second=second, partner=9_500_000 + who * 4 + rng.integers(0, 3, len(who)), **facts)
    _give_to_the_household(town, day, owner)
    brings = rng.random(len(owner)) < 1 / 8
    cash = turnover * 8 / 7 * (1 - _BY_TELEPHONE) * _BROUGHT * np.exp(rng.normal(0, 0.4, len(owner)))
    who, cash = owner[brings], cut_to(cash[brings], 10_000) + 10_000
    second = seconds_between(town, len(who), low=8 * 3600 + 30 * 60, high=10 * 3600 + 30 * 60)
    facts = {"category": CATEGORY["business"], "channel": CASH, "partner_kind": NOBODY, "partner": 0}
    town.book(day, who, cash, second=second, **facts)


def _give_to_the_household(town: Town, day: int, owner: np.ndarray) -> None:
    """Once a month to one of the household who banks here; both sides in the same second."""
    if from_day_number(day).day != 28:
        return
    home, count = town.homes.number, town.count
    others = np.flatnonzero(town.active(day) & (town.people.shop == NO_SHOP))
    first = np.full(town.homes.next, count)
    np.minimum.at(first, home[others], others)
    one, place = np.unique(first[home[owner]], return_index=True)
    one, who = one[one < count], owner[place[one < count]]
    amount = cut_to(np.minimum(town.pay[who] * _HOUSEHOLD_SHARE, town.balance[who] * 0.5), 10_000)
    one, who, amount = one[amount > 0], who[amount > 0], amount[amount > 0]
    facts: Facts = {"category": CATEGORY["transfer"], "channel": MOBILE, "partner_kind": CUSTOMER}
    facts["second"] = _TO_THE_HOUSEHOLD
    town.book(day, who, -amount, partner=account_number(town, one), **facts)
    town.book(day, one, amount, partner=account_number(town, who), **facts)
