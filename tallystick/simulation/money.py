"""Money on a usual day: pay, standing orders, spending, transfers, gambling.

Each step has its own part of the day, so that the order of booking is the order of time. No step looks at a later day.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tallystick.simulation.day_numbers import from_day_number
from tallystick.simulation.holidays import is_day_off
from tallystick.simulation.journal import Facts
from tallystick.simulation.people import NO_SHOP
from tallystick.simulation.town import (
    BOOKMAKER,
    CARD,
    CASH,
    CATEGORY,
    CUSTOMER,
    EMPLOYER,
    MERCHANT,
    MOBILE,
    NEVER,
    NOBODY,
    OWN_BANK,
    STRANGER,
    TRANSFER,
    Town,
    cut_to,
    draw_factors,
)

_STUDENT, _COURIER, _SELF_EMPLOYED, _RETIRED = 0, 2, 4, 6
_BOOKMAKERS = 7
_RETURN_FEE = 2_000  # fen, for an order without cover
_PAY_CATEGORY = np.array(
    [CATEGORY[name] for name in ("family_support", *["salary"] * 3, "business", "salary", "pension")]
)
_PAY_PARTNER = np.array([STRANGER, EMPLOYER, EMPLOYER, EMPLOYER, STRANGER, EMPLOYER, EMPLOYER])


@dataclass(frozen=True, kw_only=True, slots=True)
class Habit:
    """One way to spend: how often (a month), how much (share of the monthly income), and when in the day.

    ``keeper`` is how often the keeper of a shop does it, who has no time during its hours (1: as often as others).
    """

    category: str
    channel: int
    monthly: float
    share: float
    low: int
    high: int
    weekend: float = 1.0
    partner: int = MERCHANT
    keeper: float = 1.0


def _clock(hour: int, minute: int = 0) -> int:
    return hour * 3600 + minute * 60


# The shares add up to about 0.7 of the income for someone of middling thrift; rent and loans come on top.
MORNING = (Habit(category="transport", channel=MOBILE, monthly=0.8, share=0.012, low=_clock(7), high=_clock(8, 25)),)
DAYTIME = (
    Habit(category="food", channel=MOBILE, monthly=1.4, share=0.09, low=_clock(11, 30), high=_clock(13, 10), keeper=0),
    Habit(
        category="cash",
        channel=CASH,
        monthly=0.4,
        share=0.20,
        low=_clock(13, 15),
        high=_clock(14, 20),
        partner=NOBODY,
        keeper=0,
    ),
    Habit(
        category="medical", channel=CARD, monthly=0.12, share=0.25, low=_clock(14, 25), high=_clock(15, 10), keeper=0
    ),
    Habit(
        category="shopping",
        channel=CARD,
        monthly=0.6,
        share=0.16,
        low=_clock(15, 15),
        high=_clock(16, 40),
        weekend=1.8,
        keeper=0,
    ),
)
EVENING = (
    Habit(
        category="food",
        channel=CARD,
        monthly=0.9,
        share=0.09,
        low=_clock(18),
        high=_clock(19, 30),
        weekend=1.5,
        keeper=0,
    ),
    Habit(
        category="shopping", channel=MOBILE, monthly=1.1, share=0.12, low=_clock(19, 35), high=_clock(21, 30), keeper=4
    ),
    Habit(
        category="entertainment",
        channel=MOBILE,
        monthly=0.5,
        share=0.06,
        low=_clock(21, 35),
        high=_clock(22, 40),
        weekend=1.9,
    ),
)


def seconds_between(town: Town, size: int, *, low: int, high: int) -> np.ndarray:
    """A random second of the day in ``[low, high)`` for each of ``size`` rows."""
    return town.rng.integers(low, high, size)


def pay_interest(town: Town, day: int) -> None:
    """Each quarter on the 21st the bank pays interest on what lies on the accounts."""
    date = from_day_number(day)
    if date.day != 21 or date.month % 3:
        return
    there = np.concatenate([town.active(day), town.active(day) & town.has_savings])
    account = np.flatnonzero(there & (town.balance > 40_000))
    rate = np.where(account < town.count, 0.003, 0.012) / 4
    amount = np.round(town.balance[account] * rate).astype(np.int64)
    facts: Facts = {"category": CATEGORY["interest"], "channel": TRANSFER, "partner_kind": OWN_BANK, "partner": 0}
    town.book(day, account, amount, second=_clock(5), **facts)


def run_standing_orders(town: Town, day: int) -> None:
    """Pay the orders of this day of the month, one after the other in the same second; without cover they fail."""
    orders = town.orders
    due = (orders.day_of_month == from_day_number(day).day) & town.active(day)[orders.who]
    facts: Facts
    for category in ("household", "utilities", "insurance"):
        place = np.flatnonzero(due & (orders.category == CATEGORY[category]))
        covered = orders.amount[place] <= town.balance[orders.who[place]]
        failed, place = np.unique(orders.who[place[~covered]]), place[covered]
        who, amount = orders.who[place], orders.amount[place]
        partner = 900_000 + who % 400 + 1_000 * CATEGORY[category]
        facts = {"category": CATEGORY[category], "channel": TRANSFER, "partner_kind": STRANGER, "partner": partner}
        town.book(day, who, -amount, second=_clock(6), **facts)
        fee = np.minimum(town.balance[failed], _RETURN_FEE)
        failed, fee = failed[fee > 0], fee[fee > 0]
        facts = {"category": CATEGORY["fee"], "channel": TRANSFER, "partner_kind": OWN_BANK, "partner": 0}
        town.book(day, failed, -fee, second=_clock(6), **facts)


def pay_wages(town: Town, day: int) -> None:
    """Monthly pay on the workplace's day, weekly pay of couriers, irregular takings of who works without a shop.

    Some have their pay sent to another bank, which this one does not see.
    """
    rng, people = town.rng, town.people
    date = from_day_number(day)
    draw, size = (
        rng.random(town.count),
        np.exp(rng.normal(0, 1, town.count) * np.where(people.job == _SELF_EMPLOYED, 0.5, 0.07)),
    )
    monthly = people.payday == date.day
    weekly = people.employer % 5 == date.weekday()
    due = np.where(people.job == _COURIER, weekly, np.where(people.job == _SELF_EMPLOYED, draw < 4.5 / 30, monthly))
    part = np.where(people.job == _COURIER, 7 / 30.4, np.where(people.job == _SELF_EMPLOYED, 0.88 / 4.5, 1.0))
    earns = (town.idle_since == NEVER) & due & (people.shop == NO_SHOP)
    town.elsewhere += np.where(earns & people.paid_elsewhere, town.pay * part * size, 0).astype(np.int64)
    who = np.flatnonzero(town.active(day) & earns & ~people.paid_elsewhere)
    job = people.job[who]
    facts: Facts = {"category": _PAY_CATEGORY[job], "channel": TRANSFER, "partner_kind": _PAY_PARTNER[job]}
    # An employer pays all its people in the same minute.
    second = np.where(_PAY_PARTNER[job] == EMPLOYER, _clock(9, 0) + people.employer[who] % 60 * 60, 0)
    second = np.where(second > 0, second, seconds_between(town, len(who), low=_clock(8, 30), high=_clock(10, 30)))
    amount = cut_to(town.pay[who] * part[who] * size[who], 100) + 36
    town.book(day, who, amount, second=second, partner=people.employer[who], **facts)
    _support_the_idle(town, day)


def bring_from_elsewhere(town: Town, day: int) -> None:
    """Who is paid at another bank lives on both accounts, and fills this one up while there is money there."""
    rng, people, n = town.rng, town.people, town.count
    spent = np.where(town.idle_since == NEVER, 0.35, 0.2) / 30 * people.income
    town.elsewhere -= np.minimum(town.elsewhere, spent.astype(np.int64))
    low = town.balance[:n] < people.income * (0.25 + 0.6 * people.thrift)
    who = np.flatnonzero(town.active(day) & people.paid_elsewhere & low & (rng.random(n) < 5 / 30))
    wanted = people.income[who] * 0.22 * draw_factors(rng, len(who), 0.5)
    amount = cut_to(np.minimum(wanted, town.elsewhere[who] * 0.7), 10_000)
    who, amount = who[amount > 0], amount[amount > 0]
    town.elsewhere[who] -= amount
    second = seconds_between(town, len(who), low=_clock(11, 20), high=_clock(11, 21))
    facts: Facts = {"category": CATEGORY["transfer"], "channel": TRANSFER, "partner_kind": STRANGER}
    town.book(day, who, amount, second=second, partner=60_000 + who, **facts)


def _support_the_idle(town: Town, day: int) -> None:
    """Now and then the family sends something to those without work."""
    who = np.flatnonzero(town.active(day) & (town.idle_days(day) > 0) & (town.rng.random(town.count) < 0.45 / 30))
    amount = cut_to(town.people.income[who] * 0.22 * draw_factors(town.rng, len(who), 0.5), 10_000) + 10_000
    facts: Facts = {"category": CATEGORY["family_support"], "channel": MOBILE, "partner_kind": STRANGER}
    second = seconds_between(town, len(who), low=_clock(10, 31), high=_clock(10, 50))
    town.book(day, who, amount, second=second, partner=who + 70_000, **facts)


def move_savings(town: Town, day: int) -> None:
    """The thrifty put money aside after payday and take it back when the main account runs dry."""
    people, n = town.people, town.count
    main, aside = town.balance[:n], town.balance[n:]
    after_payday = people.payday == from_day_number(day - 1).day
    usual = town.active(day) & town.has_savings
    put = usual & after_payday & (main > 0.8 * people.income)
    take = usual & (main < 0.1 * people.income) & (aside > 50_000)
    amount = np.where(put, (main - 0.6 * people.income) * people.thrift * 0.7, 0)
    amount = cut_to(np.where(take, -np.minimum(aside, 0.35 * people.income), amount), 10_000)
    who = np.flatnonzero(amount != 0)
    second = seconds_between(town, len(who), low=_clock(10, 51), high=_clock(11, 20))
    facts: Facts = {"category": CATEGORY["savings"], "channel": MOBILE, "partner_kind": CUSTOMER, "second": second}
    town.book(day, who, -amount[who], partner=account_number(town, who + n), **facts)
    town.book(day, who + n, amount[who], partner=account_number(town, who), **facts)


def account_number(town: Town, account: np.ndarray) -> np.ndarray:
    """The bank's number of an account: 6217... for main accounts, 6218... for savings accounts."""
    owner = town.people.number[account % town.count]
    return np.where(account < town.count, 621_700_000_000, 621_800_000_000) + owner


def spend(town: Town, day: int, habits: tuple[Habit, ...]) -> None:
    """Spend by habit: more with money and little thrift, less when it runs out or work is lost."""
    rng, people, n = town.rng, town.people, town.count
    weekend = is_day_off(day)
    income = np.where(town.idle_since == NEVER, town.pay, people.income * 0.55)
    ease = np.clip(town.balance[:n] / np.maximum(people.income, 1) / 0.5, 0.2, 2.0)
    loose = 1.5 - people.thrift
    keeps_shop = (people.shop != NO_SHOP) & (town.idle_since == NEVER)
    facts: Facts
    for habit in habits:
        often = habit.monthly / 30 * (habit.weekend if weekend else 1.0) * np.where(keeps_shop, habit.keeper, 1.0)
        who = np.flatnonzero(town.active(day) & (rng.random(n) < often * np.minimum(0.5 + 0.5 * ease, 1.15)))
        spread = np.exp(rng.normal(-0.18, 0.6, len(who)))
        amount = (income[who] * habit.share * loose[who] * ease[who] * spread).astype(np.int64)
        amount = cut_to(amount, 10_000) if habit.channel == CASH else amount
        can = (amount >= 100) & (amount <= town.balance[who])
        who, amount = who[can], amount[can]
        second = seconds_between(town, len(who), low=habit.low, high=habit.high)
        partner = rng.integers(0, 4_000, len(who)) * (habit.partner == MERCHANT)
        facts = {"category": CATEGORY[habit.category], "channel": habit.channel, "partner_kind": habit.partner}
        town.book(day, who, -amount, second=second, partner=partner, **facts)


def gamble(town: Town, day: int, *, low: int, high: int, share: float) -> None:
    """Bets at a bookmaker: the urge decides how often, the balance how much; one bet in four pays."""
    rng, n = town.rng, town.count
    who = np.flatnonzero(town.active(day) & (rng.random(n) < town.urge * share) & (town.balance[:n] > 5_000))
    stake = cut_to(town.balance[who] * (0.04 + 0.30 * town.urge[who] * rng.random(len(who))), 1_000)
    who, stake = who[stake > 0], stake[stake > 0]
    second = seconds_between(town, len(who), low=low, high=high - 1_800)
    facts: Facts = {
        "category": CATEGORY["gambling"],
        "channel": MOBILE,
        "partner_kind": BOOKMAKER,
        "partner": who % _BOOKMAKERS,
    }
    town.book(day, who, -stake, second=second, **facts)
    won = rng.random(len(who)) < 0.25
    prize = (stake[won] * (0.6 + 1.6 * rng.random(int(won.sum())))).astype(np.int64)
    facts["partner"] = who[won] % _BOOKMAKERS
    town.book(day, who[won], prize, second=second[won] + rng.integers(60, 1_800, int(won.sum())), **facts)


def gamble_at_night(town: Town, day: int) -> None:
    """Bets between midnight and dawn."""
    gamble(town, day, low=_clock(0, 5), high=_clock(4, 30), share=0.10)


def gamble_in_the_evening(town: Town, day: int) -> None:
    """Bets before midnight."""
    gamble(town, day, low=_clock(22, 45), high=_clock(23, 59), share=0.22)


def send_money(town: Town, day: int) -> None:
    """Transfers to people one knows; inside the bank both sides are booked in the same second."""
    rng, people, n = town.rng, town.people, town.count
    active = town.active(day)
    sender = np.flatnonzero(active & (rng.random(n) < 0.5 / 30))
    amount = cut_to(people.income[sender] * 0.04 * draw_factors(rng, len(sender), 0.8, shift=-0.3), 1_000)
    can = (amount > 0) & (amount * 2 <= town.balance[sender])
    sender, amount = sender[can], amount[can]
    other = people.ties.other[people.ties.draw(rng, sender)]
    inside = (other < n) & active[np.minimum(other, n - 1)]
    # Nobody receives twice in one round, or sends and receives: booking order stays the order of time.
    both = inside & np.isin(other, sender)
    _, first = np.unique(np.where(inside, other, -1 - np.arange(len(other))), return_index=True)
    first = np.sort(first[~both[first]])
    sender, amount, other, inside = sender[first], amount[first], other[first], inside[first]
    second = seconds_between(town, len(sender), low=_clock(16, 45), high=_clock(17, 5))
    facts: Facts = {"category": CATEGORY["transfer"], "channel": MOBILE}
    partner = np.where(inside, account_number(town, np.minimum(other, n - 1)), other)
    town.book(
        day, sender, -amount, second=second, partner_kind=np.where(inside, CUSTOMER, STRANGER), partner=partner, **facts
    )
    back, second, payer = other[inside], second[inside], sender[inside]
    town.book(
        day, back, amount[inside], second=second, partner_kind=CUSTOMER, partner=account_number(town, payer), **facts
    )
    _receive_from_outside(town, day)


def _receive_from_outside(town: Town, day: int) -> None:
    """Money from people who bank elsewhere."""
    rng, people, n = town.rng, town.people, town.count
    who = np.flatnonzero(town.active(day) & (rng.random(n) < 0.3 / 30))
    amount = cut_to(people.income[who] * 0.05 * draw_factors(rng, len(who), 0.8, shift=-0.3), 1_000) + 1_000
    second = seconds_between(town, len(who), low=_clock(17, 6), high=_clock(17, 25))
    facts: Facts = {"category": CATEGORY["transfer"], "channel": MOBILE, "partner_kind": STRANGER}
    town.book(day, who, amount, second=second, partner=n + who * 3, **facts)
