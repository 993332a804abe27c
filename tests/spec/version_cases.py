"""Drawn tables of which version of an event counts on a date. ``window_tables`` prints them."""

from __future__ import annotations

from tests.spec.drawn_tables import VersionCase

VERSIONS = (
    VersionCase(
        title="Which version is in force",
        text="Versions of an event are ordered by delivery: by `loaded_on`, and within one load by `known_on`. A"
        " version is known on a business date if its `known_on` is not after that date. The version in force is, of"
        " the known versions, the one that was delivered last. So a correction or a retraction counts from its own"
        " `known_on` on, whatever `known_on` the older version has.",
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
        text="The `known_on` of a row may be later than its load, such as a value date of next week. A correction in"
        " the next load counts from its own `known_on` on, even if the `known_on` of the first version is later.",
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
        text="When a source delivers its history, `known_on` comes from the source's rule and is before `loaded_on`."
        " The row of the last load counts from its `known_on` on. Of the rows of one load, the one with the later"
        " `known_on` replaces the other from that date on. The same `known_on` in two loads is no conflict: the later"
        " load counts.",
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
