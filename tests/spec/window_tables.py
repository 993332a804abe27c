"""Drawn tables of what a window holds: each is checked on every engine and printed into docs/windows.md.

``python -m tests.spec.window_tables > docs/windows.md`` prints them; ``test_windows.py`` checks them.

Times are local to the case's zone; a time that exists twice carries its offset. In a table of rows, each column after
``known_on`` is a window and says ``in`` or nothing.
"""

from __future__ import annotations

import datetime as dt
import sys
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


@dataclass(frozen=True, kw_only=True, slots=True)
class VersionCase(Drawn):
    """Versions of events and, for each business date, which of them counts at its local midnight."""


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.split("|")]


CASES = (
    Case(
        title="The edges of a window",
        text="A window is half-open: an event exactly at its far edge is in, one exactly at `as_of` is out. A row also"
        " has to be known: `known_on` not after the date of `as_of`. `7d` before a midnight is the seven whole days"
        " before it.",
        as_of="2026-03-10 00:00",
        table="""
            event_at                   | known_on   | 7d
            2026-03-03 00:00           | 2026-03-04 | in
            2026-03-02 23:59:59.999999 | 2026-03-03 |
            2026-03-09 23:59           | 2026-03-10 | in
            2026-03-09 23:59           | 2026-03-11 |
            2026-03-10 00:00           | 2026-03-10 |
        """,
    ),
    Case(
        title="An `as_of` inside a day",
        text="Both edges are exact to the microsecond; the date of `as_of` decides what is known.",
        as_of="2026-03-10 15:30",
        table="""
            event_at                   | known_on   | 1d | 7d
            2026-03-03 15:29:59.999999 | 2026-03-04 |    |
            2026-03-03 15:30           | 2026-03-04 |    | in
            2026-03-09 15:29:59.999999 | 2026-03-10 |    | in
            2026-03-09 15:30           | 2026-03-10 | in | in
            2026-03-10 09:00           | 2026-03-10 | in | in
            2026-03-10 09:00           | 2026-03-11 |    |
            2026-03-10 15:29:59.999999 | 2026-03-10 | in | in
            2026-03-10 15:30           | 2026-03-10 |    |
        """,
    ),
    Case(
        title="The window before",
        text="`_prev` is the same span again: `[as_of - 2w, as_of - w)`. Window `all` begins at the first visible"
        " event and has no window before it.",
        as_of="2026-03-10 00:00",
        table="""
            event_at                   | known_on   | 7d | 7d_prev | all
            2015-01-01 00:00           | 2015-01-02 |    |         | in
            2026-02-23 23:59:59.999999 | 2026-02-24 |    |         | in
            2026-02-24 00:00           | 2026-02-25 |    | in      | in
            2026-03-02 23:59:59.999999 | 2026-03-03 |    | in      | in
            2026-03-03 00:00           | 2026-03-04 | in |         | in
            2026-03-03 00:00           | 2026-03-11 |    |         |
        """,
    ),
    Case(
        title="Months clamp to their last day",
        text="A month back is the same day of the month before, or that month's last day. The window before is counted"
        " from `as_of`, not from the clamped edge.",
        as_of="2026-03-31 00:00",
        table="""
            event_at         | known_on   | 1m | 1m_prev | 12m
            2025-03-30 23:59 | 2025-03-31 |    |         |
            2025-03-31 00:00 | 2025-04-01 |    |         | in
            2026-01-30 23:59 | 2026-01-31 |    |         | in
            2026-01-31 00:00 | 2026-02-01 |    | in      | in
            2026-02-27 23:59 | 2026-02-28 |    | in      | in
            2026-02-28 00:00 | 2026-03-01 | in |         | in
            2026-03-30 23:59 | 2026-03-31 | in |         | in
        """,
    ),
    Case(
        title="A leap year",
        text="Twelve months before 29 February end on 28 February.",
        as_of="2024-02-29 00:00",
        table="""
            event_at         | known_on   | 12m | 365d
            2023-02-27 23:59 | 2023-02-28 |     |
            2023-02-28 00:00 | 2023-03-01 | in  |
            2023-03-01 00:00 | 2023-03-02 | in  | in
        """,
    ),
    Case(
        title="Days are those of the business zone",
        text="In Shanghai 10 March begins at 16:00 UTC of 9 March: `as_of` and all edges are local midnights.",
        as_of="2026-03-09 16:00+00:00",
        table="""
            event_at                         | known_on   | 1d
            2026-03-08 15:59:59.999999+00:00 | 2026-03-09 |
            2026-03-08 16:00+00:00           | 2026-03-09 | in
            2026-03-09 15:59:59.999999+00:00 | 2026-03-10 | in
            2026-03-09 16:00+00:00           | 2026-03-10 |
        """,
    ),
    Case(
        title="The clock goes forward",
        text="Days are counted on the wall clock: one day before noon is noon, though 23 hours have passed. An edge at"
        " a time that does not exist moves forward by the length of the gap: 02:30 becomes 03:30.",
        zone="Europe/Prague",
        as_of="2024-04-01 02:30",
        table="""
            event_at                   | known_on   | 1d | 2d
            2024-03-30 02:29:59.999999 | 2024-03-30 |    |
            2024-03-30 02:30           | 2024-03-30 |    | in
            2024-03-31 01:59           | 2024-03-31 |    | in
            2024-03-31 03:00           | 2024-03-31 |    | in
            2024-03-31 03:29:59.999999 | 2024-03-31 |    | in
            2024-03-31 03:30           | 2024-03-31 | in | in
        """,
    ),
    Case(
        title="A midnight that does not exist",
        text="In Santiago 8 September 2024 begins at 01:00, for the clock skips the hour before. An `as_of` at the"
        " instant at which a date begins stands for its midnight: the days before it are whole.",
        zone="America/Santiago",
        as_of="2024-09-08 01:00",
        table="""
            event_at                   | known_on   | 1d | 7d
            2024-08-31 23:59:59.999999 | 2024-09-01 |    |
            2024-09-01 00:00           | 2024-09-02 |    | in
            2024-09-06 23:59:59.999999 | 2024-09-07 |    | in
            2024-09-07 00:00           | 2024-09-08 | in | in
            2024-09-07 23:59:59.999999 | 2024-09-08 | in | in
            2024-09-08 01:00           | 2024-09-08 |    |
        """,
    ),
    Case(
        title="The clock goes back",
        text="An edge at a time that exists twice is the first of the two.",
        zone="Europe/Prague",
        as_of="2024-10-28 02:30",
        table="""
            event_at                         | known_on   | 1d
            2024-10-27 02:29:59.999999+02:00 | 2024-10-27 |
            2024-10-27 02:30+02:00           | 2024-10-27 | in
            2024-10-27 02:29+01:00           | 2024-10-27 | in
            2024-10-27 02:30+01:00           | 2024-10-27 | in
        """,
    ),
    Case(
        title="Corrections",
        text="Per event the version in force on the date of `as_of` is chosen first, then its time is looked at: a"
        " version that moves out of the window takes the event with it, and one that moves behind `as_of` does so, too."
        " A retracted version ends the event. A version known later changes nothing.",
        as_of="2026-03-10 00:00",
        table="""
            event     | event_at         | known_on   | retracted | 7d
            moved out | 2026-03-05 12:00 | 2026-03-06 |           |
            moved out | 2026-02-05 12:00 | 2026-03-08 |           |
            moved in  | 2026-02-05 12:00 | 2026-02-06 |           |
            moved in  | 2026-03-05 12:00 | 2026-03-10 |           | in
            put off   | 2026-03-05 12:00 | 2026-03-06 |           |
            put off   | 2026-03-12 12:00 | 2026-03-08 |           |
            too late  | 2026-03-05 12:00 | 2026-03-06 |           | in
            too late  | 2026-02-05 12:00 | 2026-03-11 |           |
            retracted | 2026-03-05 12:00 | 2026-03-06 |           |
            retracted | 2026-03-05 12:00 | 2026-03-09 | yes       |
            came back | 2026-03-05 12:00 | 2026-03-06 |           |
            came back | 2026-03-05 12:00 | 2026-03-07 | yes       |
            came back | 2026-03-05 12:00 | 2026-03-08 |           | in
        """,
    ),
)

VERSIONS = (
    VersionCase(
        title="Which version is in force",
        text="Versions of an event are ordered by delivery: by `loaded_on`, within one load by `known_on`. On a"
        " business date the version in force is, among those with `known_on` not after it, the one that was delivered"
        " last. So a correction or a retraction wins from its own `known_on` on, whatever date the older version"
        " named.",
        table="""
            event           | event_at         | known_on   | loaded_on  | retracted | 03-05 | 03-06 | 03-08 | 03-11
            corrected       | 2026-03-01 12:00 | 2026-03-05 | 2026-03-05 |           | in    | in    |       |
            corrected       | 2026-03-01 12:00 | 2026-03-08 | 2026-03-08 |           |       |       | in    | in
            corrected twice | 2026-03-01 12:00 | 2026-03-05 | 2026-03-05 |           | in    |       |       |
            corrected twice | 2026-03-01 12:00 | 2026-03-06 | 2026-03-06 |           |       | in    |       |
            corrected twice | 2026-03-01 12:00 | 2026-03-08 | 2026-03-08 |           |       |       | in    | in
            taken back      | 2026-03-01 12:00 | 2026-03-05 | 2026-03-05 |           | in    |       |       |
            taken back      | 2026-03-01 12:00 | 2026-03-06 | 2026-03-06 | yes       |       |       |       |
            sent again      | 2026-03-01 12:00 | 2026-03-05 | 2026-03-05 |           | in    |       |       |
            sent again      | 2026-03-01 12:00 | 2026-03-06 | 2026-03-06 | yes       |       |       |       |
            sent again      | 2026-03-01 12:00 | 2026-03-08 | 2026-03-08 |           |       |       | in    | in
        """,
    ),
    VersionCase(
        title="A date after the load",
        text="A row may name a date after its own load: a value date of next week. What the next night says of it"
        " counts all the same, from its own `known_on` on, before and after the date that was named first.",
        table="""
            event           | event_at         | known_on   | loaded_on  | retracted | 03-05 | 03-06 | 03-08 | 03-11
            other amount    | 2026-03-07 12:00 | 2026-03-08 | 2026-03-05 |           |       |       |       |
            other amount    | 2026-03-07 12:00 | 2026-03-08 | 2026-03-06 |           |       |       | in    | in
            brought forward | 2026-03-10 12:00 | 2026-03-11 | 2026-03-05 |           |       |       |       |
            brought forward | 2026-03-01 12:00 | 2026-03-06 | 2026-03-06 |           |       | in    | in    | in
            put off         | 2026-03-05 12:00 | 2026-03-06 | 2026-03-05 |           |       | in    | in    |
            put off         | 2026-03-10 12:00 | 2026-03-11 | 2026-03-06 |           |       |       |       | in
            taken back      | 2026-03-07 12:00 | 2026-03-08 | 2026-03-05 |           |       |       |       |
            taken back      | 2026-03-07 12:00 | 2026-03-06 | 2026-03-06 | yes       |       |       |       |
            taken back late | 2026-03-05 12:00 | 2026-03-06 | 2026-03-05 |           |       | in    | in    |
            taken back late | 2026-03-05 12:00 | 2026-03-11 | 2026-03-06 | yes       |       |       |       |
        """,
    ),
    VersionCase(
        title="Loads of history that correct each other",
        text="In the loads of a history `known_on` lies before `loaded_on`, by the rule of the source. The load that"
        " came last is right, from the date that its row names; of rows of one load the later `known_on` replaces the"
        " earlier one. The same `known_on` in two loads is no conflict.",
        table="""
            event           | event_at         | known_on   | loaded_on  | retracted | 03-05 | 03-06 | 03-08 | 03-11
            other amount    | 2026-03-01 12:00 | 2026-03-05 | 2026-03-20 |           |       |       |       |
            other amount    | 2026-03-01 12:00 | 2026-03-05 | 2026-03-21 |           | in    | in    | in    | in
            earlier         | 2026-03-01 12:00 | 2026-03-08 | 2026-03-20 |           |       |       |       |
            earlier         | 2026-03-01 12:00 | 2026-03-06 | 2026-03-21 |           |       | in    | in    | in
            later           | 2026-03-01 12:00 | 2026-03-05 | 2026-03-20 |           | in    | in    |       |
            later           | 2026-03-01 12:00 | 2026-03-08 | 2026-03-21 |           |       |       | in    | in
            three loads     | 2026-03-01 12:00 | 2026-03-05 | 2026-03-20 |           | in    |       |       |
            three loads     | 2026-03-01 12:00 | 2026-03-08 | 2026-03-21 |           |       |       |       |
            three loads     | 2026-03-01 12:00 | 2026-03-06 | 2026-03-22 |           |       | in    | in    | in
            taken back      | 2026-03-01 12:00 | 2026-03-05 | 2026-03-20 |           | in    |       |       |
            taken back      | 2026-03-01 12:00 | 2026-03-08 | 2026-03-20 |           |       |       |       |
            taken back      | 2026-03-01 12:00 | 2026-03-06 | 2026-03-21 | yes       |       |       |       |
            one load        | 2026-03-01 12:00 | 2026-03-05 | 2026-03-20 |           | in    | in    |       |
            one load        | 2026-03-01 12:00 | 2026-03-08 | 2026-03-20 |           |       |       | in    | in
        """,
    ),
)


def print_page() -> str:
    """The text of docs/windows.md."""
    parts = [
        "# What a window holds",
        "",
        "Printed from the tables that the tests check on the kernel and on the oracle: tests/spec/window_tables.py.",
    ]
    for case in (*CASES, *VERSIONS):
        times = "all times local" if "+" not in case.table else "times local, or with their offset"
        when = f"`as_of` {case.as_of}" if isinstance(case, Case) else "In force at midnight of a date of 2026"
        parts += ["", f"## {case.title}", "", case.text, "", f"{when}, {case.zone}, {times}:", ""]
        parts.append("| " + " | ".join(case.header) + " |")
        parts.append("|" + " --- |" * len(case.header))
        parts += ["| " + " | ".join(row[name] for name in case.header) + " |" for row in case.rows]
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    sys.stdout.write(print_page())
