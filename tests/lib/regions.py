"""Regions of two sources in a warehouse, and the validation of one source's: small, and without Spark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from tallystick.entrypoint import perform
from tallystick.project import load_project
from tallystick.runs.params import ValidateTables
from tallystick.tables import Run, Slice, Warehouse, arrow_schema, replace_arrow

REGION = {
    "region_id": "7",
    "event_at": datetime(1998, 1, 1, tzinfo=UTC),
    "known_on": date(1998, 1, 1),
    "inhabitants": 1000,
    "urban_percent": 50.0,
    "bucket": 0,
    "period": "all",
}


def write_region(
    project: Path, warehouse: Path, source: str, *, day: int, earlier: Sequence[Mapping[str, Any]] = (), **parts: Any
) -> None:
    """Replace the source's regions: one that a load of that day of 1999 brought, and ``earlier`` versions of it."""
    contract = load_project(project).contracts["clean.regions"]
    row = REGION | {"source": source, "loaded_on": date(1999, 1, day)} | parts
    rows = pa.Table.from_pylist([*({**row, **other} for other in earlier), row], schema=arrow_schema(contract.columns))
    where, by = Slice(f"test/{source}", {"source": source}), Run(f"{source}{day}{parts}", "test", "test")
    replace_arrow(Warehouse(warehouse), contract, rows, where=where, run=by)


def validate_source(project: Path, warehouse: Path, **asked: Any) -> None:
    """The run for one source, the first where none is named."""
    perform(ValidateTables(project=project, warehouse=warehouse, run_id="nightly", **{"source": "berka", **asked}))
