"""The training set as audit and training build it: one plan, one reading and one joining, so that both see the same."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Mapping
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc

from tallystick.errors import NotFound
from tallystick.model.registry import Registry
from tallystick.runs.context import RunContext
from tallystick.runs.input_gate import LEAKAGE, PinnedTables, pin_clean, pin_features, pin_labels
from tallystick.runs.progress import progress
from tallystick.runs.run_dates import DateRange
from tallystick.spec.recipes import Recipe
from tallystick.tables import read_arrow
from tallystick.training.audit_findings import check_audited
from tallystick.training.data import TrainingSet, build_training_set, training_digest
from tallystick.training.observed import gather_observations, own_tables
from tallystick.training.vectors import VectorPlan, plan_vectors

# The tag of a model's version that says by which date all that it learned from was known.
KNOWN_BY = "known_by"


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


def pin_training(
    context: RunContext, recipe: Recipe, plan: VectorPlan, *, known_by: date | None = None
) -> PinnedTables:
    """All that the training set is made of, refused as the gate says; NotFound names a table that does not exist.

    With ``known_by`` the labels are those that were built as of that date (``pin_labels``).
    """
    clean = pin_clean(context, own_tables(plan, exists=context.warehouse.exists), all_exist=True)
    features = pin_features(context, recipe, used=plan.columns)
    labels = pin_labels(context, recipe, known_by=known_by)
    return PinnedTables({**clean.tables, **labels.tables, **features.tables})


def check_audit_passed(context: RunContext, recipe: Recipe, data: TrainingSet) -> None:
    """LeakageFound unless the leakage audit has passed on exactly the rows that will be learned from.

    Rows, not versions of tables: a load or a compaction that came since changes the one and not the other.
    """
    is_there = context.warehouse.exists(LEAKAGE)
    findings = read_arrow(context.warehouse, LEAKAGE, filter=context.is_ours).to_pylist() if is_there else []
    check_audited(findings, training_digest(data), recipe=recipe.name)


def is_learned_already(context: RunContext, recipe: Recipe, known_by: date | None) -> bool:
    """Whether the champion learned from what was known on a later date; says so. Without a date it never did.

    A night that is made up for, or a run that is cleared, would else put an older model in force.
    """
    if known_by is None:
        return False
    registry = Registry(context.warehouse.home)
    champion = None
    with contextlib.suppress(NotFound):
        champion = registry.find(recipe.name, source=context.source.name)
    learned = champion.tags.get(KNOWN_BY, "") if champion else ""
    if champion is None or learned <= known_by.isoformat():
        return False
    progress(f"      {champion.label} learned from what was known on {learned}, later than {known_by}: nothing to do")
    return True


def read_training(
    context: RunContext, recipe: Recipe, pinned: PinnedTables, *, known_by: date | None = None
) -> dict[str, pa.Table]:
    """The source's rows of the pinned tables; of features and labels only those of the recipe's observations.

    With ``known_by`` the rows that a run on that date has read: no clean row that became known later, and of sets that
    are observed at midnights no later midnight.
    """
    is_clean, is_observed = context.is_ours, context.is_ours & (pc.field("observations") == recipe.observations)
    if known_by is not None:
        is_clean &= pc.field("known_on") <= pa.scalar(known_by)
        if not context.project.observations[recipe.observations].by_event:
            _, end = DateRange(last=known_by).instants(context.source)
            is_observed &= pc.field("as_of") < pa.scalar(end)
    wanted = {name: is_clean if name.startswith("clean.") else is_observed for name in pinned.tables}
    return {
        name: read_arrow(context.warehouse, name, version=version, filter=wanted[name])
        for name, version in pinned.versions.items()
    }


def build_rows(context: RunContext, recipe: Recipe, plan: VectorPlan, *, rows: Mapping[str, pa.Table]) -> TrainingSet:
    """The training set that these rows make."""
    gathered = gather_observations(plan, rows, context.contracts, source=context.source)
    return build_training_set(recipe, plan, rows, observations=gathered, zone=context.source.zone)
