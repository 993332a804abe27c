"""One name, one thing: no two modules of the package share a name, and no two public classes.

A reader who meets a name in a message or a trace finds one place for it. One subject may have its declaration, its
reader and its stage under one name: ``spec/labels``, ``project/labels`` and ``labels/``.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable, Mapping

from tests.lib import house

# Name -> why two things carry it.
MODULES: dict[str, str] = {}
CLASSES: dict[str, str] = {}


def module_names() -> dict[str, set[str]]:
    """The places of every module or package by its last name; the places of one subject count as one."""
    found: dict[str, set[str]] = defaultdict(set)
    for source in house.sources("tallystick"):
        parts = source.path.removesuffix(".py").removesuffix("/__init__").split("/")
        name, room = parts[-1], "/".join(parts[:-1])
        is_subject = room in {"tallystick", "tallystick/spec", "tallystick/project", f"tallystick/{name}"}
        found[name].add("the subject" if is_subject else room)
    return found


def class_names() -> dict[str, set[str]]:
    """The modules of every public class by its name."""
    found: dict[str, set[str]] = defaultdict(set)
    for source in house.sources("tallystick"):
        for node in source.tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found[node.name].add(source.path)
    return found


def shared(found: Mapping[str, Iterable[str]], exceptions: Mapping[str, str]) -> list[str]:
    """The names that stand for several things."""
    return [
        f"{name}: {', '.join(sorted(places))}"
        for name, places in sorted(found.items())
        if len(list(places)) > 1 and name not in exceptions
    ]


def test_no_two_modules_share_a_name() -> None:
    assert not (found := shared(module_names(), MODULES)), house.listed(found)


def test_no_two_public_classes_share_a_name() -> None:
    assert not (found := shared(class_names(), CLASSES)), house.listed(found)
