"""Many families in one pass: counts, sums, means, deviations and extremes of whole numbers.

It chooses the reductions of a plan that go together and makes the words that say which rows belong to which family;
``loops`` has the compiled loop.

Most features of a wide group differ in their filter alone. Family by family, each would copy its rows and go through
them once an operation; here each row is met once an observation, and counted into the few families it belongs to.
Whatever cannot be done so (a sum that may leave int64, an expression that does, observations so dense that their
windows hold each row many times) is left to the reductions, which give the same values.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
import numpy.typing as npt

from tallystick.errors import ContractError
from tallystick.kernel import exact
from tallystick.kernel.cells import Results
from tallystick.kernel.compiled import compiled
from tallystick.kernel.nullable import Bools, Ints, Vector
from tallystick.kernel.pieces import Piece, category_by_code
from tallystick.kernel.plan import Family, GroupPlan, Reduction
from tallystick.spec.expressions import Node, columns_used, has_lags

# In the order in which the loop writes them.
_OPS = ("count", "sum", "mean", "min", "max", "std")

# Bits of a word.
_FAMILIES = 64

# Above so many visits of a row for each family, running totals are cheaper than going through the windows (measured for
# 2 and 18 families, docs/performance.md).
_VISITS = 4

Words = npt.NDArray[np.uint64]

_ALL = 2**64 - 1
_NO_BOOLS, _NO_INTS = np.zeros(0, dtype=np.bool_), np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Entries of the loop (see ``loops.reduce_rings``) over one value and the windows from ``lows`` to ``high``.

    ``slots`` are the reductions' own, ``deviations`` those of them that are standard deviations.
    """

    value: Node | None
    lows: tuple[int, ...]
    high: int
    entries: Ints
    starts: Ints
    slots: frozenset[int]
    deviations: frozenset[int]


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Up to 64 families that share one word a row: for each condition (with the columns it reads) and each category the
    bits of those who ask for it.
    """

    conditions: tuple[tuple[Node, tuple[str, ...], int], ...]
    categories: tuple[tuple[str, str, tuple[str, ...], int], ...]
    batches: tuple[Batch, ...]


@dataclass(frozen=True, slots=True)
class _Entry:
    """One reduction over one chain of its windows."""

    bit: int
    op: str
    slots: tuple[int, ...]
    reduction: int


def fused_blocks(plan: GroupPlan, results: Results) -> tuple[Block, ...]:
    """The parts of ``plan`` that go in one pass each, with their results' lines in ``results``."""
    # The row before is another one for an observation that does not see all rows: LAG is evaluated on its own rows.
    families = [family for family in plan.families if not any(has_lags(node) for node in family.conditions)]
    families = [family for family in families if any(_is_fused(r) for r in family.reductions)]
    return tuple(_block(families[start : start + _FAMILIES], results) for start in range(0, len(families), _FAMILIES))


def _is_fused(reduction: Reduction) -> bool:
    value = reduction.value
    return (
        reduction.op.name in _OPS
        and reduction.each is None
        and reduction.top is None
        and (value is None or (value.type != "double" and not has_lags(value)))
    )


def _block(families: list[Family], results: Results) -> Block:
    conditions: dict[Node, int] = {}
    categories: dict[tuple[str, str, tuple[str, ...]], int] = {}
    for bit, family in enumerate(families):
        for node in family.conditions:
            conditions[node] = conditions.get(node, 0) | 1 << bit
        if family.by:
            key = (family.by, family.value, family.values)
            categories[key] = categories.get(key, 0) | 1 << bit
    return Block(
        conditions=tuple((node, columns_used(node), bits) for node, bits in conditions.items()),
        categories=tuple((*key, bits) for key, bits in categories.items()),
        batches=tuple(_batches(families, results)),
    )


def _batches(families: list[Family], results: Results) -> Iterator[Batch]:
    """Reductions over one value and one chain of windows; rows are counted along with a value's where one is there."""
    found: dict[tuple[Node | None, tuple[int, ...], int], list[_Entry]] = {}
    # Families' values first: then counts know where they can go.
    pairs = [(bit, r) for bit, family in enumerate(families) for r in family.reductions if _is_fused(r)]
    for bit, reduction in sorted(pairs, key=lambda pair: pair[1].value is None):
        for chain in reduction.chains:
            lows, high = tuple(reduction.lows[place] for place in chain), reduction.highs[chain[0]]
            key = (reduction.value, lows, high)
            if reduction.value is None:
                key = next((other for other in found if other[1:] == (lows, high)), key)
            slots = tuple(reduction.slot + place for place in chain)
            found.setdefault(key, []).append(_Entry(bit, reduction.op.name, slots, reduction.slot))
    for (value, lows, high), entries in found.items():
        ordered = sorted(entries, key=lambda entry: _OPS.index(entry.op))
        counts = [sum(entry.op == op for entry in ordered) for op in _OPS]
        yield Batch(
            value=value,
            lows=lows,
            high=high,
            entries=np.array([[e.bit, *map(results.line, e.slots), *e.slots] for e in ordered], dtype=np.int64),
            starts=np.array(list(accumulate(counts, initial=0)), dtype=np.int64),
            slots=frozenset(entry.reduction for entry in ordered),
            deviations=frozenset(entry.reduction for entry in ordered if entry.op == "std"),
        )


def reduce_block(piece: Piece, block: Block, results: Results, *, places: Ints) -> set[int]:
    """Reduce what ``block`` can of ``piece`` into ``places`` of ``results``; returns the slots of what is left over."""
    words: Words | None = None
    left: set[int] = set()
    for batch in block.batches:
        lows, high = _bounds(piece, batch)
        value = _value(piece, batch)
        if value is None or not _is_cheap(batch, piece, lows, high) or not _fits(batch, value, lows, high):
            left |= batch.slots
            continue
        if exact.largest(value.values) ** 2 > exact.LARGEST:
            left |= batch.deviations  # what the loop makes of them is overwritten
        if words is None:
            try:
                words = _words(piece, block)
            except ContractError:  # a condition leaves int64, perhaps in rows that nobody sees
                return {slot for every in block.batches for slot in every.slots}
        rows = words, value.values, _NO_BOOLS if value.valid is None else value.valid, *piece.seen
        windows = lows, high, piece.asked.when
        compiled().reduce_rings(rows, windows, (batch.entries, batch.starts, places, *results.arrays))
    return left


def _bounds(piece: Piece, batch: Batch) -> tuple[Ints, Ints]:
    high = piece.places[batch.high]
    return np.minimum(piece.places[list(batch.lows)], high), high


def _value(piece: Piece, batch: Batch) -> Vector | None:
    """The batch's value in each row (no rows where it takes none); None where an expression leaves int64."""
    if batch.value is None:
        return Vector(_NO_INTS)
    try:
        made = piece.frame.evaluate(batch.value).spread(piece.frame.size)
    except ContractError:  # perhaps in rows of no family: family by family it is looked at again
        return None
    if made.values.dtype == np.float64:  # not what the contract says
        return None
    valid = None if made.valid is None else np.ascontiguousarray(made.valid)
    return Vector(np.ascontiguousarray(made.values, dtype=np.int64), valid)


def _is_cheap(batch: Batch, piece: Piece, lows: Ints, high: Ints) -> bool:
    """Is one pass cheaper than family by family, where each observation that sees rows of its own copies them."""
    visits = int((high - lows[-1]).sum())
    families = len(set(batch.entries[:, 0].tolist()))
    return visits <= _VISITS * families * piece.frame.size or piece.seen[0].size > 0


def _fits(batch: Batch, value: Vector, lows: Ints, high: Ints) -> bool:
    """Can no sum leave int64, if there are any."""
    _, sums, _, extremes, _, deviations, end = batch.starts.tolist()
    if sums == extremes and deviations == end:
        return True
    return exact.largest(value.values) * exact.longest(lows[-1], high) <= exact.LARGEST


def _words(piece: Piece, block: Block) -> Words:
    """The word of each row: of all families at first, then each condition takes away those who ask for it."""
    frame = piece.frame
    words = np.full(frame.size, _ALL, dtype=np.uint64)
    kept_by_code: dict[str, Words] = {}

    def keep(name: str, holds: Bools, bits: int) -> None:
        kept = kept_by_code.setdefault(name, np.full(holds.size, _ALL, dtype=np.uint64))
        kept[~holds] &= np.uint64(_ALL ^ bits)

    for node, names, bits in block.conditions:
        by_code = frame.by_code(node, names)
        if by_code is None:
            holds = np.ascontiguousarray(frame.evaluate(node).spread(frame.size).is_true())
            compiled().keep_where(words, holds, np.uint64(_ALL ^ bits))
        else:
            keep(names[0], by_code, bits)
    for name, value, values, bits in block.categories:
        keep(name, category_by_code(frame.columns[name].texts, value, values), bits)
    for name, kept in kept_by_code.items():
        column = frame.columns[name]
        codes = column.values if column.texts is not None else np.zeros(frame.size, dtype=np.uint8)
        valid = _NO_BOOLS if column.valid is None else np.ascontiguousarray(column.valid)
        compiled().keep_by_code(words, np.ascontiguousarray(codes), valid, kept)
    return words
