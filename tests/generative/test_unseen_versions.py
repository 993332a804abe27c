"""The versions that the quality gate leaves out are those that no decision from a date on sees: told day by day."""

from __future__ import annotations

import random
from datetime import date, timedelta

import duckdb
import pyarrow as pa

from tallystick.visibility.sql import unseen_sql

FIRST = date(2026, 3, 1)
DAYS = 14
Version = tuple[int, date, date]


def drawn_versions(source: random.Random) -> dict[Version, bool]:
    """(event, known_on, loaded_on) of versions in any order, and whether each takes the event back."""
    days = [FIRST + timedelta(days=number) for number in range(DAYS)]
    count = source.randrange(1, 12)
    return {
        (source.randrange(4), source.choice(days), source.choice(days)): source.random() < 0.2 for _ in range(count)
    }


def in_force(versions: dict[Version, bool], event: int, day: date) -> Version | None:
    """Of the versions known by the day the one delivered last; None for none, and for a retraction."""
    known = [version for version in versions if version[0] == event and version[1] <= day]
    last = max(known, key=lambda version: (version[2], version[1]), default=None)
    return None if last is None or versions[last] else last


def test_what_no_decision_sees_any_more_is_left_out_and_nothing_else() -> None:
    source, told = random.Random(20260310), 0
    with duckdb.connect() as connection:
        for _ in range(150):
            versions = drawn_versions(source)
            since = FIRST + timedelta(days=source.randrange(DAYS))
            later = [since + timedelta(days=number) for number in range(DAYS + 1)]
            seen = {in_force(versions, event, day) for event in range(4) for day in later}
            columns = list(zip(*versions, strict=True))
            names = ("visit_id", "known_on", "loaded_on")
            rows = pa.table({**dict(zip(names, columns, strict=True)), "is_retracted": list(versions.values())})
            connection.register("rows_given", rows)
            sql = unseen_sql("SELECT * FROM rows_given", "visit_id", since=since, can_retract=True)
            found = connection.sql(sql).fetchall()
            assert sorted(found) == sorted(set(versions) - seen)
            told += len(found)
            # Once every version is known, a later date hides the same: the gate does not look at such a table again.
            newest = max(known_on for _, known_on, _ in versions)
            if since > newest:
                sql = unseen_sql("SELECT * FROM rows_given", "visit_id", since=newest, can_retract=True)
                assert sorted(connection.sql(sql).fetchall()) == sorted(found)
    assert told > 200
