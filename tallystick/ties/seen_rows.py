"""Rows of a clean table with the span of dates on which each is seen, worked out once for all snapshots.

Kept apart from ties and values because both look at rows of customers by the same rule of time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tallystick.kernel.nullable import one_array
from tallystick.kernel.row_values import evaluate_expression
from tallystick.kernel.same_events import find_version_ends
from tallystick.kernel.zones import zone_offsets
from tallystick.spec.expressions import Node, columns_used
from tallystick.spec.tables import TableContract
from tallystick.visibility import LOADED_ON, NEVER
from tallystick.visibility.rows import day_number, day_numbers

Ints = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

# A day number after every other: that of a version which nothing replaces.
LAST_DAY = np.iinfo(np.int32).max


@dataclass(frozen=True, slots=True)
class Moment:
    """The local midnight that begins ``day``, as a day number and as UTC microseconds. ``zone`` names the zone."""

    day: date
    number: int
    instant: int
    zone: str

    @classmethod
    def of(cls, day: date, zone: str) -> Moment:
        """The midnight of a business date."""
        number = day_number(day)
        return cls(day, number, int(zone_offsets(zone).midnights(np.array([number]))[0]), zone)

    def before(self, days: int) -> int:
        """The instant so many local days before it."""
        return int(zone_offsets(self.zone).midnights(np.array([self.number - days]))[0])


@dataclass(frozen=True, slots=True, eq=False)
class SeenSpans:
    """Of rows whose customer they are, when they happened, and when they are seen: 20 bytes a row.

    ``person`` is the place of the customer among those that are numbered, -1 for any other. ``at`` are UTC
    microseconds; a row is in force on the day numbers from ``known`` to before ``until``.
    """

    person: Codes
    at: Ints
    known: Codes
    until: Codes

    def visible(self, moment: Moment) -> Bools:
        """Which rows happened before the moment and are in force on its date."""
        is_known = (self.known <= moment.number) & (moment.number < self.until)
        return np.asarray(is_known & (self.at < moment.instant))

    def outline(self) -> SeenSpans:
        """Rows of nobody, of which one is visible at a moment exactly if one of these is: of each span the earliest."""
        order = np.lexsort((self.at, self.until, self.known))
        known, until = self.known[order], self.until[order]
        is_first = np.append(True, (known[1:] != known[:-1]) | (until[1:] != until[:-1]))[: order.size]
        kept = self.taken(order[is_first])
        return SeenSpans(np.full(kept.at.size, -1, dtype=np.int32), kept.at, kept.known, kept.until)

    def taken(self, index: Ints | Bools) -> SeenSpans:
        """The rows at ``index``, in that order."""
        return SeenSpans(self.person[index], self.at[index], self.known[index], self.until[index])

    @classmethod
    def joined(cls, parts: Sequence[SeenSpans]) -> SeenSpans:
        """The rows of all parts one after the other; there is at least one."""
        columns = ([getattr(part, name) for part in parts] for name in ("person", "at", "known", "until"))
        return cls(*(np.concatenate(column) for column in columns))


@dataclass(frozen=True, slots=True, eq=False)
class SeenRows:
    """Rows of a table with their spans, retracted ones left out: of one bucket, or of all."""

    rows: pa.Table
    spans: SeenSpans

    def where(self, node: Node | None, *, zone: str) -> SeenRows:
        """The rows for which a condition holds; null counts as not holding."""
        return self if node is None else self.taken(np.flatnonzero(self.holds(node, zone=zone)))

    def holds(self, node: Node | None, *, zone: str) -> Bools:
        """For which rows a condition holds, all without one; null counts as not holding."""
        if node is None:
            return np.ones(self.spans.at.size, dtype=np.bool_)
        holds = evaluate_expression(node, self.rows.select(list(columns_used(node))), zone=zone)
        return np.asarray(pc.fill_null(holds, False).to_numpy(zero_copy_only=False))

    def taken(self, index: Ints) -> SeenRows:
        """The rows at ``index``, in that order."""
        return SeenRows(self.rows.take(pa.array(index)), self.spans.taken(index))

    def in_order(self, contract: TableContract) -> SeenRows:
        """The rows by ``event_at``, then as they were delivered, then by id: an order that no file decides."""
        by = (contract.event_at, LOADED_ON, contract.known_on, contract.event_id)
        keys = [(name, "ascending") for name in by]
        return self.taken(pc.sort_indices(self.rows, sort_keys=keys).to_numpy().astype(np.int64))

    def numbers(self, node: Node | None, *, zone: str) -> Floats:
        """A number of each row, 1 without an expression, NaN where it is null."""
        if node is None:
            return np.ones(self.spans.at.size)
        values = evaluate_expression(node, self.rows.select(list(columns_used(node))), zone=zone)
        return np.asarray(pc.fill_null(values.cast(pa.float64()), np.nan).to_numpy(zero_copy_only=False))

    def selected(self, names: Iterable[str]) -> SeenRows:
        """The same rows with fewer columns, so that whoever takes some of them copies less."""
        return SeenRows(self.rows.select(list(dict.fromkeys(names))), self.spans)

    def coded(self, name: str) -> pa.DictionaryArray:
        """A column of ids as codes and the texts that they stand for."""
        return _coded(self.rows[name])


def columns_to_see(contract: TableContract, named: Sequence[str]) -> list[str]:
    """The stored columns that ``see_rows`` needs of a table, and those ``named``."""
    retracted = [column.name for column in contract.columns if column.name == "is_retracted"]
    own = (contract.entity, contract.event_id, contract.event_at, contract.known_on, LOADED_ON, *retracted)
    return list(dict.fromkeys((*own, *named)))


def see_rows(rows: pa.Table, contract: TableContract, customers: pa.Array) -> SeenRows:
    """The rows of a table with the dates from which and before which each version is in force, retracted ones left out.

    ``rows`` have ``columns_to_see``, all versions of their events, texts also as dictionaries; ``customers`` are the
    sorted ids that are numbered.
    """
    found, is_taken_back = see_versions(rows, contract, customers)
    return found.taken(np.flatnonzero(~is_taken_back)) if is_taken_back.any() else found


def see_versions(rows: pa.Table, contract: TableContract, customers: pa.Array) -> tuple[SeenRows, Bools]:
    """All versions that are in force on some date, and which of them take their event back."""
    owners = _coded(rows[contract.entity])
    codes = np.asarray(owners.indices.to_numpy(zero_copy_only=False)).astype(np.int64)
    person = number_ids(owners.dictionary, customers)[codes] if codes.size else np.empty(0, dtype=np.int32)
    known = day_numbers(rows[contract.known_on])
    where = f"table {contract.name}"
    until = find_version_ends(rows, contract.event_id, entity=codes, known=known, where=where)
    if until is None:
        until = np.full(known.size, NEVER, dtype=np.int64)
    at = np.asarray(one_array(rows[contract.event_at].cast(pa.timestamp("us", "UTC"))).view(pa.int64()).to_numpy())
    spans = SeenSpans(person, at, known.astype(np.int32), np.minimum(until, LAST_DAY).astype(np.int32))
    is_taken_back = np.zeros(known.size, dtype=np.bool_)
    if "is_retracted" in rows.column_names:
        is_taken_back |= pc.fill_null(rows["is_retracted"], False).to_numpy(zero_copy_only=False)
    found, is_seen = SeenRows(rows, spans), known < until
    if is_seen.all():
        return found, is_taken_back
    return found.taken(np.flatnonzero(is_seen)), is_taken_back[is_seen]


def _coded(ids: pa.ChunkedArray) -> pa.DictionaryArray:
    """Ids as codes: as they were read, or made here."""
    return one_array(ids if pa.types.is_dictionary(ids.type) else ids.cast(pa.string()).dictionary_encode())


def number_ids(ids: pa.Array, known: pa.Array) -> Codes:
    """The place of each id among the ``known`` ones; -1 for null and for any other."""
    return np.asarray(
        pc.fill_null(pc.index_in(ids, value_set=known, skip_nulls=True), -1).to_numpy(zero_copy_only=False)
    ).astype(np.int32)
