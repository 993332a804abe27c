"""Audit a recipe's training set for leaks, record what was found, and stop when any check failed.

Takes a recipe and a source; reads features and labels, and the clean rows of the sampled customers.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pyarrow.compute as pc

from tallystick.features import GroupWork
from tallystick.features.ledger import Definition, Ledger, check_definitions
from tallystick.project import load_project
from tallystick.runs.code_version import code_version
from tallystick.runs.progress import progress
from tallystick.spec.fingerprint import fingerprint
from tallystick.tables import Run, Slice, Warehouse, pin, read_arrow, replace_arrow
from tallystick.tables.store.small import SmallTables
from tallystick.training import audit, findings
from tallystick.training.audit_requests import check_requests
from tallystick.training.data import build_training_set
from tallystick.training.observed import clean_tables, gather_observations
from tallystick.training.vectors import plan_vectors

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from tallystick.runs.params import AuditLeakage

FINDINGS = "monitor.leakage"


def run(params: AuditLeakage, session: SparkSession | None) -> None:
    """Audit, write the findings, and only then stop on a leak. Spark is not needed."""
    project, warehouse = load_project(params.project), Warehouse(params.warehouse)
    recipe, source = project.recipes[params.recipe], project.sources[params.source]
    works = [GroupWork.of(project.feature_groups[name], project.contracts) for name in recipe.groups]
    observations = project.observations[recipe.observations]
    declared = (project.feature_groups, project.contracts)
    plan = plan_vectors(recipe, *declared, observed=observations, assumed=source.assumed_tables)
    tables = [*clean_tables(plan, source), *(f"label.{name}" for name in recipe.labels)]
    pinned = {name: pin(warehouse, name).version for name in [*tables, *(work.feature_table for work in works)]}
    ours = pc.field("source") == source.name
    observed = ours & (pc.field("observations") == recipe.observations)
    read = partial(read_arrow, warehouse)
    rows = {name: read(name, version=pinned[name], filter=ours) for name in tables}
    rows |= {w.feature_table: read(w.feature_table, version=pinned[w.feature_table], filter=observed) for w in works}
    small = SmallTables(warehouse=warehouse, contracts=project.contracts)
    ledger = Ledger(tables=small, source=source.name, observations=recipe.observations)
    defined = [
        Definition.of(project.feature_groups[name], project.contracts, observations=observations)
        for name in recipe.groups
    ]
    held = {name: rows[f"feature.{name}"].num_rows for name in recipe.groups}
    check_definitions(ledger, defined, used=plan.columns, rows=held)
    gathered = gather_observations(plan, rows, project.contracts, source=source)
    data = build_training_set(recipe, plan, rows, observations=gathered, zone=source.zone)
    sample = audit.sample_observations(recipe, data)
    own = ours & pc.field("customer_id").isin(sample["customer_id"].combine_chunks())
    recomputed = []
    for work in works:
        events = read(work.plan.table, filter=own)
        looked_up = {lookup.table: read(lookup.table, filter=ours) for lookup in work.lookups}
        stored = rows[work.feature_table]
        recomputed.append(audit.recomputed_group(work, stored, events=events, dimensions=looked_up, zone=source.zone))
    found = audit.audit_training_set(recipe, data, rows[f"label.{recipe.label}"], recomputed, zone=source.zone)
    found += check_requests(data, plan, rows, contracts=project.contracts, sample=sample, zone=source.zone)
    told = findings.list_findings(found, run_id=params.run_id, recipe=recipe.name, source=source.name)
    if warehouse.exists(FINDINGS):
        told = findings.merge_findings(told, read(FINDINGS, filter=ours), recipe=recipe.name)
    by = Run(params.run_id, "audit_leakage", code_version(project.root), fingerprint(recipe), pinned)
    where = Slice(f"{FINDINGS}/{source.name}", {"source": source.name})
    replace_arrow(warehouse, project.contracts[FINDINGS], told, where=where, run=by)
    progress(f"      {len(found)} findings, {sum(not f.is_passed for f in found)} failed")
    findings.stop_on_leak(found, recipe=recipe.name)
