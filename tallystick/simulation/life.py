"""Lives: work lost and found, the urge to gamble, stress, what the bank is told.

The hidden causes that move from day to day. Money and messages follow from them, in steps of their own.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tallystick.simulation.households import change_households
from tallystick.simulation.people import JOB_LOSS_MONTHLY, REGIONS
from tallystick.simulation.town import NEVER, Town

UNEMPLOYED = 7  # one past the jobs of people.JOBS, as an occupation told to the bank
_FOUND_MONTHLY = 0.14
_TELLS_BANK_MONTHLY = 0.06
_MOVES_MONTHLY = 0.004


def unemployment_of(region: Any) -> Any:
    """Unemployment in percent: poorer regions have the higher numbers."""
    return 3.2 + 4.6 * (region / REGIONS)


def live_a_day(town: Town, day: int) -> None:
    """Let jobs be lost and found, moods move, and a few customers report a change."""
    rng, people = town.rng, town.people
    here = people.joined <= day
    working = town.idle_since == NEVER
    hazard = JOB_LOSS_MONTHLY[people.job] * unemployment_of(town.region) / 5.0 / 30
    luck = rng.random(town.count)
    lost = here & working & (luck < hazard)
    found = here & ~working & (luck < _FOUND_MONTHLY / 30)
    town.idle_since[lost] = day
    town.idle_since[found] = NEVER
    town.pay[found] = (town.pay[found] * (0.7 + 0.35 * rng.random(int(found.sum())))).astype(np.int64)
    change_households(rng, town.homes, here=here, region=town.region)
    _move_moods(town, day)
    _tell_the_bank(town, day, here, found)


def _move_moods(town: Town, day: int) -> None:
    """Stress follows low money, idleness and hardship with a lag of weeks; it feeds the urge of those who gamble."""
    rng, people = town.rng, town.people
    money = (town.balance[: town.count] + town.balance[town.count :]) / np.maximum(people.income, 1)
    strain = 0.65 * (money < 0.12) + 0.5 * (town.idle_days(day) > 20) + 0.5 * town.hardship.level
    town.stress += (np.minimum(strain, 1.0) - town.stress) / 30
    pull = people.gambler * (0.55 + 0.8 * town.stress)
    town.urge += (pull - town.urge) / 20 + 0.01 * rng.standard_normal(town.count) * (people.gambler > 0)
    np.clip(town.urge, 0, 1, out=town.urge)


def _tell_the_bank(town: Town, day: int, here: np.ndarray, found: np.ndarray) -> None:
    """A few report that they lost their work; those who did report the new one; a few move house."""
    rng, people = town.rng, town.people
    draw = rng.random((2, town.count))
    # Who is no customer yet has nobody to tell.
    known = here & (people.joined < day)
    idle = known & (town.idle_days(day) > 25) & ~town.told_idle & (draw[0] < _TELLS_BANK_MONTHLY / 30)
    again = known & found & town.told_idle
    moved = known & (draw[1] < _MOVES_MONTHLY / 30)
    told = np.flatnonzero(idle | again | moved)
    town.told_idle[idle] = True
    town.told_idle[again] = False
    town.region[moved] = rng.integers(0, REGIONS, int(moved.sum()))
    town.homes.leave(np.flatnonzero(moved))
    record_facts(town, np.full(len(told), day), who=told, second=rng.integers(8 * 3600, 22 * 3600, len(told)))


def record_facts(town: Town, day: np.ndarray, *, who: np.ndarray, second: np.ndarray) -> None:
    """Write what the bank is told about these people from this day on."""
    people = town.people
    facts = {
        "who": who,
        "second": second,
        "gender": people.gender[who],
        "birth": people.birth[who],
        "region": town.region[who],
        "occupation": np.where(town.told_idle[who], UNEMPLOYED, people.job[who]),
        "education": people.education[who],
        "income": np.where(town.told_idle[who], 0, people.declared[who]),
    }
    town.journal.add("customers", day, size=len(who), columns=facts)
