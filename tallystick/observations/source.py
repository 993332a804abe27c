"""All observations of one source: for stages that need them beside each other, as labels and training do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from tallystick.buckets import BucketTask, Storage, run_tasks
from tallystick.how_far import HowFar, untold
from tallystick.observations.needs import columns_to_read
from tallystick.observations.population import OBSERVATION_SCHEMA, observe, period_names
from tallystick.observations.specs import ObservationSpec

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# Whose and where an observation is, as feature and label tables hold it.
PLACE_SCHEMA = pa.schema(
    [("source", pa.string()), ("observations", pa.string()), ("bucket", pa.int32()), ("period", pa.string())]
)


def observe_source(
    session: SparkSession | None,
    tasks: Sequence[BucketTask],
    spec: ObservationSpec,
    *,
    storage: Storage,
    how_far: HowFar = untold,
) -> pa.Table:
    """Every observation of the tasks' buckets: PLACE_SCHEMA, OBSERVATION_SCHEMA and the ``columns`` of the spec.

    ``spec.known_by`` bounds what may be known: rows known later are not there, so neither are the observations that
    only they make, and an event counts in the version decided on among the others. Rows stand bucket by bucket in the
    order of the tasks, inside a bucket by (customer_id, as_of, observation_id). With a session each bucket is read by a
    Spark task, without one here, one bucket after the other.
    """

    def work(task: BucketTask) -> list[pa.Table]:
        return [observe_bucket(task, spec, storage)]

    made = run_tasks(session, tasks, work, how_far=how_far)
    if made:
        return pa.concat_tables(made)
    # Without a file nobody knows the types of the other columns.
    unknown = [pa.field(name, pa.null()) for name in spec.columns]
    return pa.schema([*PLACE_SCHEMA, *OBSERVATION_SCHEMA, *unknown]).empty_table()


def observe_bucket(task: BucketTask, spec: ObservationSpec, storage: Storage) -> pa.Table:
    """The observations of one bucket, with their place; what a task of ``observe_source`` does."""
    columns = columns_to_read(spec, task.single_version)

    def read(table: str) -> pa.Table:
        return storage.read(table, task.files.get(table, ()), columns[table])

    made = observe(spec, read, zone=task.zone, single_version=task.single_version)
    count = made.num_rows
    place = [
        pa.repeat(task.source, count),
        pa.repeat(spec.name, count),
        pa.repeat(pa.scalar(task.bucket, pa.int32()), count),
        period_names(made["as_of"], task.zone, task.period),
    ]
    return pa.table([*place, *made.columns], names=[*PLACE_SCHEMA.names, *made.column_names])
