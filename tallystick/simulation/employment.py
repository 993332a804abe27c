"""Employers, and what a customer told the bank about work; apart from that, the truth about it.

What a customer told changes seldom: most who lose their work do not say so. The truth is recorded for those who judge
what the pipeline finds. It goes into a folder beside the deliveries and never into one.
"""

from __future__ import annotations

import numpy as np

from tallystick.simulation.journal import Facts
from tallystick.simulation.people import HAS_EMPLOYER
from tallystick.simulation.town import NEVER, Town

LOST, FOUND = range(2)
WORK_TRUTH = "work_truth"
NO_EMPLOYER = -1
NOT_TOLD = -1
_MORNING, _EVENING = 8 * 3600, 22 * 3600


class EmploymentRecorder:
    """Employers as their first customer joins, declared jobs as they are told, and when work was lost and found."""

    def __init__(self, rng: np.random.Generator, town: Town) -> None:
        count, people = town.count, town.people
        self._rng = rng
        self._told_idle = np.zeros(count, dtype=bool)
        self._idle_since = np.full(count, NEVER)
        # Most had their job for some years when they joined the bank.
        self._since = people.joined - 30 - np.minimum(rng.exponential(1_100, count), 9_000).astype(np.int64)
        self._employer = np.where(HAS_EMPLOYER[people.job], people.employer, NO_EMPLOYER)
        employers, first, place = np.unique(self._employer, return_index=True, return_inverse=True)
        known_from = np.full(len(employers), NEVER)
        np.minimum.at(known_from, place, people.joined)
        known_from[employers == NO_EMPLOYER] = NEVER
        self._known_from = known_from
        self._employers: Facts = {
            "employer": employers,
            "industry": people.job[first],
            "region": people.region[rng.permutation(count)[: len(employers)]],
            "staff": np.exp(rng.normal(4.2, 1.2, len(employers))).astype(np.int64) + 12,
            "second": rng.integers(_MORNING, _EVENING, len(employers)),
        }

    def begin(self, town: Town, first: int) -> None:
        """Employers and declared jobs of those who joined before ``first``, and who was without work then."""
        self._reveal_employers(town, self._known_from < first)
        self._tell(town, np.flatnonzero(town.people.joined < first), day=town.people.joined)
        idle = np.flatnonzero(town.idle_since < NEVER)
        self._note(town, idle, event=LOST, day=town.idle_since[idle])

    def record_a_day(self, town: Town, day: int) -> None:
        """New employers, what customers told today, and the truth of the day."""
        self._reveal_employers(town, self._known_from == day)
        today = np.full(town.count, day)
        self._tell(town, np.flatnonzero(town.people.joined == day), day=today)
        changed = np.flatnonzero(town.told_idle != self._told_idle)
        self._since[changed] = np.where(town.told_idle[changed], self._since[changed], day)
        self._tell(town, changed, day=today)
        self._told_idle = town.told_idle.copy()
        was, now = self._idle_since < NEVER, town.idle_since < NEVER
        self._note(town, np.flatnonzero(now & ~was), event=LOST, day=day)
        self._note(town, np.flatnonzero(was & ~now), event=FOUND, day=day)

    def _reveal_employers(self, town: Town, chosen: np.ndarray) -> None:
        rows = {name: np.asarray(column)[chosen] for name, column in self._employers.items()}
        town.journal.add("employers", self._known_from[chosen], size=int(chosen.sum()), columns=rows)

    def _tell(self, town: Town, who: np.ndarray, *, day: np.ndarray) -> None:
        """What these people say about their work: where, since when, and until when if it has ended."""
        # Some had lost it before they joined, so they began it before that.
        self._since[who] = np.where(
            town.told_idle[who], np.minimum(self._since[who], town.idle_since[who] - 30), self._since[who]
        )
        rows: Facts = {
            "who": who,
            "second": self._rng.integers(_MORNING, _EVENING, len(who)),
            "employer": self._employer[who],
            "occupation": town.people.job[who],
            "since": self._since[who],
            "until": np.where(town.told_idle[who], town.idle_since[who], NOT_TOLD),
        }
        town.journal.add("employment", day[who], size=len(who), columns=rows)

    def _note(self, town: Town, who: np.ndarray, *, event: int, day: np.ndarray | int) -> None:
        town.journal.add(WORK_TRUTH, day, size=len(who), columns={"who": who, "event": event})
        self._idle_since = town.idle_since.copy()
