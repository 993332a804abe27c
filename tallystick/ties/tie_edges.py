"""The edges that one tie makes at a snapshot: from its visible rows, with weight, first and last day.

Kept apart from ``graph``, which knows arrays and nothing of rows, dates on which they are known, or things shared.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tallystick.kernel.exact import spread_ranges
from tallystick.kernel.nullable import one_array
from tallystick.kernel.zones import DAY, zone_offsets
from tallystick.spec.tables import TableContract
from tallystick.spec.ties import Tie, TieNodes
from tallystick.ties.seen_rows import Bools, Codes, Floats, Ints, Moment, SeenRows, columns_to_see, number_ids


@dataclass(frozen=True, slots=True, eq=False)
class TieEdges:
    """Edges between numbered customers, one or more per pair and direction; days since 1970-01-01.

    ``hubs`` counts, for each customer, the things that too many share.
    """

    source: Codes
    target: Codes
    weight: Floats
    first_day: Codes
    last_day: Codes
    hubs: Codes


@dataclass(frozen=True, slots=True, eq=False)
class _Pairs:
    """What the visible rows say of each pair of a customer and another side, in ascending order of both."""

    person: Ints
    other: Ints
    weight: Floats
    first: Ints
    last: Ints

    def where(self, kept: Bools) -> _Pairs:
        return _Pairs(self.person[kept], self.other[kept], self.weight[kept], self.first[kept], self.last[kept])


@dataclass(frozen=True, slots=True, eq=False)
class TieRows:
    """The rows of a tie, ready for any snapshot.

    ``other`` numbers the other side: a customer, a thing, or a key of ``owners``, whose rows say which customer it
    stands for; -1 where there is none. ``active`` says of each row whether its state ties. ``count`` is the number of
    customers.
    """

    tie: Tie
    seen: SeenRows
    other: Ints
    weight: Floats
    active: Bools
    count: int
    owners: SeenRows | None = None
    owner_keys: Ints | None = None

    def edges(self, moment: Moment, members: Bools) -> TieEdges:
        """The edges at the moment between customers that are ``members``."""
        pairs = self._pairs(moment)
        pairs = pairs.where((pairs.weight > 0) & members[pairs.person])
        if self.tie.thing:
            return self._shared(pairs, moment)
        other = pairs.other if self.owners is None else self._owners_at(moment)[pairs.other]
        is_tied = (other >= 0) & (other != pairs.person)
        is_tied &= members[np.where(is_tied, other, 0)]
        person, other, pairs = pairs.person[is_tied], other[is_tied], pairs.where(is_tied)
        ways = {"out": [(person, other)], "in": [(other, person)], "both": [(person, other), (other, person)]}
        sources, targets = zip(*ways[self.tie.direction], strict=True)
        again = len(sources)
        return _edges(
            np.concatenate(sources), np.concatenate(targets), np.tile(pairs.weight, again),
            (np.tile(pairs.first, again), np.tile(pairs.last, again)), np.zeros(self.count, dtype=np.int32), moment,
        )  # fmt: skip

    def payments(self, moment: Moment, members: Bools) -> tuple[Ints, Ints, Ints]:
        """The single rows between members at the moment: who, whom and when, in order of time."""
        rows = np.flatnonzero(self._counted(moment) & (self.other >= 0))
        person, other = self.seen.person[rows].astype(np.int64), self.other[rows]
        other = other if self.owners is None else self._owners_at(moment)[other]
        is_tied = (other >= 0) & (other != person) & members[person]
        is_tied &= members[np.where(is_tied, other, 0)]
        person, other = person[is_tied], other[is_tied]
        ends = (other, person) if self.tie.direction == "in" else (person, other)
        return *ends, self.seen.at[rows][is_tied]

    def _counted(self, moment: Moment) -> Bools:
        """Which rows of customers are visible at the moment and not too old."""
        is_counted = self.seen.visible(moment) & (self.seen.person >= 0)
        if not self.tie.span.is_all:
            is_counted &= self.seen.at >= moment.before(self.tie.span.count)
        return is_counted

    def _pairs(self, moment: Moment) -> _Pairs:
        tie, seen = self.tie, self.seen
        is_counted = self._counted(moment)
        rows = np.flatnonzero(is_counted if tie.last_of == "customer" else is_counted & (self.other >= 0))
        person, other, at = seen.person[rows].astype(np.int64), self.other[rows], seen.at[rows]
        weight = np.nan_to_num(self.weight[rows], nan=0.0).clip(min=0.0)
        if tie.half_life_days:
            weight = weight * np.exp2((at - moment.instant) / (tie.half_life_days * DAY))
        if tie.last_of:
            is_last = _last_of(person if tie.last_of == "customer" else _joined(person, other))
            weight = np.where(is_last & self.active[rows], weight, 0.0)
        return _grouped(person, other, weight, at)

    def _owners_at(self, moment: Moment) -> Ints:
        """The customer that each key stands for at the moment, -1 for none."""
        assert self.owners is not None
        assert self.owner_keys is not None
        rows = np.flatnonzero(self.owners.visible(moment) & (self.owner_keys >= 0))
        found = np.full(int(max(self.other.max(initial=-1), self.owner_keys.max(initial=-1))) + 1, -1, dtype=np.int64)
        found[self.owner_keys[rows]] = self.owners.person[rows]  # of rows with one key the last one stays
        return found

    def _shared(self, pairs: _Pairs, moment: Moment) -> TieEdges:
        """Everybody tied to everybody else with the same thing; the weight of two is the lesser of theirs, divided by
        how many others share the thing (Newman, Physical Review E 64, 2001).
        """
        order = np.lexsort((pairs.person, pairs.other))
        thing = pairs.other[order]
        starts = np.flatnonzero(np.append(True, thing[1:] != thing[:-1])) if thing.size else np.empty(0, dtype=np.int64)
        sizes = np.diff(np.append(starts, thing.size))
        is_hub = np.repeat(sizes > self.tie.hub_cap, sizes)
        hubs = np.bincount(pairs.person[order][is_hub], minlength=self.count).astype(np.int32)
        kept, size = order[~is_hub], sizes[sizes <= self.tie.hub_cap]
        sharing, begin = np.repeat(size, size), np.repeat(np.cumsum(size) - size, size)
        to, own = spread_ranges(begin, begin + sharing)
        own, to = own[to != own], to[to != own]
        others = sharing[own] - 1
        own, to = kept[own], kept[to]
        weight = np.minimum(pairs.weight[own], pairs.weight[to]) / others
        days = np.maximum(pairs.first[own], pairs.first[to]), np.minimum(pairs.last[own], pairs.last[to])
        return _edges(pairs.person[own], pairs.person[to], weight, days, hubs, moment)


def prepare_tie(
    tie: Tie,
    seen_rows: Mapping[str, SeenRows],
    contracts: Mapping[str, TableContract],
    *,
    customers: pa.Array,
    zone: str,
) -> TieRows:
    """The rows of a tie in order, once for all snapshots; ``seen_rows`` holds its tables with ``tie_columns``."""
    nodes = TieNodes.of(tie, contracts)
    seen = seen_rows[tie.table].where(nodes.where, zone=zone).in_order(contracts[tie.table])
    weight, ids = seen.numbers(nodes.weight, zone=zone), one_array(seen.rows[tie.other].cast(pa.string()))
    holds = seen.numbers(nodes.active, zone=zone) == 1.0
    if tie.thing:
        other = _dictionary_codes(ids)
        return TieRows(tie, seen, other, weight, holds, len(customers))
    if tie.through is None:
        return TieRows(tie, seen, number_ids(ids, customers).astype(np.int64), weight, holds, len(customers))
    owners = seen_rows[tie.through.table].in_order(contracts[tie.through.table])
    keys = one_array(owners.rows[tie.through.key].cast(pa.string()))
    known = pc.unique(keys)
    other, owner_keys = number_ids(ids, known).astype(np.int64), number_ids(keys, known).astype(np.int64)
    return TieRows(tie, seen, other, weight, holds, len(customers), owners, owner_keys)


def tie_columns(tie: Tie, contracts: Mapping[str, TableContract]) -> dict[str, list[str]]:
    """The stored columns that a tie reads, by table."""
    read = {tie.table: columns_to_see(contracts[tie.table], [tie.other, *TieNodes.of(tie, contracts).columns])}
    if tie.through is not None:
        own = columns_to_see(contracts[tie.through.table], [tie.through.key])
        read[tie.through.table] = list(dict.fromkeys([*read.get(tie.through.table, []), *own]))
    return read


def _dictionary_codes(ids: pa.Array) -> Ints:
    """A number per distinct text, in the order of the texts; -1 for null."""
    known = pc.unique(ids.drop_null())
    return number_ids(ids, known.take(pc.sort_indices(known))).astype(np.int64)


def _joined(person: Ints, other: Ints) -> Ints:
    return np.asarray(person * (int(other.max(initial=0)) + 2) + other + 1)


def _last_of(key: Ints) -> Bools:
    """Which rows are the last of their key."""
    _, place = np.unique(key[::-1], return_index=True)
    is_last = np.zeros(key.size, dtype=np.bool_)
    is_last[key.size - 1 - place] = True
    return is_last


def _grouped(person: Ints, other: Ints, weight: Floats, at: Ints) -> _Pairs:
    """Rows by pair: weights added in the order of the rows, so that the same rows give the same number."""
    keys, pair = np.unique(_joined(person, other), return_inverse=True)
    first, last = np.full(keys.size, np.iinfo(np.int64).max), np.full(keys.size, np.iinfo(np.int64).min)
    np.minimum.at(first, pair, at)
    np.maximum.at(last, pair, at)
    summed = np.bincount(pair, weights=weight, minlength=keys.size).astype(np.float64)
    one = np.zeros(keys.size, dtype=np.int64)
    one[pair] = np.arange(pair.size)
    made = _Pairs(person[one], other[one], summed, first, last)
    return made.where(made.other >= 0)


def _edges(
    source: Ints, target: Ints, weight: Floats, instants: tuple[Ints, Ints], hubs: Codes, moment: Moment
) -> TieEdges:
    zone = zone_offsets(moment.zone)
    first, last = (zone.dates(times).astype(np.int32) for times in instants)
    return TieEdges(source.astype(np.int32), target.astype(np.int32), weight, first, last, hubs)
