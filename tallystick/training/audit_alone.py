"""The leakage audit of each feature alone: does its value, its gap or its most frequent value give the outcome away?

separation         a feature that alone separates good from bad almost perfectly
missing_pattern    a feature whose gaps, or whose most frequent value, track the label
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from tallystick.model.evaluation import column_aucs
from tallystick.training.audit_findings import LEAST_PER_CLASS, AuditFinding

# A value must make up this share of the rows before its presence is looked at as a pattern of its own.
LEAST_MODE_SHARE = 0.05

# The strongest features are recorded even when they pass, so that a reader sees how near the threshold they are.
SHOWN_WHEN_PASSED = 5


def check_separation(features: pd.DataFrame, label: pd.Series, *, max_auc: float) -> list[AuditFinding]:
    """Name the features whose AUC alone, in either direction, is above ``max_auc``; nulls are left out."""
    enough = _of_both_classes(label, features.notna().to_numpy())
    areas = _oriented(column_aucs(label.to_numpy(dtype=float), features.to_numpy(dtype=float)))
    values = _told(features, areas, enough)
    return _judged("separation", values, max_auc, "AUC of this feature alone, rows without a value left out")


def check_missing(features: pd.DataFrame, label: pd.Series, *, max_auc: float) -> list[AuditFinding]:
    """Name the features where being null, or being the most frequent value, separates the classes above ``max_auc``."""
    bad, is_null = label.to_numpy(dtype=float), features.isna()
    areas = _oriented(column_aucs(bad, is_null.to_numpy(dtype=float)))
    is_mode = np.column_stack([_most_frequent(features[name]) for name in features])
    areas = np.fmax(areas, _oriented(column_aucs(bad, is_mode.astype(float))))
    enough = _of_both_classes(label, np.ones(features.shape, dtype=bool))
    values = _told(features, areas, enough)
    return _judged("missing_pattern", values, max_auc, "AUC of being null, or of being the most frequent value")


def _judged(check: str, values: Mapping[str, float | None], limit: float, what: str) -> list[AuditFinding]:
    known = {name: value for name, value in values.items() if value is not None}
    ranked = sorted(known, key=lambda name: (-known[name], name))
    shown = [name for rank, name in enumerate(ranked) if rank < SHOWN_WHEN_PASSED or known[name] > limit]
    summary = f"{len(known)} of {len(values)} features had enough rows of both classes"
    largest = known[ranked[0]] if ranked else None
    is_passed = largest is None or largest <= limit
    return [
        AuditFinding(check=check, value=largest, threshold=limit, is_passed=is_passed, detail=summary),
        *(
            AuditFinding(check=check, feature=name, value=known[name], threshold=limit, is_passed=known[name] <= limit,
                    detail=what)
            for name in shown
        ),
    ]  # fmt: skip


def _of_both_classes(label: pd.Series, used: np.ndarray) -> np.ndarray:
    """For each column of ``used``, whether it marks enough rows of either class."""
    bad = label.to_numpy(dtype=float) == 1.0
    enough: np.ndarray = np.minimum(used[bad].sum(axis=0), used[~bad].sum(axis=0)) >= LEAST_PER_CLASS
    return enough


def _told(features: pd.DataFrame, areas: np.ndarray, enough: np.ndarray) -> dict[str, float | None]:
    told = zip(features, areas, enough, strict=True)
    return {str(name): float(area) if is_told else None for name, area, is_told in told}


def _oriented(areas: np.ndarray) -> np.ndarray:
    """AUCs as distances in either direction: a feature that ranks perfectly the wrong way round ranks perfectly."""
    oriented: np.ndarray = np.maximum(areas, 1.0 - areas)
    return oriented


def _most_frequent(values: pd.Series) -> np.ndarray:
    """Where the most frequent value stands; nowhere when it is too rare to be a pattern of its own."""
    counts = values.value_counts()
    if not len(counts) or counts.iloc[0] < LEAST_MODE_SHARE * len(values):
        return np.zeros(len(values), dtype=bool)
    return (values == counts.index[0]).to_numpy()
