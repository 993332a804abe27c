"""Slices name their own locks: two writers of the same rows must take one lock, so nobody types a name by hand."""

from __future__ import annotations

import ast

from tests.lib import house

HOME = "tallystick/tables/store/slices.py"
EXCEPTIONS = {"benchmarks/layouts.py": "a benchmark writes the months of one load apart, as no run does"}


def test_only_slices_makes_slices_and_locks() -> None:
    found = []
    for source in house.sources(*house.CODE):
        if source.path == HOME or source.path in EXCEPTIONS:
            continue
        for node in house.nodes(source.tree):
            is_made = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Slice"
            is_lock = isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("slice:")
            if is_made or is_lock:
                found.append(f"{source.at(node)} use Slice.of_...")
    assert not found, house.listed(found)
