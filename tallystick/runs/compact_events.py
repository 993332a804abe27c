"""Merge the small files of old loads into few large sorted ones; no row changes.

Takes a source, a date and optionally some tables. Loads that are more than the layout's `compact_after_days` older than
the date are merged, per bucket and period; younger ones are left alone. Of feature and score tables the rows of old
observations are merged. Run again it finds nothing; beside a load one of the two says that the other was first.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from tallystick.buckets import run_tasks
from tallystick.features import find_declared
from tallystick.project import load_project
from tallystick.runs.code_version import code_version
from tallystick.runs.progress import progress
from tallystick.tables import Run, Warehouse, commit_layout, plan_compaction, write_merge

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from tallystick.runs.params import CompactEvents


def run(params: CompactEvents, session: SparkSession | None) -> None:
    """Compact table after table, each in one commit; with a session every partition is a task, else one by one."""
    project, warehouse = load_project(params.project), Warehouse(params.warehouse)
    source = find_declared("source", params.source, project.sources)
    before = params.as_of - timedelta(days=source.layout.compact_after_days)
    by = Run(params.run_id, "compact_events", code_version(project.root), source.fingerprint)
    done = 0
    for name in params.tables or [name for name in warehouse.tables() if name in project.contracts]:
        plan = plan_compaction(warehouse, project.contracts[name], source=source.name, before=before)
        if plan.merges:
            work = partial(write_merge, warehouse, plan.contract)
            done += plan.files
            files = run_tasks(session, plan.merges, work) if session else [f for m in plan.merges for f in work(m)]
            commit = commit_layout(warehouse, plan, files=files, run=by)
            progress(f"      {name}: {plan.files} files became {commit.files}, {commit.rows} rows")
    progress(f"      {source.name}: {done} files of loads before {before} were merged")
