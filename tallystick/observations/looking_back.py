"""Where a nightly run begins: with the earliest event of the last days whose observation has no row yet."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from tallystick.errors import NotFound
from tallystick.observations.dates import date_bounds
from tallystick.observations.needs import columns_to_read
from tallystick.observations.population import observe
from tallystick.observations.specs import ObservationSpec
from tallystick.spec.sources import Source


class ReadRows(Protocol):
    """How a table is read; a function that a run hands in."""

    def __call__(self, name: str, *, columns: Sequence[str], filter: pc.Expression) -> pa.Table:  # noqa: A002 - the word Arrow uses
        """The rows that pass the filter, of all sources, in any order; NotFound for a table that does not exist."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ExpectedRows:
    """The tables that shall have a row of each observation of a set.

    ``tables`` gives the partition values, beside the source, of the rows that count.
    """

    spec: ObservationSpec
    tables: Mapping[str, Mapping[str, str]]

    @classmethod
    def in_features(cls, spec: ObservationSpec, tables: Iterable[str]) -> ExpectedRows:
        """Feature tables, which hold a row for each observation of the set."""
        return cls(spec=spec, tables={name: {"observations": spec.name} for name in tables})

    @classmethod
    def in_scores(cls, spec: ObservationSpec, table: str, *, recipe: str) -> ExpectedRows:
        """A score table, which has a row for each observation and recipe."""
        return cls(spec=spec, tables={table: {"recipe": recipe}})


def backfill_start(
    read: ReadRows, expected: ExpectedRows, *, source: Source, first: date | None, days: int
) -> date | None:
    """``first``, or the date of the earliest observation of the ``days`` before it that one of the tables lacks.

    A night observes the events since ``first``. One that is delivered later than that, or whose night failed, belongs
    to the date it happened on all the same: it is looked for by the row that it lacks, whichever load brought it. The
    version that was decided on counts, as for the observations themselves, so a later correction is no reason to begin
    earlier. Without a first date everything is observed; sets that are seen at midnights gain nothing from late rows.
    """
    if first is None or days == 0 or not expected.spec.declared.by_event:
        return first
    spec = replace(expected.spec, first=first - timedelta(days=days), last=first - timedelta(days=1))
    low, high = date_bounds(source, first=spec.first, last=spec.last)
    ours, since = pc.field("source") == source.name, pa.scalar(low)
    (table, columns), *_ = columns_to_read(spec).items()
    # Seen a microsecond after it, the last event of a day belongs to the next one.
    happened = pc.field("event_at") >= pc.subtract(since, timedelta(microseconds=spec.declared.microseconds_after))
    rows = read(table, columns=columns, filter=ours & happened)
    asked = observe(spec, {table: rows}.__getitem__, zone=source.zone)
    asked = asked.select(["observation_id", "as_of"])
    found = []
    for name, values in expected.tables.items():
        wanted = ours & (pc.field("as_of") >= since) & (pc.field("as_of") < pa.scalar(high))
        for column, value in values.items():
            wanted &= pc.field(column) == value
        held = asked.slice(0, 0)
        with contextlib.suppress(NotFound):
            held = read(name, columns=asked.column_names, filter=wanted).cast(asked.schema)
        lacking = asked.join(held, keys=asked.column_names, join_type="left anti")
        found.append(pc.min(lacking["as_of"]).as_py())
    earliest = min((moment for moment in found if moment is not None), default=None)
    return earliest.astimezone(ZoneInfo(source.zone)).date() if earliest is not None else first
