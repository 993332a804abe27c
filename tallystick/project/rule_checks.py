"""Checks of rules beside the sets, features and tables that they name.

Kept apart from ``checks`` because a run makes them, too, for the rules of its own set, before it reads a byte.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tallystick.errors import DeclarationError
from tallystick.project.problems import as_problem
from tallystick.project.project import Project
from tallystick.spec.names import nearest_name
from tallystick.spec.rule_plans import PlannedRule, SetColumns, same_predicates
from tallystick.spec.rules import Rule
from tallystick.spec.sources import Problem

if TYPE_CHECKING:
    from tallystick.spec.graphs import CustomerGraph


def rule_problems(project: Project) -> Iterator[Problem]:
    """Everything that is wrong with the project's rules, with file and line."""
    by_set: dict[str, list[Rule]] = {}
    for rule in project.rules.values():
        by_set.setdefault(rule.observations, []).append(rule)
    for name, rules in by_set.items():
        if project.is_unread("features") or project.is_unread("observations"):
            continue  # whose columns nobody knows
        if name not in project.observations:
            fix = nearest_name(name, project.observations)
            for rule in rules:
                what = f"rule {rule.id} names no known observation set {name}"
                yield Problem(where=rule.at("observations"), what=what, fix=fix)
            continue
        try:
            columns = columns_of(project, name)
        except DeclarationError:
            continue  # the check of the set tells it
        # An unread contract is a problem of its own; what it hides is none beside it.
        whole = [one for one in rules if not any(project.is_unread(name) for name in (*one.needs, *one.max_age_days))]
        planned, problems = _plan(columns, whole)
        yield from problems
        yield from _told_twice(planned)


def columns_of(project: Project, observations: str) -> SetColumns:
    """What the rules of a set may read."""
    beneath = {graph.table: _tables_beneath(project, graph) for graph in project.graphs.values()}
    beneath |= {pairs.table: _tables_beneath(project, pairs.graph) for pairs in project.pairs.values()}
    groups = project.feature_groups.values()
    return SetColumns.of(project.observations[observations], groups, project.contracts, beneath=beneath)


def list_groups(project: Project, observations: str) -> list[str]:
    """The feature groups that the rules of a set read which are or were answered, in order. DeclarationError with the
    first fault.
    """
    columns = columns_of(project, observations)
    planned = [one for one in plan_set(project, observations, columns=columns) if one.rule.asked_spans]
    return sorted({columns.group_of(name) for one in planned for name in one.columns} - {""})


def plan_set(project: Project, observations: str, *, columns: SetColumns | None = None) -> list[PlannedRule]:
    """The rules of a set in the order of their ids, retired ones too; DeclarationError with the first fault.

    ``columns`` are what ``columns_of`` gives, for whoever has looked them up.
    """
    rules = [rule for rule in project.rules.values() if rule.observations == observations]
    planned, problems = _plan(columns or columns_of(project, observations), rules)
    for problem in (*problems, *_told_twice(planned)):
        raise DeclarationError(problem.what, where=problem.where, fix=problem.fix)
    return planned


def _tables_beneath(project: Project, graph: CustomerGraph) -> tuple[str, ...]:
    """The clean tables of a graph's customers and ties."""
    ties = (project.ties[name].table for name in graph.ties if name in project.ties)
    return tuple(sorted({*graph.tables, *ties}))


def _plan(columns: SetColumns, rules: list[Rule]) -> tuple[list[PlannedRule], list[Problem]]:
    planned, problems, types = [], [], columns.types
    for rule in rules:
        try:
            planned.append(columns.plan(rule, types))
        except DeclarationError as error:
            problems.append(as_problem(error))
    return planned, problems


def _told_twice(planned: list[PlannedRule]) -> Iterator[Problem]:
    for first, second in same_predicates(planned):
        what = f"rule {second.rule.id} asks the same as rule {first.rule.id}"
        yield Problem(where=second.rule.at("when"), what=what, fix=f"also at {first.rule.at('when')}")
