"""Which dates are scored when none are named: of what is observed day by day the newest alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tallystick.runs import score_observations
from tallystick.runs.context import RunContext
from tallystick.runs.params import ScoreObservations
from tallystick.runs.run_dates import DateRange
from tallystick.spec.observations import ObservationSet
from tallystick.spec.populations import Customers, MonthEnds, Nights
from tallystick.spec.recipes import Recipe

OLDEST, NEWEST = date(2026, 3, 1), date(2026, 4, 1)
OPEN = "mob < term_months"


@pytest.mark.parametrize(
    ("key", "population", "scored"),
    [
        ("customer_id", Customers(tables=("clean.accounts",)), DateRange(NEWEST, NEWEST)),
        ("loan_id", Nights(table="clean.loans", where=OPEN), DateRange(NEWEST, NEWEST)),
        ("loan_id", MonthEnds(table="clean.loans", where=OPEN), DateRange()),
    ],
)
def test_without_dates_what_is_observed_day_by_day_is_scored_on_the_newest_alone(
    key: str, population: Any, scored: DateRange, monkeypatch: pytest.MonkeyPatch
) -> None:
    declared = ObservationSet(name="asked", key=key, population=population)
    context = cast("RunContext", SimpleNamespace(project=SimpleNamespace(observations={"asked": declared})))
    recipe = Recipe(name="mine", title="Mine", groups=("spend",), observations="asked")
    monkeypatch.setattr(score_observations, "_stored_dates", lambda *_: (OLDEST, NEWEST))
    params = ScoreObservations(project=Path(), warehouse=Path(), recipe="mine", source="bank")
    assert score_observations._settle_dates(params, context, recipe) == scored
    named = replace(params, first=OLDEST)
    assert score_observations._settle_dates(named, context, recipe) == DateRange(OLDEST, None)
