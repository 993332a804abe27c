"""The rule in Arrow, over rows with ``known_on``, ``loaded_on``, ``is_retracted`` and the id of an event."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tallystick.visibility import LOADED_ON, NEVER
from tallystick.visibility.arrays import Ints, version_ends

_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True, eq=False)
class Spans:
    """Rows by event and delivery, each with the half-open span of day numbers on which its version is in force.

    A version that never comes into force ends before it begins. ``starts`` marks the first row of each event.
    """

    rows: pa.Table
    known: Ints
    until: Ints
    starts: np.ndarray


def known_earlier(rows: pa.Table, days: int) -> pa.Table:
    """The rows as if each version had become known so many days before.

    A decision that is taken so many days after the date of ``as_of`` sees these rows as one on that date sees those
    given: which version is in force depends on ``known_on`` less the date alone. With 0 days nothing is copied.
    """
    if not days:
        return rows
    known = pc.subtract(rows["known_on"].cast(pa.int32()), pa.scalar(days, pa.int32())).cast(pa.date32())
    return rows.set_column(rows.column_names.index("known_on"), "known_on", known)


def version_spans(rows: pa.Table, event_id: str) -> Spans:
    """The spans of all versions; retractions have theirs, too. An event is an ``event_id``."""
    ordered = rows.sort_by([(event_id, "ascending"), (LOADED_ON, "ascending"), ("known_on", "ascending")])
    ids = ordered[event_id].combine_chunks()
    starts = np.ones(len(ids), dtype=bool)
    if len(ids) > 1:
        starts[1:] = pc.not_equal(ids[:-1], ids[1:]).to_numpy(zero_copy_only=False)
    known = day_numbers(ordered["known_on"])
    return Spans(ordered, known, version_ends(np.cumsum(starts), known), starts)


def only_versions(rows: pa.Table) -> Spans:
    """The spans of events that are known to have one version each, in the order of the rows; needs no ids."""
    known = day_numbers(rows["known_on"])
    return Spans(rows, known, np.full(known.size, NEVER, dtype=np.int64), np.ones(known.size, dtype=bool))


def rows_in_force(rows: pa.Table, event_id: str, *, on: date) -> pa.Table:
    """Per event the version in force on a date, retracted ones left out. Order of the rows is not kept."""
    spans, day = version_spans(rows, event_id), day_number(on)
    return _kept(spans.rows, (spans.known <= day) & (spans.until > day))


def latest_versions(rows: pa.Table, event_id: str) -> pa.Table:
    """Per event the version delivered last, retracted ones left out. Order of the rows is not kept."""
    spans = version_spans(rows, event_id)
    return _kept(spans.rows, spans.until == NEVER)


def day_numbers(column: pa.ChunkedArray) -> Ints:
    """Dates as days since 1970-01-01."""
    return np.asarray(column.cast(pa.int32()).to_numpy()).astype(np.int64)


def day_number(day: date) -> int:
    """A date as days since 1970-01-01."""
    return (day - _EPOCH) // timedelta(days=1)


def _kept(rows: pa.Table, wanted: np.ndarray) -> pa.Table:
    return rows.filter(pa.array(wanted)).filter(pc.invert(pc.field("is_retracted")))
