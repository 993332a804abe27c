"""The score stage on Spark: tasks that work bucket by bucket, scoring its observations and writing their own files.

Which observations there are follows from their set, as in training (``training.observed``); reading, writing and
loading the model are handed in by the run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from tallystick.buckets import BucketTask, Storage, run_tasks
from tallystick.how_far import HowFar, untold
from tallystick.observations import OBSERVATION_SCHEMA, ObservationSpec, observe_bucket, period_names
from tallystick.training.observed import attach_own_columns, date_span
from tallystick.training.vectors import KEYS, VectorPlan, assemble_vectors, check_model_dates

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

Predict = Callable[[pd.DataFrame], pd.DataFrame]

_UNIT = ["observation_id", "as_of"]

# What a model without a policy does not say.
_BY_POLICY = {"limit_minor": pa.int64(), "currency": pa.string(), "decision": pa.string()}


@dataclass(frozen=True, kw_only=True, slots=True)
class ScoreWork:
    """What every task needs; it travels to the tasks.

    ``observed`` is what ``training.observed.score_spec`` gives; ``table`` is the score table.
    ``zone`` is the business time zone of the source. ``load_model`` gives a function from a frame of features to pd,
    score, reasons and, for a model with a policy, limit_minor and decision; it is called inside the task. ``currency``
    is the policy's, empty without one. ``training_table`` holds the observations that the model saw; ``seen_by`` is
    what tells them with as_of: the customer where the set is not the one that the model learned from. ``low`` and
    ``high`` bound as_of (low <= as_of < high). Events that became known after ``known_by`` are scored only where all
    feature tables have their row: they belong to a later run, which may have done them; None leaves out nothing.
    """

    recipe: str
    observed: ObservationSpec | None
    vectors: VectorPlan
    zone: str
    load_model: Callable[[], Predict]
    model_version: str
    currency: str
    training_table: str
    table: str
    seen_by: str = "observation_id"
    low: datetime | None = None
    high: datetime | None = None
    known_by: date | None = None


def score_buckets(
    session: SparkSession,
    tasks: Sequence[BucketTask],
    work: ScoreWork,
    *,
    storage: Storage,
    how_far: HowFar = untold,
) -> list[Any]:
    """Score every observation of every bucket; returns the written files' descriptors.

    ``tasks`` hold the files of the set's own table where it is needed (``training.observed.needs_own_table``), of each
    feature table and of the training table. ModelError when an observation has no row in a feature table.
    """
    sizes = [task.size for task in tasks]
    return run_tasks(session, tasks, lambda task: _score_bucket(task, work, storage), sizes=sizes, how_far=how_far)


def score_observations(
    observations: pa.Table, features: Mapping[str, pa.Table], work: ScoreWork, *, seen: pa.Table
) -> pa.Table:
    """Rows of the score table, one per observation, sorted by (source, observation_id, as_of).

    ``observations`` has KEYS and the own columns, ``features`` the rows of each group by name, ``seen`` the column
    ``work.seen_by`` and as_of of what the model learned from. ModelError when the model reads a feature that one of the
    observations can no longer have. Without a policy limit, currency and decision are null.
    """
    vectors = assemble_vectors(work.vectors, observations, features)
    check_model_dates(work.vectors, vectors["as_of"], zone=work.zone, model=work.model_version)
    names = [feature.name for feature in work.vectors.features]
    scored = work.load_model()(vectors.select(names).to_pandas())
    rows = vectors.num_rows
    made = {name: vectors[name] for name in KEYS}
    made |= {
        "recipe": pa.repeat(work.recipe, rows),
        "pd": pa.array(scored["pd"], pa.float64()),
        "score": pa.array(scored["score"], pa.float64()),
        "is_in_training": _are_seen(vectors, seen, work.seen_by),
        "model_version": pa.repeat(work.model_version, rows),
    }
    decided = scored.assign(currency=work.currency) if work.currency else pd.DataFrame(index=scored.index)
    for name, kind in _BY_POLICY.items():
        made[name] = pa.array(decided[name].tolist(), kind) if name in decided else pa.nulls(rows, kind)
    reasons = scored["reasons"].tolist()
    for place in range(3):
        texts = [listed[place] if place < len(listed) else None for listed in reasons]
        made[f"reason_{place + 1}"] = pa.array(texts, pa.string())
    return pa.table(made)


def _score_bucket(task: BucketTask, work: ScoreWork, storage: Storage) -> list[Any]:
    def read(table: str, columns: Sequence[str]) -> pa.Table:
        return storage.read(table, task.files.get(table, ()), columns)

    observations = _gather(task, work, storage)
    if observations.num_rows == 0:
        return []
    features = {
        group: read(f"feature.{group}", ["observation_id", "as_of", *columns])
        for group, columns in work.vectors.columns.items()
    }
    observations = _computed(observations, features.values(), work)
    if observations.num_rows == 0:
        return []
    seen = read(work.training_table, [work.seen_by, "as_of"])
    rows = score_observations(observations, features, work, seen=seen)
    written = []
    for period in sorted(pc.unique(rows["period"]).to_pylist()):
        part = rows.filter(pc.equal(rows["period"], period)).drop_columns(["recipe", "source", "bucket", "period"])
        partition = {"recipe": work.recipe, "source": task.source, "bucket": str(task.bucket), "period": period}
        written.append(storage.write(work.table, partition, part))
    return written


def _gather(task: BucketTask, work: ScoreWork, storage: Storage) -> pa.Table:
    """KEYS and own columns of the bucket's observations within the run's dates; see ``training.observed``."""
    spec, plan = work.observed, work.vectors
    if spec is not None and plan.observed.by_event:
        return observe_bucket(task, spec, storage)
    table = f"feature.{next(iter(plan.columns))}"
    stored = _in_range(storage.read(table, task.files.get(table, ()), OBSERVATION_SCHEMA.names), work)
    stored = _place(stored, task)
    if spec is None or not stored.num_rows:
        return stored
    first, last = date_span(stored["as_of"], work.zone)
    drawn = observe_bucket(task, replace(spec, first=first, last=last), storage)
    return attach_own_columns(stored, drawn, plan)


def _computed(observations: pa.Table, features: Iterable[pa.Table], work: ScoreWork) -> pa.Table:
    """The observations without those that became known after ``work.known_by`` and lack a feature row."""
    if work.known_by is None or not work.vectors.observed.by_event:
        return observations
    is_late = pc.greater(observations["known_on"], pa.scalar(work.known_by, pa.date32()))
    in_time, late = observations.filter(pc.invert(is_late)), observations.filter(is_late)
    for rows in features:
        late = late.join(rows.select(_UNIT), keys=_UNIT, join_type="left semi")
    return pa.concat_tables([in_time, late.select(in_time.column_names).cast(in_time.schema)])


def _are_seen(vectors: pa.Table, seen: pa.Table, key: str) -> pa.Array:
    """Whether the model learned from each of the vectors, which another ``as_of`` of the same thing does not say."""
    learned = pd.MultiIndex.from_frame(seen.select([key, "as_of"]).to_pandas())
    asked = pd.MultiIndex.from_frame(vectors.select([key, "as_of"]).to_pandas())
    return pa.array(asked.isin(learned))


def _in_range(rows: pa.Table, work: ScoreWork) -> pa.Table:
    kind = rows.schema.field("as_of").type
    if work.low is not None:
        rows = rows.filter(pc.greater_equal(rows["as_of"], pa.scalar(work.low, kind)))
    if work.high is not None:
        rows = rows.filter(pc.less(rows["as_of"], pa.scalar(work.high, kind)))
    return rows


def _place(rows: pa.Table, task: BucketTask) -> pa.Table:
    # Partition columns are not in the files; they follow from the task and the instant.
    placed = rows.append_column("source", pa.repeat(task.source, rows.num_rows))
    placed = placed.append_column("bucket", pa.repeat(pa.scalar(task.bucket, pa.int32()), rows.num_rows))
    return placed.append_column("period", period_names(placed["as_of"], task.zone, task.period).cast(pa.string()))
