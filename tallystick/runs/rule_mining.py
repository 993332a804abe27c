"""Rules proposed from stored features and confirmed fraud, as the text of a family that a person may take over.

Apart from ``rule_reports`` because it reads every permitted feature of the set, not those of its rules alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from hashlib import sha256
from typing import TYPE_CHECKING

import pyarrow as pa

from tallystick.project.rule_checks import columns_of, plan_set
from tallystick.rules.mining import MinedRule, mine_rules
from tallystick.rules.rule_answers import HIT
from tallystick.runs.context import RunContext
from tallystick.runs.progress import working
from tallystick.runs.rule_study import Grounds, Judge, study_rules
from tallystick.runs.rule_tables import RuleInputs, judging_day
from tallystick.runs.run_dates import DateRange
from tallystick.spec.expressions import parse_condition
from tallystick.spec.predicates import same_text
from tallystick.tables.store.snapshots import pin

if TYPE_CHECKING:
    from tallystick.project import Project
    from tallystick.runs.params import ApplyRules

FAMILY = "mined"


@dataclass(frozen=True, kw_only=True, slots=True)
class Proposals:
    """The text of a file of rules, how many it holds (an empty text for none), and what the search rests on."""

    text: str
    number: int
    judged: Grounds


def propose_rules(params: ApplyRules, *, cutoff: date | None = None, family: str = FAMILY) -> Proposals:
    """Rules of a new ``family`` in shadow, each with what it found.

    Only features that are permitted for fraud review and stored for the set are looked at.
    """
    context, dates = RunContext.open(params), DateRange(params.first, params.last)
    judge = replace(Judge.find(context, params.observations), kept=_list_columns(context, params.observations))
    judged_on = judging_day(context, cutoff)
    inputs = RuleInputs.open(context, params.observations, dates=dates, more=judge.columns, judged_on=judged_on)
    with working("rules") as how_far:
        study = study_rules(context, inputs, judge, dates=dates, cutoff=cutoff, how_far=how_far)
    judged = study.cases.is_judged
    rows = study.collected.rows.filter(pa.array(judged))
    values = {name: rows[name].cast(pa.float64()).to_numpy() for name in judge.kept}
    known = list((study.collected.answers.codes == HIT)[:, judged])
    found = mine_rules(values, study.cases.is_fraud[judged], study.collected.dates[judged], known=known)
    found = leave_declared(found, context.project, params.observations)
    new = NewFamily(family=family, observations=params.observations, since=study.judged.cutoff)
    return Proposals(text=family_text(found, new), number=len(found), judged=study.judged)


def leave_declared(found: Sequence[MinedRule], project: Project, observations: str) -> list[MinedRule]:
    """The proposals that no declared rule of the set asks already, not even one that is retired."""
    columns = columns_of(project, observations)
    known = {one.predicate for one in plan_set(project, observations, columns=columns)}
    types = columns.types
    return [one for one in found if same_text(parse_condition(one.when, types)) not in known]


def _list_columns(context: RunContext, observations: str) -> tuple[str, ...]:
    """The numbers that a rule of the set may read and that are stored for it."""
    columns, stored = columns_of(context.project, observations), set()
    for group in {group.name for group, _ in columns.features.values()}:
        table = f"feature.{group}"
        if context.warehouse.exists(table):
            pinned = pin(context.warehouse, table).where(observations=observations, source=context.source.name)
            stored |= {group} if pinned.files else set()
    known = [name for name in columns.features if columns.group_of(name) in stored]
    own = [name for name, kind in columns.own.items() if kind in ("int32", "int64", "double")]
    return tuple(name for name in (*own, *known) if not columns.refusal_of(name, use="fraud review"))


@dataclass(frozen=True, kw_only=True, slots=True)
class NewFamily:
    """Of which set the rules are, and since when they are in shadow."""

    family: str
    observations: str
    since: date

    def id_of(self, one: MinedRule) -> str:
        """The id of a rule: nine digits that come from the set and the condition, whatever is declared beside it.

        So an id always means one condition, also where a person deleted the rule and a later search finds it again.
        """
        told = " AND ".join((self.observations, *sorted(part.text for part in one.conditions)))
        return f"MIN{int.from_bytes(sha256(told.encode()).digest()[:8], 'big') % 10**9:09d}"


def family_text(found: Sequence[MinedRule], new: NewFamily) -> str:
    """The file of a family with these rules; empty without any."""
    title = "title: Proposed by a search; nobody has approved them"
    lines = [f"family: {new.family}", title, f"observations: {new.observations}", "owner: fraud-risk", "", "rules:"]
    for one in found:
        early, later = f"{one.frauds} frauds of {one.hits} hits", f"{one.later_frauds} of {one.later_hits} later"
        lines += [
            f"  # {early} where it was searched for, {later}; {100 * one.chance:.2g} % of such are false.",
            f"  - id: {new.id_of(one)}",
            f"    title: {one.when}",
            f"    when: {one.when}",
            "    severity: low",
            "    internal: Found by a search, so nobody knows yet what a person could be told.",
            "    status: shadow",
            f"    since: {new.since}",
        ]
    return "\n".join(lines) + "\n" if found else ""
