"""Reads features/*.py and recipes/*.py: each file is run as a module, and the declarations it holds are collected.

What lives here: running the files, errors with file and line, one name one declaration. What must not: what a
declaration means (``spec``), checks against contracts (``project.checks``).
"""

from __future__ import annotations

import ast
import importlib.util
import sys
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any, TypeVar

from tallystick.errors import DeclarationError, TallystickError
from tallystick.spec.features import FeatureGroup
from tallystick.spec.labels import Label
from tallystick.spec.recipes import Recipe

FOLDERS = ("features", "recipes")

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Declarations:
    """What the files declare, by name. ``places`` says ``file:line`` for each ``kind name``, e.g. ``group txn``."""

    feature_groups: Mapping[str, FeatureGroup]
    labels: Mapping[str, Label]
    recipes: Mapping[str, Recipe]
    places: Mapping[str, str]


def load_declarations(root: Path) -> Declarations:
    """Everything features/*.py and recipes/*.py declare; files whose name starts with ``_`` are not read.

    A declaration is a module-level name, or an item of a module-level tuple or list. Raises DeclarationError with file
    and line when a file cannot be run or two declarations of a kind share a name.
    """
    found: list[tuple[Any, str]] = []
    for folder in FOLDERS:
        for path in sorted((root / folder).glob("[!_]*.py")):
            module = _run(path)
            lines = _assignment_lines(path)
            for variable, value in _values(module):
                place = f"{path}:{lines.get(variable, 1)}"
                if isinstance(value, FeatureGroup):
                    found.append((replace(value, path=value.path or place), place))
                elif isinstance(value, Recipe | Label):
                    found.append((value, place))
    places: dict[str, str] = {}
    return Declarations(
        feature_groups=_by_name(found, FeatureGroup, kind="group", places=places),
        labels=_by_name(found, Label, kind="label", places=places),
        recipes=_by_name(found, Recipe, kind="recipe", places=places),
        places=MappingProxyType(places),
    )


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
        inner = f"{error.where}: " if error.where else ""
        raise DeclarationError(f"{inner}{error.what}", where=_place(path, error), fix=error.fix) from error
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


def _by_name(found: list[tuple[Any, str]], kind_type: Any, *, kind: str, places: dict[str, str]) -> Mapping[str, Any]:
    """The declarations of one kind by name. An equal value under two variables is one; two different ones are not."""
    named: dict[str, Any] = {}
    for value, place in found:
        if not isinstance(value, kind_type):
            continue
        label = f"{kind} {value.name}"
        if value.name in named and named[value.name] != value:
            raise DeclarationError(f"{label} is declared twice", where=place, fix=f"also at {places[label]}")
        if value.name not in named:
            places[label] = place
            named[value.name] = value
    return MappingProxyType(dict(sorted(named.items())))
