"""Checks of a segmentation: that what it names exists, and that it may use it.

Kept apart from ``checks`` because a run makes them, too, for its own segmentation, before it reads a byte.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tallystick.errors import DeclarationError
from tallystick.project.project import Project
from tallystick.spec.columns import group_columns
from tallystick.spec.names import nearest_name
from tallystick.spec.permissions import protected_sources
from tallystick.spec.sources import Problem
from tallystick.spec.uses import split_uses

if TYPE_CHECKING:
    from tallystick.spec.bases import FeatureColumn
    from tallystick.spec.features import FeatureGroup
    from tallystick.spec.segments import Segmentation


def segmentation_problems(project: Project, declared: Segmentation) -> Iterator[Problem]:
    """Everything that is wrong with a segmentation beside the others of the project's declarations."""
    where = declared.where_text
    if declared.name in project.recipes:
        what = "a recipe has the same name, so their models would be versions of one another"
        yield Problem(where=where, what=what, fix="give one of them another name")
    if declared.table not in project.expectations and not project.is_unread(declared.table):
        fix = f"write expectations/{declared.table.replace('.', '/')}.yaml"
        yield Problem(where=where, what=f"table {declared.table} has no expectations", fix=fix)
    observed = project.observations.get(declared.observations)
    if observed is None and not project.is_unread("observations"):
        fix = nearest_name(declared.observations, project.observations)
        yield Problem(where=where, what=f"it names no known observation set {declared.observations}", fix=fix)
    elif observed is not None and not observed.by_customer:
        what = f"observations {observed.name} have the key {observed.key}, and segments are of customers"
        yield Problem(where=where, what=what, fix="a set with key='customer_id'")
    group = project.feature_groups.get(declared.group)
    if group is not None:
        yield from _column_problems(project, declared, group)
    elif not project.is_unread("features"):
        fix = nearest_name(declared.group, project.feature_groups)
        yield Problem(where=where, what=f"it names no known feature group {declared.group}", fix=fix)


def check_segmentation(project: Project, declared: Segmentation) -> None:
    """DeclarationError with the first thing that is wrong with a segmentation."""
    for problem in segmentation_problems(project, declared):
        raise DeclarationError(problem.what, where=problem.where, fix=problem.fix)


def _column_problems(project: Project, declared: Segmentation, group: FeatureGroup) -> Iterator[Problem]:
    """The columns exist, are permitted for every use of the segments, and tell nothing that is protected."""
    where = declared.where_text
    try:
        known = {column.name: column for column in group_columns(group, project.contracts)}
    except DeclarationError:
        return  # the check of the group tells it
    for name in declared.columns:
        if name not in known:
            yield Problem(where=where, what=f"group {group.name} has no feature {name}", fix=nearest_name(name, known))
        else:
            yield from _permission_problems(project, declared, group, known[name])


def _permission_problems(
    project: Project, declared: Segmentation, group: FeatureGroup, column: FeatureColumn
) -> Iterator[Problem]:
    where = declared.where_text
    permitted = split_uses(column.permitted_use) if column.permitted_use else ()
    lacking = [use for use in split_uses(declared.permitted_use) if use not in permitted]
    if lacking:
        told = column.permitted_use or "no use"
        what = f"{column.name} is permitted for {told}, not for {' and '.join(lacking)}"
        yield Problem(where=where, what=what, fix=f"use another column, or have its owner, {column.owner}, permit it")
    if sources := protected_sources(group, column, project.contracts):
        what = f"{column.name} is made of {' and '.join(sources)}, which is protected"
        yield Problem(where=where, what=what, fix="segments are made of spending alone")
    elif column.pii == "sensitive":
        what = f"{column.name} is of PII class sensitive"
        yield Problem(where=where, what=what, fix="segments are made of spending alone")
