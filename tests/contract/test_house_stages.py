"""Stages: functions from DataFrames to DataFrames that build no session, read no table and fetch no rows.

What lives here: what a stage may not call, and the exceptions with their reasons. What must not: judgement of results.
"""

from __future__ import annotations

import ast

from tests.lib import house

STAGES = tuple(
    f"tallystick/{name}"
    for name in ("ingest", "quality", "features", "labels", "graph", "training", "scoring", "model", "report")
)

# A frame that is fetched, cached or counted in a stage is work done where nobody sees it.
FORBIDDEN = frozenset(
    {"collect", "toPandas", "toArrow", "toLocalIterator", "count", "cache", "persist", "show", "take"}
)
STORAGE = frozenset({"builder", "getOrCreate", "saveAsTable", "insertInto", "forPath", "write_deltalake"})

# "path::function": the reason.
ALLOWED: dict[str, str] = {
    "tallystick/features/stage.py::run_tasks": "one row a task, describing the file it wrote, for the one commit",
    "tallystick/ingest/counts.py::read_counts": "one row a file: a file that cannot be read must stop the load",
    "tallystick/ingest/counts.py::RowCounts.read_from": "counts by reason: too many rejects must stop the load in time",
    "tallystick/ingest/load.py::_Load._hold": "what is counted before the write must be what is written",
}


def calls_without_arguments(function: ast.AST) -> list[ast.Call]:
    """Method calls as Spark's actions are written. `text.count("x")` and `numpy.take(...)` are something else."""
    spark_like = []
    for node in ast.walk(function):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        if isinstance(node.func.value, ast.Name) and node.func.value.id in {"F", "np", "pc", "pa"}:
            continue
        # count and take are also methods of lists, strings and arrays, but those calls carry arguments.
        if node.func.attr == "take" or (node.func.attr == "count" and node.args):
            continue
        spark_like.append(node)
    return spark_like


def imports_spark(source: house.Source) -> bool:
    """True if the file imports pyspark, also only for its types."""
    return any(name.split(".")[0] == "pyspark" for name, _ in house.imports(source.tree))


def test_stages_fetch_count_and_cache_nothing() -> None:
    found = []
    for source in house.sources(*STAGES):
        if not imports_spark(source):
            continue
        for name, function in house.functions(source):
            if f"{source.path}::{name}" in ALLOWED:
                continue
            found += [
                f"{source.at(call)} {name} calls .{call.func.attr}()"  # type: ignore[attr-defined]
                for call in calls_without_arguments(function)
                if call.func.attr in FORBIDDEN  # type: ignore[attr-defined]
            ]
    assert not found, house.listed(sorted(set(found)))


def test_stages_open_no_session_and_touch_no_table() -> None:
    found = []
    for source in house.sources(*STAGES):
        for node in ast.walk(source.tree):
            if not isinstance(node, ast.Attribute) or f"{source.path}::{node.attr}" in ALLOWED:
                continue
            is_io = isinstance(node.value, ast.Name) and node.value.id in {"spark", "session"} and node.attr == "read"
            if node.attr in STORAGE or is_io:
                found.append(f"{source.at(node)} .{node.attr}")
    assert not found, house.listed(found)


def test_every_exception_has_a_reason_and_a_subject() -> None:
    known = {f"{source.path}::{name}" for source in house.sources(*STAGES) for name, _ in house.functions(source)}
    assert all(len(reason.split()) > 3 for reason in ALLOWED.values())
    assert not [name for name in ALLOWED if name not in known]


def count_job_lines(source: house.Source) -> int:
    """Lines that do something: the docstring, imports and blank lines do not count."""
    skipped = {number for number, line in enumerate(source.text.splitlines(), start=1) if not line.strip()}
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            skipped |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    docstring = source.tree.body[0]
    skipped |= set(range(docstring.lineno, (docstring.end_lineno or docstring.lineno) + 1))
    return source.text.count("\n") - len(skipped)


def test_jobs_are_thin() -> None:
    found = []
    for source in house.sources("jobs"):
        names = {node.name for node in source.tree.body if isinstance(node, house.Function)}
        if (lines := count_job_lines(source)) > LONGEST_JOB and source.path not in LONGER_JOBS:
            found.append(f"{source.path}: {lines} lines")
        if not {"add_arguments", "run"} <= names:
            found.append(f"{source.path}: needs add_arguments(parser) and run(session, args)")
    assert not found, house.listed(found)


# Parse, read, call one stage, write.
LONGEST_JOB = 60
LONGER_JOBS: dict[str, str] = {}


def test_dags_are_thin() -> None:
    found = [f"{source.path}: {lines}" for source in house.sources("dags") if (lines := source.text.count("\n")) > 80]
    assert not found, house.listed(found)
