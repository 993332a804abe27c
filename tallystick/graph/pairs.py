"""What two nodes have to do with each other: for lists of pairs, such as who pays whom.

Apart from measures of nodes because a result here has one value for each pair that is asked for, and pairs that nobody
asks for cost nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tallystick.errors import ContractError
from tallystick.graph.csr import Doubles, Graph, Ids, as_ids, divided


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class PairMeasures:
    """Of each pair, in the order in which they were given.

    ``place`` is where the tie stands among the graph's, -1 where the two are not tied. ``common`` has the neighbours
    of both and ``near`` those of either, the two themselves and hubs left out. ``hubs`` are the common neighbours that
    were left out as hubs. ``adamic_adar`` adds up 1 / ln(neighbours) of the common ones. ``distance`` is 1 for a tie,
    2 with a common neighbour, 3 where a neighbour of the one is tied to one of the other, else 0. ``is_cut`` says that
    the third step was not searched, because both of the pair are hubs.
    """

    place: npt.NDArray[np.int64]
    common: Ids
    near: Ids
    hubs: Ids
    adamic_adar: Doubles
    distance: Ids
    is_cut: Ids

    @property
    def jaccard(self) -> Doubles:
        """The share of common neighbours among those of either, NaN where there are none."""
        return divided(self.common, self.near)


def measure_pairs(graph: Graph, source: npt.ArrayLike, target: npt.ArrayLike, *, most: int) -> PairMeasures:
    """How close the nodes of each pair are: common neighbours (Liben-Nowell and Kleinberg 2007; Adamic and Adar 2003),
    and the steps from one to the other.

    A node with more than ``most`` neighbours is a hub: to know it says nothing, so it is no common neighbour, and no
    path leads through it. A hub that is one of the pair has its neighbours like any other. A node of -1 is somebody
    without neighbours; so is a pair of one node with itself. Takes a graph of neighbours whose hubs are not capped.
    """
    from tallystick.graph import pair_loops

    if not graph.is_symmetric:
        fix = "join the directions, and cap no hubs"
        raise ContractError("pairs need each tie in the rows of both its ends", where="measure_pairs", fix=fix)
    if most < 1:
        raise ContractError("the cap of hubs must be at least 1", where="measure_pairs", fix="raise the cap")
    one = as_ids(source, where="source")
    other = as_ids(target, where="target", size=len(one))
    if len(one) and not (min(one.min(), other.min()) >= -1 and max(one.max(), other.max()) < graph.nodes):
        raise ContractError("nodes of pairs are numbered from 0, or -1", where="measure_pairs")
    rows, size = (graph.starts, graph.targets), len(one)
    plain = np.empty(graph.nodes, dtype=np.int32)
    pair_loops.count_plain(rows, most, plain)
    place, counts, scores = np.empty(size, np.int64), np.empty((5, size), np.int32), np.empty(size)
    pair_loops.measure_pairs(rows, (one, other), most, plain, (place, scores, counts))
    return PairMeasures(
        place=place,
        common=counts[0],
        near=counts[1],
        hubs=counts[2],
        adamic_adar=scores,
        distance=counts[3],
        is_cut=counts[4],
    )
