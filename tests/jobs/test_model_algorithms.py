"""Each algorithm: right direction, signs kept, nulls taken, the same answer every time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from tallystick.errors import DeclarationError, ModelError
from tallystick.model.evaluation import auc
from tallystick.model.fitting import Model, Part, draw_folds, fit_member, fit_models, needed_algorithms
from tallystick.model.inputs import Feature
from tallystick.model.ordinal import fit_ordinal, fit_signed_ridge
from tallystick.model.scorecard import fit_scorecard, merge_until_monotone
from tallystick.spec.algorithms import Blend, GradientBoosting, OrdinalScorecard, Scorecard, Selection
from tallystick.spec.recipes import Split
from tests.lib.training_sets import ALGORITHMS, FEATURES, SMALL, make_part, make_set

SPLIT = Split(folds=3, repeats=1)
FITTED = [algorithm for algorithm in ALGORITHMS if not isinstance(algorithm, Blend)]


@pytest.fixture(scope="module")
def part() -> Part:
    return make_part(make_set())


@pytest.fixture(scope="module")
def models(part: Part) -> dict[str, Model]:
    return fit_models(ALGORITHMS, part, split=SPLIT, seed=1)


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


def test_out_of_fold_pds_are_calibrated_and_honest(part: Part, models: dict[str, Model]) -> None:
    assert list(models) == ["ordinal_scorecard", "scorecard", "boosting", "blend"]
    for model in models.values():
        assert model.out_of_fold.mean() == pytest.approx(part.label.mean(), abs=0.01)
        assert auc(part.label, model.out_of_fold) < auc(part.label, model.predict(part.vectors))


def test_algorithms_that_are_fitted_together_are_as_if_fitted_alone(part: Part, models: dict[str, Model]) -> None:
    for algorithm in FITTED:
        (found,) = fit_models([algorithm], part, split=SPLIT, seed=1).values()
        beside = models[algorithm.name]
        assert (found.out_of_fold == beside.out_of_fold).all()
        assert [member.payload for member, _ in found.members] == [member.payload for member, _ in beside.members]


def test_an_algorithm_that_keeps_no_feature_is_an_error(part: Part) -> None:
    nothing = Scorecard(selection=replace(SMALL, min_iv=9.0))
    with pytest.raises(ModelError, match="passed the selection"):
        fit_models([FITTED[0], nothing], part, split=SPLIT, seed=1)


def test_a_blend_is_the_weighted_mean_of_calibrated_log_odds(part: Part, models: dict[str, Model]) -> None:
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


@pytest.mark.parametrize("algorithm", FITTED, ids=lambda a: a.name)
def test_a_null_that_training_never_saw_counts_as_nothing_known(algorithm: OrdinalScorecard) -> None:
    # The fewer days since the last payment, the better: taken for 0 days, a null would be the best customer of all.
    rng = np.random.default_rng(5)
    days = rng.integers(0, 60, 1_500).astype(float)
    label = (rng.random(1_500) < 0.1 + 0.6 * days / 60).astype(int)
    feature = Feature(name="days_since_last", reason="r", sign=1)
    vectors = pd.DataFrame({"days_since_last": days, "noise": rng.normal(size=1_500)})
    part = Part(vectors=vectors, label=label, customer=np.arange(1_500), vintage=np.array(["2024-01"] * 1_500),
                features=(feature,))  # fmt: skip
    free = replace(algorithm, features=("*",), selection=replace(algorithm.selection, min_iv=0.0))
    member, _ = fit_member(free, part, seed=1)
    asked = pd.DataFrame({"days_since_last": [np.nan, 0.0, 59.0]})
    unknown, best, worst = expit(member.log_odds(asked))
    assert best < label.mean() - 0.1
    assert worst > label.mean() + 0.1
    assert unknown == pytest.approx(label.mean(), abs=0.08)


def test_weights_of_evidence_are_monotone_after_smoothing() -> None:
    rng = np.random.default_rng(11)
    for _ in range(600):
        bins = int(rng.integers(1, 8))
        rows = rng.integers(1, 60, bins)
        sign = int(rng.choice([-1, 0, 1]))
        rates = np.sort(rng.random(bins) ** 3)
        bad = np.minimum(rows, np.round(rows * (rates if sign >= 0 else rates[::-1])))
        edges, totals = np.arange(1.0, bins), (float(bad.sum()), float((rows - bad).sum()))
        kept, woe = merge_until_monotone(edges, bad, rows - bad, totals=totals, sign=sign)
        assert len(woe) == len(kept) + 1
        assert set(kept) <= set(edges)
        assert (np.diff(woe) >= 0).all() or (sign <= 0 and (np.diff(woe) <= 0).all())
        if sign == -1:
            assert (np.diff(woe) <= 0).all()


def test_smoothing_turns_no_bins_of_a_small_portfolio_round() -> None:
    # None of 10 rows is bad in the lowest bin, one of 61 in the next: with half a row each, the lowest is the riskier.
    bad, good = np.array([0.0, 1.0, 9.0]), np.array([10.0, 60.0, 40.0])
    plain = np.log((bad + 0.5) / (good + 0.5))
    assert plain[0] > plain[1]
    edges, woe = merge_until_monotone(np.array([1.0, 2.0]), bad, good, totals=(10.0, 110.0), sign=1)
    assert list(edges) == [2.0]
    assert woe[0] < woe[1]
    rng = np.random.default_rng(3)
    for seed in range(15):
        column = np.round(rng.normal(size=786), 2)
        label = np.zeros(786, dtype=int)
        label[rng.choice(786, 32, replace=False)] = 1
        feature = Feature(name="x", reason="", sign=seed % 3 - 1)
        member = fit_scorecard(Scorecard(min_bin_share=0.02), pd.DataFrame({"x": column}), label, [feature])
        for variable in member.payload["variables"]:
            steps = np.diff(variable["woe"])
            assert (steps >= 0).all() or (steps <= 0).all()
