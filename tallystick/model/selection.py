"""Which features an algorithm keeps, decided inside a training part and nowhere else.

What lives here: the filters that ``spec.algorithms.Selection`` declares, in their order, with a reason for each drop.
What must not: labels of rows outside the part, fitting.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from tallystick.model.evaluation import auc, quantile_edges
from tallystick.model.inputs import Feature
from tallystick.spec.algorithms import Selection

# Vintages with fewer rows of either class say nothing about the stability of a feature.
LEAST_VINTAGE_CLASS = 8

# Keeps weight of evidence finite in a bin without rows of one class.
SMOOTHING = 0.5

KEPT = "kept"


def select_features(
    vectors: pd.DataFrame, label: np.ndarray, features: Sequence[Feature], *, rule: Selection, vintage: np.ndarray
) -> tuple[list[Feature], pd.DataFrame]:
    """The features kept, strongest first, and a table with one row per candidate: iv, auc, outcome.

    Rows of the three inputs correspond. ``outcome`` is ``kept`` or why the feature was dropped. Nothing but these rows
    is looked at, so calling this inside each fold keeps the folds honest.
    """
    rows = [_measure(vectors[f.name].to_numpy(), label, f, rule=rule, vintage=vintage) for f in features]
    table = pd.DataFrame(rows, columns=["feature", "iv", "auc", "missing", "outcome"])
    order = table.sort_values(["iv", "feature"], ascending=[False, True], kind="stable").index
    kept: list[int] = []
    columns: list[np.ndarray] = []
    for position in order:
        if table.at[position, "outcome"] != KEPT:
            continue
        column = _standard_ranks(vectors[features[position].name].to_numpy())
        near = [abs(float(column @ other)) / len(column) for other in columns]
        if near and max(near) > rule.max_correlation:
            other = features[kept[int(np.argmax(near))]].name
            table.at[position, "outcome"] = f"correlates with {other}"
        elif len(kept) >= rule.max_features:
            table.at[position, "outcome"] = "beyond max_features"
        else:
            kept.append(int(position))
            columns.append(column)
    return [features[position] for position in kept], table


def information_value(values: np.ndarray, label: np.ndarray, bins: int) -> float:
    """Information value over quantile bins, nulls as a bin of their own, counts smoothed."""
    codes = _quantile_codes(values, bins)
    bad = np.bincount(codes, weights=label, minlength=codes.max() + 1)
    total = np.bincount(codes, minlength=codes.max() + 1)
    used = total > 0
    share_bad = (bad[used] + SMOOTHING) / (label.sum() + SMOOTHING * used.sum())
    share_good = (total[used] - bad[used] + SMOOTHING) / ((1 - label).sum() + SMOOTHING * used.sum())
    return float(np.sum((share_bad - share_good) * np.log(share_bad / share_good)))


def _measure(
    values: np.ndarray, label: np.ndarray, feature: Feature, *, rule: Selection, vintage: np.ndarray
) -> tuple[str, float, float, float, str]:
    is_null = np.isnan(values)
    missing = float(is_null.mean())
    known = values[~is_null]
    if missing > rule.max_missing or not len(known):
        return feature.name, 0.0, 0.5, missing, "too many nulls"
    if known.min() == known.max() and not is_null.any():
        return feature.name, 0.0, 0.5, missing, "constant"
    iv = information_value(values, label, rule.bins)
    filled = np.where(is_null, np.median(known), values)
    power = auc(label, filled)
    direction = np.sign(power - 0.5)
    outcome = KEPT
    if iv < rule.min_iv:
        outcome = "iv below minimum"
    elif rule.drop_against_sign and feature.sign and direction == -feature.sign:
        outcome = "against its expected sign"
    elif rule.min_vintage_gap > 0 and not _is_stable(filled, label, vintage, direction, rule.min_vintage_gap):
        outcome = "not stable over vintages"
    return feature.name, iv, power, missing, outcome


def _is_stable(values: np.ndarray, label: np.ndarray, vintage: np.ndarray, direction: float, gap: float) -> bool:
    for year in np.unique(vintage):
        rows = vintage == year
        bad = label[rows].sum()
        if min(bad, rows.sum() - bad) < LEAST_VINTAGE_CLASS:
            continue
        if direction * (auc(label[rows], values[rows]) - 0.5) < gap:
            return False
    return True


def _quantile_codes(values: np.ndarray, bins: int) -> np.ndarray:
    is_null = np.isnan(values)
    edges = quantile_edges(values[~is_null], bins)
    return np.where(is_null, len(edges) + 1, np.searchsorted(edges, values, side="right"))


def _standard_ranks(values: np.ndarray) -> np.ndarray:
    """Ranks with mean 0 and variance 1; a null stands at the mean."""
    is_null = np.isnan(values)
    ranks = np.zeros(len(values))
    ranks[~is_null] = rankdata(values[~is_null])
    ranks[~is_null] -= ranks[~is_null].mean()
    spread = ranks.std()
    made: np.ndarray = ranks / spread if spread > 0 else ranks
    return made
