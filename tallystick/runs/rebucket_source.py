"""Deal the rows of a source to the number of buckets that its layout declares, in every table that lies in buckets.

Takes a source. Change `layout.buckets` in source.yaml first: until this job has run, jobs that go bucket by bucket stop
and name the table. Each table changes in one commit; killed at any point and run again it does the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tallystick.runs.context import RunContext
from tallystick.runs.layout import move_rows
from tallystick.runs.progress import progress
from tallystick.tables import plan_rebucketing

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from tallystick.runs.params import RebucketSource


def run(params: RebucketSource, session: SparkSession | None = None) -> None:
    """Re-bucket table after table; with a session every load or period is a task, else one by one."""
    context = RunContext.open(params)
    warehouse, name, wanted = context.warehouse, context.source.name, context.source.layout.buckets
    by = context.signed(context.source.fingerprint, {})
    moved = 0
    for contract in [context.contracts[table] for table in warehouse.tables() if table in context.contracts]:
        plan = plan_rebucketing(warehouse, contract, source=name, buckets=wanted, run=by)
        if plan.merges:
            moved += 1
            move_rows(context, session, plan)
    progress(f"      {name}: {moved} tables were moved to {wanted} buckets")
