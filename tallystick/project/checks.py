"""Checks across the declared folders: everything that needs two files to be seen.

What lives here: ``check_project`` and its parts. What must not: checks of one file alone (its loader makes those),
reading of data.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from tallystick.errors import DeclarationError, TallystickError
from tallystick.project.contracts import contract_files
from tallystick.project.declared import place_of
from tallystick.project.expectations import expectation_columns
from tallystick.project.grammar import name_faults
from tallystick.project.places import point_at
from tallystick.project.project import Project
from tallystick.spec.sources import Problem
from tallystick.spec.tables import LAYERS, TableContract

if TYPE_CHECKING:
    from tallystick.spec.recipes import Recipe


def check_project(project: Project) -> list[Problem]:
    """Everything that is wrong across the project's files; empty when nothing is.

    A file that cannot be loaded is one problem and hides those that would need it; no error is raised.
    """
    problems: list[Problem] = []
    for check in (_twins, _names, _lineage, _suites, _groups, _observations, _recipes, _mappings):
        try:
            problems.extend(check(project))
        except DeclarationError as error:
            problem = _as_problem(error)
            if problem not in problems:
                problems.append(problem)
    return problems


def _as_problem(error: TallystickError) -> Problem:
    return Problem(where=error.where, what=error.what, fix=error.fix)


def _twins(project: Project) -> Iterator[Problem]:
    """A contract file has its expectations and the other way round; what is derived may have expectations."""
    files = contract_files(project.root)
    for name, path in files.items():
        if name not in project.expectations:
            fix = f"write expectations/{name.replace('.', '/')}.yaml"
            yield Problem(where=str(path), what=f"table {name} has no expectations", fix=fix)
    for name in project.expectations:
        if name not in project.contracts:
            fix = f"write schemas/{name.replace('.', '/')}.yaml"
            yield Problem(where=_suite_path(project, name), what=f"there is no table {name}", fix=fix)


def _names(project: Project) -> Iterator[Problem]:
    """Column names of the contract files obey the grammar; ``spec`` makes those of features and labels."""
    for name, path in contract_files(project.root).items():
        for column in project.contracts[name].columns:
            for fault in name_faults(column):
                yield Problem(where=str(path), what=fault)


def _lineage(project: Project) -> Iterator[Problem]:
    """Data flows one way: a table comes from tables of earlier layers, which exist."""
    names = set(project.contracts)
    for contract in project.contracts.values():
        where = contract.path or contract.name
        if not contract.derived_from:
            yield Problem(where=where, what=f"table {contract.name} does not say what it is derived from")
        for parent in contract.derived_from:
            layer = parent.partition(".")[0]
            if layer not in LAYERS or LAYERS.index(layer) >= LAYERS.index(contract.layer):
                yield Problem(where=where, what=f"table {contract.name} is derived from {parent}, not an earlier layer")
            elif not parent.endswith(".*") and not any(fnmatchcase(name, parent) for name in names):
                yield Problem(where=where, what=f"table {contract.name} is derived from {parent}, which does not exist")


def _suites(project: Project) -> Iterator[Problem]:
    """The columns that expectations speak of exist, and what a contract promises is expected too."""
    for name, suite in project.expectations.items():
        contract = project.contracts.get(name)
        if contract is None:
            continue
        where = _suite_path(project, name)
        known = {column.name for column in contract.columns}
        for number, expectation in enumerate(suite["expectations"], start=1):
            for column in expectation_columns(expectation):
                if column not in known:
                    yield Problem(where=f"{where}, expectation {number}", what=f"table {name} has no column {column}")
        yield from _unexpected_promises(contract, suite, where=where)


def _unexpected_promises(contract: TableContract, suite: Mapping[str, Any], *, where: str) -> Iterator[Problem]:
    """What the contract promises and the suite does not test: another writer's file would go unnoticed."""
    strict = [e for e in suite["expectations"] if "mostly" not in e["kwargs"]]
    expected = {(e["type"], tuple(expectation_columns(e))) for e in strict}
    wanted = [("expect_compound_columns_to_be_unique", contract.key)] if len(contract.key) > 1 else []
    for column in contract.file_columns:
        if column.required:
            wanted.append(("expect_column_values_to_not_be_null", (column.name,)))
        if column.values:
            wanted.append(("expect_column_values_to_be_in_set", (column.name,)))
    for kind, columns in wanted:
        if (kind, columns) not in expected:
            yield Problem(where=where, what=f"the contract promises {kind} of {', '.join(columns)}, unexpected")


def _groups(project: Project) -> Iterator[Problem]:
    """The tables and columns of feature groups and labels exist, with the types that their ops need."""
    from tallystick.spec.columns import group_columns

    for group in project.feature_groups.values():
        try:
            group_columns(group, project.contracts)
        except DeclarationError as error:
            yield _as_problem(point_at(error))
    for label in project.labels.values():
        declared = (*project.feature_declarations, *project.recipe_declarations)
        yield from _unknown_tables(project, label.tables, where=place_of(declared, label))


def _observations(project: Project) -> Iterator[Problem]:
    """The tables, keys, columns and conditions of observation sets exist and fit."""
    for declared in project.observations.values():
        try:
            declared.check(project.contracts)
        except DeclarationError as error:
            yield _as_problem(point_at(error))


def _recipes(project: Project) -> Iterator[Problem]:
    """What a recipe names exists: groups, observations, labels, columns of its request features and ablations."""
    for recipe in project.recipes.values():
        place = place_of(project.recipe_declarations, recipe)
        named: list[tuple[str, Iterable[str], Mapping[str, Any]]] = [
            ("feature group", recipe.groups, project.feature_groups),
            ("observation set", [recipe.observations], project.observations),
            ("label", recipe.labels, project.labels),
        ]
        unknown = [
            Problem(where=place, what=f"recipe {recipe.name} names no known {kind} {name}", fix=_nearest(name, known))
            for kind, names, known in named
            for name in names
            if name not in known
        ]
        yield from unknown
        if not unknown:
            yield from _recipe_columns(project, recipe, where=place)


def _recipe_columns(project: Project, recipe: Recipe, *, where: str) -> Iterator[Problem]:
    from tallystick.spec.expressions import parse_expression
    from tallystick.spec.living import tell_gone
    from tallystick.spec.recipes import REQUEST_COLUMNS

    contracts = [project.contracts[f"feature.{group}"] for group in recipe.groups]
    gone = [one for contract in contracts for one in contract.retired]
    past = {one.pattern for one in gone}
    types = {c.name: c.type for contract in contracts for c in contract.columns if c.name not in past} | REQUEST_COLUMNS
    for feature in recipe.request:
        for text in filter(None, (feature.expression, feature.per)):
            try:
                parse_expression(text, types, where=f"{where}: request feature {feature.name}")
            except DeclarationError as error:
                told = [tell_gone(word, gone) for word in re.findall(r"\w+", text)]
                yield replace(_as_problem(error), fix="; ".join(filter(None, told)) or error.fix)
    columns = [*types, *(feature.column for feature in recipe.request)]
    patterns = [(f"ablation {ablation.name}", pattern) for ablation in recipe.ablations for pattern in ablation.drop]
    for algorithm in recipe.algorithms:
        # A blend has no features of its own.
        patterns += [(f"algorithm {algorithm.name}", pattern) for pattern in getattr(algorithm, "features", ())]
    for who, pattern in patterns:
        if not any(fnmatchcase(column, pattern) for column in columns):
            what = f"{who} names {pattern}, which is no feature of {recipe.name}"
            yield Problem(where=where, what=what, fix=tell_gone(pattern, gone))


def _nearest(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"did you mean {near[0]}?" if near else f"known: {', '.join(known) or 'none'}"


def _mappings(project: Project) -> Iterator[Problem]:
    """The clean tables that sources fill, and the parents they name, exist."""
    for source in project.sources.values():
        for mapping in source.tables.values():
            tables = [f"clean.{table}" for table in (mapping.table, *mapping.parents.values())]
            yield from _unknown_tables(project, tables, where=mapping.path or source.path)


def _unknown_tables(project: Project, names: Iterable[str], *, where: str) -> Iterator[Problem]:
    for name in dict.fromkeys(names):
        if name not in project.contracts:
            yield Problem(where=where, what=f"there is no table {name}", fix="see schemas/")


def _suite_path(project: Project, name: str) -> str:
    return str(project.root / "expectations" / f"{name.replace('.', '/')}.yaml")
