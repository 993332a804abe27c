"""Nothing is dead: what the package defines, the package, a job, a declaration, a script or a benchmark uses.

A use is found by its bare name, so a dead definition that shares its name with a living one is not seen. What only
tests use is dead, unless it is listed with its reason.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

import tallystick
from tests.lib import house

_BY_DESIGN = "vintages and roll rates are part of what labels promise (design of labels); no command prints them yet"
_YARDSTICK = "the yardstick that tests hold the scorer's own file against; that file may not import it"
EXCEPTIONS = {
    "tallystick/labels/vintages.py::vintage_table": _BY_DESIGN,
    "tallystick/labels/vintages.py::roll_rates": _BY_DESIGN,
    "tallystick/labels/vintages.py::count_cohorts": _BY_DESIGN,
    "tallystick/model/export.py::evaluate_document": _YARDSTICK,
    "tallystick/model/scorer.py::Scorer.load_context": "MLflow calls it",
    "tallystick/segments/assigner.py::Assigner.load_context": "MLflow calls it",
    "tallystick/orchestration/delivery_sensor.py::DeliverySensor.poke": "Airflow calls it",
    "tallystick/orchestration/delivery_sensor.py::DeliverySensor.template_fields": "Airflow reads it",
    "tallystick/submitting.py::JobOperator.get_openlineage_facets_on_start": "Airflow's listener calls it",
    "tallystick/submitting.py::JobOperator.get_openlineage_facets_on_complete": "Airflow's listener calls it",
    "tallystick/submitting.py::JobOperator.get_openlineage_facets_on_failure": "Airflow's listener calls it",
    "tallystick/observations/source.py::observe_source": "for labels, which need all of a source at once",
    "tallystick/runs/params.py::RUNS": "what every test of the runs goes through",
    "tallystick/visibility/rows.py::rows_in_force": "the rendering that the drawn cases hold the other ones against",
}


def definitions(source: house.Source) -> Iterator[str]:
    """The functions, classes, constants, methods and fields of a module; commands are used by whoever types them."""
    for node in source.tree.body:
        if isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (target.id for target in targets if isinstance(target, ast.Name))
        elif isinstance(node, (ast.ClassDef, house.Function)) and "command" not in house.decorator_names(node):
            yield node.name
            for child in node.body if isinstance(node, ast.ClassDef) else []:
                if isinstance(child, house.Function):
                    yield f"{node.name}.{child.name}"
                elif isinstance(child, ast.AnnAssign) and isinstance(child.target, ast.Name):
                    yield f"{node.name}.{child.target.id}"


def used_names(source: house.Source) -> Iterator[str]:
    """Every name that is read in a file, as a name, attribute, keyword or a text of its own; imports do not count."""
    for node in house.nodes(source.tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.keyword) and node.arg:
            yield node.arg
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and not _is_door(source):
            yield node.value


def _is_door(source: house.Source) -> bool:
    # The texts of a door are the names that it hands on, whether or not anybody takes them.
    return source.path.endswith("/__init__.py")


def dead() -> set[str]:
    """``path::name`` of what nobody uses."""
    used = {name for source in house.sources(*house.CODE) for name in used_names(source)} | set(tallystick.__all__)
    return {
        f"{source.path}::{name}"
        for source in house.sources("tallystick")
        for name in definitions(source)
        if (last := name.rpartition(".")[2]) not in used and not last.startswith("__")
    }


def test_nothing_is_dead_outside_tests() -> None:
    assert not (found := sorted(dead() - set(EXCEPTIONS))), house.listed(found)


def test_every_exception_is_still_there() -> None:
    known = {f"{source.path}::{name}" for source in house.sources("tallystick") for name in definitions(source)}
    assert not (gone := sorted(set(EXCEPTIONS) - known)), house.listed(gone)
