"""A bank of four customers whose rows are written straight into the clean tables of the checkout's own contracts.

``c1`` asks for loans; ``c2`` and ``c3`` are friends of ``c1`` with a loan each, ``c2`` never pays, ``c3`` pays in time.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from tallystick.project import load_project
from tallystick.spec.tables import TableContract
from tallystick.tables import Slice, Warehouse, arrow_schema, replace_arrow
from tallystick.tables.store.bucketing import bucket_of
from tests.lib.store import run

ZONE = ZoneInfo("Asia/Shanghai")
SOURCE, BUCKETS = "simbank", 2
EMPTY = {"string": "x", "int32": 1, "int64": 1, "double": 1.0, "boolean": False, "date": dt.date(2026, 1, 1)}
FIRST_DUE = dt.date(2026, 1, 10)  # thirty days late by 9 February, settled ninety days later, on 10 April


def at(day: dt.date, hour: int = 12) -> dt.datetime:
    """An hour of a local day."""
    return dt.datetime.combine(day, dt.time(hour), ZONE)


def row(who: str, table_id: str, day: dt.date, **columns: Any) -> dict[str, Any]:
    """What happened to a customer on a day, known and loaded on the next one."""
    happened = columns.pop("event_at", at(day))
    known = columns.pop("known_on", day + dt.timedelta(days=1))
    return {"customer_id": f"{SOURCE}:{who}", "_id": table_id, "event_at": happened, "known_on": known,
            "loaded_on": columns.pop("loaded_on", known), "is_retracted": False, **columns}  # fmt: skip


def opened() -> dict[str, list[dict[str, Any]]]:
    """The bank's rows up to February 2026."""
    start = dt.date(2025, 12, 1)
    people = [f"c{number}" for number in range(1, 5)]
    tie = {"kind": "friend"}
    return {
        "clean.customers": [row(who, f"f{who}", start) for who in people],
        "clean.accounts": [row(who, f"a{who}", start) for who in people],
        "clean.applications": [row("c2", "p2", start), row("c3", "p3", start)],
        "clean.relationships": [
            row("c1", "r1", start, other_customer_id="simbank:c2", **tie),
            row("c1", "r2", start, other_customer_id="simbank:c3", **tie),
            row("c3", "r3", dt.date(2026, 2, 20), other_customer_id="simbank:c4", **tie),
        ],
        "clean.loans": [
            row(who, f"l{who}", dt.date(2025, 12, 10), application_id=f"p{who[1]}", amount_minor=1000, term_months=1,
                instalment_minor=1000, first_due_date=FIRST_DUE)
            for who in ("c2", "c3")
        ],
        "clean.repayments": [row("c3", "y3", FIRST_DUE, loan_id="lc3", amount_minor=1000)],
        "clean.fraud_reports": [row("c4", "w4", dt.date(2026, 3, 15), role="perpetrator", kind="ring")],
    }  # fmt: skip


def load(warehouse: Path, rows: Mapping[str, Iterable[Mapping[str, Any]]], *, name: str, project: Path) -> None:
    """Write the rows of each table as one load each day that they name."""
    contracts = load_project(project).contracts
    for table, held in rows.items():
        by_day: dict[dt.date, list[Mapping[str, Any]]] = {}
        for one in held:
            by_day.setdefault(one["loaded_on"], []).append(one)
        for day, found in sorted(by_day.items()):
            where = Slice.of_load(table, SOURCE, day, buckets=BUCKETS)
            data = filled(contracts[table], found)
            replace_arrow(Warehouse(warehouse), contracts[table], data, where=where, run=run(f"{name} {table} {day}"))


def filled(contract: TableContract, rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    """The rows with every column of the contract: required ones that a row does not name have any value."""
    made = []
    for one in rows:
        given = {**one, contract.event_id: one["_id"], "source": SOURCE, "period": str(one["event_at"].year),
                 "bucket": int(bucket_of(pa.array([one["customer_id"]]), BUCKETS)[0])}  # fmt: skip
        values = {
            c.name: given.get(c.name, (c.values[0] if c.values else EMPTY.get(c.type)) if c.required else None)
            for c in contract.columns
        }
        made.append(values)
    return pa.Table.from_pylist(made, schema=arrow_schema(contract.columns))
