"""How far back a load reaches with applications that nobody had seen before.

What lives here: that one question. What must not: storage (reading is a function that a job hands in), observations.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import partial
from typing import Protocol
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from tallystick.features.planning import date_bounds
from tallystick.spec.recipes import Applications, Daily
from tallystick.spec.sources import Source

PAIR = ("customer_id", "event_at")


class ReadRows(Protocol):
    """How a table is read; a function that a job hands in."""

    def __call__(self, name: str, *, columns: Sequence[str], version: int, filter: pc.Expression) -> pa.Table:  # noqa: A002 - the word Arrow uses
        """The rows of a version that pass the filter, of all sources, in any order."""


class PinnedVersion(Protocol):
    """A version of a table, fixed for the whole job."""

    @property
    def version(self) -> int:
        """Its number."""


def reach_back(
    read: ReadRows,
    observations: Applications | Daily,
    *,
    pinned: Mapping[str, PinnedVersion],
    source: Source,
    loaded_on: date | None,
    first: date | None,
) -> date | None:
    """``first``, or the earlier business date of the earliest application that the load of ``loaded_on`` made known.

    A night observes the applications since ``first``. One that is delivered later than that belongs to the date it was
    made on all the same, and that night is over. Applications that an earlier load had at the same instant are not
    news: they were observed then, whatever this load corrects in them. Retracted rows neither make nor took a place.
    Without a load or a first date nothing is looked for, nor for daily observations: late rows change no day before.
    """
    if loaded_on is None or first is None or isinstance(observations, Daily) or observations.table not in pinned:
        return first
    rows = partial(read, observations.table, columns=PAIR, version=pinned[observations.table].version)
    low, _ = date_bounds(source, first=first, last=None)
    ours = (pc.field("source") == source.name) & ~pc.field("is_retracted") & (pc.field("event_at") < pa.scalar(low))
    brought = rows(filter=ours & (pc.field("loaded_on") == loaded_on))
    if not brought.num_rows:
        return first
    since = pc.field("event_at") >= pc.min(brought["event_at"])
    before = rows(filter=ours & since & (pc.field("loaded_on") < loaded_on))
    news = brought.join(before, keys=list(PAIR), join_type="left anti")
    if not news.num_rows:
        return first
    earliest: datetime = pc.min(news["event_at"]).as_py()
    return earliest.astimezone(ZoneInfo(source.zone)).date()
