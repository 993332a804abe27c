"""A drawn table: rows of events, and columns that say which of them count.

Times are local to the case's zone; a time that exists twice carries its offset. In a table of rows, each column that is
no fact of a row is a window or a date and says ``in`` or nothing.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from zoneinfo import ZoneInfo

FACTS = ("event", "event_at", "known_on", "loaded_on", "retracted")


@dataclass(frozen=True, kw_only=True, slots=True)
class Drawn:
    """A table of rows. ``event`` groups versions of one event; ``loaded_on`` is ``known_on`` where it is not drawn."""

    title: str
    text: str
    zone: str = "Asia/Shanghai"
    table: str

    @property
    def header(self) -> list[str]:
        """The names of the columns."""
        return _cells(self.table.strip().splitlines()[0])

    @property
    def rows(self) -> list[dict[str, str]]:
        """The rows by column."""
        lines = self.table.strip().splitlines()[1:]
        return [dict(zip(self.header, _cells(line), strict=True)) for line in lines]

    @property
    def answers(self) -> list[str]:
        """The columns that say ``in`` or nothing: windows (``7d``, ``7d_prev``) or business dates."""
        return [name for name in self.header if name not in FACTS]

    def instant(self, text: str) -> dt.datetime:
        """A written local time as an instant."""
        moment = dt.datetime.fromisoformat(text)
        return moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(self.zone))


@dataclass(frozen=True, kw_only=True, slots=True)
class Case(Drawn):
    """Rows and, for each window, which of them it holds at ``as_of``."""

    as_of: str
    review_days: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class VersionCase(Drawn):
    """Versions of events and, for each business date, which of them counts at its local midnight."""


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.split("|")]
