"""Columns of another table joined to the events, so that every ``as_of`` sees the row that it could know.

A looked-up value changes over time while the event stays. So an event is laid out as one row for each span of time in
which its looked-up row is the same; the kernel then sees exactly one of them at any instant.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tallystick.errors import ContractError
from tallystick.kernel.exact import spread_ranges
from tallystick.kernel.history import find
from tallystick.kernel.nullable import Ints, one_array
from tallystick.kernel.same_events import find_version_ends
from tallystick.kernel.zones import Zone, zone_offsets
from tallystick.spec.features import Lookup
from tallystick.spec.tables import TableContract
from tallystick.visibility import LOADED_ON, NEVER, SEEN_FROM, SEEN_UNTIL
from tallystick.visibility.rows import day_numbers, version_spans

if TYPE_CHECKING:
    from tallystick.features.compute import GroupWork
    from tallystick.kernel import GroupPlan

# Between the source and the key; no id holds it.
_SEPARATOR = "\x1f"


@dataclass(frozen=True, kw_only=True, slots=True)
class LookupPlan:
    """A lookup with what its table says of its own rows. It travels to the tasks."""

    table: str
    on: str
    columns: tuple[str, ...]
    event_id: str
    event_at: str
    can_retract: bool

    @classmethod
    def of(cls, lookup: Lookup, contract: TableContract) -> LookupPlan:
        """The plan of a declared lookup."""
        return cls(
            table=lookup.table,
            on=lookup.on,
            columns=lookup.columns,
            event_id=contract.event_id,
            event_at=contract.event_at,
            can_retract="is_retracted" in {column.name for column in contract.columns},
        )

    @property
    def reads(self) -> tuple[str, ...]:
        """The columns that are read of the looked-up table."""
        retracted = ("is_retracted",) if self.can_retract else ()
        needed = (self.on, self.event_id, self.event_at, "known_on", LOADED_ON, *retracted, *self.columns)
        return tuple(dict.fromkeys(needed))

    @property
    def dated_by(self) -> tuple[str, ...]:
        """The columns that say which object a row is about, and when it is seen."""
        return (self.on, self.event_id, self.event_at, "known_on")


@dataclass(frozen=True, slots=True, eq=False)
class _Joined:
    """Events, and the instants from which and before which each row is seen; None where they are not laid out yet."""

    events: pa.Table
    since: Ints | None = None
    until: Ints | None = None

    def taken(self, index: Ints) -> pa.Table:
        """The rows at ``index``."""
        return self.events.take(pa.array(index))


@dataclass(frozen=True, slots=True, eq=False)
class _Steps:
    """What is found by each key over time: from ``starts[i]`` to before the next step, row ``rows[i]`` (-1: none).

    The steps of key ``k`` are those from ``first[k]`` on; a last key stands for all that meet nothing.
    """

    keys: pa.Array
    first: Ints
    starts: Ints
    rows: Ints

    @property
    def ends(self) -> Ints:
        """Where each step ends."""
        ends = np.append(self.starts[1:], NEVER)
        ends[self.first[1:] - 1] = NEVER
        return ends


def attach_lookups(
    events: pa.Table, work: GroupWork, *, dimensions: Mapping[str, pa.Table], zone: str, has_versions: bool = True
) -> pa.Table:
    """The events with the looked-up columns, right at every instant: null where nothing is found.

    ``dimensions`` holds the rows of each looked-up table by its name, all versions. A row of it is seen by the rule
    that holds for events; of several seen rows with one key the latest by ``event_at`` counts, then the one delivered
    last. Where what an event meets changes over time, the result has the columns SEEN_FROM and SEEN_UNTIL.
    """
    joined, offsets = _Joined(events), zone_offsets(zone)
    for lookup in work.lookups:
        joined = _attach(joined, lookup, dimensions[lookup.table], work.plan, offsets, has_versions=has_versions)
    if joined.since is None or joined.until is None:
        return joined.events
    seen = joined.events.append_column(SEEN_FROM, pa.array(joined.since))
    return seen.append_column(SEEN_UNTIL, pa.array(joined.until))


def _attach(
    joined: _Joined, lookup: LookupPlan, dimension: pa.Table, plan: GroupPlan, zone: Zone, *, has_versions: bool
) -> _Joined:
    rows = _checked_rows(dimension, lookup)
    sources = _sources_of(rows)
    rows = rows.append_column("_key", _with_source(rows[lookup.on], sources))
    rows = rows.append_column("_event", _with_source(rows[lookup.event_id], sources))
    steps, rows = _steps_of(rows, lookup, zone)
    # Of events the source is known by their customer, whose id begins with it.
    own = _with_source(joined.events[lookup.on], None if sources is None else _source_of(joined.events[plan.entity]))
    wanted = pc.fill_null(pc.index_in(own, value_set=steps.keys), len(steps.keys)).to_numpy().astype(np.int64)
    first, end = steps.first[wanted], steps.first[wanted + 1]
    happened = _micros(joined.events, plan.event_at) + 1
    known = zone.midnights(day_numbers(joined.events[plan.known_on])) if joined.since is None else joined.since
    step = find(steps.starts, first, end, np.maximum(known, happened) + 1) - 1
    if (step == end - 1).all():  # whoever sees the event sees that one row with it
        return replace(joined, events=_with_columns(joined.events, rows, lookup, steps.rows[step]))
    until = joined.until
    if until is None:
        joined, known, until, (first, end, step) = _without_retracted(
            joined, known, _ends_of(joined.events, plan, zone, has_versions=has_versions), (first, end, step)
        )
    last = np.maximum(find(steps.starts, first, end, until), step + 1)
    places, owner = spread_ranges(step, last)
    since, until = np.maximum(known[owner], steps.starts[places]), np.minimum(until[owner], steps.ends[places])
    kept = since < until
    events = _with_columns(joined.taken(owner[kept]), rows, lookup, steps.rows[places[kept]])
    return _Joined(events, since[kept], until[kept])


def _ends_of(events: pa.Table, plan: GroupPlan, zone: Zone, *, has_versions: bool) -> Ints:
    """The instants from which a later version of each row's event is in force."""
    entity = one_array(events[plan.entity].cast(pa.string()).dictionary_encode()).indices.to_numpy().astype(np.int64)
    known, where = day_numbers(events[plan.known_on]), f"table {plan.table}"
    until = find_version_ends(events, plan.event_id, entity=entity, known=known, where=where) if has_versions else None
    if until is None:
        return np.full(events.num_rows, NEVER, dtype=np.int64)
    return _instants(until, zone)


def _without_retracted(
    joined: _Joined, known: Ints, until: Ints, steps: tuple[Ints, ...]
) -> tuple[_Joined, Ints, Ints, tuple[Ints, ...]]:
    """The same without retractions, which have ended their events by now."""
    is_kept = ~np.asarray(pc.fill_null(joined.events["is_retracted"], False).to_numpy(zero_copy_only=False))
    kept = np.flatnonzero(is_kept)
    return _Joined(joined.taken(kept)), known[kept], until[kept], tuple(step[kept] for step in steps)


def _steps_of(rows: pa.Table, lookup: LookupPlan, zone: Zone) -> tuple[_Steps, pa.Table]:
    """What each ``_key`` finds over time, and the rows that it is found in; ``_event`` names what has versions."""
    spans = version_spans(rows, "_event")
    at, known = _micros(spans.rows, lookup.event_at), zone.midnights(spans.known)
    since, until = np.maximum(known, at + 1), _instants(spans.until, zone)
    # A version without a key is found by nobody, but it ends the version that it corrects.
    seen = (since < until) & np.asarray(pc.is_valid(spans.rows["_key"]).to_numpy(zero_copy_only=False))
    if "is_retracted" in spans.rows.column_names:
        seen &= ~np.asarray(pc.fill_null(spans.rows["is_retracted"], False).to_numpy(zero_copy_only=False))
    kept = np.flatnonzero(seen)
    found, since, until = spans.rows.take(pa.array(kept)), since[kept], until[kept]
    coded = one_array(found["_key"]).dictionary_encode()
    key, count = coded.indices.to_numpy().astype(np.int64), len(coded.dictionary)
    rank = _ranks(at[kept], found)
    of, starts, best = _best_over_time(key, (since, until), rank, count=count)
    by_rank = np.append(np.argsort(rank), -1)
    return _Steps(coded.dictionary, np.searchsorted(of, np.arange(count + 2)), starts, by_rank[best]), found


def _best_over_time(key: Ints, spans: tuple[Ints, Ints], rank: Ints, *, count: int) -> tuple[Ints, Ints, Ints]:
    """Per step of time of each key: the key, where the step starts, and the highest rank seen in it (-1: none).

    Each key begins with nothing, and so does key ``count``, which stands for all that is not found.
    """
    since, until = spans
    ending = np.flatnonzero(until != NEVER)
    edges = np.concatenate((since, until[ending], np.full(count + 1, -NEVER)))
    of = np.concatenate((key, key[ending], np.arange(count + 1)))
    order = np.lexsort((edges, of))
    is_new = np.append(True, (np.diff(of[order]) != 0) | (np.diff(edges[order]) != 0))
    step = np.empty(order.size, dtype=np.int64)
    step[order] = np.cumsum(is_new) - 1
    starts, of = edges[order][is_new], of[order][is_new]
    ends = np.searchsorted(of, key, side="right")
    ends[ending] = step[key.size : key.size + ending.size]
    best = np.full(starts.size, -1, dtype=np.int64)
    places, owner = spread_ranges(step[: key.size], ends)
    np.maximum.at(best, places, rank[owner])
    is_other = np.append(True, (np.diff(of) != 0) | (np.diff(best) != 0))
    return of[is_other], starts[is_other], best[is_other]


def _ranks(at: Ints, rows: pa.Table) -> Ints:
    """The rank of each row: by ``event_at``, then by delivery, then as they stand, by their id."""
    order = np.lexsort((day_numbers(rows["known_on"]), day_numbers(rows[LOADED_ON]), at))
    rank = np.empty(order.size, dtype=np.int64)
    rank[order] = np.arange(order.size)
    return rank


def _checked_rows(dimension: pa.Table, lookup: LookupPlan) -> pa.Table:
    """The rows, also those without a key; ContractError where it cannot be told when one of them was seen."""
    lacking = [name for name in (*lookup.dated_by, *lookup.columns) if name not in dimension.column_names]
    if lacking:
        raise ContractError(f"rows to look up lack {', '.join(lacking)}", where=f"table {lookup.table}")
    rows = dimension
    if lookup.on == lookup.event_id:  # without it a row is no version of anything
        rows = rows.filter(pc.is_valid(rows[lookup.on]))
    for name in lookup.dated_by:
        if name != lookup.on and rows[name].null_count:
            raise ContractError(f"rows to look up have a null {name}", where=f"table {lookup.table}")
    is_dated = LOADED_ON in rows.column_names and rows[LOADED_ON].null_count == 0
    if is_dated:
        return rows
    if len(pc.unique(rows[lookup.event_id])) < rows.num_rows:
        what = f"versions of a row to look up have no {LOADED_ON} that tells which came last"
        raise ContractError(what, where=f"table {lookup.table}")
    known = rows["known_on"]
    return rows.drop_columns([n for n in (LOADED_ON,) if n in rows.column_names]).append_column(LOADED_ON, known)


def _sources_of(rows: pa.Table) -> pa.ChunkedArray | None:
    """The source of each looked-up row; None where they do not name it, because they are of one."""
    if "source" not in rows.column_names or rows["source"].null_count == rows.num_rows:
        return None
    return pc.fill_null(rows["source"].cast(pa.string()), "")


def _source_of(customers: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.replace_substring_regex(customers.cast(pa.string()), ":.*", "")


def _with_source(keys: pa.ChunkedArray, sources: pa.ChunkedArray | None) -> pa.ChunkedArray:
    """The keys as texts, told apart by their source: two sources may use one code. A null key stays null."""
    keys = keys.cast(pa.string())
    return keys if sources is None else pc.binary_join_element_wise(sources, keys, _SEPARATOR)


def _with_columns(events: pa.Table, rows: pa.Table, lookup: LookupPlan, found: Ints) -> pa.Table:
    places = pa.array(found, mask=found < 0)
    for name in lookup.columns:
        events = events.append_column(name, one_array(rows[name]).take(places))
    return events


def _instants(days: Ints, zone: Zone) -> Ints:
    return np.where(days == NEVER, NEVER, zone.midnights(np.where(days == NEVER, 0, days)))


def _micros(rows: pa.Table, name: str) -> Ints:
    return np.asarray(one_array(rows[name].cast(pa.timestamp("us", "UTC"))).view(pa.int64()).to_numpy())
