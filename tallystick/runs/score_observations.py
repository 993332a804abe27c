"""Score the observations of a recipe's set with its champion, bucket by bucket, and replace the recipe's rows.

Takes a recipe, a source and optionally the first and last business date; reads the set's table and its features at
pinned versions, and the training table at the version that the champion learned from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from tallystick.errors import ModelError
from tallystick.features import list_bucket_tasks
from tallystick.model.logged_models import load_local
from tallystick.model.registry import ModelVersion, Registry
from tallystick.observations import ExpectedRows, ObservationSpec, backfill_start
from tallystick.runs.context import RunContext
from tallystick.runs.input_gate import PinnedTables, pin_clean, pin_features
from tallystick.runs.late_features import refuse_late
from tallystick.runs.loaded_nights import loaded_until
from tallystick.runs.progress import progress, working
from tallystick.runs.run_dates import DateRange
from tallystick.runs.training_set import plan_recipe
from tallystick.scoring import ScoreWork, score_buckets
from tallystick.spec.fingerprint import fingerprint
from tallystick.spec.model_tables import training_contract
from tallystick.spec.observations import Customers
from tallystick.spec.populations import Nights
from tallystick.spec.recipes import Recipe
from tallystick.spec.tables import TableContract
from tallystick.tables import Commit, DataFile, Run, Slice, aligned, ensure_table, pin, read_arrow, replace_files
from tallystick.training.observed import needs_own_table, score_spec
from tallystick.training.vectors import VectorPlan, check_model_inputs

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from tallystick.runs.params import ScoreObservations


_DAY = timedelta(days=1)


def run(params: ScoreObservations, session: SparkSession) -> None:
    """Score in one Spark job and commit once."""
    context = RunContext.open(params)
    recipe = context.recipe(params).scoring(params.observations)
    champion = _Champion.find(context, recipe)
    dates = _settle_dates(params, context, recipe)
    if not params.again:
        champion.refuse_to_replace(context, recipe, dates)
    champion.tell_hindsight(context, recipe, dates)
    pinned = _pin(context, recipe, champion, dates=dates)
    declared = [name for name in (*pinned.tables, recipe.score_table) if name != champion.learned.name]
    storage = context.storage(declared, **{champion.learned.name: champion.learned})
    with working("scores") as how_far:
        files = score_buckets(
            session,
            list_bucket_tasks(context.source, pinned.files),
            champion.work(context, recipe, dates, known_by=params.known_by),
            storage=storage,
            how_far=how_far,
        )
    commit = _store(context, recipe, files, dates=dates, run=champion.signed(context, recipe, pinned))
    progress(f"      {recipe.score_table}: {commit.rows} observations scored by {champion.version.label}")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Champion:
    """The model in force: the vectors it reads, the contract of what it learned from, and its files."""

    version: ModelVersion
    plan: VectorPlan
    learned: TableContract
    registry: Registry

    @classmethod
    def find(cls, context: RunContext, recipe: Recipe) -> _Champion:
        """The recipe's champion; ModelError when it learned from another source or reads what is not declared."""
        registry = Registry(context.warehouse.home)
        version = registry.find(recipe.name, source=context.source.name)
        needed = registry.inputs(version)
        plan = plan_recipe(context, recipe, needed=needed)
        check_model_inputs(plan, needed, model=version.label)
        learned = training_contract(recipe, [feature.name for feature in plan.features])
        return cls(version=version, plan=plan, learned=learned, registry=registry)

    def refuse_to_replace(self, context: RunContext, recipe: Recipe, dates: DateRange) -> None:
        """ModelError where another version has scored these dates of a set that is not the recipe's own.

        Those scores were answers to customers: what was said on a day stays as it was said.
        """
        if not self._is_other_set(context, recipe) or not context.warehouse.exists(recipe.score_table):
            return
        low, high = dates.instants(context.source)
        stored = context.is_ours & (pc.field("recipe") == recipe.name)
        stored = stored if low is None else stored & (pc.field("as_of") >= pa.scalar(low))
        stored = stored if high is None else stored & (pc.field("as_of") < pa.scalar(high))
        rows = read_arrow(context.warehouse, recipe.score_table, columns=["model_version"], filter=stored)
        others = sorted(set(rows["model_version"].unique().to_pylist()) - {self.version.label})
        if others:
            what = f"{', '.join(others)} has scored these dates, and {self.version.label} would replace what was said"
            raise ModelError(
                what, where=recipe.score_table, fix="name other dates, or say jobs/score_observations.py --again"
            )

    def tell_hindsight(self, context: RunContext, recipe: Recipe, dates: DateRange) -> None:
        """A warning where nights are scored on dates before that of the outcomes that the model learned from.

        Nobody could have said these scores then, so they are no evidence of how well the model warns.
        """
        learned = self.version.outcomes_known_by
        if learned is None or not self._is_other_set(context, recipe):
            return
        stored = _stored_dates(context, recipe)
        if stored is None:
            return
        first, last = max(dates.first or stored[0], stored[0]), min(dates.last or stored[1], stored[1], learned - _DAY)
        if first > last:
            return
        progress(
            f"WARNING {recipe.score_table}: {self.version.label} learned from outcomes known on {learned}, so its "
            f"scores of {first} to {last} are hindsight: they show how it works, not how well it would have warned"
        )

    def signed(self, context: RunContext, recipe: Recipe, pinned: PinnedTables) -> Run:
        """Who writes the scores, and by when the outcomes were known that the model learned from, for answers."""
        learned = self.version.outcomes_known_by
        run = context.signed(fingerprint(recipe), pinned.versions)
        return replace(run, outcomes_known_by=learned.isoformat() if learned else "")

    @staticmethod
    def _is_other_set(context: RunContext, recipe: Recipe) -> bool:
        return recipe.observations != context.project.recipes[recipe.name].observations

    def work(self, context: RunContext, recipe: Recipe, dates: DateRange, *, known_by: date | None) -> ScoreWork:
        """What every task needs; the model's files are fetched to where tasks find them."""
        low, high = dates.instants(context.source)
        # Another set has other ids: a customer at an instant that the model saw is told by these two.
        seen_by = "customer_id" if self._is_other_set(context, recipe) else "observation_id"
        return ScoreWork(
            recipe=recipe.name,
            observed=score_spec(
                self.plan, context.contracts, first=dates.first, last=dates.last, with_known_on=known_by is not None
            ),
            table=recipe.score_table,
            vectors=self.plan,
            zone=context.source.zone,
            load_model=partial(load_local, str(self.registry.fetch_model(self.version))),
            model_version=self.version.label,
            currency=recipe.policy.currency if recipe.policy else "",
            training_table=self.learned.name,
            seen_by=seen_by,
            low=low,
            high=high,
            known_by=known_by,
        )


def _settle_dates(params: ScoreObservations, context: RunContext, recipe: Recipe) -> DateRange:
    """The dates that were asked for, begun earlier where an event has no score, up to the last one reviewed.

    Customers day by day, and loans night by night, are scored on the newest stored date unless dates are named: what
    the champion of an earlier day said of it stays as it was said.
    """
    observations = context.project.observations[recipe.observations]
    is_nightly = observations.kind in (Customers.kind, Nights.kind)
    if is_nightly and params.first is None and params.last is None:
        stored = _stored_dates(context, recipe)
        return DateRange(stored[1], stored[1]) if stored else DateRange()
    if not observations.by_event:
        return DateRange(params.first, params.last)
    expected = ExpectedRows.in_scores(
        ObservationSpec.of(observations, context.contracts), recipe.score_table, recipe=recipe.name
    )
    read = partial(read_arrow, context.warehouse)
    first = backfill_start(read, expected, source=context.source, first=params.first, days=params.look_back)
    files = pin_clean(context, [observations.table]).all_files if observations.review_days else ()
    reviewed = observations.last_reviewed(loaded_until(context, files))
    return DateRange(first, min(params.last or reviewed, reviewed) if reviewed else params.last)


def _stored_dates(context: RunContext, recipe: Recipe) -> tuple[date, date] | None:
    """The first and the last business date with features of the recipe's set; None when there is none."""
    owned = {"observations": recipe.observations, "source": context.source.name}
    files = pin(context.warehouse, f"feature.{recipe.groups[0]}").where(**owned).files
    edges = [edge for file in files for edge in file.bounds.get("as_of", ()) if isinstance(edge, datetime)]
    zone = ZoneInfo(context.source.zone)
    return (min(edges).astimezone(zone).date(), max(edges).astimezone(zone).date()) if edges else None


def _pin(context: RunContext, recipe: Recipe, champion: _Champion, *, dates: DateRange) -> PinnedTables:
    """The set's own table and the features as they are now, and what the champion learned from as it was then."""
    own = [champion.plan.observed.table] if needs_own_table(champion.plan) else []
    clean = pin_clean(context, own, all_exist=True)
    features = pin_features(context, recipe, used=champion.plan.columns, dates=dates)
    refuse_late(context, recipe, dates=dates)
    source, name = context.source, champion.learned.name
    seen = pin(context.warehouse, name, version=int(champion.version.tags["training_version"]))
    placed = aligned(
        context.warehouse, seen.where(source=source.name), source=source.name, buckets=source.layout.buckets
    )
    return PinnedTables({**features.tables, **clean.tables, name: placed})


def _store(context: RunContext, recipe: Recipe, files: Sequence[DataFile], *, dates: DateRange, run: Run) -> Commit:
    source, table = context.source, context.contracts[recipe.score_table]
    between, buckets = dates.instants(source), source.layout.buckets
    where = Slice.of_scores(table.name, source.name, recipe.name, between=between, buckets=buckets)
    ensure_table(context.warehouse, table)
    return replace_files(context.warehouse, table, files, where=where, run=run)
