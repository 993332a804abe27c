"""The instants that bound the business dates of a run."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np

from tallystick.kernel.zones import zone_offsets
from tallystick.spec.sources import Source
from tallystick.visibility.rows import day_number

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def date_bounds(source: Source, *, first: date | None, last: date | None) -> tuple[datetime | None, datetime | None]:
    """The instants that bound the business dates from ``first`` to ``last`` (both inclusive): low <= as_of < high."""
    low = _midnight(first, source.zone) if first else None
    return low, _midnight(last + timedelta(days=1), source.zone) if last else None


def _midnight(day: date, zone: str) -> datetime:
    number = np.array([day_number(day)], dtype=np.int64)
    return _EPOCH + timedelta(microseconds=int(zone_offsets(zone).midnights(number)[0]))
