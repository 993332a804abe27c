"""Versions that loads bring: corrections of rows that name a later date, dates from a mapping, rows that waited."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from tallystick.tables import Warehouse, read_arrow
from tallystick.visibility.rows import rows_in_force
from tests.lib.deliveries import (
    ACCOUNTS,
    SOURCE_YAML,
    TRANSACTIONS_SQL,
    counts_of,
    load_delivery,
    rejects_of,
    rows_of,
    write_delivery,
    write_project,
)

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

FIRST, SECOND, THIRD = date(2024, 1, 31), date(2024, 2, 1), date(2024, 2, 2)
YAML = (
    SOURCE_YAML.replace("history_until: 2024-01-31", "history_until: 2024-01-30")
    .replace(
        "  accounts: {known_on: event_date + 1 day}",
        "  accounts: {known_on: event_date + 1 day}\n  regions: {known_on: column}",
    )
    .replace("files:", "files:\n  regions: {file: regions.csv, columns: [region, taken, known, people]}")
)
REGIONS_SQL = """\
SELECT region AS region_id, taken AS event_at, CAST(known AS DATE) AS known_on, CAST(NULL AS STRING) AS region_group,
  people AS inhabitants, NULL AS municipalities_under_500, NULL AS municipalities_500_to_1999,
  NULL AS municipalities_2000_to_9999, NULL AS municipalities_over_10000, NULL AS cities, NULL AS urban_percent,
  NULL AS average_salary_minor, NULL AS unemployment_percent_before, NULL AS unemployment_percent,
  NULL AS entrepreneurs_per_1000, NULL AS crimes_before, NULL AS crimes
FROM regions
"""
RETRACTING = TRANSACTIONS_SQL.replace(
    "  LOWER(b.kind) AS channel,", "  'cash' AS channel,\n  b.kind = 'GONE' AS is_retracted,"
)

BOOKINGS = {
    FIRST: """\
1,A1,2024-01-20,100,CASH,
2,A1,2024-02-10,2,CASH,
3,A1,2024-03-05,3,CASH,
5,A1,2024-02-20,5,CASH,
6,A1,2024-01-31,6,CASH,
7,A1,2024-01-31,7,CASH,
8,A9,2024-01-05,8,CASH,
9,A9,2024-01-05,9,CASH,
10,A9,2024-01-05,10,CASH,
""",
    SECOND: """\
1,A1,2024-01-20,100,CASH,
2,A1,2024-02-10,20,CASH,
3,A1,2024-01-15,30,CASH,
5,A1,2024-02-20,5,GONE,
6,A1,2024-01-31,6,GONE,
7,A1,2024-01-31,70,CASH,
9,A1,2024-01-05,90,CASH,
""",
    THIRD: """\
1,A1,2024-01-20,100,CASH,
2,A1,2024-02-10,20,CASH,
3,A1,2024-01-15,30,CASH,
5,A1,2024-02-20,5,GONE,
6,A1,2024-01-31,6,GONE,
7,A1,2024-01-31,70,CASH,
10,A9,2024-01-05,100,CASH,
""",
}  # fmt: skip
# r1 was told twice before the first load, r2 changes next week, r3 is corrected in what lies before its newest version.
REGIONS = {
    FIRST: "r1,2023-01-01,2024-01-10,10\nr1,2023-01-01,2024-01-20,11\nr2,2023-01-01,2024-01-05,19\n"
    "r2,2024-02-01,2024-02-15,20\nr3,2023-01-01,2024-01-10,30\n",
    SECOND: "r1,2023-01-01,2024-01-20,11\nr2,2023-01-01,2024-01-05,19\nr2,2024-02-01,2024-02-15,20\n"
    "r3,2023-01-01,2024-01-22,31\nr3,2023-01-01,2024-01-10,30\n",
    THIRD: "r2,2023-01-01,2024-01-05,18\nr2,2024-02-01,2024-02-15,20\n",
}
ACCOUNT_A9 = {THIRD: "A9,1,2020-01-02\n"}


@pytest.fixture(scope="module")
def warehouse(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("village")
    files = {"source.yaml": YAML, "transactions.sql": RETRACTING, "regions.sql": REGIONS_SQL}
    project, warehouse = write_project(root / "project", files=files), root / "warehouse"
    for day in (FIRST, SECOND, THIRD):
        delivered = {
            "bookings_1.csv.gz": "booking,account,booked,amount,kind,note\n" + BOOKINGS[day],
            "regions.csv": "region,taken,known,people\n" + REGIONS[day],
            "accounts.csv.gz": ACCOUNTS + ACCOUNT_A9.get(day, ""),
        }
        write_delivery(root / "supplier" / str(day), delivered)
    load_delivery(spark, project, warehouse, root / "supplier")
    return warehouse


def amounts_on(warehouse: Path, day: date) -> Mapping[str, int]:
    """The bookings that decisions of a day see, by id, in whole crowns."""
    rows = read_arrow(Warehouse(warehouse), "clean.transactions")
    seen = rows_in_force(rows, "transaction_id", on=day).filter(
        pc.field("event_at") < pa.scalar(datetime(day.year, day.month, day.day, tzinfo=UTC))
    )
    return {row["transaction_id"]: row["amount_minor"] // 100 for row in seen.to_pylist()}


def test_what_was_delivered_last_counts_from_its_own_date_on(warehouse: Path) -> None:
    assert amounts_on(warehouse, FIRST) == {"1": 100}
    assert amounts_on(warehouse, SECOND) == {"1": 100, "3": 30, "7": 70, "9": 90}
    after = {"1": 100, "3": 30, "7": 70, "8": 8, "9": 90, "10": 100}
    assert amounts_on(warehouse, THIRD) == after
    assert amounts_on(warehouse, date(2024, 2, 15)) == {**after, "2": 20}
    assert amounts_on(warehouse, date(2024, 3, 10)) == {**after, "2": 20}


def test_the_same_statement_again_is_a_duplicate_whatever_date_it_names(warehouse: Path) -> None:
    assert counts_of(warehouse, "transactions", FIRST) == (9, 6, 3, 0, 0)
    assert counts_of(warehouse, "transactions", SECOND) == (7, 6, 0, 1, 0)
    assert counts_of(warehouse, "transactions", THIRD) == (7, 1, 0, 6, 0)


def test_a_row_that_waited_gives_way_to_what_was_delivered_since(warehouse: Path) -> None:
    settled = [
        (reason, line) for reason, _, _, line in rejects_of(warehouse, "transactions") if reason != "parent_unknown"
    ]
    # 8 enters; 9 was published meanwhile with another account; 10 is delivered once more, with another amount.
    assert settled == [("entered_later", 8), ("superseded_in_load", 9), ("superseded_in_load", 10)]


def region_versions(warehouse: Path, region: str) -> list[tuple[Any, ...]]:
    columns = ["region_id", "loaded_on", "known_on", "inhabitants"]
    return [
        tuple(row.values())[1:]
        for row in rows_of(warehouse, "clean.regions", columns=columns)
        if row["region_id"] == region
    ]


def test_a_date_that_the_mapping_gives_is_no_earlier_than_the_load_after_the_history(warehouse: Path) -> None:
    assert region_versions(warehouse, "r1") == [(FIRST, FIRST, 11)]
    assert region_versions(warehouse, "r3") == [(FIRST, FIRST, 30), (SECOND, SECOND, 31)]


def test_of_versions_that_are_raised_to_one_date_the_one_that_names_the_latest_stays(warehouse: Path) -> None:
    assert counts_of(warehouse, "regions", FIRST) == (5, 4, 1, 0, 0)
    # The older version of r3 is superseded by the newer, but it is stored: a duplicate.
    assert counts_of(warehouse, "regions", SECOND) == (5, 1, 0, 4, 0)
    assert rejects_of(warehouse, "regions") == [("superseded_in_load", "region_id", f"{FIRST}/regions.csv", 2)]


def test_a_new_version_takes_along_those_that_its_load_dates_later(warehouse: Path) -> None:
    # The third load corrects what is known until the 15th; without the second row it would count after that, too.
    later = date(2024, 2, 15)
    assert region_versions(warehouse, "r2") == [
        (FIRST, FIRST, 19),
        (FIRST, later, 20),
        (THIRD, THIRD, 18),
        (THIRD, later, 20),
    ]
    assert counts_of(warehouse, "regions", THIRD) == (2, 2, 0, 0, 0)
