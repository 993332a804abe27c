"""Who is observed, and when: the observations of one bucket.

What lives here: pure functions from a bucket's clean rows to ``(customer_id, as_of)``. What must not: Spark, storage.

A row counts for a business date D once it is visible at D's local midnight: its version is in force on D
(``tallystick.visibility``), is no retraction, and happened before that instant.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tallystick.kernel.calendar import zone_offsets
from tallystick.kernel.vectors import one_array
from tallystick.visibility import NEVER
from tallystick.visibility.rows import version_spans

OBSERVATION_SCHEMA = pa.schema([("customer_id", pa.string()), ("as_of", pa.timestamp("us", tz="UTC"))])


def observe_applications(
    applications: pa.Table, *, event_id: str, zone: str, first: date | None = None, last: date | None = None
) -> pa.Table:
    """One observation per distinct (customer_id, as_of) of the applications, as_of being the application's instant.

    ``first`` and ``last`` (inclusive) bound the local business date. Of several versions of an application the one
    that was decided on counts (``decided_versions``). Sorted by (customer_id, as_of).
    """
    if applications.num_rows == 0:
        return OBSERVATION_SCHEMA.empty_table()
    decided = decided_versions(applications, event_id, zone=zone)
    days = zone_offsets(zone).dates(_micros(decided["event_at"]))
    wanted = np.ones(len(days), dtype=bool)
    if first is not None:
        wanted &= days >= _day_number(first)
    if last is not None:
        wanted &= days <= _day_number(last)
    chosen = (
        decided.filter(pa.array(wanted)).select(["customer_id", "event_at"]).rename_columns(OBSERVATION_SCHEMA.names)
    )
    return observe_given(chosen)


def observe_given(pairs: pa.Table) -> pa.Table:
    """Each distinct (customer_id, as_of) of ``pairs`` once, sorted by them.

    A customer of whom nothing is stored is observed like any other: counts are 0 and statistics null.
    """
    distinct = pairs.group_by(["customer_id", "as_of"]).aggregate([])
    return (
        distinct.select(OBSERVATION_SCHEMA.names)
        .cast(OBSERVATION_SCHEMA)
        .sort_by([("customer_id", "ascending"), ("as_of", "ascending")])
    )


def observe_daily(tables: Iterable[tuple[str, pa.Table]], *, zone: str, first: date, last: date) -> pa.Table:
    """All customers with a visible row in any of the tables, at the local midnight of every day from first to last.

    ``tables`` gives (event_id column, rows) pairs with columns customer_id, event_at, known_on, is_retracted, loaded_on
    and the event_id column; its name is empty where no event of the rows has a second version, and then neither is
    needed. Both ends are inclusive. Sorted by (customer_id, as_of).
    """
    spans = [
        _visible_spans(rows, event_id=event_id, zone=zone) if event_id else _open_spans(rows, zone=zone, first=first)
        for event_id, rows in tables
        if rows.num_rows
    ]
    if not spans:
        return OBSERVATION_SCHEMA.empty_table()
    customers = one_array(pa.chunked_array([span[0] for span in spans]))
    codes = customers.indices.to_numpy()
    starts = np.concatenate([span[1] for span in spans])
    ends = np.concatenate([span[2] for span in spans])
    days = np.arange(_day_number(first), _day_number(last) + 1, dtype=np.int64)
    order = pc.array_sort_indices(customers.dictionary).to_numpy()
    names = customers.dictionary.take(pa.array(order))
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    present = _presence(rank[codes], starts, ends, days=days, customers=len(order))
    who, when = np.nonzero(present)
    instants = zone_offsets(zone).midnights(days)[when]
    return pa.table(
        [names.take(pa.array(who)), pa.array(instants, type=pa.int64()).cast(OBSERVATION_SCHEMA.field("as_of").type)],
        schema=OBSERVATION_SCHEMA,
    )


def period_names(as_of: pa.ChunkedArray, zone: str, period: str) -> pa.Array:
    """The period each observation is stored in: the local year ``1997`` or month ``1997-05`` of its business date."""
    days = zone_offsets(zone).dates(_micros(as_of)).astype("datetime64[D]")
    return pa.array(days.astype(f"datetime64[{'M' if period == 'month' else 'Y'}]").astype(str))


def decided_versions(applications: pa.Table, event_id: str, *, zone: str) -> pa.Table:
    """Per application the version that its decision was made on; no later correction changes what was decided.

    An application is its own observation: as_of is its event_at. Of the versions that come into force at all, the first
    counts whose local date of event_at comes before the next one is in force: by then it was decided. So a version that
    is corrected in time gives way, one that is corrected later stays, and of an application that is delivered late the
    first version in force counts. An application whose chosen version is a retraction is left out. Order is not kept.
    """
    if applications.num_rows == 0:
        return applications
    spans = version_spans(applications, event_id)
    days = zone_offsets(zone).dates(_micros(spans.rows["event_at"]))
    # The version delivered last is in force for ever, so each application has one that was decided on.
    is_decided = (spans.known < spans.until) & (days < spans.until)
    places = np.where(is_decided, np.arange(days.size), days.size)
    chosen = spans.rows.take(pa.array(np.minimum.reduceat(places, np.flatnonzero(spans.starts))))
    return chosen.filter(pc.invert(chosen["is_retracted"]))


def _visible_spans(rows: pa.Table, *, event_id: str, zone: str) -> tuple[pa.Array, np.ndarray, np.ndarray]:
    """Per version of a row: its customer (a code) and the half-open span of business dates on which it is visible."""
    spans = version_spans(rows, event_id)
    # An event at a local midnight is not before that midnight, so in both cases it is seen from the next day on.
    starts = np.maximum(spans.known, zone_offsets(zone).dates(_micros(spans.rows["event_at"])) + 1)
    keep = ~_flags(spans.rows["is_retracted"]) & (starts < spans.until)
    return _coded(spans.rows["customer_id"]).filter(pa.array(keep)), starts[keep], spans.until[keep]


def _open_spans(rows: pa.Table, *, zone: str, first: date) -> tuple[pa.Array, np.ndarray, np.ndarray]:
    """The same of rows of which no event has a second version: spans that never end, from ``first`` on at the earliest.

    Whoever is visible on the first day stays so: his other rows are not looked at.
    """
    customers, midnight = _coded(rows["customer_id"]), zone_offsets(zone).midnights(np.array([_day_number(first)]))
    codes = customers.indices.to_numpy()
    known, micros = _day_numbers(rows["known_on"]), _micros(rows["event_at"])
    is_kept = ~_flags(rows["is_retracted"])
    is_seen = is_kept & (known <= _day_number(first)) & (micros < midnight)
    # Rows of a customer mostly stand together: each such run is looked at as one.
    runs = np.flatnonzero(np.concatenate(([True], codes[1:] != codes[:-1])))
    who = codes[runs]
    is_present = np.zeros(len(customers.dictionary), dtype=bool)
    is_present[who[np.logical_or.reduceat(is_seen, runs)]] = True
    present = np.flatnonzero(is_present).astype(codes.dtype)
    sizes = np.diff(runs, append=codes.size)
    later = np.flatnonzero(is_kept & np.repeat(~is_present[who], sizes)) if not is_present[who].all() else runs[:0]
    starts = np.maximum(known[later], zone_offsets(zone).dates(micros[later]) + 1)
    starts = np.concatenate((np.full(present.size, _day_number(first), dtype=np.int64), starts))
    seen = pa.DictionaryArray.from_arrays(pa.array(np.concatenate((present, codes[later]))), customers.dictionary)
    return seen, starts, np.full(starts.size, NEVER, dtype=np.int64)


def _coded(column: pa.ChunkedArray) -> pa.DictionaryArray:
    customers = one_array(column)
    return customers if pa.types.is_dictionary(customers.type) else customers.dictionary_encode()


def _flags(column: pa.ChunkedArray) -> np.ndarray:
    return np.asarray(column.to_numpy(zero_copy_only=False)).astype(bool)


def _presence(
    codes: np.ndarray, starts: np.ndarray, ends: np.ndarray, *, days: np.ndarray, customers: int
) -> np.ndarray:
    """Boolean (customer, day): does any span of the customer hold the day. Counts openings less closings per day."""
    first, width = int(days[0]), len(days)
    size = customers * (width + 1)
    opened = np.bincount(codes * (width + 1) + np.clip(starts - first, 0, width), minlength=size)
    # Nearly all spans are open: those that end behind the last day close nothing.
    closing = np.flatnonzero(ends - first < width)
    at = codes[closing] * (width + 1) + np.maximum(ends[closing] - first, 0)
    delta = (opened - np.bincount(at, minlength=size)).reshape(customers, width + 1)
    return np.cumsum(delta, axis=1)[:, :width] > 0


def _micros(column: pa.ChunkedArray) -> np.ndarray:
    return one_array(column).view(pa.int64()).to_numpy()


def _day_numbers(column: pa.ChunkedArray) -> np.ndarray:
    return one_array(column).view(pa.int32()).to_numpy()


def _day_number(day: date) -> int:
    return (day - date(1970, 1, 1)) // timedelta(days=1)
