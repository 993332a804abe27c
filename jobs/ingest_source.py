"""Load a supplier's deliveries into the clean tables: land them, map and check all tables, and only then publish.

What lives here: the way from ``--source NAME=DIR`` to published tables. ``--replay-from D`` maps landed loads anew from
their copies, that of D and every later one, after a mapping was corrected. What must not: mapping or checking.
"""

from __future__ import annotations

import argparse
import hashlib
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from tallystick.entrypoint import code_version, load_job_project, progress, run_job
from tallystick.errors import LoadRefused
from tallystick.ingest.deliveries import Delivery, find_deliveries, match_files
from tallystick.ingest.load import describe_load, prepare_load
from tallystick.ingest.rejected import summarise_rejected
from tallystick.project.sources import load_source
from tallystick.tables import Run, Slice, Warehouse, arrow_schema, query, read, replace, replace_arrow
from tallystick.tables.landing import Landing, land, landings, mark_published

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from tallystick.project import Project
    from tallystick.spec.sources import Source

# Rows up to here are written by the driver: Spark's own write costs seconds even for one row.
FEW_ROWS = 100_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which source from which directory, or which loads again."""
    parser.add_argument("--source", required=True, help="NAME=DIR; NAME alone with --replay-from")
    parser.add_argument("--load-date", type=date.fromisoformat, help="of a delivery whose folder does not name it")
    parser.add_argument("--replay-from", type=date.fromisoformat, help="map this landed load and all later ones again")


def run(session: SparkSession, args: argparse.Namespace) -> None:
    """Load every delivery in order of its date; one that was published before is left alone."""
    project, warehouse = load_job_project(args), Warehouse(args.warehouse)
    name, _, directory = args.source.partition("=")
    source = load_source(project.root, name)
    by = Run(args.run_id, "ingest_source", code_version(project.root), source.fingerprint)
    if args.replay_from:
        for landing in [found for found in landings(warehouse, name) if found.load_date >= args.replay_from]:
            _load(session, project, warehouse, source=source, landing=landing, by=by)
        return
    for delivery in find_deliveries(Path(directory), source, load_date=args.load_date):
        later = [found.load_date for found in landings(warehouse, name) if found.is_published]
        landing = land(warehouse, name, delivery.load_date, delivery.directory, delivery.names)
        if landing.is_published:
            progress(f"      {name} {delivery.load_date}: the same bytes were loaded before, nothing to do")
        elif later and max(later) > delivery.load_date:
            what, fix = f"the load of {max(later)} is published already", "loads go forward: give it a later load date"
            raise LoadRefused(what, where=f"source {name}, load of {delivery.load_date}", fix=fix)
        else:
            _load(session, project, warehouse, source=source, landing=landing, by=by)


def _load(
    session: SparkSession, project: Project, warehouse: Warehouse, *, source: Source, landing: Landing, by: Run
) -> None:
    day = landing.load_date
    delivery = Delivery(load_date=day, directory=landing.path, files=match_files(landing.path, source))
    stored = _read_stored(session, warehouse, source)
    prepared = prepare_load(session, source, contracts=project.contracts, delivery=delivery, published=stored)

    def publish(name: str, rows: DataFrame | pa.Table, count: int) -> None:
        """Replace what this load brought to the table."""
        where = Slice(f"{name}/{source.name}/{day}", {"source": source.name}, "loaded_on", day, day + timedelta(days=1))
        contract = project.contracts[name]
        if isinstance(rows, pa.Table) or count <= FEW_ROWS:
            data = rows if isinstance(rows, pa.Table) else rows.toArrow().cast(arrow_schema(contract.columns))
            replace_arrow(warehouse, contract, data, where=where, run=by)
        else:
            replace(session, warehouse, contract, rows, where=where, run=by)

    try:
        for table in prepared.tables:
            publish(table.contract.name, table.accepted, table.counts.accepted + table.counts.entered)
            publish(f"{table.contract.name}_rejected", table.rejected, table.counts.stored_rejects)
            progress(f"      {table.counts.line(table.contract.table)}")
    finally:
        prepared.release()
    sha256 = hashlib.sha256((landing.path / "_manifest.json").read_bytes()).hexdigest()
    told = describe_load(prepared, source=source.name, load_date=day, raw_sha256=sha256)
    schema = arrow_schema(project.contracts["monitor.loads"].columns)
    publish("monitor.loads", pa.Table.from_pylist(told, schema=schema), len(told))
    mark_published(landing, by)


def _read_stored(session: SparkSession, warehouse: Warehouse, source: Source) -> dict[str, DataFrame]:
    """The source's clean tables, and the rejects of those in which rows wait for a parent."""
    names = [f"clean.{table}" for table in source.tables if warehouse.exists(f"clean.{table}")]
    with_rejects = [name.partition(".")[2] for name in names if warehouse.exists(f"{name}_rejected")]
    waiting = summarise_rejected(lambda sql: query(warehouse, sql), with_rejects, waiting_only=True)
    names += sorted({f"clean.{rows.table}_rejected" for rows in waiting if rows.source == source.name})
    return {name: read(session, warehouse, name) for name in names}


if __name__ == "__main__":
    run_job(add_arguments, run, __doc__)
