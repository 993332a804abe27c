"""The simulated bank: town after town, day after day, written as the supplier's deliveries.

``simulate`` and the order of a day. The steps have the behaviour.

Every step draws from one random stream per town, in the order of time, and reads nothing but the state that earlier
steps left. So the rows up to a day are the same whatever the length of the run: nothing of the future can be in them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import count
from pathlib import Path

import numpy as np

from tallystick.errors import InputError
from tallystick.simulation.arrivals import draw_relations, found_town, reveal_relations, welcome_a_day
from tallystick.simulation.day_numbers import first_of_month, from_day_number, month_number
from tallystick.simulation.delivery_files import Deliveries, deliver_regions, deliver_town, deliver_truth
from tallystick.simulation.devices import DeviceRecorder
from tallystick.simulation.employment import EmploymentRecorder
from tallystick.simulation.groups import GroupRecorder
from tallystick.simulation.interests import InterestRecorder
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
from tallystick.simulation.receipt import Plan, read_receipt, receipt_text
from tallystick.simulation.recording import Leave, Recorder
from tallystick.simulation.sightings import PlaceRecorder
from tallystick.simulation.social import talk_a_day
from tallystick.simulation.town import Town

TOWN_SIZE = 2_000
# Streams of recorders begin here.
_RECORDERS = 2_000_001
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
    the other, so memory does not grow with ``customers``. A folder that already holds the result of the same
    arguments is left as it is; one that holds anything else is refused with InputError.
    """
    if customers < 1 or months < 1 or daily < 0:
        raise InputError("customers and months must be at least 1, daily at least 0", where="simulate")
    first = int(first_of_month(np.array([month_number(until) - months + 1]))[0])
    plan = Plan(customers=customers, seed=seed, first=first, until=until, daily=daily)
    if out.exists() and any(out.iterdir()):
        rows = read_receipt(out, plan)
        if rows is None:
            fix = "name a new one, or remove it"
            raise InputError("the folder to simulate into holds something else", where=str(out), fix=fix)
        return _summary(out, plan, rows)
    with Deliveries(out, dates=plan.dates, seed=seed) as deliveries:
        deliver_regions(deliveries, first=first)
        for number, begin in enumerate(range(0, customers, TOWN_SIZE)):
            rng = np.random.Generator(np.random.PCG64([seed, number]))
            size = min(TOWN_SIZE, customers - begin)
            town = found_town(rng, size, first_number=begin + 1, start=first)
            run_days(town, first, plan.last, recorders=make_recorders(town, seed, number))
            deliver_town(deliveries, town, number)
            deliver_truth(deliveries, town)
        rows = deliveries.rows()
        deliveries.write_receipt(receipt_text(plan, rows, deliveries.planted()))
    return _summary(out, plan, rows)


def _summary(out: Path, plan: Plan, rows: Mapping[str, int]) -> Summary:
    return Summary(
        out=out,
        deliveries=plan.dates,
        rows=rows,
        customers=plan.customers,
        first_day=from_day_number(plan.first),
        last_day=from_day_number(plan.last),
    )


def make_recorders(town: Town, seed: int, number: int) -> list[Recorder]:
    """One of each kind, with a stream of its own: another one more or less changes no row of the rest."""
    streams = (np.random.Generator(np.random.PCG64([seed, number, _RECORDERS + place])) for place in count())
    leave = Leave(next(streams), town.count)
    groups = GroupRecorder(next(streams), town, leave=leave)
    return [
        groups,
        EmploymentRecorder(next(streams), town),
        PlaceRecorder(next(streams), town, leave=leave),
        DeviceRecorder(next(streams), town),
        InterestRecorder(next(streams), town, hobbies=groups.hobbies),
    ]


def run_days(town: Town, first: int, last: int, *, recorders: Sequence[Recorder] = ()) -> None:
    """Let the days ``first`` to ``last`` (both included) pass in a town; the recorders look at each."""
    relations = draw_relations(town)
    reveal_relations(town, relations, relations["day"] < first)
    for recorder in recorders:
        recorder.begin(town, first)
    for day in range(first, last + 1):
        live_a_day(town, day)
        welcome_a_day(town, day)
        reveal_relations(town, relations, relations["day"] == day)
        _move_money(town, day)
        talk_a_day(town, day)
        for recorder in recorders:
            recorder.record_a_day(town, day)


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
