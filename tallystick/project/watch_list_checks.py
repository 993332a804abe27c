"""Checks of a watch list: that what it names exists, and that its model can rank what it lists.

Kept apart from ``checks`` because a run makes them, too, for its own list, before it reads a byte.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tallystick.errors import DeclarationError
from tallystick.project.project import Project
from tallystick.spec.columns import group_columns
from tallystick.spec.names import nearest_name
from tallystick.spec.observations import Nights
from tallystick.spec.permissions import is_left_out
from tallystick.spec.sources import Problem

if TYPE_CHECKING:
    from tallystick.spec.watch_lists import WatchList


def watch_list_problems(project: Project, declared: WatchList) -> Iterator[Problem]:
    """Everything that is wrong with a watch list beside the others of the project's declarations."""
    where = declared.where_text
    recipe = project.recipes.get(declared.recipe)
    if recipe is None and not project.is_unread("recipes"):
        fix = nearest_name(declared.recipe, project.recipes)
        yield Problem(where=where, what=f"it names no known recipe {declared.recipe}", fix=fix)
    elif recipe is not None and recipe.label is None:
        what = f"recipe {recipe.name} has no label, so it has no model that ranks"
        yield Problem(where=where, what=what, fix="a recipe with a label")
    first = next((one for one in project.watch_lists.values() if one.recipe == declared.recipe), declared)
    if first.name != declared.name:
        what = f"recipe {declared.recipe} has a watch list already, {first.name} at {first.path}"
        yield Problem(where=where, what=what, fix="one list for each recipe: its rows are known by that name")
    listed = project.observations.get(declared.observations)
    if listed is None:
        if not project.is_unread("observations"):
            fix = nearest_name(declared.observations, project.observations)
            yield Problem(where=where, what=f"it names no known observation set {declared.observations}", fix=fix)
        return
    if not isinstance(listed.population, Nights):
        what = f"observations {listed.name} are of kind {listed.kind}, and a list is made night by night"
        yield Problem(where=where, what=what, fix="a set with population=Nights(...)")
    if recipe is not None and listed.name not in recipe.also_scored:
        what = f"recipe {recipe.name} does not score observations {listed.name}"
        yield Problem(where=where, what=what, fix=f"also_scored=({listed.name!r},) in the recipe")
    learned = project.observations.get(recipe.observations) if recipe is not None else None
    if learned is not None and (learned.key, learned.table) != (listed.key, listed.table):
        what = f"recipe {declared.recipe} learned from {learned.name}, which is of other rows than {listed.name}"
        yield Problem(where=where, what=what, fix=f"two sets of {learned.table} with the key {learned.key}")
    yield from _baseline_problems(project, declared)
    families = sorted({rule.family for rule in project.rules.values()})
    if declared.family not in families and not project.is_unread("rules"):
        what = f"there is no family of rules {declared.family}"
        yield Problem(where=where, what=what, fix=nearest_name(declared.family, families))
    for rule in project.rules.values():
        if rule.family == declared.family and not rule.clears_when.strip():
            what = f"rule {rule.id} is a sign of a watch list and does not say what would clear it"
            yield Problem(where=rule.at("id"), what=what, fix="clears_when: what must come to pass")


def _baseline_problems(project: Project, declared: WatchList) -> Iterator[Problem]:
    recipe = project.recipes.get(declared.recipe)
    if not declared.baseline or recipe is None or project.is_unread("features"):
        return
    groups = [project.feature_groups[name] for name in recipe.groups if name in project.feature_groups]
    names = [column.name for group in groups for column in group_columns(group)]
    if declared.baseline not in names or is_left_out(recipe, declared.baseline):
        what = f"baseline {declared.baseline} is no feature of recipe {recipe.name}"
        yield Problem(where=declared.where_text, what=what, fix=nearest_name(declared.baseline, names))


def check_watch_list(project: Project, declared: WatchList) -> None:
    """DeclarationError with the first thing that is wrong with a watch list."""
    for problem in watch_list_problems(project, declared):
        raise DeclarationError(problem.what, where=problem.where, fix=problem.fix)
