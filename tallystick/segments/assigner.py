"""The segment model that the registry holds: a pyfunc as code.

It imports nothing of this project: the file travels with the model and runs where nothing else of the project is
installed. It reads ``segments.json`` (docs/segments.md). Input is a frame with the model's columns by name, nulls
included. Output has ``status``, ``segment_id``, ``segment_name``, ``distance`` and ``second_distance``; all but the
first are null where a customer has no segment.
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


class Assigner(mlflow.pyfunc.PythonModel):
    """Assigns rows to the segments that ``segments.json`` describes."""

    def load_context(self, context: mlflow.pyfunc.PythonModelContext) -> None:
        """Read the artifact ``segments``."""
        self.model = json.loads(Path(context.artifacts["segments"]).read_text(encoding="utf-8"))

    def predict(
        self,
        context: mlflow.pyfunc.PythonModelContext,
        model_input: pd.DataFrame,
        params: dict[str, Any] | None = None,
    ) -> pd.DataFrame:
        """One row per input row, in order; MlflowException names the columns that are missing or no numbers."""
        return assign_frame(self.model, model_input)


def assign_frame(model: Mapping[str, Any], frame: pd.DataFrame) -> pd.DataFrame:
    """Status, segment and distances of each row of ``frame``; the answer for a row does not depend on other rows."""
    amounts = np.column_stack([_numbers(frame, name) for name in model["parts"]])
    amounts = np.maximum(np.nan_to_num(amounts, nan=0.0), 0.0)
    activity, total = _numbers(frame, model["activity"]), amounts.sum(axis=1)
    is_active = activity >= model["min_activity"]
    status = np.where(total <= 0, "no_spending", np.where(is_active, "assigned", "little_activity"))
    has_segment = status == "assigned"
    shares = amounts[has_segment] / total[has_segment, None]
    points = np.sqrt(shares / 2) if model["transformation"] == "hellinger" else shares
    centres = np.array([one["centre"] for one in model["segments"]])
    # Centre by centre: a row for every pair of customer and centre would need a multiple of the memory.
    distances = np.column_stack([np.sqrt(((points - centre) ** 2).sum(axis=1)) for centre in centres])
    order = np.argsort(distances, axis=1, kind="stable")
    nearest, second = (np.take_along_axis(distances, order[:, [place]], axis=1)[:, 0] for place in (0, 1))
    answer = pd.DataFrame(index=frame.index)
    answer["status"] = status
    for name, key in (("segment_id", "id"), ("segment_name", "name")):
        texts = np.full(len(frame), None, dtype=object)
        texts[has_segment] = np.array([one[key] for one in model["segments"]], dtype=object)[order[:, 0]]
        answer[name] = texts
    for name, values in (("distance", nearest), ("second_distance", second)):
        numbers = np.full(len(frame), np.nan)
        numbers[has_segment] = values
        answer[name] = numbers
    return answer


def _numbers(frame: pd.DataFrame, name: str) -> np.ndarray:
    """A column as doubles, nulls as NaN."""
    if not isinstance(frame, pd.DataFrame) or name not in frame.columns:
        raise _refused(f"the input lacks column {name}")
    try:
        values: np.ndarray = pd.to_numeric(frame[name]).to_numpy(dtype="float64", na_value=np.nan)
    except (TypeError, ValueError):
        # The cause would quote the value.
        raise _refused(f"column {name} holds something that is no number") from None
    if np.isinf(values).any():
        raise _refused(f"column {name} holds an infinity")
    return values


def _refused(what: str) -> mlflow.MlflowException:
    return mlflow.MlflowException(what, error_code=INVALID_PARAMETER_VALUE)


mlflow.models.set_model(Assigner())
