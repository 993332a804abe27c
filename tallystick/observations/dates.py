"""Business dates and instants: which instants bound the dates of a run, and on which dates instants lie."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tallystick.kernel.zones import zone_offsets
from tallystick.spec.sources import Source
from tallystick.visibility.rows import day_number

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def date_bounds(source: Source, *, first: date | None, last: date | None) -> tuple[datetime | None, datetime | None]:
    """The instants that bound the business dates from ``first`` to ``last`` (both inclusive): low <= as_of < high."""
    low = _midnight(first, source.zone) if first else None
    return low, _midnight(last + timedelta(days=1), source.zone) if last else None


def business_dates(as_of: pa.ChunkedArray, *, zone: str) -> list[date]:
    """The different local dates of these instants, in order."""
    micros = pc.unique(as_of).cast(pa.int64()).to_numpy(zero_copy_only=False)
    if not len(micros):
        return []
    days = pa.array(zone_offsets(zone).dates(micros).astype("int32")).cast(pa.date32())
    return sorted(set(days.to_pylist()))


def _midnight(day: date, zone: str) -> datetime:
    number = np.array([day_number(day)], dtype=np.int64)
    return _EPOCH + timedelta(microseconds=int(zone_offsets(zone).midnights(number)[0]))
