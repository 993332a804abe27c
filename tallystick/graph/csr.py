"""A graph as rows of neighbours, and the ways to make one: from ties, from both directions, with shorter rows of hubs.

Compressed sparse rows (CSR): the neighbours of node ``n`` are ``targets[starts[n]:starts[n + 1]]``, in ascending
order, with their weights and days at the same places. A tie takes 8 bytes, 16 with first and last day. Apart from the
measures, which all read these rows.

The compiled loops are imported where they are called, here and beside this module: importing Numba takes a second,
which a program that only names these functions does not pay.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from tallystick.errors import ContractError

Array = npt.NDArray[Any]
Ids = npt.NDArray[np.int32]
Bools = npt.NDArray[np.bool_]
Doubles = npt.NDArray[np.float64]

# Whether a graph has first days, last days and ways.
Has = tuple[bool, bool, bool]

_MOST_NODES = 2**31 - 1
# Arrays whose ties were merged away down to this share are copied, so that their memory is given back.
_WORTH_A_COPY = 0.8


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Edges:
    """Ties as columns: ``source`` and ``target`` int32, ``weight`` float32 (None: each weighs 1), ``first_day`` and
    ``last_day`` int32 (None: not known). Other types are converted, at the price of a copy.
    """

    source: Array
    target: Array
    weight: Array | None = None
    first_day: Array | None = None
    last_day: Array | None = None


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Graph:
    """Rows of neighbours. ``first_days`` and ``last_days`` are None if the ties had none.

    ``ways`` is None in a directed graph. In a graph of neighbours it says which way a tie goes, seen from the row's
    node: 1 out, 2 in, 3 both. ``is_symmetric`` says that each tie stands in the rows of both its ends.
    """

    starts: npt.NDArray[np.int64]
    targets: Ids
    weights: npt.NDArray[np.float32]
    first_days: Ids | None = None
    last_days: Ids | None = None
    ways: npt.NDArray[np.uint8] | None = None
    is_symmetric: bool = False

    @property
    def nodes(self) -> int:
        """The number of nodes, isolated ones with it."""
        return len(self.starts) - 1

    @property
    def rows(self) -> tuple[Array, Array, Array]:
        """Starts, targets and weights, as the compiled loops take them."""
        return self.starts, self.targets, self.weights

    @property
    def columns(self) -> tuple[Array, Array, Array, Array]:
        """Weights, first days, last days and ways; an array without elements where there is none."""
        first, last = (_or_none(days, np.int32) for days in (self.first_days, self.last_days))
        return self.weights, first, last, _or_none(self.ways, np.uint8)

    def degrees(self) -> Ids:
        """The number of neighbours of each node."""
        return np.diff(self.starts).astype(np.int32)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Capped:
    """A graph without the weakest ties of its hubs, and how many each node's row lost (``cut``, int32)."""

    graph: Graph
    cut: Ids


def build_graph(edges: Edges, *, nodes: int) -> Graph:
    """The directed graph of these ties.

    A tie from a node to itself is left out. Parallel ties become one: its weight is their sum, its first day the
    earliest, its last day the latest. A tie that has no direction is given twice, once each way. Weights are kept with
    the 7 digits of float32; a weight of 0 is a tie along which nothing flows. Refuses numbers of nodes out of range,
    columns of different lengths, and weights that are negative or not finite.
    """
    from tallystick.graph import row_loops

    source, target, columns = _checked(edges, nodes)
    has = (edges.first_day is not None, edges.last_day is not None, False)
    starts = np.zeros(nodes + 1, dtype=np.int64)
    row_loops.count_ties(source, target, starts)
    targets, made = _room(int(starts[-1]), has)
    row_loops.place_ties((source, target), columns, starts[:-1].copy(), targets, made)
    return _merged(starts, targets, made, has)


def join_directions(graph: Graph) -> Graph:
    """The graph of neighbours: each tie stands in the rows of both its ends, a pair once.

    If ties go both ways between two nodes, the weight of the pair is the sum of both, its first day the earliest and
    its last day the latest. ``ways`` tells them apart. Takes a directed graph; refuses one that is joined already.
    """
    from tallystick.graph import row_loops

    if graph.ways is not None:
        raise ContractError("the directions of this graph are joined already", where="join_directions")
    starts = np.zeros(graph.nodes + 1, dtype=np.int64)
    row_loops.count_both(graph.targets, graph.starts, starts)
    has = (graph.first_days is not None, graph.last_days is not None, True)
    targets, made = _room(int(starts[-1]), has)
    row_loops.place_both((graph.starts, graph.targets), graph.columns, starts[:-1].copy(), targets, made)
    return _merged(starts, targets, made, has)


def cap_hubs(graph: Graph, most: int, *, by: Literal["weight", "last_day"] = "weight") -> Capped:
    """The graph in which no row has more than ``most`` ties.

    A longer row keeps its strongest ties, of equally strong ones those with the later last day, then those to the
    smaller node; with ``by="last_day"`` the latest, then the strongest. Only the hub's own row is cut: the rows of
    others still name the hub. Without last days all days are equal.
    """
    from tallystick.graph import row_loops

    if most < 1:
        raise ContractError("the cap of hubs must be at least 1", where="cap_hubs", fix="raise the cap")
    degrees = graph.degrees()
    cut = np.maximum(degrees - np.int32(most), 0).astype(np.int32)
    if not cut.any():
        return Capped(graph=graph, cut=cut)
    starts = np.zeros(graph.nodes + 1, dtype=np.int64)
    np.cumsum(degrees - cut, out=starts[1:])
    has = (graph.first_days is not None, graph.last_days is not None, graph.ways is not None)
    targets, made = _room(int(starts[-1]), has)
    row_loops.cut_rows((graph.starts, graph.targets), graph.columns, by == "last_day", starts, targets, made)
    return Capped(graph=_graph(starts, targets, made, has, is_symmetric=False), cut=cut)


def as_ids(values: npt.ArrayLike, *, where: str, size: int | None = None) -> Ids:
    """Int32 without gaps. Refuses another number of elements than ``size``."""
    made = np.ascontiguousarray(values, dtype=np.int32)
    if made.ndim != 1 or (size is not None and len(made) != size):
        raise ContractError("one value for each row is needed", where=where)
    return made


def as_flags(values: npt.ArrayLike | None, *, where: str, nodes: int) -> Bools:
    """One truth value for each node, or an array without elements for None. Refuses another number."""
    if values is None:
        return np.zeros(0, dtype=np.bool_)
    made = np.ascontiguousarray(values, dtype=np.bool_)
    if made.shape != (nodes,):
        raise ContractError("one truth value for each node is needed", where=where)
    return made


def as_doubles(values: npt.ArrayLike, *, where: str, nodes: int) -> Doubles:
    """One number for each node. Refuses another number."""
    made = np.ascontiguousarray(values, dtype=np.float64)
    if made.shape != (nodes,):
        raise ContractError("one number for each node is needed", where=where)
    return made


def divided(part: Array, whole: Array) -> Doubles:
    """The share of each part in its whole, NaN where the whole is 0."""
    made = np.full(part.shape, np.nan)
    np.divide(part, whole, out=made, where=whole > 0)
    return made


def check_nodes(ids: Ids, *, nodes: int, where: str) -> None:
    """Refuse numbers of nodes out of range."""
    if not 0 <= nodes <= _MOST_NODES:
        raise ContractError(f"a graph has 0 to {_MOST_NODES} nodes", where=where)
    if len(ids) and (ids.min() < 0 or ids.max() >= nodes):
        raise ContractError("nodes are numbered from 0 to one less than their number", where=where)


def _checked(edges: Edges, nodes: int) -> tuple[Ids, Ids, tuple[Array, Array, Array, Array]]:
    source = as_ids(edges.source, where="source")
    size = len(source)
    target = as_ids(edges.target, where="target", size=size)
    check_nodes(source, nodes=nodes, where="source")
    check_nodes(target, nodes=nodes, where="target")
    weight = np.ascontiguousarray(_or_none(edges.weight, np.float32), dtype=np.float32)
    if edges.weight is not None and len(weight) != size:
        raise ContractError("one weight for each tie is needed", where="weight")
    # A minimum or maximum is NaN if any weight is.
    if len(weight) and not (weight.min() >= 0 and weight.max() < np.inf):
        raise ContractError("the weight of a tie is finite and not negative", where="weight")
    first, last = (
        np.zeros(0, dtype=np.int32) if days is None else as_ids(days, where=where, size=size)
        for days, where in ((edges.first_day, "first_day"), (edges.last_day, "last_day"))
    )
    return source, target, (weight, first, last, np.zeros(0, dtype=np.uint8))


def _or_none(column: Array | None, kind: type[np.generic]) -> Array:
    return np.zeros(0, dtype=kind) if column is None else column


def _room(size: int, has: Has) -> tuple[Array, tuple[Array, ...]]:
    """Targets and columns for so many ties; a column that the graph lacks has no elements."""
    kinds = (np.int32, np.int32, np.uint8)
    columns = (np.empty(size if is_there else 0, dtype=kind) for is_there, kind in zip(has, kinds, strict=True))
    return np.empty(size, dtype=np.int32), (np.empty(size, dtype=np.float32), *columns)


def _merged(starts: Array, targets: Array, columns: tuple[Array, ...], has: Has) -> Graph:
    """The graph of these rows, sorted and with parallel ties merged. It has ways if it was made of both directions."""
    from tallystick.graph import row_loops

    before = len(targets)
    size = row_loops.merge_rows(starts, targets, columns)
    is_copied = size < _WORTH_A_COPY * before
    targets, *made = (column[:size].copy() if is_copied else column[:size] for column in (targets, *columns))
    return _graph(starts, targets, tuple(made), has, is_symmetric=has[2])


def _graph(starts: Array, targets: Array, columns: tuple[Array, ...], has: Has, *, is_symmetric: bool) -> Graph:
    weights, *others = columns
    first, last, ways = (column if is_there else None for is_there, column in zip(has, others, strict=True))
    return Graph(
        starts=starts,
        targets=targets,
        weights=weights,
        first_days=first,
        last_days=last,
        ways=ways,
        is_symmetric=is_symmetric,
    )
