"""Rows of score.applications from applications, features and a model, without Spark."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from tallystick.errors import ModelError
from tallystick.project import load_project
from tallystick.scoring import ScoreWork, score_applications
from tallystick.tables import arrow_schema
from tests.lib import loans


def predict(frame: pd.DataFrame) -> pd.DataFrame:
    """Stands in for a model: pd from one feature, so that rows can be told apart."""
    return pd.DataFrame(
        {"pd": frame["request_amount"] / 1e6, "score": 50.0, "limit_minor": 1, "decision": "refer",
         "reasons": [["one", "two"]] * len(frame)}
    )  # fmt: skip


@pytest.fixture
def work(project_root: Path) -> ScoreWork:
    return ScoreWork(
        recipe="small_loan",
        zone="Asia/Shanghai",
        vectors=loans.vector_plan(load_project(project_root).contracts),
        load_model=lambda: predict,
        model_version="small_loan/3",
        currency="CNY",
        training_table="training.small_loan",
    )


def placed(stored: pa.Table) -> pa.Table:
    count = stored.num_rows
    columns: dict[str, Any] = {"source": ["s"] * count, "bucket": [0] * count, "period": ["2026"] * count}
    for name, values in columns.items():
        stored = stored.append_column(name, pa.array(values, pa.int32() if name == "bucket" else pa.string()))
    return stored


def test_every_application_is_scored_once_by_the_version_that_was_decided_on(work: ScoreWork) -> None:
    stored = loans.applications(12, buckets=1)[0]
    seen = pa.chunked_array([["a1", "a2", "elsewhere"]])
    rows = score_applications(placed(stored), {"txn": loans.features_of(stored)}, work, seen=seen)
    found = {row["application_id"]: row for row in rows.to_pylist()}
    assert sorted(found) == sorted(f"a{n}" for n in range(12))
    assert found["a5"]["pd"] == 0.105  # a correction of a year later asks for 777,000
    assert {row["recipe"] for row in found.values()} == {"small_loan"}
    assert [name for name, row in found.items() if row["is_in_training"]] == ["a1", "a2"]
    assert found["a3"]["model_version"] == "small_loan/3"
    assert (found["a3"]["reason_1"], found["a3"]["reason_3"]) == ("one", None)
    assert found["a3"]["as_of"] == datetime(2025, 11, 10, 15, 30, tzinfo=UTC)


def test_the_rows_have_the_columns_and_types_of_the_contract(work: ScoreWork, project_root: Path) -> None:
    stored = loans.applications(3, buckets=1)[0]
    seen = pa.chunked_array([pa.array([], pa.string())])
    rows = score_applications(placed(stored), {"txn": loans.features_of(stored)}, work, seen=seen)
    expected = arrow_schema(load_project(project_root).contracts["score.applications"].columns)
    assert set(rows.column_names) == set(expected.names)
    assert {f.name: f.type for f in rows.schema} == {f.name: f.type for f in expected}


def test_an_application_without_features_stops_the_run(work: ScoreWork) -> None:
    stored = loans.applications(4, buckets=1)[0]
    features = loans.features_of(stored).slice(0, 3)
    with pytest.raises(ModelError, match=r"1 of 4 applications have no row in feature\.txn"):
        score_applications(placed(stored), {"txn": features}, work, seen=pa.chunked_array([pa.array([], pa.string())]))
