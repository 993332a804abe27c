"""Merge the small files of old loads into few large sorted ones; no row changes.

Takes a source, a date and optionally some tables. Loads that are more than the layout's `compact_after_days` older than
the date are merged, per bucket and period; younger ones are left alone. Of feature and score tables the rows of old
observations are merged. Run again it finds nothing; beside a load one of the two says that the other was first.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from tallystick.runs.context import RunContext
from tallystick.runs.layout import move_rows
from tallystick.runs.progress import progress
from tallystick.tables import plan_compaction

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from tallystick.runs.params import CompactEvents


def run(params: CompactEvents, session: SparkSession | None = None) -> None:
    """Compact table after table, each in one commit; with a session every partition is a task, else one by one."""
    context = RunContext.open(params)
    source, tables = context.source, context.warehouse.tables()
    before = params.as_of - timedelta(days=source.layout.compact_after_days)
    done = 0
    for name in params.tables or [name for name in tables if name in context.contracts]:
        plan = plan_compaction(context.warehouse, context.contracts[name], source=source.name, before=before)
        if plan.merges:
            done += plan.files
            move_rows(context, session, plan)
    progress(f"      {source.name}: {done} files of loads before {before} were merged")
