"""A search finds a condition that was planted, and proposes nothing where there is nothing to find."""

from __future__ import annotations

import numpy as np
import pytest

from tallystick.rules.mining import mine_rules

SIZE = 6_000


def drawn(seed: int) -> tuple[dict[str, np.ndarray], np.ndarray, np.random.Generator]:
    """Numbers that tell nothing, some of them null, and the days on which they were seen."""
    rng = np.random.default_rng(seed)
    values = {f"noise_{n}": rng.normal(size=SIZE) for n in range(12)} | {"count": rng.poisson(2, SIZE).astype(float)}
    values["noise_0"][rng.random(SIZE) < 0.2] = np.nan
    return values, np.sort(rng.integers(0, 500, SIZE)), rng


def test_what_was_planted_is_found_with_its_border() -> None:
    values, days, rng = drawn(1)
    planted = (values["count"] >= 5) & (values["noise_3"] >= 0.5)
    fraud = (rng.random(SIZE) < np.where(planted, 0.5, 0.01)).astype(bool)
    first, *others = mine_rules(values, fraud, days)
    assert "count >= 5" in first.when
    assert "noise_3 >=" in first.when
    assert first.chance < 0.001
    assert first.later_frauds / first.later_hits > 0.25
    # What hits nearly the same as a rule that is there, or as a better proposal, is not proposed.
    for one in mine_rules(values, fraud, days, known=[planted]):
        hits = np.logical_and.reduce([part.holds(values) for part in one.conditions])
        assert (hits & planted).sum() / (hits | planted).sum() <= 0.7
    assert len({one.when for one in others}) == len(others)


@pytest.mark.parametrize("seed", range(4))
def test_nothing_is_proposed_of_noise(seed: int) -> None:
    values, days, rng = drawn(seed)
    assert mine_rules(values, rng.random(SIZE) < 0.02, days) == []


def test_what_holds_early_and_not_later_is_not_proposed() -> None:
    values, days, rng = drawn(5)
    fraud = rng.random(SIZE) < np.where((values["count"] >= 5) & (days < 290), 0.5, 0.02)
    assert mine_rules(values, fraud, days) == []


def test_without_fraud_or_observations_there_is_nothing() -> None:
    values, days, _ = drawn(6)
    assert mine_rules(values, np.zeros(SIZE, dtype=bool), days) == []
    assert mine_rules({}, np.zeros(0, dtype=bool), np.zeros(0, dtype=np.int64)) == []
