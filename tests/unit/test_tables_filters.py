"""A filter on any column finds its rows, through every reader: a missing bound in the log must not hide a file."""

from __future__ import annotations

from datetime import UTC, date, datetime

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from deltalake import DeltaTable

from tallystick.spec.tables import Column, TableContract
from tallystick.tables import Run, Slice, Warehouse, query, read_arrow, replace_arrow

CONTRACT = TableContract(
    name="clean.things",
    description="Things",
    grain="one row per thing",
    owner="tests",
    columns=(
        Column(name="source", type="string", required=True),
        Column(name="customer_id", type="string", required=True),
        Column(name="event_at", type="timestamp", required=True),
        Column(name="known_on", type="date", required=True),
        Column(name="is_retracted", type="boolean", required=True),
        Column(name="rank", type="int64"),
        Column(name="paid_on", type="date"),
        Column(name="rate", type="double"),
        Column(name="kind", type="string"),
    ),
    key=("customer_id",),
    partition_by=("source",),
    sort_by=("customer_id",),
)
FILTERS = {
    "customer_id = 'c1'": pc.field("customer_id") == "c1",
    "customer_id IN ('c1')": pc.field("customer_id").isin(["c1"]),
    "NOT is_retracted": ~pc.field("is_retracted"),
    "rank = 5": pc.field("rank") == 5,
    "rank IS NULL": pc.field("rank").is_null(),
    "paid_on IS NULL": pc.field("paid_on").is_null(),
    "paid_on = DATE '2026-01-02'": pc.field("paid_on") == date(2026, 1, 2),
    "rate < 1": pc.field("rate") < 1,
    "kind = 'a'": pc.field("kind") == "a",
    "known_on = DATE '2026-01-01'": pc.field("known_on") == date(2026, 1, 1),
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """Two files, each with columns that the other has values for and it has none."""
    warehouse = Warehouse(tmp_path_factory.mktemp("store"))
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    for source, customer, rank, paid_on in (("a", "c1", 5, None), ("b", "c2", None, date(2026, 1, 2))):
        rows = pa.Table.from_pylist(
            [
                {
                    "source": source,
                    "customer_id": customer,
                    "event_at": moment,
                    "known_on": moment.date(),
                    "is_retracted": source == "b",
                    "rank": rank,
                    "paid_on": paid_on,
                    "rate": 0.5 if source == "a" else None,
                    "kind": "a" if source == "a" else None,
                }
            ],
            schema=pa.schema(
                [
                    ("source", pa.string()),
                    ("customer_id", pa.string()),
                    ("event_at", pa.timestamp("us", tz="UTC")),
                    ("known_on", pa.date32()),
                    ("is_retracted", pa.bool_()),
                    ("rank", pa.int64()),
                    ("paid_on", pa.date32()),
                    ("rate", pa.float64()),
                    ("kind", pa.string()),
                ]
            ),
        )
        where = Slice(f"things/{source}", {"source": source})
        replace_arrow(warehouse, CONTRACT, rows, where=where, run=Run(f"r-{source}", "test", "0"))
    return warehouse


@pytest.mark.parametrize("condition", FILTERS)
def test_every_reader_finds_the_same_rows(store: Warehouse, condition: str) -> None:
    dataset = DeltaTable(str(store.table_path("clean.things"))).to_pyarrow_dataset()
    with duckdb.connect() as connection:
        connection.register("everything", read_arrow(store, "clean.things"))
        found_all = connection.sql(f"SELECT customer_id FROM everything WHERE {condition} ORDER BY ALL")
        expected = found_all.fetchall()
    assert expected
    found = {
        "read_arrow": read_arrow(store, "clean.things", filter=FILTERS[condition])["customer_id"].to_pylist(),
        "deltalake": dataset.to_table(filter=FILTERS[condition])["customer_id"].to_pylist(),
        "tally sql": query(store, f"SELECT customer_id FROM clean.things WHERE {condition}")["customer_id"].to_pylist(),
    }
    for reader, customers in found.items():
        assert sorted(customers) == [row[0] for row in expected], reader
