"""Load a supplier's deliveries into the clean tables: land them, map and check all tables, and only then publish.

Takes a source and the folder of its deliveries; or, after a mapping was corrected, a load date: then that landed load
and every later one are mapped again from their copies.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from tallystick.buckets import run_tasks
from tallystick.how_far import HowFar
from tallystick.ingest.deliveries import Delivery, find_deliveries
from tallystick.ingest.load import describe_load, prepare_load
from tallystick.ingest.load_dates import SaidDates, is_late, load_date_for, missing_nights, newest_night, tell_days
from tallystick.ingest.resources import LoadResources
from tallystick.places import RemotePath
from tallystick.runs.context import RunContext
from tallystick.runs.loads import Loaded, delivery_size, load_contents, raw_sha256
from tallystick.runs.progress import progress, working
from tallystick.runs.pseudonym_key import LOADS, check_key, read_key
from tallystick.runs.sessions import session_when_asked
from tallystick.runs.unusual_loads import note_unusual
from tallystick.spec.delivery_names import business_date
from tallystick.spec.mappings import CLEAN
from tallystick.tables import Slice, TableChange, arrow_schema, publish, recover
from tallystick.tables.landing import alone, find_landing, land, mark_published
from tallystick.tables.store.disk import full_disk_is_setup_error
from tallystick.tables.store.door import write_arrow

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from tallystick.ingest.pseudonyms import PseudonymKey
    from tallystick.runs.params import IngestSource

# Deliveries of up to so many packed bytes are loaded by this process alone: a million lines in five seconds, which is
# what Java and Spark's workers take to start.
FEW_BYTES = 24 << 20

Session = Callable[[], "SparkSession"]


def run(params: IngestSource, session: SparkSession | None) -> None:
    """Load every delivery that is not loaded: first the nights in the order of their dates, then what came late."""
    context = RunContext.open(params)
    with alone(context.warehouse, context.source.name), session_when_asked(params, session) as spark:
        recover(context.warehouse)
        if params.directory is None:
            _replay(params, context, spark)
            return
        before = Loaded.of(context)
        found = find_deliveries(params.directory, context.source, load_date=params.load_date)
        for delivery in found:
            if delivery.name in before.marked:
                _land(context, delivery)  # refuses other bytes
                progress(
                    f"      {context.source.name} {delivery.name}: the same bytes were loaded before, nothing to do"
                )
        missing = [delivery for delivery in found if delivery.name not in before.marked]
        said = SaidDates(run_date=params.run_date, known_from=params.known_from)
        _load_in_turn(context, spark, missing, said=said)


def _load_in_turn(context: RunContext, session: Session, deliveries: Sequence[Delivery], *, said: SaidDates) -> None:
    """Load deliveries that are not loaded, those of one load date together."""
    source, same_run, before = context.source.name, None, Loaded.of(context)
    _tell_missing(context, before.all, [delivery.name for delivery in deliveries])
    for delivery in deliveries:
        if delivery.name not in before.unmarked and is_late(delivery.name, before.all):
            load_date_for(delivery.name, before.all, source=source, said=said)  # refused before anything is loaded
    for together in _by_turn(deliveries, before):
        names, loaded = [delivery.name for delivery in together], Loaded.of(context)
        # What a killed run had committed is known from its date on: it has been seen since.
        day = loaded.unmarked.get(names[-1])
        if day is None:
            late = is_late(names[-1], loaded.all)
            day = load_date_for(names[-1], loaded.all, source=source, said=said, same_run=same_run)
            same_run = same_run if late else day
            _tell_date(source, names, day, newest=newest_night(loaded.all) if late else None)
        for delivery in together:
            _land(context, delivery)
        _load(context, session, day, {delivery.name: delivery.directory for delivery in together})


def _tell_date(source: str, names: Sequence[str], day: date, *, newest: date | None) -> None:
    """Say from when on deliveries are known where that is not their own date; ``newest`` is the night they follow."""
    for name in names:
        if newest is not None:
            progress(f"      {source} {name} came late: known from {day} on, and not before")
        elif day > business_date(name):
            progress(f"      {source} {name} is known from {day} on, and not from its own date")
    if newest is not None and day - newest > timedelta(days=1):
        progress(f"      nights before {day} that are loaded after it are known from {day} on, too")


def _land(context: RunContext, delivery: Delivery) -> None:
    with working("landing the files"):
        land(context.warehouse, context.source.name, delivery.name, delivery.directory, delivery.names)


def _by_turn(deliveries: Sequence[Delivery], loaded: Loaded) -> list[list[Delivery]]:
    """The deliveries that are loaded together: those that a killed run had committed, each night, all that are late."""
    groups: dict[tuple[int, date], list[Delivery]] = {}
    for delivery in deliveries:
        if delivery.name in loaded.unmarked:
            turn = (0, loaded.unmarked[delivery.name])
        elif is_late(delivery.name, loaded.all):
            turn = (2, date.max)
        else:
            turn = (1, delivery.business_date)
        groups.setdefault(turn, []).append(delivery)
    return [groups[turn] for turn in sorted(groups)]


def _tell_missing(context: RunContext, loaded: Mapping[str, date], new: Sequence[str]) -> None:
    """Say which nights are missing; loudly when the new deliveries go past them, and before those are loaded: a night
    may be refused for what the missing one would have told.
    """
    source = context.source
    missing = missing_nights(source, [*loaded, *new])
    passed = sorted(set(missing) - set(missing_nights(source, loaded)))
    if passed:
        progress(f"WARNING {source.name}: no delivery of {tell_days(passed)}, and later nights are loaded without")
        progress("        when it comes, load it with its --load-date: known from then on (docs/missed-night.md)")
    elif missing:
        progress(f"      {source.name}: {len(missing)} nights are missing (tally loads)")


def _replay(params: IngestSource, context: RunContext, session: Session) -> None:
    """Map landed loads again from their copies, in the order of their dates."""
    for day in sorted(set(Loaded.of(context).all.values())):
        if params.replay_from is not None and day >= params.replay_from:
            _load(context, session, day, {})


def _load(context: RunContext, session: Session, day: date, origins: Mapping[str, Path]) -> None:
    """Map and check every table of a load and write its files, and only then commit them."""
    source, key = context.source, read_key(context)
    check_key(context, key, before=day)
    contents = load_contents(context, day, list(origins), loaded=Loaded.of(context).all, origins=origins)
    landed = [find_landing(context.warehouse, source.name, name) for name in contents.names]
    with _scratch(context) as scratch:
        load = prepare_load(
            source,
            contracts=context.contracts,
            contents=contents,
            resources=_resources(context, session, scratch, size=delivery_size(landed), key=key),
            tell=progress,
        )
    # One run may load one date twice: its night, and then with what came late. Under the run's own id the second commit
    # would be taken for a repetition of the first and not be written, and its rows would be lost.
    sha256 = raw_sha256(landed)
    by = context.signed(source.fingerprint, {}, run_id=f"{context.run_id}/{sha256[:12]}")
    loads = describe_load(load, source=source.name, load_date=day, raw_sha256=sha256, key=key)
    loads, unusual = note_unusual(context.warehouse, loads)
    changes = [_rows_change(context, LOADS, loads, day=day)]
    for table in load.tables:
        name = table.contract.name
        changes.append(TableChange(contract=table.contract, files=table.files, where=_slice(context, name, day)))
        changes.append(_rows_change(context, f"{name}_rejected", table.rejected, day=day))
    with working("publishing"):
        publish(context.warehouse, changes, run=by)
    for table in load.tables:
        progress(f"      {table.counts.line(table.contract.table)}")
    for told in unusual:
        progress(f"WARNING {source.name}: {told}")
    for landing in landed:
        mark_published(landing, by, day)


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
