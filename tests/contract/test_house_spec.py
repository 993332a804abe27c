"""Declarations: frozen values that refuse bad input with our own errors."""

from __future__ import annotations

import ast

from tests.lib import house

WANTED = {"frozen", "kw_only", "slots"}
# Base classes whose children are no values of their own.
OTHER_BASES = {"Exception", "Enum", "StrEnum", "Protocol", "NamedTuple", "TypedDict"}

# Class: why it is another kind of value.
EXCEPTIONS = {
    "FrozenMap": "the mapping that frozen values are made of; it has no fields of its own",
    "ColumnRef": "node of an expression tree with one field; match statements take it by position",
    "Constant": "node of an expression tree with one field; match statements take it by position",
    "MappingDialect": "a dialect of sqlglot: its classes are configuration and have no values",
    "Parser": "the parser of that dialect, in the shape that sqlglot asks for",
    "Call": "node of an expression tree: operator and operands, in the order in which they are written",
}


def test_classes_of_spec_are_frozen_dataclasses() -> None:
    found = []
    for source in house.sources("tallystick/spec"):
        for node in house.nodes(source.tree):
            if not isinstance(node, ast.ClassDef) or node.name.startswith("_") or node.name in EXCEPTIONS:
                continue
            if OTHER_BASES & {getattr(base, "id", getattr(base, "attr", "")) for base in node.bases}:
                continue
            options = {
                keyword.arg
                for decorator in node.decorator_list
                if isinstance(decorator, ast.Call) and getattr(decorator.func, "id", "") == "dataclass"
                for keyword in decorator.keywords
                if isinstance(keyword.value, ast.Constant) and keyword.value.value is True
            }
            if not options >= WANTED:
                found.append(f"{source.at(node)} {node.name} lacks {sorted(WANTED - options)}")
    assert not found, house.listed(found)


def test_nothing_is_refused_by_assert() -> None:
    found = [
        source.at(node)
        for source in house.sources(*house.MACHINERY, *house.DECLARATIONS)
        for node in house.nodes(source.tree)
        if isinstance(node, ast.Assert) and not is_narrowing(node)
    ]
    assert not found, house.listed(found)


def is_narrowing(node: ast.Assert) -> bool:
    """`assert x is not None` and `assert isinstance(...)` tell the type checker what the code has made sure of."""
    test = node.test
    if isinstance(test, ast.Compare):
        return isinstance(test.ops[0], ast.IsNot) and getattr(test.comparators[0], "value", 0) is None
    return isinstance(test, ast.Call) and getattr(test.func, "id", "") == "isinstance"


def test_user_errors_are_ours() -> None:
    """`raise ValueError` would reach a user as a stack trace; stdlib errors are for defects and protocols."""
    plain = {"Exception", "ValueError", "RuntimeError", "KeyError", "OSError", "FileNotFoundError"}
    found = []
    for source in house.sources(*house.MACHINERY):
        for node in house.nodes(source.tree):
            if isinstance(node, ast.Raise) and node.exc is not None:
                target = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
                if getattr(target, "id", "") in plain:
                    found.append(f"{source.at(node)} raises {target.id}")  # type: ignore[attr-defined]
    assert not found, house.listed(found)
