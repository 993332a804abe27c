"""Reads ``expectations/<layer>/<table>.yaml``: what a table's data must satisfy, in Great Expectations' own words.

What lives here: YAML to plain suites, refusing what the library would silently drop. What must not: an import of the
library (it takes seconds; ``quality`` runs the suites), checks across files (``project.checks``).
"""

from __future__ import annotations

import difflib
import importlib.util
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from tallystick.errors import DeclarationError, SetupError
from tallystick.project.files import list_declarations, read_yaml
from tallystick.spec.tables import LAYERS

SEVERITIES = ("critical", "warning", "info")

# Kwargs of an expectation that name columns.
COLUMN_KWARGS = ("column", "column_A", "column_B", "column_list", "column_set")

_KEYS = {"type", "kwargs", "severity", "meta"}


def load_expectations(root: Path) -> dict[str, dict[str, Any]]:
    """Every suite under ``root/expectations`` by ``layer.table``: ``{"name", "expectations": [...]}``.

    Each expectation has ``type``, ``kwargs``, ``severity`` and ``meta`` with a ``reason``. Raises DeclarationError with
    file and position for anything else, and with the nearest name for a type that does not exist: the library itself
    drops those with no more than a log line.
    """
    files = list_declarations(root / "expectations", layers=LAYERS)
    return {name: load_suite(path, name=name) for name, path in files.items()}


def load_suite(path: Path, *, name: str) -> dict[str, Any]:
    """The suite in one file, which must be called ``name`` and hold at least one expectation."""
    suite = read_yaml(path)
    where = str(path)
    if suite.get("name") != name or set(suite) - {"name", "expectations"}:
        raise DeclarationError("a suite has two keys, name and expectations", where=where, fix=f"its name is {name}")
    expectations = suite.get("expectations")
    if not isinstance(expectations, list) or not expectations:
        raise DeclarationError("the suite expects nothing", where=where, fix="state at least one expectation")
    for number, expectation in enumerate(expectations, start=1):
        _check(expectation, where=f"{where}, expectation {number}")
    return suite


@cache
def expectation_types() -> frozenset[str]:
    """Every expectation type of the installed library, told from its file names without importing it."""
    spec = importlib.util.find_spec("great_expectations")
    if spec is None or not spec.submodule_search_locations:
        raise SetupError("great_expectations is not installed", fix="uv sync --frozen")
    core = Path(spec.submodule_search_locations[0], "expectations", "core")
    return frozenset(path.stem for path in core.glob("*expect*.py"))


def expectation_columns(expectation: Mapping[str, Any]) -> list[str]:
    """The columns that the kwargs of an expectation name, in order; none for one that speaks of the table."""
    columns: list[str] = []
    for key in COLUMN_KWARGS:
        value = expectation["kwargs"].get(key)
        columns += [value] if isinstance(value, str) else [str(item) for item in value or ()]
    return columns


def _check(expectation: Any, *, where: str) -> None:
    if not isinstance(expectation, Mapping) or set(expectation) != _KEYS:
        raise DeclarationError(f"an expectation has the keys {', '.join(sorted(_KEYS))}", where=where)
    kind = str(expectation["type"])
    if kind not in expectation_types():
        fix = f"the nearest is {_nearest_type(kind)}"
        raise DeclarationError(f"there is no expectation {kind}", where=where, fix=fix)
    if expectation["severity"] not in SEVERITIES:
        raise DeclarationError(f"unknown severity {expectation['severity']}", where=where, fix=f"one of {SEVERITIES}")
    if not isinstance(expectation["kwargs"], Mapping):
        raise DeclarationError("kwargs is not a mapping", where=where)
    reason = expectation["meta"].get("reason") if isinstance(expectation["meta"], Mapping) else None
    if not isinstance(reason, str) or not reason.strip():
        raise DeclarationError("meta.reason is missing", where=where, fix="say why the expectation exists")


def _nearest_type(name: str) -> str:
    """The known type most like ``name``: first by its words in any order, since these names read alike."""
    words = set(name.split("_"))

    def likeness(known: str) -> tuple[float, float]:
        theirs = set(known.split("_"))
        shared = len(words & theirs) / len(words | theirs)
        return shared, difflib.SequenceMatcher(None, name, known).ratio()

    return max(sorted(expectation_types()), key=likeness)
