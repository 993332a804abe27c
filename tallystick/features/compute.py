"""One group's features of one bucket, from Arrow tables to an Arrow table.

Without Spark and storage: a task, the audit and ``compute_vector`` call the same function.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tallystick.features.owning import distinct_moments, own_observations, own_rows
from tallystick.features.retiring import Retiring, without_retired
from tallystick.kernel import GroupPlan, compute_group, prepare_group, required_columns
from tallystick.spec.columns import retired_columns
from tallystick.spec.features import FeatureGroup, Lookup
from tallystick.spec.living import lift_retirements
from tallystick.spec.observations import OBSERVATION_COLUMNS
from tallystick.spec.tables import TableContract


@dataclass(frozen=True, kw_only=True, slots=True)
class GroupWork:
    """A group ready to be computed: its lookups, its plan and its retired columns. It travels to the tasks.

    ``per`` is the column by which an observation owns some of its customer's rows; empty where all of them count.
    """

    lookups: tuple[Lookup, ...]
    plan: GroupPlan
    retired: tuple[Retiring, ...] = ()
    per: str = ""

    @classmethod
    def of(
        cls, group: FeatureGroup, contracts: Mapping[str, TableContract], *, first: date | None = date.max
    ) -> GroupWork:
        """The work of a declared group; DeclarationError where it does not fit its tables.

        ``first`` is the first business date that will be computed, None for any: a feature that is retired after it is
        computed too, for the dates before its retirement. Without ``first``, only features in force are.
        """
        lifted = lift_retirements(group, after=first)
        retired = tuple(
            Retiring(name=column.name, type=column.type, retired_on=column.retired_on)
            for column in retired_columns(group, contracts)
            if column.retired_on is not None
        )
        plan = prepare_group(lifted, contracts)
        return cls(lookups=group.lookups, plan=plan, retired=retired, per=group.per)

    @property
    def feature_table(self) -> str:
        """The table its features are stored in."""
        return f"feature.{self.plan.group}"

    def stored_columns(self, *, has_versions: bool = True) -> list[str]:
        """The stored columns of the event table that the kernel and the lookups read.

        ``has_versions`` False says that no event has a second version. A looked-up row that became known later makes
        versions of its own, so a group with lookups always reads what versions are told apart by.
        """
        looked_up = {name for lookup in self.lookups for name in lookup.columns}
        needed = required_columns(self.plan, has_versions=has_versions or bool(self.lookups))
        own = [name for name in needed if name not in looked_up]
        per = [self.per] if self.per else []
        return list(dict.fromkeys([*own, *per, *(lookup.on for lookup in self.lookups)]))


def compute_local(
    work: GroupWork,
    events: pa.Table,
    observations: pa.Table,
    *,
    dimensions: Mapping[str, pa.Table],
    zone: str,
    has_versions: bool = True,
) -> pa.Table:
    """observation_id, customer_id, as_of and the group's columns, one row per observation in the given order.

    Observations of one customer at one instant have equal features, unless the group counts rows ``per`` observation.

    Retired columns stand at the end, null from the business date of their retirement on.

    ``events`` holds all versions of the rows of the observed customers (others are ignored), ``dimensions`` the rows
    of each looked-up table by its name. ``zone`` is the business time zone of these customers.
    ``has_versions`` False says that no event of ``events`` has a second version: it is then not looked for.
    """
    joined = attach_lookups(events, work.lookups, dimensions, event_id=work.plan.event_id)
    asked = observations
    if work.per:
        joined, asked = own_rows(joined, work), own_observations(observations)
    asked, places = distinct_moments(asked)
    features = compute_group(joined, asked, work.plan, zone=zone, has_versions=has_versions or bool(work.lookups))
    if places is not None:
        features = features.take(places)
    made = pa.table(
        [*(observations[name] for name in OBSERVATION_COLUMNS), *features.columns],
        names=[*OBSERVATION_COLUMNS, *features.column_names],
    )
    return without_retired(made, work.retired, zone=zone)


def attach_lookups(
    events: pa.Table, lookups: tuple[Lookup, ...], dimensions: Mapping[str, pa.Table], *, event_id: str
) -> pa.Table:
    """The events with the looked-up columns, as versions that are right at every business date.

    A looked-up row that became known after the event makes a further version of the event, known on that later date,
    so that the rule "latest version known by as_of" also picks the right looked-up row. An event whose key meets no
    row known by then has nulls there.
    """
    for lookup in lookups:
        events = _attach(events, lookup, dimensions[lookup.table], event_id=event_id)
    return events


def _attach(events: pa.Table, lookup: Lookup, dimension: pa.Table, *, event_id: str) -> pa.Table:
    columns = [lookup.on, "known_on", *lookup.columns]
    rows = dimension.select(columns).sort_by([(lookup.on, "ascending"), ("known_on", "ascending")])
    is_single = len(pc.unique(rows[lookup.on])) == rows.num_rows
    at = pc.index_in(events[lookup.on], value_set=rows[lookup.on].combine_chunks())
    if is_single and _known_before(events, rows, at):
        for name in lookup.columns:
            events = events.append_column(name, rows[name].combine_chunks().take(at.combine_chunks()))
        return events
    return _attach_versions(events, rows, lookup, event_id=event_id)


def _known_before(events: pa.Table, rows: pa.Table, at: pa.ChunkedArray) -> bool:
    """Is every looked-up row known no later than the event it is joined to: then no version changes."""
    found = rows["known_on"].combine_chunks().take(at.combine_chunks())
    return pc.all(pc.fill_null(pc.less_equal(found, events["known_on"].combine_chunks()), True)).as_py() is not False


def _attach_versions(events: pa.Table, rows: pa.Table, lookup: Lookup, *, event_id: str) -> pa.Table:
    """The general case: one version per date on which the event or the looked-up row changed."""
    ids = events[event_id].combine_chunks().dictionary_encode().indices.to_numpy().astype(np.int64)
    known, row_known = _day_numbers(events["known_on"]), _day_numbers(rows["known_on"])
    until = _replaced_on(ids, known)
    keys = pc.unique(rows[lookup.on])
    left = pa.table({"key": pc.index_in(events[lookup.on], value_set=keys), "event": np.arange(len(ids))})
    right = pa.table({"key": pc.index_in(rows[lookup.on], value_set=keys), "row": np.arange(len(row_known))})
    pairs = left.filter(pc.is_valid(left["key"])).join(right, "key", join_type="inner")
    event, row = pairs["event"].to_numpy(), pairs["row"].to_numpy()
    # Rows are sorted by key and known_on, so of those known by the event's date the last one is the greatest index.
    at_first = np.full(len(ids), -1, dtype=np.int64)
    is_before = row_known[row] <= known[event]
    np.maximum.at(at_first, event[is_before], row[is_before])
    is_later = (row_known[row] > known[event]) & (row_known[row] < until[event])
    event = np.concatenate([np.arange(len(ids)), event[is_later]])
    found = np.concatenate([at_first, row[is_later]])
    at = np.concatenate([known, row_known[row[is_later]]])
    taken = events.take(pa.array(event))
    dates = pa.array(at.astype(np.int32)).cast(pa.date32())
    for name in ("known_on", "loaded_on"):
        if name in taken.column_names:
            taken = taken.set_column(taken.schema.get_field_index(name), name, dates)
    places = pa.array(found, mask=found < 0)
    for name in lookup.columns:
        taken = taken.append_column(name, rows[name].combine_chunks().take(places))
    return taken


def _replaced_on(ids: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Per version of an event the date on which the next version replaces it, or a date beyond all others."""
    order = np.lexsort((known, ids))
    until = np.full(len(ids), np.iinfo(np.int64).max)
    is_same = ids[order][1:] == ids[order][:-1]
    until[order[:-1][is_same]] = known[order[1:][is_same]]
    return until


def _day_numbers(column: pa.ChunkedArray) -> np.ndarray:
    return column.cast(pa.int32()).to_numpy().astype(np.int64)
