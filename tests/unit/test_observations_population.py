"""Who is observed and when, kind by kind, against oracles that are written from the definition, day by day.

The oracle knows one rule: on a date the version in force is, of those known by then, the one delivered last.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import date, timedelta

import pyarrow as pa
import pytest

from tallystick.errors import ContractError, DeclarationError
from tallystick.observations import columns_to_read, observe
from tallystick.spec.observations import (
    Customers,
    Given,
    MonthEnds,
    Nights,
    Nodes,
    Population,
    Rows,
    RowsAfter,
    RowsAtMidnight,
)
from tests.lib.observed_rows import (
    DAY,
    OTHER,
    TABLE,
    ZONE,
    Expected,
    Version,
    by_row,
    day_of,
    decided,
    draw_versions,
    in_force,
    local,
    rows_table,
    seen_by,
    spec_of,
)


def test_an_event_is_observed_in_the_version_that_was_decided_on() -> None:
    before, after = DAY - timedelta(days=1), DAY + timedelta(days=1)
    nine = local(DAY, 9)
    versions = [
        # Corrected the day after: the decision saw the first version.
        Version(row="a1", at=nine, known=DAY), Version(row="a1", at=local(DAY, 10), known=after),
        # Retracted later: it was decided on all the same.
        Version(row="a2", at=nine, known=DAY), Version(row="a2", at=nine, known=after, gone=True),
        # Announced the day before and corrected in time.
        Version(row="a3", at=nine, known=before), Version(row="a3", at=local(DAY, 11), known=DAY),
        # Retracted in time: nothing was decided.
        Version(row="a4", at=nine, known=before), Version(row="a4", at=nine, known=DAY, gone=True),
        # Delivered late: the first version that came is all there is.
        Version(row="a5", at=nine, known=after),
        Version(row="a5", at=local(DAY, 12), known=after + timedelta(days=1)),
        # Two applications of one customer at one instant are two observations.
        Version(row="a6", at=nine, known=DAY),
        # Moved to a later day after its own had passed: it was decided on before.
        Version(row="a7", at=nine, known=DAY), Version(row="a7", at=local(DAY + timedelta(days=5), 9), known=after),
        # Known next week when it was delivered, taken back by the next night, known at once: a version delivered later
        # counts, whatever date the older one named.
        Version(row="a8", at=nine, known=DAY + timedelta(days=7), loaded=before),
        Version(row="a8", at=nine, known=DAY, loaded=DAY, gone=True),
    ]  # fmt: skip
    found = seen_by(spec_of(Rows(table=TABLE)), {TABLE: rows_table(versions)})
    hours = {"a1": 9, "a2": 9, "a5": 9, "a6": 9, "a7": 9, "a3": 11}
    assert found == [(row, "c1", local(DAY, hour)) for row, hour in hours.items()]


@pytest.mark.parametrize("where", ["", "amount_minor > 0"])
@pytest.mark.parametrize(
    ("kind", "review_days"), [(Rows, 0), (RowsAfter, 0), (RowsAtMidnight, 0), (Rows, 1), (RowsAfter, 3)]
)
def test_events_agree_with_the_definition(
    kind: type[Rows | RowsAfter | RowsAtMidnight], review_days: int, where: str
) -> None:
    draw = random.Random(5)
    start, counted = date(2026, 3, 26), 0  # clocks change on the 29th
    spec = spec_of(
        kind(table=TABLE, where=where), types={"amount_minor": "int64"}, columns=("amount_minor", "known_on"),
        review_days=review_days, first=date(2026, 3, 27), last=date(2026, 3, 31),
    )  # fmt: skip
    for _ in range(60):
        versions = draw_versions(draw, rows=30, start=start, days=8)
        expected = []
        for row, own in by_row(versions).items():
            version = decided(own, review_days=review_days)
            if version is None or not spec.first <= day_of(version.at) <= spec.last:
                continue
            if not where or version.more["amount_minor"] > 0:
                at = {
                    Rows: version.at, RowsAfter: version.at + timedelta(microseconds=1),
                    RowsAtMidnight: local(day_of(version.at)),
                }[kind]  # fmt: skip
                expected.append((row, version.customer, at, version.more["amount_minor"], version.known))
        rows = rows_table(versions, amount_minor=pa.int64())
        made = observe(spec, {TABLE: rows}.__getitem__, zone=ZONE)
        expected.sort(key=lambda one: (one[1], one[2], one[0]))
        assert [tuple(row.values()) for row in made.to_pylist()] == expected
        counted += len(expected)
    assert counted > 150


def test_what_was_not_known_by_a_date_is_not_there_for_whoever_looks_back_from_it() -> None:
    draw = random.Random(6)
    cutoff = date(2026, 3, 30)
    for _ in range(40):
        versions = draw_versions(draw, rows=20, start=date(2026, 3, 26), days=8)
        known = [version for version in versions if version.known <= cutoff]
        for population in (Rows(table=TABLE), RowsAtMidnight(table=TABLE), MonthEnds(table=TABLE)):
            run = {"last": date(2026, 6, 1)}
            then = seen_by(spec_of(population, **run), {TABLE: rows_table(known)})
            assert seen_by(spec_of(population, known_by=cutoff, **run), {TABLE: rows_table(versions)}) == then


def test_two_events_of_a_day_are_observed_at_its_midnight_and_one_at_midnight_at_its_own_instant() -> None:
    moments = {
        "a1": local(DAY, 9),
        "a2": local(DAY, 23),
        "a3": local(DAY),
        "a4": local(DAY) - timedelta(microseconds=1),
    }
    versions = [Version(row=row, at=at, known=DAY) for row, at in moments.items()]
    found = seen_by(spec_of(RowsAtMidnight(table=TABLE)), {TABLE: rows_table(versions)})
    assert {row: at for row, _, at in found} == {
        "a1": local(DAY), "a2": local(DAY), "a3": local(DAY), "a4": local(DAY - timedelta(days=1)),
    }  # fmt: skip


def test_dates_of_events_are_local_and_both_ends_are_in() -> None:
    days = [DAY - timedelta(days=1), DAY, DAY + timedelta(days=1)]
    # 00:30 in Copenhagen is still the day before in UTC.
    versions = [Version(row=f"a{i}", at=local(d) + timedelta(minutes=30), known=d) for i, d in enumerate(days)]
    found = seen_by(spec_of(Rows(table=TABLE), first=DAY, last=DAY), {TABLE: rows_table(versions)})
    assert [row for row, *_ in found] == ["a1"]


CLOSED = MonthEnds(table=TABLE, closed_on="closed_on")
JANUARY, FEBRUARY, MARCH, APRIL, MAY = (date(2026, month, 1) for month in range(1, 6))


@pytest.mark.parametrize(
    ("versions", "months"),
    [
        # Granted within March: seen at its end, and at every one after it.
        ([Version(row="r", at=local(DAY, 9), known=DAY)], [APRIL, MAY]),
        # Granted at the midnight that begins April: not before it, so not yet seen at it.
        ([Version(row="r", at=local(APRIL), known=APRIL)], [MAY]),
        ([Version(row="r", at=local(APRIL) - timedelta(microseconds=1), known=APRIL)], [APRIL, MAY]),
        # Known a day too late for the end of March.
        ([Version(row="r", at=local(DAY, 9), known=date(2026, 4, 2))], [MAY]),
        # Closed on the last day of March: not open at its end; closed on the first of April: still open then.
        ([Version(row="r", at=local(DAY), known=DAY, more={"closed_on": date(2026, 3, 31)})], []),
        ([Version(row="r", at=local(DAY), known=DAY, more={"closed_on": APRIL})], [APRIL]),
        # Closed on the last day of March, which the bank learns on the second of April.
        ([Version(row="r", at=local(DAY), known=DAY),
          Version(row="r", at=local(DAY), known=date(2026, 4, 2), more={"closed_on": date(2026, 3, 31)})], [APRIL]),
        # Closed in error, and open again in a version delivered later.
        ([Version(row="r", at=local(DAY), known=DAY, more={"closed_on": date(2026, 3, 20)}),
          Version(row="r", at=local(DAY), known=date(2026, 4, 2))], [MAY]),
        # Taken back on the first of April: that day's decisions no longer see it.
        ([Version(row="r", at=local(DAY), known=DAY), Version(row="r", at=local(DAY), known=APRIL, gone=True)], []),
        # A correction that names a later date than the one before it wins from its own date on.
        ([Version(row="r", at=local(DAY), known=DAY, loaded=DAY),
          Version(row="r", at=local(APRIL, 1), known=date(2026, 3, 20), loaded=APRIL)], [MAY]),
    ],
)  # fmt: skip
def test_month_ends_that_were_drawn_by_hand(versions: list[Version], months: list[date]) -> None:
    spec = spec_of(CLOSED, first=JANUARY, last=MAY)
    found = seen_by(spec, {TABLE: rows_table(versions, closed_on=pa.date32())})
    assert found == [("r", "c1", local(month)) for month in months]


@pytest.mark.parametrize("zone", [ZONE, "Asia/Shanghai", "America/Santiago"])
def test_month_ends_agree_with_the_definition_month_by_month(zone: str) -> None:
    draw = random.Random(7)
    start, last = date(2026, 1, 25), date(2026, 5, 15)
    counted = 0
    for first in [None, MARCH] * 30:
        versions = draw_versions(draw, rows=16, start=start, days=80)
        expected: Expected = []
        for row, own in by_row(versions).items():
            for month in (FEBRUARY, MARCH, APRIL, MAY):
                version = in_force(own, month)
                if version is None or version.gone or version.at >= local(month, zone=zone):
                    continue
                closed = version.more["closed_on"]
                if (closed is None or closed >= month) and (first is None or month >= first):
                    expected.append((row, version.customer, local(month, zone=zone)))
        expected.sort(key=lambda one: (one[1], one[2], one[0]))
        rows = rows_table(versions, closed_on=pa.date32())
        assert seen_by(spec_of(CLOSED, first=first, last=last), {TABLE: rows}, zone=zone) == expected
        counted += len(expected)
    assert counted > 200


@pytest.mark.parametrize(
    ("granted", "mobs"),
    [(date(2026, 1, 1), [1, 2, 3, 4]), (date(2026, 1, 2), [0, 1, 2, 3]), (date(2026, 1, 31), [0, 1, 2, 3])],
)
def test_months_on_book_are_whole_months_from_date_to_date(granted: date, mobs: list[int]) -> None:
    rows = {
        TABLE: rows_table([Version(row="r", at=local(granted, 9), known=granted, more={"term": 3})], term=pa.int64())
    }
    types = {"mob": "int64", "term": "int64"}
    for month, mob in zip((FEBRUARY, MARCH, APRIL, MAY), mobs, strict=True):
        for number in range(6):
            spec = spec_of(MonthEnds(table=TABLE, where=f"mob = {number}"), types=types, first=month, last=month)
            assert len(seen_by(spec, rows)) == int(number == mob)
    spec = spec_of(MonthEnds(table=TABLE, where="mob < term"), types=types, last=MAY)
    assert len(seen_by(spec, rows)) == sum(mob < 3 for mob in mobs)


@pytest.mark.parametrize("population", [Rows(table=TABLE), CLOSED, Nights(table=TABLE, closed_on="closed_on")])
def test_rows_without_second_versions_need_no_load_dates(population: Population) -> None:
    draw = random.Random(9)
    spec = spec_of(population, first=FEBRUARY, last=MAY)
    columns = columns_to_read(spec, single_version={TABLE})[TABLE]
    assert "loaded_on" not in columns
    for _ in range(30):
        first = {version.row: version for version in draw_versions(draw, rows=30, start=date(2026, 2, 20), days=60)}
        rows = rows_table(list(first.values()), closed_on=pa.date32())
        slowly = seen_by(spec, {TABLE: rows})
        assert seen_by(spec, {TABLE: rows.select(list(columns))}, single_version={TABLE}) == slowly
        assert slowly


def test_columns_of_an_observation_are_those_of_the_version_in_force() -> None:
    versions = [
        Version(row="r", at=local(DAY), known=DAY, more={"amount_minor": 1}),
        Version(row="r", at=local(DAY), known=date(2026, 4, 2), more={"amount_minor": 2}),
    ]
    spec = spec_of(MonthEnds(table=TABLE), last=MAY, columns=("amount_minor",))
    made = observe(spec, {TABLE: rows_table(versions, amount_minor=pa.int64())}.__getitem__, zone=ZONE)
    assert made["amount_minor"].to_pylist() == [1, 2]
    assert "amount_minor" in columns_to_read(spec)[TABLE]


def visible_days(versions: Sequence[Version], days: Sequence[date]) -> list[date]:
    found = [(day, in_force(versions, day)) for day in days]
    return [day for day, version in found if version and not version.gone and version.at < local(day)]


@pytest.mark.parametrize("listed", [False, True])
def test_customers_agree_with_the_definition_day_by_day(listed: bool) -> None:
    draw = random.Random(20260310)
    start = date(2026, 3, 26)  # the clock goes forward on 29 March
    every = [start + timedelta(days=number) for number in range(9)]
    asked = [every[1], every[4], every[8]] if listed else every
    tables = (TABLE, OTHER)
    population = Nodes(tables=tables, dates=tuple(asked)) if listed else Customers(tables=tables)
    spec = spec_of(population, key="customer_id", first=every[0], last=every[-1])
    for _ in range(120):
        versions = draw_versions(draw, rows=12, start=start, days=9)
        rows = {
            TABLE: rows_table([v for v in versions if v.row in ("r0", "r1")]),
            OTHER: rows_table([v for v in versions if v.row not in ("r0", "r1")]),
        }
        customers: dict[str, set[date]] = {}
        for own in by_row(versions).values():
            customers.setdefault(own[0].customer, set()).update(visible_days(own, asked))
        expected = [(who, who, local(day)) for who in sorted(customers) for day in sorted(customers[who])]
        assert seen_by(spec, rows) == expected


def test_a_date_that_the_clock_skipped_is_no_date_of_an_observation() -> None:
    """Samoa went from 29 to 31 December 2011: the midnight that the 30th would have had is that of the 31st."""
    zone, first = "Pacific/Apia", date(2011, 12, 29)
    rows = rows_table([Version(row="r", at=local(date(2011, 12, 1)), known=date(2011, 12, 2))])
    dates = tuple(first + timedelta(days=number) for number in range(3))
    days = Customers(tables=(TABLE,)), {"first": dates[0], "last": dates[-1]}
    for population, run in (days, (Nodes(tables=(TABLE,), dates=dates), {})):
        found = seen_by(spec_of(population, key="customer_id", **run), {TABLE: rows}, zone)
        assert found == [("c1", "c1", local(day, zone=zone)) for day in (dates[0], dates[2])]


def test_customers_of_rows_without_second_versions_need_no_identifiers() -> None:
    draw = random.Random(20260311)
    start = date(2026, 3, 26)
    days = [start + timedelta(days=number) for number in range(9)]
    spec = spec_of(Customers(tables=(TABLE,)), key="customer_id", first=days[0], last=days[-1])
    columns = columns_to_read(spec, single_version={TABLE})[TABLE]
    assert "loan_id" not in columns
    partly = 0
    for _ in range(200):
        versions = [
            Version(row=f"r{number}", at=local(start + timedelta(days=draw.randrange(-2, 7)), draw.choice([0, 0, 12])),
                    known=start + timedelta(days=draw.randrange(-2, 9)), gone=draw.random() < 0.25,
                    customer=f"c{draw.randrange(5)}")
            for number in range(draw.randrange(14))
        ]  # fmt: skip
        stored = rows_table(versions).select(list(columns))
        if draw.random() < 0.5:  # as files give them: codes, with a dictionary for each row group
            stored = pa.concat_tables([coded(stored.slice(0, 3)), coded(stored.slice(3))]).combine_chunks()
        expected: Expected = []
        for who in sorted({version.customer for version in versions}):
            own = [version for version in versions if version.customer == who]
            visible = [day for day in days if any(visible_days([version], [day]) for version in own)]
            partly += 0 < len(visible) < len(days)
            expected += [(who, who, local(day)) for day in visible]
        assert seen_by(spec, {TABLE: stored}, single_version={TABLE}) == expected
    assert partly > 100


def coded(rows: pa.Table) -> pa.Table:
    """The same with customers as codes."""
    place = rows.schema.get_field_index("customer_id")
    return rows.set_column(place, "customer_id", rows["customer_id"].dictionary_encode())


def test_a_table_that_the_set_does_not_name_is_not_read() -> None:
    """The first load of a new clean table leaves every stored day as it is."""
    spec = spec_of(Customers(tables=(TABLE,)), key="customer_id", first=DAY, last=DAY)
    assert list(columns_to_read(spec)) == [TABLE]
    versions = [Version(row="r", at=local(DAY - timedelta(days=3)), known=DAY)]
    assert seen_by(spec, {TABLE: rows_table(versions)}) == [("c1", "c1", local(DAY))]


def test_given_observations_are_taken_once_each_and_an_id_is_of_one_customer() -> None:
    schema = pa.schema(
        [("observation_id", pa.string()), ("customer_id", pa.string()), ("as_of", pa.timestamp("us", tz="UTC"))]
    )
    pairs = [("b", "c2", local(DAY)), ("a", "c2", local(DAY)), ("b", "c2", local(DAY)), ("a", "c1", local(APRIL))]
    spec = spec_of(Given(), key="case_id")
    rows = pa.Table.from_pylist([dict(zip(schema.names, pair, strict=True)) for pair in pairs], schema=schema)
    assert seen_by(spec, {"raw.observations": rows}) == [pairs[3], pairs[1], pairs[0]]
    twice = rows.slice(1, 1).set_column(1, "customer_id", pa.array(["c9"]))
    with pytest.raises(ContractError, match="two customers"):
        seen_by(spec, {"raw.observations": pa.concat_tables([rows, twice])})


@pytest.mark.parametrize(
    "population",
    [Rows(table=TABLE), MonthEnds(table=TABLE), Customers(tables=(TABLE,)), Nodes(tables=(TABLE,), dates=(DAY,))],
)
def test_no_rows_give_no_observations(population: Population) -> None:
    key = "loan_id" if hasattr(population, "table") else "customer_id"
    assert seen_by(spec_of(population, key=key, first=DAY, last=DAY), {TABLE: rows_table([])}) == []


def test_a_set_that_needs_dates_says_so() -> None:
    with pytest.raises(DeclarationError, match="from a first to a last date"):
        spec_of(Customers(tables=(TABLE,)), key="customer_id", first=DAY)
    for population in (MonthEnds(table=TABLE), Nights(table=TABLE)):
        with pytest.raises(DeclarationError, match="up to a last date"):
            spec_of(population, first=DAY)
