"""Drawn tables of what a window holds. ``window_tables`` prints them."""

from __future__ import annotations

from tests.spec.drawn_tables import Case

CASES = (
    Case(
        title="The edges of a window",
        text="A window begins at its far edge and ends at `as_of`. An event exactly at the far edge is in; an event"
        " exactly at `as_of` is out. A row must also be known: its `known_on` is not after the date of `as_of`. If"
        " `as_of` is a midnight, `7d` is the seven whole days before it.",
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
        text="Both edges are exact to the microsecond. The date of `as_of`, not its time, decides which rows are"
        " known.",
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
        text="The ending `_prev` names the window of the same length w directly before: `[as_of - 2w, as_of - w)`. The"
        " window `all` holds every earlier known event and has no window before it.",
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
        title="Months of different length",
        text="One month before a date is the same day of the month before. If that month has no such day, it is the"
        " month's last day. `1m_prev` begins two months before `as_of`, not one month before the edge of `1m`.",
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
        title="Whole calendar months",
        text="`Months` looks at whole calendar months ([features](features.md#calendar-months)): `month 1` is the last"
        " one that is over, `month 2` the one before. The month that contains `as_of` is not over, on its last day"
        " neither.",
        as_of="2026-03-31 23:59",
        table="""
            event_at                   | known_on   | month 1 | month 2
            2025-12-31 23:59:59.999999 | 2026-01-01 |         |
            2026-01-01 00:00           | 2026-01-02 |         | in
            2026-01-31 23:59:59.999999 | 2026-02-01 |         | in
            2026-01-31 12:00           | 2026-04-01 |         |
            2026-02-01 00:00           | 2026-03-31 | in      |
            2026-02-28 23:59:59.999999 | 2026-03-01 | in      |
            2026-03-01 00:00           | 2026-03-02 |         |
            2026-03-31 12:00           | 2026-03-31 |         |
        """,
    ),
    Case(
        title="The first instant of a month",
        text="At the local midnight with which a month begins, the month before is over. Its edges are local midnights,"
        " on whatever day the clock is changed.",
        zone="Europe/Prague",
        as_of="2024-04-01 00:00",
        table="""
            event_at                   | known_on   | month 1 | month 2
            2024-01-31 23:59:59.999999 | 2024-02-01 |         |
            2024-02-01 00:00           | 2024-02-02 |         | in
            2024-02-29 23:59:59.999999 | 2024-03-01 |         | in
            2024-03-01 00:00           | 2024-03-02 | in      |
            2024-03-31 03:00           | 2024-04-01 | in      |
            2024-03-31 23:59:59.999999 | 2024-04-01 | in      |
            2024-03-31 23:59:59.999999 | 2024-04-02 |         |
        """,
    ),
    Case(
        title="A leap year",
        text="Twelve months before 29 February is 28 February.",
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
        text="A day begins at the local midnight of the source's time zone. In Shanghai 10 March begins at 16:00 UTC"
        " on 9 March. Here `as_of` and both edges are local midnights.",
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
        text="Days are counted on the wall clock: one day before noon is noon, even if only 23 hours lie between them."
        " If an edge falls on a time that the clock skips, it moves forward by the length of the gap: 02:30 becomes"
        " 03:30.",
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
        text="In Santiago 8 September 2024 begins at 01:00, because the clock skips the hour before. An `as_of` at the"
        " first instant of a date counts as its midnight, so the windows before it hold whole days.",
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
        text="If an edge falls on a time that exists twice, the first of the two counts.",
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
        title="Minutes and hours",
        text="`10min`, `1h` and `24h` are time that has passed before `as_of`, exact to the microsecond, on whatever"
        " date it began. Whole hours are written as hours.",
        as_of="2026-03-10 00:05",
        table="""
            event_at                   | known_on   | 10min | 10min_prev | 1h | 24h
            2026-03-09 00:04:59.999999 | 2026-03-10 |       |            |    |
            2026-03-09 00:05           | 2026-03-10 |       |            |    | in
            2026-03-09 23:05           | 2026-03-10 |       |            | in | in
            2026-03-09 23:44:59.999999 | 2026-03-10 |       |            | in | in
            2026-03-09 23:45           | 2026-03-10 |       | in         | in | in
            2026-03-09 23:55           | 2026-03-10 | in    |            | in | in
            2026-03-09 23:56           | 2026-03-11 |       |            |    |
            2026-03-10 00:04           | 2026-03-10 | in    |            | in | in
            2026-03-10 00:05           | 2026-03-10 |       |            |    |
        """,
    ),
    Case(
        title="Hours when the clock is changed",
        text="The wall clock does not count for hours: `24h` before 12:00 is 11:00 where the clock has gone forward"
        " since, while `1d` before it is 12:00.",
        zone="Europe/Prague",
        as_of="2024-03-31 12:00",
        table="""
            event_at                   | known_on   | 24h | 1d
            2024-03-30 10:59:59.999999 | 2024-03-30 |     |
            2024-03-30 11:00           | 2024-03-30 | in  |
            2024-03-30 11:59:59.999999 | 2024-03-30 | in  |
            2024-03-30 12:00           | 2024-03-30 | in  | in
            2024-03-31 01:59           | 2024-03-31 | in  | in
        """,
    ),
    Case(
        title="An hour that comes twice",
        text="In the night in which the clock goes back, `1h` before the second 02:30 is the first one.",
        zone="Europe/Prague",
        as_of="2024-10-27 02:30+01:00",
        table="""
            event_at                         | known_on   | 1h | 2h | 1d
            2024-10-26 02:30+02:00           | 2024-10-26 |    |    | in
            2024-10-27 01:29:59.999999+02:00 | 2024-10-27 |    |    | in
            2024-10-27 01:30+02:00           | 2024-10-27 |    | in | in
            2024-10-27 02:29:59.999999+02:00 | 2024-10-27 |    | in | in
            2024-10-27 02:30+02:00           | 2024-10-27 | in | in | in
            2024-10-27 02:29:59.999999+01:00 | 2024-10-27 | in | in | in
            2024-10-27 02:30+01:00           | 2024-10-27 |    |    |
        """,
    ),
    Case(
        title="Corrections",
        text="First, the version in force on the date of `as_of` is chosen for each event. Then only the `event_at` of"
        " this version is compared with the window. So an event that a correction moves out of the window, or to"
        " `as_of` or later, does not count. If the version in force is a retraction, the event does not count. A"
        " version that becomes known after the date of `as_of` changes nothing.",
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
    Case(
        title="A decision that is taken later",
        text="A set of observations may be decided on some days after the date of `as_of`: `review_days`"
        " ([observation sets](observations.md#reviewed-later)). Then a row counts if it happened before `as_of` and is"
        " known on the date of the decision, in the version in force on that date. So a transfer that is reviewed on"
        " the next day sees what came before it on its own day, and nothing that came after it.",
        as_of="2026-03-10 15:30",
        review_days=1,
        table="""
            event     | event_at         | known_on   | retracted | 1h | 7d
            hour      | 2026-03-10 14:31 | 2026-03-11 |           | in | in
            day       | 2026-03-10 09:00 | 2026-03-11 |           |    | in
            too late  | 2026-03-10 09:00 | 2026-03-12 |           |    |
            itself    | 2026-03-10 15:30 | 2026-03-11 |           |    |
            after     | 2026-03-10 15:31 | 2026-03-11 |           |    |
            corrected | 2026-03-04 12:00 | 2026-03-05 |           |    |
            corrected | 2026-03-10 15:00 | 2026-03-11 |           | in | in
            retracted | 2026-03-05 12:00 | 2026-03-06 |           |    |
            retracted | 2026-03-05 12:00 | 2026-03-11 | yes       |    |
            stays     | 2026-03-05 12:00 | 2026-03-06 |           |    | in
            stays     | 2026-03-05 12:00 | 2026-03-12 | yes       |    |
        """,
    ),
)
