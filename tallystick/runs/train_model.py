"""Train, test and register a recipe's model, and store the rows it learned from.

Takes a recipe and a source whose training set passed the leakage audit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from tallystick.model import packaging
from tallystick.model.registry import ModelPackage, Registry
from tallystick.report import render_model_card
from tallystick.runs.context import RunContext
from tallystick.runs.input_gate import PinnedTables
from tallystick.runs.progress import progress, working
from tallystick.runs.training_set import build_rows, check_audit_passed, pin_training, plan_recipe, read_training
from tallystick.spec.fingerprint import fingerprint
from tallystick.spec.model_tables import training_contract
from tallystick.spec.recipes import Recipe
from tallystick.tables import Slice, arrow_schema, replace_arrow
from tallystick.training.train import train_model
from tallystick.training.vectors import VectorPlan

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from tallystick.model.results import TrainingResult
    from tallystick.runs.params import TrainModel


def run(params: TrainModel, session: SparkSession | None = None) -> None:
    """Train on pinned versions, store the training rows, register, and promote past the gates. Spark is not needed."""
    context = RunContext.open(params)
    recipe, registry = context.recipe(params), Registry(context.warehouse.root)
    registry.check_source(recipe.name, context.source.name)
    plan = plan_recipe(context, recipe)
    pinned = pin_training(context, recipe, plan)
    check_audit_passed(context, recipe, pinned)
    rows = read_training(context, recipe, pinned)
    with working("training") as how_far:
        result = train_model(recipe, build_rows(context, recipe, plan, rows=rows), how_far=how_far)
    with working("registering the model"):
        stored = _store_rows(context, recipe, plan, result=result, inputs=pinned.versions)
        version = registry.register(_package(context, recipe, result, pinned=pinned, training_version=stored))
    progress(f"      {version.label}: {_describe(recipe, result)}")
    version = registry.promote(version, result.gates)
    progress(f"      {version.label} is {' and '.join(version.aliases)}")


def _describe(recipe: Recipe, result: TrainingResult) -> str:
    """The algorithm that was chosen, and how well it does on rows that it has not seen."""
    auc = result.metrics[f"auc_{recipe.split.test_rows}"]
    tested = "the newest labelled rows" if recipe.split.is_by_time else "customers held out at random"
    return f"{result.champion}, AUC {auc:.3f} on {tested}"


def _store_rows(
    context: RunContext, recipe: Recipe, plan: VectorPlan, *, result: TrainingResult, inputs: dict[str, int]
) -> int:
    """Store the rows that the model learned from; returns the version of the training table."""
    contract = training_contract(recipe, [feature.name for feature in plan.features])
    rows = pa.Table.from_pandas(result.rows, preserve_index=False).select([c.name for c in contract.columns])
    where = Slice.of_training(contract.name, context.source.name, buckets=context.source.layout.buckets)
    by = context.signed(fingerprint(recipe), inputs)
    learned = rows.cast(arrow_schema(contract.columns))
    return replace_arrow(context.warehouse, contract, learned, where=where, run=by).version


def _package(
    context: RunContext, recipe: Recipe, result: TrainingResult, *, pinned: PinnedTables, training_version: int
) -> ModelPackage:
    """What the registry keeps of the training."""
    label = context.project.labels[recipe.labels[0]]
    manifest = packaging.describe_manifest(recipe, label, result, inputs=pinned.versions, code=context.code)
    return ModelPackage(
        name=recipe.name,
        run_id=context.run_id,
        params=result.params,
        metrics=result.metrics,
        files=packaging.list_run_files(result, manifest, card=render_model_card(recipe, label, result)),
        model_file=packaging.SCORER_FILE,
        model_artifacts=result.artifacts,
        example=result.example,
        outputs=packaging.list_outputs(recipe),
        requirements=packaging.list_requirements(result),
        tags={"source": context.source.name, "training_version": str(training_version)},
        description=recipe.description,
    )
