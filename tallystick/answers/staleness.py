"""What an answer lacks: tables of an earlier date, features declared otherwise since, tables that nothing filled."""

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


@dataclass(frozen=True, kw_only=True, slots=True)
class Outdated:
    """A table whose rows of ``day`` were made before rows came that were known by that date, and what to run.

    ``newer`` are the tables in which they came, or were made again.
    """

    table: str
    day: date
    newer: tuple[str, ...]
    run: str

    def __str__(self) -> str:
        named = ", ".join(self.newer[:3]) + (f" and {len(self.newer) - 3} more" if len(self.newer) > 3 else "")
        return f"{self.table} of {self.day} was made before rows that count on it came in {named}; run {self.run}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Hindsight:
    """Scores of ``day`` by a model that learned from outcomes known only on a date after the one asked for.

    Nobody could have said them then. No run makes them better: what was said on that date is not stored any more.
    """

    table: str
    day: date
    model: str
    known_by: date

    def __str__(self) -> str:
        learned = f"{self.model} learned from outcomes known on {self.known_by}"
        return f"{self.table} of {self.day} is hindsight: {learned}, so nobody could have said it on the date asked for"


@dataclass(frozen=True, kw_only=True, slots=True)
class Redeclared:
    """Stored features that are declared otherwise by now, or were not declared when their date was computed."""

    table: str
    features: tuple[str, ...]
    run: str

    def __str__(self) -> str:
        named = ", ".join(self.features[:3]) + (", ..." if len(self.features) > 3 else "")
        verb = "feature is" if len(self.features) == 1 else "features are"
        told = f"{len(self.features)} {verb} declared otherwise than when they were stored ({named})"
        return f"{self.table}: {told}; run {self.run}"


@dataclass(frozen=True, kw_only=True, slots=True)
class NotEvaluated:
    """A table without any row of the source, what fills it, and the setting by which it is filled each night."""

    table: str
    run: str
    setting: str

    def __str__(self) -> str:
        return f"{self.table}: run {self.run}; each night where {self.setting}"
