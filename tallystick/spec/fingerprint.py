"""Fingerprints: equal meanings give equal texts, whatever the order or place of a declaration.

Kept apart from what is declared because contracts, features, labels and recipes are all hashed by the same rule.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

# Fields whose order carries no meaning: a set in the shape of a tuple.
UNORDERED = frozenset({"measures", "derived", "groups", "filters", "ops", "windows", "lookups", "columns"})


def fingerprint(declaration: Any) -> str:
    """16 hex digits that stand for the meaning of a declared value: a group, label, recipe, source or part of one.

    Fields that do not compare (where a declaration stands) are left out; the order of mappings and of the fields named
    in UNORDERED does not matter. The class's name counts: two kinds with equal fields are not the same.
    """
    content = json.dumps(_canonical(declaration), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def _canonical(value: Any, *, is_unordered: bool = False) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        parts = {
            part.name: _canonical(getattr(value, part.name), is_unordered=part.name in UNORDERED)
            for part in fields(value)
            if part.compare
        }
        return {"": type(value).__name__, **parts}
    if isinstance(value, Mapping):
        return {str(key): _canonical(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        items = [_canonical(item) for item in value]
        is_set = is_unordered or isinstance(value, (set, frozenset))
        return sorted(items, key=lambda item: json.dumps(item, sort_keys=True)) if is_set else items
    # Numbers keep their type's spelling: 1 and 1.0 are one value in Python and two in a declaration's text.
    return value if value is None or isinstance(value, (str, int, float, bool)) else str(value)
