"""Every run tells how far it is: whoever starts one watches it, and what takes long in it is watched by its shares."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tallystick.runs.fields import Params
from tallystick.runs.params import RUNS
from tests.lib import house

# Run -> the module of ``runs`` that does its long part.
ELSEWHERE = {"compact_events": "layout", "compute_graph": "graph_tables", "rebucket_source": "layout"}

# Run -> why its parts are not watched; its own name and time are told all the same.
WITHOUT = {"write_report": "it asks some ten questions of stored tables and takes a second"}

# Caller::called -> why nobody hears how far that is.
UNHEARD = {
    "report_vintages::_fit_last": "its models are many and small: each is a part",
}


def calls(tree: ast.AST, name: str) -> Iterator[ast.Call]:
    """The calls of a function or method by its bare name."""
    for node in house.nodes(tree):
        if isinstance(node, ast.Call) and name in (getattr(node.func, "id", ""), getattr(node.func, "attr", "")):
            yield node


def source_of(path: str) -> house.Source:
    (found,) = [source for source in house.sources("tallystick") if source.path == f"tallystick/{path}.py"]
    return found


@pytest.mark.parametrize("params", RUNS, ids=lambda params: params.job)
def test_the_long_part_of_every_run_is_watched(params: type[Params]) -> None:
    job = params.job
    module = source_of(f"runs/{ELSEWHERE.get(job, job)}").tree
    heard = [item for node in house.nodes(module) if isinstance(node, ast.With) for item in node.items]
    is_watched = any(item.optional_vars is not None and any(calls(item.context_expr, "working")) for item in heard)
    # The resources of a load hand the same function on.
    is_watched |= any(keyword.arg == "working" for call in calls(module, "LoadResources") for keyword in call.keywords)
    assert is_watched != (job in WITHOUT)


@pytest.mark.parametrize("name", ["start", "perform"])
def test_whoever_starts_a_run_watches_the_whole_of_it(name: str) -> None:
    (starter,) = [function for called, function in house.functions(source_of("entrypoint")) if called == name]
    watched = [
        node
        for node in house.nodes(starter)
        if isinstance(node, ast.With) and any(any(calls(item.context_expr, "working")) for item in node.items)
    ]
    assert len(list(calls(starter, "run"))) == 1
    assert any(any(calls(one, "run")) for one in watched)


def test_whoever_calls_what_can_tell_how_far_it_is_hears_it() -> None:
    telling = {}
    for source in house.sources("tallystick"):
        telling[source.path] = {name for name, function in house.functions(source) if _can_tell(name, function)}
    public = {name for names in telling.values() for name in names if not name.startswith("_")}
    assert {"run_tasks", "compute_buckets", "train_model", "validate"} <= public
    unheard = [
        f"{caller}::{called}"
        for source in house.sources("tallystick")
        for caller, function in house.functions(source)
        for called in public | telling[source.path]
        for call in calls(function, called)
        if _is_of_ours(call) and not any(keyword.arg == "how_far" for keyword in call.keywords)
    ]
    assert sorted(unheard) == sorted(UNHEARD)


def _can_tell(name: str, function: house.Function) -> bool:
    arguments = [one.arg for one in function.args.kwonlyargs]
    return "how_far" in arguments and "." not in name


def _is_of_ours(call: ast.Call) -> bool:
    """A function, or one of a module of the package; a method of that name belongs to a library's object."""
    if isinstance(call.func, ast.Attribute):
        modules = {Path(source.path).stem for source in house.sources("tallystick")}
        return isinstance(call.func.value, ast.Name) and call.func.value.id in modules
    return True
