"""The edges that one tie makes at a snapshot: from its visible rows, with weight, first and last day.

Kept apart from ``graph``, which knows arrays and nothing of rows, dates on which they are known, or things shared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tallystick.kernel.exact import spread_ranges
from tallystick.kernel.zones import DAY, zone_offsets
from tallystick.spec.tables import TableContract
from tallystick.spec.ties import Tie, TieNodes
from tallystick.ties.pair_history import PairHistory
from tallystick.ties.seen_rows import (
    Bools,
    Codes,
    Floats,
    Ints,
    Moment,
    SeenRows,
    SeenSpans,
    columns_to_see,
    number_ids,
)


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

    person: Codes
    other: Codes
    weight: Floats
    first: Ints
    last: Ints
    times: Ints

    def where(self, kept: Bools) -> _Pairs:
        person, other, weight = self.person[kept], self.other[kept], self.weight[kept]
        return _Pairs(person, other, weight, self.first[kept], self.last[kept], self.times[kept])


@dataclass(frozen=True, slots=True, eq=False)
class TieRows:
    """The rows of a tie, ready for any snapshot: by customer, other side and time, so that a snapshot sorts nothing.

    ``other`` numbers the other side: a customer, a thing, or a key of ``owners``, whose rows say which customer it
    stands for; -1 where there is none. ``keys`` are the sorted texts that it numbers. ``active`` says of each row
    whether its state ties, ``rank`` orders the rows of each customer. ``count`` is the number of customers.
    """

    tie: Tie
    spans: SeenSpans
    other: Codes
    weight: Floats
    active: Bools
    rank: Codes
    count: int
    keys: pa.Array
    owners: SeenSpans | None = None
    owner_keys: Codes | None = None

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

    def history(self, moment: Moment, members: Bools) -> PairHistory:
        """What went on at the moment between members, of pairs of a row's customer and the other one."""
        pairs = self._pairs(moment)
        other = pairs.other if self.owners is None else self._owners_at(moment)[pairs.other]
        is_tied = (other >= 0) & (other != pairs.person) & members[pairs.person]
        is_tied &= members[np.where(is_tied, other, 0)]
        found = pairs.where(is_tied)
        columns = (found.times, found.weight, found.first, found.last)
        return PairHistory.of(found.person, other[is_tied], columns, count=self.count)

    def payments(self, moment: Moment, members: Bools) -> tuple[Codes, Codes, Ints]:
        """The single rows between members at the moment that have a weight above 0: who, whom and when."""
        rows = np.flatnonzero(self._counted(moment) & (self.other >= 0) & (self.weight > 0))
        person, other = self.spans.person[rows], self.other[rows]
        other = other if self.owners is None else self._owners_at(moment)[other]
        is_tied = (other >= 0) & (other != person) & members[person]
        is_tied &= members[np.where(is_tied, other, 0)]
        person, other = person[is_tied], other[is_tied]
        ends = (other, person) if self.tie.direction == "in" else (person, other)
        return *ends, self.spans.at[rows][is_tied]

    def _counted(self, moment: Moment) -> Bools:
        """Which rows are visible at the moment and not too old."""
        is_counted = self.spans.visible(moment)
        if not self.tie.span.is_all:
            is_counted &= self.spans.at >= moment.before(self.tie.span.count)
        return is_counted

    def _pairs(self, moment: Moment) -> _Pairs:
        """Of each pair: the weights added in the order of time, so that the same rows give the same number."""
        rows = np.flatnonzero(self._counted(moment))
        person, other, at = self.spans.person[rows], self.other[rows], self.spans.at[rows]
        is_new = np.append(True, (person[1:] != person[:-1]) | (other[1:] != other[:-1]))[: rows.size]
        starts = np.flatnonzero(is_new)
        ends = np.append(starts[1:], rows.size) - 1 if rows.size else starts
        weight = np.nan_to_num(self.weight[rows], nan=0.0).clip(min=0.0)
        if self.tie.half_life_days:
            weight = weight * np.exp2((at - moment.instant) / (self.tie.half_life_days * DAY))
        if self.tie.last_of:
            weight = np.where(self._last_ones(rows, ends) & self.active[rows], weight, 0.0)
        summed = np.add.reduceat(weight, starts) if rows.size else weight
        pairs = _Pairs(person[starts], other[starts], summed, at[starts], at[ends], ends - starts + 1)
        return pairs.where(pairs.other >= 0)

    def _last_ones(self, rows: Ints, ends: Ints) -> Bools:
        """Which of the rows are the last of their pair, or of their customer."""
        is_last = np.zeros(rows.size, dtype=np.bool_)
        if self.tie.last_of == "pair":
            is_last[ends] = True
            return is_last
        newest = np.full(self.count, -1, dtype=np.int32)
        np.maximum.at(newest, self.spans.person[rows], self.rank[rows])
        return np.asarray(newest[self.spans.person[rows]] == self.rank[rows])

    def _owners_at(self, moment: Moment) -> Codes:
        """The customer that each key stands for at the moment, -1 for none."""
        assert self.owners is not None
        assert self.owner_keys is not None
        rows = np.flatnonzero(self.owners.visible(moment) & (self.owner_keys >= 0))
        found = np.full(int(max(self.other.max(initial=-1), self.owner_keys.max(initial=-1))) + 1, -1, dtype=np.int32)
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


@dataclass(frozen=True, slots=True, eq=False)
class TiePart:
    """The rows that a tie has in one piece of its table, in order, with the texts of the other side."""

    spans: SeenSpans
    other: pa.DictionaryArray
    weight: Floats
    active: Bools


def tie_part(tie: Tie, seen: SeenRows, contract: TableContract, *, zone: str) -> TiePart:
    """What a tie needs of a piece that holds all rows of its customers; rows that can tie nobody are left out."""
    nodes = TieNodes.of(tie, {contract.name: contract})
    found = seen.selected(columns_to_see(contract, [tie.other, *nodes.columns])).where(nodes.where, zone=zone)
    is_there = found.spans.person >= 0
    if tie.last_of != "customer":
        is_there &= np.asarray(pc.is_valid(found.rows[tie.other]).to_numpy(zero_copy_only=False))
    found = found.taken(np.flatnonzero(is_there)).in_order(contract)
    holds = found.numbers(nodes.active, zone=zone) == 1.0
    return TiePart(found.spans, found.coded(tie.other), found.numbers(nodes.weight, zone=zone), holds)


def join_tie(tie: Tie, parts: Sequence[TiePart], owners: SeenRows | None, *, customers: pa.Array) -> TieRows:
    """The rows of all parts, which are of different customers; ``owners`` are the rows of ``through``, in order."""
    spans = SeenSpans.joined([part.spans for part in parts])
    keys = None if owners is None or tie.through is None else owners.coded(tie.through.key)
    if tie.thing:
        known = _distinct([part.other.dictionary for part in parts])
    else:
        known = customers if keys is None else _distinct([keys.dictionary])
    other = np.concatenate([_codes(part.other, known) for part in parts])
    rank = np.arange(other.size, dtype=np.int32)  # parts are in order, and no customer is in two of them
    order = np.lexsort((rank, other, spans.person))
    return TieRows(
        tie=tie,
        spans=spans.taken(order),
        other=other[order],
        weight=np.concatenate([part.weight for part in parts])[order],
        active=np.concatenate([part.active for part in parts])[order],
        rank=rank[order],
        count=len(customers),
        keys=known,
        owners=None if owners is None else owners.spans,
        owner_keys=None if keys is None else _codes(keys, known),
    )


def tie_columns(tie: Tie, contracts: Mapping[str, TableContract]) -> dict[str, list[str]]:
    """The stored columns that a tie reads, by table."""
    read = {tie.table: columns_to_see(contracts[tie.table], [tie.other, *TieNodes.of(tie, contracts).columns])}
    if tie.through is not None:
        own = columns_to_see(contracts[tie.through.table], [tie.through.key])
        read[tie.through.table] = list(dict.fromkeys([*read.get(tie.through.table, []), *own]))
    return read


def _distinct(texts: Sequence[pa.Array]) -> pa.Array:
    """The different texts, in their own order, so that numbers do not depend on who came first."""
    known = pc.unique(pa.chunked_array(texts, pa.string()).drop_null())
    return known.take(pc.sort_indices(known))


def _codes(texts: pa.DictionaryArray, known: pa.Array) -> Codes:
    """The place of each text among the known ones, -1 for null and for any other."""
    places = np.append(number_ids(texts.dictionary, known), np.int32(-1))
    return places[np.asarray(pc.fill_null(texts.indices, len(places) - 1).to_numpy(zero_copy_only=False))]


def _edges(
    source: Codes, target: Codes, weight: Floats, instants: tuple[Ints, Ints], hubs: Codes, moment: Moment
) -> TieEdges:
    zone = zone_offsets(moment.zone)
    first, last = (zone.dates(times).astype(np.int32) for times in instants)
    return TieEdges(source, target, weight, first, last, hubs)
