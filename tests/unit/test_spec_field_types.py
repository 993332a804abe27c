"""A value of another type than its field's is refused as the declaration is made, and the field is named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import date, datetime
from typing import Any

import pytest

from tallystick.errors import DeclarationError
from tallystick.spec import ablations, features, labels, observations, policy, populations, recipes, validation
from tallystick.spec import algorithms as fitted
from tests.lib.feature_cases import make_group, make_measure

VISITS = "clean.visits"
LABEL = labels.EventLabel(name="again", table=VISITS, window="30d")
RECIPE = recipes.Recipe(name="visits", title="Visits", groups=("visit",), observations="visits")
BAND = policy.Band(pd_below=0.1, decision="refer", limit_minor=1)
SET = observations.ObservationSet(name="visits", key="visit_id", population=observations.Rows(table=VISITS))

# One right value of each class that declaration files are written in.
EVERY_KIND = [
    RECIPE, recipes.RequestFeature(name="x", expression="amount_minor", reason="x"),
    recipes.Variant(name="x", label="again", title="x"), ablations.Ablation(name="x", title="x", drop=("a_*",)),
    ablations.ThinFile(title="x", where="a < 1"),
    validation.Split(), validation.Choice(), validation.Audit(), validation.Gates(), policy.Scale(), BAND,
    policy.Policy(currency="CZK", limit_min_minor=1, limit_max_minor=1, bands=(BAND,)),
    LABEL, labels.OutcomeLabel(name="x"), labels.DelinquencyLabel(name="x"), labels.MissedMonthsLabel(name="x"),
    SET, observations.Rows(table=VISITS), observations.MonthEnds(table=VISITS),
    observations.Nights(table=VISITS), observations.RowsAfter(table=VISITS),
    observations.RowsAtMidnight(table=VISITS),
    observations.Customers(tables=(VISITS,)), observations.Nodes(tables=(VISITS,), dates=(date(2026, 3, 1),)),
    observations.Given(), make_group(make_measure("count")), make_measure("count"),
    features.Share(name="x", a="a", b="b"), features.Ratio(of="a", window="7d", against="30d"),
    features.Change(of="a", windows=("7d",)), features.ZScore(of="a", windows=("7d",), k=3),
    features.Lookup(table=VISITS, on="x", columns=("y",)), fitted.Selection(), fitted.OrdinalScorecard(),
    fitted.Scorecard(), fitted.GradientBoosting(), fitted.Blend(weights={"a": 1, "b": 2}),
]  # fmt: skip


def test_every_class_of_declarations_is_tried() -> None:
    modules = (recipes, ablations, validation, policy, labels, observations, populations, features, fitted)
    made = {kind for module in modules for kind in vars(module).values() if hasattr(kind, "__dataclass_fields__")}
    declared = {kind for kind in made if isinstance(kind, type) and kind.__module__ in {m.__name__ for m in modules}}
    assert declared == {type(one) for one in EVERY_KIND}


@pytest.mark.parametrize("right", EVERY_KIND, ids=lambda one: type(one).__name__)
def test_no_field_takes_what_nothing_is_declared_with(right: Any) -> None:
    for one in fields(right):
        for wrong in (object(), (object(),), {"x": object()}):
            with pytest.raises(DeclarationError, match=f"{one.name} is (of type|a tuple|a dictionary)"):
                replace(right, **{one.name: wrong})


@pytest.mark.parametrize(
    ("right", "given", "says"),
    [
        (RECIPE, {"label": LABEL, "algorithms": (fitted.Scorecard(),)},
         r"recipe visits: label is of type EventLabel \(write its name: label='again'\)"),
        (RECIPE, {"groups": "visit"}, r"recipe visits: groups is a text \(write groups=\('visit',\)\)"),
        (RECIPE, {"seed": "1"}, r"seed is a text \(give a whole number\)"),
        (RECIPE, {"seed": True}, r"seed is True \(give a whole number\)"),
        (RECIPE, {"policy": "none"}, r"policy is a text \(give Policy\(...\) or None\)"),
        (RECIPE, {"split": "time"}, r"split is a text \(give Split\(...\)\)"),
        (RECIPE, {"observations": None}, r"observations is None \(give a text\)"),
        (validation.Split(), {"test_from": "2026-03-01"}, r"split: test_from is a text \(give a date such as"),
        (validation.Split(), {"test_from": datetime(2026, 3, 1)}, "test_from is an instant"),  # noqa: DTZ001 - refused
        (validation.Gates(), {"calibration_slope": (0.3,)}, "calibration_slope is a tuple that holds a number"),
        (labels.OutcomeLabel(name="x"), {"bad": "B"}, r"label x: bad is a text \(write bad=\('B',\)\)"),
        (SET, {"population": observations.Given}, "observation set visits: population is the class Given"),
    ],
)  # fmt: skip
def test_the_sentence_says_what_where_and_what_to_write(right: Any, given: Mapping[str, Any], says: str) -> None:
    with pytest.raises(DeclarationError, match=says):
        replace(right, **given)


def test_whole_numbers_are_numbers_and_lists_may_stand_for_tuples() -> None:
    assert validation.Audit(max_auc=1).max_auc == 1
    assert replace(RECIPE, groups=["visit"]).groups == ["visit"]
    assert validation.Split(test_from=date(2026, 3, 1)).test_from == date(2026, 3, 1)
