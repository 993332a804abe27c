"""Where a night begins: with the earliest application of the last days that lacks its row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.errors import NotFound
from tallystick.observations import ExpectedRows, ObservationSpec, backfill_start
from tallystick.spec.observations import Customers, ObservationSet, Rows, RowsAfter
from tallystick.spec.sources import Source
from tests.lib.shipped import shipped_project

FIRST, DAYS = date(2026, 3, 9), 7
MADE = pa.schema(
    [
        ("application_id", pa.string()), ("customer_id", pa.string()), ("event_at", pa.timestamp("us", tz="UTC")),
        ("known_on", pa.date32()), ("loaded_on", pa.date32()), ("is_retracted", pa.bool_()), ("source", pa.string()),
    ]
)  # fmt: skip
STORED = pa.schema(
    [("observation_id", pa.string()), ("as_of", pa.timestamp("us", tz="UTC")), ("observations", pa.string()),
     ("source", pa.string())]
)  # fmt: skip

TABLES = {"clean.applications": "application_id"}
APPLIED = ObservationSpec(
    declared=ObservationSet(name="mine", key="application_id", population=Rows(table="clean.applications")),
    tables=TABLES,
)
EVERYBODY = ObservationSpec(
    declared=ObservationSet(name="daily", key="customer_id", population=Customers(tables=tuple(TABLES))),
    tables=TABLES,
    first=FIRST,
    last=FIRST,
)

# One version of an application: its number, customer, instant, the day it is known from, whether it takes it back.
Version = tuple[int, int, datetime, date, bool]
# A stored row: the number of its application, and its instant.
Pair = tuple[int, datetime]


@pytest.fixture(scope="session")
def source() -> Source:
    """A source whose days are those of Shanghai, eight hours before UTC's."""
    return shipped_project().sources["simbank"]


def at(day: int, hour: int = 4) -> datetime:
    """An instant in March 2026; by default noon in Shanghai."""
    return datetime(2026, 3, day, hour, tzinfo=UTC)


def made(number: int, moment: datetime, *, known: int = 10, gone: bool = False, customer: int | None = None) -> Version:
    return number, number if customer is None else customer, moment, date(2026, 3, known), gone


def stored_versions(versions: Sequence[Version], of: str = "simbank") -> pa.Table:
    """Them as rows of clean.applications."""
    rows = [
        {"application_id": f"a{n}", "customer_id": f"{of}:{c}", "event_at": moment, "known_on": known,
         "loaded_on": known, "is_retracted": gone, "source": of}
        for n, c, moment, known, gone in versions
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, schema=MADE)


def begin(
    source: Source,
    versions: Sequence[Version],
    rows: dict[str, Sequence[Pair]],
    *,
    first: date | None = FIRST,
    days: int = DAYS,
    of: str = "simbank",
    observations: ObservationSpec | None = None,
) -> date | None:
    """Where a night from FIRST on begins; ``rows`` are those of the feature tables that exist."""
    tables = {"clean.applications": stored_versions(versions, of)}
    for name, pairs in rows.items():
        # Another set of observations has every row, which is no row of these.
        held = [("mine", n, moment) for n, moment in pairs] + [("theirs", n, moment) for n, _, moment, *_ in versions]
        tables[name] = pa.Table.from_pylist(
            [{"observation_id": f"a{n}", "as_of": m, "observations": o, "source": of} for o, n, m in held],
            schema=STORED,
        )

    def read(name: str, *, columns: Sequence[str], filter: pc.Expression) -> pa.Table:  # noqa: A002 - Arrow's word
        if name not in tables:
            raise NotFound(name)
        return ds.dataset(tables[name]).to_table(columns=list(columns), filter=filter)

    names = {"feature.a", *rows}
    expected = ExpectedRows.in_features(observations or APPLIED, sorted(names))
    return backfill_start(read, expected, source=source, first=first, days=days)


def test_a_night_that_lacks_nothing_begins_where_it_was_told(source: Source) -> None:
    assert begin(source, [], {}) == FIRST
    assert begin(source, [made(1, at(9)), made(2, at(5))], {"feature.a": [(2, at(5))]}) == FIRST


def test_an_application_without_a_row_takes_the_night_back_to_its_date(source: Source) -> None:
    versions = [made(1, at(9)), made(2, at(4)), made(3, at(6))]
    assert begin(source, versions, {"feature.a": []}) == date(2026, 3, 4)
    assert begin(source, versions, {"feature.a": [(2, at(4))]}) == date(2026, 3, 6)


def test_one_table_that_lacks_it_is_enough_and_so_is_one_that_does_not_exist(source: Source) -> None:
    versions, whole = [made(2, at(4)), made(3, at(6))], [(2, at(4)), (3, at(6))]
    assert begin(source, versions, {"feature.a": whole, "feature.b": whole[:1]}) == date(2026, 3, 6)
    assert begin(source, versions, {"feature.b": whole}) == date(2026, 3, 4)


def test_the_date_and_the_limit_are_those_where_the_bank_is(source: Source) -> None:
    # 17:00 UTC of the 4th is 01:00 of the 5th in Shanghai; 16:00 UTC of the 8th is midnight of the 9th.
    assert begin(source, [made(1, at(4, 17))], {}) == date(2026, 3, 5)
    assert begin(source, [made(1, at(8, 16))], {}) == FIRST
    # The seventh day before the 9th begins at 16:00 UTC of the 1st.
    assert begin(source, [made(1, at(1, 16))], {}) == date(2026, 3, 2)
    assert begin(source, [made(1, at(1, 15))], {}) == FIRST


def test_what_is_seen_after_its_event_belongs_to_the_date_on_which_it_is_seen(source: Source) -> None:
    declared = replace(APPLIED.declared, population=RowsAfter(table="clean.applications"))
    after = replace(APPLIED, declared=declared)
    # Shanghai's days begin at 16:00 UTC: the last microsecond before the seventh day, and before the first date itself.
    last, instant = at(1, 16) - timedelta(microseconds=1), timedelta(microseconds=1)
    assert begin(source, [made(1, last)], {}, observations=after) == date(2026, 3, 2)
    assert begin(source, [made(1, last)], {"feature.a": [(1, last + instant)]}, observations=after) == FIRST
    assert begin(source, [made(1, last - instant)], {}, observations=after) == FIRST
    assert begin(source, [made(1, at(8, 16) - instant)], {}, observations=after) == FIRST


def test_the_version_that_was_decided_on_counts(source: Source) -> None:
    # Corrected too late: the first version stands, and has its row.
    late = [made(1, at(4), known=5), made(1, at(4, 5), known=8)]
    assert begin(source, late, {"feature.a": [(1, at(4))]}) == FIRST
    # Taken back in time, it is observed by nobody.
    assert begin(source, [made(1, at(4), known=3), made(1, at(4), known=4, gone=True)], {}) == FIRST
    assert begin(source, [made(1, at(4), known=3), made(1, at(4), known=5, gone=True)], {}) == date(2026, 3, 4)


def test_two_applications_of_one_instant_are_told_apart_by_their_ids_where_rows_are(source: Source) -> None:
    versions = [made(1, at(4), customer=7), made(2, at(4), customer=7)]
    assert begin(source, versions, {"feature.a": [(1, at(4))]}) == date(2026, 3, 4)
    assert begin(source, versions, {"feature.a": [(1, at(4)), (2, at(4))]}) == FIRST
    scored = pa.table({"observation_id": ["a1"], "as_of": [at(4)], "source": ["simbank"], "recipe": ["mine"]})
    tables = {"clean.applications": stored_versions(versions), "score.applications": scored}

    def read(name: str, *, columns: Sequence[str], filter: pc.Expression) -> pa.Table:  # noqa: A002 - Arrow's word
        return ds.dataset(tables[name]).to_table(columns=list(columns), filter=filter)

    expected = ExpectedRows.in_scores(APPLIED, "score.applications", recipe="mine")
    assert backfill_start(read, expected, source=source, first=FIRST, days=DAYS) == date(2026, 3, 4)


def test_daily_observations_and_a_run_without_a_first_date_begin_as_they_are_told(source: Source) -> None:
    assert begin(source, [made(1, at(4))], {}, observations=EVERYBODY) == FIRST
    assert begin(source, [made(1, at(4))], {}, first=None) is None
    assert begin(source, [made(1, at(4))], {}, days=0) == FIRST


def test_another_source_is_no_concern(source: Source) -> None:
    assert begin(source, [made(1, at(4))], {}, of="berka") == FIRST


MOMENTS = st.builds(at, st.integers(1, 10), st.sampled_from([0, 4, 15, 16, 17]))
VERSIONS = st.lists(
    st.builds(made, st.integers(0, 4), MOMENTS, known=st.integers(3, 11), gone=st.booleans()),
    max_size=8,
    unique_by=lambda version: (version[0], version[3]),
)


@given(versions=VERSIONS, rows=st.lists(st.tuples(st.integers(0, 4), MOMENTS), max_size=6))
def test_it_is_the_earliest_local_date_in_reach_of_a_decided_application_without_a_row(
    source: Source, versions: list[Version], rows: list[Pair]
) -> None:
    found = [FIRST]
    # Versions from before the reach are not looked at: those are of applications that nobody asks for any more.
    seen = [version for version in versions if local(version[2]) >= FIRST - timedelta(days=DAYS)]
    for number in {version[0] for version in seen}:
        own = sorted((v for v in seen if v[0] == number), key=lambda v: v[3])
        decided = next(v for n, v in enumerate(own) if n + 1 == len(own) or local(v[2]) < own[n + 1][3])
        _, _, moment, _, gone = decided
        if not gone and local(moment) < FIRST and (number, moment) not in rows:
            found.append(local(moment))
    assert begin(source, versions, {"feature.a": rows}) == min(found)


def local(moment: datetime) -> date:
    """The date in Shanghai, which has had no other clock than UTC+8 for decades."""
    return (moment + timedelta(hours=8)).date()
