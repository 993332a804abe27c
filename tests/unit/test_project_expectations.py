"""Suites are read as the library writes them, and what the library would drop is refused with the nearest name."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tallystick.errors import DeclarationError
from tallystick.project.expectation_schemas import expectation_types, kwarg_faults
from tallystick.project.expectations import load_expectations, read_expectations
from tests.lib.project_folder import SUITE, write_project


def test_a_suite_is_what_its_file_says(tmp_path: Path) -> None:
    suite = load_expectations(write_project(tmp_path))["clean.visits"]
    assert len(suite["expectations"]) == 8
    assert suite["expectations"][1] == {
        "type": "expect_column_values_to_not_be_null",
        "kwargs": {"column": "customer_id"},
        "severity": "critical",
        "meta": {"reason": "Somebody came."},
    }


def test_the_known_types_are_those_of_the_library_without_importing_it() -> None:
    is_loaded = "great_expectations" in sys.modules
    types = expectation_types()
    assert {"expect_column_values_to_not_be_null", "unexpected_rows_expectation"} <= set(types)
    assert len(types) >= 50
    assert not [name for name in types if "expect" not in name]
    assert ("great_expectations" in sys.modules) == is_loaded


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "type: expect_column_values_to_not_be_null, kwargs: {column: customer_id}",
            "type: expect_column_values_not_to_be_null, kwargs: {column: customer_id}",
            r"there is no expectation \w+ \(did you mean expect_column_values_to_not_be_null\?\)",
        ),
        (
            "type: expect_column_values_to_not_be_null, kwargs: {column: customer_id}",
            "type: expect_customers_to_be_polite, kwargs: {column: customer_id}",
            r"there is no expectation \w+ \(see https://greatexpectations.io",
        ),
        ("severity: critical", "severity: fatal", "expectation 1: unknown severity fatal"),
        ("severity: critical,", "", "expectation 1: an expectation has the keys kwargs, meta, severity, type"),
        ("meta: {reason: Somebody came.}", "meta: {}", "expectation 2: meta.reason is missing"),
        ("meta: {reason: Somebody came.}", "meta: {reason: ' '}", "expectation 2: meta.reason is missing"),
        ("kwargs: {column: visit_id}", "kwargs: visit_id", "expectation 3: kwargs is not a mapping"),
        ("name: clean.visits", "name: clean.visit", "its name is clean.visits"),
    ],
)
def test_a_broken_suite_is_refused_with_its_place(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in SUITE
    root = write_project(tmp_path, suite=SUITE.replace(old, new, 1))
    with pytest.raises(DeclarationError, match=message):
        load_expectations(root)


def test_a_suite_that_expects_nothing_is_refused(tmp_path: Path) -> None:
    root = write_project(tmp_path, suite="name: clean.visits\nexpectations: []\n")
    with pytest.raises(DeclarationError, match="expects nothing"):
        load_expectations(root)


def test_every_fault_of_every_suite_is_told_at_once(tmp_path: Path) -> None:
    broken = SUITE.replace("{column: customer_id}", "{column: customer_id, mosty: 0.9}")
    broken = broken.replace("severity: critical, meta: {reason: One visit", "severity: fatal, meta: {reason: One visit")
    broken = broken.replace("{column: event_at}", "{column: event_at, mostly: 95}")
    root = write_project(tmp_path, suite=broken)
    (root / "expectations" / "clean" / "calls.yaml").write_text("name: clean.calls\n", encoding="utf-8")
    suites, problems = read_expectations(root)
    told = [str(problem).partition("expectations/clean/")[2] for problem in problems]
    kind = "expect_column_values_to_not_be_null"
    assert told == [
        "calls.yaml: the suite expects nothing (state at least one expectation)",
        "visits.yaml, expectation 1: unknown severity fatal (one of critical, warning, info)",
        f"visits.yaml, expectation 2: {kind} takes no mosty (did you mean mostly?)",
        f"visits.yaml, expectation 4: mostly: 95 is not what {kind} takes (it takes a number from 0.0 to 1.0)",
    ]
    assert list(suites) == ["clean.visits"]
    assert len(suites["clean.visits"]["expectations"]) == 8


# Also held against the library's own classes, where it is imported anyway (tests/spark/test_quality_gate.py).
KWARGS = [
    ("expect_column_values_to_not_be_null", {"column": "a"}, ""),
    ("expect_column_values_to_not_be_null", {"column": "a", "mostly": 0.995}, ""),
    ("expect_column_values_to_not_be_null", {"column": "a", "mostly": 1}, ""),
    ("expect_column_values_to_not_be_null", {"column": "a", "mostly": 95}, "mostly: 95"),
    ("expect_column_values_to_not_be_null", {"column": "a", "mostly": -0.1}, "mostly: -0.1"),
    ("expect_column_values_to_not_be_null", {"column": "a", "mosty": 0.9}, "takes no mosty"),
    ("expect_column_values_to_not_be_null", {"mostly": 0.9}, "needs column"),
    ("expect_column_values_to_not_be_null", {"column": "a", "condition_parser": "spark", "row_condition": "b"}, ""),
    ("expect_column_values_to_be_in_set", {"column": "a", "value_set": ["x", "y"]}, ""),
    ("expect_column_values_to_be_in_set", {"column": "a", "value_set": "x"}, "value_set"),
    ("expect_column_values_to_be_in_set", {"column": "a", "values": ["x"]}, "takes no values"),
    ("expect_column_values_to_be_between", {"column": "a", "min_value": 0}, ""),
    ("expect_column_values_to_be_between", {"column": "a", "max_value": "2030-01-01"}, ""),
    ("expect_column_values_to_be_between", {"column": "a", "min_value": "soon"}, "min_value"),
    ("expect_column_values_to_be_between", {"column": "a"}, "min_value or max_value"),
    ("expect_compound_columns_to_be_unique", {"column_list": ["a", "b"]}, ""),
    ("expect_compound_columns_to_be_unique", {"column_list": ["a"]}, "two columns"),
    ("expect_compound_columns_to_be_unique", {"column_list": "a"}, "column_list"),
    ("expect_compound_columns_to_be_unique", {"column_list": ["a", "b"], "ignore_row_if": "nevr"}, "one of"),
    ("expect_table_row_count_to_be_between", {"min_value": 1}, ""),
    ("expect_table_row_count_to_be_between", {"min_value": "one"}, "min_value"),
    ("unexpected_rows_expectation", {"unexpected_rows_query": "SELECT * FROM {batch} WHERE a > b"}, ""),
    ("unexpected_rows_expectation", {}, "needs unexpected_rows_query"),
]


@pytest.mark.parametrize(("kind", "kwargs", "message"), KWARGS)
def test_kwargs_are_those_that_the_expectation_takes(kind: str, kwargs: dict[str, object], message: str) -> None:
    found = "; ".join(f"{what} ({fix})" for what, fix in kwarg_faults(kind, kwargs))
    assert (message in found) if message else found == ""


def test_bounds_that_nothing_can_meet_are_told() -> None:
    crossed = {"column": "a", "min_value": 5, "max_value": 1}
    assert "above max_value 1" in str(list(kwarg_faults("expect_column_values_to_be_between", crossed)))
