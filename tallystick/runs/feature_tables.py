"""The feature tables of one set of observations as a run replaces them: a slice of each, and the ledger beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from tallystick.features.ledger import Definition, Inputs, Ledger, RunInfo, count_days
from tallystick.features.planning import list_read_tables
from tallystick.observations import ObservationSpec
from tallystick.runs.context import RunContext
from tallystick.runs.input_gate import PinnedTables
from tallystick.runs.run_dates import DateRange
from tallystick.spec.data_files import DataFile
from tallystick.spec.features import FeatureGroup
from tallystick.spec.fingerprint import fingerprint
from tallystick.spec.observations import ObservationSet
from tallystick.tables.store.bucket_store import BucketStore
from tallystick.tables.store.changes import ChangeLog
from tallystick.tables.store.door import replace_files
from tallystick.tables.store.slices import Commit, Slice
from tallystick.tables.store.warehouse import ensure_table


@dataclass(frozen=True, kw_only=True, slots=True)
class FeatureTables:
    """What a run computes features from, and where it writes them."""

    context: RunContext
    observations: ObservationSet
    pinned: PinnedTables
    changes: ChangeLog = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "changes", ChangeLog(self.context.warehouse, self.context.source.name))

    @property
    def ledger(self) -> Ledger:
        """Which days of these observations are computed."""
        return self.context.ledger(self.observations.name)

    def spec(self, dates: DateRange) -> ObservationSpec:
        """The observations on these dates."""
        return ObservationSpec.of(self.observations, self.context.contracts, first=dates.first, last=dates.last)

    def storage(self, groups: Sequence[FeatureGroup]) -> BucketStore:
        """How tasks read what the groups are computed from, also where nothing is stored yet, and write the results."""
        read = list_read_tables(groups, self.observations.tables)
        return self.context.storage([*read, *(group.feature_table for group in groups)])

    def list_undone(self, groups: Iterable[FeatureGroup], dates: DateRange) -> list[FeatureGroup]:
        """The groups that this very run has not computed before: a run that is repeated does the rest."""
        ledger, run_id = self.ledger, self.context.run_id
        return [
            group
            for group in groups
            if not ledger.is_done(self._definition(group), run_id=run_id, first=dates.first, last=dates.last)
        ]

    def count(self, group: FeatureGroup, files: Iterable[DataFile]) -> dict[date, int]:
        """How many observations the new files of a group's table hold on each business date."""
        table = group.feature_table
        paths = [file.path for file in files]
        return count_days(self.storage([group]), table, paths, zone=self.context.source.zone)

    def replace(
        self, group: FeatureGroup, files: Sequence[DataFile], *, dates: DateRange, days: Mapping[date, int]
    ) -> Commit:
        """Make a group's table hold these files on these dates, in one commit.

        The ``days`` with their numbers of rows are struck out of the ledger before and written down after. A run that
        is killed between leaves days that count as missing, never values of which nobody knows the definition.
        """
        context, source, table = self.context, self.context.source, self.context.contracts[group.feature_table]
        inputs = Inputs.of(group, self.observations, zone=source.zone)
        versions = inputs.versions(self.pinned.versions)
        run = RunInfo(run_id=context.run_id, versions=versions, declared=context.project.feature_digest)
        where = Slice.of_features(
            table.name,
            source.name,
            self.observations.name,
            between=dates.instants(source),
            buckets=source.layout.buckets,
        )
        ensure_table(context.warehouse, table)
        self.ledger.forget(group.name, first=dates.first, last=dates.last)
        by = context.signed(fingerprint(group), run.versions, run_id=run.commit_id)
        commit = replace_files(context.warehouse, table, files, where=where, run=by)
        run = replace(run, committed=commit.version)
        self.ledger.record(self._definition(group), days, run=run, inputs=inputs, changes=self.changes)
        return commit

    def _definition(self, group: FeatureGroup) -> Definition:
        return Definition.of(group, self.context.contracts, observations=self.observations)
