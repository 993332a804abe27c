"""What needs two files to be seen: twins, lineage, names, and columns that somebody else speaks of."""

from __future__ import annotations

from pathlib import Path

import pytest

from tallystick.project import load_project
from tallystick.project.checks import check_project
from tallystick.project.grammar import name_faults
from tallystick.spec.tables import Column
from tests.lib.project_folder import CONTRACT, GROUP, SUITE, write_project


def problems(root: Path) -> str:
    """What is wrong with the project, as text."""
    return "\n".join(str(problem) for problem in check_project(load_project(root)))


def test_a_whole_project_has_no_problem(tmp_path: Path) -> None:
    assert problems(write_project(tmp_path)) == ""


def test_a_table_without_its_twin_is_a_problem_either_way(tmp_path: Path) -> None:
    root = write_project(tmp_path, suite="")
    assert "table clean.visits has no expectations (write expectations/clean/visits.yaml)" in problems(root)
    other = SUITE.replace("clean.visits", "clean.calls")
    (root / "expectations" / "clean" / "calls.yaml").write_text(other, encoding="utf-8")
    assert "there is no table clean.calls (write schemas/clean/calls.yaml)" in problems(root)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("value: [raw.*]", "value: [score.applications]", "derived from score.applications, not an earlier layer"),
        ("value: [raw.*]", "value: [clean.visits]", "derived from clean.visits, not an earlier layer"),
        ("value: [raw.*]", "value: [raw.visits]", "derived from raw.visits, which does not exist"),
        ("      - {property: derivedFrom, value: [raw.*]}\n", "", "does not say what it is derived from"),
        ("{name: purpose", "{name: purposeOfVisit", "column purposeOfVisit is not lower_snake_case"),
    ],
)
def test_lineage_and_names_of_a_contract_are_checked(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in CONTRACT
    assert message in problems(write_project(tmp_path, contract=CONTRACT.replace(old, new, 1)))


def test_expectations_speak_of_columns_that_exist(tmp_path: Path) -> None:
    found = problems(write_project(tmp_path, suite=SUITE.replace("column: purpose", "column: aim")))
    assert "expectation 6: table clean.visits has no column aim" in found


def test_what_the_contract_promises_is_expected(tmp_path: Path) -> None:
    kept = SUITE.splitlines(keepends=True)
    without_last = "".join(kept[:-2])
    found = problems(write_project(tmp_path, suite=without_last))
    assert "the contract promises expect_column_values_to_be_in_set of purpose, unexpected" in found
    tolerant = SUITE.replace("{column: visit_id}", "{column: visit_id, mostly: 0.9}")
    found = problems(write_project(tmp_path, suite=tolerant))
    assert "the contract promises expect_column_values_to_not_be_null of visit_id, unexpected" in found


def test_groups_speak_of_tables_and_columns_that_exist(tmp_path: Path) -> None:
    found = problems(write_project(tmp_path, group=GROUP.replace("clean.visits", "clean.calls")))
    assert "visits.py:5" in found
    assert "clean.calls" in found
    with_column = GROUP.replace('ops="count"', 'ops="count", where="lenght > 3"')
    assert "lenght" in problems(write_project(tmp_path, group=with_column))


RECIPE = """\
from tallystick.spec.recipes import Recipe, RequestFeature

VISITS = Recipe(
    name="visits",
    title="Visits",
    groups=("visit",),
    observations="visits",
    request=(RequestFeature(name="size", expression="amount_minor", per="visit_any_count_30d", reason="Size"),),
)
"""


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("", "", ""),
        ('groups=("visit",)', 'groups=("visits",)', "no known feature group visits (did you mean visit?)"),
        ('observations="visits"', 'observations="visit"', "no known observation set visit (did you mean visits?)"),
        ("visit_any_count_30d", "visit_any_count_60d", "visit_any_count_60d"),
        ('expression="amount_minor"', 'expression="wealth"', "wealth"),
    ],
)
def test_recipes_name_what_exists(tmp_path: Path, old: str, new: str, message: str) -> None:
    root = write_project(tmp_path)
    (root / "recipes" / "visits.py").write_text(RECIPE.replace(old, new), encoding="utf-8")
    found = problems(root)
    assert (message in found and "recipes/visits.py:3" in found) if message else found == ""


def test_a_file_that_cannot_be_loaded_is_one_problem(tmp_path: Path) -> None:
    found = check_project(load_project(write_project(tmp_path, group="x = (\n")))
    assert len(found) == 1
    assert "not Python" in str(found[0])


@pytest.mark.parametrize(
    ("name", "kind", "is_good"),
    [
        ("opened_at", "timestamp", True),
        ("as_of", "timestamp", True),
        ("opened", "timestamp", False),
        ("opened_at", "string", False),
        ("due_date", "date", True),
        ("known_on", "date", True),
        ("due", "date", False),
        ("is_missed", "boolean", True),
        ("missed", "boolean", False),
        ("is_missed", "string", False),
        ("account_id", "string", True),
        ("account_id", "int64", False),
        ("amount_minor", "int64", True),
        ("amount_minor", "double", False),
        ("amount", "int64", False),
        ("amount_out_minor", "int64", True),
        ("instalment_number", "int32", True),
        ("duration_seconds", "int64", True),
        ("duration", "int64", False),
        ("term_months", "int32", True),
        ("average_salary_minor", "int64", True),
        ("unemployment_percent", "double", True),
        ("unemployment_percent", "int64", False),
        ("crimes", "int64", True),
        ("Crimes", "int64", False),
        ("crimes__before", "int64", False),
    ],
)
def test_a_name_promises_a_type_and_a_unit(name: str, kind: str, is_good: bool) -> None:
    assert (name_faults(Column(name=name, type=kind)) == []) is is_good
