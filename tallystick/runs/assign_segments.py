"""Assign customers to the segments in force, month by month, and replace the rows of exactly those months.

Takes a segmentation, a source and optionally the first and last business date. Without dates the months that have
features and no segments yet are assigned, and what is stored stays as the version of its time said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from tallystick.errors import ModelError
from tallystick.how_far import parts_of
from tallystick.model.logged_models import load_local
from tallystick.model.registry import ModelVersion, Registry
from tallystick.observations.dates import business_dates
from tallystick.runs.context import RunContext
from tallystick.runs.input_gate import PinnedTables
from tallystick.runs.progress import progress, working
from tallystick.runs.run_dates import DateRange
from tallystick.runs.segment_tables import (
    list_month_ends,
    no_features,
    open_segmentation,
    pin_source_features,
    read_features,
)
from tallystick.segments import Assignment, assign_rows
from tallystick.segments.assign import Predict
from tallystick.spec.fingerprint import fingerprint
from tallystick.spec.segments import Segmentation
from tallystick.tables import Commit, Slice, arrow_schema, read_arrow, replace_arrow

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from tallystick.runs.params import AssignSegments


def run(params: AssignSegments, session: SparkSession | None = None) -> None:
    """Assign one month after the other, each in a commit of its own. Spark is not needed."""
    context = RunContext.open(params)
    declared = open_segmentation(context, params.segmentation)
    model = _InForce.find(context, declared)
    pinned = pin_source_features(context, declared, first=params.first, last=params.last)
    days = _settle_days(context, declared, list_month_ends(context, declared, pinned), params=params)
    with working("segments") as how_far:
        for day, part in zip(days, parts_of(how_far, [1] * len(days)), strict=True):
            commit = _assign(context, declared, pinned, day=day, model=model)
            progress(f"      {declared.table}: {commit.rows} customers on {day} by {model.version.label}")
            part(1.0)
    if not days:
        progress(f"      {declared.table}: no month lacks its segments, nothing to do")


@dataclass(frozen=True, kw_only=True, slots=True)
class _InForce:
    """The model in force: its version, and the function that says what it makes of a frame."""

    version: ModelVersion
    predict: Predict

    @classmethod
    def find(cls, context: RunContext, declared: Segmentation) -> _InForce:
        """The champion; ModelError when it learned from another source or reads what is declared no more."""
        registry = Registry(context.warehouse.home)
        version = registry.find(declared.name, source=context.source.name)
        gone = [name for name in registry.inputs(version) if name not in declared.columns]
        if gone:
            what = f"{version.label} reads {gone[0]}, which is declared no more"
            raise ModelError(what, where=declared.where_text, fix="run fit_segments")
        return cls(version=version, predict=load_local(str(registry.fetch_model(version))))


def _settle_days(
    context: RunContext, declared: Segmentation, known: Sequence[date], *, params: AssignSegments
) -> list[date]:
    """The dates with features that were asked for; without dates, those of them that have no segments yet.

    NotFound where none of the dates that were asked for has features.
    """
    if params.first or params.last:
        asked = [day for day in known if (params.first or day) <= day <= (params.last or day)]
        if not asked:
            raise no_features(declared, params.first or params.last)
        return asked
    if not context.warehouse.exists(declared.table):
        return list(known)
    held = read_arrow(context.warehouse, declared.table, columns=["as_of"], filter=context.is_ours)
    return sorted(set(known) - set(business_dates(held["as_of"], zone=context.source.zone)))


def _assign(context: RunContext, declared: Segmentation, pinned: PinnedTables, *, day: date, model: _InForce) -> Commit:
    """Make the table hold the segments of one date."""
    contract, source = context.contracts[declared.table], context.source
    taken = ("source", "bucket", "period", "customer_id", "as_of")
    features = read_features(context, declared, pinned, day=day, columns=(*taken, *declared.columns))
    fitted_on = date.fromisoformat(model.version.tags["fitted_on"])
    by = Assignment(model_version=model.version.label, fitted_on=fitted_on, run_id=context.run_id)
    rows = assign_rows(declared, features, model.predict, by=by)
    rows = rows.select([column.name for column in contract.columns]).cast(arrow_schema(contract.columns))
    between = DateRange(day, day).instants(source)
    where = Slice.of_segments(contract.name, source.name, between=between, buckets=source.layout.buckets)
    # One commit a month, so each has an id of its own.
    signed = context.signed(fingerprint(declared), pinned.versions, run_id=f"{context.run_id}/{day}")
    return replace_arrow(context.warehouse, contract, rows, where=where, run=signed)
