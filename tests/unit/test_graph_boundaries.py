"""Graph measures at their boundaries: what is refused, what an empty graph gives, what is told as cut."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from tallystick.errors import ContractError
from tallystick.graph import (
    Edges,
    Graph,
    Payments,
    aggregate_neighbours,
    aggregate_two_steps,
    build_graph,
    cap_hubs,
    compute_pagerank,
    count_groups,
    find_communities,
    find_components,
    find_cores,
    find_cycles,
    find_flagged,
    join_directions,
    measure_egos,
    measure_growth,
    measure_ties,
    rank_nearby,
    spread_scores,
)


def edges(*ties: tuple[int, int], weight: list[float] | None = None) -> Edges:
    ends = np.array(ties, dtype=np.int32).reshape(-1, 2)
    return Edges(source=ends[:, 0], target=ends[:, 1], weight=weight if weight is None else np.array(weight))


def neighbours(*ties: tuple[int, int], nodes: int) -> Graph:
    return join_directions(build_graph(edges(*ties), nodes=nodes))


CHAIN = neighbours((0, 1), (1, 2), (2, 3), nodes=4)
PAID = Payments(source=np.array([0, 1, 2]), target=np.array([1, 2, 0]), at=np.array([1, 2, 3]))


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: build_graph(edges((0, 4)), nodes=4),
        lambda: build_graph(edges((-1, 0)), nodes=4),
        lambda: build_graph(edges((0, 1), (1, 2), weight=[1.0]), nodes=4),
        lambda: build_graph(edges((0, 1), weight=[-1.0]), nodes=4),
        lambda: build_graph(edges((0, 1), weight=[np.nan]), nodes=4),
        lambda: build_graph(edges((0, 1), weight=[np.inf]), nodes=4),
        lambda: build_graph(replace(edges((0, 1)), first_day=np.array([1, 2])), nodes=4),
        lambda: build_graph(edges((0, 1)), nodes=-1),
        lambda: join_directions(CHAIN),
        lambda: cap_hubs(CHAIN, 0),
        lambda: find_cores(cap_hubs(CHAIN, 1).graph),
        lambda: find_cores(build_graph(edges((0, 1)), nodes=2)),
        lambda: measure_ties(build_graph(edges((0, 1)), nodes=2), day=1),
        lambda: measure_growth(find_components(neighbours(nodes=1)), find_components(CHAIN)),
        lambda: aggregate_neighbours(CHAIN, [1.0, 2.0]),
        lambda: find_flagged(CHAIN, [True]),
        lambda: compute_pagerank(CHAIN, seeds=[0, 0, -1, 0]),
        lambda: compute_pagerank(CHAIN, damping=1.0),
        lambda: spread_scores(CHAIN, [1.0]),
        lambda: spread_scores(CHAIN, [1.0] * 4, damping=1.0),
        lambda: rank_nearby(CHAIN, [0, 0, -1, 0]),
        lambda: count_groups(cap_hubs(CHAIN, 1).graph, [True] * 4),
        lambda: find_cycles(PAID, nodes=2, longest=3, span=5),
        lambda: find_cycles(replace(PAID, at=np.array([1])), nodes=3, longest=3, span=5),
        lambda: find_cycles(PAID, nodes=3, longest=1, span=5),
    ],
)
def test_what_makes_no_sense_is_refused(wrong: Callable[[], object]) -> None:
    with pytest.raises(ContractError):
        wrong()


def test_a_graph_without_nodes_or_without_ties_has_measures() -> None:
    for nodes in (0, 3):
        graph = neighbours(nodes=nodes)
        assert find_components(graph).size.tolist() == [1] * nodes
        assert find_cores(graph).tolist() == [0] * nodes
        assert find_communities(graph).tolist() == list(range(nodes))
        assert compute_pagerank(graph).score.tolist() == [1 / 3] * nodes
        assert spread_scores(graph, np.ones(nodes)).tolist() == [0.0] * nodes
        assert aggregate_two_steps(graph, np.ones(nodes)).total.tolist() == [[0.0] * nodes]
        assert np.isnan(measure_egos(graph).density).all()
        assert np.isnan(measure_ties(graph, day=5).reciprocity).all()
        none = Payments(source=np.zeros(0), target=np.zeros(0), at=np.zeros(0))
        assert find_cycles(none, nodes=nodes, longest=3, span=1).length.tolist() == [0] * nodes


def test_the_order_of_ties_changes_no_bit() -> None:
    source = np.random.default_rng(7)
    ends = source.integers(0, 6, (2, 200)).astype(np.int32)
    weight, first = source.exponential(size=200).astype(np.float32), source.integers(0, 9, 200)
    asked, order = Edges(source=ends[0], target=ends[1], weight=weight, first_day=first), source.permutation(200)
    other = Edges(source=ends[0, order], target=ends[1, order], weight=weight[order], first_day=first[order])
    one, two = (join_directions(build_graph(ties, nodes=6)) for ties in (asked, other))
    assert one.first_days is not None
    assert two.first_days is not None
    for mine, theirs in ((one.targets, two.targets), (one.weights, two.weights), (one.first_days, two.first_days)):
        assert mine.tobytes() == theirs.tobytes()


def test_a_seed_hears_others_and_never_its_own_echo() -> None:
    # 0 - 1 - 2 - 3: nothing but what 0 says is known, so 0 hears nothing, whatever its neighbours make of it.
    one = [1.0, np.nan, np.nan, np.nan]
    assert spread_scores(CHAIN, one, damping=0.5).tolist() == [0.0, 0.5 * (1 + 0.0625) / 2, 0.5 * 0.25 / 2, 0.125 / 4]
    assert rank_nearby(CHAIN, [1, 0, 0, 0])[0] == 0.0
    assert spread_scores(neighbours(nodes=1), [1.0]).tolist() == [0.0]


def test_a_bridge_is_counted_without_its_own_flag() -> None:
    assert count_groups(CHAIN, [True, True, True, False]).tolist() == [1, 2, 1, 1]
    assert count_groups(CHAIN, [True, False, True, False]).tolist() == [0, 2, 0, 1]


def test_a_cut_search_is_told() -> None:
    assert find_cycles(PAID, nodes=3, longest=3, span=2).length.tolist() == [3, 3, 3]
    assert find_cycles(PAID, nodes=3, longest=3, span=1).length.tolist() == [0, 0, 0]
    assert find_cycles(PAID, nodes=3, longest=2, span=2).length.tolist() == [0, 0, 0]
    cut = find_cycles(PAID, nodes=3, longest=3, span=2, most_steps=1)
    assert (cut.length.tolist(), cut.is_cut.tolist()) == ([0, 0, 0], [True, False, False])


def test_payments_of_one_moment_make_no_cycle() -> None:
    same = replace(PAID, at=np.array([1, 1, 1]))
    assert find_cycles(same, nodes=3, longest=3, span=2).length.tolist() == [0, 0, 0]


def test_a_hub_is_cut_in_its_own_row_only() -> None:
    star = neighbours(*((0, leaf) for leaf in range(1, 6)), nodes=6)
    capped = cap_hubs(star, 2)
    assert capped.cut.tolist() == [3, 0, 0, 0, 0, 0]
    assert capped.graph.targets.tolist() == [1, 2, 0, 0, 0, 0, 0]
    assert cap_hubs(star, 5).graph is star
    # A weight of minus nothing is as strong as one of nothing.
    zeros = build_graph(edges(*((0, leaf) for leaf in range(1, 4)), weight=[-0.0, 0.0, 0.0]), nodes=4)
    assert cap_hubs(zeros, 1).graph.targets.tolist() == [1]


def test_a_group_that_a_node_joins_has_grown_for_it_by_its_whole_size() -> None:
    before, now = find_components(neighbours((0, 1), nodes=2)), find_components(neighbours((0, 1), (1, 2), nodes=4))
    assert measure_growth(now, before).tolist() == [1, 1, 3, 1]
