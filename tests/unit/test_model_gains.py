"""Gains in AUC against values by hand, scikit-learn's AUC with weights, and DeLong's error of a difference."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from tallystick.model import gains
from tallystick.model.gains import RankedRows, measure_rankings


def rows(label: np.ndarray, *, customer: np.ndarray | None = None, fold: np.ndarray | None = None) -> RankedRows:
    count = np.arange(len(label))
    return RankedRows(
        label=label.astype(float),
        customer=count if customer is None else customer,
        fold=np.zeros(len(label), dtype=int) if fold is None else fold,
    )


def drawn(seed: int, count: int = 300) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, a score that says something of them, and a worse one; both with ties."""
    rng = np.random.default_rng(seed)
    risk = rng.normal(size=count)
    label = (risk + rng.logistic(size=count) > 1).astype(float)
    return label, np.round(risk + rng.normal(size=count), 1), np.round(risk + 3 * rng.normal(size=count), 1)


def test_pairs_are_made_inside_a_fold_only() -> None:
    label = np.array([1, 0, 0, 1, 0])
    fold = np.array([0, 0, 1, 1, 1])
    # Fold 0: its one pair is in order. Fold 1: 0.5 beats 0.4 and ties with 0.5. No pair crosses, though 0.9 beats all.
    found = measure_rankings({"a": np.array([0.2, 0.1, 0.4, 0.5, 0.5])}, rows(label, fold=fold), seed=1).found
    assert found["a"] == pytest.approx((1 + 1 + 0.5) / 3)


def test_each_resample_has_the_auc_of_rows_that_count_as_often_as_their_customer_was_drawn() -> None:
    label, good, _ = drawn(3, 60)
    customer = np.arange(60) // 2
    of = rows(label, customer=customer)
    (weights,) = gains._resamples(of, seed=7, rounds=20)
    found = measure_rankings({"a": good}, of, seed=7, rounds=20).resampled["a"]
    expected = [roc_auc_score(label, good, sample_weight=line) for line in weights]
    assert found == pytest.approx(expected, abs=1e-12)
    # Both rows of a customer are drawn together, and as many customers as there are.
    assert (weights[:, ::2] == weights[:, 1::2]).all()
    assert (weights.sum(axis=1) == 60).all()


def test_batches_give_what_one_draw_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    label, good, bad = drawn(5, 80)
    whole = measure_rankings({"a": good, "b": bad}, rows(label), seed=2, rounds=90)
    again = measure_rankings({"b": bad, "a": good}, rows(label), seed=2, rounds=90)
    assert whole.gain("a", "b") == again.gain("a", "b")
    monkeypatch.setattr(gains, "_BATCH_NUMBERS", 80 * 30)
    assert len(measure_rankings({"a": good}, rows(label), seed=2, rounds=90).resampled["a"]) == 90


def test_the_error_of_a_difference_is_delongs() -> None:
    """DeLong, DeLong and Clarke-Pearson 1988: the variance of two correlated AUCs' difference, from placements."""
    label, good, worse = drawn(11, 800)
    is_bad = label == 1

    def placements(score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        higher = score[is_bad][:, None] - score[~is_bad][None, :]
        wins = (higher > 0) + 0.5 * (higher == 0)
        return wins.mean(axis=1), wins.mean(axis=0)

    (of_bad, of_good), (worse_bad, worse_good) = placements(good), placements(worse)
    variance = (
        np.var(of_bad - worse_bad, ddof=1) / is_bad.sum() + np.var(of_good - worse_good, ddof=1) / (~is_bad).sum()
    )
    areas = measure_rankings({"a": good, "b": worse}, rows(label), seed=1, rounds=2000)
    spread = np.std(areas.resampled["a"] - areas.resampled["b"])
    assert spread == pytest.approx(math.sqrt(variance), rel=0.05)
    gain, low, high = areas.gain("a", "b")
    assert gain == pytest.approx(roc_auc_score(label, good) - roc_auc_score(label, worse))
    assert (high - low) == pytest.approx(2 * 1.96 * math.sqrt(variance), rel=0.08)


def test_rows_of_one_customer_are_not_taken_for_independent() -> None:
    label, good, worse = drawn(13, 200)
    times = 8
    repeated = {"a": np.tile(good, times), "b": np.tile(worse, times)}
    many = np.tile(label, times)
    alone = measure_rankings(repeated, rows(many), seed=1, rounds=400).gain("a", "b")
    by_customer = rows(many, customer=np.tile(np.arange(200), times))
    together = measure_rankings(repeated, by_customer, seed=1, rounds=400).gain("a", "b")
    once = measure_rankings({"a": good, "b": worse}, rows(label), seed=1, rounds=400).gain("a", "b")
    assert together == pytest.approx(once)  # eight copies of a bank tell no more than the bank
    assert (together[2] - together[1]) > 2 * (alone[2] - alone[1])


def test_a_ranking_gains_nothing_over_itself_and_a_constant_ranks_nobody() -> None:
    label, good, _ = drawn(17)
    areas = measure_rankings({"a": good, "again": 2 * good + 1, "none": np.zeros(300)}, rows(label), seed=1, rounds=50)
    assert areas.gain("a", "again") == (0.0, 0.0, 0.0)
    assert areas.found["none"] == 0.5
    assert areas.interval("none") == (0.5, 0.5)


def test_without_a_class_or_a_row_nothing_is_known() -> None:
    for label in (np.ones(4), np.zeros(4), np.empty(0)):
        areas = measure_rankings({"a": np.arange(len(label))}, rows(label), seed=1, rounds=5)
        assert math.isnan(areas.found["a"])
        assert all(math.isnan(end) for end in areas.gain("a", "a"))
