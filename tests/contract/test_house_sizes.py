"""Sizes: files, functions and parameter lists stay small enough to read in one go."""

from __future__ import annotations

import pytest

from tests.lib import architecture, house

LONGEST_FILE = 400
LONGEST_FUNCTION = 60
MOST_PARAMETERS = 6
# Aim at two. Three still read well where they are of equal rank, as in `share_name(group, name, window)`.
MOST_POSITIONAL = 3

# Path, or "path::function": why it may be larger.
FILE_EXCEPTIONS: dict[str, str] = {}
FUNCTION_EXCEPTIONS: dict[str, str] = {}
PARAMETER_EXCEPTIONS: dict[str, str] = {}
_ARRAYS = "arrays in the order of the formula, as NumPy's own functions take them"
_COMPILED = "compiled code takes arguments by place only"
_DATA = "where, what, and the data, in the order of the sentence; options by keyword"
_FIT = "one shape for every algorithm: what to fit, on what, against what"
POSITIONAL_EXCEPTIONS: dict[str, str] = {
    "tallystick/features/stage.py::compute_work": _DATA,
    "tallystick/graph/cycle_loops.py::walk_cycles": _COMPILED,
    "tallystick/graph/flow_loops.py::label_components": _COMPILED,
    "tallystick/graph/flow_loops.py::push_rank": _COMPILED,
    "tallystick/graph/flow_loops.py::pull_scores": _COMPILED,
    "tallystick/graph/neighbour_loops.py::find_flags": _COMPILED,
    "tallystick/graph/neighbour_loops.py::count_links": _COMPILED,
    "tallystick/graph/neighbour_loops.py::measure_rows": _COMPILED,
    "tallystick/graph/others_loops.py::push_walks": _COMPILED,
    "tallystick/graph/others_loops.py::count_labels": _COMPILED,
    "tallystick/graph/others_loops.py::count_blocks": _COMPILED,
    "tallystick/graph/others_loops.py::walk_back": _COMPILED,
    "tallystick/graph/pair_loops.py::measure_pairs": _COMPILED,
    "tallystick/graph/row_loops.py::place_ties": _COMPILED,
    "tallystick/graph/row_loops.py::place_both": _COMPILED,
    "tallystick/graph/row_loops.py::cut_rows": _COMPILED,
    "tallystick/ingest/delivered_files.py::read_batches": _DATA,
    "tallystick/kernel/exact.py::reduce_ranges": _ARRAYS,
    "tallystick/kernel/formulas.py::derive": _ARRAYS,
    "tallystick/kernel/history.py::find": _ARRAYS,
    "tallystick/kernel/loops.py::keep_by_code": _ARRAYS,
    "tallystick/spec/names.py::ratio_name": "the words of a name in their order",
    "tallystick/tables/store/parquet_files.py::write_file": _DATA,
    "tallystick/tables/store/frames.py::replace": _DATA,
    "tallystick/tables/landing/raw_folder.py::land": _DATA,
    "tallystick/kernel/visible_loops.py::find_last": _COMPILED,
    "tallystick/training/audit.py::audit_training_set": _DATA,
    "tallystick/model/boosting.py::fit_boosting": _FIT,
    "tallystick/model/ordinal.py::fit_ordinal": _FIT,
    "tallystick/model/scorecard.py::fit_scorecard": _FIT,
    "tallystick/training/train.py::check_gates": _DATA,
}


def test_files_have_at_most_400_lines() -> None:
    found = [
        f"{source.path}: {lines} lines"
        for source in house.sources(*house.CODE, "tests")
        if (lines := source.text.count("\n")) > LONGEST_FILE and source.path not in FILE_EXCEPTIONS
    ]
    assert not found, house.listed(found)


def test_functions_have_at_most_60_lines() -> None:
    found = []
    for source in house.sources(*house.CODE, "tests"):
        for name, function in house.functions(source):
            lines = (function.end_lineno or 0) - function.lineno + 1
            if lines > LONGEST_FUNCTION and f"{source.path}::{name}" not in FUNCTION_EXCEPTIONS:
                found.append(f"{source.at(function)} {name}: {lines} lines")
    assert not found, house.listed(found)


def test_functions_take_at_most_6_parameters() -> None:
    found = []
    for source in house.sources(*house.CODE):
        for name, function in house.functions(source):
            # The parameters of a command are its options on the command line, not a list that callers must write.
            if "command" in house.decorator_names(function) or f"{source.path}::{name}" in PARAMETER_EXCEPTIONS:
                continue
            positional, keyword = house.parameters(function)
            if len(positional) + len(keyword) > MOST_PARAMETERS:
                found.append(f"{source.at(function)} {name}: {len(positional) + len(keyword)} parameters")
    assert not found, house.listed(found)


def test_public_functions_take_keywords_after_the_first_parameters() -> None:
    found = []
    for source in house.sources("tallystick", "jobs"):
        for name, node in house.public_definitions(source):
            if not isinstance(node, house.Function) or "command" in house.decorator_names(node):
                continue
            positional, _ = house.parameters(node)
            if len(positional) > MOST_POSITIONAL and f"{source.path}::{name}" not in POSITIONAL_EXCEPTIONS:
                found.append(f"{source.at(node)} {name}({', '.join(positional)})")
    assert not found, house.listed(found)


def test_a_chain_of_imports_passes_at_most_14_modules() -> None:
    # What only annotations need belongs under TYPE_CHECKING; inside the package a module is imported, not its door.
    chain = architecture.longest_chain()
    assert len(chain) <= architecture.LONGEST_CHAIN, f"{len(chain)} modules: {house.listed(chain)}"


@pytest.mark.parametrize(
    "exceptions", [FILE_EXCEPTIONS, FUNCTION_EXCEPTIONS, PARAMETER_EXCEPTIONS, POSITIONAL_EXCEPTIONS]
)
def test_every_exception_has_a_reason_and_a_subject(exceptions: dict[str, str]) -> None:
    known = set()
    for source in house.sources(*house.CODE, "tests"):
        known |= {source.path} | {f"{source.path}::{name}" for name, _ in house.functions(source)}
    assert all(len(reason.split()) > 3 for reason in exceptions.values())
    assert not [name for name in exceptions if name not in known]
