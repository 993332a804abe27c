"""Build the labels of a recipe from what was known at a cut-off date, and replace its set's rows in each label table.

Takes a recipe, a source and optionally the cut-off (default: the source's last load); reads at pinned versions what the
recipe's observations are drawn from and their outcomes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from tallystick.features import list_bucket_tasks
from tallystick.labels import KnownTables, build_labels, last_load
from tallystick.observations import OBSERVATION_SCHEMA, ObservationSpec, observe_source
from tallystick.runs.context import RunContext
from tallystick.runs.input_gate import PinnedTables, pin_clean
from tallystick.runs.progress import progress
from tallystick.runs.run_dates import DateRange
from tallystick.spec.fingerprint import fingerprint
from tallystick.spec.labels import Label
from tallystick.spec.observations import ObservationSet
from tallystick.spec.recipes import Recipe
from tallystick.tables import (
    Pinned,
    Slice,
    TableChange,
    arrow_schema,
    pin,
    publish,
    read,
    read_arrow,
    write_arrow,
    write_frame,
)

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from tallystick.runs.params import BuildLabels

# Tables up to here are read and written by the driver: Spark's own Delta access costs seconds even for one row.
FEW_ROWS = 100_000


def run(params: BuildLabels, session: SparkSession) -> None:
    """Build and store the recipe's label and those of its variants, for the observations of its set."""
    context = RunContext.open(params)
    recipe = context.recipe(params)
    labels = [context.project.labels[name] for name in recipe.labels]
    inputs = context.warehouse.at_one_moment(lambda: _pin(context, recipe, labels, cutoff=params.cutoff))
    changes = _build(context, session, labels, inputs)
    # All at once: a training would else compare labels of two cut-offs, as if they were variants of one another.
    commits = publish(context.warehouse, changes, run=context.signed("", {}))
    for change, commit in zip(changes, commits, strict=True):
        told = _describe(context, change.contract.name, inputs, version=commit.version) or "no observations"
        progress(f"      {change.contract.name} of {recipe.observations} on {inputs.cutoff}: {told}")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Inputs:
    """What labels are built from: the tables of their outcomes, those that observations come from, and the cut-off."""

    observation_set: ObservationSet
    outcomes: PinnedTables
    drawn_from: PinnedTables
    cutoff: date

    def versions(self, label: Label) -> dict[str, int]:
        """The version of every table that a label's rows rest on."""
        return self.drawn_from.versions | {name: self.outcomes.versions[name] for name in label.tables}


def _pin(context: RunContext, recipe: Recipe, labels: Sequence[Label], *, cutoff: date | None) -> _Inputs:
    """Customers by day and given observations depend on the dates or the file of a run: those are labelled for which
    the recipe's first group has features.
    """
    observation_set = context.project.observations[recipe.observations]
    outcomes = pin_clean(context, sorted({name for label in labels for name in label.tables}), all_exist=True)
    if observation_set.is_drawn_whole:
        drawn_from = pin_clean(context, observation_set.tables, all_exist=bool(observation_set.table))
    else:
        owned = {"observations": observation_set.name, "source": context.source.name}
        table = f"feature.{recipe.groups[0]}"
        drawn_from = PinnedTables({table: pin(context.warehouse, table).where(**owned)})
    loads = (file.bounds for file in (*outcomes.all_files, *drawn_from.all_files))
    return _Inputs(
        observation_set=observation_set,
        outcomes=outcomes,
        drawn_from=drawn_from,
        cutoff=cutoff or last_load(loads, source=context.source.name),
    )


def _observe(context: RunContext, session: SparkSession, inputs: _Inputs) -> pa.Table:
    """Every observation of the set up to the cut-off, with ``known_on`` where the set has a table of its own."""
    observation_set, pinned = inputs.observation_set, inputs.drawn_from
    if not observation_set.is_drawn_whole:
        return _read_observed(context, inputs)
    # An event may be dated ahead of the cut-off; a midnight after it has not come.
    spec = ObservationSpec.of(
        observation_set,
        context.contracts,
        last=None if observation_set.by_event else inputs.cutoff,
        known_by=inputs.cutoff,
        columns=["known_on"] if observation_set.table else [],
    )
    tasks = list_bucket_tasks(context.source, pinned.files)
    is_large = any(one.rows > FEW_ROWS for one in pinned.tables.values())
    storage = context.storage(observation_set.tables)
    return observe_source(session if is_large else None, tasks, spec, storage=storage)


def _read_observed(context: RunContext, inputs: _Inputs) -> pa.Table:
    (table,) = inputs.drawn_from.tables
    _, end = DateRange(last=inputs.cutoff).instants(context.source)
    is_observed = (pc.field("observations") == inputs.observation_set.name) & (pc.field("as_of") < pa.scalar(end))
    columns = ["source", "bucket", "period", *OBSERVATION_SCHEMA.names]
    wanted, version = context.is_ours & is_observed, inputs.drawn_from.versions[table]
    return read_arrow(context.warehouse, table, columns=columns, version=version, filter=wanted)


def _known(context: RunContext, session: SparkSession, inputs: _Inputs) -> KnownTables:
    frames = {name: _read_frame(context, session, one) for name, one in inputs.outcomes.tables.items()}
    return KnownTables(frames=frames, contracts=context.contracts, cutoff=inputs.cutoff, zone=context.source.zone)


def _read_frame(context: RunContext, session: SparkSession, pinned: Pinned) -> DataFrame:
    if pinned.rows > FEW_ROWS:
        frame = read(session, context.warehouse, pinned.name, version=pinned.version)
        return frame.where(frame["source"] == context.source.name)
    rows = read_arrow(context.warehouse, pinned.name, version=pinned.version, filter=context.is_ours)
    return session.createDataFrame(rows)


def _build(context: RunContext, session: SparkSession, labels: Sequence[Label], inputs: _Inputs) -> list[TableChange]:
    """Build every label and write its rows to files, which no version names yet."""
    observed, known = _observe(context, session, inputs), _known(context, session, inputs)
    is_large, changes = observed.num_rows > FEW_ROWS, []
    for label in labels:
        rows = build_labels(label, session.createDataFrame(observed), known, observation_set=inputs.observation_set)
        changes.append(_write(context, label, rows=rows, inputs=inputs, is_large=is_large))
    return changes


def _write(context: RunContext, label: Label, *, rows: DataFrame, inputs: _Inputs, is_large: bool) -> TableChange:
    """The set's rows of a label as files, written in this process or by tasks."""
    contract, observations = context.contracts[f"label.{label.name}"], inputs.observation_set.name
    buckets = context.source.layout.buckets
    where = Slice.of_labels(contract.name, context.source.name, observations, buckets=buckets)
    if is_large:
        files = write_frame(context.warehouse, contract, rows, where=where)
    else:
        data = rows.toArrow().cast(arrow_schema(contract.columns))
        files = write_arrow(context.warehouse, contract, data, where=where)
    by = context.signed(fingerprint(label), inputs.versions(label))
    return TableChange(contract=contract, files=files, where=where, run=by)


def _describe(context: RunContext, table: str, inputs: _Inputs, *, version: int) -> str:
    """How many of the set's rows of a label turned out how, in words."""
    is_stored = context.is_ours & (pc.field("observations") == inputs.observation_set.name)
    columns = ["status", "label"]
    stored = read_arrow(context.warehouse, table, columns=columns, version=version, filter=is_stored)
    counts = Counter({0: "good", 1: "bad"}.get(row["label"], row["status"]) for row in stored.to_pylist())
    return ", ".join(f"{number} {name}" for name, number in sorted(counts.items()))
