"""Random deliveries, one after another: ingest stores what Spark's SQL over whole rows says, row by row."""

from __future__ import annotations

import random
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tallystick.dialect import NotTranslated
from tallystick.ingest import branch_plans
from tests.lib.deliveries import SOURCE_YAML, TRANSACTIONS_SQL, ingest, rows_of, write_delivery, write_project
from tests.lib.ingest_agreement import Loads
from tests.spark.test_ingest_versions import REGIONS_SQL

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

FIRST = date(2024, 1, 31)
SEEDS = [0, *(pytest.param(seed, marks=pytest.mark.soak) for seed in range(1, 12))]

# Every way that rows meet: parents, a join with a clean table, a view that drives a table, dates from the mapping.
VILLAGERS = """\
views:
  villagers:
    sql: SELECT person, MIN(born) AS born, village FROM people GROUP BY person, village
    key: [person, village]
tables:"""
YAML = (
    SOURCE_YAML.replace("reject_rate: 0.5", "reject_rate: 0.99")
    .replace(", reject_rate: 0.9", ", reject_rate: 0.99, parents: {category: regions}")
    .replace("files:", "files:\n  regions: {file: regions.csv, columns: [region, taken, known, people]}", 1)
    .replace("tables:", VILLAGERS)
    .replace(
        "customers: {known_on: assumed}", "customers: {known_on: event_date + 1 day, parents: {region_id: regions}}"
    )
    + "  regions: {known_on: column}\n"
)
CUSTOMERS_SQL = """\
SELECT CONCAT(${source}, ':', person) AS customer_id, CONCAT(person, '-', village) AS customer_fact_id,
  '2020-01-01' AS event_at, born AS birth_date, CAST(NULL AS STRING) AS gender, village AS region_id,
  CAST(NULL AS STRING) AS occupation, CAST(NULL AS STRING) AS education, CAST(NULL AS STRING) AS declared_income_minor
FROM villagers
"""
BOOKINGS_SQL = TRANSACTIONS_SQL.replace(
    "  LOWER(b.kind) AS channel,", "  LOWER(b.kind) AS channel,\n  b.note = 'gone' AS is_retracted,"
).replace("b.note AS category", "NULLIF(b.note, 'gone') AS category")
FILES = {
    "source.yaml": YAML,
    "customers.sql": CUSTOMERS_SQL,
    "transactions.sql": BOOKINGS_SQL,
    "regions.sql": REGIONS_SQL,
}


def lines(draw: random.Random, day: date) -> dict[str, str]:
    """The files of one delivery: few ids, so that rows meet, and a bad value here and there."""
    pick = draw.choice
    born = ["1970-05-01", "1980-06-02", "1980-06-02", "x"]
    people = [f"{draw.randint(1, 6)},{pick(born)},{pick('rrsstu')}" for _ in range(8)]
    accounts = [
        f"A{draw.randint(1, 5)},{draw.randint(1, 2)},{pick(['2020-01-02', '2020-01-02', '2021-02-30'])}"
        for _ in range(6)
    ]
    bookings = [
        f"{draw.randint(1, 25)},A{draw.randint(1, 6)},{day - timedelta(days=draw.randint(-2, 30))},"
        f"{pick(['10', '10.00', '20.5', '7', 'ten', '1e2'])},{pick(['CASH', 'CASH', 'CARD', 'VOID', 'BARTER'])},"
        f"{pick(['', '', 'r', 's', 't', 'gone'])}"
        for _ in range(draw.randint(30, 60))
    ]
    regions = [
        f"{pick('rst')},2023-01-01,{day + timedelta(days=draw.randint(-9, 9))},{draw.randint(1, 3)}" for _ in range(5)
    ]
    bookings += [*draw.sample(bookings, min(3, len(bookings))), "1,2,3"]
    return {
        "people.csv": "\n".join(["person,born,village", *people]) + "\n",
        "accounts.csv.gz": "\n".join(["account,person,opened", *accounts]) + "\n",
        "regions.csv": "\n".join(["region,taken,known,people", *regions]) + "\n",
        "bookings_1.csv.gz": "\n".join(["booking,account,booked,amount,kind,note", *bookings]) + "\n",
    }


@pytest.mark.parametrize("seed", SEEDS)
def test_every_row_has_the_outcome_that_windows_over_whole_rows_give(
    spark: SparkSession, tmp_path: Path, seed: int
) -> None:
    draw = random.Random(seed)
    project = write_project(tmp_path / "project", files=FILES)
    loads = Loads(spark, project, tmp_path)
    for number in range(3):
        day = FIRST + timedelta(days=number)
        loads.load(day, {"accounts.csv.gz": None, **lines(draw, day)}, told=f"seed {seed}")
    missing = {"accepted", "duplicate", "excluded", "parent_unknown", "conflicting_versions"} - set(loads.outcomes)
    assert not missing, f"seed {seed} draws no row that is {missing}"


def test_rows_that_spark_maps_have_the_same_outcomes(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw = random.Random(0)
    project = write_project(tmp_path / "project", files=FILES)
    for number in range(2):
        day = FIRST + timedelta(days=number)
        write_delivery(tmp_path / "supplier" / str(day), {"accounts.csv.gz": None, **lines(draw, day)})
    ingest(spark, project, tmp_path / "duckdb", directory=tmp_path / "supplier")

    def refuse(*told: object) -> str:
        raise NotTranslated("for a test")

    monkeypatch.setattr(branch_plans, "_duckdb_sql", refuse)
    ingest(spark, project, tmp_path / "spark", directory=tmp_path / "supplier")
    for table in ("customers", "accounts", "transactions", "regions"):
        for name in (f"clean.{table}", f"clean.{table}_rejected"):
            assert rows_of(tmp_path / "duckdb", name) == rows_of(tmp_path / "spark", name), name
    assert rows_of(tmp_path / "duckdb", "monitor.loads") == rows_of(tmp_path / "spark", "monitor.loads")
    assert len(rows_of(tmp_path / "duckdb", "clean.transactions")) > 5
