"""Load a supplier's deliveries into the clean tables: land them, map and check all tables, and only then publish.

Takes a source and the folder of its deliveries; or, after a mapping was corrected, a load date: then that landed load
and every later one are mapped again from their copies.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from tallystick.ingest.deliveries import check_order, find_deliveries, landed_delivery
from tallystick.ingest.load import describe_load, prepare_load
from tallystick.ingest.rejected import waiting_tables
from tallystick.runs.context import RunContext
from tallystick.runs.progress import progress
from tallystick.tables import Slice, arrow_schema, check_layout, pin, query, read, replace, replace_arrow
from tallystick.tables.landing import Landing, alone, land, landings, mark_published

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import DataFrame, SparkSession

    from tallystick.runs.params import IngestSource

# Rows up to here are written by the driver: Spark's own write costs seconds even for one row.
FEW_ROWS = 100_000

LOADS = "monitor.loads"


def run(params: IngestSource, session: SparkSession) -> None:
    """Load every delivery in order of its date; one that was published before is left alone."""
    context = RunContext.open(params)
    with alone(context.warehouse, context.source.name):
        if params.directory is None:
            _replay(params, context, session)
            return
        for delivery in find_deliveries(params.directory, context.source, load_date=params.load_date):
            published = _published_dates(context)
            landing = land(
                context.warehouse, context.source.name, delivery.load_date, delivery.directory, delivery.names
            )
            if landing.is_published:
                told = f"{context.source.name} {delivery.load_date}"
                progress(f"      {told}: the same bytes were loaded before, nothing to do")
                continue
            check_order(context.source, delivery.load_date, published)
            _load(context, session, landing, origin=delivery.directory)


def _published_dates(context: RunContext) -> list[date]:
    return [found.load_date for found in landings(context.warehouse, context.source.name) if found.is_published]


def _replay(params: IngestSource, context: RunContext, session: SparkSession) -> None:
    """Map landed loads again from their copies, in the order of their dates."""
    for landing in landings(context.warehouse, context.source.name):
        if params.replay_from is not None and landing.load_date >= params.replay_from:
            _load(context, session, landing)


def _load(context: RunContext, session: SparkSession, landing: Landing, *, origin: Path | None = None) -> None:
    """Map and check every table of a load, and only then publish one after the other."""
    publish = _Publisher(context=context, session=session, day=landing.load_date)
    load = prepare_load(
        session,
        context.source,
        contracts=context.contracts,
        delivery=landed_delivery(context.source, landing.path, load_date=landing.load_date, origin=origin),
        published=_published_rows(context, session, before=landing.load_date),
        tell=progress,
    )
    try:
        for table in load.tables:
            publish.replace(table.contract.name, table.accepted, table.counts.stored)
            publish.replace(f"{table.contract.name}_rejected", table.rejected, table.counts.stored_rejects)
            progress(f"      {table.counts.line(table.contract.table)}")
    finally:
        load.release()
    sha256 = hashlib.sha256((landing.path / "_manifest.json").read_bytes()).hexdigest()
    told = describe_load(load, source=context.source.name, load_date=landing.load_date, raw_sha256=sha256)
    publish.replace(LOADS, told, told.num_rows)
    mark_published(landing, context.signed(context.source.fingerprint, {}))


def _published_rows(context: RunContext, session: SparkSession, *, before: date) -> dict[str, DataFrame]:
    """What the load is held against: the tables that it adds to, and the rows that wait for their parents."""
    warehouse, source = context.warehouse, context.source
    stored = [table for table in source.tables if warehouse.exists(f"clean.{table}_rejected")]
    waiting = waiting_tables(partial(query, warehouse), stored, source=source.name, before=before)
    names = [f"clean.{table}" for table in (*stored, *(f"{table}_rejected" for table in waiting))]
    check_layout(warehouse, [pin(warehouse, name) for name in names], context.contracts, source=source)
    return {name: read(session, warehouse, name) for name in names}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Publisher:
    """Writes what a load of that day brought."""

    context: RunContext
    session: SparkSession
    day: date

    def replace(self, name: str, rows: Any, count: int) -> None:
        """Make the load's rows of a table these: a frame or an Arrow table of ``count`` rows."""
        context, contract = self.context, self.context.contracts[name]
        where = Slice.of_load(name, context.source.name, self.day, buckets=context.source.layout.buckets)
        by = context.signed(context.source.fingerprint, {})
        if count > FEW_ROWS:
            replace(self.session, context.warehouse, contract, rows, where=where, run=by)
            return
        schema = arrow_schema(contract.columns)
        few = (rows if isinstance(rows, pa.Table) else rows.toArrow()) if count else schema.empty_table()
        replace_arrow(context.warehouse, contract, few.cast(schema), where=where, run=by)
