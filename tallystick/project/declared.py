"""Reads features/*.py, observations/*.py and recipes/*.py: runs each file as a module and collects what it declares.

Kept apart from the YAML readers because these files are programs of the user: they may raise anything, and the error
has to name their line, not ours.
"""

from __future__ import annotations

import ast
import importlib.util
import sys
import traceback
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import TYPE_CHECKING, Any

from tallystick.errors import DeclarationError, TallystickError
from tallystick.project.places import point_at
from tallystick.project.problems import Problems

if TYPE_CHECKING:
    from tallystick.project.project import Project
    from tallystick.spec.features import FeatureGroup
    from tallystick.spec.fraud_labels import FraudLabel
    from tallystick.spec.graph_pairs import CustomerPairs
    from tallystick.spec.graphs import CustomerGraph
    from tallystick.spec.labels import Label
    from tallystick.spec.observations import ObservationSet
    from tallystick.spec.recipes import Recipe
    from tallystick.spec.segments import Segmentation
    from tallystick.spec.watch_lists import WatchList


@dataclass(frozen=True, kw_only=True, slots=True)
class Declared:
    """Something that stands in a declaration file: its value, and ``file:line`` of the name it was given."""

    value: Any
    place: str


def read_folder(root: Path, folder: str) -> tuple[Declared, ...]:
    """What the files ``folder/*.py`` hold, in order; files whose name starts with ``_`` are not read.

    A declaration is the value of a module-level name, or an item of a module-level tuple or list. Raises
    DeclarationError with file and line when a file cannot be run.
    """
    found, problems = read_files(root, folder)
    problems.raise_first()
    return found


def read_files(root: Path, folder: str) -> tuple[tuple[Declared, ...], Problems]:
    """As ``read_folder``, with a problem for each file that cannot be run, instead of an error."""
    found, problems = [], Problems()
    for path in sorted((root / folder).glob("[!_]*.py")):
        with problems.collecting(where=str(path)):
            module = _run(path)
            lines = _assignment_lines(path)
            found += [
                Declared(value=value, place=f"{path}:{lines[variable]}")
                for variable, value in _values(module)
                if variable in lines
            ]
    return tuple(found), problems


# The functions below collect one kind of declaration by name. Two different ones of one name are a DeclarationError,
# or, with ``problems``, a problem there, and the first one counts.


def collect_groups(found: Iterable[Declared], problems: Problems | None = None) -> Mapping[str, FeatureGroup]:
    """Feature groups by name, each knowing its place."""
    from tallystick.spec.features import FeatureGroup

    return _placed(found, FeatureGroup, problems, kind="group")


def collect_graphs(found: Iterable[Declared], problems: Problems | None = None) -> Mapping[str, CustomerGraph]:
    """Graphs of customers by name, each knowing its place."""
    from tallystick.spec.graphs import CustomerGraph

    return _placed(found, CustomerGraph, problems, kind="graph")


def collect_pairs(found: Iterable[Declared], problems: Problems | None = None) -> Mapping[str, CustomerPairs]:
    """Pairs of customers by the name of their table without its layer, each knowing its place."""
    from tallystick.spec.graph_pairs import CustomerPairs

    return _placed(found, CustomerPairs, problems, kind="pairs of a graph")


def with_basis(groups: Mapping[str, FeatureGroup], project: Project) -> Mapping[str, FeatureGroup]:
    """The groups; one on a graph's table has that graph's fingerprint, for its features mean what the graph means."""
    if not any(group.table.startswith("graph.") for group in groups.values()):
        return groups  # a project without graphs reads no ties
    basis = {graph.table: project.graph_basis(graph) for graph in project.graphs.values()}
    basis |= {pairs.table: project.pairs_basis(pairs) for pairs in project.pairs.values()}
    return MappingProxyType({name: replace(one, basis=basis.get(one.table, "")) for name, one in groups.items()})


def collect_observations(found: Iterable[Declared], problems: Problems | None = None) -> Mapping[str, ObservationSet]:
    """Observation sets by name, each knowing its place."""
    from tallystick.spec.observations import ObservationSet

    return _by_name(
        (
            Declared(value=replace(one.value, path=one.value.path or one.place), place=one.place)
            for one in found
            if isinstance(one.value, ObservationSet)
        ),
        problems,
        kind="observation set",
    )


def collect_fraud_labels(found: Iterable[Declared], problems: Problems | None = None) -> Mapping[str, FraudLabel]:
    """Labels of fraud by the observation set that they judge, each knowing its place."""
    from tallystick.spec.fraud_labels import FraudLabel

    return _by_name(
        (
            Declared(value=replace(one.value, path=one.value.path or one.place), place=one.place)
            for one in found
            if isinstance(one.value, FraudLabel)
        ),
        problems,
        kind="fraud label of",
    )


def collect_recipes(found: Iterable[Declared], problems: Problems | None = None) -> Mapping[str, Recipe]:
    """Recipes by name."""
    from tallystick.spec.recipes import Recipe

    return _by_name((one for one in found if isinstance(one.value, Recipe)), problems, kind="recipe")


def collect_segmentations(found: Iterable[Declared], problems: Problems | None = None) -> Mapping[str, Segmentation]:
    """Segmentations by name, each knowing its place."""
    from tallystick.spec.segments import Segmentation

    return _by_name(
        (
            Declared(value=replace(one.value, path=one.value.path or one.place), place=one.place)
            for one in found
            if isinstance(one.value, Segmentation)
        ),
        problems,
        kind="segmentation",
    )


def collect_watch_lists(found: Iterable[Declared], problems: Problems | None = None) -> Mapping[str, WatchList]:
    """Watch lists by name, each knowing its place."""
    from tallystick.spec.watch_lists import WatchList

    return _by_name(
        (
            Declared(value=replace(one.value, path=one.value.path or one.place), place=one.place)
            for one in found
            if isinstance(one.value, WatchList)
        ),
        problems,
        kind="watch list",
    )


def collect_labels(found: Sequence[Declared], problems: Problems | None = None) -> Mapping[str, Label]:
    """Labels by name, also those inside recipes."""
    from tallystick.spec.labels import Label

    # The label of a recipe may be its value or its name; a recipe without one has None.
    inner = (Declared(value=getattr(one.value, "label", None), place=one.place) for one in found)
    return _by_name((one for one in (*found, *inner) if isinstance(one.value, Label)), problems, kind="label")


def place_of(found: Iterable[Declared], value: Any) -> str:
    """``file:line`` of the declaration that is, or holds, ``value``; empty when none does."""
    holders = (one for one in found if one.value is value or getattr(one.value, "label", None) is value)
    return next((one.place for one in holders), "")


def _run(path: Path) -> ModuleType:
    """Run one file under a module name of its own, so that neither folder needs to be on the path."""
    name = f"_tallystick_{path.parent.name}_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise DeclarationError("cannot be read as Python", where=str(path))
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up while a class is made
    try:
        spec.loader.exec_module(module)
    except SyntaxError as error:
        raise DeclarationError(f"not Python: {error.msg}", where=f"{path}:{error.lineno}") from error
    except TallystickError as error:
        place = _place(path, error)
        where = f"{place}: {error.where}" if error.where else place
        if isinstance(error, DeclarationError):
            raise point_at(error.moved(where), place) from error
        raise DeclarationError(error.what, where=where, fix=error.fix) from error
    except Exception as error:  # a declaration file is the user's own program: it may raise anything
        raise DeclarationError(f"{type(error).__name__}: {error}", where=_place(path, error)) from error
    finally:
        sys.modules.pop(name, None)
    return module


def _place(path: Path, error: Exception) -> str:
    """``file:line`` of the last line of ``path`` that was running when ``error`` was raised."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    return f"{path}:{lines[-1]}" if lines else str(path)


def _values(module: ModuleType) -> Iterator[tuple[str, Any]]:
    for variable, value in vars(module).items():
        if isinstance(value, tuple | list):
            for item in value:
                yield variable, item
        else:
            yield variable, value


def _assignment_lines(path: Path) -> dict[str, int]:
    """The line on which each module-level name is assigned last."""
    lines: dict[str, int] = {}
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            lines |= {target.id: node.lineno for target in targets if isinstance(target, ast.Name)}
    return lines


def _placed(
    found: Iterable[Declared], kind_of: type[Any], problems: Problems | None, *, kind: str
) -> Mapping[str, Any]:
    """Declarations of a class by name, each knowing the place where it stands."""
    placed = (
        Declared(value=replace(one.value, path=one.value.path or one.place), place=one.place)
        for one in found
        if isinstance(one.value, kind_of)
    )
    return _by_name(placed, problems, kind=kind)


def _by_name(found: Iterable[Declared], problems: Problems | None, *, kind: str) -> Mapping[str, Any]:
    """Declarations by name, sorted. One value under two variables is one declaration; two different values are not."""
    named: dict[str, Declared] = {}
    twice = Problems()
    for one in found:
        first = named.setdefault(one.value.name, one)
        if first.value != one.value:
            what = f"{kind} {one.value.name} is declared twice"
            twice.tell(what, where=one.place, fix=f"also at {first.place}")
    if problems is None:
        twice.raise_first()
    else:
        problems += twice
    return MappingProxyType({name: named[name].value for name in sorted(named)})
