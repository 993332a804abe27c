"""Fraud with loans: device farms, synthetic identities, rings, bust-out.

Who takes part in the first two was never an ordinary customer, so they are chosen when the town is founded and live
from the day they join; the others were ordinary until their case begins.
"""

from __future__ import annotations

import numpy as np

from tallystick.simulation.fraud.casebook import Case
from tallystick.simulation.fraud.kinds import BUST_OUT, DEVICE_FARM, PERPETRATOR, RING, SYNTHETIC, TERMS
from tallystick.simulation.fraud.moves import AFTERNOON, DUSK, EARLY, LATE, NOON, Move
from tallystick.simulation.fraud.scene import Scene, settled
from tallystick.simulation.fraud.starts import Starts
from tallystick.simulation.journal import Facts
from tallystick.simulation.people import HAS_EMPLOYER, JOIN_SPAN_DAYS
from tallystick.simulation.town import ADDRESS, CASH, GUARANTOR, MOBILE, TRANSFER, Town

# The most that is sent on at once (fen), and for how many days whatever comes is.
_MOST, _DRAINED_DAYS = 30_000_000, 12
_JOIN_BEFORE, _ASK_AFTER = 70, 48


class Sleepers:
    """People who joined for the fraud alone: by the day of their case, in the order of time.

    They ask nobody for anything until then; the day on which they join is chosen for the case.
    """

    def __init__(self, rng: np.random.Generator, scene: Scene) -> None:
        self._rng = rng
        town = scene.town
        self._cases: list[tuple[int, int, tuple[int, ...]]] = []
        for kind in (DEVICE_FARM, SYNTHETIC):
            starts = Starts(rng, town.first_day, yearly=TERMS[kind].yearly, count=town.count)
            for day in range(town.first_day, town.first_day + JOIN_SPAN_DAYS):
                for _ in range(starts.due(day)):
                    self._cast(scene, kind=kind, day=day)

    def _cast(self, scene: Scene, *, kind: int, day: int) -> None:
        rng, town = self._rng, scene.town
        people = town.people
        later = people.joined >= town.first_day
        alone = later & ~HAS_EMPLOYER[people.job] & (people.ring < 0)
        size = int(rng.integers(5, 9)) if kind == DEVICE_FARM else 1
        members = scene.choose(rng, alone if kind == SYNTHETIC else later & (people.ring < 0), count=size)
        if not members:
            return
        who = np.array(members)
        earliest = day - _JOIN_BEFORE - (0 if kind == DEVICE_FARM else int(rng.integers(0, 120)))
        people.joined[who] = np.maximum(earliest + rng.integers(0, 20, size), town.first_day)
        people.warmth[who] *= 0.15
        people.thrift[who] = np.maximum(people.thrift[who], 0.8)
        town.marks.borrowed[who] = 0.10 if kind == DEVICE_FARM else 0.16
        if kind == DEVICE_FARM:
            # Some farms use two telephones.
            town.marks.shares[who] = int(who.min()) + (np.arange(size) >= 5) * (who.max() - who.min())
        self._cases.append((day, kind, members))

    def begin(self, scene: Scene, day: int) -> None:
        """Let the cases of this day ask for loans, and send on what they get."""
        for _, kind, members in [case for case in self._cases if case[0] == day]:
            case = scene.book.open(day, members, kind=kind, role=PERPETRATOR)
            if kind == DEVICE_FARM and self._rng.random() < 0.5:
                _tie(self._rng, scene.town, day, case, kind=ADDRESS)
            _default_together(self._rng, scene, case, asks_on=day)


def ring(rng: np.random.Generator, scene: Scene, day: int) -> None:
    """People behind one telephone send money round, vouch for each other in a circle, borrow, and pay nothing back."""
    groups = scene.town.people.ring
    free = (groups >= 0) & ~scene.busy & settled(scene.town, day, days=_ASK_AFTER)
    known, sizes = np.unique(groups[free], return_counts=True)
    if not (sizes >= 3).any():
        return
    members = tuple(np.flatnonzero(free & (groups == rng.choice(known[sizes >= 3]))).tolist())
    scene.busy[list(members)] = True
    case = scene.book.open(day, members, kind=RING, role=PERPETRATOR)
    asks_on = day + int(rng.integers(8, 25))
    for round_on in range(day, asks_on - 1, 6):
        share = float(rng.uniform(0.3, 0.6))
        for place, who in enumerate(members):
            slot, later = (EARLY, NOON, AFTERNOON, DUSK, LATE)[place % 5], place // 5
            to, amount = members[(place + 1) % len(members)], 400_000 - 12_000 * place
            move = Move(case=case, who=who, to=to, amount=amount, share=share, unit=1_000)
            scene.agenda.plan(round_on + later, slot, move)
    _tie(rng, scene.town, day, case, kind=GUARANTOR)
    _default_together(rng, scene, case, asks_on=asks_on)


def bust_out(rng: np.random.Generator, scene: Scene, day: int) -> None:
    """A good customer of long standing takes every loan that can be had within days, spends it all, and is gone."""
    loans, people = scene.town.loans, scene.town.people
    owes = np.bincount(loans.who[loans.is_open & (loans.due < day)], minlength=people.count) > 0
    good = settled(scene.town, day, days=150) & (people.will > 0.7) & ~owes & (people.ring < 0)
    members = scene.choose(rng, good)
    if members:
        case = scene.book.open(day, members, kind=BUST_OUT, role=PERPETRATOR)
        _default_together(rng, scene, case, asks_on=day)


def _default_together(rng: np.random.Generator, scene: Scene, case: Case, *, asks_on: int) -> None:
    """Ask within days, send on whatever comes to one payee, pay nothing. A bust-out asks again and again."""
    payee, members = scene.new_payee(), case.members
    for who, later in zip(members, rng.integers(0, 1 if len(members) == 1 else 3, len(members)).tolist(), strict=True):
        begin = asks_on + later
        for again in range(3 if case.kind == BUST_OUT else 1):
            scene.ask(begin + again, who)
        scene.refuse(begin, who)
        for at in range(begin, begin + _DRAINED_DAYS):
            way, share = rng.random(), float(rng.uniform(0.85, 0.97))
            channel = CASH if way < 0.2 else TRANSFER if way < 0.6 else MOBILE
            out = Move(
                case=case,
                who=who,
                amount=_MOST,
                share=share,
                unit=10_000,
                channel=channel,
                payee=payee,
                is_purchase=way > 0.8,
                least=100_000,
            )
            scene.agenda.plan(at, int(rng.choice([DUSK, LATE])), out)
    scene.book.close(case, asks_on + _DRAINED_DAYS)


def _tie(rng: np.random.Generator, town: Town, day: int, case: Case, *, kind: int) -> None:
    """Let the bank learn of ties between neighbours in the circle of members."""
    members = np.array(case.members)
    rows: Facts = {"who": members, "other": np.roll(members, -1), "kind": kind}
    rows |= {"second": rng.integers(9 * 3600, 17 * 3600, len(members))}
    town.journal.add("relations", day, size=len(members), columns=rows)
