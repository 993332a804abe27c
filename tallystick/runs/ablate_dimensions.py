"""Measure what each dimension of a recipe's features is worth, and keep the table and its picture.

Takes a recipe and a source whose training set passed the leakage audit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tallystick.model.registry import Registry
from tallystick.model.studies import keep_study
from tallystick.runs.ablation_study import describe_study
from tallystick.runs.context import RunContext
from tallystick.runs.progress import progress, working
from tallystick.runs.training_set import build_rows, check_audit_passed, pin_training, plan_recipe, read_training
from tallystick.runs.write_report import save_page
from tallystick.training.ablation import measure_dimensions

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from tallystick.runs.params import AblateDimensions


def run(params: AblateDimensions, session: SparkSession | None = None) -> None:
    """Measure on pinned versions, keep the study, write the report again. Spark is not needed; no model changes."""
    context = RunContext.open(params)
    recipe = context.recipe(params)
    plan = plan_recipe(context, recipe)
    pinned = pin_training(context, recipe, plan)
    data = build_rows(context, recipe, plan, rows=read_training(context, recipe, pinned))
    check_audit_passed(context, recipe, data)
    with working("ablation") as how_far:
        result = measure_dimensions(recipe, data, algorithm=params.algorithm, how_far=how_far)
    study = describe_study(context, recipe, result, inputs=pinned.versions)
    keep_study(Registry(context.warehouse.home), study)
    progress(f"      {len(recipe.ablations)} dimensions, {result.algorithm}; report: {save_page(context, recipe)[1]}")
