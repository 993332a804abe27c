"""Reading the project's own source for the house rules.

Which files there are, and a few views of their syntax trees.
"""

from __future__ import annotations

import ast
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MACHINERY = ("tallystick", "jobs", "dags")
DECLARATIONS = ("features", "observations", "recipes", "sources")
CODE = (*MACHINERY, *DECLARATIONS, "scripts", "benchmarks")

# Folders that are products of a run or of an installation, not the project.
NOT_OURS = frozenset(
    {".git", ".venv", ".tools", ".jars", ".cache", ".hypothesis", ".mypy_cache", ".ruff_cache", ".pytest_cache",
     ".import_linter_cache", "__pycache__", "warehouse", "demo", "spark-warehouse", "metastore_db", "mlruns", "logs"}
)  # fmt: skip

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Source:
    """One Python file: its path from the project folder, its text, its tree."""

    path: str
    text: str
    tree: ast.Module

    def at(self, node: ast.AST) -> str:
        """``path:line`` of a node, as editors understand it."""
        return f"{self.path}:{getattr(node, 'lineno', 1)}"


@cache
def read_source(path: Path) -> Source:
    """Parse one file."""
    text = path.read_text(encoding="utf-8")
    return Source(path=path.relative_to(ROOT).as_posix(), text=text, tree=ast.parse(text, str(path)))


def sources(*folders: str) -> list[Source]:
    """Every Python file below the given folders of the project, in order of path."""
    found = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]
    return [read_source(path) for path in found if not NOT_OURS.intersection(path.relative_to(ROOT).parts)]


@cache
def nodes(tree: ast.AST) -> tuple[ast.AST, ...]:
    """A node and all below it. Kept, since many rules look at the same trees."""
    return tuple(ast.walk(tree))


@cache
def functions(source: Source) -> tuple[tuple[str, Function], ...]:
    """Every function and method with its dotted name inside the file, also the nested ones."""

    def walk(node: ast.AST, prefix: str) -> Iterator[tuple[str, Function]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, Function):
                yield f"{prefix}{child.name}", child
                yield from walk(child, f"{prefix}{child.name}.")
            elif isinstance(child, ast.ClassDef):
                yield from walk(child, f"{prefix}{child.name}.")
            else:
                yield from walk(child, prefix)

    return tuple(walk(source.tree, ""))


def public_definitions(source: Source) -> Iterator[tuple[str, ast.ClassDef | Function]]:
    """Classes and functions a reader of the module may use: no underscore in any part, nothing inside a function."""
    for node in source.tree.body:
        if isinstance(node, ast.ClassDef | Function) and not node.name.startswith("_"):
            yield node.name, node
            if isinstance(node, ast.ClassDef):
                for child in node.body:
                    if isinstance(child, Function) and not child.name.startswith("_"):
                        yield f"{node.name}.{child.name}", child


def parameters(function: Function) -> tuple[list[str], list[str]]:
    """Names that may be given by position, and those only by name; ``self`` and ``cls`` are left out."""
    given = function.args
    positional = [argument.arg for argument in (*given.posonlyargs, *given.args)]
    if positional[:1] in (["self"], ["cls"]):
        positional = positional[1:]
    return positional, [argument.arg for argument in given.kwonlyargs]


def imports(tree: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """Every module that is imported anywhere below ``tree``, with the node; ``from a import b`` gives ``a``."""
    for node in nodes(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module or "", node


def is_type_checking(node: ast.AST) -> bool:
    """True for an ``if TYPE_CHECKING:`` block."""
    if not isinstance(node, ast.If):
        return False
    test = node.test
    return (isinstance(test, ast.Name) and test.id == "TYPE_CHECKING") or (
        isinstance(test, ast.Attribute) and test.attr == "TYPE_CHECKING"
    )


def decorator_names(node: ast.ClassDef | Function) -> set[str]:
    """Names of the decorators, without their module and arguments."""
    names = set()
    for decorator in node.decorator_list:
        target = decorator.func if isinstance(decorator, ast.Call) else decorator
        names.add(target.attr if isinstance(target, ast.Attribute) else getattr(target, "id", ""))
    return names


@cache
def text_files() -> tuple[Path, ...]:
    """Every text file of the project, whatever its kind, in order of path; lock files are left out."""
    found = []
    for folder, below, names in os.walk(ROOT):
        below[:] = set(below) - NOT_OURS  # an environment has fifty times as many files as the project
        found += [Path(folder, name) for name in names]
    return tuple(path for path in sorted(found) if _is_text_of_ours(path))


def _is_text_of_ours(path: Path) -> bool:
    if path.name in NOT_OURS | {"uv.lock", ".env"} or path.relative_to(ROOT).parts[:2] == ("conf", "local"):
        return False  # conf/local is written by `make setup` for this machine
    return path.is_file() and path.suffix not in {".png", ".svg", ".jar", ".gz", ".parquet", ".pyc", ".db"}


def listed(violations: Iterable[str]) -> str:
    """Violations as one readable block for an assertion's message."""
    return "\n  " + "\n  ".join(violations)
