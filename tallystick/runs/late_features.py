"""Which stored features have not seen rows that were loaded after they were computed, though those count on their day.

Apart from ``input_gate``, which refuses values of another definition: values are late because of what came, not because
of what is declared. Decisions (rules, scores) and training ask here; a backfill judges days by the same ledger.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

from tallystick.errors import ContractError
from tallystick.features.ledger import Definition, Inputs
from tallystick.runs.progress import progress
from tallystick.runs.run_dates import ALWAYS, DateRange
from tallystick.tables.store.changes import ChangeLog

if TYPE_CHECKING:
    from tallystick.runs.context import RunContext
    from tallystick.runs.input_gate import FeatureReader


def late_days(context: RunContext, reader: FeatureReader, *, dates: DateRange = ALWAYS) -> Mapping[str, list[date]]:
    """By group, the days of ``dates`` whose stored values rows that came later would change; groups without one are
    left out.

    A row counts on a day once it is known (for a set with review days: by then). A new observation of such a day
    changes nothing for those that are stored, so it makes no day late. Values of a graph are late from the first of its
    snapshots on that lacks rows of the tables beneath it, also before it is built again.
    """
    observed = context.project.observations[reader.observations]
    changes = ChangeLog(context.warehouse, context.source.name)
    ledger = context.ledger(reader.observations)
    lacking = _lacking(context, reader)
    found = {}
    for name in reader.groups:
        group = context.project.feature_groups[name]
        definition = Definition.of(group, context.contracts, observations=observed)
        inputs = replace(Inputs.of(group, observed, zone=context.source.zone), by_event=frozenset())
        days = [day for day in ledger.read(name)["as_of_date"].to_pylist() if dates.holds(day)]
        states = ledger.judge(definition, days, inputs=inputs, changes=changes)
        begin = min((lacking[table] for table in group.reads if table in lacking), default=date.max)
        late = [state.day for state in states if state.is_late or state.day >= begin]
        if late:
            found[name] = late
    return found


def _lacking(context: RunContext, reader: FeatureReader) -> dict[str, date]:
    """By graph, or pairs of one, that the groups read: the date from which on its rows would be others now."""
    read = {table for name in reader.groups for table in context.project.feature_groups[name].reads}
    if not any(table.startswith("graph.") for table in read):
        return {}
    # Not at the top: most runs read no graph.
    from tallystick.runs.graph_needs import lacking_from

    return lacking_from(context, read)


def refuse_late(context: RunContext, reader: FeatureReader, *, dates: DateRange) -> None:
    """ContractError where a day of ``dates`` is late in a group: what is decided would rest on old rows."""
    for group, days in late_days(context, reader, dates=dates).items():
        first, last = min(days), max(days)
        told = f"{first}" if first == last else f"{len(days)} days between {first} and {last}"
        what = f"rows were loaded that the features of {told} have not seen"
        where = f"feature.{group}, {reader.observations} of {context.source.name}"
        raise ContractError(what, where=where, fix=_backfill(context, reader, group=group, days=days))


def tell_late(
    context: RunContext, reader: FeatureReader, *, dates: DateRange = ALWAYS, effect: str
) -> Mapping[str, list[date]]:
    """The late days (``late_days``), each group told in a line: what follows from it, and the command that ends it."""
    found = late_days(context, reader, dates=dates)
    for group, days in found.items():
        told = f"features of {len(days)} days have not seen rows that were loaded since: {effect}"
        progress(f"      feature.{group}: {told}; {_backfill(context, reader, group=group, days=days)}")
    return found


def _backfill(context: RunContext, reader: FeatureReader, *, group: str, days: Sequence[date]) -> str:
    return (
        f"tally features backfill {group} --source {context.source.name} --observations {reader.observations} "
        f"--from {min(days)} --to {max(days)}"
    )
