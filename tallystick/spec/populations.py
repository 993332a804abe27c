"""The kinds of observation sets: of events, open rows, customers by day or on listed dates, and of a given file.

Apart from ``observations``, which gives a population its name, its key and its date of decision.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import ClassVar, TypeAlias

from tallystick.errors import DeclarationError
from tallystick.spec.field_types import check_types

# A run that names no dates observes at most so many days: ten years.
MOST_DAYS = 3660


@dataclass(frozen=True, kw_only=True, slots=True)
class Rows:
    """One observation per event of ``table``: an application, a transfer, a login. ``as_of`` is its ``event_at``.

    The version that was decided on counts: of those that come into force at all, in the order of delivery, the first
    whose local date of ``event_at`` comes before the next one is in force. A correction that came later changes neither
    the observation nor its columns. An event whose decided version is a retraction is not observed. ``where`` is a
    condition on that version (``spec.expressions``); null counts as not holding.
    """

    table: str
    where: str = ""

    kind: ClassVar[str] = "rows"

    def __post_init__(self) -> None:
        check_types(self, where=self.kind)

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables that observations are drawn from."""
        return (self.table,)


@dataclass(frozen=True, kw_only=True, slots=True)
class RowsAfter:
    """One observation per event of ``table``, like Rows, but ``as_of`` is the microsecond after its ``event_at``.

    For a review of what has been done already: features see the event itself, so that whether its payee is new, and how
    many came before it within minutes, are features like others. The version that was decided on and ``where`` are
    those of Rows.
    """

    table: str
    where: str = ""

    kind: ClassVar[str] = "rows_after"

    def __post_init__(self) -> None:
        check_types(self, where=self.kind)

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables that observations are drawn from."""
        return (self.table,)


@dataclass(frozen=True, kw_only=True, slots=True)
class RowsAtMidnight:
    """One observation per event of ``table``, like Rows, but ``as_of`` is the local midnight that begins its date.

    What a score of the night before knew: features see nothing of the event's own day. The version that was decided on
    is the same as for Rows, and so are ``where`` and the date of the observation. An event at midnight is observed at
    its own instant.
    """

    table: str
    where: str = ""

    kind: ClassVar[str] = "rows_at_midnight"

    def __post_init__(self) -> None:
        check_types(self, where=self.kind)

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables that observations are drawn from."""
        return (self.table,)


@dataclass(frozen=True, kw_only=True, slots=True)
class MonthEnds:
    """Each row of ``table`` at the end of each month while it is open: the book of loans or accounts.

    ``as_of`` is the local midnight that begins the next month, so the month is seen whole. A row is observed when, at
    that midnight, it happened, is known, is not retracted and is open. It is open unless the date column ``closed_on``
    of the version in force holds a date before the local date of ``as_of``: what was closed on the last day of a month
    is not observed at its end, and what the bank learns later closes nothing before. Without ``closed_on`` a row stays
    open. ``where`` is a condition on the version in force and on ``mob``, the whole months since its ``event_at`` (null
    counts as not holding), such as ``mob <= term_months``.
    """

    table: str
    closed_on: str = ""
    where: str = ""

    kind: ClassVar[str] = "month_ends"

    def __post_init__(self) -> None:
        check_types(self, where=self.kind)

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables that observations are drawn from."""
        return (self.table,)


@dataclass(frozen=True, kw_only=True, slots=True)
class Nights:
    """Each row of ``table`` at every local midnight of the run's dates while it is open: the book, night after night.

    As MonthEnds in all but the dates: ``as_of`` is the local midnight that begins a date. ``mob`` counts whole months
    from the local date of ``event_at``; months clamp, so from 31 January one is over on 28 February. A run that names
    no dates observes the last ``days`` business dates, ending with the date of the last load.
    """

    table: str
    closed_on: str = ""
    where: str = ""
    days: int = 1

    kind: ClassVar[str] = "nights"

    def __post_init__(self) -> None:
        check_types(self, where=self.kind)
        _check_days(self.days, where=self.kind)

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables that observations are drawn from."""
        return (self.table,)


@dataclass(frozen=True, kw_only=True, slots=True)
class Customers:
    """Every customer with a visible row in any of ``tables``, at every local midnight of the run's dates.

    Only the tables that are named here count, so a new clean table changes no day that is stored. A run that names no
    dates observes the last ``days`` business dates, ending with the date of the last load.
    """

    tables: tuple[str, ...]
    days: int = 1

    kind: ClassVar[str] = "customers"

    def __post_init__(self) -> None:
        check_types(self, where=self.kind)
        object.__setattr__(self, "tables", _sorted_tables(self.tables))
        _check_days(self.days, where=self.kind)


@dataclass(frozen=True, kw_only=True, slots=True)
class Nodes:
    """Every customer with a visible row in any of ``tables``, at the local midnight of each of ``dates``."""

    tables: tuple[str, ...]
    dates: tuple[date, ...]

    kind: ClassVar[str] = "nodes"

    def __post_init__(self) -> None:
        check_types(self, where=self.kind)
        object.__setattr__(self, "tables", _sorted_tables(self.tables))
        if not self.dates:
            raise DeclarationError("no date is listed", where="nodes", fix="dates=(date(2026, 3, 1),)")
        object.__setattr__(self, "dates", tuple(sorted(set(self.dates))))


@dataclass(frozen=True, kw_only=True, slots=True)
class Given:
    """The observations of a file or table that a run names: its column ``key`` of the set, ``customer_id`` and
    ``as_of``, which holds instants with an offset, or dates, which mean their local midnights.
    """

    as_of: str = "as_of"

    kind: ClassVar[str] = "given"

    def __post_init__(self) -> None:
        check_types(self, where=self.kind)
        if not self.as_of:
            raise DeclarationError("no column of instants is named", where=self.kind, fix="as_of='as_of'")

    @property
    def tables(self) -> tuple[str, ...]:
        """None: nothing is drawn from clean tables."""
        return ()


def _check_days(days: int, *, where: str) -> None:
    if not 1 <= days <= MOST_DAYS:
        raise DeclarationError(f"days = {days} is out of range", where=where, fix=f"1 to {MOST_DAYS}")


def _sorted_tables(tables: Iterable[str]) -> tuple[str, ...]:
    if not tables:
        raise DeclarationError("no table is named", where="observation set", fix="tables=('clean.accounts',)")
    return tuple(sorted(set(tables)))


Population: TypeAlias = Rows | RowsAfter | RowsAtMidnight | MonthEnds | Nights | Customers | Nodes | Given

# The kinds that have a table of their own, whose rows they observe; and those of them whose rows stay open for a while.
OF_ROWS = (Rows, RowsAfter, RowsAtMidnight, MonthEnds, Nights)
OF_OPEN = (MonthEnds, Nights)
# Those that observe an event once, on the date of the event.
OF_EVENTS = (Rows, RowsAfter, RowsAtMidnight)
