"""Tallystick's own way from clean Delta to feature Delta, as ``jobs/compute_features.py`` goes it.

Also the same without Spark, for small tests.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from benchmarks.groups import EVENTS, GROUPS, OBSERVED, contracts
from benchmarks.layouts import Folder, hot_files
from benchmarks.scale import SNAPSHOT_DAY, SOURCE, ZONE
from tallystick.buckets import BucketTask
from tallystick.features import GroupWork, compute_buckets, list_bucket_tasks
from tallystick.features.reading import BucketReader
from tallystick.features.stage import compute_work, observe_task
from tallystick.observations import ObservationSpec
from tallystick.spec.observations import Customers, ObservationSet, Rows
from tallystick.spec.sources import KnownOn, Layout, Source, TableMapping
from tallystick.tables import BucketStore, DataFile, Pinned, Run, Slice, Warehouse, ensure_table, pin, replace_files

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """What is computed: a width and a kind of work, over all buckets or the first so many, with or without the huge
    customer's files (``hot`` is what ``make_hot`` told).
    """

    folder: Folder
    width: int
    work: str
    buckets: int | None = None
    hot: dict[str, Any] | None = None

    @property
    def spec(self) -> ObservationSpec:
        """The observations, as the stage wants them."""
        if self.work == "training":
            key = contracts()[OBSERVED].event_id
            declared = ObservationSet(name="training", key=key, population=Rows(table=OBSERVED))
            return ObservationSpec.of(declared, contracts())
        declared = ObservationSet(name="snapshot", key="customer_id", population=Customers(tables=(EVENTS,)))
        return ObservationSpec.of(declared, contracts(), first=SNAPSHOT_DAY, last=SNAPSHOT_DAY)

    def tasks(self) -> tuple[list[BucketTask], dict[str, int]]:
        """One task a bucket, from the newest versions of the tables, and these versions."""
        pinned: dict[str, Pinned] = {name: pin(self.folder.warehouse, name) for name in (EVENTS, OBSERVED)}
        files: dict[str, Sequence[DataFile]] = {name: found.files for name, found in pinned.items()}
        if self.buckets is not None:
            files = {n: [f for f in kept if int(f.partition["bucket"]) < self.buckets] for n, kept in files.items()}
        if self.hot is not None:
            more = hot_files(self.hot, {name: found.files for name, found in pinned.items()})
            files = {name: [*kept, *more[name]] for name, kept in files.items()}
        tasks = list_bucket_tasks(_source(self.folder.scale.buckets), files)
        return tasks, {name: found.version for name, found in pinned.items()}


def warm(session: SparkSession, job: Job, out: Path) -> None:
    """Start Spark's Python workers and let them import everything: the first bucket, its files left uncommitted."""
    tasks, _ = job.tasks()
    store = BucketStore(warehouse=Warehouse(out), contracts=contracts())
    compute_buckets(session, tasks[:1] * 2, [_work(job)], spec=job.spec, storage=store)


def run(session: SparkSession, job: Job, out: Path) -> list[str]:
    """Compute and commit into the warehouse at ``out``; returns the feature table's files."""
    warehouse, table = Warehouse(out), contracts()[GROUPS[job.width].feature_table]
    tasks, inputs = job.tasks()
    store = BucketStore(warehouse=warehouse, contracts=contracts())
    files = compute_buckets(session, tasks, [_work(job)], spec=job.spec, storage=store)
    where = Slice.of_features(table.name, SOURCE, job.spec.name)
    ensure_table(warehouse, table)
    by = Run(uuid.uuid4().hex, "benchmark", "", inputs=inputs)
    replace_files(warehouse, table, files[table.name], where=where, run=by)
    return [str(path) for path in pin(warehouse, table.name).paths]


def run_local(job: Job) -> pa.Table:
    """The same numbers in this process, without Spark and without files."""
    work, made = _work(job), []
    tasks, _ = job.tasks()
    store = BucketStore(warehouse=job.folder.warehouse, contracts=contracts())
    for task in tasks:
        reader = BucketReader(task, [work], job.spec, store)
        made.append(compute_work(task, work, observe_task(task, job.spec, reader), reader))
    return pa.concat_tables(made)


def _source(buckets: int) -> Source:
    """The supplier of the bank: all its rows came in one load, and were known on the day after they happened."""
    rule = KnownOn.parse("event_date + 1 day")
    names = [name.removeprefix("clean.") for name in (EVENTS, OBSERVED)]
    tables = {name: TableMapping(table=name, sql="", known_on=rule, reject_rate=0.0) for name in names}
    return Source(name=SOURCE, zone=ZONE, files={}, tables=tables, layout=Layout(buckets=buckets, period="year"))


def _work(job: Job) -> GroupWork:
    return GroupWork.of(GROUPS[job.width], contracts())
