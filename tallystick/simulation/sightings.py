"""Where people's telephones were: home, work, leisure, journeys, and the gaps in between.

A person without work stops going there. People on leave do not go there either, and a telephone may say nothing for
weeks because its owner forbade it to: both are recorded in the same way.
"""

from __future__ import annotations

import numpy as np

from tallystick.simulation.holidays import is_day_off
from tallystick.simulation.journal import Facts
from tallystick.simulation.people import HAS_EMPLOYER, REGIONS
from tallystick.simulation.recording import Leave
from tallystick.simulation.town import Town

_NIGHT, _OFFICE, _EVENING = range(3)
# Between which hours each part of the day is sampled, and how often somebody's telephone tells in it.
_PARTS = ((0, 7 * 3_600), (9 * 3_600, 18 * 3_600), (18 * 3_600, 24 * 3_600))
_OFTEN = (0.045, 0.075, 0.04)
_PLACES_EACH = 3
_GAPS_YEARLY, _TRAVELS_ON_LEAVE = 0.5, 0.5
_RETIRED = 6
# Degrees around a region's middle in which people live, and in which they find places to go to.
_REGION_SPREAD, _NEIGHBOURHOOD = 0.06, 0.025
_METRES_PER_DEGREE = 111_000


def _middle(region: np.ndarray) -> np.ndarray:
    """Latitude and longitude of the middle of a region: no real place."""
    return np.stack([24.5 + (region * 7 % REGIONS) * 0.55, 103.5 + (region * 11 % REGIONS) * 0.6], axis=-1)


class PlaceRecorder:
    """The places of a town's people: latitudes and longitudes, one row a person."""

    def __init__(self, rng: np.random.Generator, town: Town, *, leave: Leave) -> None:
        self._rng = rng
        self._leave = leave
        people, count = town.people, town.count
        self._region, self._household = town.region.copy(), town.homes.number.copy()
        homes = rng.normal(0, _REGION_SPREAD, (count, 2))
        self._home = _middle(town.region) + homes[self._household]
        # An employer has a site in each region where it has people. Who has none works or studies near home.
        sites, site = np.unique(people.employer * REGIONS + people.region, return_inverse=True)
        at_site = _middle(people.region) + rng.normal(0, _REGION_SPREAD / 2, (len(sites), 2))[site]
        near = self._home + rng.normal(0, _NEIGHBOURHOOD, (count, 2))
        self._work = np.where(HAS_EMPLOYER[people.job][:, None], at_site, near)
        self._leisure = self._draw_leisure(np.arange(count))
        self._silent_until = np.full(count, -(1 << 30))
        # Where each spends nights: at home but for journeys.
        self._stay, self._was_away = self._home.copy(), np.zeros(count, dtype=bool)

    def _draw_leisure(self, who: np.ndarray) -> np.ndarray:
        around = self._rng.normal(0, _NEIGHBOURHOOD, (len(who), _PLACES_EACH, 2))
        return self._home[who][:, None, :] + around

    def begin(self, town: Town, first: int) -> None:
        """Nothing: telephones tell from the first day on."""

    def record_a_day(self, town: Town, day: int) -> None:
        """A few places of those who use the app and let it know where they are."""
        rng, count = self._rng, town.count
        self._move_house(town)
        draw, length = rng.random(count), rng.integers(10, 41, count)
        silent = (day > self._silent_until) & (draw < _GAPS_YEARLY / 365)
        self._silent_until = np.where(silent, day + length, self._silent_until)
        away = self._leave.is_away(day)
        elsewhere = _middle(rng.integers(0, REGIONS, count)) + rng.normal(0, _REGION_SPREAD, (count, 2))
        travels = away & ~self._was_away & (rng.random(count) < _TRAVELS_ON_LEAVE)
        stays = np.where(away[:, None], self._stay, self._home)
        self._stay, self._was_away = np.where(travels[:, None], elsewhere, stays), away
        tells = town.active(day) & (day > self._silent_until)
        works = (town.idle_days(day) == 0) & ~away & (town.people.job != _RETIRED) & (not is_day_off(day))
        for part, often in enumerate(_OFTEN):
            who = np.flatnonzero(tells & (rng.random(count) < often))
            self._record(town, day, who, part=part, works=works[who] if part == _OFFICE else np.zeros(len(who), bool))

    def _move_house(self, town: Town) -> None:
        """Who left a household has a place alone or that of the partner; who left the region works near it, too."""
        moved = np.flatnonzero(town.homes.number != self._household)
        if len(moved) == 0:
            return
        alone = _middle(town.region[moved]) + self._rng.normal(0, _REGION_SPREAD, (len(moved), 2))
        order = np.argsort(self._household, kind="stable")
        now = town.homes.number[moved]
        place = order[np.minimum(np.searchsorted(self._household[order], now), town.count - 1)]
        self._home[moved] = np.where((self._household[place] == now)[:, None], self._home[place], alone)
        self._household[moved] = now
        far = moved[town.region[moved] != self._region[moved]]
        self._region[far] = town.region[far]
        self._work[far] = self._home[far] + self._rng.normal(0, _NEIGHBOURHOOD, (len(far), 2))
        self._leisure[moved] = self._draw_leisure(moved)

    def _record(self, town: Town, day: int, who: np.ndarray, *, part: int, works: np.ndarray) -> None:
        rng, size = self._rng, len(who)
        low, high = _PARTS[part]
        chosen, outing = rng.random(size), self._leisure[who, rng.integers(0, _PLACES_EACH, size)]
        # Whoever pays on time keeps hours in general: at work in its hours, at home at night.
        order = town.people.will[who]
        goes_out = chosen < np.where(part == _NIGHT, town.people.night[who] * 0.4, 0.30) + 0.3 * (1 - order)
        base = np.where(goes_out[:, None], outing, self._stay[who])
        spot = np.where((works & (chosen < 0.50 + 0.42 * order))[:, None], self._work[who], base)
        accuracy = np.clip(np.exp(rng.normal(3.2, 0.7, size)), 4, 3_000).astype(np.int64)
        spot = spot + rng.normal(0, 1, (size, 2)) * (accuracy / _METRES_PER_DEGREE)[:, None]
        millionths = np.round(spot * 1e6).astype(np.int64)
        rows: Facts = {
            "who": who,
            "second": rng.integers(low, high, size),
            "latitude": millionths[:, 0],
            "longitude": millionths[:, 1],
            "accuracy": accuracy,
        }
        town.journal.add("locations", day, size=size, columns=rows)
