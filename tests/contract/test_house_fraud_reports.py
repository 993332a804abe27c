"""What the bank's fraud team confirmed decides about fraud and never about credit."""

from __future__ import annotations

from collections.abc import Iterable

from tallystick.spec.columns import group_columns
from tallystick.spec.features import FeatureGroup, Measure
from tallystick.spec.graphs import CustomerGraph, NodeMeasure, NodeValue, node_measures
from tallystick.spec.uses import split_uses
from tests.lib import house
from tests.lib.shipped import shipped_project

REPORTS = "clean.fraud_reports"


def crediting(groups: Iterable[FeatureGroup], graphs: Iterable[CustomerGraph] = ()) -> list[str]:
    """The features for credit decisions that are made of reports of fraud: their group reads them, or their graph."""
    through = {
        (graph.table, measure.column(kind))
        for graph in graphs
        for measure, kind in graph.columns
        if measure.of in {value.name for value in graph.values if value.table == REPORTS}
    }
    return [
        column.name
        for group in groups
        for column in group_columns(group)
        if REPORTS in group.reads or (group.table, column.measure) in through
        if "credit decisions" in split_uses(column.permitted_use)
    ]


def test_no_feature_for_credit_decisions_reads_reports_of_fraud() -> None:
    project = shipped_project()
    found = crediting(project.feature_groups.values(), project.graphs.values())
    assert not found, house.listed(found)


def test_a_feature_that_does_is_found() -> None:
    group = FeatureGroup(
        name="seen", table=REPORTS, owner="tests", windows=("30d",),
        measures=(
            Measure(name="any", ops="count", reason="Reports"),
            Measure(name="own", ops="count", reason="Reports", permitted_use="fraud review"),
        ),
    )  # fmt: skip
    assert crediting([group]) == ["seen_any_count_30d"]


def test_a_feature_of_a_graph_that_does_is_found() -> None:
    graph = CustomerGraph(
        name="seen", title="Seen", owner="tests", every="day", tables=("clean.accounts",), ties=("calls",),
        kinds={"talk": "calls"}, values=(NodeValue(name="fraud", table=REPORTS),),
        measures=(NodeMeasure(op="core", kinds=("any",), reason="Ties"),
                  NodeMeasure(op="sum", of="fraud", kinds=("any",), reason="Reports")),
    )  # fmt: skip
    group = FeatureGroup(name="seen", table=graph.table, owner="tests", windows=("all",), measures=node_measures(graph))
    assert crediting([group], [graph]) == ["seen_any_fraud_sum_last_all"]
