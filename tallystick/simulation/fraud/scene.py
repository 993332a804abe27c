"""What all schemes of a town share: who is free, the agenda, the casebook, and strange telephones.

Apart from the schemes so that each of them is only its own story.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from tallystick.simulation.fraud.casebook import Casebook
from tallystick.simulation.fraud.moves import Agenda
from tallystick.simulation.fraud.telephones import StrangeTelephones
from tallystick.simulation.people import NO_SHOP
from tallystick.simulation.town import Town

# Payees at other banks that belong to a case have numbers from here on.
_FIRST_PAYEE = 300_000


class Scene:
    """The state that schemes share; ``busy`` marks people who are in a case or kept for one."""

    def __init__(self, rng: np.random.Generator, town: Town) -> None:
        self.town = town
        self.book = Casebook(rng, town)
        self.agenda = Agenda(rng, town, self.book)
        self.telephones = StrangeTelephones()
        # A shop's takings are booked for hours at once, and nothing can stand between them.
        self.busy = town.people.shop != NO_SHOP
        self._payees = _FIRST_PAYEE
        self._asking: defaultdict[int, list[int]] = defaultdict(list)
        self._refusing: defaultdict[int, list[int]] = defaultdict(list)

    def choose(
        self, rng: np.random.Generator, may: np.ndarray, *, count: int = 1, weight: np.ndarray | None = None
    ) -> tuple[int, ...]:
        """``count`` of the people who ``may`` and are free, and keep them; nobody where there are too few."""
        free = np.flatnonzero(may & ~self.busy)
        if len(free) < count:
            return ()
        chances = None if weight is None else weight[free] / weight[free].sum()
        chosen = rng.choice(free, count, replace=False, p=chances)
        self.busy[chosen] = True
        return tuple(chosen.tolist())

    def new_payee(self) -> int:
        """An account at another bank that nobody has paid before."""
        self._payees += 1
        return self._payees

    def ask(self, day: int, who: int) -> None:
        """Let somebody ask for a loan on this day or one to come."""
        self._asking[day].append(who)

    def refuse(self, day: int, who: int) -> None:
        """Let somebody pay no instalment from this day or one to come on."""
        self._refusing[day].append(who)

    def mark(self, day: int) -> None:
        """Mark for the steps of the day who asks for a loan and who pays no more."""
        marks = self.town.marks
        marks.asks[:] = False
        marks.asks[self._asking.pop(day, [])] = True
        marks.refuses[self._refusing.pop(day, [])] = True


def settled(town: Town, day: int, *, days: int) -> np.ndarray:
    """Who has been with the bank for so many days."""
    is_so: np.ndarray = town.people.joined + days <= day
    return is_so
