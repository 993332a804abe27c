"""The audit of requests finds a value that came after the decision and leaves honest ones alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime

import pandas as pd
import pyarrow as pa
import pytest

from tallystick.spec.observations import Rows, RowsAtMidnight
from tallystick.spec.tables import TableContract
from tallystick.training.audit_requests import check_requests
from tallystick.training.data import TrainingSet
from tallystick.training.observed import gather_observations
from tallystick.training.vectors import KEYS, VectorPlan, assemble_vectors
from tests.lib import loans
from tests.lib.shipped import shipped_project

ZONE = "Asia/Shanghai"


@pytest.fixture(scope="module")
def contracts() -> Mapping[str, TableContract]:
    return shipped_project().contracts


@pytest.fixture(scope="module")
def plan(contracts: Mapping[str, TableContract]) -> VectorPlan:
    return loans.vector_plan(contracts)


@pytest.fixture(scope="module")
def tables() -> dict[str, pa.Table]:
    """Applications, a fifth of them corrected to 777,000 long after the decision, and their features."""
    stored = loans.placed(loans.applications(20, buckets=1)[0])
    return {"clean.applications": stored, "feature.txn": loans.placed(loans.features_of(stored))}


@pytest.fixture
def data(plan: VectorPlan, tables: dict[str, pa.Table], contracts: Mapping[str, TableContract]) -> TrainingSet:
    observations = loans.observations(tables["clean.applications"], contracts)
    frame = assemble_vectors(plan, observations, {"txn": tables["feature.txn"]}).to_pandas()
    names = [feature.name for feature in plan.features]
    return TrainingSet(
        keys=frame[list(KEYS)], vectors=frame[names], features=plan.features, segments=pd.DataFrame(index=frame.index)
    )


def observed(data: TrainingSet) -> pa.Table:
    return pa.Table.from_pandas(data.keys[["observation_id", "as_of"]], preserve_index=False)


def test_requests_as_they_were_decided_on_pass(
    data: TrainingSet, plan: VectorPlan, tables: dict[str, pa.Table], contracts: Mapping[str, TableContract]
) -> None:
    (finding,) = check_requests(data, plan, tables, contracts=contracts, sample=observed(data), zone=ZONE)
    assert finding.is_passed
    assert finding.detail == "20 observations, 2 request features recomputed"


def test_a_request_of_a_later_version_is_named(
    data: TrainingSet, plan: VectorPlan, tables: dict[str, pa.Table], contracts: Mapping[str, TableContract]
) -> None:
    data.vectors.loc[data.keys["observation_id"] == "a5", "request_amount"] = 777_000.0
    (finding,) = check_requests(data, plan, tables, contracts=contracts, sample=observed(data), zone=ZONE)
    assert (finding.feature, finding.value, finding.is_passed) == ("request_amount", 1.0, False)


@pytest.mark.parametrize("kind", [Rows, RowsAtMidnight])
def test_an_application_that_was_brought_forward_is_as_it_was_decided_on(
    kind: type[Rows | RowsAtMidnight],
    plan: VectorPlan,
    tables: dict[str, pa.Table],
    contracts: Mapping[str, TableContract],
) -> None:
    """Announced for 12 March and, by a load of the 12th, made on the 11th: the announcement was never decided on. A
    correction of next year tells of another amount, and that must not count.
    """
    (first, *_) = tables["clean.applications"].filter(pa.compute.field("application_id") == "a1").to_pylist()
    versions = [
        {**first, "event_at": datetime(2026, 3, day, 2, tzinfo=UTC), "known_on": known, "loaded_on": known,
         "amount_minor": amount}
        for day, known, amount in (
            (12, date(2026, 3, 9), 1_000), (11, date(2026, 3, 12), 2_000), (11, date(2027, 3, 1), 777_000)
        )
    ]  # fmt: skip
    stored = pa.Table.from_pylist(versions, schema=tables["clean.applications"].schema)
    plan = replace(plan, observed=replace(plan.observed, population=kind(table="clean.applications")))
    features = loans.placed(loans.features_of(stored))
    if kind is RowsAtMidnight:
        midnights = [datetime(2026, 3, at.day - 1, 16, tzinfo=UTC) for at in features["as_of"].to_pylist()]
        place = features.column_names.index("as_of")
        features = features.set_column(place, "as_of", pa.array(midnights, pa.timestamp("us", tz="UTC")))
    given = {"clean.applications": stored, "feature.txn": features}
    observations = gather_observations(plan, given, contracts, source=loans.Bank())  # type: ignore[arg-type]
    frame = assemble_vectors(plan, observations, {"txn": features}).to_pandas()
    assert frame["request_amount"].tolist() == [2_000.0]
    vectors = frame[[feature.name for feature in plan.features]].copy()
    data = TrainingSet(
        keys=frame[list(KEYS)], vectors=vectors, features=plan.features, segments=pd.DataFrame(index=frame.index)
    )
    of_them = {"clean.applications": stored, "feature.txn": features}
    (found,) = check_requests(data, plan, of_them, contracts=contracts, sample=observed(data), zone=ZONE)
    assert found.is_passed
    data.vectors["request_amount"] = 777_000.0
    (found,) = check_requests(data, plan, of_them, contracts=contracts, sample=observed(data), zone=ZONE)
    assert (found.feature, found.is_passed) == ("request_amount", False)


def test_an_application_that_only_later_rows_tell_of_is_named(
    data: TrainingSet, plan: VectorPlan, tables: dict[str, pa.Table], contracts: Mapping[str, TableContract]
) -> None:
    stored = tables["clean.applications"]
    # The first version of a5 turns out to be a retraction: the vector rests on the correction of a year later.
    rows = stored.to_pandas()
    is_first = (rows["application_id"] == "a5") & (rows["known_on"] < date(2026, 12, 1))
    rows.loc[is_first, "is_retracted"] = True
    changed = {**tables, "clean.applications": pa.Table.from_pandas(rows, schema=stored.schema, preserve_index=False)}
    found = check_requests(data, plan, changed, contracts=contracts, sample=observed(data), zone=ZONE)
    assert {finding.feature for finding in found} == {"request_amount", "request_burden"}
    assert not any(finding.is_passed for finding in found)
