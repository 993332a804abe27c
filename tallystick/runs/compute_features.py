"""Compute feature groups for the observations of a recipe or for the daily snapshot, and replace exactly those rows.

Takes groups or a recipe, a source and optionally the first and last business date; reads the clean tables at one pinned
version.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from tallystick.features import (
    GroupWork,
    choose_work,
    compute_buckets,
    find_declared,
    list_bucket_tasks,
    settle_dates,
)
from tallystick.features.ledger import Definition, Inputs, Ledger, Made, count_days, owned_days
from tallystick.features.planning import last_load, list_read_tables, note_unloaded
from tallystick.observations import ExpectedRows, ObservationSpec, backfill_start
from tallystick.observations.dates import date_bounds
from tallystick.project import load_project
from tallystick.runs.code_version import code_version
from tallystick.runs.progress import progress
from tallystick.spec.fingerprint import fingerprint
from tallystick.tables import (
    BucketStore,
    Run,
    Slice,
    Warehouse,
    check_layout,
    ensure_table,
    pin,
    read_arrow,
    replace_files,
)
from tallystick.tables.store.changes import ChangeLog
from tallystick.tables.store.small import SmallTables

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from tallystick.runs.params import ComputeFeatures


def run(params: ComputeFeatures, session: SparkSession) -> None:
    """Compute every group in one Spark job, then commit one table after the other."""
    project = load_project(params.project)
    warehouse = Warehouse(params.warehouse)
    source = find_declared("source", params.source, project.sources)
    groups, observations = choose_work(
        project, groups=params.groups, recipe=params.recipe, observations=params.observations
    )
    names = list_read_tables(groups, observations.tables)
    pinned = {name: pin(warehouse, name).where(source=source.name) for name in names if warehouse.exists(name)}
    check_layout(warehouse, pinned.values(), project.contracts, source=source)
    stored = [file for p in pinned.values() for file in p.files]
    first, last = settle_dates(observations, stored, first=params.first, last=params.last)
    spec = ObservationSpec.of(observations, project.contracts, first=first, last=last)
    expected = ExpectedRows.in_features(spec, [group.feature_table for group in groups])
    first = backfill_start(partial(read_arrow, warehouse), expected, source=source, first=first, days=params.look_back)
    spec = replace(spec, first=first)
    loaded = last_load(stored)
    note_unloaded(last, loaded, tell=progress)
    code, changes = code_version(project.root), ChangeLog(warehouse, source.name)
    small = SmallTables(warehouse=warehouse, contracts=project.contracts, job="compute_features", code=code)
    ledger = Ledger(tables=small, source=source.name, observations=spec.name)
    defined = {group.name: Definition.of(group, project.contracts, observations=observations) for group in groups}
    groups = [g for g in groups if not ledger.is_done(defined[g.name], run_id=params.run_id, first=first, last=last)]
    if not groups:
        progress("      this run has computed them before, nothing to do")
        return
    tasks = list_bucket_tasks(source, {name: p.files for name, p in pinned.items()})
    contracts = {name: project.contracts[name] for name in (*names, *(g.feature_table for g in groups))}
    works = [GroupWork.of(group, project.contracts, first=first) for group in groups]
    store = BucketStore(warehouse=warehouse, contracts=contracts)
    files = compute_buckets(session, tasks, works, spec=spec, storage=store)
    low, high = date_bounds(source, first=first, last=last)
    one = groups[0].feature_table
    written = [str(warehouse.table_path(one) / file.path) for file in files[one]]
    days = owned_days(count_days(store, one, written, zone=source.zone), first=first, last=last, loaded=loaded)
    for group in groups:
        table = contracts[group.feature_table]
        inputs = Inputs.of(group, observations.tables, zone=source.zone, by_event=observations.by_event)
        made = Made(run_id=params.run_id, versions=inputs.versions({name: p.version for name, p in pinned.items()}))
        owned = {"observations": spec.name, "source": source.name}
        bounded, buckets = "as_of" if low or high else "", source.layout.buckets
        where = Slice(f"{table.name}/{spec.name}/{source.name}", owned, bounded, low, high, buckets)
        by = Run(made.commit_id, "compute_features", code, fingerprint(group), made.versions)
        ensure_table(warehouse, table)
        ledger.forget(group.name, first=first, last=last)
        commit = replace_files(warehouse, table, files[table.name], where=where, run=by)
        ledger.record(defined[group.name], days, made=made, inputs=inputs, changes=changes)
        progress(f"      {table.name}: {commit.rows} rows")
