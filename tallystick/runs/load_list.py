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
    records = _records(home)
    rows: list[dict[str, Any]] = []
    for name in sorted(folder.name for folder in home.root.glob("raw/*") if folder.is_dir()):
        landed = landings(home, name)
        rows += [_row(one, records.get((name, one.name))) for one in landed]
        loaded = [one.name for one in landed if one.is_published]
        missing = missing_nights(sources[name], loaded) if name in sources else []
        on_the_way = {one.name[:10] for one in landed}
        rows += [_missing(name, day) for day in missing if day.isoformat() not in on_the_way]
    rows.sort(key=lambda row: (row["source"], row["business_date"], row.get("delivery") or ""))
    return pa.Table.from_pylist(rows, schema=_SCHEMA)


def _records(home: Warehouse) -> dict[tuple[str, str], int]:
    """Records by source and delivery."""
    rows = read_arrow(home, _LOADS).to_pylist() if home.exists(_LOADS) else []
    told = ((row["source"], read_records(row.get("deliveries") or "")) for row in rows)
    return {(source, name): records for source, found in told for name, records in found.items()}


def _row(landed: Landing, records: int | None) -> dict[str, Any]:
    night, day = business_date(landed.name), landed.load_date
    late = (day - night).days if day else 0
    state = f"late by {late} day{'s' * (late > 1)}" if late else "loaded" if day else "not loaded"
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
