"""The rules stage on Spark: a task answers all rules for the observations of its bucket and writes its own files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from tallystick.buckets import BucketTask, Storage, run_tasks
from tallystick.how_far import HowFar, untold
from tallystick.observations import ObservationSpec
from tallystick.rules.found_rows import decision_rows, flag_rows
from tallystick.rules.gathering import RuleColumns, gather_rows
from tallystick.rules.in_force import answers_in_force
from tallystick.rules.rule_answers import RuleAnswers, RuleRows, answer_rules
from tallystick.rules.table_arrivals import Arrivals
from tallystick.rules.weights import RuleWeights

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from tallystick.spec.rule_plans import PlannedRule

FLAGS, DECISIONS = "score.fraud_flags", "score.fraud_decisions"


@dataclass(frozen=True, kw_only=True, slots=True)
class RuleWork:
    """What every task needs; it travels to the tasks. ``rules`` are those that are answered.

    Without ``weights`` there are no fraud scores.
    """

    rules: tuple[PlannedRule, ...]
    observed: ObservationSpec
    columns: RuleColumns
    arrivals: Arrivals
    zone: str
    weights: RuleWeights | None = None


def apply_buckets(
    session: SparkSession | None,
    tasks: Sequence[BucketTask],
    work: RuleWork,
    *,
    storage: Storage,
    how_far: HowFar = untold,
) -> dict[str, list[Any]]:
    """Answer every rule for every observation of every bucket; returns the written files' descriptors by table."""
    found: dict[str, list[Any]] = {FLAGS: [], DECISIONS: []}
    sizes = [task.size for task in tasks]
    made = run_tasks(session, tasks, lambda task: _apply(task, work, storage), sizes=sizes, how_far=how_far)
    for table, descriptor in made:
        found[table].append(descriptor)
    return found


def answer_bucket(task: BucketTask, work: RuleWork, storage: Storage) -> tuple[RuleRows, RuleAnswers]:
    """The bucket's observations, and every rule's answer for each of them on the date of its decision, whether the rule
    was in force then or not.
    """
    gathered = gather_rows(task, work.observed, work.columns, storage=storage)
    observed = RuleRows(
        rows=gathered.rows, days=gathered.days + work.observed.declared.review_days, computed=gathered.computed
    )
    answers = answer_rules(work.rules, observed, groups=work.columns.groups, arrivals=work.arrivals, zone=work.zone)
    return observed, answers


def _apply(task: BucketTask, work: RuleWork, storage: Storage) -> list[tuple[str, Any]]:
    observed, answers = answer_bucket(task, work, storage)
    if not observed.rows.num_rows:
        return []
    answers = answers_in_force(answers, observed.days - work.observed.declared.review_days)
    made = {
        FLAGS: flag_rows(answers, observed),
        DECISIONS: decision_rows(
            answers, observed, groups=work.columns.groups, arrivals=work.arrivals, weights=work.weights
        ),
    }
    return [
        (table, storage.write(table, {**partition, "observations": work.observed.name}, part))
        for table, rows in made.items()
        for partition, part in _by_period(rows, task)
    ]


def _by_period(rows: pa.Table, task: BucketTask) -> Iterator[tuple[dict[str, str], pa.Table]]:
    """The rows of each period, sorted as their table is, without what the partition says."""
    for period in sorted(pc.unique(rows["period"]).to_pylist()):
        part = rows.filter(pc.equal(rows["period"], period)).drop_columns(["period"])
        ordered = part.sort_by([(name, "ascending") for name in ("customer_id", "as_of", "observation_id")])
        yield {"source": task.source, "bucket": str(task.bucket), "period": period}, ordered
