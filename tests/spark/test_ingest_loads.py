"""A supplier's loads one after another: every row accounted for, parked rows enter later, nothing lost or doubled."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from tallystick.cli.showing import list_rejected
from tallystick.errors import LoadRefused
from tallystick.ingest.rejected import summarise_rejected
from tallystick.report import list_questions
from tallystick.tables import Warehouse, query
from tests.lib import loans
from tests.lib.deliveries import (
    ACCOUNTS_SQL,
    BOOKINGS,
    PEOPLE,
    TRANSACTIONS_SQL,
    counts_of,
    ingest,
    load_delivery,
    rejects_of,
    rows_of,
    write_delivery,
    write_project,
    write_source,
)

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

FIRST, SECOND, THIRD = date(2024, 1, 31), date(2024, 2, 1), date(2024, 2, 2)

# Line by line what must become of it; lines 2 to 6 are those of BOOKINGS, of which line 3 goes on in line 4.
ODD_BOOKINGS = (
    BOOKINGS
    + "5,A1,2024-01-05,ten,CASH,\n"  # line 7
    + "6,A1,2024-02-30,1,CASH,\n"  # 8
    + "7,A1,2024-01-05,1,BARTER,\n"  # 9
    + ",A1,2024-01-05,1,CASH,\n"  # 10
    + "8,A1,2024-01-05,1,CASH\n"  # 11
    + '9,A1,2024-01-05,1,CASH,"open\n'  # 12
    + "10,A9,2024-01-05,1,CASH,\n"  # 13
    + "11,,2024-01-05,1,CASH,\n"  # 14
    + "12,A2,2024-01-06,1,CASH,\n"  # 15
    + "12,A2,2024-01-06,1,CASH,\n"  # 16
    + "13,A2,2024-01-06,1,CASH,\n"  # 17
    + "13,A2,2024-01-06,2,CASH,\n"  # 18
    + "15,A9,2024-01-05,1,VOID,\n"  # 19
)


@pytest.fixture(scope="module")
def village(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """Project, warehouse and deliveries after two loads."""
    root = tmp_path_factory.mktemp("village")
    project, warehouse, supplier = write_project(root / "project"), root / "warehouse", root / "supplier"
    write_delivery(supplier / "2024-01-31", {"bookings_1.csv.gz": ODD_BOOKINGS})
    load_delivery(spark, project, warehouse, supplier)
    later = (
        "note,kind,amount,booked,account,booking\n"  # another order of columns
        ",CASH,100.00,2024-01-02,A1,1\n"  # delivered again
        "corrected,CARD,-50.25,2024-01-03,A1,2\n"  # a correction
        ",TRANSFER,7,2024-01-03 10:30:00,A1,3\n"  # another customer's now
        ",CASH,5,2024-02-01,A2,20\n"  # new
    )
    files = {
        "accounts.csv.gz": "account,person,opened\nA2,2,2021-03-04\nA9,2,2024-01-04\n",
        "people.csv": PEOPLE + "2,1980-06-02,north\n3,1990-01-01,east\n4,,west\n",  # one person in two versions
        "bookings_1.csv.gz": None,
        "bookings_2.csv.gz": later,
    }
    write_delivery(supplier / "2024-02-01", files)
    load_delivery(spark, project, warehouse, supplier)
    return project, warehouse, supplier


def test_every_row_read_is_accepted_rejected_duplicate_or_excluded(village: tuple[Path, Path, Path]) -> None:
    _, warehouse, _ = village
    assert counts_of(warehouse, "transactions", FIRST) == (17, 4, 10, 1, 2)
    assert counts_of(warehouse, "accounts", FIRST) == (2, 2, 0, 0, 0)
    assert counts_of(warehouse, "customers", FIRST) == (2, 2, 0, 0, 0)
    assert counts_of(warehouse, "transactions", SECOND) == (4, 2, 1, 1, 0)
    assert counts_of(warehouse, "accounts", SECOND) == (2, 1, 0, 1, 0)
    assert counts_of(warehouse, "customers", SECOND) == (5, 2, 2, 1, 0)


def test_every_reject_says_why_and_where(village: tuple[Path, Path, Path]) -> None:
    _, warehouse, _ = village
    first, second = "2024-01-31/bookings_1.csv.gz", "2024-02-01/bookings_2.csv.gz"
    assert rejects_of(warehouse, "transactions") == [
        ("not_a_number", "direction", first, 7),
        ("not_a_time", "event_at", first, 8),
        ("not_in_values", "channel", first, 9),
        ("missing", "transaction_id", first, 10),
        ("wrong_field_count", None, first, 11),
        ("bad_quoting", None, first, 12),
        ("entered_later", None, first, 13),
        ("parent_unknown", "account_id", first, 13),
        ("missing", "account_id", first, 14),
        ("conflicting_versions", "transaction_id", first, 17),
        ("conflicting_versions", "transaction_id", first, 18),
        ("changed_customer", "customer_id", second, 4),
    ]
    raw = {row["line"]: row["raw"] for row in rows_of(warehouse, "clean.transactions_rejected")}
    assert raw[12] == '9,A1,2024-01-05,1,CASH,"open'
    assert raw[13] == "10,A9,2024-01-05,1,CASH,"


def test_accepted_rows_are_exact(village: tuple[Path, Path, Path]) -> None:
    _, warehouse, _ = village
    columns = [
        "transaction_id",
        "known_on",
        "customer_id",
        "event_at",
        "amount_minor",
        "direction",
        "category",
        "period",
    ]
    rows = [tuple(row.values()) for row in rows_of(warehouse, "clean.transactions", columns=columns)]
    at = {day: datetime(2024, 1, day - 1, 23, tzinfo=UTC) for day in (2, 3, 5, 6)}
    assert rows == [
        ("1", date(2024, 1, 3), "village:1", at[2], 10000, "in", None, "2024-01"),
        ("10", SECOND, "village:2", at[5], 100, "in", None, "2024-01"),
        ("12", date(2024, 1, 7), "village:2", at[6], 100, "in", None, "2024-01"),
        ("2", date(2024, 1, 4), "village:1", at[3], 5025, "out", "shoes, black\nand a hat", "2024-01"),
        ("2", SECOND, "village:1", at[3], 5025, "out", "corrected", "2024-01"),
        ("20", date(2024, 2, 2), "village:2", datetime(2024, 1, 31, 23, tzinfo=UTC), 500, "in", None, "2024-02"),
        ("3", date(2024, 1, 4), "village:2", datetime(2024, 1, 3, 9, 30, tzinfo=UTC), 700, "in", None, "2024-01"),
    ]


def test_a_correction_is_a_new_version_and_a_snapshot_that_differs_within_itself_changes_nothing(
    village: tuple[Path, Path, Path],
) -> None:
    _, warehouse, _ = village
    people = rows_of(warehouse, "clean.customers", columns=["customer_fact_id", "loaded_on", "region_id"])
    assert [tuple(row.values()) for row in people] == [
        *(("1", FIRST, "north"), ("2", FIRST, "south")),
        *(("3", SECOND, "east"), ("4", SECOND, "west")),
    ]


def test_one_load_writes_at_most_one_file_per_bucket_and_period(village: tuple[Path, Path, Path]) -> None:
    _, warehouse, _ = village
    table = Warehouse(warehouse).open("clean.transactions")
    keys = [
        (file["partition.bucket"], file["partition.period"], file["min.loaded_on"])
        for file in pa.table(table.get_add_actions(flatten=True)).to_pylist()
    ]
    assert len(set(keys)) == len(keys)


def test_what_waits_and_what_was_rejected_can_be_summed_up_without_values(village: tuple[Path, Path, Path]) -> None:
    _, warehouse, _ = village
    store = Warehouse(warehouse)
    found = summarise_rejected(lambda sql: query(store, sql), ["customers", "transactions"])
    assert [(row.table, row.reason, row.column, row.rows) for row in found][:2] == [
        ("customers", "conflicting_versions", "customer_fact_id", 2),
        ("transactions", "conflicting_versions", "transaction_id", 2),
    ]
    assert found[0].first_place == "2024-02-01/people.csv:3"
    assert summarise_rejected(lambda sql: query(store, sql), ["transactions"], waiting_only=True) == []
    listed = {(row["reason"], row["loaded_on"]): row for row in list_rejected(warehouse).to_pylist()}
    waited, entered = listed["parent_unknown", FIRST], listed["entered_later", SECOND]
    assert (waited["rows"], waited["waiting"], entered["rows"], entered["waiting"]) == (1, 0, 1, 0)


def test_the_report_counts_rows_that_entered_later_as_clean(village: tuple[Path, Path, Path]) -> None:
    store = Warehouse(village[1])
    counted = query(store, list_questions(loans.RECIPE, source="village")["loads"].sql).to_pylist()
    clean = {row["table_name"]: row["accepted"] + row["entered"] for row in counted}
    assert clean == {table: len(rows_of(village[1], f"clean.{table}")) for table in clean}
    assert [row["entered"] for row in counted] == [0, 0, 1]


def test_the_same_bytes_again_change_nothing_and_other_bytes_are_refused(
    spark: SparkSession, village: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    project, warehouse, supplier = village
    before = {name: Warehouse(warehouse).open(name).version() for name in Warehouse(warehouse).tables()}
    load_delivery(spark, project, warehouse, supplier)
    changed = write_delivery(tmp_path / "changed", {"people.csv": PEOPLE + "3,1990-01-01,east\n"})
    with pytest.raises(LoadRefused, match=r"other bytes of this delivery were published: .*people\.csv"):
        load_delivery(spark, project, warehouse, changed)
    assert {name: Warehouse(warehouse).open(name).version() for name in Warehouse(warehouse).tables()} == before


def test_a_replay_gives_the_same_rows_and_takes_a_corrected_mapping(
    spark: SparkSession, village: tuple[Path, Path, Path]
) -> None:
    project, warehouse, _ = village
    before = {name: rows_of(warehouse, name) for name in Warehouse(warehouse).tables()}
    write_source(
        project,
        files={"transactions.sql": TRANSACTIONS_SQL.replace("LOWER(b.kind)", "NULLIF(LOWER(b.kind), 'barter')")},
    )
    ingest(spark, project, warehouse, replay_from=date(2024, 1, 31))
    write_source(project)
    after = {name: rows_of(warehouse, name) for name in before}
    added = [row["transaction_id"] for row in after["clean.transactions"] if row not in before["clean.transactions"]]
    assert added == ["7"]
    assert [row for row in before["clean.transactions"] if row not in after["clean.transactions"]] == []
    same = [name for name in before if after[name] == before[name]]
    assert sorted(set(before) - set(same)) == ["clean.transactions", "clean.transactions_rejected", "monitor.loads"]
    ingest(spark, project, warehouse, replay_from=date(2024, 1, 31))
    assert {name: rows_of(warehouse, name) for name in before} == before


def test_views_unions_left_joins_and_parents_by_column(spark: SparkSession, tmp_path: Path) -> None:
    project = write_project(
        tmp_path / "project",
        files={
            "customers.sql": CUSTOMERS_OF_ALL,
            "accounts.sql": ACCOUNTS_SQL.replace("  CAST(NULL AS STRING) AS region_id", REGION),
            "source.yaml": UNION_YAML,
            "transactions.sql": TRANSACTIONS_SQL,
            "relationships.sql": RELATIONSHIPS,
        },
    )
    files = {
        "accounts.csv.gz": "account,person,opened\nA1,1,2020-01-02\nA2,3,2021-03-04\nA2,3,2021-03-04\nA4,,2020-01-01\n",
    }
    warehouse = tmp_path / "warehouse"
    load_delivery(spark, project, warehouse, write_delivery(tmp_path / "supplier", files))
    people = rows_of(warehouse, "clean.customers", columns=["customer_id", "region_id"])
    # Person 2 has no account, person 3 stands in no file of people: a derived view finds all three.
    assert [tuple(row.values()) for row in people] == [
        ("village:1", "north"),
        ("village:2", "south"),
        ("village:3", None),
    ]
    assert counts_of(warehouse, "relationships", FIRST) == (8, 4, 2, 2, 0)
    waiting = {
        row["reason"]: row["waiting"] for row in list_rejected(warehouse).to_pylist() if "accounts" in row["table_name"]
    }
    assert waiting == {"parent_unknown": 2, "missing": 0}
    assert {(reason, column) for reason, column, _, _ in rejects_of(warehouse, "relationships")} == {
        ("missing", "customer_id"),
        ("missing", "relationship_id"),
    }
    assert rejects_of(warehouse, "accounts") == [
        ("parent_unknown", "region_id", "2024-01-31/accounts.csv.gz", 3),
        ("parent_unknown", "region_id", "2024-01-31/accounts.csv.gz", 4),
        ("missing", "customer_id", "2024-01-31/accounts.csv.gz", 5),
    ]


CUSTOMERS_OF_ALL = """\
SELECT
  CONCAT(${source}, ':', a.person) AS customer_id,
  a.person AS customer_fact_id,
  '2020-01-01' AS event_at,
  p.born AS birth_date,
  CAST(NULL AS STRING) AS gender,
  p.village AS region_id,
  CAST(NULL AS STRING) AS occupation,
  CAST(NULL AS STRING) AS education,
  CAST(NULL AS STRING) AS declared_income_minor
FROM everybody a
LEFT JOIN people p ON p.person = a.person
"""
REGION = "  CASE account WHEN 'A1' THEN person ELSE account END AS region_id"
RELATIONSHIPS = """\
SELECT CONCAT(${source}, ':', person) AS customer_id, CONCAT(person, '>', account) AS relationship_id,
  opened AS event_at, CONCAT(${source}, ':', account) AS other_customer_id, 'friend' AS kind
FROM accounts
UNION ALL
SELECT CONCAT(${source}, ':', account), CONCAT(account, '>', person), opened, CONCAT(${source}, ':', person), 'friend'
FROM accounts
"""
UNION_YAML = """\
zone: Europe/Prague
currency: CZK
load_date: 2024-01-31
reject_rate: 0.9
files:
  people: {file: people.csv, columns: [person, born, village], key: [person]}
  accounts: {file: accounts.csv.gz, columns: [account, person, opened]}
  bookings: {file: "bookings*.csv.gz", columns: [booking, account, booked, amount, kind, note]}
views:
  everybody:
    sql: SELECT person FROM people UNION SELECT person FROM accounts WHERE person IS NOT NULL
    key: [person]
tables:
  customers: {known_on: load_date}
  accounts: {known_on: load_date, parents: {region_id: customers}}
  transactions: {known_on: load_date}
  relationships: {known_on: load_date}
"""
