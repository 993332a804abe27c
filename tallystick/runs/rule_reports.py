"""What studies of rules tell, as tables: a dry run with its problems, a back-test, a subset that is enough.

Apart from ``rule_study`` because these choose what a reader sees.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from tallystick.features.planning import list_bucket_tasks
from tallystick.rules.backtesting import backtest_rules
from tallystick.rules.collecting import CollectedAnswers, collect_answers
from tallystick.rules.rule_answers import (
    CLEAR,
    HELD_MISSING,
    HELD_NOT_COMPUTED,
    HELD_STALE,
    HELD_UNKNOWN,
    HIT,
)
from tallystick.rules.subsets import choose_subset
from tallystick.runs.context import RunContext
from tallystick.runs.progress import working
from tallystick.runs.rule_study import Judge, RuleStudy, study_rules
from tallystick.runs.rule_tables import RuleInputs
from tallystick.runs.run_dates import DateRange
from tallystick.spec.predicates import thresholds
from tallystick.spec.sources import Problem

if TYPE_CHECKING:
    from tallystick.runs.params import ApplyRules
    from tallystick.spec.rule_plans import PlannedRule

_COUNTED = {"hits": HIT, "clear": CLEAR, "held_unknown": HELD_UNKNOWN, "held_stale": HELD_STALE,
            "held_missing": HELD_MISSING, "held_not_computed": HELD_NOT_COMPUTED}  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class BackTest:
    """The table of a back-test, the date up to which fraud was known, and the versions that it rests on."""

    table: pa.Table
    cutoff: date
    versions: dict[str, int]


def dry_run(params: ApplyRules) -> tuple[pa.Table, list[Problem]]:
    """Every rule's answers on what is stored, and what is wrong with its numbers. Nothing is written."""
    context, dates = RunContext.open(params), DateRange(params.first, params.last)
    inputs = RuleInputs.open(context, params.observations, dates=dates)
    with working("rules") as how_far:
        collected = collect_answers(
            list_bucket_tasks(context.source, inputs.pinned.files),
            inputs.work(context, dates),
            storage=inputs.storage(context),
            how_far=how_far,
        )
    rows: list[dict[str, Any]] = []
    for planned, codes in zip(inputs.rules, collected.answers.codes, strict=True):
        counts = {name: int((codes == code).sum()) for name, code in _COUNTED.items()}
        rows.append({"rule": planned.rule.id, "status": planned.rule.status, "decisions": int(codes.size)} | counts)
    return pa.Table.from_pylist(rows), [one for rule in inputs.rules for one in _range_problems(rule, collected)]


def backtest(params: ApplyRules, *, cutoff: date | None = None) -> BackTest:
    """Every rule held against fraud that was confirmed by ``cutoff`` (default: the last load)."""
    study = _study(params, cutoff=cutoff)
    table = backtest_rules(study.collected, study.cases)
    return BackTest(table=table, cutoff=study.cutoff, versions=study.versions)


def subset(params: ApplyRules, *, cutoff: date | None = None) -> tuple[pa.Table, bool]:
    """Which rules are enough, which are dead and which redundant; and whether half of them find 99 % of what all do."""
    study = _study(params, cutoff=cutoff)
    hits = study.collected.answers.codes == HIT
    found = choose_subset(hits, study.cases.is_fraud)
    rows: list[dict[str, Any]] = []
    recall = dict(zip(found.chosen, found.recall, strict=True))
    for word in ("chosen", "left", "redundant", "dead"):
        for number in getattr(found, word):
            rule = study.inputs.rules[number].rule
            rows.append(
                {
                    "rule": rule.id,
                    "family": rule.family,
                    "status": rule.status,
                    "kept_as": word,
                    "recall_of_all_rules": recall.get(number),
                    "hits": int(hits[number].sum()),
                    "frauds_hit": int((hits[number] & study.cases.is_fraud).sum()),
                }
            )
    return pa.Table.from_pylist(rows), found.is_enough


def _study(params: ApplyRules, *, cutoff: date | None) -> RuleStudy:
    context, dates = RunContext.open(params), DateRange(params.first, params.last)
    judge = Judge.find(context, params.observations)
    inputs = RuleInputs.open(context, params.observations, dates=dates, more=judge.columns)
    with working("rules") as how_far:
        return study_rules(context, inputs, judge, dates=dates, cutoff=cutoff, how_far=how_far)


def _range_problems(planned: PlannedRule, collected: CollectedAnswers) -> list[Problem]:
    """Numbers that lie outside of what a column has ever been, unless the rule says why."""
    rule, where, outside = planned.rule, planned.rule.at("when"), []
    for one in thresholds(planned.node):
        if one.column not in collected.ranges:
            continue  # nothing is known of a column without any value
        low, high = collected.ranges[one.column]
        if not low <= one.value <= high:
            outside.append(f"{one.column} was {low:g} to {high:g}, and rule {rule.id} asks about {one.value:g}")
    if outside and not rule.outside:
        fix = "correct the number, or say why: outside: ..."
        return [Problem(where=where, what=what, fix=fix) for what in outside]
    return []
