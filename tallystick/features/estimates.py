"""What computing features will read and take, said before anything is computed.

Reads, memory and time of tasks, and the customers whose rows crowd one task.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tallystick.buckets import BucketTask, Storage
from tallystick.features.compute import GroupWork
from tallystick.features.reading import list_reads
from tallystick.observations import ObservationSpec
from tallystick.spec.data_files import DataFile
from tallystick.spec.tables import TableContract

# Measured from Parquet to Parquet on one core: what an event costs itself and for each feature (docs/performance.md),
# what an observation costs, and computing and writing one value of it (28 snapshots of 2,000 customers with 400,000
# events, 50 and 450 features: 1.3 and 4.0 s).
NANOS_PER_EVENT = 268.0
NANOS_PER_EVENT_AND_FEATURE = 0.92
NANOS_PER_OBSERVATION = 5_000.0
NANOS_PER_VALUE = 115.0

# Bytes of a value in memory: eight and its share of a null mask; a text with its offset, as ids are long.
NUMBER_BYTES = 8.125
TEXT_BYTES = 40.0

# The kernel's own arrays: the order of the rows, the entity's number, and the times as whole numbers.
KERNEL_BYTES_PER_EVENT = 48.0

# A task holds its results three times for a moment: the kernel's, those with keys, and the period being written.
COPIES_OF_RESULTS = 3.0

# A customer is hot from this many times the mean on: then a task takes visibly longer than its rows suggest.
HOT_FACTOR = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Crowd:
    """The customers of the bucket with the most rows, counted by one scan of its ids; no customer is ever named.

    ``customers`` have a row in any table that observations are drawn from. ``hot`` of those in the group's table have
    at least HOT_FACTOR times the mean of its rows, and ``hot_share`` of its rows between them.
    """

    bucket: int
    customers: int
    rows: int
    hot: int
    hot_share: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """What some tasks read and hold.

    ``bytes_read`` are the compressed bytes of the columns read, ``rows_read`` the rows of their files, ``files`` the
    paths. ``memory`` is an estimate for the largest task, in bytes, ``seconds`` one of the time of one core.
    """

    files: frozenset[str]
    rows_read: int
    bytes_read: int
    memory: int
    seconds: float


def sum_costs(costs: Iterable[Cost]) -> Cost:
    """The cost of one after the other: memory is the largest, files are counted once, all else adds up."""
    listed = list(costs)
    return Cost(
        files=frozenset().union(*(cost.files for cost in listed)),
        rows_read=sum(cost.rows_read for cost in listed),
        bytes_read=sum(cost.bytes_read for cost in listed),
        memory=max((cost.memory for cost in listed), default=0),
        seconds=sum(cost.seconds for cost in listed),
    )


def count_crowd(
    task: BucketTask, *, table: str, drawn_from: Iterable[str], storage: Storage, column: str = "customer_id"
) -> Crowd:
    """Count the customers of one bucket: reads one column of the tables that hold them."""
    ids: dict[str, pa.ChunkedArray] = {
        name: storage.read(name, task.files.get(name, ()), [column])[column] for name in sorted({table, *drawn_from})
    }
    seen = pc.unique(pa.chunked_array([chunk for name in drawn_from for chunk in ids[name].chunks], pa.string()))
    counts = ids[table].value_counts().field("counts").to_numpy() if len(ids[table]) else np.zeros(0, dtype=np.int64)
    rows = int(counts.sum())
    hot = counts[counts >= HOT_FACTOR * counts.mean()] if len(counts) else counts
    return Crowd(
        bucket=task.bucket,
        customers=len(seen),
        rows=rows,
        hot=len(hot),
        hot_share=float(hot.sum()) / rows if rows else 0.0,
    )


def largest_task(tasks: Sequence[BucketTask], files: Mapping[str, DataFile]) -> BucketTask | None:
    """The task whose files hold the most rows; None of none."""

    def rows(task: BucketTask) -> int:
        return sum(files[path].rows for paths in task.files.values() for path in paths)

    return max(tasks, key=rows, default=None)


def result_bytes(columns: int) -> float:
    """What one observation takes in a task with so many feature columns: its key and its values."""
    return COPIES_OF_RESULTS * (TEXT_BYTES + NUMBER_BYTES * (columns + 1))


def estimate_task(
    task: BucketTask,
    work: GroupWork,
    *,
    spec: ObservationSpec,
    observations: int,
    contracts: Mapping[str, TableContract],
    look: Callable[[str], DataFile],
) -> Cost:
    """What one task of one group costs that makes at most so many observations.

    ``look`` gives a file by its path, with the bytes of its columns.
    """
    files: set[str] = set()
    rows_read, bytes_read, held = 0, 0, 0.0
    for read in list_reads(task, (work,), spec):
        wide = sum(_width(contracts[read.table], name) for name in read.columns)
        for path in read.paths:
            file = look(path)
            files.add(path)
            rows_read += file.rows
            bytes_read += sum(file.column_bytes.get(name, 0) for name in read.columns)
            held += file.rows * wide
    events = sum(look(path).rows for part in work.parts for path in task.files.get(part.plan.table, ()))
    columns = len(contracts[work.feature_table].columns)
    held += events * KERNEL_BYTES_PER_EVENT + observations * result_bytes(columns)
    nanos = events * (NANOS_PER_EVENT + NANOS_PER_EVENT_AND_FEATURE * columns)
    nanos += observations * (NANOS_PER_OBSERVATION + columns * NANOS_PER_VALUE)
    return Cost(
        files=frozenset(files), rows_read=rows_read, bytes_read=bytes_read, memory=int(held), seconds=nanos / 1e9
    )


def _width(contract: TableContract, name: str) -> float:
    return TEXT_BYTES if contract.column(name).type == "string" else NUMBER_BYTES
