"""Which features an algorithm keeps, decided inside a training part and nowhere else.

The filters that ``spec.algorithms.Selection`` declares, in their order, with a reason for each drop.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from tallystick.model.evaluation import bin_codes, column_aucs, divergence, quantile_edges
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
    is looked at, so calling this inside each fold keeps the held-out rows out of the choice.
    """
    table = _measure(vectors, label, features, rule=rule, vintage=vintage)
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
    codes = bin_codes(values, quantile_edges(values[~np.isnan(values)], bins))
    bad = np.bincount(codes, weights=label, minlength=codes.max() + 1)
    total = np.bincount(codes, minlength=codes.max() + 1)
    used = total > 0
    share_bad = (bad[used] + SMOOTHING) / (label.sum() + SMOOTHING * used.sum())
    share_good = (total[used] - bad[used] + SMOOTHING) / ((1 - label).sum() + SMOOTHING * used.sum())
    return divergence(share_bad, share_good)


def _measure(
    vectors: pd.DataFrame, label: np.ndarray, features: Sequence[Feature], *, rule: Selection, vintage: np.ndarray
) -> pd.DataFrame:
    """One row per candidate: iv, auc with nulls at the median, share of nulls, and ``kept`` or why it is dropped."""
    columns = vectors[[feature.name for feature in features]].to_numpy(dtype=float)
    is_null = np.isnan(columns)
    missing = is_null.mean(axis=0)
    outcome = np.full(len(features), KEPT, dtype=object)
    outcome[_are_constant(columns)] = "constant"
    outcome[(missing > rule.max_missing) | is_null.all(axis=0)] = "too many nulls"
    iv, power = np.zeros(len(features)), np.full(len(features), 0.5)
    used = np.flatnonzero(outcome == KEPT)
    if len(used):
        filled = np.where(is_null[:, used], np.nanmedian(columns[:, used], axis=0), columns[:, used])
        power[used] = column_aucs(label, filled)
        iv[used] = [information_value(columns[:, position], label, rule.bins) for position in used]
        direction = np.sign(power[used] - 0.5)
        expected = np.array([feature.sign for feature in features])[used]
        is_against = rule.drop_against_sign & (expected != 0) & (direction == -expected)
        reasons = (
            ("not stable over vintages", _are_unstable(filled, label, vintage, direction, rule.min_vintage_gap)),
            ("against its expected sign", is_against),
            ("iv below minimum", iv[used] < rule.min_iv),
        )
        # In reverse: of several reasons the first of the rule's order stays.
        for reason, applies in reasons:
            outcome[used[applies]] = reason
    names = [feature.name for feature in features]
    return pd.DataFrame({"feature": names, "iv": iv, "auc": power, "missing": missing, "outcome": outcome})


def _are_constant(columns: np.ndarray) -> np.ndarray:
    """Which columns hold one value and no null."""
    constant: np.ndarray = (columns == columns[:1]).all(axis=0)
    return constant


def _are_unstable(
    filled: np.ndarray, label: np.ndarray, vintage: np.ndarray, direction: np.ndarray, gap: float
) -> np.ndarray:
    """Which columns separate by less than ``gap``, or the other way round, in a vintage with enough of both classes."""
    unstable = np.zeros(filled.shape[1], dtype=bool)
    for year in np.unique(vintage) if gap > 0 else ():
        rows = vintage == year
        bad = label[rows].sum()
        if min(bad, rows.sum() - bad) >= LEAST_VINTAGE_CLASS:
            unstable |= direction * (column_aucs(label[rows], filled[rows]) - 0.5) < gap
    return unstable


def _standard_ranks(values: np.ndarray) -> np.ndarray:
    """Ranks with mean 0 and variance 1; a null stands at the mean."""
    is_null = np.isnan(values)
    ranks = np.zeros(len(values))
    ranks[~is_null] = rankdata(values[~is_null])
    ranks[~is_null] -= ranks[~is_null].mean()
    spread = ranks.std()
    made: np.ndarray = ranks / spread if spread > 0 else ranks
    return made
