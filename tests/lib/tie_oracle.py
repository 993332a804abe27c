"""What ties customers at a snapshot, in plain Python from the definition: an oracle that shares no code with the stage.

Rows are dictionaries. Slow, and meant to be read beside docs/graph.md.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

Row = Mapping[str, Any]
Edge = tuple[float, dt.date, dt.date]


def midnight(day: dt.date, zone: str) -> dt.datetime:
    """The instant at which a local date begins."""
    return dt.datetime.combine(day, dt.time(), ZoneInfo(zone)).astimezone(dt.UTC)


def visible(rows: Iterable[Row], event_id: str, day: dt.date, zone: str) -> list[Row]:
    """The rows that a decision on the morning of ``day`` may use, in the order that decides which is last."""
    versions: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if row["known_on"] <= day:
            versions[row[event_id]].append(row)
    found = []
    for of_event in versions.values():
        last = max(of_event, key=lambda row: (row["loaded_on"], row["known_on"]))
        if not last["is_retracted"] and last["event_at"] < midnight(day, zone):
            found.append(last)
    return sorted(found, key=lambda row: (row["event_at"], row["loaded_on"], row["known_on"], row[event_id]))


def counted(
    rows: Iterable[Row],
    *,
    event_id: str,
    day: dt.date,
    zone: str,
    where: Callable[[Row], bool] = lambda row: True,
    window: int = 0,
) -> list[Row]:
    """The visible rows that pass ``where`` and are not older than ``window`` days, 0 for any age."""
    oldest = midnight(day - dt.timedelta(days=window), zone) if window else dt.datetime.min.replace(tzinfo=dt.UTC)
    return [row for row in visible(rows, event_id, day, zone) if where(row) and row["event_at"] >= oldest]


def strengths(
    rows: Sequence[Row],
    other: str,
    *,
    now: dt.datetime,
    zone: str,
    half_life: int = 0,
    last_of: str = "",
    active: Callable[[Row], bool] = lambda row: True,
) -> dict[tuple[str, str], Edge]:
    """Weight, first and last local date of each pair of a customer and another side."""
    last = {(row["customer_id"], row[other] if last_of == "pair" else None): row for row in rows}
    pairs: dict[tuple[str, str], Edge] = {}
    for row in rows:
        if row[other] is None:
            continue
        key = row["customer_id"], row[other]
        days = (now - row["event_at"]) / dt.timedelta(days=1)
        weight = max(row["weight"] or 0.0, 0.0) * (0.5 ** (days / half_life) if half_life else 1.0)
        if last_of:
            newest = last[(row["customer_id"], row[other] if last_of == "pair" else None)]
            weight = weight if row is newest and active(row) else 0.0
        day = row["event_at"].astimezone(ZoneInfo(zone)).date()
        before = pairs.get(key, (0.0, day, day))
        pairs[key] = (before[0] + weight, min(before[1], day), max(before[2], day))
    return {key: edge for key, edge in pairs.items() if edge[0] > 0}


def between(pairs: Mapping[tuple[str, str], Edge], members: set[str], direction: str) -> dict[tuple[str, str], Edge]:
    """The ties between members that pairs of customers make."""
    found: dict[tuple[str, str], Edge] = {}
    for (one, other), edge in pairs.items():
        if one == other or not {one, other} <= members:
            continue
        for way in {"out": [(one, other)], "in": [(other, one)], "both": [(one, other), (other, one)]}[direction]:
            found[way] = _together(found.get(way), edge)
    return found


def sharing(
    pairs: Mapping[tuple[str, str], Edge], members: set[str], cap: int
) -> tuple[dict[tuple[str, str], Edge], dict[str, int]]:
    """The ties between members that things shared make, and how many hubs each member shares."""
    things: dict[str, dict[str, Edge]] = defaultdict(dict)
    for (one, thing), edge in pairs.items():
        if one in members:
            things[thing][one] = edge
    found: dict[tuple[str, str], Edge] = {}
    hubs: dict[str, int] = defaultdict(int)
    for sharers in things.values():
        if len(sharers) > cap:
            for one in sharers:
                hubs[one] += 1
            continue
        for one, own in sharers.items():
            for other, theirs in sharers.items():
                if one != other:
                    weight = min(own[0], theirs[0]) / (len(sharers) - 1)
                    edge = (weight, max(own[1], theirs[1]), min(own[2], theirs[2]))
                    found[one, other] = _together(found.get((one, other)), edge)
    return found, dict(hubs)


def _together(before: Edge | None, edge: Edge) -> Edge:
    if before is None:
        return edge
    return before[0] + edge[0], min(before[1], edge[1]), max(before[2], edge[2])
