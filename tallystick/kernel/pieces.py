"""Pieces: runs of customers small enough for the processor's cache, with their observations and window edges.

Cutting, the edges of windows as row numbers, and the selection of a family's rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tallystick.errors import ContractError
from tallystick.kernel.evaluate import Frame
from tallystick.kernel.history import Asked, Ranges, find
from tallystick.kernel.nullable import Array, Bools, Ints, Vector, count_before, rows_by_code
from tallystick.kernel.plan import Edge, Family, Reduction
from tallystick.kernel.zones import MINUTE, month_starts
from tallystick.spec.expressions import Node

T = TypeVar("T")


class Piece:
    """Rows in canonical order, each customer's together, and observations that see a first part of a customer's rows.

    ``places[e, m]`` is the first row at or after edge ``e`` of observation ``m``; ``edge_days`` holds the date of the
    edges that lie on a midnight. ``owner`` differs between the rows of two customers; None stands for rows that are
    each observation's own. ``seen`` are the days from which and before which each row is seen (empty: always).
    """

    __slots__ = ("_days", "_owner", "_visible", "asked", "at", "edge_days", "frame", "places", "seen", "zone")

    def __init__(self, frame: Frame, at: Ints, owner: Ints | None, asked: Asked) -> None:
        self.frame = frame
        self.zone = frame.zone
        self.at = at
        self._owner = owner
        self._visible = Ranges(at[:0], at[:0])
        self.seen = (at[:0], at[:0])
        self.asked = asked
        self.places: Ints = np.empty((0, 0), dtype=np.int64)
        self.edge_days: dict[int, Ints] = {}
        self._days: Ints | None = None

    @property
    def owner(self) -> Ints:
        """What tells the rows of two customers apart."""
        if self._owner is None:
            sizes = self._visible.end - self._visible.first
            self._owner = np.repeat(np.arange(sizes.size), sizes)
        return self._owner

    @property
    def days(self) -> Ints:
        """The business date of each row."""
        if self._days is None:
            self._days = self.zone.dates(self.at)
        return self._days

    def find_edges(self, edges: tuple[Edge, ...], visible: Ranges) -> None:
        """Turn the edges of windows into row numbers. No edge lies behind the last visible row."""
        self._visible = visible
        self.places = np.empty((len(edges), visible.first.size), dtype=np.int64)
        wanted: dict[int, Ints] = {}
        clocks = self.zone.clocks(self.asked.as_of)
        for number, edge in enumerate(edges):
            if edge == Edge("now"):
                self.places[number] = visible.end
            elif edge.unit == "all":
                self.places[number] = visible.first
                self.edge_days[number] = self._first_days(visible)
            else:
                wanted[number] = self._edge_instants(number, edge, clocks)
        if wanted:
            self.places[list(wanted)] = find(self.at, visible.first, visible.end, np.stack(list(wanted.values())))

    def _edge_instants(self, number: int, edge: Edge, clocks: Ints) -> Ints:
        if edge.unit == "calendar":
            days = self.edge_days[number] = month_starts(self.asked.day, edge.count)
            return self.zone.midnights(days)
        if edge.unit == "minute":
            return self.asked.as_of - edge.count * MINUTE
        instants = self.asked.as_of if edge.unit == "now" else self.zone.back(clocks, edge.unit, edge.count)
        if not edge.whole:
            return instants
        days = self.zone.dates(instants)
        midnights = self.zone.midnights(days)
        if edge.whole == "up":
            days = days + (midnights < instants)
            midnights = self.zone.midnights(days)
        self.edge_days[number] = days
        return midnights

    def _first_days(self, visible: Ranges) -> Ints:
        """The date of the first visible row: window ``all`` starts there. Without one the window has no days."""
        if not self.at.size:
            return self.asked.day
        first = self.days[np.minimum(visible.first, self.at.size - 1)]
        return np.where(visible.end > visible.first, first, self.asked.day)


class RowSelection:
    """Some rows of a piece in their order, with the window edges counted in these rows."""

    # Nodes are known by their identity: the plan holds them for as long as it works, and their equality costs a walk.
    __slots__ = ("_known", "index", "piece", "places", "size")

    def __init__(self, piece: Piece, index: Ints | None, places: Ints) -> None:
        self.piece = piece
        self.index = index
        self.places = places
        self.size = piece.frame.size if index is None else index.size
        self._known: dict[object, Any] = {}

    def narrowed(self, mask: Bools) -> RowSelection:
        """The rows of this selection where ``mask`` holds."""
        if mask.all():
            return self
        kept = np.flatnonzero(mask)
        index = kept if self.index is None else self.index[kept]
        return RowSelection(self.piece, index, count_before(mask, self.places))

    def take(self, rows: Array) -> Array:
        """Of an array over the piece's rows, those of this selection."""
        return rows if self.index is None else rows[self.index]

    @property
    def days(self) -> Ints:
        """The business date of each row."""
        return self.once(("days",), lambda: self.take(self.piece.days))

    def values(self, node: Node) -> Vector:
        """The value of ``node`` in each row, nulls included. NaN from infinite amounts counts as null."""
        return self.once(("values", id(node)), lambda: self._numbers(node))

    def _numbers(self, node: Node) -> Vector:
        made = self._evaluate(node)
        return Vector(made.values.astype(np.int64), made.valid) if made.values.dtype == np.bool_ else made

    def _evaluate(self, node: Node) -> Vector:
        frame = self.piece.frame
        try:
            vector = frame.evaluate(node).spread(frame.size)
        except ContractError:
            if self.index is None:
                raise
            # An overflow, perhaps in rows that are not selected: these rows alone decide.
            return frame.take(self.index, node).evaluate(node).spread(self.size)
        return vector if self.index is None else vector.take(self.index)

    def known(self, node: Node) -> tuple[RowSelection, Vector]:
        """The rows where ``node`` is not null, and its values there."""
        kept, vector = self.once(("known", id(node)), lambda: self._without_nulls(self.values(node)))
        return kept or self, vector

    def _without_nulls(self, vector: Vector) -> tuple[RowSelection | None, Vector]:
        """None stands for the selection itself: holding itself, it would stay in memory until the next collection."""
        valid = vector.valid
        if vector.values.dtype == np.float64:
            missing = np.isnan(vector.values)
            if missing.any():
                valid = ~missing if valid is None else valid & ~missing
        if valid is None:
            return None, vector
        kept = self.narrowed(valid)
        return None if kept is self else kept, Vector(vector.values[valid], None, vector.texts)

    def bounds(self, reduction: Reduction) -> tuple[Ints, Ints]:
        """First row and end of each window, one line a window."""
        return self.once(("bounds", reduction.lows, reduction.highs), lambda: self._bounds(reduction))

    def _bounds(self, reduction: Reduction) -> tuple[Ints, Ints]:
        low, high = self.places[list(reduction.lows)], self.places[list(reduction.highs)]
        return np.minimum(low, high), high

    def once(self, key: tuple[object, ...], make: Callable[[], T]) -> T:
        """What ``make`` gives, made once for this selection."""
        if key not in self._known:
            self._known[key] = make()
        made: T = self._known[key]
        return made


def select_family(piece: Piece, family: Family, shared: dict[object, RowSelection]) -> RowSelection:
    """The rows of ``family``. ``shared`` keeps selections by their conditions for the families that follow."""
    base = shared.get(())
    if base is None:
        base = shared[()] = RowSelection(piece, None, piece.places)
    for number, condition in enumerate(family.conditions):
        key: object = tuple(id(node) for node in family.conditions[: number + 1])
        if key not in shared:
            holds = piece.frame.evaluate(condition).spread(piece.frame.size).is_true()
            shared[key] = base.narrowed(base.take(holds))
        base = shared[key]
    return base.narrowed(base.take(_category_mask(piece, family))) if family.by else base


def _category_mask(piece: Piece, family: Family) -> Bools:
    column = piece.frame.columns[family.by]
    by_code = category_by_code(column.texts, family.value, family.values)
    if column.texts is None:  # a column that is null throughout
        return np.full(piece.frame.size, by_code[-1])
    return rows_by_code(column, by_code)


def category_by_code(texts: pa.StringArray | None, value: str, values: tuple[str, ...]) -> Bools:
    """Which texts are the category ``value`` (none of ``values`` where it is empty); at the end the same for null."""
    wanted = pa.array([value] if value else values, pa.string())
    is_wanted = pc.is_in(pa.array([], pa.string()) if texts is None else texts, value_set=wanted)
    by_code = np.append(np.asarray(is_wanted.to_numpy(zero_copy_only=False)), False)
    return by_code if value else ~by_code


def cut_entities(first: Ints, end: Ints, rows_per_piece: int) -> Iterator[slice]:
    """Cut observations that are sorted by customer into runs whose customers have about ``rows_per_piece`` rows.

    ``first`` and ``end`` are all rows of each observation's customer. A customer is never cut.
    """
    start = 0
    while start < first.size:
        stop = int(np.searchsorted(end, first[start] + rows_per_piece, side="right"))
        if stop <= start:
            stop = start + 1
        stop = int(np.searchsorted(first, first[stop - 1], side="right"))
        yield slice(start, stop)
        start = stop


def cut_sizes(sizes: Ints, rows_per_piece: int) -> Iterator[slice]:
    """Cut observations into runs that have about ``rows_per_piece`` rows together; each has rows of its own."""
    ends = np.cumsum(sizes)
    start = 0
    while start < sizes.size:
        before = int(ends[start - 1]) if start else 0
        stop = max(int(np.searchsorted(ends, before + rows_per_piece, side="right")), start + 1)
        yield slice(start, stop)
        start = stop


def take_columns(columns: dict[str, Vector], rows: Ints | Bools | slice) -> dict[str, Vector]:
    """Every column at ``rows``."""
    return {name: vector.take(rows) for name, vector in columns.items()}
