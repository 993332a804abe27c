"""Hands tasks to Spark's Python workers and brings their results back.

Spark only distributes task numbers and brings small results back: rows never cross between the JVM and Python, and no
shuffle happens. Small work, and work for which there is no session, is done where it is asked for.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from tallystick.buckets.sharing import share_out
from tallystick.buckets.worker import settle_worker, unpack_once
from tallystick.errors import storage_failure
from tallystick.how_far import HowFar, parts_of, untold

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# Less than this is worked through here, in the process that asks. Python workers are processes of their own: until the
# first row they take 3 to 10 CPU s for their start and their imports, in which one core works through as much as this
# (the features of 400,000 clean rows).
HERE_BYTES = 16 * 2**20


def run_tasks(
    session: SparkSession | None,
    tasks: Sequence[Any],
    work: Callable[[Any], list[Any]],
    *,
    sizes: Sequence[int] | None = None,
    how_far: HowFar = untold,
) -> list[Any]:
    """Run ``work`` on every task and bring the picklable results back in task order.

    Tasks are begun in their order. Each is a Spark task of its own; with ``sizes``, bytes by task, neighbours that are
    small share one. Where they are less than HERE_BYTES together, or without a session, Spark is not asked at all.
    ``how_far`` hears the share of tasks that are done, by their sizes where these are known.
    """
    if not tasks:
        return []
    weights = [0] * len(tasks) if sizes is None else sizes
    if session is None or (all(weights) and sum(weights) < HERE_BYTES):
        return _run_here(tasks, work, parts_of(how_far, weights))
    # Not at the top: what computes a bucket alone must not load Spark.
    from pyspark import cloudpickle

    cores = session.sparkContext.defaultParallelism
    shares = [range(n, n + 1) for n in range(len(tasks))] if sizes is None else share_out(sizes, cores=cores)
    how_far(partial(share_done, session, [sum(weights[n] for n in one) for one in shares]))
    handed_over = cloudpickle.dumps((shares, list(tasks), work))

    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        mine, chosen, do = unpack_once(handed_over)
        for batch in batches:
            for share in batch.column(0).to_pylist():
                for number in mine[share]:
                    result = pickle.dumps(_in_our_words(do, chosen[number]))
                    yield pa.RecordBatch.from_pydict({"number": [number], "result": [result]})
        settle_worker()

    numbers = session.range(0, len(shares), 1, numPartitions=len(shares))
    # The rows are descriptors of files, a few hundred bytes a task: the driver commits them.
    rows = numbers.mapInArrow(run, "number long, result binary").collect()
    results = {row["number"]: pickle.loads(bytes(row["result"])) for row in rows}
    return [item for number in sorted(results) for item in results[number]]


def _in_our_words(do: Callable[[Any], list[Any]], task: Any) -> list[Any]:
    """The task's results; Spark's own text for an error that is not ours would not say that it may pass."""
    try:
        return do(task)
    except Exception as error:
        failed = storage_failure(error)
        if failed is None:
            raise
        raise failed from None


def share_done(session: SparkSession, weights: Sequence[int]) -> float:
    """The share that is done of the running stage with so many tasks, by their sizes; 0 where none runs.

    Spark says how many tasks are done, not which. They begin in their order, so these are about the first ones.
    """
    tracker = session.sparkContext.statusTracker()
    for job in tracker.getActiveJobsIds():
        found = tracker.getJobInfo(job)
        for stage in found.stageIds if found else ():
            told = tracker.getStageInfo(stage)
            if told and told.numTasks == len(weights):
                sized = weights if any(weights) else [1] * len(weights)
                return sum(sized[: told.numCompletedTasks]) / sum(sized)
    return 0.0


def _run_here(tasks: Sequence[Any], work: Callable[[Any], list[Any]], told: Sequence[HowFar]) -> list[Any]:
    made = []
    for task, how_far in zip(tasks, told, strict=True):
        made += work(task)
        how_far(1.0)
    return made
