"""The training set as audit and training build it: one plan, one reading and one joining, so that both see the same."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from tallystick.runs.context import RunContext
from tallystick.runs.input_gate import LEAKAGE, PinnedTables, pin_clean, pin_features, pin_labels
from tallystick.spec.recipes import Recipe
from tallystick.tables import Slice, last_inputs, read_arrow
from tallystick.training.audit_findings import check_audited
from tallystick.training.data import TrainingSet, build_training_set
from tallystick.training.observed import gather_observations, own_tables
from tallystick.training.vectors import VectorPlan, plan_vectors


def plan_recipe(context: RunContext, recipe: Recipe, *, needed: Collection[str] = ()) -> VectorPlan:
    """The vectors of the recipe on this source; ``needed`` are the features that a registered model reads."""
    project = context.project
    return plan_vectors(
        recipe,
        project.feature_groups,
        project.contracts,
        observed=project.observations[recipe.observations],
        assumed=context.source.assumed_tables,
        needed=needed,
    )


def pin_training(context: RunContext, recipe: Recipe, plan: VectorPlan) -> PinnedTables:
    """All that the training set is made of, refused as the gate says; NotFound names a table that does not exist."""
    clean = pin_clean(context, own_tables(plan, exists=context.warehouse.exists), all_exist=True)
    features = pin_features(context, recipe, used=plan.columns)
    return PinnedTables({**clean.tables, **pin_labels(context, recipe).tables, **features.tables})


def check_audit_passed(context: RunContext, recipe: Recipe, pinned: PinnedTables) -> None:
    """ModelError unless the leakage audit has passed on exactly the versions that will be learned from."""
    slice_name = Slice.of_audit(LEAKAGE, context.source.name).name
    audited = last_inputs(context.warehouse.table_path(LEAKAGE), slice_name)
    findings = read_arrow(context.warehouse, LEAKAGE, filter=context.is_ours).to_pylist() if audited else []
    check_audited(findings, audited, pinned.versions, recipe=recipe.name)


def read_training(context: RunContext, recipe: Recipe, pinned: PinnedTables) -> dict[str, pa.Table]:
    """The source's rows of the pinned tables; of features and labels only those of the recipe's observations."""
    is_observed = context.is_ours & (pc.field("observations") == recipe.observations)
    wanted = {name: context.is_ours if name.startswith("clean.") else is_observed for name in pinned.tables}
    return {
        name: read_arrow(context.warehouse, name, version=version, filter=wanted[name])
        for name, version in pinned.versions.items()
    }


def build_rows(context: RunContext, recipe: Recipe, plan: VectorPlan, *, rows: Mapping[str, pa.Table]) -> TrainingSet:
    """The training set that these rows make."""
    gathered = gather_observations(plan, rows, context.contracts, source=context.source)
    return build_training_set(recipe, plan, rows, observations=gathered, zone=context.source.zone)
