"""The feature stage on Spark: one task a bucket, each task writing its own files.

What lives here: the hand-over from Spark to the kernel. What must not: storage (``Storage`` is handed in by the job),
knowledge of any table's meaning.

Spark only distributes bucket numbers and brings descriptors of files back: rows never cross between the JVM and
Python, and no shuffle happens, since all rows of a customer are in one bucket.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from tallystick.errors import DeclarationError
from tallystick.features.compute import GroupWork, compute_local
from tallystick.features.population import (
    OBSERVATION_SCHEMA,
    observe_applications,
    observe_daily,
    observe_given,
    period_names,
)
from tallystick.features.worker import settle_worker
from tallystick.spec.recipes import Applications, Daily

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


class Storage(Protocol):
    """How a task reads and writes; a picklable value that the job hands in."""

    def read(
        self, table: str, paths: Sequence[str], columns: Sequence[str], *, coded: Collection[str] = ()
    ) -> pa.Table:
        """The rows of the files with exactly these columns; no paths give no rows of the right types.

        The texts of the columns ``coded`` may come as Arrow dictionaries.
        """

    def write(self, table: str, partition: Mapping[str, str], rows: pa.Table) -> Any:
        """Store one file and describe it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Observed:
    """Which observations a task makes.

    ``kind`` is ``applications`` (the instants of the applications), ``daily`` (all customers each local midnight) or
    ``given`` (whatever pairs somebody gave, each once).
    ``tables`` maps a clean table to its event_id column: the one of the applications, or all that make a population.
    Given observations stand in files of their own under the one name in ``tables``.
    ``first`` and ``last`` are inclusive business dates and may be None for applications.
    """

    kind: str
    name: str
    tables: Mapping[str, str]
    first: date | None = None
    last: date | None = None

    @classmethod
    def of(
        cls, observations: Applications | Daily, tables: Mapping[str, str], *, first: date | None, last: date | None
    ) -> Observed:
        """The observations as declared, over these tables and dates."""
        kind = "daily" if isinstance(observations, Daily) else "applications"
        return cls(kind=kind, name=observations.name, tables=tables, first=first, last=last)


@dataclass(frozen=True, kw_only=True, slots=True)
class BucketTask:
    """One bucket of one source: its zone, its period rule (``year`` or ``month``) and its files by table.

    ``single_version`` names the clean tables of which no event can have a second version in these files.
    """

    source: str
    bucket: int
    zone: str
    period: str
    files: Mapping[str, tuple[str, ...]]
    single_version: frozenset[str] = frozenset()


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
    for table, descriptor in run_tasks(session, tasks, lambda task: _compute_bucket(task, works, observed, storage)):
        results[table].append(descriptor)
    return results


def run_tasks(session: SparkSession, tasks: Sequence[Any], work: Callable[[Any], list[Any]]) -> list[Any]:
    """Run ``work`` on every task, one Spark task each, and bring the picklable results back in task order."""
    if not tasks:
        return []
    chosen = list(tasks)

    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for number in batch.column(0).to_pylist():
                payload = pickle.dumps(work(chosen[number]))
                settle_worker()
                yield pa.RecordBatch.from_pydict({"number": [number], "result": [payload]})

    numbers = session.range(0, len(chosen), 1, numPartitions=len(chosen))
    # The rows are descriptors of files, a few hundred bytes a task: the driver commits them.
    rows = numbers.mapInArrow(run, "number long, result binary").collect()
    results = {row["number"]: pickle.loads(bytes(row["result"])) for row in rows}
    return [item for number in sorted(results) for item in results[number]]


def observe(task: BucketTask, observed: Observed, storage: Storage) -> pa.Table:
    """The observations of one bucket, sorted by (customer_id, as_of)."""
    needed = ["customer_id", "event_at", "known_on", "is_retracted"]
    if observed.kind == "daily":
        if observed.first is None or observed.last is None:
            raise DeclarationError("daily observations need a first and a last date", fix="say --from and --to")
        # Identifiers are long and all different: they are read only where they tell versions apart.
        ids = {name: "" if name in task.single_version else event_id for name, event_id in observed.tables.items()}
        tables = [
            (event_id, storage.read(name, task.files.get(name, ()), [*needed, *filter(None, [event_id])], coded=needed))
            for name, event_id in ids.items()
        ]
        return observe_daily(tables, zone=task.zone, first=observed.first, last=observed.last)
    table, event_id = next(iter(observed.tables.items()))
    if observed.kind == "given":
        return observe_given(read_table(task, table, OBSERVATION_SCHEMA.names, storage))
    rows = read_table(task, table, [*needed, event_id], storage)
    return observe_applications(rows, event_id=event_id, zone=task.zone, first=observed.first, last=observed.last)


def read_table(task: BucketTask, table: str, columns: Sequence[str], storage: Storage) -> pa.Table:
    """The bucket's rows of a clean table; an empty table where the bucket has no file of it."""
    return storage.read(table, task.files.get(table, ()), columns)


def read_events(task: BucketTask, work: GroupWork, storage: Storage) -> pa.Table:
    """The bucket's rows of the group's table, with the columns that the group needs.

    Texts stay the codes that they are in the file: the kernel works on codes. Not so identifiers, which are all
    different, and keys of lookups, which are compared with other tables' texts.
    """
    columns = work.stored_columns(has_versions=work.plan.table not in task.single_version)
    coded = [] if work.lookups else [name for name in columns if name != work.plan.event_id]
    return storage.read(work.plan.table, task.files.get(work.plan.table, ()), columns, coded=coded)


def _compute_bucket(
    task: BucketTask, works: Sequence[GroupWork], observed: Observed, storage: Storage
) -> list[tuple[str, Any]]:
    observations = observe(task, observed, storage)
    if observations.num_rows == 0:
        return []
    periods = period_names(observations["as_of"], task.zone, task.period)
    written = []
    for work in works:
        has_versions = work.plan.table not in task.single_version
        events = read_events(task, work, storage)
        dimensions = {
            lookup.table: read_table(task, lookup.table, [lookup.on, "known_on", *lookup.columns], storage)
            for lookup in work.lookups
        }
        features = compute_local(
            work, events, observations, dimensions=dimensions, zone=task.zone, has_versions=has_versions
        )
        for period in sorted(set(periods.to_pylist())):
            partition = {
                "observations": observed.name,
                "source": task.source,
                "bucket": str(task.bucket),
                "period": period,
            }
            rows = features.filter(pc.equal(periods, period))
            written.append((work.feature_table, storage.write(work.feature_table, partition, rows)))
    return written
