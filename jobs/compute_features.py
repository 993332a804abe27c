"""Compute feature groups for the observations of a recipe or for the daily snapshot, and replace exactly those rows.

Takes groups or a recipe, a source and optionally the first and last business date; reads the clean tables at one pinned
version.
"""

from __future__ import annotations

import argparse
from datetime import date
from typing import TYPE_CHECKING

from tallystick.entrypoint import code_version, load_job_project, progress, run_job
from tallystick.features import (
    GroupWork,
    Observed,
    choose_work,
    compute_buckets,
    date_bounds,
    find_declared,
    list_bucket_tasks,
    list_observed_tables,
    settle_dates,
)
from tallystick.spec.fingerprint import fingerprint
from tallystick.tables import BucketStore, Run, Slice, Warehouse, ensure_table, pin, replace_files

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What to compute, and for which business dates."""
    parser.add_argument("--recipe", default="", help="whose observations, and whose groups where none are named")
    parser.add_argument("--group", action="append", default=[], help="a group, may be repeated; alone: every midnight")
    parser.add_argument("--source", required=True)
    parser.add_argument("--from", dest="first", type=date.fromisoformat, help="first business date (inclusive)")
    parser.add_argument("--to", dest="last", type=date.fromisoformat, help="last business date (inclusive)")


def run(session: SparkSession, args: argparse.Namespace) -> None:
    """Compute every group in one Spark job, then commit one table after the other."""
    project = load_job_project(args)
    warehouse = Warehouse(args.warehouse)
    source = find_declared("source", args.source, project.sources)
    groups, observations = choose_work(project, groups=args.group, recipe=args.recipe)
    drawn_from = list_observed_tables(observations, project.contracts)
    names = {*drawn_from, *(g.table for g in groups), *(lookup.table for g in groups for lookup in g.lookups)}
    pinned = {name: pin(warehouse, name).where(source=source.name) for name in sorted(names) if warehouse.exists(name)}
    stored = [file for p in pinned.values() for file in p.files]
    first, last = settle_dates(observations, stored, first=args.first, last=args.last)
    observed = Observed.of(observations, drawn_from, first=first, last=last)
    tasks = list_bucket_tasks(source, {name: p.files for name, p in pinned.items()})
    contracts = {name: project.contracts[name] for name in (*names, *(g.feature_table for g in groups))}
    works = [GroupWork.of(group, project.contracts, first=first) for group in groups]
    store = BucketStore(warehouse=warehouse, contracts=contracts)
    files = compute_buckets(session, tasks, works, observed=observed, storage=store)
    low, high = date_bounds(source, first=first, last=last)
    inputs = {name: p.version for name, p in pinned.items()}
    for group in groups:
        table = contracts[group.feature_table]
        owned = {"observations": observed.name, "source": source.name}
        where = Slice(f"{table.name}/{observed.name}/{source.name}", owned, "as_of" if low or high else "", low, high)
        by = Run(args.run_id, "compute_features", code_version(project.root), fingerprint(group), inputs)
        ensure_table(warehouse, table)
        commit = replace_files(warehouse, table, files[table.name], where=where, run=by)
        progress(f"      {table.name}: {commit.rows} rows")


if __name__ == "__main__":
    run_job(add_arguments, run, __doc__)
