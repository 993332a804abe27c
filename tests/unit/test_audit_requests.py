"""The audit of requests finds a value that came after the decision and leaves honest ones alone."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from tallystick.project import load_project
from tallystick.training.audit_requests import check_requests
from tallystick.training.data import TrainingSet
from tallystick.training.vectors import KEYS, VectorPlan, assemble_vectors
from tests.lib import loans

ZONE = "Asia/Shanghai"


@pytest.fixture(scope="module")
def plan(project_root: Path) -> VectorPlan:
    return loans.vector_plan(load_project(project_root).contracts)


@pytest.fixture(scope="module")
def tables() -> dict[str, pa.Table]:
    """Applications, a fifth of them corrected to 777,000 long after the decision, and their features."""
    stored = loans.applications(20, buckets=1)[0]
    count = stored.num_rows
    for name, values in {"source": ["s"] * count, "bucket": [0] * count, "period": ["2026"] * count}.items():
        stored = stored.append_column(name, pa.array(values))
    return {"clean.applications": stored, "feature.txn": loans.features_of(stored)}


def training_set(plan: VectorPlan, tables: dict[str, pa.Table]) -> TrainingSet:
    groups = {"txn": tables["feature.txn"]}
    frame = assemble_vectors(plan, tables["clean.applications"], groups, zone=ZONE).to_pandas()
    names = [feature.name for feature in plan.features]
    return TrainingSet(
        keys=frame[list(KEYS)], vectors=frame[names], features=plan.features, segments=pd.DataFrame(index=frame.index)
    )


def observed(data: TrainingSet) -> pa.Table:
    return pa.Table.from_pandas(data.keys[["customer_id", "as_of"]], preserve_index=False)


def test_requests_as_they_were_decided_on_pass(plan: VectorPlan, tables: dict[str, pa.Table]) -> None:
    data = training_set(plan, tables)
    (finding,) = check_requests(plan, data, tables, sample=observed(data), zone=ZONE)
    assert finding.is_passed
    assert finding.detail == "20 applications, 2 request features recomputed"


def test_a_request_of_a_later_version_is_named(plan: VectorPlan, tables: dict[str, pa.Table]) -> None:
    data = training_set(plan, tables)
    data.vectors.loc[data.keys["application_id"] == "a5", "request_amount"] = 777_000.0
    (finding,) = check_requests(plan, data, tables, sample=observed(data), zone=ZONE)
    assert (finding.feature, finding.value, finding.is_passed) == ("request_amount", 1.0, False)


def test_an_application_that_only_later_rows_tell_of_is_named(plan: VectorPlan, tables: dict[str, pa.Table]) -> None:
    data = training_set(plan, tables)
    stored = tables["clean.applications"]
    # The first version of a5 turns out to be a retraction: the vector rests on the correction of a year later.
    rows = stored.to_pandas()
    is_first = (rows["application_id"] == "a5") & (rows["known_on"] < date(2026, 12, 1))
    rows.loc[is_first, "is_retracted"] = True
    changed = {**tables, "clean.applications": pa.Table.from_pandas(rows, schema=stored.schema, preserve_index=False)}
    found = check_requests(plan, data, changed, sample=observed(data), zone=ZONE)
    assert {finding.feature for finding in found} == {"request_amount", "request_burden"}
    assert not any(finding.is_passed for finding in found)
