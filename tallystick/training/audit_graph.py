"""The leakage audit of graphs: is a stored snapshot what the rows visible at its date give, and they alone?

The truncation of one customer's rows says nothing of the neighbours whose rows made a snapshot. So whole snapshots are
built again. The removal here is a plain filter of its own: it shares no code with the visibility that it checks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import partial
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tallystick.how_far import HowFar, parts_of, untold
from tallystick.training.audit_findings import AuditFinding

_KEYS = ("customer_id", "known_on")

# The rows of a table, piece by piece: all versions of an event are in one piece.
Pieces = Callable[[], Iterable[pa.Table]]


@dataclass(frozen=True, kw_only=True, slots=True)
class ReplayedGraph:
    """One graph and how to build a snapshot of it again.

    ``stored`` has customer_id, known_on (the snapshot's date) and the measures. ``pieces`` are the clean tables that it
    is made of, by name, all versions, read piece by piece; ``event_ids`` names the column that tells their events
    apart. ``snapshot`` takes the pieces with the invisible rows removed and the date, and gives customer_id and the
    measures, named as stored.
    """

    name: str
    stored: pa.Table
    pieces: Mapping[str, Pieces]
    event_ids: Mapping[str, str]
    snapshot: Callable[[Mapping[str, Pieces], date], pa.Table]


def check_graphs(
    graphs: Sequence[ReplayedGraph],
    sample: pa.Table,
    *,
    zone: str,
    snapshots: int,
    seed: int = 0,
    how_far: HowFar = untold,
) -> list[AuditFinding]:
    """Build snapshots again from nothing but the rows visible at their midnight, and name each measure that changes.

    ``snapshots`` of those that observations of the ``sample`` have their features from are drawn by ``seed``, all if
    there are fewer. All customers of them are compared, exactly, null with null; a customer who is in one of both alone
    differs in every measure. A graph of which no snapshot was compared fails: nothing was shown of it. Without
    graphs there is nothing to check, and no finding.
    """
    changed: dict[str, int] = {}
    compared, built, unseen = 0, 0, []
    for graph, of_graph in zip(graphs, parts_of(how_far, [1] * len(graphs)), strict=True):
        days = choose_snapshots(graph.stored, sample, zone=zone, size=snapshots, seed=seed)
        if not days:
            unseen.append(graph.name)
        for day, of_day in zip(days, parts_of(of_graph, [1] * len(days)), strict=True):
            found = graph.snapshot(truncated(graph.pieces, graph.event_ids, day, zone=zone), day)
            stored = graph.stored.filter(pc.equal(graph.stored["known_on"], pa.scalar(day, pa.date32())))
            for name, count in _differences(stored, found).items():
                changed[f"{graph.name}.{name}"] = changed.get(f"{graph.name}.{name}", 0) + count
            compared += stored.num_rows * (stored.num_columns - len(_KEYS))
            built += 1
            of_day(1.0)
    if not graphs:
        return []
    detail = f"{built} snapshots of {len(graphs)} graphs built again, {compared} values compared"
    if not changed and not unseen:
        return [AuditFinding(check="graph_truncation", value=0.0, threshold=0.0, is_passed=True, detail=detail)]
    return [
        AuditFinding(check="graph_truncation", feature=name, value=float(count), threshold=0.0, is_passed=False,
                detail=f"{count} values change when rows that were not visible at a snapshot are removed")
        for name, count in sorted(changed.items())
    ] + [
        AuditFinding(check="graph_truncation", feature=name, value=None, threshold=0.0, is_passed=False,
                detail="no observation of the sample has its features from a stored snapshot: nothing was compared")
        for name in unseen
    ]  # fmt: skip


def choose_snapshots(stored: pa.Table, sample: pa.Table, *, zone: str, size: int, seed: int) -> list[date]:
    """Dates of stored snapshots from which observations have their features: the last one at or before each."""
    held = sorted(pc.unique(stored["known_on"]).to_pylist())
    observed = {as_of.astimezone(ZoneInfo(zone)).date() for as_of in pc.unique(sample["as_of"]).to_pylist()}
    used = sorted({before[-1] for day in observed if (before := [one for one in held if one <= day])})
    if len(used) <= size:
        return used
    chosen = np.random.default_rng(seed).choice(len(used), size=size, replace=False)
    return [used[place] for place in sorted(chosen)]


def truncated(pieces: Mapping[str, Pieces], event_ids: Mapping[str, str], day: date, *, zone: str) -> dict[str, Pieces]:
    """Clean tables, piece by piece, with nothing but what was visible at the local midnight of ``day``."""

    def truncate(name: str) -> Iterator[pa.Table]:
        midnight = pa.scalar(datetime.combine(day, time(), ZoneInfo(zone)), pa.timestamp("us", "UTC"))
        for piece in pieces[name]():
            found = known_then(piece, event_ids[name], day)
            yield found.filter(pc.less(found["event_at"], midnight))

    return {name: partial(truncate, name) for name in pieces}


def known_then(rows: pa.Table, event_id: str, day: date) -> pa.Table:
    """Of each event the version delivered last among those known by ``day``, unless it takes the event back; of
    events before and after that day alike.
    """
    plain = [one.cast(pa.string()) if pa.types.is_dictionary(one.type) else one for one in rows.columns]
    whole = pa.table(plain, names=rows.column_names)
    known = whole.filter(pc.less_equal(whole["known_on"], pa.scalar(day, pa.date32())))
    event = [name for name in ("source", "customer_id") if name in known.column_names] + [event_id]
    ordered = known.sort_by([("loaded_on", "ascending"), ("known_on", "ascending")])
    numbered = ordered.append_column("_place", pa.array(range(ordered.num_rows), pa.int64()))
    last = ordered.take(numbered.group_by(event).aggregate([("_place", "max")])["_place_max"])
    return last.filter(pc.invert(last["is_retracted"])) if "is_retracted" in last.column_names else last


def _differences(stored: pa.Table, found: pa.Table) -> dict[str, int]:
    """In how many customers each measure differs."""
    measures = [name for name in stored.column_names if name not in _KEYS]
    ours, theirs = (table.sort_by("customer_id") for table in (stored, found))
    alone = set(ours["customer_id"].to_pylist()) ^ set(theirs["customer_id"].to_pylist())
    if alone:
        nobody = pa.array(sorted(alone), pa.string())
        ours, theirs = (one.filter(pc.invert(pc.is_in(one["customer_id"], nobody))) for one in (ours, theirs))
    counts = {}
    for name in measures:
        pairs = zip(ours[name].to_pylist(), theirs[name].to_pylist(), strict=True)
        counts[name] = len(alone) + sum(one != other for one, other in pairs)
    return {name: count for name, count in counts.items() if count}
