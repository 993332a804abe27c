"""What the bank is told about households: when joining, with an application, and some time after somebody moved.

Kept apart from ``households`` because what is told comes late or never, and a membership that ended is told as ended
only together with the next one.
"""

from __future__ import annotations

import numpy as np

from tallystick.simulation.journal import Facts
from tallystick.simulation.town import Town

NOT_ENDED = -1
_TELLS_WHEN_JOINING = 0.7
_TELLS_DAILY = 1 / 120  # of those whose household is another one than they told
_MORNING, _EVENING = 8 * 3600, 22 * 3600
# Told in the form of an application, half a minute before it is sent.
BEFORE_SENDING = 30


class HomeRecorder:
    """What each person told last of the household they live in."""

    def __init__(self, rng: np.random.Generator, town: Town) -> None:
        self._rng = rng
        count, homes = town.count, town.homes
        self._number, self._role = homes.number.copy(), homes.role.copy()
        self._since = town.people.joined - 30 - rng.geometric(1 / 1_400, count)
        self._told = np.full(count, NOT_ENDED)
        self._told_role, self._told_since = self._role.copy(), self._since.copy()
        # Children and others who do not bank here, by the household's first number.
        self._others = rng.poisson(0.6, count)

    def begin(self, town: Town, first: int) -> None:
        """What those who joined before ``first`` told then."""
        self._welcome(town, np.flatnonzero(town.people.joined < first))

    def record_a_day(self, town: Town, day: int) -> None:
        """Who moved, and what is told today."""
        moved = np.flatnonzero(town.homes.number != self._number)
        self._since[moved] = day
        self._number[moved] = town.homes.number[moved]
        self._role = town.homes.role.copy()
        self._welcome(town, np.flatnonzero(town.people.joined == day))
        asked = town.journal.rows_of("applications", day)
        asking = asked["who"] if asked else np.empty(0, dtype=np.int64)
        is_news = (self._told != self._number) | (self._told_role != self._role)
        draw = self._rng.random(town.count) < _TELLS_DAILY
        comes = town.active(day) & is_news & (self._told != NOT_ENDED) & draw
        comes[asking] = False
        who = np.flatnonzero(comes)
        self._tell(town, who, day=np.full(len(who), day), second=self._rng.integers(_MORNING, _EVENING, len(who)))
        if asked:
            new = is_news[asking]
            second = np.maximum(asked["second"][new] - BEFORE_SENDING, 0)
            self._tell(town, asking[new], day=np.full(int(new.sum()), day), second=second)

    def _welcome(self, town: Town, who: np.ndarray) -> None:
        who = who[self._rng.random(len(who)) < _TELLS_WHEN_JOINING]
        second = self._rng.integers(_MORNING, _EVENING, len(who))
        self._tell(town, who, day=town.people.joined[who], second=second)

    def _tell(self, town: Town, who: np.ndarray, *, day: np.ndarray, second: np.ndarray) -> None:
        """The membership that ended, if it was told, a second before the one that holds now."""
        ended = (self._told[who] != NOT_ENDED) & (self._told[who] != self._number[who])
        old = who[ended]
        self._record(town, old, day=day[ended], second=np.maximum(second[ended] - 1, 0), until=self._since[old])
        self._told[who] = self._number[who]
        self._told_role[who], self._told_since[who] = self._role[who], self._since[who]
        self._record(town, who, day=day, second=second, until=np.full(len(who), NOT_ENDED))

    def _record(self, town: Town, who: np.ndarray, *, day: np.ndarray, second: np.ndarray, until: np.ndarray) -> None:
        household = self._told[who]
        known = np.bincount(town.homes.number, minlength=town.homes.next)[household]
        others = np.where(household < town.count, self._others[np.minimum(household, town.count - 1)], 0)
        rows: Facts = {
            "who": who,
            "second": second,
            "household": household,
            "role": self._told_role[who],
            "since": self._told_since[who],
            "until": until,
            "people": np.maximum(known + others, 1),
        }
        town.journal.add("households", day, size=len(who), columns=rows)
