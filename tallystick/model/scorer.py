"""The model that the registry holds: one pyfunc for every algorithm, as code.

It imports nothing of this project: the file travels with the model and runs where nothing else of the project is
installed.

It reads ``model.json`` (described in docs/scoring.md) and, for a model with trees, LightGBM's own text. Input is a
frame with the features by name, as numbers of any kind, nulls included. Output has ``pd``, ``score`` (0 to 100, higher
is better), ``reasons``, three texts per row, and, where the model has a policy, ``limit_minor`` and ``decision``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE

# Keeps the logarithm of the odds finite; beyond it a score is at its end of the scale anyway.
SMALLEST_PD = 1e-6

REASONS = 3


class Scorer(mlflow.pyfunc.PythonModel):
    """Scores rows with the model that ``model.json`` describes."""

    def load_context(self, context: mlflow.pyfunc.PythonModelContext) -> None:
        """Read the artifacts: ``model``, and one LightGBM text for each member with trees, by the name it gives."""
        self.model = json.loads(Path(context.artifacts["model"]).read_text(encoding="utf-8"))
        self.boosters = {name: _load_booster(path) for name, path in context.artifacts.items() if name != "model"}

    def predict(
        self,
        context: mlflow.pyfunc.PythonModelContext,
        model_input: pd.DataFrame,
        params: dict[str, Any] | None = None,
    ) -> pd.DataFrame:
        """One row per input row, in order; MlflowException names the columns that are missing."""
        return score_frame(self.model, self.boosters, model_input)


def score_frame(model: Mapping[str, Any], boosters: Mapping[str, Any], frame: pd.DataFrame) -> pd.DataFrame:
    """Pd, score, reasons and, by the policy, decision and limit of each row of ``frame``: the features by name.

    Every step works row by row, so the answer for a row does not depend on the rows beside it. MlflowException, naming
    columns and never a value, for a column that is missing or holds something that is no finite number.
    """
    if not isinstance(frame, pd.DataFrame):
        raise _refused(f"the input is a {type(frame).__name__}, not a frame with a column for each feature")
    missing = [name for name in model["features"] if name not in frame.columns]
    if missing:
        shown = ", ".join(missing[:5]) + (f" and {len(missing) - 5} more" if len(missing) > 5 else "")
        raise _refused(f"the input lacks {len(missing)} of the model's {len(model['features'])} features: {shown}")
    values = pd.DataFrame({name: _numbers(frame[name], name) for name in model["features"]}, index=frame.index)
    log_odds, contributions = explain(model, boosters, values)
    probability = calibrate(model["calibration"], log_odds)
    answer = {"pd": probability, "score": to_score(model["scale"], probability)}
    if model["policy"] is not None:
        answer["decision"], answer["limit_minor"] = decide(model["policy"], probability)
    return pd.DataFrame({**answer, "reasons": name_reasons(model, contributions)}, index=frame.index)


def _numbers(column: Any, name: str) -> np.ndarray:
    """A column as doubles, nulls as NaN: whole numbers, decimals and None are taken as tables and pandas keep them."""
    if isinstance(column, pd.DataFrame):
        raise _refused(f"column {name} stands twice")
    if pd.api.types.is_bool_dtype(column.dtype):
        raise _refused(f"column {name} holds truth values, not numbers")
    if column.dtype == object:
        kinds = {type(value) for value in column[column.notna()]}
        others = [kind for kind in kinds if not _is_number(kind)]
        if others:
            raise _refused(f"column {name} holds values of type {others[0].__name__}, not numbers")
        column = column.map(lambda value: np.nan if pd.isna(value) else float(value))
    elif not pd.api.types.is_numeric_dtype(column.dtype):
        raise _refused(f"column {name} is {column.dtype}, not numbers")
    values: np.ndarray = column.to_numpy(dtype="float64", na_value=np.nan)
    if np.isinf(values).any():
        raise _refused(f"column {name} holds an infinity")
    return values


def _is_number(kind: type) -> bool:
    return kind.__name__ == "Decimal" or (issubclass(kind, (int, float, np.integer, np.floating)) and kind is not bool)


def _refused(what: str) -> mlflow.MlflowException:
    return mlflow.MlflowException(what, error_code=INVALID_PARAMETER_VALUE)


def explain(
    model: Mapping[str, Any], boosters: Mapping[str, Any], values: pd.DataFrame
) -> tuple[np.ndarray, np.ndarray]:
    """Log-odds of being bad per row, and what each feature adds to them beyond its average, per row and feature.

    The members' log-odds and contributions are added up with the members' weights.
    """
    position = {name: index for index, name in enumerate(model["features"])}
    log_odds = np.zeros(len(values))
    contributions = np.zeros((len(values), len(position)))
    for member in model["members"]:
        own, parts = _EXPLAINERS[member["kind"]](member, boosters, values)
        log_odds += member["weight"] * own
        for name, part in parts.items():
            contributions[:, position[name]] += member["weight"] * part
    return log_odds, contributions


def calibrate(calibration: Mapping[str, float], log_odds: np.ndarray) -> np.ndarray:
    """Probability of being bad: the logistic function of ``intercept + slope * log_odds``."""
    z = calibration["intercept"] + calibration["slope"] * log_odds
    # Written with the exponential of a negative number alone, so that it cannot overflow.
    small = np.exp(-np.abs(z))
    probability = np.where(z >= 0, 1.0 / (1.0 + small), small / (1.0 + small))
    clipped: np.ndarray = np.clip(probability, SMALLEST_PD, 1.0 - SMALLEST_PD)
    return clipped


def to_score(scale: Mapping[str, float], probability: np.ndarray) -> np.ndarray:
    """``offset + factor * ln((1 - pd) / pd)`` cut to 0..100, rounded half to even to one decimal; higher is better."""
    points = scale["offset"] + scale["factor"] * np.log((1.0 - probability) / probability)
    rounded: np.ndarray = np.rint(np.clip(points, 0.0, 100.0) * 10.0) / 10.0
    return rounded


def decide(policy: Mapping[str, Any], probability: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Decision and limit by pd.

    ``bands`` are ordered by ``pd_below``; the first one that pd is below gives decision and limit, and a pd below none
    is declined with limit 0.
    """
    edges = np.array([band["pd_below"] for band in policy["bands"]])
    band = np.searchsorted(edges, probability, side="right")
    decisions = np.array([*(band["decision"] for band in policy["bands"]), "decline"], dtype=object)
    limits = np.array([*(band["limit_minor"] for band in policy["bands"]), 0], dtype=np.int64)
    return decisions[band], limits[band]


def name_reasons(model: Mapping[str, Any], contributions: np.ndarray) -> list[list[str]]:
    """Per row the texts of what raised its risk most against the average applicant, strongest first, none twice.

    Features that share a text count together; of equal contributions the text that comes first in ``features`` wins.
    """
    texts: dict[str, int] = {}
    for name in model["features"]:
        texts.setdefault(model["reasons"][name], len(texts))
    totals = np.zeros((len(contributions), len(texts)))
    # Added one by one in a fixed order: a matrix product may round differently for another number of rows.
    for index, name in enumerate(model["features"]):
        totals[:, texts[model["reasons"][name]]] += contributions[:, index]
    order = np.argsort(-totals, axis=1, kind="stable")[:, :REASONS]
    listed = list(texts)
    return [[listed[index] for index in row] for row in order]


def _explain_scorecard(
    member: Mapping[str, Any], boosters: Mapping[str, Any], values: pd.DataFrame
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    # woe here is already that of being bad times its sign in the regression: coefficient * woe adds to the log-odds.
    log_odds = np.full(len(values), float(member["intercept"]))
    parts = {}
    for variable in member["variables"]:
        column = values[variable["feature"]].to_numpy()
        woe = np.array([*variable["woe"], variable["woe_missing"]])
        # Bins are [edge, next edge); a null has a bin of its own, the last one.
        bins = np.where(
            np.isnan(column), len(woe) - 1, np.searchsorted(np.array(variable["edges"]), column, side="right")
        )
        added = variable["coefficient"] * woe[bins]
        log_odds += added
        parts[variable["feature"]] = added - variable["average"]
    return log_odds, parts


def _explain_lightgbm(
    member: Mapping[str, Any], boosters: Mapping[str, Any], values: pd.DataFrame
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    booster = boosters.get(member.get("booster", "booster"))
    if booster is None:
        raise mlflow.MlflowException("a member's trees are not among the model's artifacts")
    if values.empty:  # LightGBM divides by the number of rows
        return np.zeros(len(values)), {name: np.zeros(len(values)) for name in member["features"]}
    # Shapley values: they add up to the log-odds, and the last column is the average they are measured against.
    # A null that training never saw is no branch of a tree: it counts as the value that the member names.
    shown = values[member["features"]].fillna(member.get("stand_ins", {})).to_numpy()
    found = booster.predict(shown, pred_contrib=True, num_threads=1)
    log_odds = np.zeros(len(values))
    for index in range(found.shape[1]):
        log_odds += found[:, index]
    return log_odds, {name: found[:, index] for index, name in enumerate(member["features"])}


_EXPLAINERS = {"scorecard": _explain_scorecard, "lightgbm": _explain_lightgbm}


def _load_booster(path: str) -> Any:
    # Imported here: a scorecard needs no LightGBM where it runs.
    import lightgbm

    return lightgbm.Booster(model_file=path)


mlflow.models.set_model(Scorer())
