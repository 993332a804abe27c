"""What studies of rules tell, as tables: a dry run with its problems, a back-test, a subset that is enough.

Apart from ``rule_study`` because these choose what a reader sees.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tallystick.rules.backtesting import backtest_rules
from tallystick.rules.rule_answers import (
    CLEAR,
    HELD_MISSING,
    HELD_NOT_COMPUTED,
    HELD_STALE,
    HELD_UNKNOWN,
    HIT,
)
from tallystick.rules.subsets import LEAST_RECALL, MOST_RULES, choose_subset
from tallystick.runs.context import RunContext
from tallystick.runs.progress import working
from tallystick.runs.rule_study import Grounds, Judge, RuleStudy, collect_stored, study_rules
from tallystick.runs.rule_tables import RuleInputs, judging_day
from tallystick.runs.run_dates import DateRange
from tallystick.spec.predicates import thresholds
from tallystick.spec.sources import Problem

if TYPE_CHECKING:
    from tallystick.kernel.nullable import Bools
    from tallystick.runs.params import ApplyRules
    from tallystick.spec.rule_plans import PlannedRule
    from tallystick.spec.rules import Rule

_COUNTED = {"hits": HIT, "clear": CLEAR, "held_unknown": HELD_UNKNOWN, "held_stale": HELD_STALE,
            "held_missing": HELD_MISSING, "held_not_computed": HELD_NOT_COMPUTED}  # fmt: skip
_SIGNS = {"gt": ">", "ge": ">=", "lt": "<", "le": "<=", "eq": "=", "ne": "<>"}
_KEPT = pa.schema(
    {
        "rule": pa.string(),
        "family": pa.string(),
        "status": pa.string(),
        "kept_as": pa.string(),
        "recall_of_all_rules": pa.float64(),
        "hits": pa.int64(),
        "frauds_hit": pa.int64(),
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class DryRun:
    """Every rule's answers, and the numbers in conditions that are worth a look."""

    table: pa.Table
    warnings: list[Problem]


@dataclass(frozen=True, kw_only=True, slots=True)
class BackTest:
    """The table of a back-test, and what it rests on."""

    table: pa.Table
    judged: Grounds


@dataclass(frozen=True, kw_only=True, slots=True)
class EnoughRules:
    """What becomes of each rule in a choice of few, and what the choice rests on.

    ``found`` counts the frauds that all rules find, ``share`` is the part of them that the chosen ones find. It should
    reach ``least`` with at most ``most`` of the rules.
    """

    table: pa.Table
    judged: Grounds
    found: int
    share: float
    least: float = LEAST_RECALL
    most: float = MOST_RULES


def dry_run(params: ApplyRules) -> DryRun:
    """Every rule's answers on what is stored, and what is odd about its numbers. Nothing is written.

    NotFound where there is no observation of the set on these dates.
    """
    context, dates = RunContext.open(params), DateRange(params.first, params.last)
    inputs = RuleInputs.open(context, params.observations, dates=dates, judged_on=judging_day(context))
    with working("rules") as how_far:
        collected = collect_stored(context, inputs, dates=dates, how_far=how_far)
    rows: list[dict[str, Any]] = []
    for planned, codes in zip(inputs.rules, collected.answers.codes, strict=True):
        counts = {name: int((codes == code).sum()) for name, code in _COUNTED.items()}
        rows.append({"rule": planned.rule.id, "status": planned.rule.status, "decisions": int(codes.size)} | counts)
    warnings = [one for rule in inputs.rules for one in range_warnings(rule, collected.ranges)]
    return DryRun(table=pa.Table.from_pylist(rows), warnings=warnings)


def backtest(params: ApplyRules, *, cutoff: date | None = None) -> BackTest:
    """Every rule held against fraud that was confirmed by ``cutoff`` (default: the last load)."""
    study = _study(params, cutoff=cutoff)
    return BackTest(table=backtest_rules(study.collected, study.cases), judged=study.judged)


def subset(params: ApplyRules, *, cutoff: date | None = None) -> EnoughRules:
    """Which rules are enough, which are dead and which redundant.

    Where no rule finds any fraud, nothing can be said of a rule that hits: its ``kept_as`` is ``unknown``.
    """
    study = _study(params, cutoff=cutoff)
    hits = study.collected.answers.codes == HIT
    return enough_rules([one.rule for one in study.inputs.rules], hits, study.cases.is_fraud, judged=study.judged)


def enough_rules(rules: Sequence[Rule], hits: npt.NDArray[np.bool_], fraud: Bools, *, judged: Grounds) -> EnoughRules:
    """The choice among ``rules`` by their ``hits`` (rule by observation)."""
    choice = choose_subset(hits, fraud)
    found = int((hits & fraud).any(axis=0).sum())
    recall = dict(zip(choice.chosen, choice.recall, strict=True))
    rows: list[dict[str, Any]] = []
    for word in ("chosen", "left", "redundant", "dead"):
        for number in getattr(choice, word):
            rule = rules[number]
            rows.append(
                {
                    "rule": rule.id,
                    "family": rule.family,
                    "status": rule.status,
                    "kept_as": word if found or word == "dead" else "unknown",
                    "recall_of_all_rules": recall.get(number),
                    "hits": int(hits[number].sum()),
                    "frauds_hit": int((hits[number] & fraud).sum()),
                }
            )
    table = pa.Table.from_pylist(rows, schema=_KEPT)
    return EnoughRules(table=table, judged=judged, found=found, share=max(choice.recall, default=0.0))


def range_warnings(planned: PlannedRule, ranges: Mapping[str, tuple[float, float]]) -> list[Problem]:
    """Numbers that lie outside of what a column was in the answered observations, unless the rule says why.

    Nothing is said of a column that had no value there. A small bank, or few dates, may simply not have seen them yet.
    """
    rule, warnings = planned.rule, []
    for one in thresholds(planned.node) if not rule.outside else ():
        low, high = ranges.get(one.column, (one.value, one.value))
        if not low <= one.value <= high:
            what = f"rule {rule.id} asks for {one.column} {_SIGNS[one.op]} {one.value:.12g}"
            seen = f"and it was {low:.12g} to {high:.12g} in these observations"
            fix = "correct the number, or say in outside why it may come"
            warnings.append(Problem(where=rule.at("when"), what=f"{what}, {seen}", fix=fix))
    return warnings


def _study(params: ApplyRules, *, cutoff: date | None) -> RuleStudy:
    context, dates = RunContext.open(params), DateRange(params.first, params.last)
    judge = Judge.find(context, params.observations)
    judged_on = judging_day(context, cutoff)
    inputs = RuleInputs.open(context, params.observations, dates=dates, more=judge.columns, judged_on=judged_on)
    with working("rules") as how_far:
        return study_rules(context, inputs, judge, dates=dates, cutoff=cutoff, how_far=how_far)
