"""Graphs of customers are refused for what cannot be right, and name their columns and tables."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from tallystick.errors import DeclarationError
from tallystick.spec.columns import group_columns
from tallystick.spec.graphs import (
    CustomerGraph,
    NodeMeasure,
    NodeValue,
    check_graph,
    graph_contract,
    graph_tables,
    node_measures,
)
from tallystick.spec.meaning import column_fingerprints
from tallystick.ties.graph_dates import list_snapshots
from tests.lib.shipped import shipped_project

PROJECT = shipped_project()


def graph(**parts: Any) -> CustomerGraph:
    own = {
        "name": "callers", "title": "Callers", "owner": "tests", "every": "month", "tables": ("clean.customers",),
        "ties": ("calls",), "kinds": {"talk": "calls"},
        "values": (NodeValue(name="fraud", table="clean.fraud_reports"),),
        "measures": (NodeMeasure(op="neighbours", kinds=("talk", "any"), reason="Ties by {kind}"),
                     NodeMeasure(op="mean", of="fraud", steps=2, kinds=("talk",), reason="Ties by {kind}", sign=1)),
    }  # fmt: skip
    return CustomerGraph(**{**own, **parts})


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        ({"every": "year"}, "every 'year'"),
        ({"most_ties": 0}, "most_ties = 0"),
        ({"cycle_length": 1}, "cycle_length = 1"),
        ({"measures": (NodeMeasure(op="neighbours", kinds=("walk",)),)}, "unknown kind walk"),
        ({"measures": (NodeMeasure(op="core", kinds=("talk",)),) * 2}, "talk_core is measured twice"),
        ({"measures": (NodeMeasure(op="mean", of="fraught", kinds=("any",)),)}, "unknown value fraught"),
        ({"measures": (NodeMeasure(op="cycle_length", kinds=("talk",)),)}, "cycle_length needs payments"),
        ({"ties": ("call",)}, "unknown tie call"),
        ({"kinds": {"walk": "walks"}, "measures": ()}, "tie calls is of kind talk, which the graph does not name"),
        ({"kinds": {"talk": "calls", "walk": "walks"}}, "no tie is of kind walk"),
        ({"payments": "transfers"}, "payments names transfers"),
        ({"tables": ("clean.groups",)}, "clean.groups is no clean table of customers' events"),
        ({"tables": ("clean.people",)}, "unknown table clean.people"),
        ({"values": (NodeValue(name="fraud", table="clean.customers", where="gender = 'f'"),)}, "protected attribute"),
        ({"values": (NodeValue(name="fraud", table="clean.loans", value="wealth"),)}, "unknown column wealth"),
    ],
)
def test_what_cannot_be_right_is_refused(parts: dict[str, Any], says: str) -> None:
    with pytest.raises(DeclarationError, match=says):
        check_graph(graph(**parts), PROJECT.ties, PROJECT.contracts)


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        ({"op": "mode"}, "unknown op mode"),
        ({"op": "mean"}, "mean looks at a value"),
        ({"op": "core", "of": "fraud"}, "core looks at no value"),
        ({"op": "spread", "of": "fraud", "steps": 2}, "spread of 2 steps cannot be measured"),
        ({"op": "core", "kinds": ()}, "no kind is named"),
    ],
)
def test_a_measure_that_means_nothing_is_refused(parts: dict[str, Any], says: str) -> None:
    with pytest.raises(DeclarationError, match=says):
        NodeMeasure(**{"kinds": ("any",), **parts})


def test_columns_types_and_words_follow_from_the_measures() -> None:
    declared = graph()
    contract = graph_contract(declared, graph_tables(declared, PROJECT.ties))
    measured = {column.name: column.type for column in contract.columns[9:]}
    assert measured == {"talk_neighbours": "int64", "any_neighbours": "int64", "talk_fraud_mean_two": "double"}
    assert contract.derived_from == ("clean.customers", "clean.fraud_reports", "clean.social_events")
    *_, last = node_measures(declared)
    assert (last.name, last.ops, last.reason, last.sign) == ("talk_fraud_mean_two", ("last",), "Ties by calls", 1)


def test_a_feature_means_what_its_graph_and_its_ties_mean() -> None:
    group = PROJECT.feature_groups["chains"]
    declared = PROJECT.graphs["people"]
    assert group.basis == PROJECT.graph_basis(declared) != PROJECT.graph_basis(replace(declared, most_ties=7))
    columns = [column for column in PROJECT.contracts["feature.chains"].columns if column.name.startswith("chains_")]
    assert len(columns) == len(declared.columns)
    found = group_columns(group, PROJECT.contracts)[:1]
    assert column_fingerprints(group, found) != column_fingerprints(replace(group, basis="other"), found)


def test_snapshots_stand_on_days_mondays_or_firsts_of_a_month() -> None:
    first, last = date(2026, 2, 27), date(2026, 3, 9)
    assert len(list_snapshots("day", first=first, last=last)) == 11
    assert list_snapshots("week", first=first, last=last) == [date(2026, 3, 2), date(2026, 3, 9)]
    assert list_snapshots("month", first=first, last=last) == [date(2026, 3, 1)]
