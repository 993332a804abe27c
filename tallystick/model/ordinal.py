"""The ordinal scorecard: mid-ranks of fine bins, ridge logistic regression with coefficients bound to their signs.

Why not weight of evidence: with a few dozen bad rows each bin's log-odds is mostly noise, while the rank of a value
carries the whole order of the feature with one coefficient. Ranks also saturate, so a value beyond everything seen in
training cannot move a score without end.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.special import expit

from tallystick.model.evaluation import bin_codes, quantile_edges
from tallystick.model.inputs import Feature
from tallystick.model.members import Member, bin_values, scorecard_member
from tallystick.spec.algorithms import OrdinalScorecard


def fit_ordinal(
    algorithm: OrdinalScorecard, vectors: pd.DataFrame, label: np.ndarray, features: Sequence[Feature]
) -> Member:
    """Fit on all rows given. Deterministic; rows may be in any order."""
    variables = [_bin(feature.name, vectors[feature.name].to_numpy(), algorithm.bins) for feature in features]
    matrix = np.column_stack([bin_values(v, vectors[v["feature"]].to_numpy()) for v in variables])
    signs = [feature.sign for feature in features]
    intercept, coefficients = fit_signed_ridge(matrix, label, signs, c=algorithm.c)
    return scorecard_member(variables, intercept, coefficients, vectors=vectors)


def fit_signed_ridge(
    matrix: np.ndarray, label: np.ndarray, signs: Sequence[int], *, c: float
) -> tuple[float, np.ndarray]:
    """Intercept and coefficients of a ridge logistic regression; a sign of 0 leaves a coefficient free."""

    def loss(b: np.ndarray) -> tuple[float, np.ndarray]:
        z = b[0] + matrix @ b[1:]
        value = np.logaddexp(0, z).sum() - label @ z + b[1:] @ b[1:] / (2 * c)
        gap = expit(z) - label
        return float(value), np.concatenate([[gap.sum()], matrix.T @ gap + b[1:] / c])

    bounds: list[tuple[float | None, float | None]] = [(None, None)]
    bounds += [(0.0, None) if sign > 0 else (None, 0.0) if sign < 0 else (None, None) for sign in signs]
    start = np.zeros(matrix.shape[1] + 1)
    options = {"maxiter": 1000, "ftol": 1e-12, "gtol": 1e-8}
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    return float(found.x[0]), found.x[1:]


def _bin(feature: str, column: np.ndarray, bins: int) -> dict[str, Any]:
    """Edges and standardised mid-ranks of one feature. A null stands at the middle rank."""
    known = column[~np.isnan(column)]
    distinct = np.unique(known)
    if len(distinct) <= bins:
        edges = distinct[1:]
    else:
        edges = quantile_edges(known, bins)
    counts = np.bincount(bin_codes(known, edges), minlength=len(edges) + 1)
    ranks = (np.cumsum(counts) - counts / 2) / max(len(known), 1)
    values = np.append(ranks, 0.5)[bin_codes(column, edges)]
    centre, spread = float(values.mean()), float(values.std())
    scale = spread if spread > 0 else 1.0
    return {
        "feature": feature,
        "edges": edges,
        "woe": (ranks - centre) / scale,
        "woe_missing": (0.5 - centre) / scale,
    }
