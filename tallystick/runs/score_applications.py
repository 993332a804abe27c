"""Score every application of a source with the recipe's champion, bucket by bucket, and replace the recipe's rows.

Takes a recipe, a source and optionally the first and last business date; reads applications and features at pinned
versions, and the training table at the version that the champion learned from.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from tallystick.features import list_bucket_tasks
from tallystick.features.ledger import Definition, Ledger, check_definitions
from tallystick.model.registry import Registry, load_local
from tallystick.observations import ExpectedRows, ObservationSpec, backfill_start
from tallystick.observations.dates import date_bounds
from tallystick.project import load_project
from tallystick.runs.code_version import code_version
from tallystick.runs.progress import progress
from tallystick.scoring import ScoreWork, score_buckets
from tallystick.spec.fingerprint import fingerprint
from tallystick.spec.model_tables import training_contract
from tallystick.tables import (
    BucketStore,
    Run,
    Slice,
    Warehouse,
    aligned,
    check_layout,
    ensure_table,
    pin,
    read_arrow,
    replace_files,
)
from tallystick.tables.store.small import SmallTables
from tallystick.training.observed import needs_own_table, score_spec
from tallystick.training.vectors import check_model_inputs, plan_vectors

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from tallystick.runs.params import ScoreApplications


def run(params: ScoreApplications, session: SparkSession) -> None:
    """Score in one Spark job and commit once."""
    project, warehouse = load_project(params.project), Warehouse(params.warehouse)
    recipe, source = project.recipes[params.recipe], project.sources[params.source]
    registry = Registry(warehouse.root)
    model = registry.find(recipe.name, source=source.name)
    declared, needed = (project.feature_groups, project.contracts), registry.inputs(model)
    observations = project.observations[recipe.observations]
    vectors = plan_vectors(recipe, *declared, observed=observations, assumed=source.assumed_tables, needed=needed)
    check_model_inputs(vectors, needed, model=model.label)
    learned = training_contract(recipe, [feature.name for feature in vectors.features])
    observed = {"observations": recipe.observations, "source": source.name}
    pinned = {f"feature.{name}": pin(warehouse, f"feature.{name}").where(**observed) for name in recipe.groups}
    ledger = Ledger(tables=SmallTables(warehouse=warehouse, contracts=project.contracts), **observed)
    defined = [
        Definition.of(project.feature_groups[name], project.contracts, observations=observations)
        for name in recipe.groups
    ]
    held = {name: pinned[f"feature.{name}"].rows for name in recipe.groups}
    if needs_own_table(vectors):
        pinned[observations.table] = pin(warehouse, observations.table).where(source=source.name)
    read = partial(read_arrow, warehouse)
    first = params.first
    if observations.by_event:
        spec = ObservationSpec.of(observations, project.contracts)
        expected = ExpectedRows.in_scores(spec, recipe.score_table, recipe=recipe.name)
        first = backfill_start(read, expected, source=source, first=first, days=params.look_back)
    check_definitions(ledger, defined, used=vectors.columns, rows=held, first=first, last=params.last)
    seen = int(model.tags["training_version"])
    check_layout(warehouse, pinned.values(), project.contracts, source=source)
    seen_rows = pin(warehouse, learned.name, version=seen).where(source=source.name)
    pinned[learned.name] = aligned(warehouse, seen_rows, source=source.name, buckets=source.layout.buckets)
    tasks = list_bucket_tasks(source, {name: p.files for name, p in pinned.items()})
    low, high = date_bounds(source, first=first, last=params.last)
    work = ScoreWork(
        recipe=recipe.name,
        observed=score_spec(vectors, project.contracts, first=first, last=params.last),
        table=recipe.score_table,
        vectors=vectors,
        zone=source.zone,
        load_model=partial(load_local, str(registry.fetch_model(model))),
        model_version=model.label,
        currency=recipe.policy.currency if recipe.policy else "",
        training_table=learned.name,
        low=low,
        high=high,
    )
    table = project.contracts[recipe.score_table]
    contracts = {name: project.contracts[name] for name in (*pinned, table.name) if name != learned.name}
    store = BucketStore(warehouse=warehouse, contracts={**contracts, learned.name: learned})
    files = score_buckets(session, tasks, work, storage=store)
    owned = {"recipe": recipe.name, "source": source.name}
    bounded, buckets = "as_of" if low or high else "", source.layout.buckets
    where = Slice(f"{table.name}/{recipe.name}/{source.name}", owned, bounded, low, high, buckets)
    inputs = {name: p.version for name, p in pinned.items()}
    by = Run(params.run_id, "score_applications", code_version(project.root), fingerprint(recipe), inputs)
    ensure_table(warehouse, table)
    commit = replace_files(warehouse, table, files, where=where, run=by)
    progress(f"      {table.name}: {commit.rows} observations scored by {model.label}")
