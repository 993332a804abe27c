"""The score stage on Spark: tasks that work bucket by bucket, scoring its applications and writing its own files.

A run hands in the functions that read and write and the loaded model.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from tallystick.buckets import BucketTask, Storage, run_tasks
from tallystick.observations import decided_versions, period_names
from tallystick.training.vectors import KEYS, VectorPlan, assemble_vectors, check_model_dates

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

APPLICATIONS = "clean.applications"
SCORES = "score.applications"

_STORED_KEYS = ("application_id", "customer_id", "event_at", "known_on", "loaded_on", "is_retracted")

Predict = Callable[[pd.DataFrame], pd.DataFrame]


@dataclass(frozen=True, kw_only=True, slots=True)
class ScoreWork:
    """What every task needs; it travels to the tasks.

    ``zone`` is the business time zone of the source. ``load_model`` gives a function from a frame of features to pd,
    score, limit_minor, decision and reasons; it is called inside the task. ``training_table`` holds the applications
    that the model saw. ``low`` and ``high`` bound as_of (low <= as_of < high).
    """

    recipe: str
    vectors: VectorPlan
    zone: str
    load_model: Callable[[], Predict]
    model_version: str
    currency: str
    training_table: str
    low: datetime | None = None
    high: datetime | None = None


def score_buckets(
    session: SparkSession, tasks: Sequence[BucketTask], work: ScoreWork, *, storage: Storage
) -> list[Any]:
    """Score every application of every bucket; returns the written files' descriptors.

    ``tasks`` hold the files of clean.applications, of each feature table and of the training table. ModelError when an
    application has no row in a feature table.
    """
    sizes = [task.size for task in tasks]
    return run_tasks(session, tasks, lambda task: _score_bucket(task, work, storage), sizes=sizes)


def score_applications(
    applications: pa.Table, features: Mapping[str, pa.Table], work: ScoreWork, *, seen: pa.ChunkedArray
) -> pa.Table:
    """Rows of score.applications, one per application, sorted by (source, application_id).

    ``applications`` are rows of clean.applications with source, bucket and period, all versions; ``features`` the rows
    of each group by name; ``seen`` the ids of applications that the model learned from. ModelError when the model reads
    a feature that one of the applications can no longer have.
    """
    vectors = assemble_vectors(work.vectors, applications, features, zone=work.zone)
    check_model_dates(work.vectors, vectors["as_of"], zone=work.zone, model=work.model_version)
    names = [feature.name for feature in work.vectors.features]
    scored = work.load_model()(vectors.select(names).to_pandas())
    reasons = scored["reasons"].tolist()
    rows = vectors.num_rows
    made = {name: vectors[name] for name in KEYS}
    made |= {
        "recipe": pa.array([work.recipe] * rows, pa.string()),
        "pd": pa.array(scored["pd"], pa.float64()),
        "score": pa.array(scored["score"], pa.float64()),
        "limit_minor": pa.array(scored["limit_minor"], pa.int64()),
        "currency": pa.array([work.currency] * rows, pa.string()),
        "decision": pa.array(scored["decision"].tolist(), pa.string()),
        "is_in_training": pc.is_in(vectors["application_id"], value_set=seen.combine_chunks()),
        "model_version": pa.array([work.model_version] * rows, pa.string()),
    }
    for place in range(3):
        texts = [listed[place] if place < len(listed) else None for listed in reasons]
        made[f"reason_{place + 1}"] = pa.array(texts, pa.string())
    return pa.table(made)


def _score_bucket(task: BucketTask, work: ScoreWork, storage: Storage) -> list[Any]:
    def read(table: str, columns: Sequence[str]) -> pa.Table:
        return storage.read(table, task.files.get(table, ()), columns)

    stored = read(APPLICATIONS, [*_STORED_KEYS, *work.vectors.application_columns])
    applications = _place(_in_range(stored, work), task)
    if applications.num_rows == 0:
        return []
    features = {
        group: read(f"feature.{group}", ["observation_id", "as_of", *columns])
        for group, columns in work.vectors.columns.items()
    }
    seen = read(work.training_table, ["application_id"])["application_id"]
    rows = score_applications(applications, features, work, seen=seen)
    written = []
    for period in sorted(pc.unique(rows["period"]).to_pylist()):
        part = rows.filter(pc.equal(rows["period"], period)).drop_columns(["recipe", "source", "bucket", "period"])
        partition = {"recipe": work.recipe, "source": task.source, "bucket": str(task.bucket), "period": period}
        written.append(storage.write(SCORES, partition, part))
    return written


def _in_range(applications: pa.Table, work: ScoreWork) -> pa.Table:
    # Versions first: which one was decided on does not depend on the range.
    rows = decided_versions(applications, "application_id", zone=work.zone)
    kind = rows.schema.field("event_at").type
    if work.low is not None:
        rows = rows.filter(pc.greater_equal(rows["event_at"], pa.scalar(work.low, kind)))
    if work.high is not None:
        rows = rows.filter(pc.less(rows["event_at"], pa.scalar(work.high, kind)))
    return rows


def _place(applications: pa.Table, task: BucketTask) -> pa.Table:
    # Partition columns are not in the files; they follow from the task and the instant.
    count = applications.num_rows
    placed = applications.append_column("source", pa.array([task.source] * count, pa.string()))
    placed = placed.append_column("bucket", pa.array([task.bucket] * count, pa.int32()))
    return placed.append_column("period", period_names(placed["event_at"], task.zone, task.period).cast(pa.string()))
