"""A small model of each kind, written by hand or fitted on made-up rows, as ``model.json`` describes it."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd

FEATURES = ("txn_out_sum_30d", "txn_in_sum_30d", "social_contacts_distinct_28d", "txn_in_count_30d")
REASONS = {
    "txn_out_sum_30d": "Spending in the last 30 days",
    "txn_in_sum_30d": "Income in the last 30 days",
    "social_contacts_distinct_28d": "Number of people you were in touch with",
    "txn_in_count_30d": "Income in the last 30 days",
}


def scorecard(weight: float = 1.0) -> dict[str, Any]:
    """Three variables with round numbers, so that a test can add them up by hand; the fourth feature is not used."""
    return {
        "kind": "scorecard", "weight": weight, "intercept": -1.0,
        "variables": [
            {"feature": "txn_out_sum_30d", "coefficient": 1.0, "edges": [10.0, 20.0], "woe": [-0.5, 0.0, 0.5],
             "woe_missing": 0.25, "average": 0.1},
            {"feature": "txn_in_sum_30d", "coefficient": 2.0, "edges": [100.0], "woe": [0.5, -0.5],
             "woe_missing": 0.75, "average": 0.0},
            {"feature": "social_contacts_distinct_28d", "coefficient": 1.0, "edges": [], "woe": [0.0],
             "woe_missing": 0.3, "average": 0.05},
        ],
    }  # fmt: skip


def describe(*members: dict[str, Any]) -> dict[str, Any]:
    """A whole ``model.json`` around the members."""
    return {
        "format": 1, "name": "consumer_loan", "features": list(FEATURES), "reasons": REASONS,
        "members": list(members), "calibration": {"intercept": 0.0, "slope": 1.0},
        "scale": {"offset": 50.0, "factor": 10.0},
        "policy": {"currency": "CNY", "bands": [
            {"pd_below": 0.1, "decision": "approve", "limit_minor": 3_000_000},
            {"pd_below": 0.3, "decision": "refer", "limit_minor": 500_000}]},
    }  # fmt: skip


def rows(count: int = 300, seed: int = 3) -> pd.DataFrame:
    """Made-up features with nulls."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({name: rng.normal(15, 8, count) for name in FEATURES})
    frame["txn_in_sum_30d"] *= 10
    return frame.mask(rng.random((count, len(FEATURES))) < 0.1)


def booster_text() -> str:
    """A small LightGBM model of the made-up rows, in its text format."""
    import lightgbm

    frame = rows()
    label = (frame["txn_out_sum_30d"].fillna(0) - frame["txn_in_sum_30d"].fillna(0) / 10 > 3).astype(int)
    params = {
        "objective": "binary",
        "num_leaves": 4,
        "verbosity": -1,
        "num_threads": 1,
        "seed": 1,
        "min_data_in_leaf": 5,
    }
    data = lightgbm.Dataset(frame[list(FEATURES)].to_numpy(), label.to_numpy())
    text: str = lightgbm.train(params, data, num_boost_round=10).model_to_string()
    return text


def as_bytes(model: dict[str, Any]) -> bytes:
    """``model.json`` as it is stored."""
    return json.dumps(model).encode()
