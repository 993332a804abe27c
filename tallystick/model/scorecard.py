"""The scorecard: optimal monotonic bins, weight of evidence, logistic regression.

With optbinning for the bins. Selection and calibration are in ``selection`` and ``fitting``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from tallystick.model.evaluation import bin_codes
from tallystick.model.inputs import Feature
from tallystick.model.members import Member, bin_values, scorecard_member
from tallystick.model.ordinal import fit_signed_ridge
from tallystick.spec.algorithms import Scorecard

# Half a row of each class in every bin: a bin without bad rows keeps a finite weight of evidence.
SMOOTHING = 0.5

# Seconds the solver may take for one feature; it needs hundredths.
SOLVER_SECONDS = 10

_TRENDS = {1: "ascending", -1: "descending", 0: "auto_asc_desc"}


# The bins of features that were found before on the same rows, by all that they depend on.
Binned = dict[tuple[str, int, int, float], dict[str, Any]]


def fit_scorecard(
    algorithm: Scorecard,
    vectors: pd.DataFrame,
    label: np.ndarray,
    features: Sequence[Feature],
    *,
    known: Binned | None = None,
) -> Member:
    """Fit on all rows given. Weights of evidence are those of being bad, so every coefficient is held at 0 or above.

    ``known`` belongs to the rows: bins that stand there are not sought again, those that are found are added. They take
    nearly all of the time, and models of the same rows with and without some features share most of them.
    """
    found: Binned = {} if known is None else known
    binned = []
    for feature in features:
        key = (feature.name, feature.sign, algorithm.max_bins, algorithm.min_bin_share)
        if key not in found:
            found[key] = _bin(algorithm, vectors[feature.name].to_numpy(), label, feature)
        binned.append(found[key])
    columns = [bin_values(variable, vectors[variable["feature"]].to_numpy()) for variable in binned]
    intercept, coefficients = fit_signed_ridge(np.column_stack(columns), label, [1] * len(columns), c=algorithm.c)
    return scorecard_member(binned, intercept, coefficients, vectors=vectors)


def _bin(algorithm: Scorecard, column: np.ndarray, label: np.ndarray, feature: Feature) -> dict[str, Any]:
    is_null = np.isnan(column)
    edges = _optimal_edges(algorithm, column[~is_null], label[~is_null], feature)
    codes = bin_codes(column, edges)
    bad = np.bincount(codes, weights=label, minlength=len(edges) + 2)
    good = np.bincount(codes, minlength=len(edges) + 2) - bad
    totals = (label.sum(), (1 - label).sum())
    edges, woe = merge_until_monotone(edges, bad[:-1], good[:-1], totals=totals, sign=feature.sign)
    # Nothing is known of nulls where there were none: they count as the base rate.
    missing = float(_woe(bad[-1:], good[-1:], totals)[0]) if is_null.any() else 0.0
    return {"feature": feature.name, "edges": edges, "woe": woe, "woe_missing": missing}


def merge_until_monotone(
    edges: np.ndarray, bad: np.ndarray, good: np.ndarray, *, totals: tuple[float, float], sign: int
) -> tuple[np.ndarray, np.ndarray]:
    """Edges and smoothed weights of evidence in one direction: bins that go against it are merged with a neighbour.

    The solver's bins are monotone in their bad rates, but the half rows that smoothing adds weigh most in small bins
    and can turn two of them round. ``sign`` is the direction; 0 takes the one of the first and the last bin.
    """
    woe = _woe(bad, good, totals)
    direction = sign or (1 if woe[-1] >= woe[0] else -1)
    while len(woe) > 1 and (direction * np.diff(woe) < 0).any():
        # The pair that is furthest out of order first; of equal ones the lowest.
        at = int(np.argmin(direction * np.diff(woe)))
        edges = np.delete(edges, at)
        bad, good = (np.concatenate([rows[:at], [rows[at] + rows[at + 1]], rows[at + 2 :]]) for rows in (bad, good))
        woe = _woe(bad, good, totals)
    return edges, woe


def _woe(bad: np.ndarray, good: np.ndarray, totals: tuple[float, float]) -> np.ndarray:
    """Smoothed weight of evidence of being bad of each bin; ``totals`` are all bad and all good rows."""
    woe: np.ndarray = np.log((bad + SMOOTHING) / (totals[0] + 2 * SMOOTHING))
    woe -= np.log((good + SMOOTHING) / (totals[1] + 2 * SMOOTHING))
    return woe


def _optimal_edges(algorithm: Scorecard, column: np.ndarray, label: np.ndarray, feature: Feature) -> np.ndarray:
    from optbinning import OptimalBinning

    distinct = np.unique(column)
    if len(distinct) < 2 or label.min() == label.max():
        return np.empty(0)
    binning = OptimalBinning(
        name=feature.name,
        dtype="numerical",
        max_n_prebins=20,
        min_prebin_size=min(0.05, algorithm.min_bin_share),
        max_n_bins=algorithm.max_bins,
        min_bin_size=algorithm.min_bin_share,
        monotonic_trend=_TRENDS[feature.sign],
        time_limit=SOLVER_SECONDS,
    )
    binning.fit(column, label.astype(int))
    return np.asarray(binning.splits, dtype=float)
