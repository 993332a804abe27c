"""The shop baskets' mapping, on a handful of rows of the package's own types: cents, kinds, households, times."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tallystick.runs import ingest_source
from tallystick.runs.params import IngestSource
from tests.lib.deliveries import rows_of

ITEMS = [
    # household, store, basket, product, quantity, sales_value, timestamp (an instant; the year ends in New York)
    (900, 330, 1, 10, 1, 0.29, "2017-01-01 11:53:26"),
    (900, 330, 1, 11, 2, 1.1, "2017-01-01 11:53:26"),
    (900, 331, 2, 12, 1, 4.35, "2017-07-01 03:00:00"),
    (7, 330, 3, 99, 0, 0.0, "2018-01-01 04:01:20"),
    (7, 330, 3, 13, 1, 1.005, "2018-01-01 04:01:20"),
]
NAMES = ("household_id", "store_id", "basket_id", "product_id", "quantity", "sales_value", "transaction_timestamp")


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory, project_root: Path) -> Path:
    """A warehouse with the few rows."""
    root = tmp_path_factory.mktemp("completejourney")
    delivery, warehouse = root / "data", root / "warehouse"
    delivery.mkdir()
    columns: dict[str, Sequence[Any]] = dict(zip(NAMES, zip(*ITEMS, strict=True), strict=True))
    # As the package is written: instants of INT96, more columns than are read, another file.
    items = pa.table(columns)
    times = items["transaction_timestamp"].cast(pa.timestamp("us"))
    items = items.set_column(len(NAMES) - 1, NAMES[-1], times)
    pq.write_table(items, delivery / "transactions.parquet", use_deprecated_int96_timestamps=True)
    goods = {"product_id": [10, 11, 12, 13], "department": ["GROCERY", "DRUG GM", "FUEL", "POSTAL CENTER"]}
    pq.write_table(pa.table({**goods, "brand": ["National"] * 4}), delivery / "products.parquet")
    people = {"household_id": [900, 5], "age": ["65+", "19-24"], "income": ["35-49K", "250K+"]}
    pq.write_table(pa.table(people), delivery / "demographics.parquet")
    pq.write_table(pa.table({"campaign_id": [1]}), delivery / "campaigns.parquet")
    params = IngestSource(
        project=project_root, warehouse=warehouse, run_id="one", source="completejourney", directory=delivery
    )
    ingest_source.run(params, None)
    return warehouse


def test_every_line_of_a_receipt_is_a_payment_in_whole_cents(loaded: Path) -> None:
    rows = rows_of(loaded, "clean.transactions")
    assert sorted((row["transaction_id"], row["amount_minor"], row["category"]) for row in rows) == [
        ("1-10", 29, "food"),
        ("1-11", 110, "shopping"),
        ("2-12", 435, "transport"),
        ("3-13", 100, "other"),  # 1.005 is a double a little below
        ("3-99", 0, None),
    ]
    assert {row["direction"] for row in rows} == {"out"}
    assert {row["account_id"] for row in rows} == {"900", "7"}


def test_times_are_instants_and_days_are_new_yorks(loaded: Path) -> None:
    last = next(row for row in rows_of(loaded, "clean.transactions") if row["transaction_id"] == "3-99")
    assert last["event_at"] == datetime(2018, 1, 1, 4, 1, 20, tzinfo=UTC)
    assert (last["period"], last["known_on"]) == ("2017-12", date(2018, 1, 1))


def test_whoever_buys_or_tells_of_himself_is_a_customer_with_an_account(loaded: Path) -> None:
    customers = {row["customer_id"]: row["declared_income_minor"] for row in rows_of(loaded, "clean.customers")}
    assert customers == {"completejourney:900": 350_000, "completejourney:7": None, "completejourney:5": 2_083_333}
    assert {row["customer_id"] for row in rows_of(loaded, "clean.accounts")} == set(customers)
