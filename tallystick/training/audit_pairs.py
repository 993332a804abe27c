"""The leakage audit of events between customers: is a stored row what the rows known by its date give, and they alone?

The graph of a row is built again from what was visible at its snapshot, and its two customers are found again in what
was visible on the date from which the row counts. The removal is that of ``audit_graph``, which shares no code with the
visibility that it checks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tallystick.how_far import HowFar, parts_of, untold
from tallystick.training.audit_findings import AuditFinding
from tallystick.training.audit_graph import Pieces, known_then, truncated

_CHECK = "pair_truncation"
_VERSION = ("known_on", "loaded_on", "is_retracted")


@dataclass(frozen=True, kw_only=True, slots=True)
class SeenThen:
    """Rows with nothing but what was visible: the graph's tables at a ``snapshot``, those for ``parties`` at the date
    from which rows count; of the ``events`` the versions in force on that date.
    """

    snapshot: Mapping[str, Pieces]
    parties: Mapping[str, Pieces]
    events: Pieces


# Builds the rows that count from the date on and no later; None where the source lacks a table.
Rebuild = Callable[[SeenThen, date], pa.Table | None]


@dataclass(frozen=True, kw_only=True, slots=True)
class ReplayedPairs:
    """The events between customers of one graph and how to build them again.

    ``stored`` has customer_id, the ``event_id``, known_on, loaded_on, is_retracted, measured_on (the snapshot) and all
    else that is compared. ``pieces`` are the clean tables of the graph by name and ``events`` the table of the events,
    all versions, piece by piece; ``event_ids`` and ``events_id`` name the columns that tell their events apart.
    """

    name: str
    event_id: str
    stored: pa.Table
    pieces: Mapping[str, Pieces]
    event_ids: Mapping[str, str]
    events: Pieces
    events_id: str
    rebuild: Rebuild


def check_replayed_pairs(
    replayed: Sequence[ReplayedPairs],
    sample: pa.Table,
    *,
    zone: str,
    dates: int,
    seed: int = 0,
    how_far: HowFar = untold,
) -> list[AuditFinding]:
    """Build rows again from nothing but what was visible then, and name each column that changes.

    ``dates`` pairs of a snapshot and a date from which rows count, of those up to the last observation of the
    ``sample``, are drawn by ``seed``, all if there are fewer. All their rows are compared, exactly, null with null; a
    row that is in one of both alone differs in every column. Where nothing was compared the check fails. Without pairs
    there is nothing to check, and no finding.
    """
    changed: dict[str, int] = {}
    unseen, compared, built = [], 0, 0
    for one, of_one in zip(replayed, parts_of(how_far, [1] * len(replayed)), strict=True):
        chosen = _choose(one.stored, sample, zone=zone, size=dates, seed=seed)
        if not chosen:
            unseen.append(one.name)
        for (snapshot, known_on), of_day in zip(chosen, parts_of(of_one, [1] * len(chosen)), strict=True):
            ours = _in_force(one.stored, one.event_id, snapshot, known_on)
            theirs = _rebuilt(one, snapshot, known_on, zone=zone)
            for name, count in _count_changes(ours, theirs, one.event_id).items():
                changed[f"{one.name}.{name}"] = changed.get(f"{one.name}.{name}", 0) + count
            compared += ours.num_rows * (ours.num_columns - len(_VERSION) - 2)
            built += 1
            of_day(1.0)
    if not replayed:
        return []
    finding = partial(AuditFinding, check=_CHECK, threshold=0.0)
    if not changed and not unseen:
        detail = f"events of {built} dates built again, {compared} values compared"
        return [finding(value=0.0, is_passed=True, detail=detail)]
    detail = "values change when rows that were not visible then are removed"
    return [
        finding(feature=name, value=float(count), is_passed=False, detail=f"{count} {detail}")
        for name, count in sorted(changed.items())
    ] + [
        finding(feature=name, value=None, is_passed=False,
                detail="no row is stored that counts by the last observation of the sample: nothing was compared")
        for name in unseen
    ]  # fmt: skip


def _choose(stored: pa.Table, sample: pa.Table, *, zone: str, size: int, seed: int) -> list[tuple[date, date]]:
    """Snapshots and dates from which rows count, up to the last observation."""
    last = pc.max(sample["as_of"]).as_py()
    if last is None:
        return []
    until = pa.scalar(last.astimezone(ZoneInfo(zone)).date(), pa.date32())
    is_measured = pc.and_(pc.is_valid(stored["measured_on"]), pc.invert(stored["is_retracted"]))
    counting = stored.filter(pc.and_(pc.less_equal(stored["known_on"], until), is_measured))
    held = counting.group_by(["measured_on", "known_on"]).aggregate([]).to_pylist()
    found = sorted((row["measured_on"], row["known_on"]) for row in held)
    if len(found) <= size:
        return found
    places = np.random.default_rng(seed).choice(len(found), size=size, replace=False)
    return [found[place] for place in sorted(places)]


def _in_force(rows: pa.Table, event_id: str, snapshot: date, known_on: date) -> pa.Table:
    """The rows of a snapshot that count from that date on and are not replaced at once."""
    last = known_then(rows, event_id, known_on)
    is_new = pc.equal(last["known_on"], pa.scalar(known_on, pa.date32()))
    return last.filter(pc.and_(is_new, pc.equal(last["measured_on"], pa.scalar(snapshot, pa.date32()))))


def _rebuilt(one: ReplayedPairs, snapshot: date, known_on: date, *, zone: str) -> pa.Table:
    """The same rows from what was visible alone."""
    seen = SeenThen(
        snapshot=truncated(one.pieces, one.event_ids, snapshot, zone=zone),
        parties=truncated(one.pieces, one.event_ids, known_on, zone=zone),
        events=lambda: (known_then(piece, one.events_id, known_on) for piece in one.events()),
    )
    found = one.rebuild(seen, known_on)
    if found is None:
        return one.stored.slice(0, 0)
    return _in_force(found.select(one.stored.column_names), one.event_id, snapshot, known_on)


def _count_changes(ours: pa.Table, theirs: pa.Table, event_id: str) -> dict[str, int]:
    """In how many rows each column differs."""
    names = [name for name in ours.column_names if name not in ("customer_id", event_id, *_VERSION)]

    def by_event(table: pa.Table) -> dict[tuple[str, str], tuple[Any, ...]]:
        keys = zip(table["customer_id"].to_pylist(), table[event_id].to_pylist(), strict=True)
        return dict(zip(keys, zip(*(table[name].to_pylist() for name in names), strict=True), strict=True))

    stored, built = by_event(ours), by_event(theirs)
    alone = len(stored.keys() ^ built.keys())
    both = [zip(stored[key], built[key], strict=True) for key in stored.keys() & built.keys()]
    counts = dict.fromkeys(names, alone)
    for values in both:
        for name, (one, other) in zip(names, values, strict=True):
            counts[name] += one != other
    return {name: count for name, count in counts.items() if count}
