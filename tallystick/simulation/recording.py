"""What more than the core the bank records of a town: recorders, each with a random stream of its own.

Kept apart from the steps of a day because a recorder only looks. It never changes the town and never draws from the
town's stream, so whatever is recorded beside it, lives, money and loans stay as they are.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from tallystick.simulation.town import Town

_LEAVES_YEARLY = 2.2


class Recorder(Protocol):
    """Adds rows of its own tables to the town's journal, day by day."""

    def begin(self, town: Town, first: int) -> None:
        """Record what was there before the day ``first``."""

    def record_a_day(self, town: Town, day: int) -> None:
        """Record the day ``day``, after everything else of it happened."""


class Leave:
    """Holidays of people with work: five to fourteen days, about twice a year. They are no sign of anything.

    All recorders see the same ones. Ask for every day, in the order of time.
    """

    def __init__(self, rng: np.random.Generator, count: int) -> None:
        self._rng = rng
        self._day = -(1 << 30)
        self._until = np.full(count, self._day)

    def is_away(self, day: int) -> np.ndarray:
        """Who is away on this day."""
        if day > self._day:
            self._day = day
            draw, days = self._rng.random(len(self._until)), self._rng.integers(5, 15, len(self._until))
            starts = (day > self._until) & (draw < _LEAVES_YEARLY / 365)
            self._until = np.where(starts, day + days - 1, self._until)
        away: np.ndarray = day <= self._until
        return away
