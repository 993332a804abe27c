"""Telephones, logins and checks of identity.

A ring shares one telephone; so do some families, and everybody gets a new one now and then. A face that matches badly
may be another person's, or one in bad light.
"""

from __future__ import annotations

import numpy as np

from tallystick.simulation.journal import Facts
from tallystick.simulation.town import Town

LOGIN, FAILED_LOGIN, NEW_DEVICE, NEW_SIM = range(4)
AT_JOINING, AT_APPLICATION, AT_NEW_DEVICE = range(3)
_LOGINS_DAILY = 0.085
_NEW_DEVICE_DAILY, _NEW_SIM_DAILY = 1 / 900, 1 / 2_400
_SHARED_IN_FAMILY, _TAMPERED = 0.07, 0.02
_DAY = 86_400
CHECK_PASSES = 0.72  # score of a face


def next_devices(town: Town, size: int) -> np.ndarray:
    """Numbers of telephones that nobody in the town has used yet."""
    begin = town.marks.next_device
    town.marks.next_device += size
    return np.arange(begin, begin + size)


class DeviceRecorder:
    """The telephones of a town: each person's own one at a time, numbered in the order in which they appear."""

    def __init__(self, rng: np.random.Generator, town: Town) -> None:
        self._rng = rng
        people, count = town.people, town.count
        own = np.arange(count)
        # The first of a ring, of a device farm, and of some families owns the telephone that all of them use.
        in_ring, in_farm, draw = people.ring >= 0, town.marks.shares >= 0, rng.random(int(people.family.max()) + 1)
        in_family = ~in_ring & ~in_farm & (draw < _SHARED_IN_FAMILY)[people.family]
        # In half of these families it is a couple, and the third has a telephone of its own.
        in_family &= (draw < _SHARED_IN_FAMILY / 2)[people.family] | (_place_in(people.family) < 2)
        household = np.where(
            in_ring, people.ring, np.where(in_farm, 2 * count + town.marks.shares, count + people.family)
        )
        owner = np.full(3 * count, count)
        shared = in_ring | in_farm | in_family
        np.minimum.at(owner, household[shared], own[shared])
        self._device = np.where(shared, owner[household], own)
        often = np.where(in_ring, 0.25, np.where(in_farm, 0.45, _TAMPERED))
        self._tampered = (rng.random(count) < often)[self._device]
        # How well somebody's face is recognised as a rule; a borrowed one is worse, as is an old telephone.
        worse = np.where(in_ring, 0.12, town.marks.borrowed) * rng.random(count)
        self._face = np.clip(rng.beta(14, 1.6, count) - worse, 0.3, 0.995)

    def begin(self, town: Town, first: int) -> None:
        """The telephones and checks of those who joined before ``first``."""
        self._welcome(town, np.flatnonzero(town.people.joined < first))

    def record_a_day(self, town: Town, day: int) -> None:
        """Who joins, gets another telephone or card, logs in, and whose face is looked at."""
        rng, count = self._rng, town.count
        self._welcome(town, np.flatnonzero(town.people.joined == day))
        active, draw, clock = town.active(day), rng.random((3, count)), rng.integers(7 * 3600, _DAY - 1, (3, count))
        changed = np.flatnonzero(active & (draw[0] < _NEW_DEVICE_DAILY))
        self._device[changed] = next_devices(town, len(changed))
        self._tampered[changed] = rng.random(len(changed)) < _TAMPERED
        self._record(town, day, changed, kind=NEW_DEVICE, second=clock[0][changed])
        self._check(town, day, changed, reason=AT_NEW_DEVICE, second=np.minimum(clock[0][changed] + 90, _DAY - 1))
        swapped = np.flatnonzero(active & (draw[1] < _NEW_SIM_DAILY))
        self._record(town, day, swapped, kind=NEW_SIM, second=clock[1][swapped])
        often = _LOGINS_DAILY * town.people.warmth * (1 + 0.8 * town.stress)
        who = np.flatnonzero(active & (draw[2] < np.minimum(often, 0.8)))
        by_night = rng.random(len(who)) < town.people.night[who]
        second = np.where(by_night, rng.integers(0, 5 * 3600, len(who)), clock[2][who])
        failed = rng.random(len(who)) < 0.03 + 0.05 * town.stress[who]
        self._record(town, day, who, kind=np.where(failed, FAILED_LOGIN, LOGIN), second=second)
        asked = town.journal.rows_of("applications", day)
        if asked:
            before = np.maximum(asked["second"] - 60, 0)
            self._check(town, day, asked["who"], reason=AT_APPLICATION, second=before)

    def _welcome(self, town: Town, who: np.ndarray) -> None:
        day, second = town.people.joined[who], self._rng.integers(7 * 3600, 8 * 3600, len(who))
        self._record(town, day, who, kind=NEW_DEVICE, second=second)
        self._check(town, day, who, reason=AT_JOINING, second=second + 240)

    def _record(
        self,
        town: Town,
        day: np.ndarray | int,
        who: np.ndarray,
        *,
        kind: np.ndarray | int,
        second: np.ndarray,
    ) -> None:
        tampered = self._tampered[who].astype(np.int64)
        rows: Facts = {"who": who, "kind": kind, "device": self._device[who], "tampered": tampered, "second": second}
        town.journal.add("devices", day, size=len(who), columns=rows)

    def _check(self, town: Town, day: np.ndarray | int, who: np.ndarray, *, reason: int, second: np.ndarray) -> None:
        rng, size = self._rng, len(who)
        usual = self._face[who]
        light = rng.exponential(0.05, size) * np.where((second < 6 * 3600) | (second > 20 * 3600), 2.0, 1.0)
        score = np.clip(usual - light + rng.normal(0, 0.02, size), 0.05, 0.999)
        retries = np.minimum(rng.geometric(np.clip(score, 0.3, 0.98), size) - 1, 5)
        rows: Facts = {
            "who": who,
            "reason": reason,
            "device": self._device[who],
            "score": np.round(score * 10_000).astype(np.int64),
            "retries": retries,
            "passed": (score >= CHECK_PASSES).astype(np.int64),
            "second": second,
        }
        town.journal.add("identity_checks", day, size=size, columns=rows)


def _place_in(group: np.ndarray) -> np.ndarray:
    """The place of each person among those of the same group."""
    order = np.argsort(group, kind="stable")
    place = np.empty(len(group), dtype=np.int64)
    place[order] = np.arange(len(group)) - np.searchsorted(group[order], group[order])
    return place
