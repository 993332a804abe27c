"""Graph measures on small random graphs: networkx, or the definition tried out naively, gives the same."""

from __future__ import annotations

import math

import networkx as nx
import numpy as np
import pytest

from tallystick.errors import ContractError
from tallystick.graph import (
    Aggregates,
    Edges,
    Graph,
    aggregate_components,
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
    measure_pairs,
    measure_ties,
    rank_nearby,
    spread_scores,
)
from tests.lib import graph_oracle as oracle

GRAPHS = list(oracle.draw_graphs(60))
EXACT = {"rtol": 1e-9, "atol": 1e-12}


def neighbours_of(drawn: oracle.DrawnGraph) -> Graph:
    return join_directions(build_graph(drawn.edges, nodes=drawn.nodes))


def directed_nx(drawn: oracle.DrawnGraph) -> nx.DiGraph:
    made = nx.DiGraph()
    made.add_nodes_from(range(drawn.nodes))
    made.add_weighted_edges_from((a, b, tie[0]) for (a, b), tie in drawn.directed().items())
    return made


def undirected_nx(drawn: oracle.DrawnGraph) -> nx.Graph:
    made = nx.Graph()
    made.add_nodes_from(range(drawn.nodes))
    made.add_weighted_edges_from((a, b, tie[0]) for (a, b), tie in drawn.neighbours().items() if a < b)
    return made


def values_of(drawn: oracle.DrawnGraph, seed: int) -> np.ndarray:
    """Three columns, a third of them unknown; the last is a flag."""
    source = np.random.default_rng(seed)
    made = np.column_stack([source.normal(size=(drawn.nodes, 2)), source.integers(0, 2, drawn.nodes)])
    made[source.random(made.shape) < 1 / 3] = np.nan
    return made


def test_rows_hold_each_tie_once() -> None:
    for drawn in GRAPHS:
        graph = build_graph(drawn.edges, nodes=drawn.nodes)
        assert oracle.read_rows(graph) == drawn.directed()
        joined = join_directions(graph)
        assert oracle.read_rows(joined) == drawn.neighbours()
        assert joined.ways is not None
        ways = dict(zip(oracle.read_rows(joined), joined.ways.tolist(), strict=True))
        directed = drawn.directed()
        assert ways == {(a, b): ((a, b) in directed) + 2 * ((b, a) in directed) for a, b in ways}


@pytest.mark.parametrize("by", ["weight", "last_day"])
def test_hubs_keep_their_first_ties(by: str) -> None:
    for most in (1, 2, 3, 5):
        for drawn in GRAPHS:
            graph = neighbours_of(drawn)
            capped = cap_hubs(graph, most, by="weight" if by == "weight" else "last_day")
            assert oracle.read_rows(capped.graph) == oracle.cap_rows(drawn.neighbours(), most, by_day=by == "last_day")
            assert capped.cut.tolist() == [max(0, degree - most) for degree in graph.degrees()]


def test_components_and_their_growth() -> None:
    for drawn in GRAPHS:
        graph = build_graph(drawn.edges, nodes=drawn.nodes)
        expected = {node: group for group in nx.connected_components(undirected_nx(drawn)) for node in group}
        found = find_components(graph)
        assert found.label.tolist() == [min(expected[node]) for node in range(drawn.nodes)]
        assert found.size.tolist() == [len(expected[node]) for node in range(drawn.nodes)]
        flags = [node % 3 > 0 for node in range(drawn.nodes)]
        some = undirected_nx(drawn).subgraph([node for node in range(drawn.nodes) if flags[node]])
        inside = {node: group for group in nx.connected_components(some) for node in group}
        among = find_components(graph, among=flags)
        assert among.label.tolist() == [min(inside.get(node, {-1})) for node in range(drawn.nodes)]
        assert among.size.tolist() == [len(inside.get(node, ())) for node in range(drawn.nodes)]
        assert measure_growth(found, among).tolist() == (found.size - among.size).tolist()


def test_aggregates_of_a_component_leave_the_node_out() -> None:
    for number, drawn in enumerate(GRAPHS):
        values, graph = values_of(drawn, number)[:, 0], neighbours_of(drawn)
        flags = [node % 3 > 0 for node in range(drawn.nodes)]
        for components in (find_components(graph), find_components(graph, among=flags)):
            found, label = aggregate_components(components, values), components.label
            for node in range(drawn.nodes):
                same = {x: 1.0 for x in range(drawn.nodes) if x != node and label[x] == label[node] >= 0}
                count, known, total, mean, _, _ = oracle.aggregate(same, values)
                assert (found.count[node], found.known[node]) == (count, known)
                np.testing.assert_allclose((found.total[node], found.mean[node]), (total, mean), rtol=1e-9, atol=1e-9)


def test_pagerank_with_and_without_seeds() -> None:
    for number, drawn in enumerate(GRAPHS):
        seeds = np.random.default_rng(number).integers(0, 3, drawn.nodes).astype(float)
        for graph, made in (
            (build_graph(drawn.edges, nodes=drawn.nodes), directed_nx(drawn)),
            (neighbours_of(drawn), undirected_nx(drawn)),
        ):
            options = {"rounds": 500, "tolerance": 1e-13}
            same = {"max_iter": 500, "tol": 1e-13 / max(drawn.nodes, 1)}
            found = compute_pagerank(graph, **options).score
            assert found == pytest.approx(list(nx.pagerank(made, **same).values()), rel=1e-9)
            found = compute_pagerank(graph, seeds=seeds, **options).score
            if not seeds.any():
                assert not found.any()
                continue
            wanted = nx.pagerank(made, personalization=dict(enumerate(seeds)), **same)
            assert found == pytest.approx(list(wanted.values()), rel=1e-9, abs=1e-12)


def test_core_numbers() -> None:
    for drawn in GRAPHS:
        expected = nx.core_number(undirected_nx(drawn))
        assert find_cores(neighbours_of(drawn)).tolist() == [expected[node] for node in range(drawn.nodes)]


@pytest.mark.parametrize("most", [3, 99])
def test_scores_flow_as_if_nothing_were_known_of_the_node(most: int) -> None:
    for number, drawn in enumerate(GRAPHS):
        seeds = values_of(drawn, number)[:, 0]
        step = oracle.step_matrix(oracle.cap_rows(drawn.neighbours(), most, by_day=False), drawn.nodes)
        found = spread_scores(cap_hubs(neighbours_of(drawn), most).graph, seeds, damping=0.6)
        for node in range(drawn.nodes):
            others = np.where(np.arange(drawn.nodes) == node, np.nan, seeds)
            score = np.nan_to_num(others)
            for _ in range(3):
                heard = 0.6 * step @ score
                score = np.where(np.isnan(others), heard, others)
            assert found[node] == pytest.approx(heard[node], rel=1e-9, abs=1e-12)
            assert heard[node] != 0 or found[node] == 0


@pytest.mark.parametrize("most", [3, 99])
def test_the_rank_of_a_node_is_that_of_walks_from_other_seeds(most: int) -> None:
    for number, drawn in enumerate(GRAPHS):
        seeds = np.random.default_rng(number).integers(0, 3, drawn.nodes).astype(float)
        step = oracle.step_matrix(oracle.cap_rows(drawn.neighbours(), most, by_day=False), drawn.nodes)
        walks = sum(0.6**steps * np.linalg.matrix_power(step, steps) for steps in (1, 2, 3)) / (0.6 + 0.36 + 0.216)
        found = rank_nearby(cap_hubs(neighbours_of(drawn), most).graph, seeds, damping=0.6)
        for node in range(drawn.nodes):
            others = np.where(np.arange(drawn.nodes) == node, 0.0, seeds)
            wanted = (others / (others.sum() or 1.0)) @ walks[:, node]
            assert found[node] == pytest.approx(wanted, rel=1e-9, abs=1e-12)
            assert wanted > 0 or found[node] == 0


def test_groups_around_a_node_are_those_of_the_others() -> None:
    for number, drawn in enumerate(GRAPHS):
        flags, graph = np.random.default_rng(number).random(drawn.nodes) < 0.6, undirected_nx(drawn)
        found = count_groups(neighbours_of(drawn), flags)
        for node in range(drawn.nodes):
            others = graph.subgraph([x for x in graph if flags[x] and x != node])
            groups = list(nx.connected_components(others))
            assert found[node] == sum(bool(group & set(graph[node])) for group in groups)


def test_communities_follow_their_definition() -> None:
    for drawn in GRAPHS:
        label = list(range(drawn.nodes))
        for _ in range(10):
            for node in range(drawn.nodes):
                votes: dict[int, float] = {}
                for other, weight in oracle.row_of(drawn.neighbours(), node).items():
                    votes[label[other]] = votes.get(label[other], 0.0) + weight
                most = max(votes.values(), default=0.0)
                best = sorted(one for one, vote in votes.items() if vote == most and vote > 0)
                label[node] = label[node] if label[node] in best or not best else best[0]
        expected = [label.index(one) for one in label]
        assert find_communities(neighbours_of(drawn), rounds=10).tolist() == expected


def rows_of(found: Aggregates, node: int, column: int) -> tuple[float, ...]:
    parts = (found.known, found.total, found.mean, found.highest, found.weighted_mean)
    return (found.count[node], *(part[column, node] for part in parts))


@pytest.mark.parametrize("most", [2, 4, 99])
def test_aggregates_of_one_and_two_steps(most: int) -> None:
    for number, drawn in enumerate(GRAPHS):
        values, graph = values_of(drawn, number), cap_hubs(neighbours_of(drawn), most).graph
        pairs = oracle.cap_rows(drawn.neighbours(), most, by_day=False)
        one, two = aggregate_neighbours(graph, values), aggregate_two_steps(graph, values)
        for node in range(drawn.nodes):
            for column in range(3):
                near = oracle.aggregate(oracle.row_of(pairs, node), values[:, column])
                far = oracle.aggregate(oracle.two_steps(pairs, node), values[:, column])
                np.testing.assert_allclose(rows_of(one, node, column), near, **EXACT)
                np.testing.assert_allclose(rows_of(two, node, column), far, **EXACT)


@pytest.mark.parametrize("most", [3, 99])
def test_flagged_nodes_near_within_two_steps(most: int) -> None:
    for number, drawn in enumerate(GRAPHS):
        flags = np.random.default_rng(number).random(drawn.nodes) < 0.3
        graph, pairs = cap_hubs(neighbours_of(drawn), most).graph, drawn.neighbours()
        pairs = oracle.cap_rows(pairs, most, by_day=False)
        found = find_flagged(graph, flags)
        for node in range(drawn.nodes):
            near = set(oracle.row_of(pairs, node))
            far = {x for middle in near for x in oracle.row_of(pairs, middle)} - {node}
            count = sum(flags[x] for x in near)
            assert found.count[node] == count
            assert found.distance[node] == (1 if count else 2 if any(flags[x] for x in far) else 0)


@pytest.mark.parametrize("most", [3, 99])
def test_density_among_neighbours(most: int) -> None:
    for number, drawn in enumerate(GRAPHS):
        graph, pairs = cap_hubs(neighbours_of(drawn), most).graph, drawn.neighbours()
        pairs = oracle.cap_rows(pairs, most, by_day=False)
        among = np.random.default_rng(number).random(drawn.nodes) < 0.6
        for flags, found in ((None, measure_egos(graph)), (among, measure_egos(graph, among=among))):
            for node in range(drawn.nodes):
                chosen = {x for x in oracle.row_of(pairs, node) if flags is None or flags[x]}
                pairs_of = len(chosen) * (len(chosen) - 1) / 2
                links = oracle.links_among(pairs, chosen)
                assert (found.members[node], found.links[node]) == (len(chosen), links)
                expected = links / pairs_of if pairs_of else math.nan
                assert found.density[node] == pytest.approx(expected, nan_ok=True)


def test_density_is_the_clustering_coefficient() -> None:
    for drawn in GRAPHS:
        expected = nx.clustering(undirected_nx(drawn))  # 0 below two neighbours
        found = np.nan_to_num(measure_egos(neighbours_of(drawn)).density)
        assert found == pytest.approx([expected[node] for node in range(drawn.nodes)], rel=1e-9)


def test_measures_of_ties() -> None:
    for drawn in GRAPHS:
        found, directed = measure_ties(neighbours_of(drawn), day=10), drawn.directed()
        for node in range(drawn.nodes):
            out, into = ({x for x in range(drawn.nodes) if pair(x) in directed} for pair in (
                lambda x, node=node: (node, x), lambda x, node=node: (x, node)
            ))  # fmt: skip
            ties = [tie for (a, _), tie in drawn.neighbours().items() if a == node]
            ages = [10 - first for _, first, _ in ties]
            assert (found.fan_out[node], found.fan_in[node], found.mutual[node]) == (
                len(out),
                len(into),
                len(out & into),
            )
            expected = (
                (
                    len(out & into) / len(out | into),
                    sum(ages) / len(ages),
                    min(ages),
                    min(10 - last for *_, last in ties),
                )
                if ties
                else (math.nan,) * 4
            )
            parts = (found.reciprocity, found.mean_age, found.least_age, found.quiet_days)
            np.testing.assert_allclose([part[node] for part in parts], expected, **EXACT)


@pytest.mark.parametrize("most", [1, 3, 99])
def test_pairs_are_as_close_as_networkx_says(most: int) -> None:
    for drawn in GRAPHS:
        graph, known = neighbours_of(drawn), undirected_nx(drawn)
        pairs = [(a, b) for a in range(drawn.nodes) for b in range(drawn.nodes) if a != b]
        source, target = (np.array([pair[side] for pair in pairs], dtype=np.int32) for side in (0, 1))
        found = measure_pairs(graph, source, target, most=most)
        rows = list(oracle.read_rows(graph))
        assert [rows[place] if place >= 0 else None for place in found.place] == [
            pair if pair in rows else None for pair in pairs
        ]
        expected = [oracle.close_of(known, *pair, most=most) for pair in pairs]
        for name in ("common", "hubs", "jaccard", "adamic_adar", "distance", "is_cut"):
            np.testing.assert_allclose(getattr(found, name), [one[name] for one in expected], err_msg=name, **EXACT)


def test_nobody_and_oneself_have_nobody_in_common() -> None:
    graph = build_graph(Edges(source=np.array([0, 1]), target=np.array([1, 2])), nodes=4)
    found = measure_pairs(join_directions(graph), [1, -1, -1, 1, 3], [-1, 1, -1, 1, 3], most=9)
    assert found.place.tolist() == [-1] * 5
    assert found.common.tolist() == found.distance.tolist() == found.is_cut.tolist() == [0] * 5
    assert found.near.tolist() == [2, 2, 0, 0, 0]
    for wrong in ([4], [-2]):
        with pytest.raises(ContractError, match="numbered"):
            measure_pairs(join_directions(graph), wrong, [0], most=9)
    with pytest.raises(ContractError, match="both its ends"):
        measure_pairs(graph, [0], [1], most=9)


@pytest.mark.parametrize(("shortest", "longest", "span"), [(2, 4, 100), (3, 6, 5), (2, 3, 2), (3, 5, 11)])
def test_cycles_in_the_order_of_time(shortest: int, longest: int, span: int) -> None:
    seen = 0
    for nodes, payments in oracle.draw_payments(80):
        found = find_cycles(payments, nodes=nodes, shortest=shortest, longest=longest, span=span)
        expected = oracle.cycles_of(payments, shortest=shortest, longest=longest, span=span)
        assert found.length.tolist() == [expected.get(node, (0, 0))[0] for node in range(nodes)]
        assert found.last_at.tolist() == [expected.get(node, (0, 0))[1] for node in range(nodes)]
        assert not found.is_cut.any()
        seen += bool(expected)
    assert seen > 5


def test_long_rows_agree_with_dense_matrices() -> None:
    # Rows of hundreds: sorted in another way than short ones, and nodes meet in the hash table.
    source, nodes = np.random.default_rng(11), 400
    ends = (source.random((2, 6_000)) ** 3 * nodes).astype(np.int32)
    weight = (source.integers(1, 9, 6_000) / 8).astype(np.float32)
    graph = join_directions(build_graph(Edges(source=ends[0], target=ends[1], weight=weight), nodes=nodes))
    tied = np.zeros((nodes, nodes))
    np.add.at(tied, (ends[0], ends[1]), weight)
    tied = tied + tied.T
    np.fill_diagonal(tied, 0.0)
    far = (tied @ tied) * (tied == 0)
    np.fill_diagonal(far, 0.0)
    assert graph.degrees().max() > 300
    values = source.normal(size=nodes)
    for matrix, found in ((tied, aggregate_neighbours(graph, values)), (far, aggregate_two_steps(graph, values))):
        is_there = matrix > 0
        np.testing.assert_array_equal(found.count, is_there.sum(axis=1))
        np.testing.assert_allclose(found.total[0], is_there @ values, **EXACT)
        heavy = matrix.sum(axis=1)
        mean = np.divide(matrix @ values, heavy, out=np.full(nodes, np.nan), where=heavy > 0)
        np.testing.assert_allclose(found.weighted_mean[0], mean, **EXACT)
    is_tied = (tied > 0).astype(float)
    np.testing.assert_allclose(measure_egos(graph).links, (is_tied @ is_tied * is_tied).sum(axis=1) / 2)
