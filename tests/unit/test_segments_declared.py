"""A segmentation refuses what cannot be right, and its checks say what does not exist or is not permitted."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from tallystick.errors import DeclarationError
from tallystick.project.segment_checks import check_segmentation, segmentation_problems
from tallystick.spec.segments import segment_contract
from tests.lib.shipped import shipped_project
from tests.lib.spenders import SEGMENTATION

PROJECT = shipped_project()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"parts": {"amount_food": "food"}}, "1 parts are declared, and shares need two"),
        ({"parts": {"a": "food", "b": "food"}}, "each part needs a word of its own"),
        ({"parts": {"a": "food", "b": " "}}, "each part needs a word of its own"),
        ({"transformation": "log"}, "unknown transformation 'log'"),
        ({"segments": (1, 3)}, r"segments = \(1, 3\) is out of range"),
        ({"segments": (5, 3)}, r"segments = \(5, 3\) is out of range"),
        ({"keep_within": 0.6}, "keep_within = 0.6 is out of range"),
        ({"min_share": 0.3}, "min_share = 0.3 is out of range"),
        ({"repeats": 1}, "repeats = 1 is out of range"),
        ({"permitted_use": "gossip"}, "unknown use 'gossip'"),
        ({"activity": 3}, "activity is a whole number"),
    ],
)
def test_what_cannot_be_right_is_refused(change: dict[str, Any], told: str) -> None:
    with pytest.raises(DeclarationError, match=told):
        replace(SEGMENTATION, **change)


def problems(**change: Any) -> list[str]:
    """What is wrong with the project's own segmentation after a change."""
    return [one.what for one in segmentation_problems(PROJECT, replace(PROJECT.segmentations["preferences"], **change))]


def test_the_projects_own_segmentation_has_no_problem() -> None:
    assert problems() == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"name": "cash_loan"}, "a recipe has the same name, so their models would be versions of one another"),
        ({"name": "tastes"}, "table segment.tastes has no expectations"),
        ({"observations": "customer_month"}, "it names no known observation set customer_month"),
        ({"observations": "book"}, "observations book have the key loan_id, and segments are of customers"),
        ({"group": "preference"}, "it names no known feature group preference"),
        ({"activity": "preferences_count"}, "group preferences has no feature preferences_count"),
    ],
)
def test_what_does_not_exist_is_told(change: dict[str, Any], told: str) -> None:
    assert told in problems(**change)


def test_columns_are_used_as_their_owner_permits() -> None:
    of_credit = {"consumption_spent_food_sum_180d": "food", "consumption_spent_shopping_sum_180d": "shopping"}
    told = problems(group="consumption", parts=of_credit, activity="consumption_spent_count_180d")
    assert len(told) == 3
    permitted = "consumption_spent_food_sum_180d is permitted for credit decisions, early warning"
    assert told[0] == f"{permitted}, not for marketing and portfolio cuts"
    declared = replace(PROJECT.segmentations["preferences"], group="consumption", parts=of_credit)
    with pytest.raises(DeclarationError, match="have its owner, credit-risk, permit it"):
        check_segmentation(PROJECT, declared)


def test_no_recipe_may_decide_about_credit_by_preferences() -> None:
    from tallystick.spec.columns import group_columns
    from tallystick.spec.permissions import permission_faults

    group, recipe = PROJECT.feature_groups["preferences"], PROJECT.recipes["cash_loan"]
    faults = permission_faults(
        replace(recipe, groups=("preferences",), leave_out=(), allow_protected={}, request=()),
        {"preferences": group_columns(group, PROJECT.contracts)},
        groups=PROJECT.feature_groups,
        contracts=PROJECT.contracts,
        observed=PROJECT.observations[recipe.observations],
    )
    assert len(faults) == 1
    assert "permitted for marketing, portfolio cuts, not for credit decisions" in faults[0].what


def test_no_feature_can_be_made_of_segments() -> None:
    from tallystick.spec.checks import group_faults
    from tallystick.spec.features import FeatureGroup, Measure

    group = FeatureGroup(
        name="tastes",
        table="segment.preferences",
        owner="tests",
        windows=("all",),
        event_at="as_of",
        measures=(Measure(name="any", ops="count", reason="Tastes"),),
    )
    (fault,) = group_faults(group, PROJECT.contracts)
    assert fault.what == "segment.preferences is not an event table"


def test_protected_and_sensitive_columns_make_no_segments() -> None:
    from tallystick.spec.features import FeatureGroup, Measure

    use = "marketing, portfolio cuts"
    group = FeatureGroup(
        name="person",
        table="clean.customers",
        owner="tests",
        windows=("all",),
        permitted_use=use,
        measures=(
            Measure(name="woman", where="gender = 'female'", ops="count", reason="None"),
            Measure(name="ill", where="region_id = '1'", ops="count", pii="sensitive", reason="None"),
            Measure(name="rows", ops="count", reason="None"),
        ),
    )
    project: Any = SimpleNamespace(
        recipes={},
        expectations=PROJECT.expectations,
        observations=PROJECT.observations,
        contracts=PROJECT.contracts,
        feature_groups={"person": group},
    )
    declared = replace(
        PROJECT.segmentations["preferences"],
        group="person",
        parts={"person_woman_count_all": "women", "person_ill_count_all": "ill"},
        activity="person_rows_count_all",
    )
    assert [one.what for one in segmentation_problems(project, declared)] == [
        "person_woman_count_all is made of clean.customers.gender, which is protected",
        "person_ill_count_all is of PII class sensitive",
    ]


def test_the_table_says_what_it_may_be_used_for() -> None:
    contract = segment_contract(SEGMENTATION)
    assert contract.name == "segment.kinds"
    assert contract.description == "Kinds. Permitted for marketing, portfolio cuts; not an input for credit decisions."
    assert contract.key == ("source", "customer_id", "as_of")
    assert {c.name for c in contract.columns if not c.required} == {
        "segment_id", "segment_name", "distance", "second_distance"
    }  # fmt: skip
    assert PROJECT.contracts["segment.preferences"].derived_from == ("feature.preferences",)
