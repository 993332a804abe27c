"""Which version of an event an observation of that event rests on."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tallystick.kernel.zones import zone_offsets
from tallystick.visibility.rows import version_spans


def decided_versions(rows: pa.Table, event_id: str, *, zone: str, review_days: int = 0, after: int = 0) -> pa.Table:
    """Per event the version that its decision was made on; no later correction changes what was decided.

    The event is its own observation: as_of is its event_at, or so many microseconds ``after``. It is decided on
    ``review_days`` after the local date of that. Of the versions that come into force at all, the first counts whose
    date of decision comes before the next one is in force: by then it was decided. So a version that is corrected in
    time is replaced, one that is corrected later stays, and of an event that is delivered late the first version in
    force counts. An event whose chosen version is a retraction is left out. Order is not kept.
    """
    if rows.num_rows == 0:
        return rows
    spans = version_spans(rows, event_id)
    days = zone_offsets(zone).dates(spans.rows["event_at"].combine_chunks().view(pa.int64()).to_numpy() + after)
    # The version delivered last stays in force, so each event has one that was decided on.
    is_decided = (spans.known < spans.until) & (days + review_days < spans.until)
    places = np.where(is_decided, np.arange(days.size), days.size)
    chosen = spans.rows.take(pa.array(np.minimum.reduceat(places, np.flatnonzero(spans.starts))))
    return chosen.filter(pc.invert(chosen["is_retracted"]))
