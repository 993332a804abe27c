"""Compute feature groups for observations that are given: any file or table of customer_id and as_of.

Takes groups, a source, the observations and the name of the set; replaces exactly the rows of that set. The same
numbers as of the daily snapshot and of a recipe: only who is observed, and when, is another's choice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tallystick.features import GroupWork, compute_buckets, find_declared
from tallystick.features.planning import find_given, find_groups, list_given_tasks, list_read_tables
from tallystick.observations import ObservationSpec
from tallystick.project import load_project
from tallystick.runs.code_version import code_version
from tallystick.runs.progress import progress
from tallystick.spec.fingerprint import fingerprint
from tallystick.tables import BucketStore, Run, Slice, Warehouse, check_layout, ensure_table, pin, replace_files
from tallystick.tables.store.given import GIVEN, GIVEN_CONTRACT, split_observations

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from tallystick.runs.params import ComputeObserved


def run(params: ComputeObserved, session: SparkSession) -> None:
    """Split the observations by bucket, compute every group in one Spark job, commit one table after the other."""
    project, warehouse = load_project(params.project), Warehouse(params.warehouse)
    source = find_declared("source", params.source, project.sources)
    declared, as_of = find_given(params.name, project)
    groups = find_groups(project, params.groups, declared)
    names = list_read_tables(groups, ())
    pinned = {name: pin(warehouse, name).where(source=source.name) for name in names if warehouse.exists(name)}
    check_layout(warehouse, pinned.values(), project.contracts, source=source)
    files = {name: p.files for name, p in pinned.items()}
    contracts = {name: project.contracts[name] for name in (*names, *(g.feature_table for g in groups))}
    store = BucketStore(warehouse=warehouse, contracts={**contracts, GIVEN: GIVEN_CONTRACT})
    works = [GroupWork.of(group, project.contracts, first=None) for group in groups]
    spec = ObservationSpec(declared=declared, tables={GIVEN: ""})
    path, key = params.observations, declared.key
    with split_observations(warehouse, path, source=source, key=key, as_of=as_of) as given:
        tasks = list_given_tasks(source, files, {GIVEN: given.files})
        made = compute_buckets(session, tasks, works, spec=spec, storage=store)
    inputs = {name: p.version for name, p in pinned.items()}
    for group in groups:
        table = contracts[group.feature_table]
        owned = {"observations": spec.name, "source": source.name}
        by = Run(params.run_id, "compute_observed", code_version(project.root), fingerprint(group), inputs)
        ensure_table(warehouse, table)
        where = Slice(f"{table.name}/{spec.name}/{source.name}", owned)
        commit = replace_files(warehouse, table, made[table.name], where=where, run=by)
        progress(f"      {table.name}: {commit.rows} rows of {given.rows} observations given")
