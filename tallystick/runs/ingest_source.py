"""Load a supplier's deliveries into the clean tables: land them, map and check all tables, and only then publish.

Takes a source and the folder of its deliveries; or, after a mapping was corrected, a load date: then that landed load
and every later one are mapped again from their copies.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from functools import partial
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from tallystick.buckets import run_tasks
from tallystick.how_far import HowFar
from tallystick.ingest.deliveries import check_order, find_deliveries, landed_delivery
from tallystick.ingest.load import describe_load, prepare_load
from tallystick.ingest.rejected import waiting_tables
from tallystick.ingest.resources import LoadResources
from tallystick.places import RemotePath
from tallystick.runs.context import RunContext
from tallystick.runs.progress import progress, working
from tallystick.runs.pseudonym_key import LOADS, check_key, read_key
from tallystick.runs.sessions import session_when_asked
from tallystick.spec.mappings import CLEAN
from tallystick.tables import Slice, TableChange, arrow_schema, check_layout, pin_all, publish, query, recover
from tallystick.tables.landing import Landing, alone, land, landings, mark_published
from tallystick.tables.store.disk import full_disk_is_setup_error
from tallystick.tables.store.door import write_arrow
from tallystick.tables.store.earlier_rows import StoredBefore

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from tallystick.ingest.pseudonyms import PseudonymKey
    from tallystick.runs.params import IngestSource

# Deliveries of up to so many packed bytes are loaded by this process alone: a million lines in five seconds, which is
# what Java and Spark's workers take to start.
FEW_BYTES = 24 << 20

Session = Callable[[], "SparkSession"]


def run(params: IngestSource, session: SparkSession | None) -> None:
    """Load every delivery in order of its date; one that was published before is left alone."""
    context = RunContext.open(params)
    with alone(context.warehouse, context.source.name), session_when_asked(params, session) as spark:
        recover(context.warehouse)
        if params.directory is None:
            _replay(params, context, spark)
            return
        for delivery in find_deliveries(params.directory, context.source, load_date=params.load_date):
            published = _published_dates(context)
            with working("landing the files"):
                landing = land(
                    context.warehouse, context.source.name, delivery.load_date, delivery.directory, delivery.names
                )
            if landing.is_published:
                told = f"{context.source.name} {delivery.load_date}"
                progress(f"      {told}: the same bytes were loaded before, nothing to do")
                continue
            check_order(context.source, delivery.load_date, published)
            _load(context, spark, landing, origin=delivery.directory)


def _published_dates(context: RunContext) -> list[date]:
    return [found.load_date for found in landings(context.warehouse, context.source.name) if found.is_published]


def _replay(params: IngestSource, context: RunContext, session: Session) -> None:
    """Map landed loads again from their copies, in the order of their dates."""
    for landing in landings(context.warehouse, context.source.name):
        if params.replay_from is not None and landing.load_date >= params.replay_from:
            _load(context, session, landing)


def _load(context: RunContext, session: Session, landing: Landing, *, origin: Path | None = None) -> None:
    """Map and check every table of a load and write its files, and only then commit them."""
    source, day, key = context.source, landing.load_date, read_key(context)
    check_key(context, key, before=day)
    stored = [table for table in source.tables if context.warehouse.exists(f"{CLEAN}.{table}_rejected")]
    waiting = waiting_tables(partial(query, context.warehouse), stored, source=source.name, before=day)
    with _scratch(context) as scratch:
        load = prepare_load(
            source,
            contracts=context.contracts,
            delivery=landed_delivery(source, landing.local, load_date=day, origin=origin),
            earlier=_earlier(context, [*stored, *(f"{table}_rejected" for table in waiting)], before=day),
            resources=_resources(context, session, scratch, size=sum(file.size for file in landing.manifest), key=key),
            tell=progress,
        )
    sha256 = hashlib.sha256((landing.path / "_manifest.json").read_bytes()).hexdigest()
    loads = describe_load(load, source=source.name, load_date=day, raw_sha256=sha256, key=key)
    changes = [_rows_change(context, LOADS, loads, day=day)]
    for table in load.tables:
        name = table.contract.name
        changes.append(TableChange(contract=table.contract, files=table.files, where=_slice(context, name, day)))
        changes.append(_rows_change(context, f"{name}_rejected", table.rejected, day=day))
    by = context.signed(source.fingerprint, {})
    with working("publishing"):
        publish(context.warehouse, changes, run=by)
    for table in load.tables:
        progress(f"      {table.counts.line(table.contract.table)}")
    mark_published(landing, by)


def _earlier(context: RunContext, tables: Sequence[str], *, before: date) -> StoredBefore:
    """What the load is held against: the rows of the loads before it, and the rejects among which some wait."""
    warehouse, source = context.warehouse, context.source
    pinned = pin_all(warehouse, [f"{CLEAN}.{table}" for table in tables]).values()
    check_layout(warehouse, pinned, context.contracts, source=source)
    return StoredBefore.of(pinned, context.contracts, source=source.name, before=before)


def _resources(
    context: RunContext, session: Session, scratch: Path, *, size: int, key: PseudonymKey | None
) -> LoadResources:
    """Few bytes are read in this process: to hand them to Spark would take longer."""
    names = [f"{CLEAN}.{table}" for table in context.source.tables]

    def spread(
        tasks: Sequence[Any], work: Callable[[Any], list[Any]], sizes: Sequence[int], how_far: HowFar
    ) -> list[Any]:
        is_small = size <= FEW_BYTES or len(tasks) <= 1
        if not is_small and isinstance(context.warehouse.root, RemotePath):
            # Tasks of other machines see an object store but not the copy of the delivery that this machine holds.
            is_small = not session().sparkContext.master.startswith("local")
        return run_tasks(None if is_small else session(), tasks, work, sizes=sizes, how_far=how_far)

    return LoadResources(
        spread=spread,
        working=working,
        storage=context.storage(names),
        scratch=scratch,
        session=session,
        pseudonym_key=key,
    )


@contextmanager
def _scratch(context: RunContext) -> Iterator[Path]:
    """A folder for rows between two steps. Below the warehouse: on a cluster all tasks see it, wherever they run."""
    home = context.warehouse.home / "_scratch"
    with full_disk_is_setup_error(str(home)):
        home.mkdir(parents=True, exist_ok=True)
        for left in home.glob(f"{context.source.name}-*"):
            # Of a load that was killed: nobody else loads this source now, and no other name begins so.
            shutil.rmtree(left, ignore_errors=True)
        folder = Path(mkdtemp(prefix=f"{context.source.name}-", dir=home))
    try:
        with full_disk_is_setup_error(str(home)):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _slice(context: RunContext, name: str, day: date) -> Slice:
    return Slice.of_load(name, context.source.name, day, buckets=context.source.layout.buckets)


def _rows_change(context: RunContext, name: str, rows: pa.Table, *, day: date) -> TableChange:
    """A change of rows that the driver holds: rejects, and the summary of the load."""
    contract, where = context.contracts[name], _slice(context, name, day)
    files = write_arrow(context.warehouse, contract, rows.cast(arrow_schema(contract.columns)), where=where)
    return TableChange(contract=contract, files=files, where=where)
