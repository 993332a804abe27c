"""What a recipe may decide by: features permitted for its use, protected attributes only where it says why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

from tallystick.errors import DeclarationError, ModelError
from tallystick.project.recipe_checks import recipe_problems
from tallystick.report.blocks import Note, Table
from tallystick.report.model_sections import ModelFacts, permission_section
from tallystick.spec.columns import group_columns
from tallystick.spec.features import Derived, FeatureGroup, Lookup, Measure, Months, Ratio, Share
from tallystick.spec.observations import ObservationSet, Rows
from tallystick.spec.permissions import protected_sources, tell_protected
from tallystick.spec.recipes import Ablation, RequestFeature
from tallystick.spec.tables import Column, TableContract
from tallystick.training.vectors import VectorPlan, check_model_inputs, plan_vectors
from tests.lib.shipped import shipped_project
from tests.lib.training_sets import make_recipe


def table(name: str, *own: Column, event_id: str) -> TableContract:
    ids = [Column(name=one, type="string", required=True) for one in dict.fromkeys((event_id, "customer_id"))]
    times = (
        Column(name="event_at", type="timestamp", required=True),
        Column(name="known_on", type="date", required=True),
        Column(name="is_retracted", type="boolean", required=True),
    )
    return TableContract(
        name=name, description="", grain="", owner="data", columns=(*ids, *times, *own), key=(event_id, "known_on"),
        entity="customer_id", event_id=event_id, event_at="event_at", known_on="known_on",
    )  # fmt: skip


REGIONS = TableContract(
    name="clean.names", description="", grain="", owner="data", key=("gender",), event_id="gender",
    event_at="event_at", known_on="known_on",
    columns=(
        Column(name="gender", type="string", required=True, protected=True),
        Column(name="event_at", type="timestamp", required=True),
        Column(name="known_on", type="date", required=True),
        Column(name="title", type="string"),
    ),
)  # fmt: skip
CONTRACTS = {
    "clean.people": table(
        "clean.people",
        Column(name="gender", type="string", protected=True),
        Column(name="born_at", type="timestamp", protected=True),
        Column(name="income_minor", type="int64"),
        Column(name="job", type="string"),
        event_id="fact_id",
    ),
    "clean.applications": table(
        "clean.applications",
        Column(name="amount_minor", type="int64"),
        Column(name="sex", type="string", protected=True),
        event_id="application_id",
    ),
    "clean.names": REGIONS,
}
APPLICATIONS = ObservationSet(name="applications", key="application_id", population=Rows(table="clean.applications"))
INCOME = Measure(name="income", value="income_minor", ops="sum", reason="Income")


def group(*measures: Measure, derived: tuple[Derived, ...] = (), **more: Any) -> FeatureGroup:
    return FeatureGroup(
        name="who", table="clean.people", owner="risk", windows=("30d",), measures=measures or (INCOME,),
        derived=derived, **more,
    )  # fmt: skip


def measure(value: str = "income_minor", **more: Any) -> Measure:
    return Measure(**{"name": "it", "ops": "sum", "reason": "It", "value": value, **more})


def planned(declared: FeatureGroup, *request: RequestFeature, **more: Any) -> VectorPlan:
    recipe = replace(make_recipe(), groups=("who",), request=request, ablations=(), **more)
    return plan_vectors(recipe, {"who": declared}, CONTRACTS, observed=APPLICATIONS)


WOMAN = measure("CASE WHEN gender = 'female' THEN 1 ELSE 0 END")

WAYS_IN: Mapping[str, FeatureGroup] = {
    "its value": group(WOMAN),
    "in other letters": group(measure("case when gender = 'female' then 1 else 0 end")),
    "its condition": group(measure(where="gender = 'female'")),
    "a filter": group(measure(filters=("women",)), filters={"women": "gender = 'female'"}),
    "a category": group(measure(by="gender"), by={"gender": ("female",)}),
    "what the whole group counts": group(where="gender <> 'female'"),
    "the time of its events": group(event_at="born_at"),
    "sums per value": group(measure(ops="mean", each="gender")),
    "a lookup by it": group(
        measure("CASE WHEN title = 'Mrs' THEN 1 ELSE 0 END"),
        lookups=(Lookup(table="clean.names", on="gender", columns=("title",)),),
    ),
}


@pytest.mark.parametrize("way", WAYS_IN)
def test_a_protected_attribute_is_found_whichever_way_it_comes_in(way: str) -> None:
    with pytest.raises(DeclarationError, match=r"recipe small_loan: it uses who_.* protected attribute") as told:
        planned(WAYS_IN[way])
    assert "leave_out=(" in told.value.fix
    assert "allow_protected={" in told.value.fix


DERIVED: Mapping[str, Derived] = {
    "a share of it": Share(name="part", a="income_sum", b="it_sum", reason="Part"),
    "its share": Share(name="part", a="it_sum", b="income_sum", reason="Part"),
    "a ratio of it": Ratio(of="it_sum", window="30d", against="60d", reason="Ratio"),
    "its months": Months(name="part", value="income_sum + it_sum", ops="mean", windows=("3m",), reason="Months"),
}


@pytest.mark.parametrize("way", DERIVED)
def test_what_is_derived_from_a_protected_feature_is_protected(way: str) -> None:
    declared = group(INCOME, WOMAN, derived=(DERIVED[way],))
    by_name = {column.name: column for column in group_columns(declared, CONTRACTS)}
    found = {name: protected_sources(declared, column, CONTRACTS) for name, column in by_name.items()}
    assert found.pop("who_income_sum_30d") == ()
    assert set(found.values()) == {("clean.people.gender",)}
    assert len(found) == 2
    # The feature it is made of is left out; it is refused all the same.
    with pytest.raises(DeclarationError, match=r"made of clean\.people\.gender, a protected attribute"):
        planned(declared, leave_out=("who_it_sum_30d",))


def asking(expression: str = "amount_minor", **more: Any) -> RequestFeature:
    return RequestFeature(**{"name": "asked", "expression": expression, "reason": "Asked", **more})


ALLOWED = {"who_it_*": "The law of this country asks for it"}


@pytest.mark.parametrize(
    ("request_feature", "says"),
    [
        (asking("CASE WHEN sex = 'f' THEN 1 ELSE 0 END"), "made of clean.applications.sex, a protected attribute"),
        (asking("who_it_sum_30d"), "made of who_it_sum_30d, a protected attribute"),
        (asking(per="who_it_sum_30d"), "made of who_it_sum_30d, a protected attribute"),
        (asking(pii="sensitive"), "of PII class sensitive"),
        (asking(permitted_use="fraud review"), "permitted for fraud review, not for credit decisions"),
    ],
)
def test_a_request_feature_is_held_to_the_same(request_feature: RequestFeature, says: str) -> None:
    declared = group(INCOME, WOMAN)
    with pytest.raises(DeclarationError, match=r"recipe small_loan, request feature asked") as told:
        planned(declared, request_feature, allow_protected=ALLOWED)
    assert says in told.value.what
    if "protected" in says or "sensitive" in says:  # with a reason of its own, it may
        plan = planned(declared, request_feature, allow_protected={**ALLOWED, "request_asked": "It says so"})
        assert plan.features[-1].name == "request_asked"


def test_what_is_left_out_is_in_no_vector_and_no_request_can_read_it() -> None:
    declared = group(INCOME, WOMAN)
    plan = planned(declared, leave_out=("who_it_*",))
    assert [feature.name for feature in plan.features] == ["who_income_sum_30d"]
    assert plan.columns == {"who": ("who_income_sum_30d",)}
    with pytest.raises(DeclarationError, match="it reads who_it_sum_30d, which the recipe leaves out"):
        planned(declared, asking("who_it_sum_30d"), leave_out=("who_it_*",))


def test_a_model_that_learned_from_what_is_now_left_out_scores_nobody() -> None:
    plan = planned(group(INCOME, WOMAN), leave_out=("who_it_*",))
    with pytest.raises(ModelError, match="who_it_sum_30d is left out by the recipe"):
        check_model_inputs(plan, ["who_income_sum_30d", "who_it_sum_30d"], model="loan/3")


FRAUD = measure(permitted_use="fraud review, early warning")


@pytest.mark.parametrize(
    ("declared", "says"),
    [
        (group(permitted_use="marketing"), "who_income_sum_30d, which is permitted for marketing, not for credit"),
        (group(INCOME, FRAUD), "who_it_sum_30d, which is permitted for fraud review, early warning, not for credit"),
        (
            group(INCOME, replace(FRAUD, windows=("7d", "30d"))),
            "who_it_sum_7d and 1 more, which are permitted for fraud review, early warning",
        ),
        # Made of a feature that is permitted for one use and one that is for another: for none.
        (
            group(INCOME, FRAUD, derived=(Share(name="part", a="income_sum", b="it_sum", reason="Part"),)),
            "who_part_share_30d, which is permitted for no use",
        ),
        (group(measure(pii="sensitive")), "who_it_sum_30d, which is of PII class sensitive"),
    ],
)
def test_a_feature_for_another_use_is_refused(declared: FeatureGroup, says: str) -> None:
    left_out = ("who_it_*",) if "part" in says else ()
    with pytest.raises(DeclarationError) as told:
        planned(declared, leave_out=left_out)
    assert f"it uses {says}" in told.value.what
    assert "leave_out=" in told.value.fix


def test_the_advice_names_features_by_what_they_begin_with() -> None:
    sensitive = replace(WOMAN, windows=("7d", "30d"), ops=("sum", "mean"))
    more = measure("CASE WHEN gender = 'male' THEN 1 ELSE 0 END", name="item")
    with pytest.raises(DeclarationError) as told:
        planned(group(INCOME, sensitive, more, measure(name="it_is")))
    # Not who_it_*, which would match what is free to use, too.
    assert told.value.fix.startswith('leave_out=("who_it_mean_*", "who_it_sum_*", "who_item_sum_30d",), or say why')
    assert 'allow_protected={"who_it_mean_*": "reason", "who_it_sum_*": "reason", "who_item_sum_' in told.value.fix


def test_no_reason_makes_up_for_a_use_that_is_not_permitted() -> None:
    with pytest.raises(DeclarationError, match="permitted for marketing") as told:
        planned(group(WOMAN, permitted_use="marketing"), allow_protected=ALLOWED)
    assert told.value.fix == 'leave_out=("who_it_sum_30d",), or have its owner, risk, permit it'


def test_a_feature_for_several_uses_is_used_for_each() -> None:
    both = group(permitted_use="credit decisions, fraud review")
    assert planned(both).features
    assert planned(both, permitted_use="fraud review").features


def test_a_derived_feature_has_the_highest_class_of_what_it_is_made_of() -> None:
    declared = group(INCOME, measure(pii="sensitive"), derived=(DERIVED["a share of it"],))
    assert [column.pii for column in group_columns(declared, CONTRACTS)] == ["pseudonymous", "sensitive", "sensitive"]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"leave_out": ("who_it_*", "who_else_*")}, "leave_out names who_else_*, which is no feature of its groups"),
        (
            {"allow_protected": {**ALLOWED, "who_income_*": "why"}},
            "allow_protected names who_income_*, and the recipe uses no",
        ),
        ({"allow_protected": ALLOWED, "leave_out": ("who_it_*",)}, "allow_protected names who_it_*"),
        ({"allow_protected": {"*": "why"}}, "which says of no feature that it is needed"),
        ({"allow_protected": {"who_it_*": " "}}, "no reason is given to use who_it_*"),
        ({"leave_out": ("who_it_*",), "permitted_use": "credit"}, "unknown use 'credit'"),
        ({"leave_out": ("who_it_*",), "permitted_use": "credit decisions, marketing"}, "a recipe is for one use"),
    ],
)
def test_what_permits_nothing_or_everything_is_refused(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(DeclarationError) as told:
        planned(group(INCOME, WOMAN), **changes)
    assert says in told.value.what


def test_unknown_uses_and_classes_are_refused_where_they_are_declared() -> None:
    for make, says in (
        (lambda: group(permitted_use="credit"), "unknown use 'credit'"),
        (lambda: group(measure(permitted_use="scoring")), "unknown use 'scoring'"),
        (lambda: asking(permitted_use="scoring"), "unknown use 'scoring'"),
        (lambda: asking(pii="secret"), "unknown PII class secret"),
    ):
        with pytest.raises(DeclarationError, match=says):
            make()


def test_the_check_of_the_project_tells_it_too() -> None:
    project = shipped_project()
    recipe = project.recipes["cash_loan"]
    others = tuple(name for name in recipe.leave_out if name != "customers_birth_age_days_all")
    (told,) = recipe_problems(project, replace(recipe, leave_out=others))
    assert told.what.startswith("it uses customers_birth_age_days_all, which is made of clean.customers.birth_date, a")
    spending = Ablation(name="consumption", title="spending", drop=("consumption_*",))
    omitted = replace(recipe, leave_out=(*recipe.leave_out, "consumption_*"), ablations=(spending,))
    found = [problem.what for problem in recipe_problems(project, omitted)]
    assert "ablation consumption names consumption_*, which the recipe leaves out" in found
    assert "it reads consumption_earned_sum_90d, which the recipe leaves out" in found


def test_the_page_prints_why_a_protected_attribute_is_used_and_by_which_inputs() -> None:
    recipe = replace(make_recipe(), allow_protected=ALLOWED, leave_out=("who_old_*",))
    facts = ModelFacts(
        name="m", params={}, metrics={}, tables={"weights": pd.DataFrame({"feature": ["who_it_sum_30d", "other"]})}
    )
    protected = {"who_it_sum_30d": "clean.a.gender", "who_it_sum_90d": "clean.a.gender", "other": "clean.a.age"}
    blocks = permission_section(recipe, facts, protected=protected).blocks
    (shown,) = [block for block in blocks if isinstance(block, Table)]
    assert list(shown.rows) == [("who_it_*", "clean.a.gender", "The law of this country asks for it", "who_it_sum_30d")]
    assert [block.tone for block in blocks if isinstance(block, Note)] == ["plain", "warning", "plain"]
    plain = permission_section(make_recipe(), None, protected={}).blocks
    assert [block.tone for block in plain if isinstance(block, Note)] == ["plain", "good"]


def test_what_is_protected_of_the_shipped_features_is_told_by_column_or_class() -> None:
    project = shipped_project()
    told = tell_protected(project.feature_groups.values(), project.contracts)
    assert told["customers_birth_age_days_all"] == "clean.customers.birth_date"
    assert "transactions_debit_sum_30d" not in told
    columns = [one for group in project.feature_groups.values() for one in group_columns(group, project.contracts)]
    assert {one.name for one in columns if one.pii == "sensitive"} <= told.keys()
