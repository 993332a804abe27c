"""Each algorithm: right direction, signs kept, nulls taken, the same answer every time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tallystick.errors import DeclarationError, ModelError
from tallystick.model.evaluation import auc
from tallystick.model.fitting import Part, draw_folds, fit_member, fit_models, needed_algorithms
from tallystick.model.ordinal import fit_ordinal, fit_signed_ridge
from tallystick.spec.algorithms import Blend, GradientBoosting, OrdinalScorecard, Scorecard, Selection
from tallystick.spec.recipes import Split
from tests.lib.training_sets import ALGORITHMS, FEATURES, SMALL, make_part, make_set

FITTED = [algorithm for algorithm in ALGORITHMS if not isinstance(algorithm, Blend)]


@pytest.fixture(scope="module")
def part() -> Part:
    return make_part(make_set())


@pytest.mark.parametrize("algorithm", FITTED, ids=lambda a: a.name)
def test_an_algorithm_ranks_and_takes_nulls_and_values_never_seen(algorithm: OrdinalScorecard, part: Part) -> None:
    member, _ = fit_member(algorithm, part, seed=1)
    assert auc(part.label, member.log_odds(part.vectors)) > 0.75
    extreme = pd.DataFrame([{f.name: value for f in FEATURES} for value in (np.nan, -1e12, 1e12)])
    assert np.isfinite(member.log_odds(extreme)).all()


@pytest.mark.parametrize("algorithm", FITTED, ids=lambda a: a.name)
def test_more_of_what_is_risky_never_lowers_the_risk(algorithm: OrdinalScorecard, part: Part) -> None:
    member, _ = fit_member(algorithm, part, seed=1)
    for feature in FEATURES:
        if not feature.sign or feature.name not in member.features:
            continue
        rows = pd.concat([part.vectors.median().to_frame().T] * 50, ignore_index=True)
        rows[feature.name] = np.linspace(*part.vectors[feature.name].agg(["min", "max"]), 50)
        steps = np.diff(member.log_odds(rows)) * feature.sign
        assert (steps >= -1e-12).all()


@pytest.mark.parametrize("algorithm", FITTED, ids=lambda a: a.name)
def test_the_same_rows_give_the_same_member(algorithm: OrdinalScorecard, part: Part) -> None:
    first, _ = fit_member(algorithm, part, seed=1)
    again, _ = fit_member(algorithm, part, seed=1)
    assert first.payload == again.payload
    assert first.booster == again.booster


def test_a_coefficient_against_its_sign_ends_at_zero_and_the_feature_is_left_out(part: Part) -> None:
    turned = [replace(feature, sign=-feature.sign) for feature in FEATURES[:1]]
    member = fit_ordinal(OrdinalScorecard(), part.vectors, part.label, [*turned, FEATURES[2]])
    assert member.features == (FEATURES[2].name,)


def test_a_ridge_without_bounds_agrees_with_scikit_learn() -> None:
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(3)
    matrix = rng.normal(size=(200, 3))
    label = (rng.random(200) < 1 / (1 + np.exp(-matrix[:, 0]))).astype(float)
    intercept, coefficients = fit_signed_ridge(matrix, label, [0, 0, 0], c=0.5)
    reference = LogisticRegression(C=0.5, tol=1e-10, max_iter=10_000).fit(matrix, label)
    assert coefficients == pytest.approx(reference.coef_[0], abs=1e-4)
    assert intercept == pytest.approx(reference.intercept_[0], abs=1e-4)


def test_no_feature_left_is_said_with_the_algorithm(part: Part) -> None:
    strict = Scorecard(selection=replace(SMALL, min_iv=9.0))
    with pytest.raises(ModelError, match="none of 6 features passed"):
        fit_member(strict, part, seed=1)


def test_a_shortlist_with_an_unknown_name_is_refused(part: Part) -> None:
    with pytest.raises(DeclarationError, match="no feature is called txn_balanse"):
        fit_member(OrdinalScorecard(features=("txn_balanse*",)), part, seed=1)


def test_selection_only_sees_the_rows_it_is_given(part: Part) -> None:
    half = part.take(np.arange(150))
    _, alone = fit_member(OrdinalScorecard(selection=Selection(min_iv=0.05)), half, seed=1)
    changed = replace(part, label=np.where(np.arange(len(part.label)) < 150, part.label, 1 - part.label))
    _, beside = fit_member(OrdinalScorecard(selection=Selection(min_iv=0.05)), changed.take(np.arange(150)), seed=1)
    pd.testing.assert_frame_equal(alone, beside)


def test_folds_never_split_a_customer(part: Part) -> None:
    shared = replace(part, customer=np.repeat(part.customer[:100], 3))
    for folds in draw_folds(shared, split=Split(folds=4, repeats=2), seed=1):
        assert pd.Series(folds).groupby(shared.customer).nunique().max() == 1
        assert set(folds) == {0, 1, 2, 3}


def test_out_of_fold_pds_are_calibrated_and_honest(part: Part) -> None:
    models = fit_models(ALGORITHMS, part, split=Split(folds=3, repeats=1), seed=1)
    assert list(models) == ["ordinal_scorecard", "scorecard", "boosting", "blend"]
    for model in models.values():
        assert model.out_of_fold.mean() == pytest.approx(part.label.mean(), abs=0.01)
        assert auc(part.label, model.out_of_fold) < auc(part.label, model.predict(part.vectors))


def test_a_blend_is_the_weighted_mean_of_calibrated_log_odds(part: Part) -> None:
    models = fit_models(ALGORITHMS, part, split=Split(folds=3, repeats=1), seed=1)
    blended = (2 * models["ordinal_scorecard"].log_odds(part.vectors) + models["boosting"].log_odds(part.vectors)) / 3
    found = models["blend"].log_odds(part.vectors)
    assert np.corrcoef(blended, found)[0, 1] == pytest.approx(1.0)
    assert np.polyfit(blended, found, 1)[0] > 0


def test_only_what_a_blend_needs_is_fitted_again() -> None:
    assert [a.name for a in needed_algorithms(ALGORITHMS, "blend")] == ["ordinal_scorecard", "boosting", "blend"]
    assert [a.name for a in needed_algorithms(ALGORITHMS, "scorecard")] == ["scorecard"]


def test_trees_are_constrained_and_the_number_of_threads_is_one(part: Part) -> None:
    member, _ = fit_member(GradientBoosting(selection=SMALL, trees=5), part, seed=1)
    assert "[num_threads: 1]" in member.booster
    assert "monotone_constraints" in member.booster
