"""Rows in canonical order, and which of them each observation may see.

Sorting, versions, visibility, before any window is looked at.

Canonical order is (entity, event_at, sequence, event_id), a missing sequence after the others. The *current* rows are
the last known version of each event, without retracted ones. For most observations the visible rows are exactly the
first so many current rows of their customer: these are *plain*. The others (a row of theirs came late, or was still
an older version then) are *intricate*, and get a copy of their own visible rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tallystick.errors import ContractError
from tallystick.kernel.compiled import compiled
from tallystick.kernel.exact import spread_ranges
from tallystick.kernel.nullable import Array, Bools, Ints, vector_of
from tallystick.kernel.same_events import find_version_ends
from tallystick.visibility import NEVER, SEEN_FROM, SEEN_UNTIL

if TYPE_CHECKING:
    from tallystick.kernel.plan import GroupPlan
    from tallystick.kernel.zones import Zone


@dataclass(frozen=True, slots=True, eq=False)
class Events:
    """All rows of some entities in canonical order. ``order`` leads to rows of the input (None: they are in order),
    ``entity`` numbers its customers from 0, ``until`` is the date from which a version delivered later is in force
    (None: no event has two versions), ``is_retracted`` is None where no row is.
    """

    order: Ints | None
    entity: Ints
    at: Ints
    known: Ints
    until: Ints | None
    is_retracted: Bools | None

    def rows(self, index: Ints) -> Events:
        """The rows at ``index``."""
        return Events(
            index if self.order is None else self.order[index],
            self.entity[index],
            self.at[index],
            self.known[index],
            None if self.until is None else self.until[index],
            None if self.is_retracted is None else self.is_retracted[index],
        )

    def span(self, rows: slice) -> Events:
        """Neighbouring rows without a copy, as if they were the input."""
        until = None if self.until is None else self.until[rows]
        is_retracted = None if self.is_retracted is None else self.is_retracted[rows]
        return Events(None, self.entity[rows], self.at[rows], self.known[rows], until, is_retracted)

    def seen(self) -> tuple[Ints, Ints]:
        """The days from which and before which each row is seen; no second ones where nothing is replaced."""
        known = self.known if self.is_retracted is None else np.where(self.is_retracted, NEVER, self.known)
        return known, self.at[:0] if self.until is None else self.until

    def inputs(self, rows: slice | Ints) -> Ints | slice:
        """The rows of the input that stand at ``rows`` here."""
        return rows if self.order is None else self.order[rows]


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """Observations: number of the customer (-1 without any row), instant, business date, and ``when`` they see rows.

    ``when`` is measured as the rows' ``known`` and ``until`` are: dates, or instants where these are instants.
    """

    entity: Ints
    as_of: Ints
    day: Ints
    when: Ints

    def at(self, index: Ints | slice) -> Asked:
        """Those at ``index``."""
        return Asked(self.entity[index], self.as_of[index], self.day[index], self.when[index])


@dataclass(frozen=True, slots=True, eq=False)
class Ranges:
    """For each of some observations, the visible rows ``[first, end)`` of these rows."""

    first: Ints
    end: Ints

    def at(self, index: Ints | slice) -> Ranges:
        """Those at ``index``."""
        return Ranges(self.first[index], self.end[index])


def read_asked(observations: pa.Table, customers: pa.Array, zone: Zone, *, by_instant: bool) -> Asked:
    """The observations against the distinct ``customers`` of the events, which are seen by date or ``by_instant``."""
    for name in ("customer_id", "as_of"):
        if observations.column(name).null_count:
            raise ContractError(f"observations have a null {name}")
    entity = pc.fill_null(pc.index_in(_plain(observations.column("customer_id")), value_set=customers), -1)
    as_of = vector_of(observations.column("as_of"), "as_of").values
    numbers = np.asarray(entity.to_numpy()).astype(np.int64)
    days = zone.dates(as_of)
    return Asked(numbers, as_of, days, as_of if by_instant else days)


def read_events(events: pa.Table, plan: GroupPlan, *, has_versions: bool) -> tuple[Events, pa.Array]:
    """The rows in canonical order with their versions resolved, and the distinct customers by number."""
    customer = vector_of(events.column(plan.entity), plan.entity)
    at = vector_of(events.column(plan.event_at), plan.event_at)
    known = vector_of(events.column(plan.known_on), plan.known_on)
    for name, vector in ((plan.entity, customer), (plan.event_at, at), (plan.known_on, known)):
        if vector.valid is not None:
            raise ContractError(f"events have a null {name}", where=f"table {plan.table}")
    entity = customer.values.astype(np.int64)
    given = _with_spans(events, plan, (entity, at.values, known.values), has_versions=has_versions)
    # Codes as narrow as they come: comparing neighbours reads a fraction of the bytes.
    order = _canonical_order(events, plan, customer.values, at.values)
    texts = customer.texts if customer.texts is not None else pa.array([], pa.string())
    return (given if order is None else given.rows(order)), texts


def is_seen_by_instant(events: pa.Table) -> bool:
    """Is it worked out already from which instant and until which each row is seen."""
    return SEEN_FROM in events.column_names


def _with_spans(events: pa.Table, plan: GroupPlan, columns: tuple[Ints, Ints, Ints], *, has_versions: bool) -> Events:
    """The rows as they are given (``columns``: entity, instant, date of knowledge), with the spans they are seen in."""
    entity, at, known = columns
    if is_seen_by_instant(events):
        since, until = (vector_of(events.column(name), name).values for name in (SEEN_FROM, SEEN_UNTIL))
        return Events(None, entity, at, since, until, None)
    ends = None
    if has_versions:
        ends = find_version_ends(events, plan.event_id, entity=entity, known=known, where=f"table {plan.table}")
    retracted = vector_of(events.column("is_retracted"), "is_retracted").is_true()
    return Events(None, entity, at, known, ends, retracted if retracted.any() else None)


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(pa.string()) if column.type != pa.string() else column


def _canonical_order(events: pa.Table, plan: GroupPlan, entity: Array, at: Ints) -> Ints | None:
    """The rows in canonical order; None when they already stand in it, as they do in a file."""
    order: Ints | None = None
    if not _is_sorted(entity, at):
        order = np.argsort(entity, kind="stable")
        entity, at_sorted = entity[order], at[order]
        if not _is_sorted(entity, at_sorted):
            within = np.lexsort((at_sorted, entity))
            order, at_sorted = order[within], at_sorted[within]
        at = at_sorted
    # Rows of one instant need an order only where an operation can tell them apart.
    if not plan.is_ordered:
        return order
    same = (entity[1:] == entity[:-1]) & (at[1:] == at[:-1])
    if not same.any():
        return order
    tied = np.zeros(at.size, dtype=np.bool_)
    tied[1:] |= same
    tied[:-1] |= same
    places = np.flatnonzero(tied)
    order = np.arange(at.size) if order is None else order
    rows = pa.array(order[places])
    keys = {"run": pa.array(np.cumsum(np.concatenate(([True], ~same)))[places])}
    if plan.sequence:
        keys["sequence"] = events.column(plan.sequence).take(rows)
    keys["id"] = _plain(events.column(plan.event_id)).take(rows)
    within = pc.sort_indices(pa.table(keys), sort_keys=[(name, "ascending", "at_end") for name in keys])
    order[places] = order[places][np.asarray(within.to_numpy())]
    return order


def _is_sorted(entity: Array, at: Ints) -> bool:
    if (entity[1:] < entity[:-1]).any():
        return False
    return not ((at[1:] < at[:-1]) & (entity[1:] == entity[:-1])).any()


def find(values: Ints, low: Ints, high: Ints, target: Ints) -> Ints:
    """For each range ``[low, high)`` of ascending ``values`` the first place whose value is not below ``target``, which
    may have several lines.
    """
    lines = np.ascontiguousarray(target if target.ndim == 2 else target[None])
    found: Ints = compiled().find_places(np.ascontiguousarray(values), (low, high), lines)
    return found.reshape(target.shape)


def entity_ranges(entity: Ints, wanted: Ints) -> Ranges:
    """The rows of each wanted entity, none for -1. ``entity`` is ascending."""
    if not wanted.size:
        return Ranges(wanted, wanted)
    # Each customer between the first and the last is looked for once, however often it is wanted.
    first = int(wanted.min())
    edges = np.searchsorted(entity, np.arange(first, int(wanted.max()) + 2))
    return Ranges(edges[wanted - first], edges[wanted - first + 1])


def current_rows(events: Events) -> Events:
    """The last version of every event that is not retracted."""
    if events.until is None and events.is_retracted is None:
        return events
    keep = np.ones(events.at.size, dtype=np.bool_) if events.until is None else events.until == NEVER
    if events.is_retracted is not None:
        keep &= ~events.is_retracted
    return events.rows(np.flatnonzero(keep))


def observed_rows(events: Events, asked: Asked) -> Events:
    """The rows of customers that are observed, where they are clearly fewer than all; else all."""
    ranges = entity_ranges(events.entity, np.unique(asked.entity))
    if 2 * int((ranges.end - ranges.first).sum()) > events.entity.size:
        return events
    return events.rows(spread_ranges(ranges.first, ranges.end)[0])


def visible_prefix(events: Events, current: Events, asked: Asked, *, ranges: Ranges) -> tuple[Ranges, Bools]:
    """For each observation the first so many current rows that it sees, and whether that is the whole truth.

    ``ranges`` are all current rows of its customer.
    """
    end = find(current.at, ranges.first, ranges.end, asked.as_of)
    known_end, is_late = compiled().cut_unknown((current.entity, current.known), (ranges.first, end), asked.when)
    return Ranges(ranges.first, known_end), ~(is_late | _was_older(events, asked))


def _was_older(events: Events, asked: Asked) -> Bools:
    """Observations made before the last correction to a row of their customer became known."""
    if events.until is None:
        return np.zeros(asked.entity.size, dtype=np.bool_)
    superseded = events.until != NEVER
    # One place more than customers: -1 stands at the end.
    count = max(events.entity.max(initial=-1), asked.entity.max(initial=-1)) + 2
    last = np.full(int(count), np.iinfo(np.int64).min)
    np.maximum.at(last, events.entity[superseded], events.until[superseded])
    return asked.when < last[asked.entity]


def own_rows(events: Events, asked: Asked) -> tuple[Ints | Bools, Ranges]:
    """For each observation a copy of exactly its visible rows: an index into ``events``, and its range of the copy."""
    ranges = entity_ranges(events.entity, asked.entity)
    end = find(events.at, ranges.first, ranges.end, asked.as_of)
    if asked.entity.size == 1:
        # The only one of a huge customer: a mask takes a byte a row, and long runs are copied as such.
        sees = np.zeros(events.at.size, dtype=np.bool_)
        rows = slice(int(ranges.first[0]), int(end[0]))
        sees[rows] = _sees(events, rows, asked.when[0])
        return sees, Ranges(np.zeros(1, dtype=np.int64), np.array([np.count_nonzero(sees)]))
    places, owner = spread_ranges(ranges.first, end)
    is_seen = _sees(events, places, asked.when[owner])
    kept = np.bincount(owner[is_seen], minlength=end.size)
    ends = np.cumsum(kept)
    return places[is_seen], Ranges(ends - kept, ends)


def _sees(events: Events, rows: slice | Ints, when: Ints | np.int64) -> Bools:
    """Are these rows known by then, by a version that is not replaced by then and no retraction."""
    sees: Bools = events.known[rows] <= when
    if events.until is not None:
        sees &= events.until[rows] > when
    if events.is_retracted is not None:
        sees &= ~events.is_retracted[rows]
    return sees
