"""What an answer rests on that is older than the date it was asked for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, kw_only=True, slots=True)
class Stale:
    """A table whose rows are of an earlier date than the answer needs, and what to run.

    ``held`` is the newest date that it has for the answer, None where it has none; ``wanted`` the date asked for.
    """

    table: str
    held: date | None
    wanted: date
    run: str

    @property
    def days(self) -> int | None:
        """How many days old; None where there is nothing."""
        return (self.wanted - self.held).days if self.held else None

    def __str__(self) -> str:
        if self.held is None:
            return f"{self.table} has nothing for {self.wanted}; run {self.run}"
        days = f"{self.days} day" + ("s" if self.days != 1 else "")
        return f"{self.table} is of {self.held}, {days} before {self.wanted}; run {self.run}"
