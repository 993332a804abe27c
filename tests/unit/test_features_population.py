"""Who is observed and when: applications at their instant, all customers at local midnights."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa

from tallystick.features import add_request_features, observe_applications, observe_daily
from tallystick.spec.recipes import RequestFeature

ZONE = "Europe/Copenhagen"
Row = tuple[str, str, datetime, date, bool] | tuple[str, str, datetime, date, bool, date]


def rows_table(rows: list[Row]) -> pa.Table:
    """Rows of (row_id, customer_id, event_at, known_on, is_retracted, loaded_on); the last is known_on if left out."""
    return pa.table(
        {
            "row_id": pa.array([r[0] for r in rows], pa.string()),
            "customer_id": pa.array([r[1] for r in rows], pa.string()),
            "event_at": pa.array([r[2] for r in rows], pa.timestamp("us", tz="UTC")),
            "known_on": pa.array([r[3] for r in rows], pa.date32()),
            "is_retracted": pa.array([r[4] for r in rows], pa.bool_()),
            "loaded_on": pa.array([r[5] if len(r) > 5 else r[3] for r in rows], pa.date32()),
        }
    )


def coded(rows: pa.Table) -> pa.Table:
    """The same with customers as codes."""
    return rows.set_column(0, "customer_id", rows["customer_id"].dictionary_encode())


def local(day: date, hour: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=ZoneInfo(ZONE)).astimezone(UTC)


def test_an_application_is_observed_in_the_version_that_was_decided_on() -> None:
    day = date(2026, 3, 10)
    before, after = day - timedelta(days=1), day + timedelta(days=1)
    table = rows_table(
        [
            # Corrected the day after: the decision saw the first version.
            ("a1", "c1", local(day, 9), day, False),
            ("a1", "c1", local(day, 10), after, False),
            # Retracted later: it was decided on all the same.
            ("a2", "c2", local(day, 9), day, False),
            ("a2", "c2", local(day, 9), after, True),
            # Announced the day before and corrected in time.
            ("a3", "c3", local(day, 9), before, False),
            ("a3", "c3", local(day, 11), day, False),
            # Retracted in time: nothing was decided.
            ("a4", "c4", local(day, 9), before, False),
            ("a4", "c4", local(day, 9), day, True),
            # Delivered late: the first version that came is all there is.
            ("a5", "c5", local(day, 9), after, False),
            ("a5", "c5", local(day, 12), after + timedelta(days=1), False),
            # Moved to a later day after its own had passed: it was decided on before.
            ("a7", "c7", local(day, 9), day, False),
            ("a7", "c7", local(day + timedelta(days=5), 9), after, False),
            # Two applications of one customer at one instant are one observation.
            ("a6", "c1", local(day, 9), day, False),
        ]
    )
    seen = observe_applications(table, event_id="row_id", zone=ZONE).to_pylist()
    hours = {"c1": 9, "c2": 9, "c3": 11, "c5": 9, "c7": 9}
    assert seen == [{"customer_id": who, "as_of": local(day, hour)} for who, hour in hours.items()]


DECIDED_BY_DEFINITION = """
    WITH dated AS (SELECT *, (event_at AT TIME ZONE 'Europe/Copenhagen')::DATE AS day FROM rows),
    -- on some date this version is the last delivered of those known by then, for it is so on its own known_on
    ever AS (
        SELECT * FROM dated AS d WHERE loaded_on = (
            SELECT max(loaded_on) FROM dated AS o WHERE o.row_id = d.row_id AND o.known_on <= d.known_on)),
    open AS (  -- no version that was delivered after this one is known by the day of its instant
        SELECT * FROM ever AS d WHERE NOT EXISTS (
            SELECT 1 FROM dated AS o WHERE o.row_id = d.row_id AND o.loaded_on > d.loaded_on AND o.known_on <= d.day))
    SELECT customer_id, event_at AS as_of FROM open AS d
    WHERE NOT is_retracted
        AND NOT EXISTS (SELECT 1 FROM open AS o WHERE o.row_id = d.row_id AND o.known_on < d.known_on)
    GROUP BY ALL ORDER BY ALL
"""


def test_which_version_was_decided_on_agrees_with_its_definition_in_sql() -> None:
    draw = random.Random(5)
    start = date(2026, 3, 26)  # clocks change on the 29th
    rows = []
    for number in range(400):
        for load in draw.sample(range(8), draw.randint(1, 4)):
            at = local(start + timedelta(days=draw.randint(0, 6)), draw.choice([0, 1, 12, 23]))
            known = start + timedelta(days=draw.choice([load, load, draw.randint(0, 7)]))
            loaded = start + timedelta(days=load)
            rows.append((f"a{number}", f"c{number % 90}", at, known, draw.random() < 0.2, loaded))
    draw.shuffle(rows)
    table = rows_table(rows)
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.register("rows", table)
        expected = connection.sql(DECIDED_BY_DEFINITION).to_arrow_table()
    seen = observe_applications(table, event_id="row_id", zone=ZONE)
    assert seen.num_rows > 200
    assert seen.to_pylist() == expected.cast(seen.schema).to_pylist()


def test_dates_of_applications_are_local_and_both_ends_are_in() -> None:
    days = [date(2026, 3, 9), date(2026, 3, 10), date(2026, 3, 11)]
    # 00:30 in Copenhagen is still the day before in UTC.
    table = rows_table([(f"a{i}", f"c{i}", local(d) + timedelta(minutes=30), d, False) for i, d in enumerate(days)])
    seen = observe_applications(table, event_id="row_id", zone=ZONE, first=days[1], last=days[1])
    assert seen["customer_id"].to_pylist() == ["c1"]


def test_no_rows_give_no_observations() -> None:
    day = date(2026, 3, 10)
    assert observe_applications(rows_table([]), event_id="row_id", zone=ZONE).num_rows == 0
    assert observe_daily([("row_id", rows_table([]))], zone=ZONE, first=day, last=day).num_rows == 0


def test_daily_population_agrees_with_the_definition_day_by_day() -> None:
    rng = random.Random(20260310)
    first = date(2026, 3, 26)  # the clock goes forward on 29 March
    for _ in range(120):
        versions: dict[tuple[str, date], Row] = {}
        for _ in range(rng.randrange(12)):
            row_id = f"r{rng.randrange(5)}"
            event = local(first + timedelta(days=rng.randrange(7)), rng.choice([0, 0, 1, 12, 23]))
            known, loaded = (first + timedelta(days=rng.randrange(9)) for _ in range(2))
            versions[row_id, loaded] = (row_id, f"c{row_id[1:]}", event, known, rng.random() < 0.25, loaded)
        rows = list(versions.values())
        rng.shuffle(rows)
        # Versions of one row stay in one table: they are told apart by the event_id within a table.
        tables = [[r for r in rows if r[0] in ("r0", "r1")], [r for r in rows if r[0] not in ("r0", "r1")]]
        seen = observe_daily(
            [("row_id", rows_table(t)) for t in tables], zone=ZONE, first=first, last=first + timedelta(days=8)
        ).to_pylist()
        expected = []
        for customer in sorted({r[1] for r in rows}):
            for offset in range(9):
                day = first + timedelta(days=offset)
                if any(is_visible(rows, row_id, day) for row_id in {r[0] for r in rows if r[1] == customer}):
                    expected.append({"customer_id": customer, "as_of": local(day)})
        assert seen == expected


def test_daily_population_of_rows_without_second_versions_needs_no_identifiers() -> None:
    rng = random.Random(20260311)
    first = date(2026, 3, 26)
    drawn_later = drawn_retracted = 0
    for _ in range(200):
        rows: list[Row] = []
        for number in range(rng.randrange(14)):
            event = local(first + timedelta(days=rng.randrange(-2, 7)), rng.choice([0, 0, 1, 12, 23]))
            known = first + timedelta(days=rng.randrange(-2, 9))
            rows.append((f"r{number}", f"c{rng.randrange(5)}", event, known, rng.random() < 0.25))
        tables = [rows[::2], rows[1::2]]
        stored = [rows_table(t).drop_columns(["row_id", "loaded_on"]) for t in tables]
        if rng.random() < 0.5:  # as files give them: codes, with a dictionary for each row group
            stored = [pa.concat_tables([coded(t.slice(0, 3)), coded(t.slice(3))]).combine_chunks() for t in stored]
        seen = observe_daily(
            [("", t) for t in stored], zone=ZONE, first=first, last=first + timedelta(days=8)
        ).to_pylist()
        expected = []
        for customer in sorted({r[1] for r in rows}):
            visible_on = []
            for offset in range(9):
                day = first + timedelta(days=offset)
                if any(not r[4] and r[2] < local(day) and r[3] <= day for r in rows if r[1] == customer):
                    visible_on.append({"customer_id": customer, "as_of": local(day)})
            drawn_later += 0 < len(visible_on) < 9
            drawn_retracted += not visible_on
            expected += visible_on
        assert seen == expected
    assert drawn_later > 100
    assert drawn_retracted > 10


def is_visible(rows: list[Row], row_id: str, day: date) -> bool:
    """The definition: of the versions known by the day the last delivered, if not retracted and before its midnight."""
    known = [r for r in rows if r[0] == row_id and r[3] <= day]
    if not known:
        return False
    latest = max(known, key=lambda r: r[-1])
    return not latest[4] and latest[2] < local(day)


def test_request_features_are_null_where_nothing_can_be_divided() -> None:
    rows = pa.table(
        {
            "amount_minor": pa.array([1000, 2000, None, 500], pa.int64()),
            "income": pa.array([500.0, 0.0, 100.0, None], pa.float64()),
        }
    )
    request = (
        RequestFeature(name="amount", expression="amount_minor", reason="Amount asked for"),
        RequestFeature(name="burden", expression="amount_minor + 0", per="income", reason="Amount against income"),
    )
    made = add_request_features(rows, request)
    assert made["request_amount"].to_pylist() == [1000.0, 2000.0, None, 500.0]
    assert made["request_burden"].to_pylist() == [2.0, None, None, None]
