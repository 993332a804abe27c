"""Answer all anti-fraud rules of an observation set, and replace its flags and decisions of these dates.

Takes an observation set, a source and optionally the first and last business date; reads the set's table and the
stored features at pinned versions. Flags and decisions are seen together or not at all. A rule is asked about the dates
on which it was in force, in the status that it had then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING

from tallystick.features import list_bucket_tasks
from tallystick.rules.rule_stage import DECISIONS, FLAGS, apply_buckets
from tallystick.runs.context import RunContext
from tallystick.runs.loaded_nights import newest_night
from tallystick.runs.progress import progress, working
from tallystick.runs.rule_tables import RuleInputs
from tallystick.runs.run_dates import DateRange
from tallystick.runs.stored_weights import read_weights
from tallystick.spec.data_files import DataFile
from tallystick.spec.fingerprint import fingerprint
from tallystick.tables import Slice, TableChange, ensure_table, publish

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from tallystick.runs.params import ApplyRules


def run(params: ApplyRules, session: SparkSession | None = None) -> None:
    """Answer in one Spark job and publish both tables at once."""
    context, dates = RunContext.open(params), DateRange(params.first, params.last)
    inputs = RuleInputs.open(context, params.observations, dates=dates)
    with working("rules") as how_far:
        files = apply_buckets(
            session,
            list_bucket_tasks(context.source, inputs.pinned.files),
            inputs.work(context, dates, weights=read_weights(context, params.observations)),
            storage=inputs.storage(context, (FLAGS, DECISIONS)),
            how_far=how_far,
        )
    changes = _list_changes(context, inputs, files, dates=dates)
    signed = context.signed(fingerprint([one.rule for one in inputs.rules]), inputs.pinned.versions)
    flags, decisions = publish(context.warehouse, changes, run=signed)
    told = f"{flags.rows} hits of {_count_rules(context, inputs, dates)} on {decisions.rows} observations"
    progress(f"      {FLAGS} of {inputs.observed.name}: {told}")


def _count_rules(context: RunContext, inputs: RuleInputs, dates: DateRange) -> str:
    """How many rules were in force on some of the dates, and how many were not, if any."""
    first, last = dates.first or date.min, dates.last or newest_night(context) or date.max
    asked = sum(any(span.overlaps(first, last) for span in one.rule.asked_spans) for one in inputs.rules)
    others = len(inputs.rules) - asked
    return f"{asked} rules ({others} not in force then)" if others else f"{asked} rules"


def _list_changes(
    context: RunContext, inputs: RuleInputs, files: Mapping[str, Sequence[DataFile]], *, dates: DateRange
) -> list[TableChange]:
    """Both tables with the files that these dates are to hold."""
    source, changes = context.source, []
    for table, written in files.items():
        contract = context.contracts[table]
        where = Slice.of_flags(
            table,
            source.name,
            inputs.observed.name,
            between=dates.instants(source),
            buckets=source.layout.buckets,
        )
        ensure_table(context.warehouse, contract)
        changes.append(TableChange(contract=contract, files=written, where=where))
    return changes
