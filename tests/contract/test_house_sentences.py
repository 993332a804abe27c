"""Words are not data: counts, reasons and places travel as values, and no code reads them back out of a sentence.

What is followed: an exception, and what a function makes of it, within one module. What another engine tells us comes
as text only; each such place is listed with its reason.
"""

from __future__ import annotations

import ast
from functools import cache

from tests.lib import house

READS = {
    "search", "match", "fullmatch", "findall", "finditer", "sub", "split", "splitlines", "partition", "rpartition",
    "startswith", "endswith", "removeprefix", "removesuffix", "find", "index",
}  # fmt: skip
_SPARK = "Spark hands an error over as text only, also one of ours that a task raised"
_DUCKDB = "DuckDB's error has no fields: the table or column that it misses stands in its text only"
_FIRST_LINE = "the first line of another library's error, shown as it stands"
EXCEPTIONS = {
    "tallystick/tables/runtime/spark_errors.py::translate": _SPARK,
    "tallystick/tables/runtime/spark_errors.py::_raised_in_task": _SPARK,
    "tallystick/tables/store/queries.py::query": _DUCKDB,
    "tallystick/tables/store/queries.py::_unknown": _DUCKDB,
    "tallystick/tables/store/queries.py::_without_values": "DuckDB's error may quote a row, which is blotted out",
    "tallystick/tables/store/disk.py::full_disk_is_setup_error": "Delta raises an OSError without a number",
    "tallystick/model/mlflow_client.py::_translated": "a lost connection has no code in MLflow, only its words",
    "tallystick/places/hadoop_client.py::told_in_sentences": "Hadoop's error stands in the text only",
    "tallystick/quality/gate.py::build_suite": _FIRST_LINE,
    "tallystick/spec/mapping_checks.py::check_view": _FIRST_LINE,
    "tallystick/project/places.py::point_at": "where an error stands begins with a file and line: a path, no sentence",
}


@cache
def readers(source: house.Source) -> tuple[tuple[str, ast.AST], ...]:
    """Functions that look into the text of an error, with the node that does."""
    named = dict(house.functions(source))
    told: dict[str, set[str]] = {name: _errors(function) for name, function in named.items()}
    while True:  # what a function is handed by another one of the module, until nothing is added
        before = {name: set(found) for name, found in told.items()}
        for name, function in named.items():
            _follow(function, told[name])
            for call in (node for node in house.nodes(function) if isinstance(node, ast.Call)):
                callee = named.get(call.func.id) if isinstance(call.func, ast.Name) else None
                if callee is not None:
                    pairs = zip(callee.args.args, call.args, strict=False)
                    told[callee.name] |= {given.arg for given, value in pairs if _tells(value, told[name])}
        if told == before:
            break
    return tuple(
        (name, node) for name, function in named.items() for node in house.nodes(function) if _reads(node, told[name])
    )


def _errors(function: house.Function) -> set[str]:
    """The names that hold an exception: of handlers, and of parameters by their type."""
    handlers = {node.name for node in house.nodes(function) if isinstance(node, ast.ExceptHandler) and node.name}
    arguments = (*function.args.args, *function.args.kwonlyargs)
    typed = {a.arg for a in arguments if a.annotation and ast.unparse(a.annotation).endswith(("Error", "Exception"))}
    return handlers | typed


def _follow(function: house.Function, told: set[str]) -> None:
    for node in house.nodes(function):
        if isinstance(node, ast.Assign) and _tells(node.value, told):
            told |= {target.id for target in node.targets if isinstance(target, ast.Name)}


def _tells(node: ast.AST, told: set[str]) -> bool:
    """Whether an expression gives text of an error: the name itself, ``str`` of it, or its sentence."""
    if isinstance(node, ast.Name):
        return node.id in told
    if isinstance(node, ast.Attribute):
        return node.attr in {"what", "where", "fix", "args"} and _tells(node.value, told)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return _tells(node.func.value, told)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"str", "repr"}:
        return any(_tells(argument, told) for argument in node.args)
    if isinstance(node, (ast.Subscript, ast.JoinedStr, ast.FormattedValue)):
        return any(_tells(child, told) for child in ast.iter_child_nodes(node))
    return False


def _reads(node: ast.AST, told: set[str]) -> bool:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in READS:
        return any(_tells(part, told) for part in (node.func.value, *node.args))
    return isinstance(node, ast.Compare) and any(isinstance(op, (ast.In, ast.NotIn)) for op in node.ops) and any(
        _tells(part, told) for part in node.comparators
    )  # fmt: skip


def test_no_code_reads_what_an_error_says() -> None:
    found = [
        f"{source.at(node)} {name}"
        for source in house.sources(*house.MACHINERY)
        for name, node in readers(source)
        if f"{source.path}::{name}" not in EXCEPTIONS
    ]
    assert not found, house.listed(found)


def test_every_exception_still_reads_one() -> None:
    found = {f"{source.path}::{name}" for source in house.sources(*house.MACHINERY) for name, _ in readers(source)}
    assert sorted(found & set(EXCEPTIONS)) == sorted(EXCEPTIONS)


def test_no_sql_takes_a_sentence_apart() -> None:
    found = [
        source.at(node)
        for source in house.sources(*house.MACHINERY)
        # What a mapping reads out of a supplier's text, and the pattern that an expectation wants, are their authors'
        # affair; these only say it to DuckDB.
        if not source.path.startswith(("tallystick/dialect/", "tallystick/quality/metrics.py"))
        for node in house.nodes(source.tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and "regexp_" in node.value
    ]
    assert not found, house.listed(found)
