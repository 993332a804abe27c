"""What is measured at an event between two customers, in plain Python from the definition: an oracle for the stage.

Rows are dictionaries, ties come from ``tie_oracle``. Slow, and meant to be read beside docs/graph.md.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import networkx as nx

from tests.lib.chain_oracle import Ties, neighbours_of
from tests.lib.graph_oracle import close_of
from tests.lib.tie_oracle import Row, visible


def as_of(rows: Sequence[Row], day: dt.date) -> dict[tuple[str, str], Row]:
    """Of each event the version in force on a date, retractions with them, whenever it happened."""
    found: dict[tuple[str, str], Row] = {}
    for row in sorted(rows, key=lambda row: (row["loaded_on"], row["known_on"])):
        if row["known_on"] <= day:
            found[row["customer_id"], row["event_id"]] = row
    return found


def event_on(
    rows: Sequence[Row], event: tuple[str, str], day: dt.date, *, snapshots: Sequence[dt.date], zone: str
) -> tuple[Row, dt.date | None] | None:
    """The version of an event that is in force on a date, and its snapshot, None before the first; None where the
    event is not known or its snapshot not reached.
    """
    row = as_of(rows, day).get(event)
    if row is None or row["is_retracted"]:
        return None
    happened = row["event_at"].astimezone(ZoneInfo(zone)).date()
    before = [one for one in snapshots if one <= happened]
    if not before:
        return row, None
    return (row, before[-1]) if before[-1] <= day else None


def history(
    rows: Iterable[Row], one: str, other: str, *, owner: Callable[[Row], str | None], snapshot: dt.date, zone: str
) -> dict[str, Any]:
    """What went on between two customers, by rows that are visible and not too old at a snapshot."""
    paid = [
        (row["customer_id"], to, row) for row in rows if (to := owner(row)) is not None and to != row["customer_id"]
    ]
    there = [row for source, target, row in paid if (source, target) == (one, other)]
    back = [row for source, target, row in paid if (source, target) == (other, one)]
    ages = [(snapshot - row["event_at"].astimezone(ZoneInfo(zone)).date()).days for row in (*there, *back)]
    return {
        "times": len(there),
        "times_back": len(back),
        "total": sum(max(row["amount"] or 0.0, 0.0) for row in there),
        "total_back": sum(max(row["amount"] or 0.0, 0.0) for row in back),
        "age": max(ages, default=None),
        "quiet": min(ages, default=None),
        "fan_in": len({source for source, target, _ in paid if target == other}),
        "fan_out": len({target for source, target, _ in paid if source == one}),
    }


def closeness(ties: Ties, members: Sequence[str], one: str, other: str, *, day: dt.date, most: int) -> dict[str, Any]:
    """Every measure of two customers that looks at ties of a kind; who is no member has no ties."""
    graph = neighbours_of(ties, members)
    graph.add_nodes_from({one, other})
    edge = graph.get_edge_data(one, other)
    parts = {node: place for place, part in enumerate(nx.connected_components(graph)) for node in part}
    close = close_of(graph, one, other, most=most)
    return {
        "tied": int(edge is not None),
        "tied_days": (day - edge["first"]).days if edge else None,
        "common": close["common"],
        "common_hubs": close["hubs"],
        "jaccard": None if math.isnan(close["jaccard"]) else close["jaccard"],
        "adamic_adar": close["adamic_adar"],
        "distance": close["distance"] or None,
        "distance_cut": int(close["is_cut"]),
        "same_component": int(parts[one] == parts[other]),
    }


def members_on(people: Sequence[Row], day: dt.date, zone: str) -> set[str]:
    """Who is a customer at the midnight of a date."""
    return {row["customer_id"] for row in visible(people, "event_id", day, zone)}


def owners_on(owners: Sequence[Row], day: dt.date, zone: str) -> Mapping[str, str]:
    """The customer that each thing stands for at the midnight of a date."""
    return {row["thing_id"]: row["customer_id"] for row in visible(owners, "event_id", day, zone) if row["thing_id"]}
