"""Compute the days of a feature group that are missing or no longer right, chunk by chunk, each chunk in one commit.

Takes a group, a source, the first and last business date, and a recipe when its observations are wanted instead of the
daily snapshot. A killed run loses the chunk it was at; run again it goes on there, and a third run does nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tallystick.features import choose_work, compute_buckets
from tallystick.features.backfill import Backfill, BackfillPlan, Chunk, judge_days, plan_backfill
from tallystick.features.ledger import owned_days
from tallystick.features.planning import find_declared, list_read_tables
from tallystick.how_far import HowFar, parts_of
from tallystick.runs.context import RunContext
from tallystick.runs.feature_tables import FeatureTables
from tallystick.runs.graph_needs import build_graphs
from tallystick.runs.input_gate import pin_clean
from tallystick.runs.loaded_nights import newest_night
from tallystick.runs.progress import progress, working
from tallystick.runs.run_dates import DateRange
from tallystick.tables.store.footers import column_sizes

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from tallystick.runs.params import BackfillFeatures


def plan(params: BackfillFeatures) -> BackfillPlan:
    """What ``run`` would do with these parameters; needs no Spark."""
    return _prepare(params)[-1]


def run(params: BackfillFeatures, session: SparkSession) -> None:
    """Compute, commit and write down one chunk after the other."""
    _build_graph(params)
    asked, tables, planned = _prepare(params)
    planned.stop_above(params.max_bytes)
    name = asked.group.feature_table
    with working(name) as how_far:
        parts = parts_of(how_far, [chunk.days for chunk in planned.chunks])
        for number, (chunk, part) in enumerate(zip(planned.chunks, parts, strict=True), start=1):
            rows = _compute(session, asked, tables, chunk, how_far=part)
            progress(f"      {number}/{len(planned.chunks)}: {chunk.first} to {chunk.last}, {rows} rows")
    progress(f"      {name}: {planned.days} of {len(planned.states)} days computed")


def _compute(session: SparkSession, asked: Backfill, tables: FeatureTables, chunk: Chunk, *, how_far: HowFar) -> int:
    """Compute a chunk and commit it; returns the number of its rows."""
    files = compute_buckets(
        session,
        asked.tasks(chunk),
        [asked.work(chunk)],
        spec=asked.spec(chunk),
        storage=tables.storage([asked.group]),
        how_far=how_far,
    )[asked.group.feature_table]
    days = owned_days(tables.count(asked.group, files), first=chunk.first, last=chunk.last)
    return tables.replace(asked.group, files, dates=DateRange(chunk.first, chunk.last), days=days).rows


def _build_graph(params: BackfillFeatures) -> None:
    context = RunContext.open(params)
    build_graphs(context, [find_declared("feature group", params.group, context.project.feature_groups)])


def _prepare(params: BackfillFeatures) -> tuple[Backfill, FeatureTables, BackfillPlan]:
    """What is asked, over which tables, and which chunks of days that takes."""
    context = RunContext.open(params)
    (group,), observations = choose_work(
        context.project, groups=[params.group], recipe=params.recipe, observations=params.observations
    )
    pinned = pin_clean(context, list_read_tables([group], observations.tables))
    tables = FeatureTables(context=context, observations=observations, pinned=pinned)
    asked = Backfill(
        group=group,
        source=context.source,
        observations=observations,
        contracts=context.contracts,
        files=pinned.files,
        night=newest_night(context),
    )
    states = judge_days(asked, tables.ledger, first=params.first, last=params.last, changes=tables.changes)
    storage = tables.storage([group])
    planned = plan_backfill(asked, states, storage=storage, columns=column_sizes, missing_only=params.missing_only)
    return asked, tables, planned
