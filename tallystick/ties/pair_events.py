"""The events between two customers: every version of each, with the snapshot that it is measured on.

Kept apart from what is measured at a pair: here rows, versions and dates decide.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tallystick.kernel.nullable import one_array
from tallystick.kernel.zones import zone_offsets
from tallystick.spec.graph_pairs import HISTORY, CustomerPairs, pair_ties
from tallystick.spec.tables import TableContract
from tallystick.spec.ties import Tie, TieNodes
from tallystick.ties.graph_snapshots import GraphRows, Pieces
from tallystick.ties.seen_rows import (
    LAST_DAY,
    Bools,
    Codes,
    Floats,
    Ints,
    SeenRows,
    SeenSpans,
    columns_to_see,
    number_ids,
    see_versions,
)
from tallystick.ties.tie_edges import TieRows
from tallystick.ties.visible_rows import KeyedSpans
from tallystick.visibility import LOADED_ON
from tallystick.visibility.rows import day_number, day_numbers

# The day of a version that is measured on no snapshot: there was none yet, or it is no event between two customers.
NO_DAY = -1


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class PairEvents:
    """Versions of events, by columns: ``ids``, the numbered customers of both sides, and day numbers.

    ``known`` is the date on which the version counts: on which it became known, or its snapshot's if that is later.
    ``measured`` is ``NO_DAY`` before the first snapshot. A version that is no event between two customers any more
    ``is_retracted``, with ``target`` -1.
    """

    ids: pa.Array
    source: Codes
    target: Codes
    at: Ints
    known: Codes
    loaded: Codes
    measured: Codes
    value: Floats
    is_retracted: Bools

    @classmethod
    def joined(cls, parts: Sequence[PairEvents]) -> PairEvents:
        """The events of all parts, of which there is at least one."""
        columns = {
            one.name: np.concatenate([getattr(part, one.name) for part in parts])
            for one in fields(cls)
            if one.name != "ids"
        }
        return cls(ids=pa.concat_arrays([part.ids for part in parts]), **columns)

    def numbered(self, before: pa.Array, now: pa.Array) -> PairEvents:
        """The same events with the customers ``before`` numbered as they are ``now``; -1 for who is not there."""
        if before is now:
            return self
        places = np.append(number_ids(before, now), np.int32(-1))
        return replace(self, source=places[self.source], target=places[self.target])

    def taken(self, index: Ints) -> PairEvents:
        """The events at ``index``, in that order."""
        columns = {one.name: getattr(self, one.name)[index] for one in fields(self) if one.name != "ids"}
        return PairEvents(ids=self.ids.take(pa.array(index)), **columns)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Parties:
    """Who is a customer, and for which one a value stands, as of any date."""

    tie: TieRows
    members: KeyedSpans
    owners: KeyedSpans | None
    zone: str

    @classmethod
    def of(cls, rows: GraphRows, tie: TieRows) -> _Parties:
        members = SeenSpans.joined(rows.members)
        owners = None
        if tie.owners is not None and tie.owner_keys is not None:
            owners = KeyedSpans.of(tie.owners, tie.owner_keys, count=len(tie.keys))
        by_person = KeyedSpans.of(members, members.person, count=len(rows.customers))
        return cls(tie=tie, members=by_person, owners=owners, zone=rows.zone)

    def others(self, person: Codes, texts: pa.DictionaryArray, days: Codes) -> Codes:
        """The other customer of each row as of its day, -1 where there is none or one of both is no customer."""
        places = np.append(number_ids(texts.dictionary, self.tie.keys), np.int32(-1))
        other = places[np.asarray(pc.fill_null(texts.indices, len(places) - 1).to_numpy(zero_copy_only=False))]
        if self.owners is not None:
            other = self.owners.person(other, days, zone=self.zone)
        is_pair = (other != person) & (self.members.person(person, days, zone=self.zone) >= 0)
        is_pair &= self.members.person(other, days, zone=self.zone) >= 0
        return np.where(is_pair, other, np.int32(-1)).astype(np.int32)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class EventReader:
    """Reads the events of pairs: ``days`` are the graph's snapshots, ``last`` the last date that rows may count on."""

    pairs: CustomerPairs
    ties: Mapping[str, Tie]
    contract: TableContract
    days: Sequence[date]
    last: date

    def read(self, pieces: Pieces, rows: GraphRows, *, since: date) -> PairEvents | None:
        """All versions that count from ``since`` on, piece by piece; None where the source lacks a table of the tie.

        ``pieces`` have ``event_columns`` of the tie's table.
        """
        tie = rows.tie(HISTORY)
        if tie is None or not rows.members:
            return None
        parties = _Parties.of(rows, tie)
        first = day_number(since)
        return PairEvents.joined([self._read(piece, parties, rows.customers, first) for piece in pieces()])

    def _read(self, piece: pa.Table, parties: _Parties, customers: pa.Array, first: int) -> PairEvents:
        tie, contract = parties.tie.tie, self.contract
        nodes = TieNodes.of(tie, {contract.name: contract})
        seen, is_taken_back = see_versions(piece, contract, customers)
        spans, measured = seen.spans, self._measured_on(seen.spans.at, parties.zone)
        known = np.where(measured == NO_DAY, spans.known, np.maximum(spans.known, measured)).astype(np.int32)
        counts = ~is_taken_back & (spans.person >= 0) & (known < spans.until)
        counts &= (known <= day_number(self.last)) & seen.holds(nodes.where, zone=parties.zone)
        rows = np.flatnonzero(counts)
        other = np.full(spans.at.size, -1, dtype=np.int32)
        chosen = seen.taken(rows)
        other[rows] = parties.others(spans.person[rows], chosen.coded(tie.other), known[rows])
        ends = self._ends(seen, is_pair=other >= 0, known=known)
        made = np.concatenate([np.flatnonzero((other >= 0) & (known >= first)), ends[spans.known[ends] >= first]])
        is_end = np.arange(made.size) >= made.size - np.count_nonzero(spans.known[ends] >= first)
        taken = seen.taken(made)
        return PairEvents(
            ids=one_array(taken.rows[contract.event_id].cast(pa.string())),
            source=taken.spans.person,
            target=np.where(is_end, np.int32(-1), other[made]),
            at=taken.spans.at,
            known=np.where(is_end, spans.known[made], known[made]),
            loaded=day_numbers(taken.rows[LOADED_ON]).astype(np.int32),
            measured=np.where(is_end, np.int32(NO_DAY), measured[made]),
            value=np.where(is_end, np.nan, taken.numbers(nodes.weight, zone=parties.zone)),
            is_retracted=is_end,
        )

    def _measured_on(self, at: Ints, zone: str) -> Codes:
        """The last snapshot at or before the local date of each event, ``NO_DAY`` before the first one."""
        days = np.array([NO_DAY, *(day_number(day) for day in self.days)], dtype=np.int32)
        return days[np.searchsorted(days[1:], zone_offsets(zone).dates(at), side="right")]

    def _ends(self, seen: SeenRows, *, is_pair: Bools, known: Codes) -> Ints:
        """The versions that end one before them: that was an event of two customers, and this one is not at once."""
        spans = seen.spans
        replaced = np.flatnonzero(is_pair & (spans.until < LAST_DAY))
        if not replaced.size:
            return replaced
        ids = one_array(seen.rows[self.contract.event_id].cast(pa.string()))
        several = np.flatnonzero(pc.is_in(ids, value_set=pc.unique(ids.take(pa.array(replaced)))).to_numpy(False))
        codes = ids.take(pa.array(several)).dictionary_encode().indices.to_numpy()
        order = np.lexsort((spans.known[several], codes, spans.person[several]))
        rows, codes = several[order], codes[order]
        follows = (codes[1:] == codes[:-1]) & (spans.person[rows[1:]] == spans.person[rows[:-1]])
        after = rows[1:][follows & is_pair[rows[:-1]]]
        found: Ints = after[
            ~(is_pair[after] & (known[after] == spans.known[after])) & (spans.known[after] <= day_number(self.last))
        ]
        return found


def event_columns(pairs: CustomerPairs, ties: Mapping[str, Tie], contract: TableContract) -> list[str]:
    """The stored columns of the tie's table that ``EventReader`` needs."""
    tie = pair_ties(pairs, ties)[HISTORY]
    return columns_to_see(contract, [tie.other, *TieNodes.of(tie, {contract.name: contract}).columns])
