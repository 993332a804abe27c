"""Hands tasks to Spark's Python workers and brings their results back.

Spark only distributes task numbers and brings small results back: rows never cross between the JVM and Python, and no
shuffle happens.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from tallystick.buckets.sharing import share_out
from tallystick.buckets.worker import settle_worker, unpack_once

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# Less than this is worked through here, in the process that asks. Python workers are processes of their own: until the
# first row they take 3 to 10 CPU s for their start and their imports, in which one core works through as much as this
# (the features of 400,000 clean rows).
HERE_BYTES = 16 * 2**20


def run_tasks(
    session: SparkSession,
    tasks: Sequence[Any],
    work: Callable[[Any], list[Any]],
    *,
    sizes: Sequence[int] | None = None,
) -> list[Any]:
    """Run ``work`` on every task and bring the picklable results back in task order.

    Tasks are begun in their order. Each is a Spark task of its own; with ``sizes``, bytes by task, neighbours that are
    small share one. Where they are less than HERE_BYTES together, Spark is not asked at all.
    """
    if not tasks:
        return []
    if sizes is not None and all(sizes) and sum(sizes) < HERE_BYTES:
        return [item for task in tasks for item in work(task)]
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
