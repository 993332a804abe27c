"""Rows of a score table from observations, features and a model, without Spark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from tallystick.errors import ModelError
from tallystick.scoring import ScoreWork, score_observations
from tallystick.spec.tables import TableContract
from tallystick.tables import arrow_schema
from tallystick.training.observed import score_spec
from tests.lib import loans
from tests.lib.shipped import shipped_project


def predict(frame: pd.DataFrame) -> pd.DataFrame:
    """Stands in for a model: pd from one feature, so that rows can be told apart."""
    return pd.DataFrame(
        {"pd": frame["request_amount"] / 1e6, "score": 50.0, "limit_minor": 1, "decision": "refer",
         "reasons": [["one", "two"]] * len(frame)}
    )  # fmt: skip


@pytest.fixture
def contracts() -> Mapping[str, TableContract]:
    return shipped_project().contracts


@pytest.fixture
def work(contracts: Mapping[str, TableContract]) -> ScoreWork:
    plan = loans.vector_plan(contracts)
    return ScoreWork(
        recipe="small_loan",
        observed=score_spec(plan, contracts, first=None, last=None),
        zone="Asia/Shanghai",
        vectors=plan,
        load_model=lambda: predict,
        model_version="small_loan/3",
        currency="CNY",
        training_table="training.small_loan",
        table="score.applications",
    )


def learned_from(observations: pa.Table, ids: Sequence[str]) -> pa.Table:
    """What the model saw: these observations."""
    return observations.select(["observation_id", "as_of"]).filter(
        pc.is_in(observations["observation_id"], pa.array(ids))
    )


@pytest.fixture
def scored(work: ScoreWork, contracts: Mapping[str, TableContract]) -> pa.Table:
    observations = loans.observations(loans.placed(loans.applications(12, buckets=1)[0]), contracts)
    features = {"txn": loans.features_of(loans.applications(12, buckets=1)[0])}
    return score_observations(observations, features, work, seen=learned_from(observations, ["a1", "a2"]))


def test_every_application_is_scored_once_by_the_version_that_was_decided_on(scored: pa.Table) -> None:
    found = {row["observation_id"]: row for row in scored.to_pylist()}
    assert sorted(found) == sorted(f"a{n}" for n in range(12))
    assert found["a5"]["pd"] == 0.105  # a correction of a year later asks for 777,000
    assert {row["recipe"] for row in found.values()} == {"small_loan"}
    assert [name for name, row in found.items() if row["is_in_training"]] == ["a1", "a2"]
    assert found["a3"]["model_version"] == "small_loan/3"
    assert (found["a3"]["reason_1"], found["a3"]["reason_3"]) == ("one", None)
    assert found["a3"]["as_of"] == datetime(2025, 11, 10, 15, 30, tzinfo=UTC)


def test_the_rows_have_the_columns_and_types_of_the_contract(
    scored: pa.Table, contracts: Mapping[str, TableContract]
) -> None:
    expected = arrow_schema(contracts["score.applications"].columns)
    assert {f.name: f.type for f in scored.schema} == {f.name: f.type for f in expected}
    for column in contracts["score.applications"].columns:
        assert not (column.required and scored[column.name].null_count), column.name


def test_another_as_of_of_the_same_thing_was_not_learned_from(
    work: ScoreWork, contracts: Mapping[str, TableContract]
) -> None:
    stored = loans.applications(3, buckets=1)[0]
    observations = loans.observations(loans.placed(stored), contracts)
    seen = learned_from(observations, ["a1"])
    later = seen.set_column(1, "as_of", pc.add(seen["as_of"], pa.scalar(1, pa.duration("us"))))
    rows = score_observations(observations, {"txn": loans.features_of(stored)}, work, seen=later)
    assert not any(rows["is_in_training"].to_pylist())


def test_of_another_set_the_customer_and_the_instant_tell_what_was_learned_from(
    work: ScoreWork, contracts: Mapping[str, TableContract]
) -> None:
    stored = loans.applications(3, buckets=1)[0]
    observations = loans.observations(loans.placed(stored), contracts)
    learned = observations.select(["customer_id", "as_of"]).slice(1, 1)
    other = replace(work, seen_by="customer_id")
    rows = score_observations(observations, {"txn": loans.features_of(stored)}, other, seen=learned)
    expected = [
        row["customer_id"] == learned["customer_id"][0].as_py() and row["as_of"] == learned["as_of"][0].as_py()
        for row in rows.to_pylist()
    ]
    assert rows["is_in_training"].to_pylist() == expected
    assert any(expected)
    assert not all(expected)


def test_without_a_policy_there_is_neither_decision_nor_limit(
    work: ScoreWork, contracts: Mapping[str, TableContract]
) -> None:
    def predict_alone(frame: pd.DataFrame) -> pd.DataFrame:
        return predict(frame).drop(columns=["limit_minor", "decision"])

    plain = replace(work, currency="", load_model=lambda: predict_alone)
    stored = loans.applications(3, buckets=1)[0]
    observations = loans.observations(loans.placed(stored), contracts)
    rows = score_observations(observations, {"txn": loans.features_of(stored)}, plain, seen=observations)
    for name in ("limit_minor", "currency", "decision"):
        assert rows[name].null_count == 3
    assert rows["reason_1"].to_pylist() == ["one"] * 3


def test_an_observation_without_features_stops_the_run(work: ScoreWork, contracts: Mapping[str, TableContract]) -> None:
    stored = loans.applications(4, buckets=1)[0]
    observations = loans.observations(loans.placed(stored), contracts)
    with pytest.raises(ModelError, match=r"1 of 4 observations have no row in feature\.txn"):
        score_observations(observations, {"txn": loans.features_of(stored).slice(0, 3)}, work, seen=observations)
