"""What a chain of runs is made of, and what is refused before anything is done."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tallystick.cli.running import parse_sources
from tallystick.entrypoint import perform
from tallystick.errors import DeclarationError, InputError
from tallystick.pipeline import Dates, Place, check_night, list_night_steps, list_steps
from tallystick.runs.params import ApplyRules, ScoreObservations, UpdateWatchlist
from tallystick.spec.recipes import Recipe
from tests.lib.shipped import shipped_project

PLACE = Place(project=Path(), warehouse=Path())
WHERE: Any = {"project": Path(), "warehouse": Path()}
TWO = {"simbank": Path("a"), "berka": Path("b")}


def test_a_recipe_that_trains_is_not_run_on_two_sources() -> None:
    recipe = shipped_project().recipes["cash_loan"]
    with pytest.raises(DeclarationError, match="2 sources are named: berka, simbank.*a recipe for each source"):
        list_steps(recipe, TWO, place=PLACE)


def test_a_source_that_is_named_twice_is_refused(tmp_path: Path) -> None:
    """One of its folders would be left out without a word."""
    project, texts = shipped_project(), [f"simbank={tmp_path}", f"berka={tmp_path}"]
    assert parse_sources(texts, project) == {"simbank": tmp_path, "berka": tmp_path}
    with pytest.raises(DeclarationError, match="--source simbank is named twice"):
        parse_sources([*texts, f"simbank={tmp_path}"], project)


def test_dates_that_end_before_they_begin_are_refused_before_anything_is_done() -> None:
    first, last = date(2026, 4, 2), date(2026, 4, 1)
    for begin in (
        lambda: Dates(first=first, last=last),
        lambda: perform(ApplyRules(**WHERE, source="simbank", observations="daily", first=first, last=last)),
        lambda: perform(UpdateWatchlist(**WHERE, source="simbank", watch_list="w", first=first, last=last)),
    ):
        with pytest.raises(InputError, match="--from 2026-04-02 is after --to 2026-04-01"):
            begin()
    assert Dates(first=last, last=last).last == last


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
