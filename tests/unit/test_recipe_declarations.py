"""Recipes: what is refused, and what follows from a declaration."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from tallystick.errors import DeclarationError
from tallystick.model.inputs import Feature, dimension_names
from tallystick.spec.algorithms import Blend, GradientBoosting, OrdinalScorecard, Scorecard, Selection
from tallystick.spec.fingerprint import fingerprint
from tallystick.spec.model_tables import training_contract
from tallystick.spec.recipes import (
    Ablation,
    Audit,
    Band,
    Choice,
    Gates,
    Policy,
    Recipe,
    RequestFeature,
    Scale,
    Split,
)
from tests.lib.training_sets import FEATURES, make_recipe

BANDS = (
    Band(pd_below=0.1, decision="approve", limit_minor=500),
    Band(pd_below=0.3, decision="refer", limit_minor=100),
)


def policy(**changes: Any) -> Policy:
    return Policy(**{"currency": "CNY", "limit_min_minor": 100, "limit_max_minor": 500, "bands": BANDS, **changes})


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: policy(currency="yuan"), "currency code"),
        (lambda: policy(limit_min_minor=0), "0 < min <= max"),
        (lambda: policy(bands=()), "rise in pd_below"),
        (lambda: policy(bands=BANDS[::-1]), "rise in pd_below"),
        (lambda: policy(bands=(replace(BANDS[0], limit_minor=100), replace(BANDS[1], limit_minor=500))), "with risk"),
        (lambda: policy(limit_max_minor=400), "a limit outside"),
        (lambda: Band(pd_below=0.0, decision="approve", limit_minor=1), "out of range"),
        (lambda: Band(pd_below=0.1, decision="decline", limit_minor=1), "unknown decision"),
        (lambda: Scale(base_odds=0.0), "positive base_odds"),
        (lambda: Scale(base_score=101.0), "positive base_odds"),
        (lambda: Split(test_share=1.0), "test_share"),
        (lambda: Split(folds=1), "folds or repeats"),
        (lambda: Split(method="random"), "unknown method"),
        (lambda: Split(method="random_by_customer", test_from=date(2026, 1, 1)), "no test_from"),
        (lambda: Audit(max_joint_auc=1.1), "max_joint_auc"),
        (lambda: Choice(tolerance=-0.1), "tolerance"),
        (lambda: Audit(max_auc=0.4), "AUC threshold"),
        (lambda: Audit(sample=0), "sample is empty"),
        (lambda: Gates(min_auc=0.4), "gate is out of range"),
        (lambda: Gates(calibration_slope=(2.0, 1.0)), "gate is out of range"),
        (lambda: Ablation(name="none", title="none"), "drops something"),
        (lambda: RequestFeature(name="amount", expression=" ", reason="Amount"), "must not be empty"),
        (lambda: RequestFeature(name="amount", expression="amount_minor", reason="", sign=0), "must not be empty"),
        (lambda: RequestFeature(name="amount", expression="amount_minor", reason="Amount", sign=2), "not a sign"),
        (lambda: RequestFeature(name="Amount", expression="amount_minor", reason="Amount"), "not a name"),
        (lambda: Selection(max_missing=1.5), "max_missing"),
        (lambda: OrdinalScorecard(bins=1), "bins"),
        (lambda: OrdinalScorecard(features=()), "no feature"),
        (lambda: Scorecard(max_bins=100), "max_bins"),
        (lambda: GradientBoosting(trees=0), "trees"),
        (lambda: Blend(weights={"scorecard": 1.0}), "two algorithms"),
        (lambda: Blend(weights={"scorecard": 1.0, "boosting": 0.0}), "positive weights"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(make: Any, says: str) -> None:
    with pytest.raises(DeclarationError, match=says):
        make()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"groups": ()}, "no feature group"),
        ({"groups": ("txn", "txn")}, "named twice"),
        ({"label": None}, "trains nothing"),
        ({"algorithms": ()}, "needs algorithms"),
        ({"observations": "Applications"}, "not a name"),
        ({"algorithms": (Scorecard(), Scorecard())}, "declared twice"),
        ({"algorithms": (Blend(weights={"scorecard": 1.0, "boosting": 1.0}), Scorecard())}, "not declared before"),
    ],
)
def test_a_recipe_whose_parts_do_not_fit_is_refused(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(DeclarationError, match=says):
        replace(make_recipe(), **changes)


def test_a_recipe_without_a_label_ends_with_its_features() -> None:
    recipe = Recipe(name="activity", title="Activity", groups=("social",), observations="daily")
    assert recipe.labels == ()
    assert not recipe.is_retrospective


def test_the_labels_of_a_recipe_are_its_own_and_those_of_its_variants() -> None:
    assert make_recipe().labels == ("outcome", "outcome_strict")


def test_the_scale_gives_its_base_score_at_its_base_odds_and_more_where_the_odds_double() -> None:
    scale = Scale(base_score=60.0, base_odds=10.0, pdo=8.0)
    assert scale.offset + scale.factor * math.log(10.0) == pytest.approx(60.0)
    assert scale.offset + scale.factor * math.log(20.0) == pytest.approx(68.0)


def test_equal_recipes_have_equal_fingerprints_and_a_changed_one_another() -> None:
    assert fingerprint(make_recipe()) == fingerprint(make_recipe())
    changed = replace(make_recipe(), split=Split(test_from=date(2024, 1, 1)))
    assert fingerprint(changed) != fingerprint(make_recipe())
    heavier = Blend(weights={"ordinal_scorecard": 3.0, "boosting": 1.0})
    algorithms = (*make_recipe().algorithms[:-1], heavier)
    assert fingerprint(replace(make_recipe(), algorithms=algorithms)) != fingerprint(make_recipe())


def test_the_training_table_has_a_row_per_application_and_a_double_per_feature() -> None:
    contract = training_contract(make_recipe(), ["txn_balance_min_90d", "request_amount"])
    assert contract.name == "training.small_loan"
    assert contract.key == ("source", "observations", "observation_id", "as_of")
    assert contract.column("request_amount").type == "double"
    assert not contract.column("pd_test").required


def test_a_dimension_holds_its_groups_its_patterns_and_what_is_assumed() -> None:
    assumed, balance = make_recipe().ablations
    assert dimension_names(assumed, FEATURES) == {"orders_sum_all"}
    assert dimension_names(balance, FEATURES) == {"txn_balance_min_90d", "txn_balance_mean_90d"}
    mixed = Ablation(name="mixed", title="mixed", groups=("calls",), drop=("txn_noise_*",))
    called = Feature(name="calls_count_7d", reason="Calls", group="calls")
    assert dimension_names(mixed, (*FEATURES, called)) == {"calls_count_7d", "txn_noise_mean_30d"}
    with pytest.raises(DeclarationError, match="no feature is called loans"):
        dimension_names(replace(mixed, drop=("loans_*",)), FEATURES)
