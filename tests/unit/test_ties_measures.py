"""What is measured at customers: flags that flow, weights too small or too large for the graph, searches cut short."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace
from typing import Any, cast

import numpy as np

from tallystick.graph import Edges
from tallystick.spec.graphs import CustomerGraph, NodeMeasure, NodeValue
from tallystick.ties.kind_graphs import KindTies, NodeFacts
from tallystick.ties.node_measures import measure_nodes
from tallystick.ties.seen_rows import Moment

DAYS = np.zeros(4, dtype=np.int32)


def chain_of_three() -> Edges:
    """a - b - c, each tie from both sides."""
    return Edges(
        source=np.array([0, 1, 1, 2], dtype=np.int32), target=np.array([1, 0, 2, 1], dtype=np.int32),
        weight=np.ones(4, dtype=np.float32), first_day=DAYS, last_day=DAYS,
    )  # fmt: skip


def test_a_flag_reaches_those_behind_somebody_without_one() -> None:
    graph = CustomerGraph(
        name="people", title="t", owner="tests", every="month", tables=("clean.people",), ties=("t",),
        kinds={"known": "k"}, values=(NodeValue(name="fraud", table="clean.reports"),),
        measures=(NodeMeasure(op="spread", kinds=("known",), of="fraud"),),
    )  # fmt: skip
    facts = NodeFacts(
        graph=graph, moment=Moment.of(dt.date(2026, 4, 1), "Asia/Shanghai"), count=3,
        kinds={"known": KindTies(chain_of_three(), np.zeros(3, dtype=np.int32))},
        values={"fraud": np.array([1.0, 0.0, 0.0])},
    )  # fmt: skip
    told = measure_nodes(facts)["known_fraud_spread"].to_pylist()
    assert told[1] > told[2] > 0
    assert graph.flags == {"fraud"}


def test_of_all_kinds_together_each_weighs_one_in_each_direction() -> None:
    """0 and 1 share things and 0 paid 1; 1 and 2 paid each other. What each kind weighs itself does not matter."""
    graph = CustomerGraph(
        name="people", title="t", owner="tests", every="month", tables=("clean.people",), ties=("t", "u"),
        kinds={"shared": "s", "money": "m"},
        values=(NodeValue(name="income", table="clean.pay", value="amount_minor"),),
        measures=(
            NodeMeasure(op="strength", kinds=("any",)), NodeMeasure(op="reciprocity", kinds=("any",)),
            NodeMeasure(op="weighted_mean", kinds=("any",), of="income"),
        ),
    )  # fmt: skip
    kinds = {
        "shared": Edges(source=np.array([0, 1], dtype=np.int32), target=np.array([1, 0], dtype=np.int32),
                        weight=np.full(2, 7, dtype=np.float32), first_day=DAYS[:2], last_day=DAYS[:2]),
        "money": Edges(source=np.array([0, 1, 2], dtype=np.int32), target=np.array([1, 2, 1], dtype=np.int32),
                       weight=np.full(3, 5, dtype=np.float32), first_day=DAYS[:3], last_day=DAYS[:3]),
    }  # fmt: skip
    facts = NodeFacts(
        graph=graph, moment=Moment.of(dt.date(2026, 4, 1), "Asia/Shanghai"), count=3,
        kinds={name: KindTies(edges, np.zeros(3, dtype=np.int32)) for name, edges in kinds.items()},
        values={"income": np.array([10.0, 99.0, 4.0])},
    )  # fmt: skip
    told = {column: values.to_pylist() for column, values in measure_nodes(facts).items()}
    assert told["any_strength"] == [3.0, 5.0, 2.0]
    assert told["any_reciprocity"] == [1.0, 1.0, 1.0]
    assert told["any_income_weighted_mean"] == [99.0, (3 * 10.0 + 2 * 4.0) / 5, 99.0]


def test_a_weight_that_the_graph_cannot_hold_ties_nobody_or_counts_as_its_largest() -> None:
    weights = np.array([1e-60, 0.5, 1e39, 2.0])
    edges = SimpleNamespace(hubs=np.zeros(3, dtype=np.int32), **{
        name: getattr(chain_of_three(), name) for name in ("source", "target", "first_day", "last_day")
    }, weight=weights)  # fmt: skip
    made = KindTies.of(
        cast("Any", [edges]), local=np.arange(3, dtype=np.int32), members=np.ones(3, dtype=np.bool_)
    ).edges
    assert made.source.tolist() == [1, 1, 2]
    assert made.weight.tolist() == [0.5, float(np.finfo(np.float32).max), 2.0]


def test_a_customer_whose_search_for_cycles_was_stopped_is_told_from_one_without_any() -> None:
    graph = CustomerGraph(
        name="people", title="t", owner="tests", every="month", tables=("clean.people",), ties=("t",),
        kinds={"money": "m"}, payments="t",
        measures=(NodeMeasure(op="cycle_length", kinds=("money",)), NodeMeasure(op="cycle_cut", kinds=("money",))),
    )  # fmt: skip
    # 0 pays 1, who pays 2 ten thousand and one times, who pays 3; only then does 3 pay 0.
    many = 10_001
    paid = (
        np.array([0, *[1] * many, 2, 3], dtype=np.int32), np.array([1, *[2] * many, 3, 0], dtype=np.int32),
        np.arange(many + 3, dtype=np.int64),
    )  # fmt: skip
    facts = NodeFacts(
        graph=graph, moment=Moment.of(dt.date(2026, 4, 1), "Asia/Shanghai"), count=4, values={}, payments=paid,
        kinds={"money": KindTies(chain_of_three(), np.zeros(4, dtype=np.int32))},
    )  # fmt: skip
    assert measure_nodes(facts)["money_cycle_cut"].to_pylist() == [1, 0, 0, 0]
