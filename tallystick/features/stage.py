"""The feature stage on Spark: tasks that work bucket by bucket, each bucket writing its own files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from tallystick.buckets import BucketTask, Storage, run_tasks
from tallystick.features.compute import GroupWork, compute_local
from tallystick.features.reading import BucketReader, event_columns, other_columns
from tallystick.how_far import HowFar, untold
from tallystick.observations import ObservationSpec, columns_to_read, observe, period_names

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def compute_buckets(
    session: SparkSession,
    tasks: Sequence[BucketTask],
    works: Sequence[GroupWork],
    *,
    spec: ObservationSpec,
    storage: Storage,
    how_far: HowFar = untold,
) -> dict[str, list[Any]]:
    """Compute every group for every bucket; returns the written files' descriptors by feature table.

    Every group writes exactly the same observations. The files are not part of any table until the job commits them.
    """
    results: dict[str, list[Any]] = {work.feature_table: [] for work in works}
    # The largest first: begun last, a bucket with a huge customer would keep all cores but one waiting.
    ordered = sorted(tasks, key=lambda task: (-task.size, task.bucket))
    made = run_tasks(
        session,
        ordered,
        lambda task: _compute_bucket(task, works, spec, storage),
        sizes=[task.size for task in ordered],
        how_far=how_far,
    )
    for table, descriptor in made:
        results[table].append(descriptor)
    return results


def observe_task(task: BucketTask, spec: ObservationSpec, reader: BucketReader) -> pa.Table:
    """The observations of one bucket, sorted by (customer_id, as_of, observation_id)."""
    columns = columns_to_read(spec, task.single_version)
    return observe(
        spec,
        lambda table: reader.read(table, columns[table]),
        zone=task.zone,
        single_version=task.single_version,
    )


def compute_work(task: BucketTask, work: GroupWork, observations: pa.Table, reader: BucketReader) -> pa.Table:
    """One group's features of the bucket's observations."""
    return work.joined([_compute_part(task, part, observations, reader) for part in work.parts], zone=task.zone)


def _compute_part(task: BucketTask, work: GroupWork, observations: pa.Table, reader: BucketReader) -> pa.Table:
    """The features that one group has of its own table."""
    events = reader.read(work.plan.table, event_columns(task, work))
    dimensions = {table: reader.read(table, columns) for table, columns in other_columns(work).items()}
    has_versions = work.has_versions(task.single_version)
    return compute_local(work, events, observations, dimensions=dimensions, zone=task.zone, has_versions=has_versions)


def _compute_bucket(
    task: BucketTask, works: Sequence[GroupWork], spec: ObservationSpec, storage: Storage
) -> list[tuple[str, Any]]:
    reader = BucketReader(task, works, spec, storage)
    observations = observe_task(task, spec, reader)
    if observations.num_rows == 0:
        return []
    periods = period_names(observations["as_of"], task.zone, task.period)
    names = sorted(pc.unique(periods).to_pylist())
    written = []
    for work in works:
        features = compute_work(task, work, observations, reader)
        for period in names:
            partition = {
                "observations": spec.name,
                "source": task.source,
                "bucket": str(task.bucket),
                "period": period,
            }
            rows = features if len(names) == 1 else features.filter(pc.equal(periods, period))
            written.append((work.feature_table, storage.write(work.feature_table, partition, rows)))
    return written
