"""What the bank's fraud team confirmed decides about fraud and never about credit."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tallystick.project import load_project
from tallystick.spec.columns import group_columns
from tallystick.spec.features import FeatureGroup, Measure
from tallystick.spec.uses import split_uses
from tests.lib import house

REPORTS = "clean.fraud_reports"


def crediting(groups: Iterable[FeatureGroup]) -> list[str]:
    """The features for credit decisions whose group reads reports of fraud."""
    return [
        column.name
        for group in groups
        if REPORTS in group.reads
        for column in group_columns(group)
        if "credit decisions" in split_uses(column.permitted_use)
    ]


def test_no_feature_for_credit_decisions_reads_reports_of_fraud(project_root: Path) -> None:
    found = crediting(load_project(project_root).feature_groups.values())
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
