"""Checks across the declared folders: everything that needs two files to be seen.

Kept apart from the readers, which check one file each. What a recipe needs, alone and of a source, is in
``recipe_checks``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tallystick.errors import DeclarationError
from tallystick.project.declared import place_of
from tallystick.project.expectations import expectation_columns
from tallystick.project.files import find_declarations
from tallystick.project.grammar import name_faults
from tallystick.project.partial import PartialProject
from tallystick.project.places import point_at
from tallystick.project.problems import Problems, as_problem
from tallystick.project.project import Project
from tallystick.project.recipe_checks import recipe_problems
from tallystick.project.rule_checks import rule_problems
from tallystick.project.segment_checks import segmentation_problems
from tallystick.project.sources import check_source, source_names
from tallystick.project.ties import tie_problems
from tallystick.project.watch_list_checks import watch_list_problems
from tallystick.spec.checks import group_faults
from tallystick.spec.clean_tables import clean_faults
from tallystick.spec.columns import group_columns
from tallystick.spec.graph_pairs import check_pairs
from tallystick.spec.graphs import check_graph, graph_tables
from tallystick.spec.sources import Problem
from tallystick.spec.tables import LAYERS, TableContract


def check_project(project: Project) -> list[Problem]:
    """Everything that is wrong in the project's declarations, each once; empty when nothing is. No error is raised.

    A file that cannot be read is told and then left out: whoever names something of it is not told, too.
    """
    parts = PartialProject(root=project.root)
    parts.read()
    problems = Problems(parts.problems)
    for check in CHECKS:
        for problem in check(parts):
            if problem not in problems:
                problems.append(problem)
    return problems


def _twins(project: Project) -> Iterator[Problem]:
    """A contract file has its expectations and the other way round; what is derived may have expectations."""
    contracts, suites = (
        find_declarations(project.root / name, layers=LAYERS)[0] for name in ("schemas", "expectations")
    )
    for name, path in contracts.items():
        if name not in suites:
            fix = f"write expectations/{name.replace('.', '/')}.yaml"
            yield Problem(where=str(path), what=f"table {name} has no expectations", fix=fix)
    for name, path in suites.items():
        if name not in project.contracts and not project.is_unread(name) and not _is_derived(project, name):
            fix = f"write schemas/{name.replace('.', '/')}.yaml"
            yield Problem(where=str(path), what=f"there is no table {name}", fix=fix)


def _is_derived(project: Project, name: str) -> bool:
    """Whether the table may be one of a group, label or recipe in a file that could not be read."""
    folders = {"feature": ["features"], "label": ["features", "recipes"], "segment": ["recipes"]}.get(
        name.partition(".")[0], []
    )
    return any(project.is_unread(folder) for folder in folders)


def _names(project: Project) -> Iterator[Problem]:
    """Column names of the contract files obey the grammar; ``spec`` makes those of features and labels."""
    for name, path in find_declarations(project.root / "schemas", layers=LAYERS)[0].items():
        for column in project.contracts[name].columns if name in project.contracts else ():
            for fault in name_faults(column):
                yield Problem(where=str(path), what=fault)


def _clean_tables(project: Project) -> Iterator[Problem]:
    """Every clean table has the technical columns, the key and the layout that loads and features build on."""
    for name, path in find_declarations(project.root / "schemas", layers=LAYERS)[0].items():
        if name.startswith("clean.") and name in project.contracts:
            for what, fix in clean_faults(project.contracts[name]):
                yield Problem(where=str(path), what=f"{name}: {what}", fix=fix)


def _lineage(project: Project) -> Iterator[Problem]:
    """Data flows one way: a table comes from tables of earlier layers, which exist.

    Of contracts that follow from declarations the declaration itself is told when it names what does not exist.
    """
    names = set(project.contracts)
    for contract in project.contracts.values():
        where = contract.path or contract.name
        if not contract.derived_from:
            yield Problem(where=where, what=f"table {contract.name} does not say what it is derived from")
        for parent in contract.derived_from:
            layer = parent.partition(".")[0]
            if layer not in LAYERS or LAYERS.index(layer) >= LAYERS.index(contract.layer):
                yield Problem(where=where, what=f"table {contract.name} is derived from {parent}, not an earlier layer")
            elif not parent.endswith(".*") and parent not in names and contract.path and not project.is_unread(parent):
                yield Problem(where=where, what=f"table {contract.name} is derived from {parent}, which does not exist")


def _suites(project: Project) -> Iterator[Problem]:
    """The columns that expectations name exist, and what a contract promises is expected too."""
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
            yield Problem(
                where=where, what=f"the contract promises {kind} of {', '.join(columns)}, and no expectation tests it"
            )


def _groups(project: Project) -> Iterator[Problem]:
    """The tables and columns of feature groups exist, with the types that their ops need."""
    for group in project.feature_groups.values():
        if any(project.is_unread(table) for table in group.reads):
            continue
        faults = group_faults(group, project.contracts)
        if not faults:
            try:
                group_columns(group, project.contracts)
            except DeclarationError as error:
                faults = [error]
        yield from (as_problem(point_at(fault, group.path)) for fault in faults)


def _graphs(project: Project) -> Iterator[Problem]:
    """The ties, tables and labels of graphs exist and fit."""
    for graph in project.graphs.values():
        read = graph_tables(graph, project.ties)
        if project.is_unread("ties") or any(project.is_unread(table) for table in read):
            continue
        try:
            check_graph(graph, project.ties, project.contracts)
        except DeclarationError as error:
            yield as_problem(point_at(error, graph.path))


def _pairs(project: Project) -> Iterator[Problem]:
    """The graph, the tie and the value of pairs of customers exist and fit."""
    for pairs in project.pairs.values():
        read = graph_tables(pairs.structure, project.ties)
        if project.is_unread("ties") or any(project.is_unread(table) for table in read):
            continue
        try:
            check_pairs(pairs, project.ties, project.contracts)
        except DeclarationError as error:
            yield as_problem(point_at(error, pairs.path))


def _observations(project: Project) -> Iterator[Problem]:
    """The tables, keys, columns and conditions of observation sets exist and fit."""
    for declared in project.observations.values():
        if any(project.is_unread(table) for table in declared.tables):
            continue
        try:
            declared.check(project.contracts)
        except DeclarationError as error:
            yield as_problem(point_at(error, declared.path))


def _labels(project: Project) -> Iterator[Problem]:
    """The tables and columns of labels exist, and their conditions fit them."""
    from tallystick.spec.label_checks import check_label

    declared = (*project.feature_declarations, *project.recipe_declarations)
    for label in project.labels.values():
        if any(project.is_unread(table) for table in label.tables):
            continue
        try:
            check_label(label, project.contracts)
        except DeclarationError as error:
            yield Problem(where=f"{place_of(declared, label)}: {error.where}", what=error.what, fix=error.fix)


def _recipes(project: Project) -> Iterator[Problem]:
    """What a recipe names exists."""
    for recipe in project.recipes.values():
        yield from recipe_problems(project, recipe)


def _segmentations(project: Project) -> Iterator[Problem]:
    """What a segmentation names exists and is permitted, and its table has expectations."""
    for declared in project.segmentations.values():
        yield from segmentation_problems(project, declared)


def _fraud_labels(project: Project) -> Iterator[Problem]:
    """What a label of fraud names exists and fits."""
    for label in project.fraud_labels.values():
        observed = project.observations.get(label.observations)
        tables = (label.table, *(observed.tables if observed else ()))
        if project.is_unread("observations") or any(project.is_unread(table) for table in tables):
            continue
        try:
            label.check(project.observations, project.contracts)
        except DeclarationError as error:
            yield as_problem(point_at(error, label.path))


def _watch_lists(project: Project) -> Iterator[Problem]:
    """What a watch list names exists, and its model can rank what it lists."""
    for declared in project.watch_lists.values():
        yield from watch_list_problems(project, declared)


def _sources(project: Project) -> Iterator[Problem]:
    """What the mappings of every source lack: the clean tables they fill, the parents and views they name."""
    for name in source_names(project.root):
        yield from check_source(project.root, name, contracts=project.contracts, is_unread=project.is_unread)


def _suite_path(project: Project, name: str) -> str:
    return str(project.root / "expectations" / f"{name.replace('.', '/')}.yaml")


# In the order of the data's way: a fault of a table is told before those of its users.
CHECKS = (
    _twins, _names, _clean_tables, _lineage, _suites, tie_problems, _graphs, _pairs, _groups, _observations, _labels,
    _recipes, _segmentations, _watch_lists, rule_problems, _fraud_labels, _sources,
)  # fmt: skip
