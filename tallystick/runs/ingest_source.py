"""Load a supplier's deliveries into the clean tables: land them, map and check all tables, and only then publish.

Takes a source and the folder of its deliveries; or, after a mapping was corrected, a load date: then that landed load
and every later one are mapped again from their copies.
"""

from __future__ import annotations

import hashlib
from functools import partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from tallystick.ingest.deliveries import check_order, find_deliveries, landed_delivery
from tallystick.ingest.load import describe_load, prepare_load
from tallystick.ingest.rejected import waiting_tables
from tallystick.project import load_project
from tallystick.project.sources import load_source
from tallystick.runs.code_version import code_version
from tallystick.runs.progress import progress
from tallystick.tables import (
    Run,
    Slice,
    Warehouse,
    arrow_schema,
    check_layout,
    pin,
    query,
    read,
    replace,
    replace_arrow,
)
from tallystick.tables.landing import Landing, alone, land, landings, mark_published

if TYPE_CHECKING:
    from pathlib import Path

    from tallystick.runs.params import IngestSource
    from tallystick.spec.sources import Source

# Rows up to here are written by the driver: Spark's own write costs seconds even for one row.
FEW_ROWS = 100_000


def run(params: IngestSource, session: Any) -> None:
    """Load every delivery in order of its date; one that was published before is left alone."""
    warehouse = Warehouse(params.warehouse)
    source = load_source(load_project(params.project).root, params.source)
    with alone(warehouse, source.name):
        _run_alone(params, session, source, warehouse=warehouse)


def _run_alone(params: IngestSource, session: Any, source: Source, *, warehouse: Warehouse) -> None:
    name = source.name
    if params.replay_from is not None:
        for landing in [found for found in landings(warehouse, name) if found.load_date >= params.replay_from]:
            _load(params, session, source, landing)
    if params.directory is None:
        return
    for delivery in find_deliveries(params.directory, source, load_date=params.load_date):
        published = [found.load_date for found in landings(warehouse, name) if found.is_published]
        landing = land(warehouse, name, delivery.load_date, delivery.directory, delivery.names)
        if landing.is_published:
            progress(f"      {name} {delivery.load_date}: the same bytes were loaded before, nothing to do")
            continue
        check_order(source, delivery.load_date, published)
        _load(params, session, source, landing, origin=delivery.directory)


def _load(params: IngestSource, session: Any, source: Source, landing: Landing, *, origin: Path | None = None) -> None:
    project, day, warehouse = load_project(params.project), landing.load_date, Warehouse(params.warehouse)
    by = Run(params.run_id, "ingest_source", code_version(project.root), source.fingerprint)
    stored = [table for table in source.tables if warehouse.exists(f"clean.{table}_rejected")]
    waiting = waiting_tables(partial(query, warehouse), stored, source=source.name, before=day)
    names = [f"clean.{table}" for table in (*stored, *(f"{table}_rejected" for table in waiting))]
    check_layout(warehouse, [pin(warehouse, name) for name in names], project.contracts, source=source)
    past = {name: read(session, warehouse, name) for name in names}
    delivery = landed_delivery(source, landing.path, load_date=day, origin=origin)
    load = prepare_load(session, source, contracts=project.contracts, delivery=delivery, published=past, tell=progress)

    def publish(name: str, rows: Any, count: int) -> None:
        """Replace what this load brought to the table."""
        contract = project.contracts[name]
        where = Slice.of_load(name, source.name, day, buckets=source.layout.buckets)
        if count > FEW_ROWS:
            replace(session, warehouse, contract, rows, where=where, run=by)
        else:
            schema = arrow_schema(contract.columns)
            few = (rows if isinstance(rows, pa.Table) else rows.toArrow()) if count else schema.empty_table()
            replace_arrow(warehouse, contract, few.cast(schema), where=where, run=by)

    try:
        for table in load.tables:
            publish(table.contract.name, table.accepted, table.counts.stored)
            publish(f"{table.contract.name}_rejected", table.rejected, table.counts.stored_rejects)
            progress(f"      {table.counts.line(table.contract.table)}")
    finally:
        load.release()
    sha256 = hashlib.sha256((landing.path / "_manifest.json").read_bytes()).hexdigest()
    told = describe_load(load, source=source.name, load_date=day, raw_sha256=sha256)
    publish("monitor.loads", told, told.num_rows)
    mark_published(landing, by)
