"""What a node's own surroundings look like: its ties, the pairs among its neighbours, and flagged nodes near it.

Apart from aggregates of values: here nothing but ties, days and flags is read.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tallystick.errors import ContractError
from tallystick.graph.csr import Doubles, Graph, Ids, as_flags, divided


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class TieMeasures:
    """Of each node: neighbours that it reaches out to (``fan_out``), that reach it (``fan_in``), both (``mutual``).

    ``reciprocity`` is the share of neighbours with ties both ways, NaN without neighbours. ``mean_age`` and
    ``least_age`` are days since the first day of its ties, ``quiet_days`` those since the last day of any; NaN without
    neighbours, and if the graph has no such days.
    """

    fan_out: Ids
    fan_in: Ids
    mutual: Ids
    reciprocity: Doubles
    mean_age: Doubles
    least_age: Doubles
    quiet_days: Doubles


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Flagged:
    """Of each node the flagged neighbours (``count``), and the steps to the nearest flagged node other than itself
    (``distance``, int8): 1, 2, or 0 if there is none within two steps.
    """

    count: Ids
    distance: npt.NDArray[np.int8]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Egos:
    """Of each node the neighbours that count (``members``, int32), the pairs of them that are tied (``links``, int64),
    and their share among all pairs (``density``), NaN below two members.
    """

    members: Ids
    links: npt.NDArray[np.int64]
    density: Doubles


def measure_ties(graph: Graph, *, day: int) -> TieMeasures:
    """Direction, age and last sign of each node's ties, as of ``day``. Takes a graph of neighbours.

    Whoever calls leaves out ties that begin after ``day``: their age would be negative.
    """
    from tallystick.graph import neighbour_loops

    if graph.ways is None:
        raise ContractError("which way ties go is known after join_directions only", where="measure_ties")
    counts, ages = np.empty((3, graph.nodes), dtype=np.int32), np.empty((3, graph.nodes))
    _, *columns = graph.columns
    neighbour_loops.measure_rows(graph.starts, tuple(columns), day, counts, ages)
    return TieMeasures(
        fan_out=counts[0],
        fan_in=counts[1],
        mutual=counts[2],
        reciprocity=divided(counts[2], graph.degrees()),
        mean_age=ages[0],
        least_age=ages[1],
        quiet_days=ages[2],
    )


def find_flagged(graph: Graph, flags: npt.ArrayLike) -> Flagged:
    """Flagged nodes within two steps of each node; its own flag does not count. ``flags`` has a truth value a node."""
    from tallystick.graph import neighbour_loops

    count, distance = np.empty(graph.nodes, dtype=np.int32), np.empty(graph.nodes, dtype=np.int8)
    known = as_flags(flags, where="flags", nodes=graph.nodes)
    neighbour_loops.find_flags(graph.starts, graph.targets, known, count, distance)
    return Flagged(count=count, distance=distance)


def measure_egos(graph: Graph, *, among: npt.ArrayLike | None = None) -> Egos:
    """How densely the neighbours of each node are tied to each other: the clustering coefficient (Watts and Strogatz
    1998) of neighbours that are ``among`` (a truth value a node; None: all), such as customers of the last weeks.

    A pair is tied if one stands in the row of the other, so a capped hub is still tied to those whose rows name it.
    Weights play no part. Takes a graph of neighbours. The work grows with paths of two steps: cap hubs first.
    """
    from tallystick.graph import neighbour_loops

    flags = as_flags(among, where="among", nodes=graph.nodes)
    members, links = np.empty(graph.nodes, dtype=np.int32), np.empty(graph.nodes, dtype=np.int64)
    neighbour_loops.count_links(graph.starts, graph.targets, flags, members, links)
    pairs = members.astype(np.float64) * (members - 1.0) / 2.0
    return Egos(members=members, links=links, density=divided(links, pairs))
