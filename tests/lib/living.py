"""A feature table that lives through changes of its group: days are computed and stored, one after the other."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import duckdb
import pyarrow as pa
from deltalake import DeltaTable

from tallystick.features import GroupWork, compute_local
from tallystick.spec.columns import group_contract
from tallystick.spec.features import FeatureGroup, Measure
from tallystick.tables import Commit, Run, Slice, Warehouse, query, replace_arrow
from tests.lib.feature_cases import CONTRACTS, make_events, make_group, make_measure, make_observations

TABLE = "feature.txn"
CUSTOMERS = ("bank:1", "bank:2")


def midnight(day: int) -> datetime:
    """A midnight of March 2026."""
    return datetime(2026, 3, day, tzinfo=UTC)


# One payment a day at noon by the first customer, 100, 200, ... minor units; the second one never pays.
EVENTS = make_events(
    [{"event_at": datetime(2026, 3, day, 12, tzinfo=UTC), "amount_minor": 100 * day} for day in range(1, 21)]
)


def paid(**parts: Any) -> Measure:
    """The measure that all groups here begin with."""
    return make_measure(**{"ops": "count sum", "name": "out", "value": "amount_minor", **parts})


def living_group(*measures: Measure, **parts: Any) -> FeatureGroup:
    """A group of these measures over three days."""
    return make_group(*measures, **{"windows": ("3d",), **parts})


def store_days(warehouse: Warehouse, group: FeatureGroup, *days: int) -> Commit:
    """Compute these days of March for both customers and put them in the place of what the table has of them."""
    work = GroupWork.of(group, CONTRACTS, first=date(2026, 3, min(days)))
    asked = make_observations(*((who, midnight(day)) for day in days for who in CUSTOMERS))
    rows = compute_local(work, EVENTS, asked, dimensions={}, zone="UTC")
    placed = {"observations": "daily", "source": "bank", "bucket": 0, "period": "2026"}
    for name, value in placed.items():
        kind = pa.int32() if name == "bucket" else pa.string()
        rows = rows.append_column(name, pa.array([value] * rows.num_rows, kind))
    owned = {"observations": "daily", "source": "bank"}
    where = Slice(TABLE, owned, "as_of", midnight(min(days)), midnight(max(days) + 1))
    run = Run(f"{days}, {hash(group)}", "test", "code", "spec", {})
    return replace_arrow(warehouse, group_contract(group, CONTRACTS), rows, where=where, run=run)


def by_deltalake(warehouse: Warehouse, column: str) -> dict[int, Any]:
    """A column of the first customer by day, as anybody with a Delta reader sees it."""
    rows = DeltaTable(str(warehouse.table_path(TABLE))).to_pyarrow_table()
    return _by_day(rows, column)


def by_duckdb(warehouse: Warehouse, column: str) -> dict[int, Any]:
    """The same with DuckDB over the whole table."""
    table = DeltaTable(str(warehouse.table_path(TABLE))).to_pyarrow_dataset()
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.register("stored", table)
        return _by_day(connection.sql("SELECT * FROM stored").to_arrow_table(), column)


def by_query(warehouse: Warehouse, column: str) -> dict[int, Any]:
    """The same with ``tally sql``."""
    return _by_day(query(warehouse, f"SELECT customer_id, as_of, {column} FROM {TABLE}"), column)


def _by_day(rows: pa.Table, column: str) -> dict[int, Any]:
    return {
        row["as_of"].day: row[column]
        for row in sorted(rows.to_pylist(), key=lambda row: row["as_of"])
        if row["customer_id"] == CUSTOMERS[0]
    }
