"""The declarations that a deployment names, found and checked on its sources; knows no Airflow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeVar

from tallystick.errors import DeclarationError
from tallystick.orchestration.deployment import Deployment
from tallystick.pipeline import check_night, check_sources
from tallystick.project import load_project
from tallystick.project.recipe_checks import check_recipe_on_source
from tallystick.project.rule_checks import list_groups
from tallystick.project.segment_checks import check_segmentation
from tallystick.project.watch_list_checks import check_watch_list

if TYPE_CHECKING:
    from tallystick.spec.recipes import Recipe
    from tallystick.spec.segments import Segmentation
    from tallystick.spec.watch_lists import WatchList

Declared = TypeVar("Declared")


def load_recipe(deployment: Deployment) -> Recipe:
    """The recipe that the deployment runs.

    DeclarationError when it or a source is unknown, when it cannot serve all sources, and when it would miss something
    on one of them: then the DAG shows all of it as an import error, long before a night fails.
    """
    return _load_recipe(deployment, deployment.recipe, where="TALLYSTICK_RECIPE")


def load_returning(deployment: Deployment) -> Recipe:
    """The recipe that scores all customers each night; DeclarationError as ``load_recipe``, and when it scores none."""
    recipe = _load_recipe(deployment, deployment.returning, where="TALLYSTICK_RETURNING")
    check_night(recipe)
    return recipe


def load_watch_list(deployment: Deployment) -> tuple[WatchList, Recipe]:
    """The watch list of each night and its recipe; DeclarationError as ``load_recipe``, and when the list is wrong."""
    project, where = load_project(deployment.project), "TALLYSTICK_WATCH_LIST"
    declared = _find(deployment.watch_list, project.watch_lists, what="watch list", where=where)
    check_watch_list(project, declared)
    return declared, _load_recipe(deployment, declared.recipe, where=where)


def load_rule_groups(deployment: Deployment) -> dict[str, list[str]]:
    """The feature groups that the rules of each named set read; DeclarationError for an unknown set or a wrong rule."""
    project, where = load_project(deployment.project), "TALLYSTICK_RULES"
    for name in deployment.rule_sets:
        _find(name, project.observations, what="observation set", where=where)
    return {name: list_groups(project, name) for name in deployment.rule_sets}


def load_segmentation(deployment: Deployment) -> Segmentation:
    """The segmentation of each month.

    DeclarationError when it is unknown or wrong, and when several sources would share its model.
    """
    project, where = load_project(deployment.project), "TALLYSTICK_SEGMENTATION"
    declared = _find(deployment.segmentation, project.segmentations, what="segmentation", where=where)
    check_segmentation(project, declared)
    if len(deployment.sources) > 1:
        what = f"segmentation {declared.name} has one model, but {len(deployment.sources)} sources are named"
        raise DeclarationError(what, where="TALLYSTICK_SOURCES", fix="declare a segmentation for each source")
    return declared


def _load_recipe(deployment: Deployment, named: str, *, where: str) -> Recipe:
    project = load_project(deployment.project)
    recipe = _find(named, project.recipes, what="recipe", where=where)
    check_sources(recipe, deployment.sources)
    for name in deployment.sources:
        source = _find(name, project.sources, what="source", where="TALLYSTICK_SOURCES")
        if problems := check_recipe_on_source(project, recipe, source):
            what = f"recipe {recipe.name} cannot run on {name}: {'; '.join(map(str, problems))}"
            raise DeclarationError(what, fix=f"tally source check {name} --recipe {recipe.name}")
    return recipe


def _find(name: str, known: Mapping[str, Declared], *, what: str, where: str) -> Declared:
    if name not in known:
        raise DeclarationError(f"no {what} {name}", where=where, fix=f"one of {', '.join(sorted(known))}")
    return known[name]
