"""docs/recipes.md is what the classes say, and its example loads, checks clean and uses every field of a recipe."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from tallystick.project import load_project
from tallystick.project.checks import check_project
from tallystick.project.recipe_checks import check_recipe_on_source
from tallystick.project.recipe_page import COMMAND, EXAMPLE, recipe_page
from tallystick.spec.recipes import Recipe
from tests.lib.adding import copy_declarations

# Said of a recipe only where it is out of the ordinary; the page explains them.
LEFT_OUT = {"also_scored", "retrospective", "permitted_use"}


def test_the_page_of_recipes_is_current(project_root: Path) -> None:
    page = (project_root / "docs" / "recipes.md").read_text(encoding="utf-8")
    assert page == recipe_page(), f"print it again: {COMMAND}"


def test_the_example_is_a_recipe_that_can_run(tmp_path: Path) -> None:
    root = copy_declarations(tmp_path)
    (root / "recipes" / "small_loan.py").write_text(EXAMPLE, encoding="utf-8")
    project = load_project(root)
    assert check_project(project) == []
    assert check_recipe_on_source(project, project.recipes["small_loan"], project.sources["simbank"]) == []


def test_the_example_names_every_field_of_a_recipe() -> None:
    named = set(re.findall(r"^    (\w+)=", EXAMPLE, flags=re.MULTILINE))
    assert {one.name for one in fields(Recipe)} == named | LEFT_OUT
