"""Rows by a key, such as a customer or an account, to be asked for what was visible on many dates at once.

Kept apart from ``seen_rows``, which looks at all rows as of one moment.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tallystick.kernel.zones import zone_offsets
from tallystick.ties.seen_rows import Codes, Ints, SeenSpans


@dataclass(frozen=True, slots=True, eq=False)
class KeyedSpans:
    """Spans of rows in ascending order of a key; of one key they stay in the order in which they came."""

    starts: Ints
    spans: SeenSpans

    @classmethod
    def of(cls, spans: SeenSpans, keys: Codes, *, count: int) -> KeyedSpans:
        """By keys from 0 to before ``count``; rows with a key of -1 are left out."""
        order = np.argsort(keys, kind="stable")
        order = order[np.searchsorted(keys[order], 0) :]
        starts = np.zeros(count + 1, dtype=np.int64)
        np.cumsum(np.bincount(keys[order], minlength=count), out=starts[1:])
        return cls(starts, spans.taken(order))

    def person(self, keys: Codes, days: Codes, *, zone: str) -> Codes:
        """The customer of the last row of each key that is visible on its date, -1 where there is none.

        Visible at the midnight that begins the date, as for a snapshot of that date.
        """
        from tallystick.kernel import visible_loops

        found = np.empty(keys.size, dtype=np.int64)
        rows = (self.spans.at, self.spans.known, self.spans.until)
        midnights = zone_offsets(zone).midnights(days.astype(np.int64))
        visible_loops.find_last(self.starts, rows, (keys, days, midnights), found)
        return np.append(self.spans.person, np.int32(-1))[found]
