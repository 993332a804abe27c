"""Deal the rows of a source to the number of buckets that its layout declares, in every table that lies in buckets.

Takes a source. Change `layout.buckets` in source.yaml first: until this job has run, jobs that go bucket by bucket stop
and name the table. Each table changes in one commit; killed at any point and run again it does the rest.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from tallystick.buckets import run_tasks
from tallystick.features import find_declared
from tallystick.project import load_project
from tallystick.runs.code_version import code_version
from tallystick.runs.progress import progress
from tallystick.tables import Run, Warehouse, commit_layout, plan_rebucketing, write_merge

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from tallystick.runs.params import RebucketSource


def run(params: RebucketSource, session: SparkSession | None) -> None:
    """Re-bucket table after table; with a session every load or period is a task, else one by one."""
    project, warehouse = load_project(params.project), Warehouse(params.warehouse)
    source = find_declared("source", params.source, project.sources)
    by = Run(params.run_id, "rebucket_source", code_version(project.root), source.fingerprint)
    wanted, moved = source.layout.buckets, 0
    for name in [name for name in warehouse.tables() if name in project.contracts]:
        plan = plan_rebucketing(warehouse, project.contracts[name], source=source.name, buckets=wanted, run=by)
        if plan.merges:
            work = partial(write_merge, warehouse, plan.contract)
            files = run_tasks(session, plan.merges, work) if session else [f for m in plan.merges for f in work(m)]
            commit = commit_layout(warehouse, plan, files=files, run=by)
            moved += 1
            progress(f"      {name}: {plan.files} files became {commit.files}, {commit.rows} rows")
    progress(f"      {source.name}: {moved} tables were moved to {wanted} buckets")
