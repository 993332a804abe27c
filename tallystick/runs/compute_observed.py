"""Compute feature groups for observations that are given: any file or table of customer_id and as_of.

Takes groups, a source, the observations and the name of the set; replaces exactly the rows of that set. The same
numbers as of the daily snapshot and of a recipe: only who is observed, and when, is another's choice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from tallystick.features import GroupWork, compute_buckets
from tallystick.features.planning import find_given, find_groups, list_given_tasks, list_read_tables
from tallystick.observations import ObservationSpec
from tallystick.runs.context import RunContext
from tallystick.runs.graph_needs import build_graphs
from tallystick.runs.input_gate import pin_loaded
from tallystick.runs.progress import progress, working
from tallystick.spec.features import FeatureGroup
from tallystick.spec.fingerprint import fingerprint
from tallystick.tables import Commit, DataFile, Slice, ensure_table, replace_files
from tallystick.tables.store.given import GIVEN, GIVEN_CONTRACT, split_observations

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from tallystick.buckets import BucketTask
    from tallystick.runs.params import ComputeObserved
    from tallystick.spec.observations import ObservationSet


def run(params: ComputeObserved, session: SparkSession) -> None:
    """Split the observations by bucket, compute every group in one Spark job, commit one table after the other."""
    context = RunContext.open(params)
    declared, as_of = find_given(params.name, context.project)
    groups = find_groups(context.project, params.groups, declared)
    build_graphs(context, groups)
    pinned = pin_loaded(context, list_read_tables(groups, ()))
    with split_observations(
        context.warehouse, params.observations, source=context.source, key=declared.key, as_of=as_of
    ) as given:
        tasks = list_given_tasks(context.source, pinned.files, {GIVEN: given.files})
        files = _compute(context, session, groups, tasks=tasks, declared=declared)
    for group in groups:
        commit = _replace(context, group, files[group.feature_table], name=params.name, inputs=pinned.versions)
        progress(f"      {group.feature_table}: {commit.rows} rows of {given.rows} observations given")


def _compute(
    context: RunContext,
    session: SparkSession,
    groups: Sequence[FeatureGroup],
    *,
    tasks: Sequence[BucketTask],
    declared: ObservationSet,
) -> dict[str, list[DataFile]]:
    names = [*list_read_tables(groups, ()), *(group.feature_table for group in groups)]
    with working("features") as how_far:
        return compute_buckets(
            session,
            tasks,
            [GroupWork.of(one, context.contracts, first=None, review_days=declared.review_days) for one in groups],
            spec=ObservationSpec(declared=declared, tables={GIVEN: ""}),
            storage=context.storage(names, **{GIVEN: GIVEN_CONTRACT}),
            how_far=how_far,
        )


def _replace(
    context: RunContext, group: FeatureGroup, files: Sequence[DataFile], *, name: str, inputs: Mapping[str, int]
) -> Commit:
    """Make the set's rows of a group's table those of the files. The ledger keeps no days of a set that is given."""
    table = context.contracts[group.feature_table]
    ensure_table(context.warehouse, table)
    where = Slice.of_features(table.name, context.source.name, name)
    by = context.signed(fingerprint(group), inputs)
    return replace_files(context.warehouse, table, files, where=where, run=by)
