"""Aggregates of values over the neighbours of each node, and over the nodes at two steps.

Apart from measures of ties alone, which read no values.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tallystick.errors import ContractError
from tallystick.graph.csr import Doubles, Graph, Ids, divided


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Aggregates:
    """``count`` has the others of each node. All else is by column of values and then by node: of the others that have
    a value ``known`` many, their ``total`` (0 if there are none), the ``highest``, and ``weighted_mean``, weighted by
    the ties (NaN if there are none, or no weight).
    """

    count: Ids
    known: Ids
    total: Doubles
    highest: Doubles
    weighted_mean: Doubles

    @property
    def mean(self) -> Doubles:
        """The mean of the known values, NaN if there are none. Of a flag (0 or 1) it is the share."""
        return divided(self.total, self.known)


def aggregate_neighbours(graph: Graph, values: npt.ArrayLike) -> Aggregates:
    """Aggregates over the nodes of each row.

    ``values`` has one number for each node, or one row of numbers for each node and a column for each kind; NaN is no
    value. A neighbour without a value is counted but not known.
    """
    from tallystick.graph import neighbour_loops

    return _aggregated(graph, values, neighbour_loops.sum_neighbours)


def aggregate_two_steps(graph: Graph, values: npt.ArrayLike) -> Aggregates:
    """The same over the nodes at exactly two steps: neighbours of neighbours, without the node and its own neighbours.

    Each counts once, however many paths lead to it; its weight is the sum over these paths of the product of both
    weights. The work grows with the number of paths, which hubs make large: cap them first (``cap_hubs``). The result
    is exact for the graph that is given: in a capped one a path through a hub leads to its kept neighbours only.
    """
    from tallystick.graph import neighbour_loops

    return _aggregated(graph, values, neighbour_loops.sum_two_steps)


def _aggregated(graph: Graph, values: npt.ArrayLike, loop: Any) -> Aggregates:
    table = np.asarray(values, dtype=np.float64)
    if table.ndim == 1:
        table = table[:, np.newaxis]
    if table.ndim != 2 or len(table) != graph.nodes:
        raise ContractError("one number, or one row of numbers, for each node is needed", where="values")
    shape = (table.shape[1], graph.nodes)
    made = Aggregates(
        count=np.empty(graph.nodes, dtype=np.int32),
        known=np.empty(shape, dtype=np.int32),
        total=np.empty(shape),
        highest=np.empty(shape),
        weighted_mean=np.empty(shape),
    )
    results = (made.count, made.known, made.total, made.highest, made.weighted_mean)
    loop(graph.rows, np.ascontiguousarray(table), results)
    return made
