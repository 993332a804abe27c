"""Load a supplier's deliveries into the clean tables: land them, map and check all tables, and only then publish.

What lives here: the way from ``--source NAME=DIR`` to published tables. ``--replay-from D`` maps landed loads anew from
their copies, that of D and every later one, after a mapping was corrected. What must not: mapping or checking.
"""

from __future__ import annotations

import argparse
import hashlib
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from tallystick.entrypoint import code_version, load_job_project, progress, run_job
from tallystick.ingest.deliveries import check_order, find_deliveries, landed_delivery
from tallystick.ingest.load import describe_load, prepare_load
from tallystick.ingest.rejected import waiting_tables
from tallystick.project.sources import load_source
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

# Rows up to here are written by the driver: Spark's own write costs seconds even for one row.
FEW_ROWS = 100_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which source from which directory, or which loads again."""
    parser.add_argument("--source", required=True, help="NAME=DIR; NAME alone with --replay-from")
    parser.add_argument("--load-date", type=date.fromisoformat, help="of a delivery whose folder does not name it")
    parser.add_argument("--replay-from", type=date.fromisoformat, help="map this landed load and all later ones again")


def run(session: Any, args: argparse.Namespace) -> None:
    """Load every delivery in order of its date; one that was published before is left alone."""
    warehouse, (name, _, directory) = Warehouse(args.warehouse), args.source.partition("=")
    source = load_source(load_job_project(args).root, name)
    with alone(warehouse, name):
        _run_alone(session, args, source, directory=directory, warehouse=warehouse)


def _run_alone(session: Any, args: argparse.Namespace, source: Any, *, directory: str, warehouse: Warehouse) -> None:
    name = source.name
    if args.replay_from:
        for landing in [found for found in landings(warehouse, name) if found.load_date >= args.replay_from]:
            _load(session, args, source, landing)
        return
    for delivery in find_deliveries(Path(directory), source, load_date=args.load_date):
        published = [found.load_date for found in landings(warehouse, name) if found.is_published]
        landing = land(warehouse, name, delivery.load_date, delivery.directory, delivery.names)
        if landing.is_published:
            progress(f"      {name} {delivery.load_date}: the same bytes were loaded before, nothing to do")
            continue
        check_order(source, delivery.load_date, published)
        _load(session, args, source, landing, delivery.directory)


def _load(session: Any, args: argparse.Namespace, source: Any, landing: Landing, origin: Path | None = None) -> None:
    project, day, warehouse = load_job_project(args), landing.load_date, Warehouse(args.warehouse)
    by = Run(args.run_id, "ingest_source", code_version(project.root), source.fingerprint)
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


if __name__ == "__main__":
    run_job(add_arguments, run, __doc__)
