"""How far back a load reaches with applications that nobody had seen before."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.features import reach_back
from tallystick.project import load_project
from tallystick.spec.recipes import Applications, Daily
from tallystick.spec.sources import Source

APPLICATIONS = Applications()
TONIGHT, FIRST = date(2026, 3, 10), date(2026, 3, 9)
SCHEMA = pa.schema(
    [
        ("customer_id", pa.string()),
        ("event_at", pa.timestamp("us", tz="UTC")),
        ("loaded_on", pa.date32()),
        ("is_retracted", pa.bool_()),
        ("source", pa.string()),
    ]
)

Row = tuple[int, datetime, date, bool]


@pytest.fixture(scope="session")
def source(project_root: Path) -> Source:
    """A source whose days are those of Shanghai, eight hours before UTC's."""
    return load_project(project_root).sources["simbank"]


def at(day: int, hour: int = 4) -> datetime:
    """An instant in March 2026; by default noon in Shanghai."""
    return datetime(2026, 3, day, hour, tzinfo=UTC)


def earliest(
    source: Source, *rows: Row, of: str = "simbank", observations: Applications | Daily = APPLICATIONS,
    loaded_on: date | None = TONIGHT,
) -> date | None:  # fmt: skip
    """Where a night from FIRST on begins, over these stored rows."""
    records = [
        {"customer_id": f"{of}:{c}", "event_at": moment, "loaded_on": load, "is_retracted": gone, "source": of}
        for c, moment, load, gone in rows
    ]
    stored = ds.dataset(pa.Table.from_pylist(records, schema=SCHEMA))

    def read(name: str, *, columns: Sequence[str], version: int, filter: pc.Expression) -> pa.Table:  # noqa: A002 - Arrow's word
        assert (name, version) == ("clean.applications", 7)
        return stored.to_table(columns=list(columns), filter=filter)

    pinned = {"clean.applications": SimpleNamespace(version=7)}
    return reach_back(read, observations, pinned=pinned, source=source, loaded_on=loaded_on, first=FIRST)


def test_a_night_without_late_applications_begins_where_it_was_told(source: Source) -> None:
    assert earliest(source) == FIRST
    assert earliest(source, (1, at(9), TONIGHT, False), (2, at(8), date(2026, 3, 9), False)) == FIRST


def test_an_application_that_arrives_late_takes_the_night_back_to_its_date(source: Source) -> None:
    assert earliest(source, (1, at(9), TONIGHT, False), (2, at(3), TONIGHT, False), (3, at(5), TONIGHT, False)) == date(
        2026, 3, 3
    )


def test_its_date_is_the_one_where_the_bank_is(source: Source) -> None:
    # 17:00 UTC of the 3rd is 01:00 of the 4th in Shanghai; 16:00 UTC of the 8th is midnight of the 9th.
    assert earliest(source, (1, at(3, 17), TONIGHT, False)) == date(2026, 3, 4)
    assert earliest(source, (1, at(8, 16), TONIGHT, False)) == FIRST


def test_a_correction_of_an_application_that_was_seen_before_reaches_back_nowhere(source: Source) -> None:
    assert earliest(source, (1, at(3), date(2026, 3, 4), False), (1, at(3), TONIGHT, False)) == FIRST


def test_a_late_application_of_a_customer_who_made_another_one_before_counts(source: Source) -> None:
    assert earliest(source, (1, at(2), date(2026, 3, 3), False), (1, at(3), TONIGHT, False)) == date(2026, 3, 3)


def test_what_a_later_load_brought_does_not_count_as_seen(source: Source) -> None:
    assert earliest(source, (1, at(3), TONIGHT, False), (1, at(3), date(2026, 3, 11), False)) == date(2026, 3, 3)


def test_a_retraction_makes_no_application_and_does_not_hide_one(source: Source) -> None:
    assert earliest(source, (1, at(3), TONIGHT, True)) == FIRST
    assert earliest(source, (1, at(3), date(2026, 3, 5), True), (1, at(3), TONIGHT, False)) == date(2026, 3, 3)


def test_daily_observations_and_a_run_without_a_load_reach_back_nowhere(source: Source) -> None:
    assert earliest(source, (1, at(3), TONIGHT, False), observations=Daily()) == FIRST
    assert earliest(source, (1, at(3), TONIGHT, False), loaded_on=None) == FIRST


def test_another_source_is_no_concern(source: Source) -> None:
    assert earliest(source, (1, at(3), TONIGHT, False), of="berka") == FIRST


ROWS = st.tuples(
    st.integers(0, 2),
    st.builds(at, st.integers(3, 10), st.sampled_from([0, 4, 15, 16, 17])),
    st.builds(lambda day: date(2026, 3, day), st.integers(8, 11)),
    st.booleans(),
)


@given(rows=st.lists(ROWS, max_size=12))
def test_it_is_the_earliest_date_of_an_application_that_only_this_load_shows(source: Source, rows: list[Row]) -> None:
    found = [FIRST]
    for customer, moment, load, gone in rows:
        local = (moment.timestamp() + 8 * 3600) // 86_400
        day = date(1970, 1, 1).fromordinal(date(1970, 1, 1).toordinal() + int(local))
        seen: Any = [r for r in rows if r[:2] == (customer, moment) and r[2] < TONIGHT and not r[3]]
        if load == TONIGHT and not gone and not seen:
            found.append(day)
    assert earliest(source, *rows) == min(found)
