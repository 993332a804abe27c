"""Reads ``expectations/<layer>/<table>.yaml``: what a table's data must satisfy, in Great Expectations' own words.

The library itself drops what it does not know with no more than a log line, so everything is checked here, without
importing it: that takes seconds, and ``quality`` does it when the suites run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tallystick.project.expectation_schemas import expectation_types, kwarg_faults
from tallystick.project.files import find_declarations, read_yaml
from tallystick.project.problems import Problems
from tallystick.spec.names import near_name
from tallystick.spec.tables import LAYERS

SEVERITIES = ("critical", "warning", "info")

# Kwargs of an expectation that name columns.
COLUMN_KWARGS = ("column", "column_A", "column_B", "column_list", "column_set")

_KEYS = {"type", "kwargs", "severity", "meta"}


def load_expectations(root: Path) -> dict[str, dict[str, Any]]:
    """Every suite under ``root/expectations`` by ``layer.table``: ``{"name", "expectations": [...]}``.

    Each expectation has ``type``, ``kwargs``, ``severity`` and ``meta`` with a ``reason``. Raises DeclarationError with
    file and position for anything else, with the nearest name where a type or kwarg is misspelt.
    """
    suites, problems = read_expectations(root)
    problems.raise_first()
    return suites


def read_expectations(root: Path) -> tuple[dict[str, dict[str, Any]], Problems]:
    """The suites that can be read, and everything that is wrong with the files.

    A suite keeps an expectation whose arguments are wrong: that it was meant is seen, and what is wrong was told.
    """
    suites = {}
    files, problems = find_declarations(root / "expectations", layers=LAYERS)
    for name, path in files.items():
        suite, wrong = read_suite(path, name=name)
        problems += wrong
        if suite is not None:
            suites[name] = suite
    return suites, problems


def read_suite(path: Path, *, name: str) -> tuple[dict[str, Any] | None, Problems]:
    """The suite in one file, which must be called ``name`` and hold at least one expectation, and what is wrong."""
    where, problems = str(path), Problems()
    with problems.collecting():
        suite = read_yaml(path)
        if suite.get("name") != name or set(suite) - {"name", "expectations"}:
            problems.tell("a suite has two keys, name and expectations", where=where, fix=f"its name is {name}")
        expectations = suite.get("expectations")
        if not isinstance(expectations, list) or not expectations:
            problems.tell("the suite expects nothing", where=where, fix="state at least one expectation")
            return None, problems
        for number, expectation in enumerate(expectations, start=1):
            for what, fix in _faults(expectation):
                problems.tell(what, where=f"{where}, expectation {number}", fix=fix)
        return {"name": name, "expectations": [e for e in expectations if _is_formed(e)]}, problems
    return None, problems


def expectation_columns(expectation: Mapping[str, Any]) -> list[str]:
    """The columns that the kwargs of an expectation name, in order; none for one about the table."""
    columns: list[str] = []
    for key in COLUMN_KWARGS:
        value = expectation["kwargs"].get(key)
        columns += [value] if isinstance(value, str) else [str(item) for item in value or ()]
    return columns


def _is_formed(expectation: Any) -> bool:
    return isinstance(expectation, Mapping) and set(expectation) == _KEYS and isinstance(expectation["kwargs"], Mapping)


def _faults(expectation: Any) -> Iterator[tuple[str, str]]:
    """What is wrong with one expectation, each with its advice."""
    if not isinstance(expectation, Mapping) or set(expectation) != _KEYS:
        yield f"an expectation has the keys {', '.join(sorted(_KEYS))}", ""
        return
    kind, kwargs = str(expectation["type"]), expectation["kwargs"]
    if expectation["severity"] not in SEVERITIES:
        yield f"unknown severity {expectation['severity']}", f"one of {', '.join(SEVERITIES)}"
    reason = expectation["meta"].get("reason") if isinstance(expectation["meta"], Mapping) else None
    if not isinstance(reason, str) or not reason.strip():
        yield "meta.reason is missing", "say why the expectation exists"
    if not isinstance(kwargs, Mapping):
        yield "kwargs is not a mapping", ""
    elif kind not in expectation_types():
        yield f"there is no expectation {kind}", _nearest_type(kind)
    else:
        yield from kwarg_faults(kind, kwargs)


def _nearest_type(name: str) -> str:
    """Advice on an unknown type: one that has the same words in another order, else one that is spelt alike."""
    words = sorted(name.split("_"))
    reordered = [known for known in expectation_types() if sorted(known.split("_")) == words]
    if reordered:
        return f"did you mean {reordered[0]}?"
    near = near_name(name, expectation_types(), cutoff=0.85)  # these names all read alike
    return f"did you mean {near}?" if near else "see https://greatexpectations.io/expectations"
