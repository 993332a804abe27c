"""Which deliveries of a source are loaded, on which date, and what a load of some more is made of.

What is loaded is what the last publication committed. The mark beside a landed delivery is written after it, so a run
that was killed between the two leaves a delivery that is loaded and has no mark: ``monitor.loads`` names it.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path

from tallystick.ingest.contents import LoadContents
from tallystick.ingest.deliveries import landed_delivery
from tallystick.ingest.load_dates import read_again
from tallystick.ingest.rejected import waiting_files_sql, waiting_tables
from tallystick.places import RemotePath
from tallystick.runs.context import RunContext
from tallystick.spec.delivery_names import read_records
from tallystick.spec.mappings import CLEAN
from tallystick.tables import check_layout, pin_all, query
from tallystick.tables.landing import Landing, find_landing, load_dates
from tallystick.tables.store.earlier_rows import StoredBefore

LOADS = "monitor.loads"


@dataclass(frozen=True, kw_only=True, slots=True)
class Loaded:
    """Load dates by delivery: ``marked`` are done, ``unmarked`` were committed by a run that was killed then."""

    marked: Mapping[str, date]
    unmarked: Mapping[str, date]

    @classmethod
    def of(cls, context: RunContext) -> Loaded:
        """Those of the context's source."""
        landed = load_dates(context.warehouse, context.source.name)
        marked = {name: day for name, day in landed.items() if day}
        committed = _committed(context)
        unmarked = {name: committed[name] for name in landed if name in committed and name not in marked}
        return cls(marked=marked, unmarked=unmarked)

    @property
    def all(self) -> dict[str, date]:
        """All of them."""
        return {**self.unmarked, **self.marked}


def _committed(context: RunContext) -> dict[str, date]:
    if not context.warehouse.exists(LOADS):
        return {}
    pinned = pin_all(context.warehouse, [LOADS]).values()
    loads = StoredBefore.of(pinned, context.contracts, source=context.source.name, before=date.max)
    if not loads.has_rows(LOADS):
        return {}
    rows = loads.read(LOADS, ["loaded_on", "deliveries"]).to_pylist()
    return {
        name: row["loaded_on"]
        for row in rows
        for name in (read_records(row["deliveries"]) if row["deliveries"] else [str(row["loaded_on"])])
    }


def load_contents(
    context: RunContext, day: date, names: Iterable[str], *, loaded: Mapping[str, date], origins: Mapping[str, Path]
) -> LoadContents:
    """What the load of ``day`` is made of: the landed deliveries ``names``, those that it holds already, and those of
    earlier loads that say something after the oldest of them. ``origins`` are where the supplier put them.
    """
    source = context.source
    own = sorted({*names, *(name for name, known in loaded.items() if known == day)})
    before = {name: known for name, known in loaded.items() if known < day and name not in own}
    again = read_again(own, before)
    deliveries = [
        landed_delivery(
            source,
            find_landing(context.warehouse, source.name, name).local,
            origin=origins.get(name),
            is_again=name in again,
        )
        for name in sorted([*own, *again])
    ]
    return LoadContents(
        load_date=day, deliveries=tuple(deliveries), earlier=_earlier(context, before=day), oldest=_oldest(before)
    )


def _oldest(loaded: Mapping[str, date]) -> dict[date, str]:
    """The first delivery by name of every load that has an earlier one than the night of its own date, or not that."""
    oldest: dict[date, str] = {}
    for name, day in sorted(loaded.items()):
        oldest.setdefault(day, name)
    return {day: name for day, name in oldest.items() if name != day.isoformat()}


def _earlier(context: RunContext, *, before: date) -> StoredBefore:
    """What the load is held against: the rows of the loads before it, and the rejects among which some wait."""
    warehouse, source = context.warehouse, context.source
    stored = [table for table in source.tables if warehouse.exists(f"{CLEAN}.{table}_rejected")]
    waiting = waiting_tables(partial(query, warehouse), stored, source=source.name, before=before)
    _fetch_waiting(context, waiting, before=before)
    tables = [*stored, *(f"{table}_rejected" for table in waiting)]
    pinned = pin_all(warehouse, [f"{CLEAN}.{table}" for table in tables]).values()
    check_layout(warehouse, pinned, context.contracts, source=source)
    return StoredBefore.of(pinned, context.contracts, source=source.name, before=before)


def _fetch_waiting(context: RunContext, tables: Sequence[str], *, before: date) -> None:
    """Have the files here in which rows of these tables wait: they are read again. Those of a folder are here."""
    if not tables or not isinstance(context.warehouse.root, RemotePath):
        return
    source, names = context.source.name, defaultdict[str, list[str]](list)
    for file in query(context.warehouse, waiting_files_sql(tables, source=source, before=before))["file"].to_pylist():
        delivery, _, name = file.partition("/")
        names[delivery].append(name)
    for delivery, files in names.items():
        find_landing(context.warehouse, source, delivery).fetch(files)


def raw_sha256(landed: Iterable[Landing]) -> str:
    """What a load's deliveries hold: the SHA-256 of the manifest, of several that of theirs one after the other."""
    told = [landing.sha256 for landing in landed]
    return told[0] if len(told) == 1 else hashlib.sha256("".join(told).encode()).hexdigest()


def delivery_size(landed: Iterable[Landing]) -> int:
    """Packed bytes."""
    return sum(file.size for landing in landed for file in landing.manifest)
