"""Suites are read as the library writes them, and what the library would drop is refused with the nearest name."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tallystick.errors import DeclarationError
from tallystick.project.expectations import expectation_types, load_expectations
from tests.lib.project_folder import SUITE, write_project


def test_a_suite_is_what_its_file_says(tmp_path: Path) -> None:
    suite = load_expectations(write_project(tmp_path))["clean.visits"]
    assert len(suite["expectations"]) == 6
    assert suite["expectations"][1] == {
        "type": "expect_column_values_to_not_be_null",
        "kwargs": {"column": "customer_id"},
        "severity": "critical",
        "meta": {"reason": "Somebody came."},
    }


def test_the_known_types_are_those_of_the_library_without_importing_it() -> None:
    is_loaded = "great_expectations" in sys.modules
    types = expectation_types()
    assert {"expect_column_values_to_not_be_null", "unexpected_rows_expectation"} <= types
    assert not [name for name in types if "expect" not in name]
    assert ("great_expectations" in sys.modules) == is_loaded


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "type: expect_column_values_to_not_be_null, kwargs: {column: customer_id}",
            "type: expect_column_values_not_to_be_null, kwargs: {column: customer_id}",
            r"there is no expectation \w+ \(the nearest is expect_column_values_to_not_be_null\)",
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
