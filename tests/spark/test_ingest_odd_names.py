"""Random deliveries whose files, views and columns bear the names that a load uses inside, and values of every script.

Apart from the plain random loads: one seed takes half a minute here, so all of them are among the long tests.
"""

from __future__ import annotations

import csv
import io
import json
import random
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.lib.deliveries import ingest, rows_of, write_project
from tests.lib.ingest_agreement import Loads
from tests.spark.test_ingest_versions import REGIONS_SQL

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

FIRST = date(2024, 1, 31)
TABLES = ("customers", "accounts", "transactions", "regions")

# What the load names its own tables inside: driving, load_rows, compared, published, parent_0.
YAML = """\
title: Odd
zone: America/New_York
currency: CZK
load_date: 2024-01-31
history_until: HISTORY
reject_rate: 0.99
layout: {buckets: 64, period: month}
reading: {encoding: utf-8, nulls: ["", "NULL"]}
files:
  driving: {file: people.csv, columns: ["a.b", "born on", 'we"ird,x:y<', "villa`ge"]}
  load_rows: {file: accounts.csv.gz, columns: [account, select, "from"], key: [account], optional: true}
  compared: {file: "bookings*.csv.gz", columns: [booking, account, booked, amount, kind, note, bucket, period]}
  transfers: {file: "transfers*.jsonl", columns: [booking, account, booked, amount, kind, note], optional: true,
              sparse: [note, kind]}
  published: {file: regions.csv, columns: [region, taken, known, people]}
views:
  joined_people:
    sql: |
      SELECT `a.b` AS person, MIN(`born on`) AS born, MAX(`we"ird,x:y<`) AS `od,d`, `villa``ge` AS village
      FROM driving GROUP BY `a.b`, `villa``ge`
    key: [person, village]
  parent_0:
    sql: SELECT account AS acc, COUNT(*) AS n, MAX(amount) AS top FROM compared GROUP BY account
    key: [acc]
tables:
  customers: {known_on: event_date + 1 day, parents: {region_id: regions}}
  accounts: {known_on: event_date + 1 day}
  transactions: {known_on: KNOWN, parents: {category: regions}}
  regions: {known_on: column}
"""
CUSTOMERS_SQL = """\
SELECT CONCAT(${source}, ':', person) AS customer_id, CONCAT(person, '-', village) AS customer_fact_id,
  '2020-01-01' AS event_at, born AS birth_date, CAST(NULL AS STRING) AS gender, village AS region_id,
  `od,d` AS occupation, CAST(NULL AS STRING) AS education, CAST(NULL AS STRING) AS declared_income_minor
FROM joined_people
"""
ACCOUNTS_SQL = """\
SELECT CONCAT(${source}, ':', `SELECT`) AS customer_id, account AS account_id, `from` AS event_at,
  CASE WHEN p.n > 1 THEN p.top END AS region_id, CAST(NULL AS STRING) AS statement_frequency, ${currency} AS currency
FROM load_rows l LEFT JOIN parent_0 p ON p.acc = l.account
"""
BRANCH_SQL = """\
SELECT a.customer_id, b.booking AS transaction_id, b.booked AS event_at, b.account AS account_id,
  CASE WHEN CAST(b.amount AS DECIMAL(18, 2)) < 0 THEN 'out' ELSE 'in' END AS direction,
  LOWER(b.kind) AS channel, b.note = 'gone' AS is_retracted, NULLIF(b.note, 'gone') AS category,
  ABS(CAST(b.amount AS DECIMAL(18, 2))) * 100 AS amount_minor, CAST(NULL AS STRING) AS balance_minor,
  CAST(NULL AS STRING) AS counterparty_bank, l.`from` AS counterparty_id, ${currency} AS currencyEXTRA
FROM VIEW b
JOIN clean.accounts a ON a.account_id = b.account
LEFT JOIN load_rows l ON l.account = b.account
WHERE b.kind <> 'VOID'
"""
ODD = ["é", "a'b", 'q"q', "back\\slash", "new\nline", "🙂", "x\x01y", "  pad  ", "%", "K" * 3000, "NULL ", "\ufffd",
       "ı", "İ", "\u202e"]  # fmt: skip
TIMES = [
    "0002-01-01",
    "9998-12-31",
    "2024-03-10 02:30:00",
    "2024-11-03 01:30:00",
    "2024-01-05T10:00:00+14:00",
    "24-1-1",
]
AMOUNTS = ["10", "10.00", "20.5", "7", "ten", "1e2", "99999999999999.99", "92233720368547758.07", "-0", "0.005",
           "-12.345", "9999999999999999"]  # fmt: skip
BOOKING = ["booking", "account", "booked", "amount", "kind", "note"]


def declared(seed: int) -> dict[str, str]:
    """The source: with every other seed rows say themselves when they were known, with some the history ends later."""
    is_own = seed % 2 == 1
    extra = ", CAST('2024-02-01' AS STRING) AS known_on" if is_own else ""
    branches = [BRANCH_SQL.replace("EXTRA", extra).replace("VIEW", view) for view in ("compared", "transfers")]
    yaml = YAML.replace("HISTORY", "2024-01-31" if seed % 3 else "2024-02-02")
    return {
        "source.yaml": yaml.replace("KNOWN", "column" if is_own else "event_date + 1 day"),
        "customers.sql": CUSTOMERS_SQL,
        "accounts.sql": ACCOUNTS_SQL,
        "transactions.sql": "UNION ALL\n".join(branches),
        "regions.sql": REGIONS_SQL.replace("FROM regions", "FROM published"),
    }


def as_csv(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([header, *rows])
    return out.getvalue()


def drawn_booking(draw: random.Random, day: date) -> list[str]:
    pick = draw.choice
    return [
        pick([*map(str, range(1, 12)), *ODD]),
        pick([*(f"A{n}" for n in range(1, 6)), *ODD]),
        pick([str(day - timedelta(days=draw.randint(-2, 40))), *TIMES]),
        pick(AMOUNTS),
        pick(["CASH", "CASH", "CARD", "VOID", "BARTER", ""]),
        pick(["", "", "r", "s", "t", "gone"]),
    ]


def drawn_files(draw: random.Random, day: date, number: int) -> dict[str, str | None]:
    """One delivery. The second has no accounts, one in five has no transfers, and a line is cut short."""
    pick = draw.choice
    ids = [*map(str, range(1, 7)), *ODD[:6], ""]
    people = [
        [pick(ids), pick(["1970-05-01", "1980-06-02", "x"]), pick(["", "t\tx", *ODD]), pick("rrsstu")]
        for _ in range(14)
    ]
    opened = ["2020-01-02", "2020-01-02", "2021-02-30", "2024-03-10 02:30:00", "2024-11-03 01:30:00"]
    accounts = [[pick([*(f"A{n}" for n in range(1, 6)), *ODD]), pick(ids), pick(opened)] for _ in range(8)]
    bookings = [[*drawn_booking(draw, day), str(draw.randint(0, 3)), "2024"] for _ in range(draw.randint(20, 50))]
    bookings += draw.sample(bookings, 5)
    transfers = [drawn_booking(draw, day) for _ in range(draw.randint(10, 30))]
    transfers += [row[: len(BOOKING)] for row in draw.sample(bookings, 5)]
    taken = [[pick("rst"), "2023-01-01", day + timedelta(days=draw.randint(-3, 3)), draw.randint(1, 3)]
             for _ in range(6)]  # fmt: skip
    header = [*BOOKING, "bucket", "period"]
    files: dict[str, str | None] = {
        "people.csv": as_csv(["a.b", "born on", 'we"ird,x:y<', "villa`ge"], people),
        "regions.csv": as_csv(["region", "taken", "known", "people"], taken),
        "bookings_1.csv.gz": as_csv(header, bookings[:20]) + "1,2,3\n",
        "bookings_2.csv.gz": as_csv(header, bookings[20:]),
        "accounts.csv.gz": None if number == 1 else as_csv(["account", "select", "from"], accounts),
    }
    if draw.random() < 0.8:
        told = [{name: value for name, value in zip(BOOKING, row, strict=True) if value} for row in transfers]
        files["transfers.jsonl"] = "".join(f"{json.dumps(row)}\n" for row in told)
    return files


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(6))
def test_names_of_the_load_itself_and_odd_texts_change_no_outcome(
    spark: SparkSession, tmp_path: Path, seed: int
) -> None:
    draw = random.Random(seed)
    project = write_project(tmp_path / "project", files=declared(seed))
    loads = Loads(spark, project, tmp_path)
    for number in range(4):
        day = FIRST + timedelta(days=number)
        loads.load(day, drawn_files(draw, day, number), told=f"seed {seed}")
    assert {"accepted", "duplicate", "parent_unknown"} <= set(loads.outcomes)
    assert not list((loads.warehouse / "_scratch").iterdir())

    names = ["monitor.loads", *(f"clean.{table}{end}" for table in TABLES for end in ("", "_rejected"))]
    before = {name: rows_of(loads.warehouse, name) for name in names}
    ingest(spark, project, loads.warehouse, replay_from=FIRST + timedelta(days=seed % 3))
    assert {name: rows_of(loads.warehouse, name) for name in names} == before
