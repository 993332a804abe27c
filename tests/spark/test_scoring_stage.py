"""The score stage as a job runs it: Spark tasks, Delta tables, a model from the registry."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pytest

from tallystick.features import list_bucket_tasks
from tallystick.model.logged_models import ModelPackage, load_local
from tallystick.model.packaging import SCORER_FILE
from tallystick.model.registry import Registry
from tallystick.project import load_project
from tallystick.scoring import ScoreWork, score_buckets
from tallystick.spec.columns import group_contract
from tallystick.spec.model_tables import training_contract
from tallystick.tables import (
    BucketStore,
    Run,
    Slice,
    Warehouse,
    ensure_table,
    pin,
    read_arrow,
    replace_arrow,
    replace_files,
)
from tallystick.training.observed import gather_observations, score_spec
from tallystick.training.vectors import assemble_vectors
from tests.lib import loans

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

OUTPUTS = {"pd": "double", "score": "double", "limit_minor": "long", "decision": "string", "reasons": "strings"}


def store_inputs(warehouse: Warehouse, contracts: dict[str, Any]) -> None:
    """Applications of two buckets and two years, their features, and a training table that holds two of them."""
    rows: dict[str, list[pa.Table]] = {name: [] for name in contracts}
    for bucket, stored in loans.applications(24).items():
        years = pa.array([str(d.astype(object).year) for d in stored["event_at"].to_numpy().astype("datetime64[D]")])
        common = {"source": ["s"] * stored.num_rows, "bucket": [bucket] * stored.num_rows, "period": years}
        rows["clean.applications"].append(extend(stored, contracts["clean.applications"], common, loaded_on=True))
        features = loans.features_of(stored)
        days = features["as_of"].to_numpy().astype("datetime64[D]")
        years = pa.array([str(day.astype(object).year) for day in days])
        common = {"observations": ["applications"] * len(years), "source": ["s"] * len(years), "period": years}
        rows["feature.txn"].append(
            extend(features, contracts["feature.txn"], {**common, "bucket": [bucket] * len(years)})
        )
    learned = contracts["training.small_loan"]
    seen = rows["clean.applications"][0].slice(1, 2)  # the second version of a0, and a2
    named = {"event_at": "as_of", "application_id": "observation_id"}
    seen = seen.rename_columns([named.get(name, name) for name in seen.column_names])
    rows["training.small_loan"].append(
        extend(seen, learned, {"label": [0, 1], "part": ["train", "test"], "observations": ["applications"] * 2})
    )
    for name, parts in rows.items():
        if parts:
            where = Slice(f"{name}/s", {"source": "s"})
            replace_arrow(
                warehouse, contracts[name], pa.concat_tables(parts), where=where, run=Run(f"r/{name}", "t", "0")
            )


def extend(table: pa.Table, contract: Any, values: dict[str, Any], *, loaded_on: bool = False) -> pa.Table:
    """The table with the contract's columns: those given, those it has, and the rest null or made up."""
    from tallystick.tables import arrow_schema

    made = {}
    for field in arrow_schema(contract.columns):
        if field.name in values:
            made[field.name] = pa.array(values[field.name], field.type)
        elif field.name in table.column_names:
            made[field.name] = table[field.name].cast(field.type)
        elif field.name == "loaded_on" and loaded_on:
            made[field.name] = table["known_on"]
        elif field.name == "currency":
            made[field.name] = pa.array(["CNY"] * table.num_rows)
        else:
            made[field.name] = pa.nulls(table.num_rows, field.type)
    return pa.table(made, schema=arrow_schema(contract.columns))


def package() -> ModelPackage:
    example = pd.DataFrame({name: [1.0, 2.0] for name in loans.FEATURES})
    return ModelPackage(
        name="small_loan", run_id="r1", params={}, metrics={}, files={}, outputs=OUTPUTS, example=example,
        model_file=SCORER_FILE,
        model_artifacts={"model.json": json.dumps(loans.model()).encode()},
        requirements=("mlflow==3.17.2", "numpy", "pandas"), tags={"training_version": "0"},
    )  # fmt: skip


def test_tasks_score_every_application_and_the_job_commits_once(
    spark: SparkSession, tmp_path: Path, project_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    declared = load_project(project_root).contracts
    vectors = loans.vector_plan(declared)
    contracts = {
        "clean.applications": declared["clean.applications"],
        "feature.txn": group_contract(loans.SPENDING, declared),
        "training.small_loan": training_contract(loans.RECIPE, loans.FEATURES),
        "score.applications": declared["score.applications"],
    }
    warehouse = Warehouse(tmp_path)
    store_inputs(warehouse, contracts)
    registry = Registry(tmp_path)
    model = registry.register(package())
    folder = str(registry.fetch_model(model))
    pinned = {name: pin(warehouse, name) for name in contracts if name != "score.applications"}
    tasks = list_bucket_tasks(loans.Bank(), {name: p.files for name, p in pinned.items()})  # type: ignore[arg-type]
    work = ScoreWork(
        recipe="small_loan", table="score.applications", observed=score_spec(vectors, declared, first=None, last=None),
        zone=loans.Bank.zone, vectors=vectors, load_model=partial(load_local, folder),
        model_version=model.label, currency="CNY", training_table="training.small_loan",
    )  # fmt: skip
    store = BucketStore(warehouse=warehouse, contracts=contracts)
    ensure_table(warehouse, contracts["score.applications"])
    files = score_buckets(spark, tasks, work, storage=store)
    commit = replace_files(
        warehouse, contracts["score.applications"], files, where=Slice("score", {"source": "s"}), run=Run("r", "t", "0")
    )
    assert (len(tasks), commit.rows, len(files)) == (2, 24, 4)
    scores = read_arrow(warehouse, "score.applications").sort_by("observation_id").to_pandas()
    assert scores["is_in_training"].sum() == 2
    assert set(scores["model_version"]) == {"small_loan/1"}
    assert set(scores["decision"]) <= {"approve", "refer", "decline"}
    # The same vectors through the model, all at once and outside Spark, give the same bits.
    stored = {name: read_arrow(warehouse, name) for name in ("clean.applications", "feature.txn")}
    observations = gather_observations(vectors, stored, declared, source=loans.Bank())  # type: ignore[arg-type]
    rows = assemble_vectors(vectors, observations, {"txn": stored["feature.txn"]})
    expected = load_local(folder)(rows.select([f.name for f in vectors.features]).to_pandas())
    by_id = expected.assign(observation_id=rows["observation_id"].to_pandas()).sort_values("observation_id")
    for name in ("pd", "score", "limit_minor", "decision"):
        assert scores[name].tolist() == by_id[name].tolist(), name
    reasons = scores[["reason_1", "reason_2", "reason_3"]].to_numpy().tolist()
    assert reasons == [list(texts) for texts in by_id["reasons"]]
    assert all(len(set(texts)) == 3 for texts in reasons)
