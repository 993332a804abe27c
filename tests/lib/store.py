"""A small table for tests of the store: its contract, rows, slices and runs."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pyarrow as pa

from tallystick.spec.tables import Column, TableContract
from tallystick.tables import Run, Slice, Warehouse, arrow_schema, read_arrow

NAME = "clean.events"
CONTRACT = TableContract(
    name=NAME,
    description="Events.",
    grain="one row per event and version of it",
    owner="tests",
    columns=(
        Column(name="source", type="string", required=True),
        Column(name="bucket", type="int32", required=True),
        Column(name="period", type="string", required=True),
        Column(name="customer_id", type="string", required=True),
        Column(name="event_id", type="string", required=True),
        Column(name="event_at", type="timestamp", required=True),
        Column(name="loaded_on", type="date", required=True),
        Column(name="sequence", type="int64"),
        Column(name="amount_minor", type="int64"),
        Column(name="term_months", type="int32"),
        Column(name="share", type="double"),
        Column(name="is_retracted", type="boolean"),
    ),
    key=("source", "event_id", "loaded_on"),
    partition_by=("source", "bucket", "period"),
    sort_by=("customer_id", "event_at", "event_id"),
    entity="customer_id",
    event_id="event_id",
    event_at="event_at",
)
SCHEMA = arrow_schema(CONTRACT.columns)
DDL = (
    "source string, bucket int, period string, customer_id string, event_id string, event_at timestamp, loaded_on date,"
    " sequence bigint, amount_minor bigint, term_months int, share double, is_retracted boolean"
)
# A table keyed by entity and instant, as feature tables are: (bucket, period) follow from the key.
SNAPSHOTS = replace(CONTRACT, name="feature.events", key=("source", "customer_id", "event_at"))


def rows(days: list[int], *, source: str = "north", buckets: int = 1, each: int = 3) -> pa.Table:
    """``each`` rows per bucket and day of March 2026, loaded on that day, in the schema of the contract."""
    records = [
        {
            "source": source,
            "bucket": bucket,
            "period": "2026",
            "customer_id": f"{source}:{bucket}_{i}",
            "event_id": f"{bucket}_{day}_{i}",
            "event_at": datetime(2026, 3, day, 8, 0, i, 123_456, tzinfo=UTC),
            "loaded_on": date(2026, 3, day),
            "sequence": None if i == 0 else i,
            "amount_minor": 100 * day + i,
            "term_months": 12,
            "share": 0.5,
            "is_retracted": False,
        }
        for day in days
        for bucket in range(buckets)
        for i in range(each)
    ]
    return pa.Table.from_pylist(records, schema=SCHEMA)


def day_slice(day: int, *, source: str = "north") -> Slice:
    """The rows of one load."""
    low = date(2026, 3, day)
    return Slice(f"{source}/{low}", {"source": source}, "loaded_on", low, low + timedelta(days=1))


def source_slice(source: str = "north") -> Slice:
    """All rows of a source."""
    return Slice(source, {"source": source})


def run(run_id: str) -> Run:
    """A run of that id."""
    return Run(run_id, "test", "code-1", fingerprint="spec-1", inputs={"raw.events": 3})


def held(warehouse: Warehouse, *, name: str = NAME, version: int | None = None) -> list[dict[str, object]]:
    """All rows of the table in a stable order."""
    return ordered(read_arrow(warehouse, name, version=version))


def ordered(data: pa.Table) -> list[dict[str, object]]:
    """Rows as dicts, ordered by what names them."""
    found = data.select(SCHEMA.names).to_pylist()
    return sorted(
        found, key=lambda row: (row["source"], str(row["loaded_on"]), row["event_id"], row["amount_minor"] or 0)
    )
