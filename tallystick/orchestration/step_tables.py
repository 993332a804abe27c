"""Which tables a step reads and writes, from the declarations alone; knows no Airflow and no engine.

Spark's own listener cannot say it: tables are written as files, and committed apart from Spark.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tallystick.project import Project
from tallystick.project.rule_checks import list_groups
from tallystick.runs import params as runs
from tallystick.runs.fields import Params

if TYPE_CHECKING:
    from tallystick.spec.recipes import Recipe

VALIDATIONS, LOADS, LEAKAGE = "monitor.validations", "monitor.loads", "monitor.leakage"
FLAGS = ("score.fraud_decisions", "score.fraud_flags")
WATCHLIST = "score.watchlist"


@dataclass(frozen=True, kw_only=True, slots=True)
class StepTables:
    """The tables of a step as ``layer.name``, and the model of which it registers a version or which it asks."""

    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    reads_model: str = ""
    writes_model: str = ""


def tables_of(params: Params, project: Project) -> StepTables:
    """What the run with these parameters reads and writes; empty for runs that change no row.

    A table that the source does not fill is named all the same where a declaration reads it.
    """
    known = _KINDS.get(type(params))
    return known(params, project) if known else StepTables()


def _ingest(params: Any, project: Project) -> StepTables:
    return StepTables(writes=(*_filled(params, project), LOADS))


def _validate(params: Any, project: Project) -> StepTables:
    return StepTables(reads=_filled(params, project), writes=(VALIDATIONS,))


def _features(params: Any, project: Project) -> StepTables:
    recipe = project.recipes.get(params.recipe)
    groups = params.groups or (recipe.groups if recipe else ())
    observed = project.observations[params.observations or (recipe.observations if recipe else "daily")]
    read = (project.feature_groups[name].reads for name in groups)
    return StepTables(reads=_sorted(observed.tables, *read), writes=_feature_tables(groups))


def _labels(params: Any, project: Project) -> StepTables:
    recipe = project.recipes[params.recipe]
    read = (project.labels[name].tables for name in recipe.labels)
    drawn = project.observations[recipe.observations].tables
    return StepTables(reads=_sorted(drawn, *read), writes=_label_tables(recipe))


def _audit(params: Any, project: Project) -> StepTables:
    return StepTables(reads=_learned(project.recipes[params.recipe], project), writes=(LEAKAGE,))


def _train(params: Any, project: Project) -> StepTables:
    recipe = project.recipes[params.recipe]
    read = (*_learned(recipe, project), LEAKAGE)
    return StepTables(reads=read, writes=(f"training.{recipe.name}",), writes_model=recipe.name)


def _score(params: Any, project: Project) -> StepTables:
    recipe = project.recipes[params.recipe].scoring(params.observations)
    read = _sorted(_feature_tables(recipe.groups), [f"training.{recipe.name}"], _own(recipe, project))
    return StepTables(reads=read, writes=(recipe.score_table,), reads_model=recipe.name)


def _rules(params: Any, project: Project) -> StepTables:
    return StepTables(reads=_feature_tables(list_groups(project, params.observations)), writes=FLAGS)


def _watchlist(params: Any, project: Project) -> StepTables:
    declared = project.watch_lists[params.watch_list]
    return StepTables(reads=_sorted([f"score.{declared.observations}"], FLAGS), writes=(WATCHLIST,))


def _fit(params: Any, project: Project) -> StepTables:
    declared = project.segmentations[params.segmentation]
    return StepTables(reads=_feature_tables(declared.groups), writes_model=declared.name)


def _assign(params: Any, project: Project) -> StepTables:
    declared = project.segmentations[params.segmentation]
    written = (f"segment.{declared.name}",)
    return StepTables(reads=_feature_tables(declared.groups), writes=written, reads_model=declared.name)


def _report(params: Any, project: Project) -> StepTables:
    recipe = project.recipes[params.recipe]
    scored = (recipe.score_table, LEAKAGE) if recipe.label else ()
    return StepTables(reads=_sorted(scored, [LOADS, VALIDATIONS]), reads_model=recipe.name if recipe.label else "")


def _filled(params: Any, project: Project) -> tuple[str, ...]:
    return tuple(f"clean.{name}" for name in sorted(project.sources[params.source].tables))


def _learned(recipe: Recipe, project: Project) -> tuple[str, ...]:
    return _sorted(_feature_tables(recipe.groups), _label_tables(recipe), _own(recipe, project))


def _own(recipe: Recipe, project: Project) -> tuple[str, ...]:
    table = project.observations[recipe.observations].table
    return (table,) if table else ()


def _feature_tables(groups: Iterable[str]) -> tuple[str, ...]:
    return tuple(f"feature.{name}" for name in groups)


def _label_tables(recipe: Recipe) -> tuple[str, ...]:
    return tuple(f"label.{name}" for name in recipe.labels)


def _sorted(*names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({name for listed in names for name in listed}))


_KINDS: Mapping[type[Params], Callable[[Any, Project], StepTables]] = {
    runs.IngestSource: _ingest,
    runs.ValidateTables: _validate,
    runs.ComputeFeatures: _features,
    runs.BuildLabels: _labels,
    runs.AuditLeakage: _audit,
    runs.TrainModel: _train,
    runs.ScoreObservations: _score,
    runs.ApplyRules: _rules,
    runs.UpdateWatchlist: _watchlist,
    runs.FitSegments: _fit,
    runs.AssignSegments: _assign,
    runs.WriteReport: _report,
}
