"""Spending profiles: amounts by kind as shares of their sum, and as the points between which distances are taken.

``assigner`` repeats this arithmetic, because it travels where this project is not installed; a test compares the two.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from tallystick.spec.segments import ASSIGNED, LITTLE_ACTIVITY, NO_SPENDING, Segmentation


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Profiles:
    """Of each row whether it can have a segment (``status``); of those that can, in order, shares and points."""

    status: np.ndarray
    shares: np.ndarray
    points: np.ndarray

    def count(self, status: str) -> int:
        """How many rows have this status."""
        return int((self.status == status).sum())


def build_profiles(declared: Segmentation, features: pd.DataFrame) -> Profiles:
    """The profile of each row of ``features``, which has the declared columns.

    A null or negative amount counts as 0. Rows whose parts sum to 0, or whose activity is null or below the declared
    least, have a status and no profile.
    """
    amounts = features[list(declared.parts)].to_numpy(dtype="float64", na_value=np.nan)
    amounts = np.maximum(np.nan_to_num(amounts, nan=0.0), 0.0)
    activity = features[declared.activity].to_numpy(dtype="float64", na_value=np.nan)
    total = amounts.sum(axis=1)
    status = np.where(total <= 0, NO_SPENDING, np.where(activity >= declared.min_activity, ASSIGNED, LITTLE_ACTIVITY))
    is_whole = status == ASSIGNED
    shares = amounts[is_whole] / total[is_whole, None]
    return Profiles(status=status, shares=shares, points=to_points(shares, declared.transformation))


def to_points(shares: np.ndarray, transformation: str) -> np.ndarray:
    """Shares as points. With ``hellinger`` the Euclidean distance of two points is the Hellinger distance, 0 to 1.

    >>> to_points(np.array([[1.0, 0.0], [0.0, 1.0]]), "hellinger").round(3).tolist()
    [[0.707, 0.0], [0.0, 0.707]]
    """
    return np.sqrt(shares / 2) if transformation == "hellinger" else shares
