"""Compute feature groups for the observations of a recipe or for the daily snapshot, and replace exactly those rows.

Takes groups or a recipe, a source and optionally the first and last business date; reads the clean tables at one pinned
version.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from tallystick.features import (
    GroupWork,
    choose_work,
    compute_buckets,
    list_bucket_tasks,
    settle_dates,
)
from tallystick.features.ledger import owned_days
from tallystick.features.planning import list_read_tables, note_unloaded
from tallystick.observations import ExpectedRows, ObservationSpec, backfill_start
from tallystick.runs.context import RunContext
from tallystick.runs.feature_tables import FeatureTables
from tallystick.runs.graph_needs import build_graphs
from tallystick.runs.input_gate import pin_loaded
from tallystick.runs.loaded_nights import loaded_until
from tallystick.runs.progress import progress, working
from tallystick.runs.run_dates import DateRange
from tallystick.tables import read_arrow

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pyspark.sql import SparkSession

    from tallystick.runs.params import ComputeFeatures
    from tallystick.spec.data_files import DataFile
    from tallystick.spec.features import FeatureGroup


def run(params: ComputeFeatures, session: SparkSession) -> None:
    """Compute every group in one Spark job, then commit one table after the other."""
    context = RunContext.open(params)
    groups, observations = choose_work(
        context.project, groups=params.groups, recipe=params.recipe, observations=params.observations
    )
    build_graphs(context, groups)
    tables = FeatureTables(
        context=context,
        observations=observations,
        pinned=pin_loaded(context, list_read_tables(groups, observations.tables)),
    )
    dates = _settle_dates(params, tables, groups)
    undone = tables.list_undone(groups, dates)
    if not undone:
        progress("      this run has computed them before, nothing to do")
        return
    files = _compute(session, tables, undone, dates)
    days = owned_days(
        # Every group wrote the same observations, so one of them is counted.
        tables.count(undone[0], files[undone[0].feature_table]),
        first=dates.first,
        last=dates.last,
        loaded=loaded_until(context, tables.pinned.all_files),
    )
    for group in undone:
        commit = tables.replace(group, files[group.feature_table], dates=dates, days=days)
        progress(f"      {group.feature_table}: {commit.rows} rows")


def _compute(
    session: SparkSession, tables: FeatureTables, groups: Sequence[FeatureGroup], dates: DateRange
) -> dict[str, list[DataFile]]:
    context, review = tables.context, tables.observations.review_days
    with working("features") as how_far:
        return compute_buckets(
            session,
            list_bucket_tasks(context.source, tables.pinned.files),
            [GroupWork.of(group, context.contracts, first=dates.first, review_days=review) for group in groups],
            spec=tables.spec(dates),
            storage=tables.storage(groups),
            how_far=how_far,
        )


def _settle_dates(params: ComputeFeatures, tables: FeatureTables, groups: Iterable[FeatureGroup]) -> DateRange:
    """The dates that were asked for or are usual, begun earlier where an observation lacks its row."""
    context, observations = tables.context, tables.observations
    loaded = loaded_until(context, tables.pinned.all_files)
    first, last = settle_dates(observations, loaded, first=params.first, last=params.last)
    spec = ObservationSpec.of(observations, context.contracts, first=first, last=last)
    expected = ExpectedRows.in_features(spec, [group.feature_table for group in groups])
    read = partial(read_arrow, context.warehouse)
    first = backfill_start(read, expected, source=context.source, first=first, days=params.look_back)
    # As asked: those of events that are reviewed later were cut off.
    note_unloaded(params.last or params.first, loaded, tell=progress)
    return DateRange(first, last)
