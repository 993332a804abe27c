"""All answers of a set beside each other, for whoever judges rules: nothing is written.

Apart from the stage that writes: here a bucket's answers come back, a byte for each rule and observation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tallystick.buckets import BucketTask, Storage, run_tasks
from tallystick.how_far import HowFar, untold
from tallystick.kernel.nullable import Ints
from tallystick.kernel.row_values import evaluate_expression
from tallystick.rules.rule_answers import RuleAnswers, RuleRows
from tallystick.rules.rule_stage import RuleWork, answer_bucket
from tallystick.spec.expressions import Node

_KEPT = ("observation_id", "customer_id", "as_of")


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class CollectedAnswers:
    """Every rule's answer for every observation of a source.

    ``rows`` has the observations, and the columns that were asked for, null where they hold rules; ``dates`` the local
    dates of as_of and ``decided`` those of the decisions, as days since 1970-01-01; ``values`` what is at stake (0
    where it is not known); ``ranges`` the least and the greatest value of each number that rules read, if there is any.
    """

    answers: RuleAnswers
    rows: pa.Table
    dates: Ints
    decided: Ints
    values: npt.NDArray[np.float64]
    ranges: Mapping[str, tuple[float, float]]


def collect_answers(
    tasks: Sequence[BucketTask],
    work: RuleWork,
    *,
    storage: Storage,
    value: Node | None = None,
    kept: Sequence[str] = (),
    how_far: HowFar = untold,
) -> CollectedAnswers:
    """Answer all rules here, one bucket after the other; ``kept`` are columns that come back with the observations."""

    def collect(task: BucketTask) -> list[CollectedAnswers]:
        observed, answers = answer_bucket(task, work, storage)
        return [_collected(observed, answers, work, value=value, kept=kept)]

    made: list[CollectedAnswers] = run_tasks(None, tasks, collect, sizes=[task.size for task in tasks], how_far=how_far)
    parts = [part for part in made if part.rows.num_rows] or made[:1]
    ranges: dict[str, tuple[float, float]] = {}
    for part in parts:
        for name, (low, high) in part.ranges.items():
            known = ranges.get(name, (low, high))
            ranges[name] = (min(low, known[0]), max(high, known[1]))
    codes = np.concatenate([part.answers.codes for part in parts], axis=1)
    return CollectedAnswers(
        answers=RuleAnswers(rules=work.rules, codes=codes),
        rows=pa.concat_tables([part.rows for part in parts]),
        dates=np.concatenate([part.dates for part in parts]),
        decided=np.concatenate([part.decided for part in parts]),
        values=np.concatenate([part.values for part in parts]),
        ranges=ranges,
    )


def _collected(
    observed: RuleRows, answers: RuleAnswers, work: RuleWork, *, value: Node | None, kept: Sequence[str]
) -> CollectedAnswers:
    rows = observed.rows
    values = np.zeros(rows.num_rows)
    if value is not None:
        found = evaluate_expression(value, rows, zone=work.zone).cast(pa.float64())
        values = pc.fill_null(found, 0.0).to_numpy(zero_copy_only=False)
    return CollectedAnswers(
        answers=answers,
        rows=known_columns(observed, (*_KEPT, *kept), groups=work.columns.groups),
        dates=observed.days - work.observed.declared.review_days,
        decided=observed.days,
        values=values,
        ranges=dict(_ranges(rows, answers)),
    )


def known_columns(observed: RuleRows, names: Sequence[str], *, groups: Mapping[str, tuple[str, ...]]) -> pa.Table:
    """These columns, null where rules that read them are held because their group was not computed for the row."""
    rows = observed.rows.select(list(names))
    for group, is_computed in observed.computed.items():
        for name in set(groups.get(group, ())) & set(names):
            place, column = names.index(name), rows[name]
            known = pc.if_else(pa.array(is_computed), column, pa.scalar(None, column.type))
            rows = rows.set_column(place, name, known)
    return rows


def _ranges(rows: pa.Table, answers: RuleAnswers) -> dict[str, tuple[float, float]]:
    found = {}
    for name in sorted({name for planned in answers.rules for name in planned.columns}):
        column = rows[name]
        if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
            edges = pc.min_max(column).as_py()
            if edges["min"] is not None:
                found[name] = (float(edges["min"]), float(edges["max"]))
    return found
