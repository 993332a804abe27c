"""The feature stage on Spark: tasks that work bucket by bucket, each bucket writing its own files.

What lives here: the hand-over from Spark to the kernel. What must not: storage (``Storage`` is handed in by the job),
knowledge of any table's meaning.

Spark only distributes bucket numbers and brings descriptors of files back: rows never cross between the JVM and
Python, and no shuffle happens, since all rows of a customer are in one bucket.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from tallystick.errors import DeclarationError
from tallystick.features.compute import GroupWork, compute_local
from tallystick.features.population import observe_applications, observe_daily, observe_given, period_names
from tallystick.features.reading import BucketReader, event_columns, lookup_columns, population_columns
from tallystick.features.sharing import share_out
from tallystick.features.tasks import BucketTask, Observed, Storage
from tallystick.features.worker import settle_worker, unpack_once

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def compute_buckets(
    session: SparkSession,
    tasks: Sequence[BucketTask],
    works: Sequence[GroupWork],
    *,
    observed: Observed,
    storage: Storage,
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
        lambda task: _compute_bucket(task, works, observed, storage),
        sizes=[task.size for task in ordered],
    )
    for table, descriptor in made:
        results[table].append(descriptor)
    return results


def run_tasks(
    session: SparkSession,
    tasks: Sequence[Any],
    work: Callable[[Any], list[Any]],
    *,
    sizes: Sequence[int] | None = None,
) -> list[Any]:
    """Run ``work`` on every task and bring the picklable results back in task order.

    Tasks are begun in their order. Each is a Spark task of its own; with ``sizes``, bytes by task, neighbours that are
    small share one.
    """
    if not tasks:
        return []
    # Not at the top: what computes a bucket alone must not load Spark.
    from pyspark import cloudpickle

    cores = session.sparkContext.defaultParallelism
    shares = [range(n, n + 1) for n in range(len(tasks))] if sizes is None else share_out(sizes, cores=cores)
    handed_over = cloudpickle.dumps((shares, list(tasks), work))

    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        mine, chosen, do = unpack_once(handed_over)
        for batch in batches:
            for share in batch.column(0).to_pylist():
                for number in mine[share]:
                    result = pickle.dumps(do(chosen[number]))
                    yield pa.RecordBatch.from_pydict({"number": [number], "result": [result]})
        settle_worker()

    numbers = session.range(0, len(shares), 1, numPartitions=len(shares))
    # The rows are descriptors of files, a few hundred bytes a task: the driver commits them.
    rows = numbers.mapInArrow(run, "number long, result binary").collect()
    results = {row["number"]: pickle.loads(bytes(row["result"])) for row in rows}
    return [item for number in sorted(results) for item in results[number]]


def observe(task: BucketTask, observed: Observed, reader: BucketReader) -> pa.Table:
    """The observations of one bucket, sorted by (customer_id, as_of)."""
    columns = population_columns(task, observed)
    if observed.kind == "daily":
        if observed.first is None or observed.last is None:
            raise DeclarationError("daily observations need a first and a last date", fix="say --from and --to")
        ids = {name: event_id if event_id in columns[name] else "" for name, event_id in observed.tables.items()}
        # One table after the other: what only the population reads is given up at once.
        tables = ((event_id, reader.read(name, columns[name])) for name, event_id in ids.items())
        return observe_daily(tables, zone=task.zone, first=observed.first, last=observed.last)
    table, event_id = next(iter(observed.tables.items()))
    rows = reader.read(table, columns[table])
    if observed.kind == "given":
        return observe_given(rows)
    return observe_applications(rows, event_id=event_id, zone=task.zone, first=observed.first, last=observed.last)


def compute_work(task: BucketTask, work: GroupWork, observations: pa.Table, reader: BucketReader) -> pa.Table:
    """One group's features of the bucket's observations."""
    events = reader.read(work.plan.table, event_columns(task, work))
    dimensions = {table: reader.read(table, columns) for table, columns in lookup_columns(work).items()}
    has_versions = work.plan.table not in task.single_version
    return compute_local(work, events, observations, dimensions=dimensions, zone=task.zone, has_versions=has_versions)


def _compute_bucket(
    task: BucketTask, works: Sequence[GroupWork], observed: Observed, storage: Storage
) -> list[tuple[str, Any]]:
    reader = BucketReader(task, works, observed, storage)
    observations = observe(task, observed, reader)
    if observations.num_rows == 0:
        return []
    periods = period_names(observations["as_of"], task.zone, task.period)
    names = sorted(pc.unique(periods).to_pylist())
    written = []
    for work in works:
        features = compute_work(task, work, observations, reader)
        for period in names:
            partition = {
                "observations": observed.name,
                "source": task.source,
                "bucket": str(task.bucket),
                "period": period,
            }
            rows = features if len(names) == 1 else features.filter(pc.equal(periods, period))
            written.append((work.feature_table, storage.write(work.feature_table, partition, rows)))
    return written
