"""Stages: functions from DataFrames to DataFrames that build no session, read no table and fetch no rows.

What a stage may not call, and the exceptions with their reasons.
"""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

from tallystick.runs.params import RUNS
from tests.lib import house

STAGES = tuple(
    f"tallystick/{name}"
    for name in (
        "ingest",
        "quality",
        "buckets",
        "observations",
        "features",
        "labels",
        "graph",
        "ties",
        "training",
        "segments",
        "rules",
        "scoring",
        "warning",
        "model",
        "report",
    )
)

# A frame that is fetched, cached or counted in a stage is work done where nobody sees it.
FORBIDDEN = frozenset(
    {"collect", "toPandas", "toArrow", "toLocalIterator", "count", "cache", "persist", "show", "take"}
)
STORAGE = frozenset({"builder", "getOrCreate", "saveAsTable", "insertInto", "forPath", "write_deltalake"})

# "path::function": the reason.
ALLOWED: dict[str, str] = {
    "tallystick/buckets/spark_tasks.py::run_tasks": "one row a task, describing the file it wrote, for the one commit",
    "tallystick/ingest/spark_branches.py::map_by_spark": "one row a task: where it put the rows that it mapped",
}


def calls_without_arguments(function: ast.AST) -> list[ast.Call]:
    """Method calls as Spark's actions are written. `text.count("x")` and `numpy.take(...)` are something else."""
    spark_like = []
    for node in house.nodes(function):
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
        for node in house.nodes(source.tree):
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


LONGEST_JOB = 60


def test_jobs_parse_and_call_one_run_and_nothing_else() -> None:
    found = []
    for source in house.sources("jobs"):
        job = Path(source.path).stem
        if (lines := source.text.count("\n")) > LONGEST_JOB:
            found.append(f"{source.path}: {lines} lines")
        imported = {name for name, _ in house.imports(source.tree)} - {"__future__"}
        if imported != {"tallystick.entrypoint", f"tallystick.runs.{job}", "tallystick.runs.params"}:
            found.append(f"{source.path} imports {sorted(imported)}")
        statements = [node for node in source.tree.body[1:] if not isinstance(node, ast.ImportFrom)]
        if len(statements) != 1 or not ast.unparse(statements[0]).startswith("if __name__ == '__main__':\n    start("):
            found.append(f"{source.path}: only start(...) stands in a job")
    assert not found, house.listed(found)


def test_every_run_has_its_parameters_its_job_and_its_function() -> None:
    declared = {one.job: one for one in RUNS}
    jobs = {Path(source.path).stem for source in house.sources("jobs")}
    assert set(declared) == jobs
    for job in jobs:
        assert callable(importlib.import_module(f"tallystick.runs.{job}").run), job


def test_dags_are_thin() -> None:
    found = [f"{source.path}: {lines}" for source in house.sources("dags") if (lines := source.text.count("\n")) > 80]
    assert not found, house.listed(found)


# The function that does a run's work reads as a page.
LONGEST_RUN = 60
MOST_NAMES = 12


def local_names(function: house.Function) -> set[str]:
    """The names that a function binds, its parameters among them; a comprehension's own are not the function's."""
    arguments = function.args
    named = {one.arg for one in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)}
    inner = (
        ast.FunctionDef,
        ast.AsyncFunctionDef,
        ast.ClassDef,
        ast.Lambda,
        ast.ListComp,
        ast.SetComp,
        ast.DictComp,
        ast.GeneratorExp,
    )
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            named.add(node.id)
        if isinstance(node, house.Function | ast.ClassDef):
            named.add(node.name)
        if not isinstance(node, inner):
            waiting += ast.iter_child_nodes(node)
    return named


def test_the_function_of_a_run_reads_as_a_page() -> None:
    found = []
    for job in (one.job for one in RUNS):
        source = house.read_source(house.ROOT / "tallystick" / "runs" / f"{job}.py")
        (function,) = (made for name, made in house.functions(source) if name == "run")
        lines, names = (function.end_lineno or 0) - function.lineno + 1, local_names(function)
        if lines > LONGEST_RUN:
            found.append(f"{source.at(function)} run has {lines} lines")
        if len(names) > MOST_NAMES:
            found.append(f"{source.at(function)} run has {len(names)} names: {', '.join(sorted(names))}")
    assert not found, house.listed(found)


def test_names_are_counted_as_a_reader_meets_them() -> None:
    text = "def run(a, *, b):\n    c = [d for d in a]\n    for e, f in b:\n        with a as g:\n            pass\n"
    (function,) = ast.parse(text).body
    assert isinstance(function, house.Function)
    assert local_names(function) == {"a", "b", "c", "e", "f", "g"}
