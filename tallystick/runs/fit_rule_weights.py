"""Fit the weight of evidence of every rule of an observation set on fraud that was confirmed by a date.

Takes an observation set, a source and optionally the cut-off and the first and last business date. The weights replace
those fitted before; the next run of apply_rules scores with them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tallystick.rules.weighing import fit_weights
from tallystick.runs.context import RunContext
from tallystick.runs.progress import progress, working
from tallystick.runs.rule_study import Judge, RuleStudy, study_rules
from tallystick.runs.rule_tables import RuleInputs, judging_day
from tallystick.runs.run_dates import DateRange
from tallystick.runs.stored_weights import WEIGHTS, weight_rows
from tallystick.spec.fingerprint import fingerprint
from tallystick.tables import Commit, Slice, replace_arrow

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from tallystick.runs.params import FitRuleWeights


def run(params: FitRuleWeights, session: SparkSession | None = None) -> None:
    """Fit and store. Spark is not needed."""
    context, dates = RunContext.open(params), DateRange(params.first, params.last)
    judge = Judge.find(context, params.observations)
    judged_on = judging_day(context, params.cutoff)
    inputs = RuleInputs.open(context, params.observations, dates=dates, more=judge.columns, judged_on=judged_on)
    with working("rules") as how_far:
        study = study_rules(context, inputs, judge, dates=dates, cutoff=params.cutoff, how_far=how_far)
    commit = _store(context, study)
    frauds = study.judged.frauds
    told = f"{commit.rows} rules weighed on {frauds} fraud{'s' * (frauds != 1)} known by {study.judged.cutoff}"
    progress(f"      {WEIGHTS} of {params.observations}: {told}")


def _store(context: RunContext, study: RuleStudy) -> Commit:
    observations, source = study.inputs.observed.name, context.source.name
    fitted = fit_weights(study.collected, study.cases)
    rows = weight_rows(context, fitted, observations=observations, fitted_on=study.judged.cutoff)
    where = Slice.of_partition(WEIGHTS, {"source": source, "observations": observations})
    by = context.signed(fingerprint([one.rule for one in study.inputs.rules]), study.judged.versions)
    return replace_arrow(context.warehouse, context.contracts[WEIGHTS], rows, where=where, run=by)
