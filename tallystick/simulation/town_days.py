"""The days of a town in the order of its clock.

Every step draws from one random stream per town, in the order of time, and reads nothing but the state that earlier
steps left. So the rows up to a day are the same whatever the length of the run: nothing of the future can be in them.
Apart from ``bank`` because each process of a simulation lives the days of its own towns.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count

import numpy as np

from tallystick.how_far import HowFar, untold
from tallystick.simulation.arrivals import draw_relations, reveal_relations, welcome_a_day
from tallystick.simulation.devices import DeviceRecorder
from tallystick.simulation.employment import EmploymentRecorder
from tallystick.simulation.fraud.moves import AFTERNOON, DAWN, DUSK, EARLY, LATE, NOON
from tallystick.simulation.fraud.underway import Fraud
from tallystick.simulation.given_data import GivenDataRecorder
from tallystick.simulation.groups import GroupRecorder
from tallystick.simulation.hardship import pay_for_hardship, strike_a_day
from tallystick.simulation.home_facts import HomeRecorder
from tallystick.simulation.interests import InterestRecorder
from tallystick.simulation.lending import FIRST_COLLECTION, SECOND_COLLECTION, buy_with_loans, collect, lend_a_day
from tallystick.simulation.life import live_a_day
from tallystick.simulation.money import (
    DAYTIME,
    EVENING,
    MORNING,
    bring_from_elsewhere,
    gamble_at_night,
    gamble_in_the_evening,
    move_savings,
    pay_interest,
    pay_wages,
    run_standing_orders,
    send_money,
    spend,
)
from tallystick.simulation.other_lenders import InquiryRecorder, borrow_elsewhere, pay_other_lenders
from tallystick.simulation.recording import Leave, Recorder
from tallystick.simulation.shops import run_shops, take_at_noon, take_in_the_evening
from tallystick.simulation.sightings import PlaceRecorder
from tallystick.simulation.social import talk_a_day
from tallystick.simulation.town import Town
from tallystick.simulation.wallpapers import WallpaperRecorder

# Streams of recorders begin here.
_RECORDERS = 2_000_001


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
        InterestRecorder(next(streams), town),
        HomeRecorder(next(streams), town),
        GivenDataRecorder(next(streams), town),
        WallpaperRecorder(next(streams)),
        InquiryRecorder(next(streams), town),
    ]


def run_days(
    town: Town,
    first: int,
    last: int,
    *,
    recorders: Sequence[Recorder] = (),
    fraud: Fraud | None = None,
    how_far: HowFar = untold,
) -> None:
    """Let the days ``first`` to ``last`` (both included) pass in a town, with or without ``fraud``; the recorders look
    at each.
    """
    relations = draw_relations(town)
    reveal_relations(town, relations, relations["day"] < first)
    for recorder in recorders:
        recorder.begin(town, first)
    for day in range(first, last + 1):
        live_a_day(town, day)
        strike_a_day(town, day)
        welcome_a_day(town, day)
        reveal_relations(town, relations, relations["day"] == day)
        if fraud:
            fraud.begin_a_day(day)
        _move_money(town, day, fraud)
        talk_a_day(town, day)
        for recorder in recorders:
            recorder.record_a_day(town, day)
        how_far((day - first + 1) / (last - first + 1))


def _move_money(town: Town, day: int, fraud: Fraud | None) -> None:
    """The money of a day in the order of the clock: the steps' times of day do not overlap."""

    def act(slot: int) -> None:
        if fraud:
            fraud.act(day, slot)

    gamble_at_night(town, day)
    act(DAWN)
    pay_interest(town, day)
    run_standing_orders(town, day)
    collect(town, day, second=FIRST_COLLECTION)
    pay_other_lenders(town, day)
    act(EARLY)
    spend(town, day, MORNING)
    run_shops(town, day)
    pay_wages(town, day)
    move_savings(town, day)
    bring_from_elsewhere(town, day)
    act(NOON)
    take_at_noon(town, day)
    spend(town, day, DAYTIME)
    borrow_elsewhere(town, day)
    act(AFTERNOON)
    send_money(town, day)
    pay_for_hardship(town, day)
    lend_a_day(town, day)
    buy_with_loans(town, day)
    collect(town, day, second=SECOND_COLLECTION)
    act(DUSK)
    take_in_the_evening(town, day)
    spend(town, day, EVENING)
    act(LATE)
    gamble_in_the_evening(town, day)
