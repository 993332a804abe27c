"""Where a nightly run begins: with the earliest application of the last months that has no row yet.

What lives here: that one question. What must not: storage (reading is a function that a job hands in), who is observed
(``population`` says it).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from tallystick.errors import NotFound
from tallystick.features.planning import date_bounds
from tallystick.features.population import decided_versions
from tallystick.spec.observations import ObservationSet
from tallystick.spec.sources import Source


class ReadRows(Protocol):
    """How a table is read; a function that a job hands in."""

    def __call__(self, name: str, *, columns: Sequence[str], filter: pc.Expression) -> pa.Table:  # noqa: A002 - the word Arrow uses
        """The rows that pass the filter, of all sources, in any order; NotFound for a table that does not exist."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """The tables that shall have a row of each application.

    ``tables`` gives the partition values, beside the source, of the rows that count. ``key`` names the columns by which
    a row is that of an application: ``as_of``, its instant, and ``customer_id`` or the application's own id, which is
    ``event_id``.
    """

    observations: ObservationSet
    tables: Mapping[str, Mapping[str, str]]
    key: tuple[str, ...]
    event_id: str

    @classmethod
    def in_features(cls, observations: ObservationSet, tables: Iterable[str], *, drawn_from: Mapping[str, str]) -> Kept:
        """Feature tables, where applications of a customer at one instant share a row.

        ``drawn_from`` gives the event_id column of the table that applications are drawn from.
        """
        rows = {name: {"observations": observations.name} for name in tables}
        event_id = next(iter(drawn_from.values()))
        return cls(observations=observations, tables=rows, key=("customer_id", "as_of"), event_id=event_id)

    @classmethod
    def in_scores(cls, observations: ObservationSet, table: str, *, recipe: str) -> Kept:
        """The score table, which has a row for each application and recipe."""
        key = ("application_id", "as_of")
        return cls(observations=observations, tables={table: {"recipe": recipe}}, key=key, event_id=key[0])


def begin_early(read: ReadRows, kept: Kept, *, source: Source, first: date | None, days: int) -> date | None:
    """``first``, or the date of the earliest application of the ``days`` before it that one of the tables lacks.

    A night observes the applications since ``first``. An application that is delivered later than that, or whose night
    failed, belongs to the date it was made on all the same: it is looked for by the row that it lacks, whichever load
    brought it. The version that was decided on counts, as for the observations themselves, so a later correction is no
    reason to begin early. Without a first date everything is observed; late rows change no daily observation before.
    """
    if first is None or days == 0 or not kept.observations.by_event:
        return first
    low, high = date_bounds(source, first=first - timedelta(days=days), last=first - timedelta(days=1))
    ours, since = pc.field("source") == source.name, pa.scalar(low)
    columns = [kept.event_id, "customer_id", "event_at", "known_on", "loaded_on", "is_retracted"]
    rows = read(kept.observations.table, columns=columns, filter=ours & (pc.field("event_at") >= since))
    decided = decided_versions(rows, kept.event_id, zone=source.zone).rename_columns({"event_at": "as_of"})
    asked = decided.filter(pc.field("as_of") < pa.scalar(high)).select(list(kept.key))
    found = []
    for name, values in kept.tables.items():
        wanted = ours & (pc.field("as_of") >= since) & (pc.field("as_of") < pa.scalar(high))
        for column, value in values.items():
            wanted &= pc.field(column) == value
        held = asked.slice(0, 0)
        with contextlib.suppress(NotFound):
            held = read(name, columns=kept.key, filter=wanted).cast(asked.schema)
        lacking = asked.join(held, keys=list(kept.key), join_type="left anti")
        found.append(pc.min(lacking["as_of"]).as_py())
    earliest = min((moment for moment in found if moment is not None), default=None)
    return earliest.astimezone(ZoneInfo(source.zone)).date() if earliest is not None else first
