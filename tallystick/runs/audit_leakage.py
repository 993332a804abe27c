"""Audit a recipe's training set for leaks, record what was found, and stop when any check failed.

Takes a recipe and a source; reads features and labels, and the clean rows of the sampled customers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from tallystick.features import GroupWork
from tallystick.how_far import parts_of
from tallystick.runs.context import RunContext
from tallystick.runs.graph_needs import replay_graphs, replay_pairs
from tallystick.runs.input_gate import LEAKAGE
from tallystick.runs.progress import progress, working
from tallystick.runs.training_set import build_rows, is_learned_already, pin_training, plan_recipe, read_training
from tallystick.spec.fingerprint import fingerprint
from tallystick.spec.recipes import Recipe
from tallystick.tables import Slice, pin_all, read_arrow, replace_arrow
from tallystick.training import audit, audit_findings
from tallystick.training.audit_graph import check_graphs
from tallystick.training.audit_pairs import check_replayed_pairs
from tallystick.training.audit_requests import check_requests
from tallystick.training.data import TrainingSet, training_digest
from tallystick.training.vectors import VectorPlan

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from tallystick.runs.params import AuditLeakage


def run(params: AuditLeakage, session: SparkSession | None = None) -> None:
    """Audit, write the findings, and only then stop on a leak. Spark is not needed."""
    context = RunContext.open(params)
    recipe = context.recipe(params)
    plan = plan_recipe(context, recipe)
    if is_learned_already(context, recipe, params.known_by):
        return
    pinned = pin_training(context, recipe, plan, known_by=params.known_by)
    rows = read_training(context, recipe, pinned, known_by=params.known_by)
    data = build_rows(context, recipe, plan, rows=rows)
    found = _audit(context, recipe, plan, rows=rows, data=data)
    _record(context, recipe, [audit_findings.audited_rows(training_digest(data)), *found], inputs=pinned.versions)
    progress(f"      {len(found)} findings, {sum(not one.is_passed for one in found)} failed")
    audit_findings.stop_on_leak(found, recipe=recipe.name)


def _audit(
    context: RunContext, recipe: Recipe, plan: VectorPlan, *, rows: Mapping[str, pa.Table], data: TrainingSet
) -> list[audit_findings.AuditFinding]:
    zone = context.source.zone
    sample = audit.sample_observations(recipe, data)
    recomputed = _recompute(context, recipe, rows, sample=sample)
    labels = rows[f"label.{recipe.label}"]
    groups = [context.project.feature_groups[name] for name in recipe.groups]
    with working("audit") as how_far:
        of_set, of_graphs, of_pairs = parts_of(how_far, [6, 1, 1])
        found = audit.audit_training_set(recipe, data, labels, recomputed, zone=zone, how_far=of_set)
        found += check_graphs(
            replay_graphs(context, groups),
            sample,
            zone=zone,
            snapshots=recipe.audit.snapshots,
            seed=recipe.seed,
            how_far=of_graphs,
        )
        found += check_replayed_pairs(
            replay_pairs(context, groups),
            sample,
            zone=zone,
            dates=recipe.audit.snapshots,
            seed=recipe.seed,
            how_far=of_pairs,
        )
    return found + check_requests(data, plan, rows, contracts=context.contracts, sample=sample, zone=zone)


def _recompute(
    context: RunContext, recipe: Recipe, stored: Mapping[str, pa.Table], *, sample: pa.Table
) -> list[audit.Recomputed]:
    """Each group's features of the sample again, from the rows of the sampled customers as they are now."""
    zone = context.source.zone
    review = context.project.observations[recipe.observations].review_days
    groups = [context.project.feature_groups[name] for name in recipe.groups]
    works = [GroupWork.of(group, context.contracts, review_days=review) for group in groups]
    names = frozenset().union(*(work.tables for work in works))
    # One moment for all of them: a load that is published meanwhile is in all of its tables or in none.
    versions = {name: one.version for name, one in pin_all(context.warehouse, sorted(names)).items()}

    def read(table: str, wanted: pc.Expression) -> pa.Table:
        return read_arrow(context.warehouse, table, version=versions[table], filter=wanted)

    is_own = context.is_ours & pc.field("customer_id").isin(sample["customer_id"].combine_chunks())
    recomputed = []
    for work in works:
        owned = {part.plan.table for part in work.parts}
        clean = {name: read(name, is_own if name in owned else context.is_ours) for name in work.tables}
        group = audit.recomputed_group(work, stored[work.feature_table], rows=clean, zone=zone)
        recomputed.append(group)
    return recomputed


def _record(
    context: RunContext, recipe: Recipe, found: list[audit_findings.AuditFinding], *, inputs: Mapping[str, int]
) -> None:
    """Write the findings of the recipe; those of the source's other recipes stay."""
    told = audit_findings.list_findings(found, run_id=context.run_id, recipe=recipe.name, source=context.source.name)
    if context.warehouse.exists(LEAKAGE):
        before = read_arrow(context.warehouse, LEAKAGE, filter=context.is_ours)
        told = audit_findings.merge_findings(told, before, recipe=recipe.name)
    where = Slice.of_audit(LEAKAGE, context.source.name)
    by = context.signed(fingerprint(recipe), inputs)
    replace_arrow(context.warehouse, context.contracts[LEAKAGE], told, where=where, run=by)
