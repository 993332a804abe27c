"""Holds a source's SQL against its views and the clean contracts, and puts its tables in the order they are mapped in.

Kept apart from ``sources``, which reads YAML: this part needs the parsed SQL of all tables of a source at once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from graphlib import CycleError, TopologicalSorter

from sqlglot import exp

from tallystick.errors import DeclarationError
from tallystick.project.places import split_place
from tallystick.spec.mapping_checks import UNREAD, Shape, check_mapping, check_view, clean_shape, query_views
from tallystick.spec.mappings import CLEAN, ParsedMapping, fill_parameters, parse_mapping, parse_query
from tallystick.spec.pseudonym_checks import IdentifierChecks
from tallystick.spec.sources import Problem, Source
from tallystick.spec.tables import TableContract

# Stands for the load date while no delivery is known; any date does, because only the SQL's form is looked at.
SOME_DATE = date(2000, 1, 1)


@dataclass(frozen=True, kw_only=True, slots=True)
class ParsedSource:
    """A source's SQL with parameters filled in. ``views`` are the derived ones, each after those it reads.

    ``tables`` come in an order in which every clean table that is looked up, or is a parent, comes first.
    """

    views: Mapping[str, exp.Expr]
    shapes: Mapping[str, Shape]
    tables: Mapping[str, ParsedMapping]


def parse_source(source: Source, contracts: Mapping[str, TableContract], load_date: date) -> ParsedSource:
    """The source's SQL for the delivery of ``load_date``; DeclarationError for the first thing that is wrong."""
    parsed, problems = _parse(source, contracts, load_date)
    if parsed is None or problems:
        first = problems[0]
        raise DeclarationError(first.what, where=first.where, fix=first.fix or f"tally source check {source.name}")
    return parsed


def find_mapping_problems(
    source: Source, contracts: Mapping[str, TableContract], *, unread: Collection[str] = ()
) -> list[Problem]:
    """Everything that the source's SQL lacks, in no order. ``unread`` are declared views that could not be read."""
    return _parse(source, contracts, SOME_DATE, unread=unread)[1]


def _parse(
    source: Source, contracts: Mapping[str, TableContract], load_date: date, *, unread: Collection[str] = ()
) -> tuple[ParsedSource | None, list[Problem]]:
    values = source.values(load_date)
    shapes = dict.fromkeys(unread, UNREAD)
    for name, file in source.files.items():
        typed = tuple(column for column, kind in file.types.items() if kind != "string" and column not in file.hashed)
        shapes[name] = Shape(columns=file.columns, key=file.key, is_text=True, typed=typed)
    views, problems = _parse_views(source, values, shapes)
    known = {}
    for table in source.tables:
        name = f"{CLEAN}.{table}"
        if name not in contracts:
            where = f"{source.tables[table].path}:1"
            clean = sorted(n.partition(".")[2] for n in contracts if n.startswith(f"{CLEAN}.") and "_rejected" not in n)
            problems.append(Problem(where=where, what=f"unknown clean table {table}", fix=f"known: {', '.join(clean)}"))
            continue
        known[table] = contracts[name]
        shapes[name] = clean_shape(contracts[name])
    tables: dict[str, ParsedMapping] = {}
    identifiers = IdentifierChecks(source=source, views=views, shapes=shapes) if source.namespaces else None
    if identifiers is not None:
        problems += [problem for view in views for problem in identifiers.view_problems(view)]
    for table, contract in known.items():
        declared = source.tables[table]
        text, unfilled = fill_parameters(declared.sql, values, where=declared.path)
        mapping, wrong = parse_mapping(table, text, declared.path)
        problems += [*unfilled, *wrong]
        if mapping is not None:
            found = check_mapping(mapping, contract, shapes, known_on=declared.known_on)
            problems += [*found, *_check_parents(source, table, known, unread=unread)]
            if identifiers is not None and not any(view.is_unread for view in shapes.values()):
                problems += identifiers.problems(mapping, contract)
            tables[table] = mapping
    ordered = _order(source, tables, problems)
    if ordered is None:
        return None, problems
    return ParsedSource(views=views, shapes=shapes, tables=ordered), problems


def _parse_views(
    source: Source, values: Mapping[str, str], shapes: dict[str, Shape]
) -> tuple[dict[str, exp.Expr], list[Problem]]:
    """The derived views in the order they are made; their shapes are added to ``shapes``."""
    problems: list[Problem] = []
    trees: dict[str, exp.Expr] = {}
    for name, view in source.views.items():
        path, line = split_place(view.where)
        text, unfilled = fill_parameters(view.sql, values, where=path)
        tree, wrong = parse_query(text, path, first_line=line)
        problems += [*unfilled, *wrong]
        shapes[name] = UNREAD
        if tree is not None:
            trees[name] = tree
    try:
        graph = {name: [view for view in query_views(tree) if view in trees] for name, tree in trees.items()}
        order = list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        problems.append(Problem(where=f"{source.path}:1", what=f"views read each other: {' < '.join(error.args[1])}"))
        return {}, problems
    for name in order:
        problems += check_view(trees[name], shapes, where=source.views[name].where)
        columns = tuple(str(column) for column in getattr(trees[name], "named_selects", ()))
        shapes[name] = Shape(columns=columns, key=source.views[name].key)
        for key in source.views[name].key:
            if key not in columns:
                problems.append(
                    Problem(where=source.views[name].where, what=f"view {name} does not select its key {key}")
                )
    return {name: trees[name] for name in order}, problems


def _check_parents(
    source: Source, table: str, known: Mapping[str, TableContract], *, unread: Collection[str]
) -> Iterator[Problem]:
    where = f"{source.path}:1"
    columns = [column.name for column in known[table].columns]
    for column, parent in source.tables[table].parents.items():
        if column not in columns:
            yield Problem(where=where, what=f"parents of {table}: it has no column {column}")
        if parent not in known and f"{CLEAN}.{parent}" not in unread:
            fix = "a parent is a clean table that this source fills"
            yield Problem(where=where, what=f"parents of {table}: unknown table {parent}", fix=fix)


def _order(
    source: Source, tables: Mapping[str, ParsedMapping], problems: list[Problem]
) -> dict[str, ParsedMapping] | None:
    graph = {}
    for table, mapping in tables.items():
        before = {*mapping.clean_tables, *source.tables[table].parents.values()}
        graph[table] = sorted(name for name in before if name in tables)
    try:
        return {table: tables[table] for table in TopologicalSorter(graph).static_order()}
    except CycleError as error:
        told = " < ".join(error.args[1])
        problems.append(Problem(where=f"{source.path}:1", what=f"tables look each other up in a circle: {told}"))
        return None
