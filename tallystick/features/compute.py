"""One group's features of one bucket, from Arrow tables to an Arrow table.

Without Spark and storage: a task, the audit and ``compute_vector`` call the same function.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import pyarrow as pa

from tallystick.features.combining import CombinedPlan, add_combined, plan_combined
from tallystick.features.lookups import LookupPlan, attach_lookups
from tallystick.features.owning import distinct_moments, own_observations, own_rows
from tallystick.features.retiring import Retiring, without_retired
from tallystick.features.rows_among import AmongPlan, lay_among
from tallystick.kernel import GroupPlan, compute_group, prepare_group, required_columns
from tallystick.spec.among import ROW_OF
from tallystick.spec.columns import retired_columns
from tallystick.spec.features import FeatureGroup
from tallystick.spec.observations import OBSERVATION_COLUMNS
from tallystick.spec.retirements import lift_retirements
from tallystick.spec.tables import TableContract
from tallystick.visibility.rows import known_earlier


@dataclass(frozen=True, kw_only=True, slots=True)
class GroupWork:
    """A group ready to be computed: its lookups, its plan and its retired columns. It travels to the tasks.

    ``per`` is the column by which an observation owns some of its customer's rows; empty where all of them count.
    ``beside`` are the works of other groups whose features ``combined`` ones read. ``review_days`` are those of the
    set of observations: rows count that became known so many days after the date of ``as_of``.
    """

    lookups: tuple[LookupPlan, ...]
    plan: GroupPlan
    retired: tuple[Retiring, ...] = ()
    per: str = ""
    among: tuple[AmongPlan, ...] = ()
    beside: tuple[GroupWork, ...] = ()
    combined: tuple[CombinedPlan, ...] = ()
    review_days: int = 0

    @classmethod
    def of(
        cls,
        group: FeatureGroup,
        contracts: Mapping[str, TableContract],
        *,
        first: date | None = date.max,
        review_days: int = 0,
    ) -> GroupWork:
        """The work of a declared group; DeclarationError where it does not fit its tables.

        ``first`` is the first business date that will be computed, None for any: a feature that is retired after it is
        computed too, for the dates before its retirement. Without ``first``, only features in force are.
        ``review_days`` are those of the observations.
        """
        lifted = lift_retirements(group, after=first)
        retired = tuple(
            Retiring(name=column.name, type=column.type, retired_on=column.retired_on)
            for column in retired_columns(group, contracts)
            if column.retired_on is not None
        )
        plan = prepare_group(lifted, contracts)
        lookups = tuple(LookupPlan.of(lookup, contracts[lookup.table]) for lookup in group.lookups)
        return cls(
            lookups=lookups,
            plan=plan,
            retired=retired,
            per=group.per,
            among=tuple(AmongPlan.of(one, contracts[one.table]) for one in group.among),
            beside=tuple(cls.of(other, contracts, first=first, review_days=review_days) for other in group.beside),
            combined=plan_combined(lifted, contracts),
            review_days=review_days,
        )

    @property
    def feature_table(self) -> str:
        """The table its features are stored in."""
        return f"feature.{self.plan.group}"

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the features in force, in order."""
        return (*self.plan.names, *(plan.name for plan in self.combined))

    @property
    def parts(self) -> tuple[GroupWork, ...]:
        """The group and those beside it: each reads one event table of its own."""
        return (self, *self.beside)

    @property
    def tables(self) -> frozenset[str]:
        """Every clean table that the group and those beside it read."""
        return frozenset(
            name for part in self.parts for name in (part.plan.table, *(other.table for other in part.others))
        )

    @property
    def others(self) -> tuple[LookupPlan | AmongPlan, ...]:
        """The other tables that the group itself reads: those it looks up, and those whose rows stand among its own."""
        return (*self.lookups, *self.among)

    def has_versions(self, single_version: Collection[str]) -> bool:
        """Whether an event may have a second version among the rows; ``single_version`` are tables without any."""
        return not {self.plan.table, *(one.table for one in self.among)} <= set(single_version)

    def joined(self, parts: Sequence[pa.Table], *, zone: str) -> pa.Table:
        """The group's features, from what each of ``parts`` gives for the same observations, in that order."""
        own, *beside = parts
        return without_retired(add_combined(own, beside, self.combined), self.retired, zone=zone)

    def stored_columns(self, *, has_versions: bool = True) -> list[str]:
        """The stored columns of the event table that the kernel and the lookups read.

        ``has_versions`` False says that no event has a second version.
        """
        looked_up = {name for lookup in self.lookups for name in lookup.columns}
        needed = required_columns(self.plan, has_versions=has_versions)
        own = [name for name in needed if name not in looked_up and name != ROW_OF]
        per = [self.per] if self.per else []
        return list(dict.fromkeys([*own, *per, *(lookup.on for lookup in self.lookups)]))


def compute_from(work: GroupWork, rows: Mapping[str, pa.Table], observations: pa.Table, *, zone: str) -> pa.Table:
    """All features of the group, from the rows of its ``tables`` by name: of each part as ``compute_local`` gives them,
    and the combined ones.
    """
    return work.joined(
        [
            compute_local(
                part,
                rows[part.plan.table],
                observations,
                dimensions={other.table: rows[other.table] for other in part.others},
                zone=zone,
            )
            for part in work.parts
        ],
        zone=zone,
    )


def see_rows(
    work: GroupWork, events: pa.Table, *, dimensions: Mapping[str, pa.Table], zone: str, has_versions: bool = True
) -> pa.Table:
    """The rows that the kernel gets: with those of other tables among them and their looked-up columns, dated for the
    review of the observations.
    """
    days = work.review_days
    others = {other.table: known_earlier(dimensions[other.table], days) for other in work.others}
    rows = known_earlier(events, days)
    return attach_lookups(
        lay_among(rows, work.among, others, plan=work.plan, zone=zone) if work.among else rows,
        work,
        dimensions=others,
        zone=zone,
        has_versions=has_versions,
    )


def compute_local(
    work: GroupWork,
    events: pa.Table,
    observations: pa.Table,
    *,
    dimensions: Mapping[str, pa.Table],
    zone: str,
    has_versions: bool = True,
) -> pa.Table:
    """observation_id, customer_id, as_of and the group's columns, one row per observation in the given order, without
    the combined ones (``compute_from``).

    Observations of one customer at one instant have equal features, unless the group counts rows ``per`` observation.

    Retired columns stand at the end, null from the business date of their retirement on.

    ``events`` holds all versions of the rows of the observed customers (others are ignored), ``dimensions`` the rows
    of each looked-up table by its name. ``zone`` is the business time zone of these customers.
    ``has_versions`` False says that no event of ``events`` has a second version: it is then not looked for.
    """
    joined = see_rows(work, events, dimensions=dimensions, zone=zone, has_versions=has_versions)
    asked = observations
    if work.per:
        joined, asked = own_rows(joined, work), own_observations(observations)
    asked, places = distinct_moments(asked)
    features = compute_group(joined, asked, work.plan, zone=zone, has_versions=has_versions)
    if places is not None:
        features = features.take(places)
    made = pa.table(
        [*(observations[name] for name in OBSERVATION_COLUMNS), *features.columns],
        names=[*OBSERVATION_COLUMNS, *features.column_names],
    )
    return without_retired(made, work.retired, zone=zone)
