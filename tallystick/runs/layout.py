"""How compaction and re-bucketing move a table's rows to other files: in tasks, or one file after the other."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from tallystick.buckets import run_tasks
from tallystick.runs.context import RunContext
from tallystick.runs.progress import progress, working
from tallystick.tables.upkeep.compaction import LayoutPlan, commit_layout
from tallystick.tables.upkeep.rewriting import write_merge

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def move_rows(context: RunContext, session: SparkSession | None, plan: LayoutPlan) -> None:
    """Carry out the plan in one commit; without a session its files are written in this process."""
    write = partial(write_merge, context.warehouse, plan.contract)
    with working(plan.contract.name) as how_far:
        sizes = [sum(file.size for file in merge.files) for merge in plan.merges]
        files = run_tasks(session, plan.merges, write, sizes=sizes, how_far=how_far)
    commit = commit_layout(context.warehouse, plan, files=files, run=context.signed(context.source.fingerprint, {}))
    progress(f"      {plan.contract.name}: {plan.files} files became {commit.files}, {commit.rows} rows")
