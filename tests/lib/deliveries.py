"""A small supplier of three files and the deliveries it makes, for tests of sources and ingest.

The supplier's declaration, its files, and a load through the real run.
"""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tallystick.entrypoint import perform
from tallystick.runs.params import IngestSource
from tallystick.tables import Warehouse, read_arrow

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

CHECKOUT = Path(__file__).resolve().parents[2]

SOURCE_YAML = """\
title: A village bank
zone: Europe/Prague
currency: CZK
load_date: 2024-01-31
history_until: 2024-01-31
reject_rate: 0.5
layout: {buckets: 2, period: month}
reading: {encoding: utf-8, nulls: ["", "NULL"]}
files:
  people: {file: people.csv, columns: [person, born, village]}
  accounts: {file: accounts.csv.gz, columns: [account, person, opened], key: [account], optional: true}
  bookings: {file: "bookings*.csv.gz", columns: [booking, account, booked, amount, kind, note]}
tables:
  customers: {known_on: assumed}
  accounts: {known_on: event_date + 1 day}
  transactions: {known_on: event_date + 1 day, reject_rate: 0.9}
"""

CUSTOMERS_SQL = """\
SELECT
  CONCAT(${source}, ':', person) AS customer_id,
  person AS customer_fact_id,
  '2020-01-01' AS event_at,
  born AS birth_date,
  CAST(NULL AS STRING) AS gender,
  village AS region_id,
  CAST(NULL AS STRING) AS occupation,
  CAST(NULL AS STRING) AS education,
  CAST(NULL AS STRING) AS declared_income_minor
FROM people
"""

ACCOUNTS_SQL = """\
SELECT
  CONCAT(${source}, ':', person) AS customer_id,
  account AS account_id,
  opened AS event_at,
  CAST(NULL AS STRING) AS region_id,
  CAST(NULL AS STRING) AS statement_frequency,
  ${currency} AS currency
FROM accounts
"""

TRANSACTIONS_SQL = """\
SELECT
  a.customer_id,
  b.booking AS transaction_id,
  b.booked AS event_at,
  b.account AS account_id,
  CASE WHEN CAST(b.amount AS DECIMAL(18, 2)) < 0 THEN 'out' ELSE 'in' END AS direction,
  LOWER(b.kind) AS channel,
  b.note AS category,
  ABS(CAST(b.amount AS DECIMAL(18, 2))) * 100 AS amount_minor,
  CAST(NULL AS STRING) AS balance_minor,
  CAST(NULL AS STRING) AS counterparty_bank,
  CAST(NULL AS STRING) AS counterparty_id,
  ${currency} AS currency
FROM bookings b
JOIN clean.accounts a ON a.account_id = b.account
WHERE b.kind <> 'VOID'
"""

PEOPLE = "person,born,village\n1,1970-05-01,north\n2,1980-06-02,south\n"
ACCOUNTS = "account,person,opened\nA1,1,2020-01-02\nA2,2,2021-03-04\n"
BOOKINGS = (
    "booking,account,booked,amount,kind,note\n"
    "1,A1,2024-01-02,100.00,CASH,\n"
    '2,A1,2024-01-03,-50.25,CARD,"shoes, black\nand a hat"\n'
    "3,A2,2024-01-03 10:30:00,7,TRANSFER,NULL\n"
    "4,A2,2024-01-04,1,VOID,\n"
)
DELIVERY: Mapping[str, str | bytes] = {
    "people.csv": PEOPLE,
    "accounts.csv.gz": ACCOUNTS,
    "bookings_1.csv.gz": BOOKINGS,
}


def write_project(root: Path, *, name: str = "village", files: Mapping[str, str] | None = None) -> Path:
    """A project folder with the real schemas, the real observation sets and one source.

    ``files`` replaces or adds files of the source.
    """
    for part in ("schemas", "observations"):
        shutil.copytree(CHECKOUT / part, root / part, dirs_exist_ok=True)
    for part in ("recipes", "expectations", "features"):
        (root / part).mkdir(exist_ok=True)
    return write_source(root, name=name, files=files)


def write_source(root: Path, *, name: str = "village", files: Mapping[str, str] | None = None) -> Path:
    """The source's folder alone, for what looks at declarations only; returns ``root``."""
    folder = root / "sources" / name
    folder.mkdir(parents=True, exist_ok=True)
    texts = {
        "source.yaml": SOURCE_YAML,
        "customers.sql": CUSTOMERS_SQL,
        "accounts.sql": ACCOUNTS_SQL,
        "transactions.sql": TRANSACTIONS_SQL,
    }
    for file, text in {**texts, **(files or {})}.items():
        (folder / file).write_text(text, encoding="utf-8")
    return root


def write_delivery(directory: Path, files: Mapping[str, str | bytes | None] | None = None) -> Path:
    """A delivery of the village bank; ``files`` replaces files by other content, or leaves out those that are None.

    Text is written in UTF-8, and compressed where the name ends in .gz; bytes are written as they are.
    """
    directory.mkdir(parents=True, exist_ok=True)
    for name, content in {**DELIVERY, **(files or {})}.items():
        if content is not None:
            data = content.encode() if isinstance(content, str) else content
            is_text = isinstance(content, str)
            (directory / name).write_bytes(gzip.compress(data, mtime=0) if is_text and name.endswith(".gz") else data)
    return directory


def load_delivery(
    session: SparkSession, project: Path, warehouse: Path, directory: Path, *, load_date: date | None = None
) -> None:
    """Load a delivery of the village bank."""
    ingest(session, project, warehouse, directory=directory, load_date=load_date)


def ingest(session: SparkSession, project: Path, warehouse: Path, **asked: Any) -> None:
    """Ingest the village bank in this process with a project and warehouse of the test."""
    run_id = f"test-{len(list(warehouse.rglob('*.json')))}"
    params = IngestSource(project=project, warehouse=warehouse, run_id=run_id, source="village", **asked)
    perform(params, session)


def rows_of(warehouse: Path, table: str, *, columns: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """A stored table's rows, read without Spark, sorted by all columns; none when the table does not exist."""
    store = Warehouse(warehouse)
    if not store.exists(table):
        return []
    rows = read_arrow(store, table, columns=columns).to_pylist()
    return sorted(rows, key=lambda row: [(value is None, str(value)) for value in row.values()])


def rejects_of(warehouse: Path, table: str) -> list[tuple[str, str | None, str, int]]:
    """Reason, column, file and line of a clean table's rejects, sorted by file and line."""
    rows = rows_of(warehouse, f"clean.{table}_rejected")
    found = [(row["reason"], row["column_name"], row["file"], row["line"]) for row in rows]
    return sorted(found, key=lambda row: (row[2], row[3], row[0]))


def counts_of(warehouse: Path, table: str, load_date: date) -> tuple[int, int, int, int, int]:
    """Read, accepted, rejected, duplicate and excluded rows of a load, as ``monitor.loads`` has them."""
    names = ("rows_read", "rows_accepted", "rows_rejected", "rows_duplicate", "rows_excluded")
    (row,) = (
        row
        for row in rows_of(warehouse, "monitor.loads")
        if row["table_name"] == table and row["loaded_on"] == load_date
    )
    return tuple(row[name] for name in names)  # type: ignore[return-value]  # five names give five numbers
