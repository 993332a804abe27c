"""Fraud in one town, day by day: which schemes begin, and what of those under way is done now.

Apart from the schemes, which know nothing of each other. Each has a random stream of its own, and none of them looks
at a later day, so a longer run leaves every earlier row as it was.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tallystick.simulation.fraud import account_schemes, loan_schemes, lookalikes
from tallystick.simulation.fraud.kinds import BUST_OUT, LOOKALIKES_YEARLY, MULE, RING, STRUCTURING, TAKE_OVER, TERMS
from tallystick.simulation.fraud.loan_schemes import Sleepers
from tallystick.simulation.fraud.lookalikes import let_students_move
from tallystick.simulation.fraud.scene import Scene
from tallystick.simulation.fraud.starts import Starts
from tallystick.simulation.town import Town

# Streams of fraud begin here.
_STREAMS = 3_000_001
Begin = Callable[[np.random.Generator, Scene, int], None]
_SCHEMES: dict[int, Begin] = {
    RING: loan_schemes.ring,
    TAKE_OVER: account_schemes.take_over,
    MULE: account_schemes.mule,
    STRUCTURING: account_schemes.structuring,
    BUST_OUT: loan_schemes.bust_out,
}
_LOOKALIKES: dict[int, Begin] = {
    TAKE_OVER: lookalikes.replace_telephone,
    MULE: lookalikes.collect_rent,
    STRUCTURING: lookalikes.move_savings_in,
    BUST_OUT: lookalikes.borrow_for_wedding,
}


class Fraud:
    """All fraud of a town and what resembles it. Make it when the town is founded, before anybody looks at it."""

    def __init__(self, town: Town, seed: int, number: int) -> None:
        def stream(place: int) -> np.random.Generator:
            return np.random.Generator(np.random.PCG64([seed, number, _STREAMS + place]))

        self._scene = Scene(stream(0), town)
        self._sleepers = Sleepers(stream(1), self._scene)
        self._students = stream(2)
        rates = [(begin, TERMS[kind].yearly) for kind, begin in _SCHEMES.items()]
        rates += [(begin, LOOKALIKES_YEARLY[kind]) for kind, begin in _LOOKALIKES.items()]
        self._begins = []
        for place, (begin, yearly) in enumerate(rates):
            rng = stream(10 + place)
            self._begins.append((begin, rng, Starts(rng, town.first_day, yearly=yearly, count=town.count)))

    def begin_a_day(self, day: int) -> None:
        """Let cases begin, mark who takes part in the day's lending, and write what the bank confirms today."""
        self._sleepers.begin(self._scene, day)
        for begin, rng, starts in self._begins:
            for _ in range(starts.due(day)):
                begin(rng, self._scene, day)
        self._scene.mark(day)
        self._scene.book.report(day)
        let_students_move(self._students, self._scene.town, day)

    def act(self, day: int, slot: int) -> None:
        """Do what is planned for this part of the day."""
        self._scene.agenda.make(day, slot)
