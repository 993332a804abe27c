"""Train, test and register a recipe's model, and store the rows it learned from.

Takes a recipe and a source whose training set passed the leakage audit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from tallystick.features.ledger import Definition, Ledger, check_definitions
from tallystick.model import packaging
from tallystick.model.registry import ModelPackage, Registry
from tallystick.project import load_project
from tallystick.report import render_model_card
from tallystick.runs.code_version import code_version
from tallystick.runs.progress import progress
from tallystick.spec.fingerprint import fingerprint
from tallystick.spec.model_tables import training_contract
from tallystick.tables import Run, Slice, Warehouse, arrow_schema, last_inputs, pin, read_arrow, replace_arrow
from tallystick.tables.store.small import SmallTables
from tallystick.training.data import build_training_set
from tallystick.training.findings import check_audited
from tallystick.training.observed import clean_tables, gather_observations
from tallystick.training.train import train_model
from tallystick.training.vectors import plan_vectors

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from tallystick.runs.params import TrainModel


def run(params: TrainModel, session: SparkSession | None) -> None:
    """Train on pinned versions, store the training rows, register, and promote past the gates. Spark is not needed."""
    project, warehouse = load_project(params.project), Warehouse(params.warehouse)
    recipe, source = project.recipes[params.recipe], project.sources[params.source]
    registry = Registry(warehouse.root)
    registry.check_source(recipe.name, source.name)
    label, code = project.labels[recipe.labels[0]], code_version(project.root)
    observations = project.observations[recipe.observations]
    declared = (project.feature_groups, project.contracts)
    plan = plan_vectors(recipe, *declared, observed=observations, assumed=source.assumed_tables)
    names = [*clean_tables(plan, source), *(f"label.{name}" for name in recipe.labels)]
    inputs = {name: pin(warehouse, name).version for name in (*names, *(f"feature.{name}" for name in recipe.groups))}
    ours = pc.field("source") == source.name
    audited = last_inputs(warehouse.table_path("monitor.leakage"), f"monitor.leakage/{source.name}")
    findings = read_arrow(warehouse, "monitor.leakage", filter=ours).to_pylist() if audited else []
    check_audited(findings, audited, inputs, recipe=recipe.name)
    observed = ours & (pc.field("observations") == recipe.observations)
    rows = {
        name: read_arrow(warehouse, name, version=version, filter=observed if name.startswith("feature.") else ours)
        for name, version in inputs.items()
    }
    small = SmallTables(warehouse=warehouse, contracts=project.contracts)
    ledger = Ledger(tables=small, source=source.name, observations=recipe.observations)
    defined = [
        Definition.of(project.feature_groups[name], project.contracts, observations=observations)
        for name in recipe.groups
    ]
    held = {name: rows[f"feature.{name}"].num_rows for name in recipe.groups}
    check_definitions(ledger, defined, used=plan.columns, rows=held)
    gathered = gather_observations(plan, rows, project.contracts, source=source)
    result = train_model(recipe, build_training_set(recipe, plan, rows, observations=gathered, zone=source.zone))
    contract = training_contract(recipe, [feature.name for feature in plan.features])
    learned = pa.Table.from_pandas(result.rows, preserve_index=False).select([c.name for c in contract.columns])
    where = Slice(f"{contract.name}/{source.name}", {"source": source.name}, buckets=source.layout.buckets)
    by = Run(params.run_id, "train_model", code, fingerprint(recipe), inputs)
    commit = replace_arrow(warehouse, contract, learned.cast(arrow_schema(contract.columns)), where=where, run=by)
    manifest = packaging.describe_manifest(recipe, label, result, inputs=inputs, code=code)
    version = registry.register(
        ModelPackage(
            name=recipe.name,
            run_id=params.run_id,
            params=result.params,
            metrics=result.metrics,
            files=packaging.list_run_files(result, manifest, card=render_model_card(recipe, label, result)),
            model_file=packaging.SCORER_FILE,
            model_artifacts=result.artifacts,
            example=result.example,
            outputs=packaging.list_outputs(recipe),
            requirements=packaging.list_requirements(result),
            tags={"source": source.name, "training_version": str(commit.version)},
            description=recipe.description,
        )
    )
    auc = result.metrics[f"auc_{recipe.split.test_rows}"]
    tested = "the newest labelled rows" if recipe.split.is_by_time else "customers held out at random"
    progress(f"      {version.label}: {result.champion}, AUC {auc:.3f} on {tested}")
    version = registry.promote(version, result.gates)
    progress(f"      {version.label} is {' and '.join(version.aliases)}")
