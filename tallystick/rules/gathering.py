"""The rows that rules are answered on: a bucket's observations with their own columns and their stored features.

Apart from the answers because this reads files, in the order in which they lie.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tallystick.buckets import BucketTask, Storage
from tallystick.errors import ContractError
from tallystick.kernel.nullable import Ints
from tallystick.kernel.zones import zone_offsets
from tallystick.observations import OBSERVATION_SCHEMA, ObservationSpec, observe_bucket, period_names
from tallystick.rules.rule_answers import RuleRows

_KEY = ("observation_id", "as_of")
_NAMES = OBSERVATION_SCHEMA.names


@dataclass(frozen=True, kw_only=True, slots=True)
class RuleColumns:
    """What is read for the rules of a set: columns of feature groups, and columns of the set's own table.

    ``low`` and ``high`` bound as_of (low <= as_of < high; None is no bound). ``late`` has, by group, the business dates
    (days since 1970-01-01) whose stored values have not seen all rows that count on them: as if not computed.
    """

    groups: Mapping[str, tuple[str, ...]]
    own: tuple[str, ...] = ()
    low: datetime | None = None
    high: datetime | None = None
    late: Mapping[str, tuple[int, ...]] = field(default_factory=dict)


def gather_rows(task: BucketTask, spec: ObservationSpec, columns: RuleColumns, *, storage: Storage) -> RuleRows:
    """The bucket's observations with all that rules read of them.

    Observations of events are those of the set's own table, of every other set those that any of the feature tables
    holds. A group without a row for an observation leaves its columns null there, and says so in ``computed``,
    as does one whose row is of a late day.
    """
    features = {group: _read_group(task, group, names, columns, storage) for group, names in columns.groups.items()}
    rows = _observations(task, spec, columns, list(features.values()), storage)
    days = zone_offsets(task.zone).dates(rows["as_of"].cast(pa.int64()).to_numpy()).astype(np.int64)
    computed = {}
    for group, stored in features.items():
        places = find_rows(rows, stored, where=f"feature.{group}")
        is_there = places >= 0
        if late := columns.late.get(group):
            is_there &= ~np.isin(days, late)
        if not is_there.all():
            computed[group] = is_there
        rows = _with_columns(rows, stored, places, columns.groups[group])
    return RuleRows(rows=rows, days=days, computed=computed)


def find_rows(asked: pa.Table, stored: pa.Table, *, where: str) -> Ints:
    """Where each asked observation stands among the stored ones; -1 where it does not.

    ContractError where one stands there twice.
    """
    if asked.num_rows == stored.num_rows and all(asked[name].equals(stored[name]) for name in _KEY):
        return np.arange(asked.num_rows, dtype=np.int64)  # in one order, as tables of one bucket mostly are
    left, right = (_numbered(rows, name) for rows, name in ((asked, "_asked"), (stored, "_stored")))
    places = left.join(right, keys=list(_KEY), join_type="left outer").sort_by("_asked")["_stored"]
    if len(places) != asked.num_rows:
        raise ContractError("several rows of one observation", where=f"table {where}", fix="compute its features again")
    return np.asarray(pc.fill_null(places, -1).to_numpy(), dtype=np.int64)


def _numbered(rows: pa.Table, name: str) -> pa.Table:
    return rows.select(list(_KEY)).append_column(name, pa.array(np.arange(rows.num_rows)))


def _with_columns(rows: pa.Table, stored: pa.Table, places: Ints, names: Sequence[str]) -> pa.Table:
    is_same = places.size == stored.num_rows and bool((places == np.arange(places.size)).all())
    found = stored if is_same else stored.take(pa.array(places, mask=places < 0))
    for name in names:
        rows = rows.append_column(name, found[name])
    return rows


def _read_group(task: BucketTask, group: str, names: Sequence[str], columns: RuleColumns, storage: Storage) -> pa.Table:
    table = f"feature.{group}"
    rows = storage.read(table, task.files.get(table, ()), [*_NAMES, *names])
    return _in_range(rows, columns)


def _observations(
    task: BucketTask, spec: ObservationSpec, columns: RuleColumns, features: Sequence[pa.Table], storage: Storage
) -> pa.Table:
    """The observations and their own columns, as they lie in feature tables: by period, then by customer."""
    if spec.declared.by_event:
        drawn = observe_bucket(task, spec, storage)
        # Files of periods follow each other.
        periods = pc.sort_indices(drawn["period"].cast(pa.string()))  # a stable sort
        return drawn.take(periods)
    stored = [rows.select(_NAMES) for rows in features]
    rows = stored[0] if stored else OBSERVATION_SCHEMA.empty_table()
    for other in stored[1:]:
        if not rows.equals(other):
            rows = pa.concat_tables([rows, other]).group_by(_NAMES, use_threads=False).aggregate([])
    rows = rows.append_column("period", period_names(rows["as_of"], task.zone, task.period).cast(pa.string()))
    if not columns.own:
        return rows
    drawn = _draw(task, spec, rows["as_of"], storage)
    return _with_columns(rows, drawn, find_rows(rows, drawn, where=spec.declared.table), columns.own)


def _draw(task: BucketTask, spec: ObservationSpec, instants: pa.ChunkedArray, storage: Storage) -> pa.Table:
    """The set's observations up to the last of the instants; where there are none, none, with the same columns."""
    if not len(instants):
        # No files give no rows of the right types.
        return observe_bucket(replace(task, files={}), replace(spec, last=date.max), storage)
    days = zone_offsets(task.zone).dates(instants.cast(pa.int64()).to_numpy())
    last = np.datetime64(int(days.max()), "D").astype(object)
    return observe_bucket(task, replace(spec, last=last), storage)


def _in_range(rows: pa.Table, columns: RuleColumns) -> pa.Table:
    kind = rows.schema.field("as_of").type
    if columns.low is not None:
        rows = rows.filter(pc.greater_equal(rows["as_of"], pa.scalar(columns.low, kind)))
    if columns.high is not None:
        rows = rows.filter(pc.less(rows["as_of"], pa.scalar(columns.high, kind)))
    return rows
