"""What ``tally loads`` shows: each delivery with its business date and the date it was loaded on, and missing nights.

From the copies of the deliveries and ``monitor.loads``; starts no Spark and writes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import pyarrow as pa

from tallystick.ingest.load_dates import missing_nights
from tallystick.spec.delivery_names import business_date, read_records
from tallystick.spec.sources import Source
from tallystick.tables import Warehouse, read_arrow
from tallystick.tables.landing import Landing, landings

_SCHEMA = pa.schema(
    [
        ("source", pa.string()),
        ("business_date", pa.date32()),
        ("delivery", pa.string()),
        ("load_date", pa.date32()),
        ("records", pa.int64()),
        ("state", pa.string()),
    ]
)
_LOADS = "monitor.loads"


def list_loads(home: Warehouse, sources: Mapping[str, Source]) -> pa.Table:
    """A row per delivery and per missing night, by source and business date.

    ``load_date`` is null for what is not loaded, ``records`` (of all its files) also for loads that did not count them.
    """
    records, counted = _records(home)
    rows: list[dict[str, Any]] = []
    for name in sorted(folder.name for folder in home.root.glob("raw/*") if folder.is_dir()):
        landed = landings(home, name)
        rows += [
            _row(one, records.get((name, one.name)), is_counted=(name, one.load_date) in counted) for one in landed
        ]
        # Also before a night that is here and was refused: it may lack what the missing one tells.
        missing = missing_nights(sources[name], [one.name for one in landed]) if name in sources else []
        rows += [_missing(name, day) for day in missing]
    rows.sort(key=lambda row: (row["source"], row["business_date"], row.get("delivery") or ""))
    return pa.Table.from_pylist(rows, schema=_SCHEMA)


def _records(home: Warehouse) -> tuple[dict[tuple[str, str], int], set[tuple[str, date]]]:
    """Records by source and delivery, and the loads, by source and load date, that say which deliveries they hold."""
    rows = read_arrow(home, _LOADS).to_pylist() if home.exists(_LOADS) else []
    told = [(row["source"], row["loaded_on"], read_records(row.get("deliveries") or "")) for row in rows]
    records = {(source, name): number for source, _, found in told for name, number in found.items()}
    return records, {(source, day) for source, day, found in told if found}


def _row(landed: Landing, records: int | None, *, is_counted: bool) -> dict[str, Any]:
    night, day = business_date(landed.name), landed.load_date
    late = (day - night).days if day else 0
    state = f"late by {late} day{'s' * (late > 1)}" if late else "loaded" if day else "not loaded"
    if day and is_counted and records is None:
        # Versions before ids of commits were those of deliveries could mark a delivery that no load held.
        state = f"rows not stored: load again with --replay-from {day}"
    return {
        "source": landed.source,
        "business_date": night,
        "delivery": landed.name,
        "load_date": day,
        "records": records if day else None,
        "state": state,
    }


def _missing(source: str, night: date) -> dict[str, Any]:
    return {"source": source, "business_date": night, "state": "missing"}
