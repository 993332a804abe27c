"""Metrics against values that can be worked out by hand or by another library."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn import metrics as reference

from tallystick.model import evaluation as metrics

LABEL = np.array([0.0, 0.0, 1.0, 1.0, 0.0, 1.0])
SCORE = np.array([0.1, 0.4, 0.35, 0.8, 0.4, 0.4])


def test_auc_counts_ties_as_half() -> None:
    # Pairs of bad and good: 0.35 beats one of three, 0.8 all three, 0.4 one and ties with two.
    assert metrics.auc(LABEL, SCORE) == pytest.approx((1 + 3 + 1 + 0.5 * 2) / 9)
    assert metrics.auc(LABEL, SCORE) == pytest.approx(reference.roc_auc_score(LABEL, SCORE))


def test_metrics_of_one_class_are_not_numbers() -> None:
    ones = np.ones(3)
    assert math.isnan(metrics.auc(ones, SCORE[:3]))
    assert math.isnan(metrics.ks(ones, SCORE[:3]))
    assert math.isnan(metrics.calibration_slope(ones, SCORE[:3]))
    assert math.isnan(metrics.average_precision(np.zeros(3), SCORE[:3]))


def test_metrics_agree_with_scikit_learn_on_many_rows_with_ties() -> None:
    rng = np.random.default_rng(4)
    score = np.round(rng.random(500), 2)
    label = (rng.random(500) < score).astype(float)
    false, true, _ = reference.roc_curve(label, score)
    assert metrics.auc(label, score) == pytest.approx(reference.roc_auc_score(label, score))
    assert metrics.ks(label, score) == pytest.approx(np.max(np.abs(true - false)))
    assert metrics.average_precision(label, score) == pytest.approx(reference.average_precision_score(label, score))
    assert metrics.brier(label, score) == pytest.approx(reference.brier_score_loss(label, score))
    inner = np.clip(score, 0.01, 0.99)
    assert metrics.log_loss(label, inner) == pytest.approx(reference.log_loss(label, inner))


def test_calibration_slope_is_one_for_true_probabilities_and_below_for_boasting_ones() -> None:
    rng = np.random.default_rng(1)
    log_odds = rng.normal(size=20_000)
    label = (rng.random(20_000) < metrics.expit(log_odds)).astype(float)
    assert metrics.calibration_slope(label, metrics.expit(log_odds)) == pytest.approx(1.0, abs=0.05)
    assert metrics.calibration_slope(label, metrics.expit(2 * log_odds)) == pytest.approx(0.5, abs=0.03)


def test_a_calibration_stays_finite_where_classes_separate_and_never_turns_the_order() -> None:
    label = np.array([0.0] * 20 + [1.0] * 20)
    intercept, slope = metrics.fit_logistic(label, np.where(label == 1, 3.0, -3.0))
    assert math.isfinite(intercept)
    assert 0 < slope < 100
    assert metrics.fit_logistic(label, np.where(label == 1, -3.0, 3.0), min_slope=0.05)[1] == pytest.approx(0.05)


def test_the_bootstrap_interval_holds_the_value_and_repeats_itself() -> None:
    rng = np.random.default_rng(2)
    score = rng.random(200)
    label = (rng.random(200) < score).astype(float)
    low, high = metrics.bootstrap_interval(metrics.auc, label, score, seed=1, rounds=200)
    assert low < metrics.auc(label, score) < high
    assert (low, high) == metrics.bootstrap_interval(metrics.auc, label, score, seed=1, rounds=200)


def test_psi_is_zero_for_the_same_rows_and_sees_shifts_and_nulls() -> None:
    values = np.arange(1000.0)
    assert metrics.stability_index(values, values) == 0.0
    assert metrics.stability_index(values, values + 500) > 0.5
    assert metrics.stability_index(values, np.where(values < 300, np.nan, values)) > 0.25
    assert math.isnan(metrics.stability_index(values, np.empty(0)))


def test_psi_sees_a_rare_count_grow() -> None:
    rare = np.where(np.arange(1000) < 30, 1.0, 0.0)
    assert metrics.stability_index(rare, np.where(np.arange(1000) < 200, 1.0, 0.0)) > 0.25
