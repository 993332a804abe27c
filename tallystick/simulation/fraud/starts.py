"""When cases begin: evenly over the years, at random within each span that has room for one.

Apart from the schemes because it must not know how long a run is. A span is as long as it takes the town to have one
case on average, so a town of 2,000 has every kind in its first year, and a small one mostly none.
"""

from __future__ import annotations

import numpy as np

# The first days are left alone: the bank does not lend yet, and little is known about anybody.
QUIET_DAYS = 75


class Starts:
    """The days on which cases of one kind begin; ``yearly`` of them for each 1,000 of ``count`` customers."""

    def __init__(self, rng: np.random.Generator, first: int, *, yearly: float, count: int) -> None:
        self._rng = rng
        self._gap = 365_000 / (yearly * count)
        self._begin = first + QUIET_DAYS
        self._spans = 0
        self._next = self._draw()

    def due(self, day: int) -> int:
        """How many cases begin on this day. Ask for every day, in the order of time."""
        begin = 0
        while self._next <= day:
            begin += 1
            self._next = self._draw()
        return begin

    def _draw(self) -> int:
        at = self._begin + (self._spans + self._rng.random()) * self._gap
        self._spans += 1
        return int(at)
