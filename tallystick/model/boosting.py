"""Gradient boosting: LightGBM with monotone constraints from the expected signs.

Selection and calibration are the same for every algorithm and are in ``selection`` and ``fitting``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from tallystick.model.inputs import Feature
from tallystick.model.members import Member
from tallystick.spec.algorithms import GradientBoosting


def fit_boosting(
    algorithm: GradientBoosting,
    vectors: pd.DataFrame,
    label: np.ndarray,
    features: Sequence[Feature],
    *,
    seed: int,
) -> Member:
    """Fit on all rows given; the same rows, seed and library version give the same trees."""
    import lightgbm

    names = [feature.name for feature in features]
    params = {
        "objective": "binary",
        "num_leaves": algorithm.leaves,
        "learning_rate": algorithm.learning_rate,
        "min_data_in_leaf": algorithm.min_leaf_rows,
        "feature_fraction": algorithm.feature_share,
        "bagging_fraction": algorithm.row_share,
        "bagging_freq": 1,
        "lambda_l2": algorithm.l2,
        "extra_trees": algorithm.extra_trees,
        "monotone_constraints": [feature.sign for feature in features],
        "min_data_in_bin": 1,
        "seed": seed,
        "num_threads": 1,
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
    }
    data = lightgbm.Dataset(vectors[names].to_numpy(), label, feature_name=names, free_raw_data=True)
    text = lightgbm.train(params, data, num_boost_round=algorithm.trees).model_to_string()
    return Member(kind="lightgbm", features=tuple(names), payload={"features": names}, booster=text)
