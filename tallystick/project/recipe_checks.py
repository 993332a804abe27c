"""Checks of a recipe: that what it names exists, and that a source can feed it.

Kept apart from ``checks`` because a run makes them, too, for its own recipe and source, before it reads a byte.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from tallystick.errors import DeclarationError
from tallystick.project.declared import place_of
from tallystick.project.expectations import read_expectations
from tallystick.project.problems import as_problem
from tallystick.project.project import Project
from tallystick.project.sources import check_source
from tallystick.spec.columns import group_columns
from tallystick.spec.expressions import parse_condition, parse_number
from tallystick.spec.label_checks import check_label, check_label_of
from tallystick.spec.names import nearest_name
from tallystick.spec.permissions import is_left_out, permission_faults
from tallystick.spec.retirements import tell_gone
from tallystick.spec.sources import Problem

if TYPE_CHECKING:
    from tallystick.spec.recipes import Recipe, RequestFeature
    from tallystick.spec.sources import Source
    from tallystick.spec.tables import Retirement


def check_recipe_on_source(project: Project, recipe: Recipe, source: Source) -> list[Problem]:
    """What a run of ``recipe`` on ``source`` would miss, as far as declarations tell; empty when nothing.

    What the source's mappings lack, what is wrong with expectations, what the recipe names and does not exist, and what
    ``find_misfits`` says. Reads no data; each problem is told once.
    """
    problems = [
        *check_source(project.root, source.name, contracts=project.contracts, is_unread=project.is_unread),
        *read_expectations(project.root)[1],
        *recipe_problems(project, recipe),
        *find_misfits(project, recipe, source),
    ]
    return list(dict.fromkeys(problems))


def find_misfits(project: Project, recipe: Recipe, source: Source) -> Iterator[Problem]:
    """Tables that the recipe needs and the source does not fill, and a policy in another currency than its amounts."""
    place = _place(project, recipe)
    filled = {f"clean.{table}" for table in source.tables}
    for table, users in _needed(project, recipe).items():
        # Ties that a source fills no table of tie nobody, so a graph needs none in particular.
        if table not in filled and not table.startswith("graph."):
            what = f"{source.name} does not fill {table}, which recipe {recipe.name} needs for {_listed(users)}"
            fix = f"fill it: sources/{source.name}/{table.partition('.')[2]}.sql"
            yield Problem(where=place, what=what, fix=fix)
    observed = project.observations.get(recipe.observations)
    if observed is not None and observed.tables and filled.isdisjoint(observed.tables):
        # Customers are seen in any of the tables, so a source need not fill them all.
        what = f"{source.name} fills no table that observations {observed.name} are drawn from"
        yield Problem(where=place, what=what, fix=f"one of {', '.join(observed.tables)}")
    if recipe.policy is not None and source.currency and recipe.policy.currency != source.currency:
        what = (
            f"recipe {recipe.name} lends {recipe.policy.currency}, the amounts of {source.name} are {source.currency}"
        )
        yield Problem(where=place, what=what, fix="a recipe's limits are in its source's currency")


def _needed(project: Project, recipe: Recipe) -> dict[str, list[str]]:
    """The clean tables that the recipe needs, each with who needs it. What does not exist needs nothing."""
    users: list[tuple[str, Iterable[str]]] = []
    observed = project.observations.get(recipe.observations)
    if observed is not None and observed.table:
        users.append((f"observations {recipe.observations}", [observed.table]))
    users += [(f"group {n}", project.feature_groups[n].reads) for n in recipe.groups if n in project.feature_groups]
    users += [(f"label {name}", project.labels[name].tables) for name in recipe.labels if name in project.labels]
    needed: dict[str, list[str]] = {}
    for user, tables in users:
        for table in tables:
            needed.setdefault(table, []).append(user)
    return dict(sorted(needed.items()))


def _listed(words: list[str]) -> str:
    return ", ".join(words[:-1]) + (" and " if words[1:] else "") + words[-1]


def recipe_problems(project: Project, recipe: Recipe) -> Iterator[Problem]:
    """What a recipe names exists: groups, observations, labels, columns of its request features and ablations."""
    place = _place(project, recipe)
    named: list[tuple[str, str, Iterable[str], Mapping[str, Any]]] = [
        ("features", "feature group", recipe.groups, project.feature_groups),
        ("observations", "observation set", _scored(recipe), project.observations),
        ("recipes", "label", recipe.labels, project.labels),
    ]
    is_whole = True
    for folder, kind, names, known in named:
        for name in names:
            if name in known:
                continue
            is_whole = False
            if not project.is_unread(folder):
                what = f"recipe {recipe.name} names no known {kind} {name}"
                yield Problem(where=place, what=what, fix=nearest_name(name, known))
    observed = project.observations.get(recipe.observations)
    sets = [project.observations.get(name) for name in _scored(recipe)]
    for group in (project.feature_groups[name] for name in recipe.groups if name in project.feature_groups):
        for one in filter(None, sets):
            try:
                group.check_key(one.key, where=place)
            except DeclarationError as error:
                yield as_problem(error)
    read = [f"feature.{name}" for name in recipe.groups] + ([observed.table] if observed and observed.table else [])
    if is_whole and all(name in project.contracts for name in read):
        yield from _column_problems(project, recipe, where=place)
        yield from _permission_problems(project, recipe, where=place)
    if is_whole:
        yield from _label_problems(project, recipe, where=place)
    if observed is not None and observed.is_one_instant and recipe.label and recipe.split.is_by_time:
        what = f"recipe {recipe.name} splits by time, and all observations of {observed.name} have one as_of"
        yield Problem(where=place, what=what, fix='split=Split(method="random_by_customer")')


def _label_problems(project: Project, recipe: Recipe, *, where: str) -> Iterator[Problem]:
    """Each label can be told of the recipe's observations; one that is wrong on its own is told elsewhere."""
    for name in recipe.labels:
        label = project.labels[name]
        try:
            check_label(label, project.contracts)
        except DeclarationError:
            continue
        try:
            check_label_of(label, project.observations[recipe.observations], project.contracts)
        except DeclarationError as error:
            yield Problem(where=f"{where}: {error.where}", what=error.what, fix=error.fix)


def _permission_problems(project: Project, recipe: Recipe, *, where: str) -> Iterator[Problem]:
    """Features that the recipe may not use for what it decides (``spec.permissions``)."""
    groups = {name: project.feature_groups[name] for name in recipe.groups}
    columns = {name: group_columns(group, project.contracts) for name, group in groups.items()}
    observed = project.observations[recipe.observations]
    faults = permission_faults(recipe, columns, groups=groups, contracts=project.contracts, observed=observed)
    for fault in faults:
        yield replace(as_problem(fault), where=f"{where}{fault.where.removeprefix(f'recipe {recipe.name}')}")


def _column_problems(project: Project, recipe: Recipe, *, where: str) -> Iterator[Problem]:
    """Request features, ablations and algorithms name columns that the groups and the observations have."""
    contracts = [project.contracts[f"feature.{group}"] for group in recipe.groups]
    gone = [one for contract in contracts for one in contract.retired]
    past = {one.pattern for one in gone}
    keys = {name for contract in contracts for name in (*contract.key, *contract.partition_by, contract.entity)}
    every = {c.name: c.type for contract in contracts for c in contract.columns if c.name not in past | keys}
    types = {name: kind for name, kind in every.items() if not is_left_out(recipe, name)}
    of_sets = {name: project.observations[name].own_columns(project.contracts) for name in _scored(recipe)}
    for name, columns_of_set in of_sets.items():
        scored = f", scored on {name}" if name != recipe.observations else ""
        for feature in recipe.request:
            told_of = f"{where}: request feature {feature.name}{scored}"
            yield from _expression_problems(feature, types | columns_of_set, every=every, gone=gone, where=told_of)
    types |= of_sets[recipe.observations]
    columns = [*types, *(feature.column for feature in recipe.request)]
    for ablation in recipe.ablations:
        for name in ablation.groups:
            if name not in (*recipe.groups, "request"):
                what = f"ablation {ablation.name} names group {name}, which is none of {recipe.name}"
                yield Problem(where=where, what=what, fix=nearest_name(name, (*recipe.groups, "request")))
    if recipe.thin_file is not None:
        doubles = dict.fromkeys(columns, "double")
        try:
            parse_condition(recipe.thin_file.where, doubles, where=f"{where}: thin file")
        except DeclarationError as error:
            yield as_problem(error)
    patterns = [(f"ablation {ablation.name}", pattern) for ablation in recipe.ablations for pattern in ablation.drop]
    for algorithm in recipe.algorithms:
        # A blend has no features of its own.
        patterns += [(f"algorithm {algorithm.name}", pattern) for pattern in getattr(algorithm, "features", ())]
    for who, pattern in patterns:
        if not any(fnmatchcase(column, pattern) for column in columns):
            is_omitted = any(fnmatchcase(column, pattern) for column in every)
            gives = "which the recipe leaves out" if is_omitted else f"which is no feature of {recipe.name}"
            what = f"{who} names {pattern}, {gives}"
            yield Problem(where=where, what=what, fix=tell_gone(pattern, gone))


def _expression_problems(
    feature: RequestFeature,
    types: Mapping[str, str],
    *,
    every: Mapping[str, str],
    gone: Sequence[Retirement],
    where: str,
) -> Iterator[Problem]:
    """What is wrong with a request feature over these columns; ``every`` also has the features that are left out."""
    for text in filter(None, (feature.expression, feature.per)):
        try:
            parse_number(text, types, where=where)
        except DeclarationError as error:
            if every.keys() & set(error.texts[:1]):
                continue  # left out: told among what is not permitted
            told = [tell_gone(wrong, gone) for wrong in error.texts[:1]]
            yield replace(as_problem(error), fix="; ".join(filter(None, told)) or error.fix)


def _scored(recipe: Recipe) -> tuple[str, ...]:
    """The sets that its champion scores, its own first."""
    return (recipe.observations, *recipe.also_scored)


def _place(project: Project, recipe: Recipe) -> str:
    return place_of(project.recipe_declarations, recipe) or f"recipe {recipe.name}"
