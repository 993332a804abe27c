"""The model as text: ``model.json`` and, for trees, LightGBM's own format; and a reference scorer for it.

``evaluate_document`` reads the text back in NumPy: the reference for the scorer's own file, which may not import this
one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit

from tallystick.errors import ModelError
from tallystick.model.evaluation import SMALLEST_PD, logit
from tallystick.model.fitting import Model
from tallystick.model.inputs import Feature
from tallystick.model.members import Member
from tallystick.spec.policy import Policy
from tallystick.spec.recipes import Recipe

FORMAT = 1


def describe_model(recipe: Recipe, model: Model, features: Sequence[Feature]) -> tuple[dict[str, Any], str]:
    """The document that ``model.json`` holds, and LightGBM's text (empty for a model without trees)."""
    boosters = [member.booster for member, _ in model.members if member.booster]
    if len(boosters) > 1:
        raise ModelError("a model may hold one boosting at most", where=f"algorithm {model.name}", fix="blend fewer")
    reasons = {feature.name: feature.reason for feature in features}
    document = {
        "format": FORMAT,
        "name": recipe.name,
        "algorithm": model.name,
        "features": list(model.features),
        "reasons": {name: reasons[name] for name in model.features},
        "members": [{"kind": m.kind, "weight": weight, **m.payload} for m, weight in model.members],
        "calibration": {"intercept": model.intercept, "slope": model.slope},
        "scale": {"offset": recipe.scale.offset, "factor": recipe.scale.factor},
        "policy": _describe_policy(recipe.policy),
    }
    return document, boosters[0] if boosters else ""


def _describe_policy(policy: Policy | None) -> dict[str, Any] | None:
    if policy is None:
        return None
    bands = [
        {"pd_below": band.pd_below, "decision": band.decision, "limit_minor": band.limit_minor} for band in policy.bands
    ]
    return {"currency": policy.currency, "bands": bands}


def write_document(document: Mapping[str, Any]) -> bytes:
    """``model.json``: numbers written so that reading them gives the same bits."""
    return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False).encode()


def evaluate_document(document: Mapping[str, Any], booster: str, vectors: pd.DataFrame) -> pd.DataFrame:
    """pd, score and, by its policy, decision and limit_minor of every row, from the written model alone."""
    log_odds = np.zeros(len(vectors))
    for part in document["members"]:
        payload = {name: value for name, value in part.items() if name not in ("kind", "weight")}
        names = payload.get("features") or [variable["feature"] for variable in payload["variables"]]
        text = booster if part["kind"] == "lightgbm" else ""
        member = Member(kind=part["kind"], features=tuple(names), payload=payload, booster=text)
        log_odds += part["weight"] * member.log_odds(vectors)
    calibration = document["calibration"]
    pd_ = np.clip(expit(calibration["intercept"] + calibration["slope"] * log_odds), SMALLEST_PD, 1 - SMALLEST_PD)
    answer = pd.DataFrame({"pd": pd_, "score": to_score(pd_, **document["scale"])}, index=vectors.index)
    if document["policy"] is None:
        return answer
    bands = document["policy"]["bands"]
    place = np.searchsorted([band["pd_below"] for band in bands], pd_, side="right")
    decisions = np.array([*(band["decision"] for band in bands), "decline"], dtype=object)
    limits = np.array([*(band["limit_minor"] for band in bands), 0], dtype=np.int64)
    return answer.assign(decision=decisions[place], limit_minor=limits[place])


def to_score(pd_: np.ndarray, *, offset: float, factor: float) -> np.ndarray:
    """Score of 0 to 100, higher is better, half-even to one decimal."""
    points = offset - factor * logit(pd_)
    rounded: np.ndarray = np.rint(np.clip(points, 0.0, 100.0) * 10.0) / 10.0
    return rounded


def example_rows(model: Model, vectors: pd.DataFrame) -> pd.DataFrame:
    """Three made-up rows of inputs: the quartiles of each feature, so that no customer's row is shown."""
    quartiles = vectors[list(model.features)].quantile([0.25, 0.5, 0.75]).reset_index(drop=True)
    return quartiles.astype("float64")
