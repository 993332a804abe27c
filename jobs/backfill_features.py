"""Compute the days of a feature group that are missing or no longer right, chunk by chunk, each chunk in one commit.

Takes a group, a source, the first and last business date, and a recipe when its observations are wanted instead of the
daily snapshot. A killed run loses the chunk it was at; run again it goes on there, and a third run does nothing.
"""

from __future__ import annotations

import argparse
from datetime import date
from typing import TYPE_CHECKING

from tallystick.entrypoint import code_version, load_job_project, progress, run_job
from tallystick.features import choose_work, compute_buckets, date_bounds, find_declared, list_observed_tables
from tallystick.features.backfill import Backfill, BackfillPlan, judge_days, plan_backfill
from tallystick.features.ledger import Ledger, Made, count_days, owned_days
from tallystick.features.planning import list_read_tables
from tallystick.spec.fingerprint import fingerprint
from tallystick.tables import BucketStore, Pinned, Run, Slice, Warehouse, check_layout, ensure_table, pin, replace_files
from tallystick.tables.store.changes import ChangeLog
from tallystick.tables.store.footers import column_sizes
from tallystick.tables.store.small import SmallTables

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


JOB = "backfill_features"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What to backfill, and how much may be read for it."""
    parser.add_argument("--group", required=True)
    parser.add_argument("--source", required=True)
    parser.add_argument("--from", dest="first", type=date.fromisoformat, required=True, help="first business date")
    parser.add_argument("--to", dest="last", type=date.fromisoformat, required=True, help="last one (inclusive)")
    parser.add_argument("--recipe", default="", help="whose observations; default: all customers at every midnight")
    parser.add_argument("--missing-only", action="store_true", help="leave days whose values are stale or late")
    parser.add_argument("--max-bytes", type=int, help="stop before the work when it would read more than this")


def plan(args: argparse.Namespace) -> BackfillPlan:
    """What ``run`` would do with these arguments; needs no Spark."""
    return _prepare(args)[-1]


def run(session: SparkSession, args: argparse.Namespace) -> None:
    """Compute, commit and write down one chunk after the other."""
    asked, pinned, store, ledger, planned = _prepare(args)
    planned.stop_above(args.max_bytes)
    warehouse, changes, definition = store.warehouse, ChangeLog(store.warehouse, args.source), asked.definition
    table = asked.contracts[asked.group.feature_table]
    owned = {"observations": ledger.observations, "source": ledger.source}
    made = Made(run_id=args.run_id, versions=asked.inputs.versions({name: p.version for name, p in pinned.items()}))
    buckets = asked.source.layout.buckets
    ensure_table(warehouse, table)
    for number, chunk in enumerate(planned.chunks, start=1):
        tasks, works, observed = asked.tasks(chunk), [asked.work(chunk)], asked.observed(chunk)
        files = compute_buckets(session, tasks, works, observed=observed, storage=store)[table.name]
        paths = [str(warehouse.table_path(table.name) / file.path) for file in files]
        counts = count_days(store, table.name, paths, zone=asked.source.zone)
        low, high = date_bounds(asked.source, first=chunk.first, last=chunk.last)
        where = Slice(f"{table.name}/{observed.name}/{ledger.source}", owned, "as_of", low, high, buckets)
        by = Run(made.commit_id, JOB, code_version(args.project), fingerprint(asked.group), made.versions)
        ledger.forget(asked.group.name, first=chunk.first, last=chunk.last)
        commit = replace_files(warehouse, table, files, where=where, run=by)
        days = owned_days(counts, first=chunk.first, last=chunk.last)
        ledger.record(definition, days, made=made, inputs=asked.inputs, changes=changes)
        progress(f"      {number}/{len(planned.chunks)}: {chunk.first} to {chunk.last}, {commit.rows} rows")
    progress(f"      {table.name}: {planned.days} of {len(planned.states)} days computed")


def _prepare(args: argparse.Namespace) -> tuple[Backfill, dict[str, Pinned], BucketStore, Ledger, BackfillPlan]:
    project, warehouse = load_job_project(args), Warehouse(args.warehouse)
    source = find_declared("source", args.source, project.sources)
    (group,), observations = choose_work(project, groups=[args.group], recipe=args.recipe)
    names = list_read_tables([group], list_observed_tables(observations, project.contracts))
    pinned = {name: pin(warehouse, name).where(source=source.name) for name in names if warehouse.exists(name)}
    check_layout(warehouse, pinned.values(), project.contracts, source=source)
    files = {name: p.files for name, p in pinned.items()}
    declared = project.contracts
    asked = Backfill(group=group, source=source, observations=observations, contracts=declared, files=files)
    small = SmallTables(warehouse=warehouse, contracts=declared, job=JOB, code=code_version(project.root))
    ledger = Ledger(tables=small, source=source.name, observations=observations.name)
    states = judge_days(asked, ledger, first=args.first, last=args.last, changes=ChangeLog(warehouse, source.name))
    contracts = {name: declared[name] for name in (*names, group.feature_table)}
    store = BucketStore(warehouse=warehouse, contracts=contracts)
    planned = plan_backfill(asked, states, storage=store, columns=column_sizes, missing_only=args.missing_only)
    return asked, pinned, store, ledger, planned


if __name__ == "__main__":
    run_job(add_arguments, run, __doc__)
