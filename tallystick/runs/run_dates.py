"""The business dates that a run observes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from tallystick.observations.dates import date_bounds
from tallystick.spec.sources import Source


@dataclass(frozen=True, slots=True)
class DateRange:
    """Business dates from ``first`` to ``last``, both inclusive; None is no bound."""

    first: date | None = None
    last: date | None = None

    def holds(self, day: date) -> bool:
        """Whether a business date is one of them."""
        return (self.first is None or day >= self.first) and (self.last is None or day <= self.last)

    @property
    def words(self) -> str:
        """The dates as they follow a noun, `` from 2026-03-01 to 2026-03-31``; empty without bounds."""
        told = (("from", self.first), ("to", self.last))
        return "".join(f" {word} {day}" for word, day in told if day is not None)

    def instants(self, source: Source) -> tuple[datetime | None, datetime | None]:
        """The instants that bound the dates in the source's zone: low <= as_of < high."""
        return date_bounds(source, first=self.first, last=self.last)


ALWAYS = DateRange()
