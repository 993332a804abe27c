"""Groups that count rows per observation: two loans of one customer have features of their own.

The oracle decides row by row, from the definition: the version in force on the date, its key, its instant.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Sequence
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from tallystick.errors import DeclarationError
from tallystick.features import GroupWork, compute_local
from tallystick.spec.columns import group_columns
from tallystick.spec.feature_sql import feature_sql, sql_parameters
from tallystick.spec.features import FeatureGroup
from tallystick.spec.meaning import column_fingerprint
from tests.lib.feature_cases import CONTRACTS, make_events, make_group, make_measure, utc

Row = dict[str, Any]
ASKED = pa.schema([("observation_id", pa.string()), ("customer_id", pa.string()), ("as_of", pa.timestamp("us", "UTC"))])
# The made-up transactions have a text column ``channel``: here it names the loan that a payment belongs to.
PER_LOAN = make_group(make_measure("count sum last", value="amount_minor"), windows=("7d", "all"), per="channel")


def observations(*asked: tuple[str, str, dt.datetime]) -> pa.Table:
    return pa.Table.from_pylist([dict(zip(ASKED.names, one, strict=True)) for one in asked], schema=ASKED)


def compute(rows: Sequence[Row], asked: pa.Table, group: FeatureGroup = PER_LOAN, **how: Any) -> list[Row]:
    return compute_local(
        GroupWork.of(group, CONTRACTS), make_events(rows), asked, dimensions={}, zone="UTC", **how
    ).to_pylist()


def by_definition(rows: Sequence[Row], asked: pa.Table) -> list[tuple[int, int]]:
    """Count and sum of 7 days, from nothing but the definition."""
    found = []
    for one in asked.to_pylist():
        events: dict[str, list[Row]] = {}
        for row in rows:
            if row["customer_id"] == one["customer_id"] and row["known_on"] <= one["as_of"].date():
                events.setdefault(row["transaction_id"], []).append(row)
        seen = [max(versions, key=lambda v: (v["loaded_on"], v["known_on"])) for versions in events.values()]
        own = [
            row["amount_minor"]
            for row in seen
            if not row["is_retracted"] and row["channel"] == one["observation_id"]
            and one["as_of"] - dt.timedelta(days=7) <= row["event_at"] < one["as_of"]
        ]  # fmt: skip
        found.append((len(own), sum(own)))
    return found


def test_rows_of_the_other_loan_do_not_count() -> None:
    at = utc(2026, 3, 1)
    rows = [{"event_at": at, "channel": loan, "amount_minor": amount} for loan, amount in
            (("l1", 10), ("l1", 20), ("l2", 300), (None, 4000))]  # fmt: skip
    asked = observations(("l1", "bank:1", utc(2026, 3, 3)), ("l2", "bank:1", utc(2026, 3, 3)), ("l3", "bank:1", at))
    sums = [row["txn_m_sum_7d"] for row in compute(rows, asked)]
    assert sums == [30, 300, 0]
    plain = [row["txn_m_sum_7d"] for row in compute(rows, asked, group=make_group(*PER_LOAN.measures))]
    assert plain == [4330, 4330, 0]


@pytest.mark.parametrize("has_versions", [True, False])
def test_it_agrees_with_the_definition(has_versions: bool) -> None:
    draw = random.Random(8)
    for _ in range(150):
        versions: dict[tuple[str, dt.date, dt.date], Row] = {}
        for number in range(draw.randrange(1, 16)):
            event = draw.randrange(6) if has_versions else number
            known, loaded = (dt.date(2026, 3, 1) + dt.timedelta(days=draw.randrange(8)) for _ in range(2))
            row = {
                "transaction_id": f"t{event}", "customer_id": f"bank:{event % 2}", "known_on": known,
                "loaded_on": loaded, "event_at": utc(2026, 3, draw.randrange(1, 8), draw.choice([0, 12])),
                "channel": draw.choice(["l1", "l2", None]), "amount_minor": draw.randrange(100),
                "is_retracted": draw.random() < 0.15,
            }  # fmt: skip
            versions[row["transaction_id"], loaded, known] = row
        rows = list(versions.values())
        draw.shuffle(rows)
        asked = observations(
            *((loan, f"bank:{customer}", utc(2026, 3, day)) for customer in (0, 1) for day in (3, 5, 8)
              for loan in ("l1", "l2"))
        )  # fmt: skip
        found = compute(rows, asked, has_versions=has_versions)
        assert [(row["txn_m_count_7d"], row["txn_m_sum_7d"]) for row in found] == by_definition(rows, asked)


def test_observations_of_one_customer_and_instant_have_equal_features_and_keep_their_places() -> None:
    rows = [{"event_at": utc(2026, 3, day), "channel": "l1", "amount_minor": day} for day in range(1, 6)]
    plain = make_group(make_measure("sum", value="amount_minor"))
    asked = observations(
        ("b", "bank:1", utc(2026, 3, 4)), ("a", "bank:1", utc(2026, 3, 4)), ("c", "bank:2", utc(2026, 3, 4)),
        ("a", "bank:1", utc(2026, 3, 5)),
    )  # fmt: skip
    found = compute(rows, asked, group=plain)
    assert [(row["observation_id"], row["txn_m_sum_7d"]) for row in found] == [("b", 6), ("a", 6), ("c", 0), ("a", 10)]


def test_the_passports_sql_counts_the_same_rows() -> None:
    rows = [
        {"transaction_id": f"t{number}", "event_at": utc(2026, 3, 1 + number), "channel": f"l{number % 2 + 1}",
         "amount_minor": 10**number}
        for number in range(6)
    ]  # fmt: skip
    # The last payment is moved from one loan to the other.
    rows.append({**rows[5], "channel": "l1", "known_on": dt.date(2026, 3, 8)})
    at = utc(2026, 3, 9)
    asked = observations(("l1", "bank:1", at), ("l2", "bank:1", at))
    column = next(c for c in group_columns(PER_LOAN, CONTRACTS) if c.name == "txn_m_sum_7d")
    sql = feature_sql(PER_LOAN, column, CONTRACTS)
    told = []
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'; CREATE SCHEMA clean")
        connection.register("events", make_events(rows))
        connection.execute("CREATE TABLE clean.transactions AS SELECT * FROM events")
        for loan in ("l1", "l2"):
            named = sql_parameters(sql, customer_id="bank:1", as_of=at, zone="UTC", observation_id=loan)
            told += connection.execute(sql, named).fetchall()
    assert [value for (value,) in told] == [row[column.name] for row in compute(rows, asked)] == [110_100, 1_010]


def test_per_is_a_text_column_of_the_table_and_the_key_of_the_set() -> None:
    with pytest.raises(DeclarationError, match=r"per names amount_minor.*no text column of clean.transactions"):
        GroupWork.of(make_group(make_measure("count"), per="amount_minor"), CONTRACTS)
    with pytest.raises(
        DeclarationError, match=r"rows per channel.*have the key customer_id \(a set with key='channel'"
    ):
        PER_LOAN.check_key("customer_id")
    PER_LOAN.check_key("channel")
    make_group(make_measure("count")).check_key("customer_id")


def test_it_is_part_of_what_a_feature_means() -> None:
    plain = make_group(*PER_LOAN.measures, windows=PER_LOAN.windows)
    names = [{c.name: column_fingerprint(g, c) for c in group_columns(g)} for g in (plain, PER_LOAN)]
    assert list(names[0]) == list(names[1])
    assert not set(names[0].values()) & set(names[1].values())


def test_an_entity_that_rows_are_not_bucketed_by_is_refused() -> None:
    """Its rows lie in several buckets: each task would see some of them, and store what it sees."""
    with pytest.raises(DeclarationError, match=r"entity channel is not what .* kept by.*per='channel'"):
        GroupWork.of(make_group(make_measure("count"), entity="channel"), CONTRACTS)
