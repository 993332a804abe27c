"""The consumer loan recipe against the declared features: every name it uses exists and may be used."""

from __future__ import annotations

import pytest

from tallystick.model.inputs import match_features
from tallystick.spec.algorithms import Blend
from tallystick.training.vectors import VectorPlan, plan_vectors
from tests.lib.shipped import shipped_project


@pytest.fixture(scope="module")
def plan() -> VectorPlan:
    project = shipped_project()
    assumed = project.sources["berka"].assumed_tables
    return plan_vectors(
        project.recipes["consumer_loan"],
        project.feature_groups,
        project.contracts,
        observed=project.observations["applications"],
        assumed=assumed,
    )


def test_it_has_more_than_120_features_with_a_reason_each(plan: VectorPlan) -> None:
    assert len(plan.features) >= 120
    assert all(feature.reason for feature in plan.features)


def test_every_pattern_of_its_algorithms_and_ablations_matches_a_feature(plan: VectorPlan) -> None:
    recipe = shipped_project().recipes["consumer_loan"]
    for algorithm in recipe.algorithms:
        if not isinstance(algorithm, Blend):
            assert match_features(plan.features, algorithm.features)
    for ablation in recipe.ablations:
        if ablation.drop:
            assert match_features(plan.features, ablation.drop)


def test_what_has_no_date_is_marked_assumed_and_is_a_dimension_of_its_own(plan: VectorPlan) -> None:
    recipe = shipped_project().recipes["consumer_loan"]
    assumed = {feature.name.partition("_")[0] for feature in plan.features if feature.assumed}
    assert {"holders", "orders", "customers"} <= assumed
    assert "transactions" not in assumed
    assert any(ablation.drop_assumed for ablation in recipe.ablations)


def test_at_a_source_whose_rows_are_dated_the_same_features_are_not_assumed() -> None:
    project = shipped_project()
    assumed = project.sources["simbank"].assumed_tables
    plan = plan_vectors(
        project.recipes["cash_loan"],
        project.feature_groups,
        project.contracts,
        observed=project.observations["applications"],
        assumed=assumed,
    )
    assert not any(feature.assumed for feature in plan.features)


def test_it_says_that_it_is_retrospective() -> None:
    assert shipped_project().recipes["consumer_loan"].is_retrospective
