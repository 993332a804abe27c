"""Compute feature groups for observations that are given: any file or table of customer_id and as_of.

Takes groups, a source, the observations and the name of the set; replaces exactly the rows of that set. The same
numbers as of the daily snapshot and of a recipe: only who is observed, and when, is another's choice.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from tallystick.entrypoint import code_version, load_job_project, progress, run_job
from tallystick.features import GroupWork, Observed, check_given_name, choose_work, compute_buckets, find_declared
from tallystick.features.planning import list_given_tasks, list_read_tables
from tallystick.spec.fingerprint import fingerprint
from tallystick.tables import BucketStore, Run, Slice, Warehouse, check_layout, ensure_table, pin, replace_files
from tallystick.tables.store.given import GIVEN, GIVEN_CONTRACT, split_observations

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What to compute, and for whom and when."""
    parser.add_argument("--group", action="append", required=True, help="a group, may be repeated")
    parser.add_argument("--source", required=True)
    parser.add_argument("--observations", required=True, help="a Parquet or CSV file, or a layer.table")
    parser.add_argument("--name", required=True, help="the set's name in the feature tables")


def run(session: SparkSession, args: argparse.Namespace) -> None:
    """Split the observations by bucket, compute every group in one Spark job, commit one table after the other."""
    project, warehouse = load_job_project(args), Warehouse(args.warehouse)
    source = find_declared("source", args.source, project.sources)
    groups, _ = choose_work(project, groups=args.group)
    check_given_name(args.name, project)
    names = list_read_tables(groups, {})
    pinned = {name: pin(warehouse, name).where(source=source.name) for name in names if warehouse.exists(name)}
    check_layout(warehouse, pinned.values(), project.contracts, source=source)
    files = {name: p.files for name, p in pinned.items()}
    contracts = {name: project.contracts[name] for name in (*names, *(g.feature_table for g in groups))}
    store = BucketStore(warehouse=warehouse, contracts={**contracts, GIVEN: GIVEN_CONTRACT})
    works = [GroupWork.of(group, project.contracts, first=None) for group in groups]
    observed = Observed(kind="given", name=args.name, tables={GIVEN: ""})
    with split_observations(warehouse, args.observations, source=source) as given:
        tasks = list_given_tasks(source, files, {GIVEN: given.files})
        made = compute_buckets(session, tasks, works, observed=observed, storage=store)
    inputs = {name: p.version for name, p in pinned.items()}
    for group in groups:
        table = contracts[group.feature_table]
        owned = {"observations": observed.name, "source": source.name}
        by = Run(args.run_id, "compute_observed", code_version(project.root), fingerprint(group), inputs)
        ensure_table(warehouse, table)
        where = Slice(f"{table.name}/{observed.name}/{source.name}", owned)
        commit = replace_files(warehouse, table, made[table.name], where=where, run=by)
        progress(f"      {table.name}: {commit.rows} rows of {given.rows} observations given")


if __name__ == "__main__":
    run_job(add_arguments, run, __doc__)
