"""The simulated bank: town after town, day after day, written as the supplier's deliveries.

What lives here: ``simulate`` and the order of a day. What must not: behaviour (the steps have it) and file formats.

Every step draws from one random stream per town, in the order of time, and reads nothing but the state that earlier
steps left. So the rows up to a day are the same whatever the length of the run: nothing of the future can be in them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from tallystick.errors import InputError
from tallystick.simulation.arrivals import draw_relations, found_town, reveal_relations, welcome_a_day
from tallystick.simulation.calendar import day_number, first_of_month, month_number
from tallystick.simulation.deliveries import Deliveries, deliver_regions, deliver_town
from tallystick.simulation.lending import FIRST_COLLECTION, SECOND_COLLECTION, buy_with_loans, collect, lend_a_day
from tallystick.simulation.life import live_a_day
from tallystick.simulation.money import (
    DAYTIME,
    EVENING,
    MORNING,
    gamble_at_night,
    gamble_in_the_evening,
    move_savings,
    pay_interest,
    pay_wages,
    run_standing_orders,
    send_money,
    spend,
)
from tallystick.simulation.social import talk_a_day
from tallystick.simulation.town import Town

TOWN_SIZE = 2_000
DEFAULT_UNTIL = date(2026, 3, 31)
DEFAULT_MONTHS = 21


@dataclass(frozen=True, kw_only=True, slots=True)
class Summary:
    """What was written: the folder, the load date of each delivery, and data lines per file over all of them."""

    out: Path
    deliveries: tuple[date, ...]
    rows: Mapping[str, int]
    customers: int
    first_day: date
    last_day: date


def simulate(
    out: Path,
    *,
    customers: int = 2_000,
    seed: int = 7,
    until: date = DEFAULT_UNTIL,
    months: int = DEFAULT_MONTHS,
    daily: int = 0,
) -> Summary:
    """Write a small internet bank to ``out``: the same arguments give the same bytes.

    The history runs over ``months`` calendar months and ends with the day ``until``; it is delivered in the folder of
    the next day. Each of the ``daily`` folders after it holds one more day. People come in towns of 2,000, one after
    the other, so memory does not grow with ``customers``. ``out`` must be new or empty, else InputError.
    """
    if customers < 1 or months < 1 or daily < 0:
        raise InputError("customers and months must be at least 1, daily at least 0", where="simulate")
    if out.exists() and any(out.iterdir()):
        raise InputError("the folder to simulate into is not empty", where=str(out), fix="name a new one")
    first = int(first_of_month(np.array([month_number(until) - months + 1]))[0])
    last = day_number(until) + daily
    dates = tuple(until + timedelta(days=1 + step) for step in range(daily + 1))
    with Deliveries(out, dates=dates, seed=seed) as deliveries:
        deliver_regions(deliveries, first=first)
        for town_number, begin in enumerate(range(0, customers, TOWN_SIZE)):
            rng = np.random.Generator(np.random.PCG64([seed, town_number]))
            size = min(TOWN_SIZE, customers - begin)
            town = found_town(rng, size, first_number=begin + 1, start=first)
            run_days(town, first, last)
            deliver_town(deliveries, town, town_number)
        rows = deliveries.rows()
    first_day = date(1970, 1, 1) + timedelta(days=first)
    last_day = until + timedelta(days=daily)
    return Summary(out=out, deliveries=dates, rows=rows, customers=customers, first_day=first_day, last_day=last_day)


def run_days(town: Town, first: int, last: int) -> None:
    """Let the days ``first`` to ``last`` (both included) pass in a town."""
    relations = draw_relations(town)
    reveal_relations(town, relations, relations["day"] < first)
    for day in range(first, last + 1):
        live_a_day(town, day)
        welcome_a_day(town, day)
        reveal_relations(town, relations, relations["day"] == day)
        _move_money(town, day)
        talk_a_day(town, day)


def _move_money(town: Town, day: int) -> None:
    """The money of a day in the order of the clock: the steps' times of day do not overlap."""
    gamble_at_night(town, day)
    pay_interest(town, day)
    run_standing_orders(town, day)
    collect(town, day, second=FIRST_COLLECTION)
    spend(town, day, MORNING)
    pay_wages(town, day)
    move_savings(town, day)
    spend(town, day, DAYTIME)
    send_money(town, day)
    lend_a_day(town, day)
    buy_with_loans(town, day)
    collect(town, day, second=SECOND_COLLECTION)
    spend(town, day, EVENING)
    gamble_in_the_evening(town, day)
