"""The ring that a report shows, against components by networkx: which one, who is flagged, and its ties."""

from __future__ import annotations

import datetime as dt
import random

import networkx as nx
import numpy as np
import pytest

from tallystick.graph import Edges
from tallystick.spec.graphs import CustomerGraph, NodeMeasure, NodeValue
from tallystick.ties.kind_graphs import KindTies, NodeFacts
from tallystick.ties.ring_search import find_ring, ring_kinds
from tallystick.ties.rings import FEWEST, MOST
from tallystick.ties.seen_rows import Moment

Pairs = list[tuple[int, int]]


def graph(*, of: str = "fraud") -> CustomerGraph:
    return CustomerGraph(
        name="people", title="t", owner="tests", every="week", tables=("clean.people",), ties=("t", "u"),
        kinds={"home": "a home", "money": "transfers"},
        values=(NodeValue(name="fraud", table="clean.reports"), NodeValue(name="asked", table="clean.people")),
        measures=(NodeMeasure(op="component_sum", kinds=("home", "any"), of=of),),
    )  # fmt: skip


def facts(homes: Pairs, paid: Pairs, *, flagged: set[int], count: int) -> NodeFacts:
    """Homes tie both ways, payments one way."""

    def kind(pairs: Pairs) -> KindTies:
        ends = np.array(pairs, dtype=np.int32).reshape(-1, 2)
        days = np.zeros(len(pairs), dtype=np.int32)
        edges = Edges(source=ends[:, 0], target=ends[:, 1], weight=None, first_day=days, last_day=days)
        return KindTies(edges, np.zeros(count, dtype=np.int32))

    both = [*homes, *((other, one) for one, other in homes)]
    fraud = np.array([float(node in flagged) for node in range(count)])
    return NodeFacts(
        graph=graph(), moment=Moment.of(dt.date(2026, 3, 30), "Asia/Shanghai"), count=count,
        kinds={"home": kind(both), "money": kind(paid)}, values={"fraud": fraud, "asked": fraud},
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(30))
def test_the_ring_is_the_component_with_most_confirmed_fraud(seed: int) -> None:
    draw, count = random.Random(seed), 60
    homes = [(draw.randrange(count), draw.randrange(count)) for _ in range(draw.choice([8, 25, 45]))]
    homes = [(one, other) for one, other in homes if one != other]
    paid = [(draw.randrange(count), draw.randrange(count)) for _ in range(300)]
    flagged = set(draw.sample(range(count), draw.choice([0, 1, 6])))
    around = nx.Graph(homes)
    rings = [one for one in nx.connected_components(around) if FEWEST <= len(one) <= MOST and one & flagged]
    found = find_ring(facts(homes, paid, flagged=flagged, count=count))
    if not rings:
        assert found is None
        return
    wanted = min(rings, key=lambda one: (-len(one & flagged), len(one), min(one)))
    assert found is not None
    assert (found.kind, found.members, found.flagged) == ("a home", len(wanted), len(wanted & flagged))
    number = {node: n for n, node in enumerate([*sorted(wanted & flagged), *sorted(wanted - flagged)], start=1)}
    ways = {(number[one], number[other]) for one, other in paid if {one, other} <= wanted and one != other}
    inside = {frozenset(number[node] for node in pair) for pair in homes if set(pair) <= wanted}
    told = {(tie.source, tie.target, tie.is_mutual) for tie in found.ties if tie.kind == "transfers"}
    assert told == {(a, b, (b, a) in ways) for a, b in ways if a < b or (b, a) not in ways}
    assert {frozenset((t.source, t.target)) for t in found.ties if t.kind == "a home"} == inside
    assert all(tie.is_mutual for tie in found.ties if tie.kind == "a home")


def test_a_component_of_two_or_of_too_many_is_not_shown() -> None:
    pair, chain = [(0, 1)], [(node, node + 1) for node in range(2, 2 + MOST)]
    assert find_ring(facts([*pair, *chain], [], flagged={0, 2}, count=3 + MOST)) is None
    shorter = find_ring(facts([*pair, *chain[:-1]], [], flagged={0, 2}, count=3 + MOST))
    assert shorter is not None
    assert shorter.members == MOST


def test_only_a_graph_that_searches_for_confirmed_fraud_has_rings() -> None:
    assert ring_kinds(graph()) == ("home",)
    assert ring_kinds(graph(of="asked")) == ()
