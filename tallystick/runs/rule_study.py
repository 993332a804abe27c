"""All answers of a set's rules beside confirmed fraud as known on a date: for weights, back-tests and mining.

Apart from the runs that store something, because a study reads, computes in this process, and writes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from tallystick.errors import NotFound
from tallystick.features.planning import find_declared, list_bucket_tasks
from tallystick.how_far import HowFar, untold
from tallystick.rules.collecting import CollectedAnswers, collect_answers
from tallystick.rules.fraud_cases import FraudCases, label_fraud
from tallystick.runs.loaded_nights import loaded_until
from tallystick.spec.expressions import columns_used, parse_number
from tallystick.spec.names import nearest_name
from tallystick.tables.store.queries import read_arrow
from tallystick.tables.store.snapshots import pin

if TYPE_CHECKING:
    from tallystick.runs.context import RunContext
    from tallystick.runs.rule_tables import RuleInputs
    from tallystick.runs.run_dates import DateRange
    from tallystick.spec.expressions import Node
    from tallystick.spec.fraud_labels import FraudLabel


@dataclass(frozen=True, kw_only=True, slots=True)
class Judge:
    """Who says what is fraud in a set: the label, and what is at stake in an observation (None: nothing is counted).

    ``kept`` are columns that come back beside the answers, for whoever looks for new rules.
    """

    label: FraudLabel
    value: Node | None
    kept: tuple[str, ...] = ()

    @classmethod
    def find(cls, context: RunContext, observations: str) -> Judge:
        """The declared label of a set. NotFound for an unknown set, without a label, and where no case is stored."""
        find_declared("observation set", observations, context.project.observations)
        known = context.project.fraud_labels
        if observations not in known:
            what, near = f"nothing says when one of {observations} is fraud", nearest_name(observations, known)
            raise NotFound(what, where="rules/labels.py", fix=f"declare a FraudLabel; {near}")
        label = known[observations]
        if not context.warehouse.exists(label.table):
            fix = "load a source that fills it"
            raise NotFound(f"there is no table {label.table}", where=label.where_text, fix=fix)
        own = context.project.observations[observations].own_columns(context.contracts)
        value = parse_number(label.value, own, where=label.where_text) if label.value else None
        return cls(label=label, value=value)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read beside those of the rules."""
        return (*self.kept, *(columns_used(self.value) if self.value else ()))


@dataclass(frozen=True, kw_only=True, slots=True)
class Grounds:
    """What a verdict about rules rests on: so many of the ``observations`` could be ``judged`` by what was known on
    ``cutoff``, so many of these were ``frauds``, read from tables of these ``versions``.
    """

    observations: int
    judged: int
    frauds: int
    cutoff: date
    versions: Mapping[str, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class RuleStudy:
    """The answers, the fraud cases, and what is to be told of both."""

    inputs: RuleInputs
    collected: CollectedAnswers
    cases: FraudCases
    judged: Grounds


def collect_stored(
    context: RunContext,
    inputs: RuleInputs,
    *,
    dates: DateRange,
    judge: Judge | None = None,
    how_far: HowFar = untold,
) -> CollectedAnswers:
    """The answers of opened ``inputs`` on all that is stored of these dates; NotFound where there is no observation."""
    collected = None
    if tasks := list_bucket_tasks(context.source, inputs.pinned.files):
        collected = collect_answers(
            tasks,
            inputs.work(context, dates),
            storage=inputs.storage(context),
            value=judge.value if judge else None,
            kept=judge.kept if judge else (),
            how_far=how_far,
        )
    if collected is None or not collected.dates.size:
        name, source = inputs.observed.name, context.source.name
        what = f"there is no observation of {name}{dates.words} to answer rules about"
        raise NotFound(
            what, where=f"source {source}", fix=f"name other dates, or tally rules run {name} --source {source}"
        )
    return collected


def study_rules(
    context: RunContext,
    inputs: RuleInputs,
    judge: Judge,
    *,
    dates: DateRange,
    cutoff: date | None = None,
    how_far: HowFar = untold,
) -> RuleStudy:
    """Answer the rules of opened ``inputs`` and label their observations by what was known on ``cutoff``, by default
    the date of the last load. NotFound as ``collect_stored`` says.
    """
    reports = pin(context.warehouse, judge.label.table).where(source=context.source.name)
    known_by = cutoff or loaded_until(context, [*reports.files, *inputs.pinned.all_files]) or date.max
    collected = collect_stored(context, inputs, dates=dates, judge=judge, how_far=how_far)
    rows = read_arrow(context.warehouse, judge.label.table, version=reports.version, filter=context.is_ours)
    cases = label_fraud(
        collected.rows["customer_id"],
        collected.dates,
        rows,
        label=judge.label,
        cutoff=known_by,
        zone=context.source.zone,
    )
    judged = Grounds(
        observations=cases.codes.size,
        judged=int(cases.is_judged.sum()),
        frauds=int(cases.is_fraud.sum()),
        cutoff=known_by,
        versions=inputs.pinned.versions | {judge.label.table: reports.version},
    )
    return RuleStudy(inputs=inputs, collected=collected, cases=cases, judged=judged)
