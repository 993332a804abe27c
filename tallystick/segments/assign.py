"""Rows of a segment table: what a registered model answers for the customers of one ``as_of``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import pandas as pd
import pyarrow as pa

from tallystick.spec.segments import Segmentation

Predict = Callable[[pd.DataFrame], pd.DataFrame]

# What a row takes over from the features, and what the model answers.
_TAKEN = ("source", "bucket", "period", "customer_id", "as_of")
_TEXTS = ("status", "segment_id", "segment_name")
_NUMBERS = ("distance", "second_distance")


@dataclass(frozen=True, kw_only=True, slots=True)
class Assignment:
    """Who assigns: the version of the model, the date it learned from, and the run."""

    model_version: str
    fitted_on: date
    run_id: str


def assign_rows(declared: Segmentation, features: pa.Table, predict: Predict, *, by: Assignment) -> pa.Table:
    """One row per row of ``features``, which has the declared columns and those that place a row in the table.

    ``predict`` is the registered model: a frame of the columns in, a row of the answer per row out.
    """
    answer = predict(features.select(list(declared.columns)).to_pandas())
    rows = features.num_rows
    made = {name: features[name] for name in _TAKEN}
    made |= {name: pa.array(answer[name], pa.string(), from_pandas=True) for name in _TEXTS}
    made |= {name: pa.array(answer[name], pa.float64(), from_pandas=True) for name in _NUMBERS}
    made["model_version"] = pa.repeat(by.model_version, rows)
    made["fitted_on"] = pa.repeat(pa.scalar(by.fitted_on, pa.date32()), rows)
    made["run_id"] = pa.repeat(by.run_id, rows)
    return pa.table(made)
