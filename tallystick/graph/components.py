"""Components and cores: which nodes hang together at all, how that grew, and how densely each node is tied in.

Apart from what flows along ties: weights play no part here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tallystick.errors import ContractError
from tallystick.graph.csr import Doubles, Graph, Ids, as_doubles, as_flags, divided


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Components:
    """Of each node the smallest node of its component (``label``), and how many nodes that has (``size``), int32."""

    label: Ids
    size: Ids


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ComponentTotals:
    """Of each node the others of its component (``count``), those with a value (``known``), and their ``total``."""

    count: Ids
    known: Ids
    total: Doubles

    @property
    def mean(self) -> Doubles:
        """The mean of the known values, NaN if there are none. Of a flag (0 or 1) it is the share."""
        return divided(self.total, self.known)


def find_components(graph: Graph, *, among: npt.ArrayLike | None = None) -> Components:
    """The connected components, whichever way a tie goes: union-find, as in Sedgewick and Wayne, Algorithms, 1.5.

    An isolated node is a component of size 1. With ``among``, one truth value for each node, only ties between these
    nodes count, and other nodes have label -1 and size 0: ``among`` the confirmed frauds this gives their groups.
    """
    from tallystick.graph import flow_loops

    flags = as_flags(among, where="among", nodes=graph.nodes)
    label = np.empty(graph.nodes, dtype=np.int32)
    flow_loops.label_components(graph.starts, graph.targets, flags, label)
    return Components(label=label, size=_by_label(label)[label].astype(np.int32))


def aggregate_components(components: Components, values: npt.ArrayLike) -> ComponentTotals:
    """What the others of each node's component have; ``values`` has a number for each node, NaN is no value.

    The node itself is left out, so that its own outcome is no part of what is said about it. All 0 for a node that is
    alone or has label -1.
    """
    label = components.label
    given = as_doubles(values, where="values", nodes=len(label))
    is_known = ~np.isnan(given)
    own = np.where(is_known, given, 0.0)
    is_alone = components.size < 2
    known = np.where(is_alone, 0, _by_label(label, is_known)[label] - is_known).astype(np.int32)
    return ComponentTotals(
        count=np.maximum(components.size - 1, 0).astype(np.int32),
        known=known,
        total=np.where(known > 0, _by_label(label, own)[label] - own, 0.0),
    )


def _by_label(label: Ids, values: npt.NDArray[Any] | None = None) -> Doubles:
    """Nodes by label, or the sums of their values; the last place is that of label -1, and 0."""
    made = np.zeros(len(label) + 1)
    inside = label >= 0
    weights = None if values is None else values[inside]
    made[:-1] = np.bincount(label[inside], weights=weights, minlength=len(label))
    return made


def measure_growth(now: Components, before: Components) -> Ids:
    """By how many nodes each node's component is larger than the one that it was in before.

    Both number the nodes alike. A node that the earlier graph did not have, because it had fewer nodes or left it out
    by ``among``, had a size of 0. Negative where a component fell apart. Refuses an earlier graph with more nodes.
    """
    missing = len(now.size) - len(before.size)
    if missing < 0:
        raise ContractError("the earlier graph has more nodes than the later one", where="measure_growth")
    return now.size - np.pad(before.size, (0, missing))


def find_cores(graph: Graph) -> Ids:
    """The core number of each node: the largest ``k`` so that it belongs to a part of the graph in which all have at
    least ``k`` neighbours (Seidman 1983; algorithm of Batagelj and Zaversnik 2003).

    0 for an isolated node. Takes a graph of neighbours (``join_directions``) whose hubs are not capped.
    """
    from tallystick.graph import flow_loops

    if not graph.is_symmetric:
        raise ContractError(
            "core numbers need each tie in the rows of both its ends",
            where="find_cores",
            fix="join the directions, and cap no hubs",
        )
    core = np.empty(graph.nodes, dtype=np.int32)
    flow_loops.peel_cores(graph.starts, graph.targets, core)
    return core
