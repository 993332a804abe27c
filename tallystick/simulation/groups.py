"""Group chats of the app: work, family and hobby groups, who joins and leaves them, and who writes in them when.

Without work a person falls silent in the work group within days and is taken out of it after weeks. Holidays, a quiet
nature and stress make people silent, too: silence alone is no proof.
"""

from __future__ import annotations

import numpy as np

from tallystick.simulation.holidays import is_day_off
from tallystick.simulation.journal import Facts, Value
from tallystick.simulation.people import HAS_EMPLOYER
from tallystick.simulation.recording import Leave
from tallystick.simulation.social import mood_of
from tallystick.simulation.town import NEVER, Town

WORK, FAMILY, HOBBY = range(3)
NO_TOPIC = -1
_PER_TOPIC = 1_000
_HOBBY_SIZE = 14
_HOBBY_SHARES = (0.45, 0.20)  # of customers who have a first one, and a second
# Share of members who write on a working day and on a day off, by kind of group.
_DAILY = np.array([[0.27, 0.02], [0.055, 0.09], [0.05, 0.11]])
_SILENT_AFTER_DAYS = 5
_REMOVED_AFTER_DAYS = 14
_REMOVED_DAILY, _BACK_DAILY, _LEAVES_HOBBY_DAILY = 1 / 30, 1 / 5, 0.02 / 30
# Between when and when people write: at work in its hours, elsewhere until late.
_OPEN = np.array([8 * 3600 + 1_800, 7 * 3600, 9 * 3600])
_SHUT = np.array([19 * 3600, 23 * 3600, 86_400 - 600])


class GroupRecorder:
    """The groups of a town with everybody who ever belongs to one; a membership is a position in the arrays."""

    def __init__(self, rng: np.random.Generator, town: Town, *, leave: Leave) -> None:
        self._rng = rng
        self._leave = leave
        people = town.people
        at_work = np.flatnonzero(HAS_EMPLOYER[people.job])
        hobbyist, hobby_group = _draw_hobby_groups(rng, town)
        self._who = np.concatenate([at_work, np.arange(town.count), hobbyist])
        number = np.concatenate([people.employer[at_work], people.family, hobby_group])
        kind = np.repeat([WORK, FAMILY, HOBBY], [len(at_work), town.count, len(hobbyist)])
        self._keep_groups_of_two(kind, number)
        size = len(self._who)
        self._from = people.joined[self._who] + rng.geometric(0.1, size)
        self._is_in = np.zeros(size, dtype=bool)
        self._founded_on = np.full(len(self._groups), NEVER)
        np.minimum.at(self._founded_on, self._group, self._from)

    def _keep_groups_of_two(self, kind: np.ndarray, number: np.ndarray) -> None:
        """A person alone has nobody to write to."""
        _, place, count = np.unique(np.stack([kind, number]), axis=1, return_inverse=True, return_counts=True)
        kept = count[place] > 1
        self._who = self._who[kept]
        self._groups, self._group = np.unique(np.stack([kind, number])[:, kept], axis=1, return_inverse=True)
        self._groups = self._groups.T
        self._kind = kind[kept]

    def begin(self, town: Town, first: int) -> None:
        """The groups that stood before the day ``first``, and who was in them."""
        self._found(town, self._founded_on < first)
        members = np.flatnonzero(self._from < first)
        self._is_in[members] = True
        self._record_members(town, members, is_member=1, day=self._from[members])

    def record_a_day(self, town: Town, day: int) -> None:
        """New groups, who joins and leaves, and who writes."""
        self._found(town, self._founded_on == day)
        draw, idle = self._rng.random(len(self._who)), town.idle_days(day)[self._who]
        is_work = self._kind == WORK
        returns = is_work & (self._from < day) & (idle == 0) & (draw < _BACK_DAILY)
        joins = ~self._is_in & ((self._from == day) | returns)
        removed = is_work & (idle > _REMOVED_AFTER_DAYS) & (draw < _REMOVED_DAILY)
        # Who has left a hobby is not asked again.
        leaves = self._is_in & (removed | ((self._kind == HOBBY) & (draw < _LEAVES_HOBBY_DAILY)))
        self._is_in = (self._is_in | joins) & ~leaves
        for chosen, is_member in ((joins, 1), (leaves, 0)):
            self._record_members(town, np.flatnonzero(chosen), is_member=is_member, day=day)
        self._write(town, day, idle)

    def _write(self, town: Town, day: int, idle: np.ndarray) -> None:
        """Messages of the day: at most one a member and group."""
        is_off = int(is_day_off(day))
        often = _DAILY[self._kind, is_off] * mood_of(town, day)[self._who]
        fading = np.where(idle > 0, np.maximum(np.exp(-idle / _SILENT_AFTER_DAYS), 0.03), 1.0)
        present = np.where(self._leave.is_away(day)[self._who], 0.1, 1.0)
        often *= np.where(self._kind == WORK, fading * present, 1.0)
        at = np.flatnonzero(self._is_in & (self._rng.random(len(often)) < np.minimum(often, 0.9)))
        kind = self._kind[at]
        second = _OPEN[kind] + (self._rng.random(len(at)) * (_SHUT - _OPEN)[kind]).astype(np.int64)
        self._record(town, "group_messages", at, day=day, second=second)

    def _record_members(self, town: Town, at: np.ndarray, *, is_member: int, day: np.ndarray | int) -> None:
        second = self._rng.integers(_OPEN[FAMILY], _SHUT[FAMILY], len(at))
        self._record(town, "group_members", at, day=day, second=second, is_member=is_member)

    def _record(self, town: Town, table: str, at: np.ndarray, *, day: np.ndarray | int, **facts: Value) -> None:
        kind, number = self._groups[self._group[at]].T
        rows: Facts = {"who": self._who[at], "group_kind": kind, "group": number, **facts}
        town.journal.add(table, day, size=len(at), columns=rows)

    def _found(self, town: Town, chosen: np.ndarray) -> None:
        kind, number = self._groups[chosen].T
        topic = np.where(kind == HOBBY, number // _PER_TOPIC, NO_TOPIC)
        rows: Facts = {"group_kind": kind, "group": number, "topic": topic, "second": _OPEN[kind] - 1_800}
        town.journal.add("groups", self._founded_on[chosen], size=len(kind), columns=rows)


def _draw_hobby_groups(rng: np.random.Generator, town: Town) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of a person and a hobby group; neighbours tend to be in the same one."""
    hobbies = town.people.hobbies
    chosen = [np.flatnonzero(rng.random(town.count) < share) for share in _HOBBY_SHARES]
    who = np.concatenate(chosen)
    topic = np.concatenate([hobbies[chosen[0], 0], hobbies[chosen[1], 1]])
    order = np.lexsort((town.people.region[who] + rng.normal(0, 1.5, len(who)), topic))
    who, topic = who[order], topic[order]
    rank = np.arange(len(who)) - np.searchsorted(topic, topic)
    return who, topic * _PER_TOPIC + rank // _HOBBY_SIZE
