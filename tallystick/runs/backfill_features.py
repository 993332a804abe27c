"""Compute the days of a feature group that are missing or no longer right, chunk by chunk, each chunk in one commit.

Takes a group, a source, the first and last business date, and a recipe when its observations are wanted instead of the
daily snapshot. A killed run loses the chunk it was at; run again it goes on there, and a third run does nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tallystick.features import choose_work, compute_buckets, find_declared
from tallystick.features.backfill import Backfill, BackfillPlan, judge_days, plan_backfill
from tallystick.features.ledger import Ledger, Made, count_days, owned_days
from tallystick.features.planning import list_read_tables
from tallystick.observations.dates import date_bounds
from tallystick.project import load_project
from tallystick.runs.code_version import code_version
from tallystick.runs.progress import progress
from tallystick.spec.fingerprint import fingerprint
from tallystick.tables import BucketStore, Pinned, Run, Slice, Warehouse, check_layout, ensure_table, pin, replace_files
from tallystick.tables.store.changes import ChangeLog
from tallystick.tables.store.footers import column_sizes
from tallystick.tables.store.small import SmallTables

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from tallystick.runs.params import BackfillFeatures


JOB = "backfill_features"


def plan(params: BackfillFeatures) -> BackfillPlan:
    """What ``run`` would do with these arguments; needs no Spark."""
    return _prepare(params)[-1]


def run(params: BackfillFeatures, session: SparkSession) -> None:
    """Compute, commit and write down one chunk after the other."""
    asked, pinned, store, ledger, planned = _prepare(params)
    planned.stop_above(params.max_bytes)
    warehouse, changes, definition = store.warehouse, ChangeLog(store.warehouse, params.source), asked.definition
    table = asked.contracts[asked.group.feature_table]
    owned = {"observations": ledger.observations, "source": ledger.source}
    made = Made(run_id=params.run_id, versions=asked.inputs.versions({name: p.version for name, p in pinned.items()}))
    buckets = asked.source.layout.buckets
    ensure_table(warehouse, table)
    for number, chunk in enumerate(planned.chunks, start=1):
        tasks, works, spec = asked.tasks(chunk), [asked.work(chunk)], asked.spec(chunk)
        files = compute_buckets(session, tasks, works, spec=spec, storage=store)[table.name]
        paths = [str(warehouse.table_path(table.name) / file.path) for file in files]
        counts = count_days(store, table.name, paths, zone=asked.source.zone)
        low, high = date_bounds(asked.source, first=chunk.first, last=chunk.last)
        where = Slice(f"{table.name}/{spec.name}/{ledger.source}", owned, "as_of", low, high, buckets)
        by = Run(made.commit_id, JOB, code_version(params.project), fingerprint(asked.group), made.versions)
        ledger.forget(asked.group.name, first=chunk.first, last=chunk.last)
        commit = replace_files(warehouse, table, files, where=where, run=by)
        days = owned_days(counts, first=chunk.first, last=chunk.last)
        ledger.record(definition, days, made=made, inputs=asked.inputs, changes=changes)
        progress(f"      {number}/{len(planned.chunks)}: {chunk.first} to {chunk.last}, {commit.rows} rows")
    progress(f"      {table.name}: {planned.days} of {len(planned.states)} days computed")


def _prepare(params: BackfillFeatures) -> tuple[Backfill, dict[str, Pinned], BucketStore, Ledger, BackfillPlan]:
    project, warehouse = load_project(params.project), Warehouse(params.warehouse)
    source = find_declared("source", params.source, project.sources)
    (group,), observations = choose_work(
        project, groups=[params.group], recipe=params.recipe, observations=params.observations
    )
    names = list_read_tables([group], observations.tables)
    pinned = {name: pin(warehouse, name).where(source=source.name) for name in names if warehouse.exists(name)}
    check_layout(warehouse, pinned.values(), project.contracts, source=source)
    files = {name: p.files for name, p in pinned.items()}
    declared = project.contracts
    asked = Backfill(group=group, source=source, observations=observations, contracts=declared, files=files)
    small = SmallTables(warehouse=warehouse, contracts=declared, job=JOB, code=code_version(project.root))
    ledger = Ledger(tables=small, source=source.name, observations=observations.name)
    states = judge_days(asked, ledger, first=params.first, last=params.last, changes=ChangeLog(warehouse, source.name))
    contracts = {name: declared[name] for name in (*names, group.feature_table)}
    store = BucketStore(warehouse=warehouse, contracts=contracts)
    planned = plan_backfill(asked, states, storage=store, columns=column_sizes, missing_only=params.missing_only)
    return asked, pinned, store, ledger, planned
