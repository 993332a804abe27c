"""Members: fitted parts of a model as plain values, and the reference evaluation of what they say.

The scorer's own file computes the same from the exported JSON, without importing this; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from tallystick.model.evaluation import bin_codes

# Smaller coefficients of standardised columns move no score by a tenth of a point.
LEAST_COEFFICIENT = 1e-4


@dataclass(frozen=True, kw_only=True)
class Member:
    """A fitted algorithm. ``payload`` is its part of ``model.json`` without the weight; ``booster`` LightGBM's text.

    ``features`` are the inputs it reads, in order of its selection.
    """

    kind: str
    features: tuple[str, ...]
    payload: Mapping[str, Any]
    booster: str = ""

    def log_odds(self, vectors: pd.DataFrame) -> np.ndarray:
        """Uncalibrated log-odds of being bad of every row; columns are found by name, nulls are NaN."""
        if self.kind == "lightgbm":
            scores: np.ndarray = self._loaded.predict(self._values(vectors), raw_score=True, num_threads=1)
            return scores
        total = np.full(len(vectors), float(self.payload["intercept"]))
        for variable in self.payload["variables"]:
            total += variable["coefficient"] * bin_values(variable, vectors[variable["feature"]].to_numpy())
        return total

    def effects(self, vectors: pd.DataFrame) -> dict[str, np.ndarray]:
        """What each feature adds to the log-odds of each row: points of a scorecard, Shapley values of trees."""
        if self.kind == "lightgbm":
            values = self.shapley_values(vectors)
            return {name: values[:, place] for place, name in enumerate(self.features)}
        return {
            variable["feature"]: variable["coefficient"] * bin_values(variable, vectors[variable["feature"]].to_numpy())
            for variable in self.payload["variables"]
        }

    def shapley_values(self, vectors: pd.DataFrame) -> np.ndarray:
        """Those of trees: a column per feature, and last the average they are measured against."""
        found: np.ndarray = self._loaded.predict(self._values(vectors), pred_contrib=True, num_threads=1)
        return found

    def _values(self, vectors: pd.DataFrame) -> np.ndarray:
        """What the trees are shown: a null that training never saw counts as the feature's stand-in."""
        values: np.ndarray = vectors[list(self.features)].fillna(dict(self.payload.get("stand_ins", {}))).to_numpy()
        return values

    @cached_property
    def _loaded(self) -> Any:
        import lightgbm

        return lightgbm.Booster(model_str=self.booster)


def bin_values(variable: Mapping[str, Any], column: np.ndarray) -> np.ndarray:
    """The ``woe`` of each value's bin: bins are [edge, next edge), a null has its own."""
    woe = np.array([*variable["woe"], variable["woe_missing"]])
    found: np.ndarray = woe[bin_codes(column, np.array(variable["edges"]))]
    return found


def scorecard_member(
    variables: Sequence[Mapping[str, Any]], intercept: float, coefficients: np.ndarray, *, vectors: pd.DataFrame
) -> Member:
    """A scorecard from binned variables (feature, edges, woe, woe_missing) and their coefficients, one each.

    A variable whose coefficient ended at 0 is left out. ``vectors`` give each variable's average contribution.
    """
    kept = []
    for variable, coefficient in zip(variables, coefficients, strict=True):
        if abs(coefficient) <= LEAST_COEFFICIENT:
            continue
        plain = {
            "feature": variable["feature"],
            "coefficient": float(coefficient),
            "edges": [float(edge) for edge in variable["edges"]],
            "woe": [float(value) for value in variable["woe"]],
            "woe_missing": float(variable["woe_missing"]),
        }
        column = vectors[variable["feature"]].to_numpy()
        kept.append({**plain, "average": float(coefficient * bin_values(plain, column).mean())})
    return Member(
        kind="scorecard",
        features=tuple(variable["feature"] for variable in kept),
        payload={"intercept": float(intercept), "variables": kept},
    )
