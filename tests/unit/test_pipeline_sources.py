"""One recipe with a label has one champion, so it serves one source: who tries two is told before anything is done."""

from __future__ import annotations

from pathlib import Path

import pytest

from tallystick.errors import DeclarationError
from tallystick.pipeline import Place, list_steps
from tallystick.project import load_project
from tallystick.spec.recipes import Recipe

PLACE = Place(project=Path(), warehouse=Path())
TWO = {"simbank": Path("a"), "berka": Path("b")}


def test_a_recipe_that_trains_is_not_run_on_two_sources(project_root: Path) -> None:
    recipe = load_project(project_root).recipes["cash_loan"]
    with pytest.raises(DeclarationError, match="2 sources are named: berka, simbank.*a recipe for each source"):
        list_steps(recipe, TWO, place=PLACE)


def test_a_recipe_that_only_computes_features_takes_any_number(project_root: Path) -> None:
    recipe = Recipe(name="watch", title="Watch", groups=("txn",), observations="daily")
    assert [step.job for step in list_steps(recipe, TWO, place=PLACE)].count("compute_features") == 2
