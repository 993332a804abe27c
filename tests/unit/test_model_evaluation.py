"""Metrics against values that can be worked out by hand or by another library."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import expit

from tallystick.model import evaluation as metrics

LABEL = np.array([0.0, 0.0, 1.0, 1.0, 0.0, 1.0])
SCORE = np.array([0.1, 0.4, 0.35, 0.8, 0.4, 0.4])


def test_auc_counts_ties_as_half() -> None:
    # Pairs of bad and good: 0.35 beats one of three, 0.8 all three, 0.4 one and ties with two.
    assert metrics.auc(LABEL, SCORE) == pytest.approx((1 + 3 + 1 + 0.5 * 2) / 9)


def test_each_column_has_the_auc_of_its_rows_with_a_value() -> None:
    columns = np.column_stack([SCORE, -SCORE, np.full(6, 7.0), np.where(LABEL == 1, np.nan, SCORE)])
    columns[0, 0] = np.nan
    found = metrics.column_aucs(LABEL, columns)
    # Without the first good row: 0.35 beats none of two, 0.8 both, 0.4 ties with both.
    assert found[:3] == pytest.approx([(0 + 2 + 0.5 * 2) / 6, 1 - metrics.auc(LABEL, SCORE), 0.5])
    assert math.isnan(found[3])


def test_metrics_of_one_class_are_not_numbers() -> None:
    ones = np.ones(3)
    assert math.isnan(metrics.auc(ones, SCORE[:3]))
    assert math.isnan(metrics.ks(ones, SCORE[:3]))
    assert math.isnan(metrics.calibration_slope(ones, SCORE[:3]))
    assert math.isnan(metrics.average_precision(np.zeros(3), SCORE[:3]))


def test_metrics_are_what_their_definitions_say_on_many_rows_with_ties() -> None:
    rng = np.random.default_rng(4)
    score = np.round(rng.random(300), 1)
    label = (rng.random(300) < score).astype(float)
    bad, good = score[label == 1], score[label == 0]
    wins = (bad[:, None] > good).sum() + (bad[:, None] == good).sum() / 2
    assert metrics.auc(label, score) == pytest.approx(wins / (len(bad) * len(good)), abs=1e-12)
    edges = np.unique(score)[::-1]
    shares = [((bad >= edge).mean(), (good >= edge).mean()) for edge in edges]
    assert metrics.ks(label, score) == pytest.approx(max(abs(b - g) for b, g in shares), abs=1e-12)
    scores, bad_share, good_share = metrics.cumulative_shares(label, score)
    assert scores.tolist() == edges.tolist()
    assert np.column_stack([bad_share, good_share]) == pytest.approx(np.array(shares))
    recalls = np.array([0.0, *(b for b, _ in shares)])
    precisions = [label[score >= edge].mean() for edge in edges]
    assert metrics.average_precision(label, score) == pytest.approx(np.sum(np.diff(recalls) * precisions), abs=1e-12)
    assert metrics.brier(label, score) == pytest.approx(np.mean((score - label) ** 2), abs=1e-12)
    inner = np.clip(score, 1e-6, 1 - 1e-6)
    expected = -np.mean(np.where(label == 1, np.log(inner), np.log(1 - inner)))
    assert metrics.log_loss(label, score) == pytest.approx(expected, abs=1e-12)


def test_metrics_of_no_rows_are_not_numbers() -> None:
    found = metrics.measure(np.empty(0), np.empty(0))
    assert (found["rows"], found["bad"]) == (0.0, 0.0)
    assert all(math.isnan(value) for name, value in found.items() if name not in ("rows", "bad"))


def test_calibration_slope_is_one_for_true_probabilities_and_below_for_boasting_ones() -> None:
    rng = np.random.default_rng(1)
    log_odds = rng.normal(size=20_000)
    label = (rng.random(20_000) < expit(log_odds)).astype(float)
    assert metrics.calibration_slope(label, expit(log_odds)) == pytest.approx(1.0, abs=0.05)
    assert metrics.calibration_slope(label, expit(2 * log_odds)) == pytest.approx(0.5, abs=0.03)


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
    low, high = metrics.auc_interval(label, score, seed=1, rounds=200)
    assert low < metrics.auc(label, score) < high
    assert (low, high) == metrics.auc_interval(label, score, seed=1, rounds=200)


def test_psi_is_zero_for_the_same_rows_and_sees_shifts_and_nulls() -> None:
    values = np.arange(1000.0)
    assert metrics.stability_index(values, values) == 0.0
    assert metrics.stability_index(values, values + 500) > 0.5
    assert metrics.stability_index(values, np.where(values < 300, np.nan, values)) > 0.25
    assert math.isnan(metrics.stability_index(values, np.empty(0)))


def test_psi_sees_a_rare_count_grow() -> None:
    rare = np.where(np.arange(1000) < 30, 1.0, 0.0)
    assert metrics.stability_index(rare, np.where(np.arange(1000) < 200, 1.0, 0.0)) > 0.25


def test_the_interval_of_a_single_bad_row_is_that_of_the_good_ones_alone() -> None:
    label, score = np.array([1.0, *[0.0] * 50]), np.array([0.5, *np.linspace(0, 1, 50)])
    low, high = metrics.auc_interval(label, score, seed=1, rounds=200)
    assert 0.3 < low < 0.5 < high < 0.7
    assert math.isnan(metrics.auc_interval(label[1:], score[1:], seed=1)[0])


def test_psi_is_the_sum_over_bins_of_the_difference_times_the_log_ratio() -> None:
    expected, found = np.array([0.0, 0.0, 1.0, 1.0]), np.array([0.0, 1.0, 1.0, 1.0])
    assert metrics.stability_index(expected, found) == pytest.approx(
        (0.25 - 0.5) * math.log(0.25 / 0.5) + (0.75 - 0.5) * math.log(0.75 / 0.5)
    )
