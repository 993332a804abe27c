"""A supplier of another kind, by mapping alone: its features agree with queries straight on the supplier's files."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import pytest
from deltalake import DeltaTable

from tallystick.tables import Warehouse

STUDY_START = date(2013, 9, 1)
FIRST, LAST = date(2013, 9, 22), date(2013, 9, 28)  # as the fixture of the run says
DAYS = (LAST - FIRST).days + 1
PEOPLE = 833


@pytest.fixture(scope="module")
def db(copenhagen: Warehouse, data_dir: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The supplier's files as they are, and beside them the feature tables; nothing between them is used."""
    connection = duckdb.connect()
    for name in ("sms", "calls", "fb_friends", "genders"):
        path = data_dir / "copenhagen" / f"{name}.csv.gz"
        connection.execute(f"create table {name} as select * from read_csv('{path}', normalize_names = true)")
    for group in ("social", "relationships"):
        connection.register(
            f"delta_{group}", DeltaTable(str(copenhagen.table_path(f"feature.{group}"))).to_pyarrow_dataset()
        )
        connection.execute(f"""
            create table feature_{group} as
            select split_part(customer_id, ':', 2)::int as person,
                   date_diff('day', date '{STUDY_START}', (as_of at time zone 'Europe/Copenhagen')::date) as day, *
            from delta_{group}""")
    connection.execute(EVENTS)
    days = f"range({(FIRST - STUDY_START).days}, {(LAST - STUDY_START).days + 1}) as days(day)"
    connection.execute(
        f"create table observation as select distinct person, day from known, {days} where ts < day * 86400"
    )
    yield connection
    connection.close()


# Two messages of one sender to one recipient in one second are one.
EVENTS = """
create table event as
with message as (select distinct timestamp, sender, recipient from sms)
select sender as person, timestamp as ts, 'message' as kind, 'out' as direction, recipient as other, null as seconds
from message
union all select recipient, timestamp, 'message', 'in', sender, null from message
union all select caller, timestamp, 'call', 'out', callee, duration from calls
union all select callee, timestamp, 'call', 'in', caller, duration from calls;
create table known as -- who is there for the bank, and from which second on
select person, min(ts) as ts from event group by person
union all select user_a, 0 from fb_friends union all select user_b, 0 from fb_friends;
create macro seen(ts, day, width) as ts < day * 86400 and ts >= (day - width) * 86400;
"""

COUNTS = """
select o.person, o.day,
  count(*) filter (seen(ts, day, 7) and kind = 'message' and direction = 'out') as social_out_message_count_7d,
  count(*) filter (seen(ts, day, 28) and kind = 'call' and direction = 'in') as social_in_call_count_28d,
  count(*) filter (seen(ts, day, 28) and ts % 86400 < 6 * 3600) as social_night_count_28d,
  count(*) filter (seen(ts, day, 28) and direction = 'in' and seconds = -1) as social_missed_count_28d,
  count(distinct other) filter (seen(ts, day, 28)) as social_contacts_distinct_28d,
  count(distinct ts // 86400) filter (seen(ts, day, 7)) as social_event_active_days_7d,
  avg(seconds) filter (seen(ts, day, 28) and seconds >= 0) as social_talk_mean_28d,
  coalesce(sum(seconds) filter (seen(ts, day, 7) and seconds >= 0), 0) as social_talk_sum_7d,
  day - max(ts // 86400) filter (ts < day * 86400) as social_silence_days_since_last_all,
  day - max(ts // 86400) filter (ts < day * 86400 and kind = 'call' and direction = 'out')
    as social_silence_out_call_days_since_last_all,
  count(*) filter (seen(ts, day, 28) and direction = 'out')
    / nullif(count(*) filter (seen(ts, day, 28)), 0) as social_out_share_28d,
  (count(*) filter (seen(ts, day, 7)) - count(*) filter (seen(ts, day - 7, 7)))
    / nullif(count(*) filter (seen(ts, day - 7, 7)), 0) as social_event_count_change_7d
from observation o left join event e using (person)
group by o.person, o.day
"""

CONCENTRATION = """
with share as (
  select o.person, o.day, count(*) / sum(count(*)) over (partition by o.person, o.day) as p
  from observation o join event e on e.person = o.person and seen(e.ts, o.day, 28)
  group by o.person, o.day, e.other)
select o.person, o.day, -sum(p * ln(p)) as social_contacts_entropy_28d, max(p) as social_contacts_top_share_28d,
  sum(p * p) as social_contacts_hhi_28d
from observation o left join share s using (person, day)
group by o.person, o.day
"""

STREAKS = """
with active as (
  select distinct o.person, o.day, e.ts // 86400 as ts
  from observation o join event e on e.person = o.person and seen(e.ts, o.day, 28)),
run as (select person, day, count(*) as days
  from (select person, day, ts - row_number() over (partition by person, day order by ts) as start from active)
  group by person, day, start)
select o.person, o.day, coalesce(max(days), 0) as social_event_longest_streak_28d
from observation o left join run using (person, day)
group by o.person, o.day
"""

FRIENDS = """
with side as (select user_a as person, user_b as other from fb_friends
  union select user_b, user_a from fb_friends)
select o.person, o.day, count(distinct other) as relationships_people_friend_distinct_all
from observation o left join side using (person)
group by o.person, o.day
"""


def test_everybody_with_a_tie_or_an_event_so_far_has_one_row_per_day_and_group(db: duckdb.DuckDBPyConnection) -> None:
    expected = db.sql("select person, day from observation order by all").fetchall()
    assert len(expected) == PEOPLE * DAYS, "in the last week nobody is new"
    for group in ("social", "relationships"):
        assert db.sql(f"select person, day from feature_{group} order by all").fetchall() == expected, group


def test_there_are_at_least_forty_features_that_say_something(db: duckdb.DuckDBPyConnection) -> None:
    names = [name for name in db.sql("select * from feature_social limit 0").columns if name.startswith("social_")]
    counts = ", ".join(f"count(distinct {name})" for name in names)
    varied = db.sql(f"select {counts} from feature_social").fetchall()[0]
    telling = [name for name, values in zip(names, varied, strict=True) if values > 1]
    assert len(telling) >= 40
    for word in ("out_message", "in_call", "out_share", "contacts_distinct", "entropy", "night_share", "missed"):
        assert any(word in name for name in telling), word
    for word in ("talk_mean", "silence_days_since_last", "change_7d"):
        assert any(word in name for name in telling), word


@pytest.mark.parametrize(
    ("group", "query"),
    [
        pytest.param("social", COUNTS, id="counts"),
        pytest.param("social", CONCENTRATION, id="concentration"),
        pytest.param("social", STREAKS, id="streaks"),
        pytest.param("relationships", FRIENDS, id="friends"),
    ],
)
def test_features_are_what_the_files_say(db: duckdb.DuckDBPyConnection, group: str, query: str) -> None:
    expected = db.sql(query)
    for name in expected.columns[2:]:
        wrong = db.sql(f"""
            select count(*) as rows,
              count(*) filter (f.{name} is null and e.{name} is null
                or abs(f.{name}::double - e.{name}::double) <= 1e-9 * greatest(1, abs(e.{name}::double))) as equal
            from feature_{group} f join ({query}) e using (person, day)""").fetchall()[0]
        assert wrong[0] == PEOPLE * DAYS, name
        assert wrong[0] == wrong[1], f"{name}: {wrong[0] - wrong[1]} of {wrong[0]} rows differ"


def test_nothing_is_seen_before_its_day(db: duckdb.DuckDBPyConnection) -> None:
    """On each day the whole history holds exactly the events of the days before it."""
    seen = db.sql("select day, sum(social_event_count_90d)::bigint from feature_social group by day order by day")
    there = db.sql(
        "select day, count(*) from observation o join event e on e.person = o.person and e.ts < o.day * 86400 "
        "group by day order by day"
    )
    assert seen.fetchall() == there.fetchall()
