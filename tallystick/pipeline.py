"""The chain of runs that one recipe needs, and how ``tally run`` walks it in one process with one Spark session.

Kept apart from the runs themselves, since Airflow submits the same chain as tasks.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tallystick.entrypoint import perform
from tallystick.errors import DeclarationError
from tallystick.runs.arguments import check_order
from tallystick.runs.fields import Params
from tallystick.runs.params import (
    ApplyRules,
    AssignSegments,
    AuditLeakage,
    BuildLabels,
    CompactEvents,
    ComputeFeatures,
    FitSegments,
    IngestSource,
    ScoreObservations,
    TrainModel,
    UpdateWatchlist,
    VacuumTables,
    ValidateTables,
    WriteReport,
)
from tallystick.runs.progress import progress, working

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from tallystick.spec.recipes import Recipe
    from tallystick.spec.segments import Segmentation
    from tallystick.spec.watch_lists import WatchList


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One run of the chain; ``title`` is for people."""

    title: str
    params: Params

    @property
    def job(self) -> str:
        """The stem of the job's file in ``jobs/``."""
        return self.params.job


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where a chain runs: the folder of the declarations and that of the tables."""

    project: Path
    warehouse: Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Dates:
    """The dates of a chain, each optional: no date is ever taken from the clock.

    ``load_date`` stamps a delivery whose folder does not name its date. ``run_date`` is the date on which the chain
    happens: a delivery that comes late is not known before it. ``first`` and ``last`` (both inclusive) bound
    the business dates of the observations; features and scores begin up to ``look_back`` days before ``first`` where an
    application has no row yet. ``cutoff`` is the last date whose outcomes a label may use. ``known_by`` is the date of
    a scheduled run: audit, training and scores see what was known on it, and labels of a later date are not replaced.
    InputError where ``first`` is after ``last``.
    """

    load_date: date | None = None
    run_date: date | None = None
    first: date | None = None
    last: date | None = None
    look_back: int = 0
    cutoff: date | None = None
    known_by: date | None = None

    def __post_init__(self) -> None:
        check_order(self.first, self.last)


def list_steps(recipe: Recipe, sources: Mapping[str, Path], *, place: Place, dates: Dates | None = None) -> list[Step]:
    """The runs from files to scores, in order, for each source in turn.

    A recipe without a label ends after its features. DeclarationError as ``check_sources`` says.
    """
    check_sources(recipe, sources)
    days = dates or Dates()
    steps = []
    for name, directory in sources.items():
        common: dict[str, Any] = {"project": place.project, "warehouse": place.warehouse, "source": name}
        ingest = IngestSource(**common, directory=directory, load_date=days.load_date, run_date=days.run_date)
        steps.append(Step(title=f"ingest {name}", params=ingest))
        steps.append(Step(title=f"validate {name}", params=ValidateTables(**common, layer="clean")))
        steps.extend(_model_steps(recipe, common, days))
    return steps


def check_sources(recipe: Recipe, sources: Iterable[str]) -> None:
    """Refuse a recipe with a label for several sources: each training would take the champion of the other away."""
    named = sorted(sources)
    if recipe.label is not None and len(named) > 1:
        what = f"recipe {recipe.name} trains one model, but {len(named)} sources are named: {', '.join(named)}"
        raise DeclarationError(what, where="sources", fix="declare a recipe for each source, and run each with its own")


def check_night(recipe: Recipe) -> None:
    """Refuse a recipe that scores nobody but its own observations where a night is to score others."""
    if not recipe.also_scored:
        what = f"recipe {recipe.name} scores nobody but its own observations"
        raise DeclarationError(what, fix='also_scored=("daily",) in the recipe')


def list_night_steps(recipe: Recipe, source: str, *, place: Place, dates: Dates | None = None) -> list[Step]:
    """The runs from stored events to the champion's scores of the other sets that the recipe names, set by set.

    Without dates, customers are scored on the date of the last load alone: a day that was scored is never scored again
    by a later champion, so what was answered on it can always be looked up.
    """
    days = dates or Dates()
    common: dict[str, Any] = {"project": place.project, "warehouse": place.warehouse, "source": source}
    between: dict[str, Any] = {"first": days.first, "last": days.last}
    steps = []
    for name in recipe.also_scored:
        features = ComputeFeatures(**common, groups=recipe.groups, observations=name, **between)
        scores = ScoreObservations(**common, recipe=recipe.name, observations=name, **between)
        steps += [Step(title=f"features of {name}", params=features), Step(title=f"score {name}", params=scores)]
    return steps


def list_watch_steps(
    declared: WatchList, recipe: Recipe, source: str, *, place: Place, dates: Dates | None = None
) -> list[Step]:
    """The runs from stored events to the watch list: features and scores of the nights, rules, the list itself.

    ``recipe`` is the list's. Name both dates, as ``settle_nights`` does: without them features are of the night of the
    last load, scores and rules of every stored night, and lists of each scored night that lacks its own.
    """
    days = dates or Dates()
    common: dict[str, Any] = {"project": place.project, "warehouse": place.warehouse, "source": source}
    between: dict[str, Any] = {"first": days.first, "last": days.last}
    scoring = replace(recipe, also_scored=(declared.observations,))
    rules = ApplyRules(**common, observations=declared.observations, **between)
    return [
        *list_night_steps(scoring, source, place=place, dates=days),
        Step(title=f"rules of {declared.observations}", params=rules),
        Step(title=declared.name, params=UpdateWatchlist(**common, watch_list=declared.name, **between)),
    ]


def list_rule_steps(
    observations: str, groups: Iterable[str], source: str, *, place: Place, dates: Dates | None = None
) -> list[Step]:
    """The runs from stored events to the flags of an observation set: the features of these groups, then its rules."""
    days = dates or Dates()
    common: dict[str, Any] = {"project": place.project, "warehouse": place.warehouse, "source": source}
    asked: dict[str, Any] = {"observations": observations, "first": days.first, "last": days.last}
    features = ComputeFeatures(**common, groups=tuple(groups), **asked)
    return [
        Step(title=f"features of {observations}", params=features),
        Step(title=f"rules of {observations}", params=ApplyRules(**common, **asked)),
    ]


def list_segment_steps(
    declared: Segmentation, source: str, *, place: Place, dates: Dates | None = None, refit: bool = False
) -> list[Step]:
    """The runs from stored events to segments at the month ends of the dates; without dates, at those that lack them.

    A model is fitted where there is none, or with ``refit``: on the last of the dates, or the newest month end.
    """
    days = dates or Dates()
    common: dict[str, Any] = {"project": place.project, "warehouse": place.warehouse, "source": source}
    of_segments = {**common, "segmentation": declared.name}
    features = ComputeFeatures(
        **common, groups=declared.groups, observations=declared.observations, first=days.first, last=days.last
    )
    return [
        Step(title=f"features of {source}", params=features),
        Step(title=f"fit {declared.name}", params=FitSegments(**of_segments, as_of=days.last, first_only=not refit)),
        Step(title=f"segments of {source}", params=AssignSegments(**of_segments, first=days.first, last=days.last)),
    ]


def list_maintenance_steps(sources: Iterable[str], *, place: Place, as_of: date) -> list[Step]:
    """The runs that keep the tables in order: compaction of each source's old loads, then one vacuum for all tables."""
    common: dict[str, Any] = {"project": place.project, "warehouse": place.warehouse}
    steps = [
        Step(title=f"compact {name}", params=CompactEvents(**common, source=name, as_of=as_of)) for name in sources
    ]
    return [*steps, Step(title="vacuum", params=VacuumTables(**common))]


def run_steps(steps: Iterable[Step], *, session: Callable[[], SparkSession], run_id: str) -> dict[str, float]:
    """Run the steps in this process; returns seconds per title. The first error ends the chain.

    ``session`` is called once, before the first step. ``run_id`` names the whole chain: each step commits under
    ``<run_id>/<title>``, so the same id again repeats nothing.
    """
    # Not at the top: a schedule that lists steps must not load what runs load.
    from tallystick.runs.context import sharing_project

    seconds: dict[str, float] = {}
    chosen = list(steps)
    with working("starting Spark"):
        spark = session()
    with sharing_project():
        for number, step in enumerate(chosen, start=1):
            progress(f"[{number}/{len(chosen)}] {step.title}")
            started = time.monotonic()
            perform(replace(step.params, run_id=f"{run_id}/{step.title}"), spark)
            seconds[step.title] = time.monotonic() - started
            progress(f"      {seconds[step.title]:.1f} s")
    return seconds


def _model_steps(recipe: Recipe, common: Mapping[str, Any], dates: Dates) -> list[Step]:
    source, whose = common["source"], {**common, "recipe": recipe.name}
    days: dict[str, Any] = {"first": dates.first, "last": dates.last, "look_back": dates.look_back}
    features = Step(title=f"features of {source}", params=ComputeFeatures(**whose, **days))
    report = Step(title="report", params=WriteReport(**whose))
    keep_newer = dates.known_by is not None
    if recipe.label is None:
        return [features, report]
    return [
        features,
        Step(title=f"labels of {source}", params=BuildLabels(**whose, cutoff=dates.cutoff, keep_newer=keep_newer)),
        Step(title=f"leakage audit of {source}", params=AuditLeakage(**whose, known_by=dates.known_by)),
        Step(title=f"train {recipe.name}", params=TrainModel(**whose, known_by=dates.known_by)),
        Step(title=f"score {source}", params=ScoreObservations(**whose, **days, known_by=dates.known_by)),
        report,
    ]
