"""Build the labels of a recipe from what was known at a cut-off date, and replace its set's rows in each label table.

Takes a recipe, a source and optionally the cut-off (default: the source's last load); reads at pinned versions what the
recipe's observations are drawn from and their outcomes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from tallystick.dialect import NotTranslated, QueryStopped
from tallystick.features import list_bucket_tasks
from tallystick.how_far import parts_of
from tallystick.labels import KnownTables, build_few_labels, build_labels, last_load
from tallystick.observations import OBSERVATION_SCHEMA, ObservationSpec, observe_source
from tallystick.runs.context import RunContext
from tallystick.runs.input_gate import PinnedTables, labels_known_by, pin_clean
from tallystick.runs.loaded_nights import newest_night
from tallystick.runs.progress import progress, working
from tallystick.runs.run_dates import DateRange
from tallystick.runs.sessions import session_when_asked
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

Session = Callable[[], "SparkSession"]
Rows = TypeVar("Rows")


def run(params: BuildLabels, session: SparkSession | None = None) -> None:
    """Build and store the recipe's label and those of its variants, for the observations of its set.

    Small tables are labelled in this process; Spark is started for large ones, where there is no ``session`` yet.
    """
    context = RunContext.open(params)
    recipe = context.recipe(params)
    labels = [context.project.labels[name] for name in recipe.labels]
    if params.keep_newer and _are_newer_stored(context, recipe, than=params.cutoff):
        return
    inputs = context.warehouse.at_one_moment(lambda: _pin(context, recipe, labels, cutoff=params.cutoff))
    with session_when_asked(params, session) as spark:
        changes = _build(context, spark, labels, inputs)
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


def _are_newer_stored(context: RunContext, recipe: Recipe, *, than: date | None) -> bool:
    """Whether labels as of a later date are stored; says so. Without a date none are later."""
    stored = labels_known_by(context, recipe, recipe.labels[0])
    if stored is None or than is None or stored <= than:
        return False
    progress(f"      labels of {recipe.observations} are as of {stored}, later than {than}: nothing to do")
    return True


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
    # Without a load the error of ``last_load`` says so.
    loaded = cutoff or last_load(
        (file.bounds for file in (*outcomes.all_files, *drawn_from.all_files)), source=context.source.name
    )
    return _Inputs(
        observation_set=observation_set,
        outcomes=outcomes,
        drawn_from=drawn_from,
        cutoff=cutoff or min(loaded, newest_night(context) or loaded),
    )


def _observe(context: RunContext, session: Session, inputs: _Inputs) -> pa.Table:
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
    with working("observations") as how_far:
        return observe_source(session() if is_large else None, tasks, spec, storage=storage, how_far=how_far)


def _read_observed(context: RunContext, inputs: _Inputs) -> pa.Table:
    (table,) = inputs.drawn_from.tables
    _, end = DateRange(last=inputs.cutoff).instants(context.source)
    is_observed = (pc.field("observations") == inputs.observation_set.name) & (pc.field("as_of") < pa.scalar(end))
    columns = ["source", "bucket", "period", *OBSERVATION_SCHEMA.names]
    wanted, version = context.is_ours & is_observed, inputs.drawn_from.versions[table]
    return read_arrow(context.warehouse, table, columns=columns, version=version, filter=wanted)


def _build(context: RunContext, session: Session, labels: Sequence[Label], inputs: _Inputs) -> list[TableChange]:
    """Build every label and write its rows to files, which no version names yet."""
    observed = _observe(context, session, inputs)
    if max(observed.num_rows, *(one.rows for one in inputs.outcomes.tables.values())) > FEW_ROWS:
        return _build_in_spark(context, session(), labels, inputs, observed=observed)
    tables = {name: _read_rows(context, one) for name, one in inputs.outcomes.tables.items()}
    known = _known(context, inputs, tables)
    try:
        built = [build_few_labels(label, observed, known, observation_set=inputs.observation_set) for label in labels]
    except (NotTranslated, QueryStopped):
        # Spark knows the answer, or says itself on what it stops.
        return _build_in_spark(context, session(), labels, inputs, observed=observed)
    return [_write(context, label, rows=rows, inputs=inputs) for label, rows in zip(labels, built, strict=True)]


def _build_in_spark(
    context: RunContext, session: SparkSession, labels: Sequence[Label], inputs: _Inputs, *, observed: pa.Table
) -> list[TableChange]:
    known = _known(
        context, inputs, {name: _read_frame(context, session, one) for name, one in inputs.outcomes.tables.items()}
    )
    is_large, changes = observed.num_rows > FEW_ROWS, []
    with working(f"labels of {observed.num_rows} observations") as how_far:
        for label, end in zip(labels, parts_of(how_far, [1] * len(labels)), strict=True):
            asked = session.createDataFrame(observed)
            rows = build_labels(label, asked, known, observation_set=inputs.observation_set)
            changes.append(_write(context, label, rows=rows if is_large else rows.toArrow(), inputs=inputs))
            end(1.0)
    return changes


def _known(context: RunContext, inputs: _Inputs, frames: Mapping[str, Rows]) -> KnownTables[Rows]:
    return KnownTables(frames=frames, contracts=context.contracts, cutoff=inputs.cutoff, zone=context.source.zone)


def _read_rows(context: RunContext, pinned: Pinned) -> pa.Table:
    return read_arrow(context.warehouse, pinned.name, version=pinned.version, filter=context.is_ours)


def _read_frame(context: RunContext, session: SparkSession, pinned: Pinned) -> DataFrame:
    if pinned.rows > FEW_ROWS:
        frame = read(session, context.warehouse, pinned.name, version=pinned.version)
        return frame.where(frame["source"] == context.source.name)
    return session.createDataFrame(_read_rows(context, pinned))


def _write(context: RunContext, label: Label, *, rows: DataFrame | pa.Table, inputs: _Inputs) -> TableChange:
    """The set's rows of a label as files, written in this process or, of a frame, by tasks."""
    contract, observations = context.contracts[f"label.{label.name}"], inputs.observation_set.name
    buckets = context.source.layout.buckets
    where = Slice.of_labels(contract.name, context.source.name, observations, buckets=buckets)
    if isinstance(rows, pa.Table):
        files = write_arrow(context.warehouse, contract, rows.cast(arrow_schema(contract.columns)), where=where)
    else:
        files = write_frame(context.warehouse, contract, rows, where=where)
    by = context.signed(fingerprint(label), inputs.versions(label), known_by=inputs.cutoff)
    return TableChange(contract=contract, files=files, where=where, run=by)


def _describe(context: RunContext, table: str, inputs: _Inputs, *, version: int) -> str:
    """How many of the set's rows of a label turned out how, in words."""
    is_stored = context.is_ours & (pc.field("observations") == inputs.observation_set.name)
    columns = ["status", "label"]
    stored = read_arrow(context.warehouse, table, columns=columns, version=version, filter=is_stored)
    counts = Counter({0: "good", 1: "bad"}.get(row["label"], row["status"]) for row in stored.to_pylist())
    return ", ".join(f"{number} {name}" for name, number in sorted(counts.items()))
