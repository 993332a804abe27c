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
from tallystick.runs.input_gate import pin_clean
from tallystick.runs.progress import progress
from tallystick.spec.features import FeatureGroup
from tallystick.spec.fingerprint import fingerprint
from tallystick.tables import Commit, DataFile, Slice, ensure_table, replace_files
from tallystick.tables.store.given import GIVEN, GIVEN_CONTRACT, split_observations

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from tallystick.runs.params import ComputeObserved


def run(params: ComputeObserved, session: SparkSession) -> None:
    """Split the observations by bucket, compute every group in one Spark job, commit one table after the other."""
    context = RunContext.open(params)
    declared, as_of = find_given(params.name, context.project)
    groups = find_groups(context.project, params.groups, declared)
    names = list_read_tables(groups, ())
    pinned = pin_clean(context, names)
    with split_observations(
        context.warehouse, params.observations, source=context.source, key=declared.key, as_of=as_of
    ) as given:
        files = compute_buckets(
            session,
            list_given_tasks(context.source, pinned.files, {GIVEN: given.files}),
            [GroupWork.of(group, context.contracts, first=None) for group in groups],
            spec=ObservationSpec(declared=declared, tables={GIVEN: ""}),
            storage=context.storage([*names, *(group.feature_table for group in groups)], **{GIVEN: GIVEN_CONTRACT}),
        )
    for group in groups:
        commit = _replace(context, group, files[group.feature_table], name=params.name, inputs=pinned.versions)
        progress(f"      {group.feature_table}: {commit.rows} rows of {given.rows} observations given")


def _replace(
    context: RunContext, group: FeatureGroup, files: Sequence[DataFile], *, name: str, inputs: Mapping[str, int]
) -> Commit:
    """Make the set's rows of a group's table those of the files. The ledger keeps no days of a set that is given."""
    table = context.contracts[group.feature_table]
    ensure_table(context.warehouse, table)
    where = Slice.of_features(table.name, context.source.name, name)
    by = context.signed(fingerprint(group), inputs)
    return replace_files(context.warehouse, table, files, where=where, run=by)
