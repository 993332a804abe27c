"""What applicants fill in: employer, income, other debts, whom to ask in an emergency, address, telephone, e-mail.

Told with each application, half a minute before it is sent, and never checked. Kept apart from ``lending`` because
nothing is decided by it but the income, which the old rule reads. A telephone or a contact that several applicants give
is a ring, or a family; an employer who is named still may be one of last year.
"""

from __future__ import annotations

import numpy as np

from tallystick.simulation.friendships import FRIEND
from tallystick.simulation.home_facts import BEFORE_SENDING
from tallystick.simulation.households import CHILD
from tallystick.simulation.journal import Facts
from tallystick.simulation.other_lenders import owed_to_others
from tallystick.simulation.people import HAS_EMPLOYER
from tallystick.simulation.town import Town, cut_to

OWNS, RENTS, WITH_FAMILY, DORMITORY = range(4)
NO_EMPLOYER = -1
_NEW_TELEPHONE_DAILY, _NEW_MAIL_DAILY, _NEW_CONTACT = 1 / 1_200, 1 / 1_500, 0.15
_SHARED_TELEPHONE, _SHARED_MAIL, _OLD_ADDRESS = 0.12, 0.06, 0.12
# What somebody is to the applicant who names them; ties of another kind are strangers to the bank.
_CONTACT_WEIGHTS = np.array([4.0, 0.6, 1.6, 0.5])
_STUDENT = 0


class GivenDataRecorder:
    """The telephone, e-mail, address and contact that each person gives at present."""

    def __init__(self, rng: np.random.Generator, town: Town) -> None:
        self._rng = rng
        people, homes, count = town.people, town.homes, town.count
        own = np.arange(count)
        first = np.full(count, count)
        np.minimum.at(first, homes.number, own)
        at_home = first[homes.number]
        self._telephone = np.where(rng.random(count) < _SHARED_TELEPHONE, at_home, own)
        self._mail = np.where(rng.random(count) < _SHARED_MAIL, at_home, own)
        self._address, self._next = homes.number.copy(), count
        self._contact, self._contact_kind = self._draw_contacts(town, own)
        self._share_in_rings(people.ring)
        self._told_share = np.clip(rng.normal(0.6, 0.3, count), 0.0, 1.0)
        self._owns = rng.random(count) < np.clip((town.first_day - people.birth) / 365.25 / 100 + 0.05, 0, 0.6)

    def begin(self, town: Town, first: int) -> None:
        """Nothing: data are given with applications."""

    def record_a_day(self, town: Town, day: int) -> None:
        """Who has a new telephone or e-mail from today, and what today's applicants fill in."""
        draw = self._rng.random((2, town.count))
        daily = (_NEW_TELEPHONE_DAILY, _NEW_MAIL_DAILY)
        for luck, chance, given in zip(draw, daily, (self._telephone, self._mail), strict=True):
            changed = np.flatnonzero(luck < chance)
            given[changed] = self._next + np.arange(len(changed))
            self._next += len(changed)
        asked = town.journal.rows_of("applications", day)
        if asked:
            self._fill_in(town, day, asked)

    def _fill_in(self, town: Town, day: int, asked: dict[str, np.ndarray]) -> None:
        rng, people, who = self._rng, town.people, asked["who"]
        again = who[rng.random(len(who)) < _NEW_CONTACT]
        self._contact[again], self._contact_kind[again] = self._draw_contacts(town, again)
        moved = who[(rng.random(len(who)) >= _OLD_ADDRESS) & (people.ring[who] < 0)]
        self._address[moved] = town.homes.number[moved]
        told_idle = town.told_idle[who]
        works = HAS_EMPLOYER[people.job[who]] & ~told_idle
        rows: Facts = {
            "who": who,
            "number": asked["number"],
            "second": np.maximum(asked["second"] - BEFORE_SENDING, 0),
            "employer": np.where(works, people.employer[who], NO_EMPLOYER),
            "occupation": people.job[who],
            "income": asked["income"],
            "owed": cut_to(self._told_share[who] * owed_to_others(town)[who], 10_000),
            "contact": self._contact[who],
            "contact_kind": self._contact_kind[who],
            "region": town.region[who],
            "address": self._address[who],
            "telephone": self._telephone[who],
            "mail": self._mail[who],
            "housing": self._housing(town, who),
            "seconds": np.clip(np.exp(rng.normal(5.2, 0.5, len(who))), 15, 3_600).astype(np.int64),
        }
        town.journal.add("given_data", day, size=len(who), columns=rows)

    def _housing(self, town: Town, who: np.ndarray) -> np.ndarray:
        role, studies = town.homes.role[who], town.people.job[who] == _STUDENT
        housing = np.where(self._owns[who], OWNS, RENTS)
        return np.where(role == CHILD, WITH_FAMILY, np.where(studies, DORMITORY, housing))

    def _draw_contacts(self, town: Town, who: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Somebody each of these knows, most often of the family, and what they are to the applicant."""
        ties, best = town.people.ties, np.full(town.count, -1.0)
        owner = np.repeat(np.arange(town.count), np.diff(ties.start))
        luck = self._rng.random(len(owner)) ** (1 / _CONTACT_WEIGHTS[ties.kind])
        np.maximum.at(best, owner, luck)
        place = np.zeros(town.count, dtype=np.int64)
        chosen = np.flatnonzero(luck == best[owner])
        place[owner[chosen]] = chosen
        return ties.other[place[who]], ties.kind[place[who]]

    def _share_in_rings(self, ring: np.ndarray) -> None:
        """A ring gives one contact and address; its telephones are bought together and differ."""
        members = np.flatnonzero(ring >= 0)
        first = np.full(int(ring.max(initial=-1)) + 1, len(ring))
        np.minimum.at(first, ring[members], members)
        self._contact[members] = self._contact[first[ring[members]]]
        self._contact_kind[members] = FRIEND
        self._address[members] = self._address[first[ring[members]]]
