"""Gradient boosting: LightGBM with monotone constraints from the expected signs.

Selection and calibration are the same for every algorithm and are in ``selection`` and ``fitting``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from tallystick.model.inputs import Feature
from tallystick.model.members import Member
from tallystick.spec.algorithms import GradientBoosting

# Training rows that are looked at for the value that a null counts as: enough to find one that says nothing.
STAND_IN_ROWS = 500


def fit_boosting(
    algorithm: GradientBoosting,
    vectors: pd.DataFrame,
    label: np.ndarray,
    features: Sequence[Feature],
    *,
    seed: int,
    asked: pd.DataFrame | None = None,
) -> Member:
    """Fit on all rows given; the same rows, seed and library version give the same trees.

    ``asked``: the only rows that the member will be asked about. What their nulls do not need is then left out.
    """
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
    made = Member(kind="lightgbm", features=tuple(names), payload={"features": names}, booster=text)
    return replace(made, payload={"features": names, "stand_ins": _stand_ins(made, vectors[names], asked)})


def _stand_ins(member: Member, vectors: pd.DataFrame, asked: pd.DataFrame | None) -> dict[str, float]:
    """For each feature without a null in training, the value that a null later counts as.

    LightGBM would take it for 0, whatever 0 says of a customer. Nothing is known of such a row in this feature, so it
    counts as the value that moved the score least: the training value with the smallest Shapley value, the lowest of
    equal ones.
    """
    has_null = vectors.isna().any()
    never_null = [name for name in vectors.columns if not has_null[name]]
    if asked is not None:
        never_null = [name for name in never_null if asked[name].isna().any()]
    if not never_null or vectors.empty:
        return {}
    rows = vectors.iloc[np.unique(np.linspace(0, len(vectors) - 1, STAND_IN_ROWS).astype(int))]
    effects = member.shapley_values(rows)
    found = {}
    for name in never_null:
        values, size = rows[name].to_numpy(), np.abs(effects[:, member.features.index(name)])
        found[name] = float(values[np.lexsort((values, size))[0]])
    return found
