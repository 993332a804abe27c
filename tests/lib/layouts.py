"""Compaction and re-bucketing of the store's small table, as the jobs do them, and rows in their customers' buckets."""

from __future__ import annotations

from datetime import date

import pyarrow as pa
import xxhash

from tallystick.spec.sources import Layout, Source
from tallystick.tables import (
    Commit,
    Slice,
    Warehouse,
    check_layout,
    commit_layout,
    pin,
    plan_compaction,
    plan_rebucketing,
    replace_arrow,
    write_merge,
)
from tests.lib import store

# Of the loads in March 2026 those of the 1st to 5th are older, those from the 6th on younger.
BEFORE = date(2026, 3, 6)


def compact(warehouse: Warehouse, *, run_id: str = "c", target_bytes: int = 2**29, before: date = BEFORE) -> Commit:
    """Compact the north."""
    plan = plan_compaction(warehouse, store.CONTRACT, source="north", before=before, target_bytes=target_bytes)
    files = [
        file
        for merge in plan.merges
        for file in write_merge(warehouse, plan.contract, merge, target_bytes=target_bytes)
    ]
    return commit_layout(warehouse, plan, files=files, run=store.run(run_id))


def rebucket(warehouse: Warehouse, buckets: int, *, run_id: str = "rebucket") -> None:
    """Deal the north to so many buckets."""
    run = store.run(run_id)
    plan = plan_rebucketing(warehouse, store.CONTRACT, source="north", buckets=buckets, run=run)
    if plan.merges:
        files = [file for merge in plan.merges for file in write_merge(warehouse, plan.contract, merge)]
        commit_layout(warehouse, plan, files=files, run=run)


def bucket(customer: str, buckets: int) -> int:
    """The bucket by its definition: pmod of the signed 64-bit hash."""
    unsigned = xxhash.xxh64_intdigest(customer.encode(), seed=42)
    signed = unsigned - 2**64 if unsigned >= 2**63 else unsigned
    return ((signed % buckets) + buckets) % buckets


def rows(days: list[int], buckets: int, *, source: str = "north") -> pa.Table:
    """Five rows of different customers a day, in the buckets of their customers."""
    data = store.rows(days, source=source, each=5)
    found = pa.array([bucket(name, buckets) for name in data["customer_id"].to_pylist()], pa.int32())
    return data.set_column(data.schema.get_field_index("bucket"), store.SCHEMA.field("bucket"), found)


def laid(where: Slice, buckets: int) -> Slice:
    """The slice, laid out in so many buckets."""
    return Slice(where.name, where.partition, where.column, where.low, where.high, buckets)


def load(warehouse: Warehouse, day: int, buckets: int, *, run_id: str = "") -> Commit:
    """Write the load of a day in so many buckets."""
    run = store.run(run_id or f"load {day}")
    where = laid(store.day_slice(day), buckets)
    return replace_arrow(warehouse, store.CONTRACT, rows([day], buckets), where=where, run=run)


def check(warehouse: Warehouse, buckets: int, *, version: int | None = None) -> None:
    """Ask as a job does whose source declares so many buckets."""
    pinned = [pin(warehouse, store.NAME, version=version)]
    source = Source(name="north", zone="UTC", files={}, tables={}, layout=Layout(buckets=buckets))
    check_layout(warehouse, pinned, {store.NAME: store.CONTRACT}, source=source)


def values(data: list[dict[str, object]]) -> list[dict[str, object]]:
    """The rows without their buckets."""
    return [{name: value for name, value in row.items() if name != "bucket"} for row in data]
