"""Telephones of people who are not the customer: their logins, changes and checks of identity.

Apart from ``devices``, which records how customers use their own.
"""

from __future__ import annotations

import numpy as np

from tallystick.simulation.devices import AT_NEW_DEVICE, CHECK_PASSES, next_devices
from tallystick.simulation.journal import Facts
from tallystick.simulation.town import Town

_TAMPERED = 0.35


class StrangeTelephones:
    """The telephones of thieves; one may be used for several victims."""

    def __init__(self) -> None:
        self._last: tuple[int, int] | None = None

    def choose(self, rng: np.random.Generator, town: Town, *, again: float) -> tuple[int, int]:
        """A telephone (its number, and whether it is tampered with): with the chance ``again`` the last one."""
        if self._last is None or rng.random() >= again:
            self._last = int(next_devices(town, 1)[0]), int(rng.random() < _TAMPERED)
        return self._last

    def own(self, town: Town) -> tuple[int, int]:
        """A telephone that a customer buys."""
        return int(next_devices(town, 1)[0]), 0


def use(town: Town, day: int, who: int, *, telephone: tuple[int, int], kind: int, second: int) -> None:
    """Record a login or a change of a customer's account with a telephone."""
    device, tampered = telephone
    rows: Facts = {"who": who, "kind": kind, "device": device, "tampered": tampered, "second": max(second, 0)}
    town.journal.add("devices", day, size=1, columns=rows)


def show_face(town: Town, day: int, who: int, *, telephone: tuple[int, int], score: float, second: int) -> None:
    """Record the check of identity that a new telephone asks for, with a face that matches so well."""
    rows: Facts = {"who": who, "reason": AT_NEW_DEVICE, "device": telephone[0], "score": round(score * 10_000)}
    rows |= {"retries": int(score < CHECK_PASSES), "passed": int(score >= CHECK_PASSES), "second": max(second, 0)}
    town.journal.add("identity_checks", day, size=1, columns=rows)
