"""Train, test and register a recipe's model, and store the rows it learned from.

Takes a recipe and a source whose training set passed the leakage audit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import partial
from typing import TYPE_CHECKING

import pyarrow as pa

from tallystick.features.planning import last_load
from tallystick.model import packaging
from tallystick.model.logged_models import ModelPackage
from tallystick.model.registry import OUTCOMES_TAG, Registry
from tallystick.report import Origin, render_model_card
from tallystick.runs.context import RunContext
from tallystick.runs.input_gate import PinnedTables, labels_known_by
from tallystick.runs.late_features import tell_late
from tallystick.runs.progress import progress, working
from tallystick.runs.run_dates import DateRange
from tallystick.runs.training_set import (
    KNOWN_BY,
    build_rows,
    check_audit_passed,
    is_learned_already,
    pin_training,
    plan_recipe,
    read_training,
)
from tallystick.spec.fingerprint import fingerprint
from tallystick.spec.model_tables import training_contract
from tallystick.spec.permissions import tell_protected
from tallystick.spec.recipes import Recipe
from tallystick.tables import Slice, arrow_schema, replace_arrow
from tallystick.training.train import train_model
from tallystick.training.vectors import VectorPlan

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from tallystick.model.results import TrainingResult
    from tallystick.runs.params import TrainModel
    from tallystick.spec.labels import Label


def run(params: TrainModel, session: SparkSession | None = None) -> None:
    """Train on pinned versions, store the training rows, register, and promote past the gates. Spark is not needed.

    With ``known_by`` a second try of the same training finds the version that the first one registered.
    """
    context = RunContext.open(params)
    recipe, registry = context.recipe(params), Registry(context.warehouse.home)
    registry.check_source(recipe.name, context.source.name)
    plan = plan_recipe(context, recipe)
    if is_learned_already(context, recipe, params.known_by):
        return
    pinned = pin_training(context, recipe, plan, known_by=params.known_by)
    # No refusal: one late row makes all days after it late, though few of the labelled observations see it.
    tell_late(context, recipe, dates=DateRange(last=params.known_by), effect="the model learns from them as they are")
    data = build_rows(context, recipe, plan, rows=read_training(context, recipe, pinned, known_by=params.known_by))
    check_audit_passed(context, recipe, data)
    with working("training") as how_far:
        result = train_model(recipe, data, how_far=how_far)
    with working("registering the model"):
        stored = _store_rows(context, recipe, plan, result=result, inputs=pinned.versions)
        version = registry.register(
            _named_by_content(
                _package(context, recipe, result, pinned=pinned, training_version=stored, known_by=params.known_by),
                known_by=params.known_by,
            )
        )
    progress(f"      {version.label}: {_describe(recipe, result)}")
    version = registry.promote(version, result.gates)
    progress(f"      {version.label} is {' and '.join(version.aliases)}")


def _named_by_content(package: ModelPackage, *, known_by: date | None) -> ModelPackage:
    """The package under an id that follows from its bytes and the date; as it is without a date.

    A scheduler tries again under another run id, also after a crash between the registration and the end of the task.
    The registry gives a package of the same id the version that it has.
    """
    if known_by is None:
        return package
    made = hashlib.sha256(package.model_file.read_bytes())
    for name, content in sorted(package.model_artifacts.items()):
        made.update(f"|{name}|{len(content)}|".encode())
        made.update(content)
    made.update(f"|{'|'.join(package.requirements)}|{'|'.join(map(str, package.example.columns))}".encode())
    name = f"{package.tags['source']}/{known_by}/{made.hexdigest()}"
    tags = {**package.tags, KNOWN_BY: known_by.isoformat(), "tallystick.job_run": package.run_id}
    return replace(package, run_id=name, tags=tags)


def _describe(recipe: Recipe, result: TrainingResult) -> str:
    """The algorithm that was chosen, and how well it does on rows that it has not seen."""
    auc = result.metrics[f"auc_{recipe.split.test_rows}"]
    tested = "the newest labelled rows" if recipe.split.is_by_time else "customers held out at random"
    return f"{result.chosen}, AUC {auc:.3f} on {tested}"


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


def _render_card(
    recipe: Recipe, label: Label, result: TrainingResult, version: str, *, origin: Callable[..., Origin]
) -> str:
    """The card of a version that was registered just now."""
    made = origin(version=version, registered_on=datetime.now(UTC).date())
    return render_model_card(recipe, label, result, origin=made)


def _tell_origin(
    context: RunContext, recipe: Recipe, pinned: PinnedTables, known_by: date | None
) -> Callable[..., Origin]:
    """What a card says of where the model comes from, but for its version."""
    project, source = context.project, context.source
    return partial(
        Origin,
        tables=pinned.versions,
        source=f"{source.title} ({source.name})",
        data_as_of=known_by or last_load(pinned.all_files),
        code=context.code,
        protected=tell_protected([project.feature_groups[name] for name in recipe.groups], project.contracts),
    )


def _outcomes_known_by(context: RunContext, recipe: Recipe, pinned: PinnedTables, known_by: date | None) -> date:
    """The date as of which the labels were built that the model learns from; the last load's where none say theirs.

    ``date.max`` where nothing says a date: whoever asks whether the model had hindsight then hears that it had.
    """
    if known_by is not None:
        return known_by
    told = [day for name in recipe.labels if (day := labels_known_by(context, recipe, name)) is not None]
    return max(told, default=None) or last_load(pinned.all_files) or date.max


def _package(
    context: RunContext,
    recipe: Recipe,
    result: TrainingResult,
    *,
    pinned: PinnedTables,
    training_version: int,
    known_by: date | None,
) -> ModelPackage:
    """What the registry keeps of the training."""
    origin = _tell_origin(context, recipe, pinned, known_by)
    label = context.project.labels[recipe.labels[0]]
    manifest = packaging.describe_manifest(recipe, label, result, inputs=pinned.versions, code=context.code)
    return ModelPackage(
        name=recipe.name,
        run_id=context.run_id,
        params=result.params,
        metrics=result.metrics,
        files=packaging.list_run_files(result, manifest),
        model_file=packaging.SCORER_FILE,
        model_artifacts=result.artifacts,
        example=result.example,
        outputs=packaging.list_outputs(recipe),
        requirements=packaging.list_requirements(result),
        gates=result.gates,
        card=partial(_render_card, recipe, label, result, origin=origin),
        tags={
            "source": context.source.name,
            "training_version": str(training_version),
            OUTCOMES_TAG: _outcomes_known_by(context, recipe, pinned, known_by).isoformat(),
        },
        description=recipe.description,
    )
