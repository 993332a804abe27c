"""The features that segments are made of, for the runs that fit and assign them: opened, pinned and read alike."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc

from tallystick.errors import NotFound
from tallystick.features.planning import find_declared
from tallystick.observations.dates import business_dates
from tallystick.project.segment_checks import check_segmentation
from tallystick.runs.context import RunContext
from tallystick.runs.input_gate import PinnedTables, pin_features
from tallystick.runs.loaded_nights import loaded_until
from tallystick.runs.run_dates import DateRange
from tallystick.spec.segments import Segmentation
from tallystick.tables.store.queries import read_arrow
from tallystick.tables.store.snapshots import pin


def open_segmentation(context: RunContext, name: str) -> Segmentation:
    """The segmentation of that name; NotFound names the nearest one, DeclarationError what is wrong with it."""
    declared = find_declared("segmentation", name, context.project.segmentations)
    check_segmentation(context.project, declared)
    return declared


def pin_source_features(
    context: RunContext, declared: Segmentation, *, first: date | None, last: date | None
) -> PinnedTables:
    """The feature table at its newest version, refused as ``pin_features`` says."""
    used = {declared.group: declared.columns}
    return pin_features(context, declared, used=used, dates=DateRange(first, last))


def list_month_ends(context: RunContext, declared: Segmentation, pinned: PinnedTables) -> list[date]:
    """The business dates of the stored observations, in order, up to the last load of the group's events: what happened
    up to a later one is not known yet, so its segments would be those of an older month under a newer name.
    """
    table = f"feature.{declared.group}"
    rows = read_arrow(
        context.warehouse,
        table,
        columns=["as_of"],
        version=pinned.versions[table],
        filter=_is_observed(context, declared),
    )
    days = business_dates(rows["as_of"], zone=context.source.zone)
    events = pin(context.warehouse, context.project.feature_groups[declared.group].table)
    loaded = loaded_until(context, events.where(source=context.source.name).files)
    return [day for day in days if loaded is None or day <= loaded]


def no_features(declared: Segmentation, day: date | None) -> NotFound:
    """The error of a run whose month ends have no features; ``day`` is the one that was asked for, None for any."""
    what = f"feature.{declared.group} has no rows of observations {declared.observations}"
    fix = "load the source, then run compute_features for month ends up to its last load"
    return NotFound(f"{what} on {day}" if day else what, where=declared.where_text, fix=fix)


def read_features(
    context: RunContext, declared: Segmentation, pinned: PinnedTables, *, day: date, columns: Sequence[str]
) -> pa.Table:
    """These columns of the observations at the local midnight that begins ``day``, sorted by customer."""
    table = f"feature.{declared.group}"
    low, high = DateRange(day, day).instants(context.source)
    kind = pa.timestamp("us", tz="UTC")
    is_then = (pc.field("as_of") >= pa.scalar(low, kind)) & (pc.field("as_of") < pa.scalar(high, kind))
    rows = read_arrow(
        context.warehouse,
        table,
        columns=list(columns),
        version=pinned.versions[table],
        filter=_is_observed(context, declared) & is_then,
    )
    return rows.sort_by("customer_id")


def _is_observed(context: RunContext, declared: Segmentation) -> pc.Expression:
    return context.is_ours & (pc.field("observations") == declared.observations)
