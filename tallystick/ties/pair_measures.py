"""The measures of pairs of customers at the snapshots of their events, each by an algorithm of ``graph``.

Kept apart from the rows that events come from: here everything is numbered.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tallystick.graph import PairMeasures, measure_pairs
from tallystick.kernel.zones import zone_offsets
from tallystick.spec.graph_pairs import HISTORY, CustomerPairs, PairMeasure
from tallystick.ties.graph_snapshots import GraphRows
from tallystick.ties.kind_graphs import KindGraph, NodeFacts
from tallystick.ties.pair_events import NO_DAY, PairEvents
from tallystick.ties.pair_history import PairHistory
from tallystick.ties.seen_rows import Bools, Codes, Floats, Ints, Moment

Numbers = npt.NDArray[Any]

_EPOCH = date(1970, 1, 1)


def measure_events(pairs: CustomerPairs, events: PairEvents, rows: GraphRows) -> dict[str, pa.Array]:
    """Every measure of every event as a column, each event on its own snapshot of ``rows``; null where a source fills
    none of the tables that it needs, for what is retracted, and before the first snapshot.
    """
    days = np.unique(events.measured[events.measured != NO_DAY])
    places = [np.flatnonzero(events.measured == day) for day in days] + [np.flatnonzero(events.measured == NO_DAY)]
    parts = [_measured(pairs, events.taken(at), rows, int(day)) for at, day in zip(places, days, strict=False)]
    nothing = {column: pa.nulls(places[-1].size, _kind(measure)) for measure, _, column in pairs.columns}
    back = pa.array(np.argsort(np.concatenate(places), kind="stable"))
    return {name: pa.concat_arrays([*(part[name] for part in parts), nothing[name]]).take(back) for name in nothing}


def _measured(pairs: CustomerPairs, events: PairEvents, rows: GraphRows, day: int) -> dict[str, pa.Array]:
    """The measures of events that have one snapshot."""
    moment = Moment.of(_EPOCH + timedelta(days=day), rows.zone)
    members = rows.members_at(moment)
    tie = rows.tie(HISTORY)
    is_told = tie is not None and rows.is_told(moment, *tie.tie.tables)
    local = np.where(members, np.cumsum(members, dtype=np.int32) - 1, -1).astype(np.int32)
    facts = rows.facts(moment.day)
    history = tie.history(moment, members) if tie is not None and is_told else None
    source, target = _taken(local, events.source, -1), _taken(local, events.target, -1)
    of_kinds = {kind: _KindPairs(facts, kind, source, target) for _, kind, _ in pairs.columns if kind}
    of_events = None if history is None else _EventPairs(history, moment, events.source, events.target)
    return {
        column: _column(measure, of_kinds[kind] if kind else of_events, size=events.source.size)
        for measure, kind, column in pairs.columns
    }


def _kind(measure: PairMeasure) -> pa.DataType:
    return pa.int64() if measure.rule.gives == "int64" else pa.float64()


def _column(measure: PairMeasure, found: _KindPairs | _EventPairs | None, *, size: int) -> pa.Array:
    if found is None or not found.is_told:
        return pa.nulls(size, _kind(measure))
    values = found.value(measure.op)
    if measure.rule.gives == "int64":
        return pa.array(np.asarray(values).astype(np.int64))
    floats = np.asarray(values).astype(np.float64)
    return pa.array(floats, mask=np.isnan(floats))


@dataclass(frozen=True, slots=True, eq=False)
class _EventPairs:
    """What went on between the two of each event before its snapshot, and with whom else."""

    history: PairHistory
    moment: Moment
    source: Codes
    target: Codes
    is_told: bool = True

    def value(self, op: str) -> Numbers:
        there, back = self.history.places(self.source, self.target), self.history.places(self.target, self.source)
        found = {
            "times": lambda: _taken(self.history.times, there, 0),
            "times_back": lambda: _taken(self.history.times, back, 0),
            "total": lambda: _taken(self.history.total, there, 0.0),
            "total_back": lambda: _taken(self.history.total, back, 0.0),
            "age": lambda: np.fmax(self._days(self.history.first, there), self._days(self.history.first, back)),
            "quiet": lambda: np.fmin(self._days(self.history.last, there), self._days(self.history.last, back)),
            "fan_in": lambda: _taken(self.history.fan_in, self.target, 0),
            "fan_out": lambda: _taken(self.history.fan_out, self.source, 0),
        }  # fmt: skip
        return found[op]()

    def _days(self, instants: Ints, places: Ints) -> Floats:
        """Days since the local date of an instant of each pair, NaN for those without one."""
        days = self.moment.number - zone_offsets(self.moment.zone).dates(instants)
        return _taken(days.astype(np.float64), places, np.nan)


class _KindPairs:
    """What the measures of one kind of ties share, each worked out when it is first asked for."""

    def __init__(self, facts: NodeFacts, kind: str, source: Codes, target: Codes) -> None:
        self.nodes = KindGraph(facts, kind)
        self.source, self.target = source, target

    @property
    def is_told(self) -> bool:
        return self.nodes.is_told

    @cached_property
    def close(self) -> PairMeasures:
        facts = self.nodes.facts
        return measure_pairs(self.nodes.neighbours, self.source, self.target, most=facts.graph.most_ties)

    @cached_property
    def tied_days(self) -> Floats:
        first = self.nodes.neighbours.first_days
        assert first is not None
        return _taken((self.nodes.facts.moment.number - first).astype(np.float64), self.close.place, np.nan)

    def is_same(self, labels: Codes) -> Bools:
        """Whether both are customers of one label."""
        is_there = (self.source >= 0) & (self.target >= 0)
        return np.asarray(is_there & (_taken(labels, self.source, -1) == _taken(labels, self.target, -1)))

    def value(self, op: str) -> Numbers:
        return _OF_KIND[op](self)


def _taken(values: Numbers, places: Codes | Ints, missing: float) -> Numbers:
    """The values at ``places``; what is ``missing`` for a place of -1."""
    return np.append(values, np.asarray(missing, dtype=values.dtype))[places]


_OF_KIND: Mapping[str, Callable[[_KindPairs], Numbers]] = {
    "tied": lambda of: of.close.place >= 0,
    "tied_days": lambda of: of.tied_days,
    "common": lambda of: of.close.common,
    "common_hubs": lambda of: of.close.hubs,
    "jaccard": lambda of: of.close.jaccard,
    "adamic_adar": lambda of: of.close.adamic_adar,
    "distance": lambda of: np.where(of.close.distance > 0, of.close.distance, np.nan),
    "distance_cut": lambda of: of.close.is_cut,
    "same_component": lambda of: of.is_same(of.nodes.components.label),
    "same_community": lambda of: of.is_same(of.nodes.communities),
}
