"""What a chain of runs is made of, and what is refused before anything is done."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from tallystick.errors import DeclarationError
from tallystick.pipeline import Dates, Place, check_night, list_night_steps, list_steps
from tallystick.runs.params import ScoreObservations
from tallystick.spec.recipes import Recipe
from tests.lib.shipped import shipped_project

PLACE = Place(project=Path(), warehouse=Path())
TWO = {"simbank": Path("a"), "berka": Path("b")}


def test_a_recipe_that_trains_is_not_run_on_two_sources() -> None:
    recipe = shipped_project().recipes["cash_loan"]
    with pytest.raises(DeclarationError, match="2 sources are named: berka, simbank.*a recipe for each source"):
        list_steps(recipe, TWO, place=PLACE)


def test_a_recipe_that_only_computes_features_takes_any_number() -> None:
    recipe = Recipe(name="watch", title="Watch", groups=("txn",), observations="daily")
    assert [step.job for step in list_steps(recipe, TWO, place=PLACE)].count("compute_features") == 2


def test_a_night_computes_and_scores_each_other_set_on_its_date_alone() -> None:
    recipe, day = shipped_project().recipes["returning"], date(2026, 4, 2)
    check_night(recipe)
    features, scores = list_night_steps(recipe, "simbank", place=PLACE, dates=Dates(first=day, last=day))
    assert [step.job for step in (features, scores)] == ["compute_features", "score_observations"]
    assert isinstance(scores.params, ScoreObservations)
    assert (scores.params.observations, scores.params.first, scores.params.last) == ("daily", day, day)


def test_a_recipe_that_scores_nobody_else_has_no_night() -> None:
    recipe = shipped_project().recipes["cash_loan"]
    assert list_night_steps(recipe, "simbank", place=PLACE) == []
    with pytest.raises(DeclarationError, match="cash_loan scores nobody but its own observations"):
        check_night(recipe)
