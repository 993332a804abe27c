"""What people look at in the app: articles, hobbies, offers. Topics only, never a text.

Who lost work reads about jobs, who is under stress opens offers of loans, and so do some who are curious.
"""

from __future__ import annotations

import numpy as np

from tallystick.simulation.holidays import is_day_off
from tallystick.simulation.journal import Facts
from tallystick.simulation.people import HOBBIES
from tallystick.simulation.town import Town

CONTENT, HOBBY, CLICK = range(3)
SUBJECTS = ("news", "finance", "health", "jobs", "education", "shopping", "insurance", "travel", "loans", "betting")
_JOBS, _LOANS, _BETTING = (len(HOBBIES) + SUBJECTS.index(name) for name in ("jobs", "loans", "betting"))
_READ = np.array([0.34, 0.14, 0.13, 0.04, 0.10, 0.10, 0.02, 0.11, 0.01, 0.01])
_OFFERED = np.array([0.02, 0.10, 0.05, 0.04, 0.06, 0.42, 0.10, 0.14, 0.06, 0.01])
_CONTENT_DAILY, _HOBBY_DAILY, _CLICK_DAILY = 0.045, 0.030, 0.025


class InterestRecorder:
    """What the people of a town look at."""

    def __init__(self, rng: np.random.Generator, town: Town) -> None:
        self._rng = rng
        self._hobbies = town.people.hobbies
        self._curiosity = rng.gamma(1.6, 1 / 1.6, town.count)
        self._read, self._offered = np.cumsum(_READ / _READ.sum()), np.cumsum(_OFFERED / _OFFERED.sum())

    def begin(self, town: Town, first: int) -> None:
        """Nothing: the app tells from the first day on."""

    def record_a_day(self, town: Town, day: int) -> None:
        """What was looked at today, at most once a person and kind."""
        rng, count, busy = self._rng, town.count, 0.8 if not is_day_off(day) else 1.4
        active, draw = town.active(day), rng.random((3, count))
        idle, often = town.idle_days(day), self._curiosity * busy
        who = np.flatnonzero(active & (draw[0] < _CONTENT_DAILY * often * (1 + 0.5 * (idle > 0))))
        topic = len(HOBBIES) + np.searchsorted(self._read, rng.random(len(who)))
        topic = np.where((idle[who] > 0) & (rng.random(len(who)) < 0.35), _JOBS, topic)
        self._record(town, day, who, kind=CONTENT, topic=topic)
        who = np.flatnonzero(active & (draw[1] < _HOBBY_DAILY * often * (1.2 - 0.6 * town.stress)))
        topic = self._hobbies[who, (rng.random(len(who)) < 0.3).astype(np.int64)]
        topic = np.where(rng.random(len(who)) < 0.15, rng.integers(0, len(HOBBIES), len(who)), topic)
        self._record(town, day, who, kind=HOBBY, topic=topic)
        who = np.flatnonzero(active & (draw[2] < _CLICK_DAILY * often * (1 + 0.6 * town.stress)))
        topic = len(HOBBIES) + np.searchsorted(self._offered, rng.random(len(who)))
        topic = np.where(rng.random(len(who)) < 0.3 * town.stress[who], _LOANS, topic)
        topic = np.where(rng.random(len(who)) < 0.6 * town.urge[who], _BETTING, topic)
        self._record(town, day, who, kind=CLICK, topic=topic)

    def _record(self, town: Town, day: int, who: np.ndarray, *, kind: int, topic: np.ndarray) -> None:
        rng, size = self._rng, len(who)
        by_night = rng.random(size) < town.people.night[who]
        second = np.where(by_night, rng.integers(0, 5 * 3600, size), rng.integers(7 * 3600, 86_300, size))
        rows: Facts = {"who": who, "kind": kind, "topic": topic, "second": second}
        town.journal.add("behaviour", day, size=size, columns=rows)
