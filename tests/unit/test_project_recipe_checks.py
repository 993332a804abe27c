"""Whether a recipe can run on a source is told before any data is read, all at once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tallystick.cli.running import run_recipe
from tallystick.errors import DeclarationError
from tallystick.pipeline import Dates
from tallystick.project import Project, load_project
from tallystick.project.recipe_checks import check_recipe_on_source, recipe_problems
from tallystick.project.watch_list_checks import watch_list_problems
from tallystick.spec.ablations import Ablation, ThinFile
from tests.lib.shipped import shipped_project


@pytest.fixture(scope="module")
def project() -> Project:
    """The declarations of the checkout."""
    return shipped_project()


def told(project: Project, recipe: str, source: str) -> list[str]:
    """What the recipe would miss, without places."""
    return [p.what for p in check_recipe_on_source(project, project.recipes[recipe], project.sources[source])]


@pytest.mark.parametrize(
    ("recipe", "source"), [("cash_loan", "simbank"), ("consumer_loan", "berka"), ("social_activity", "copenhagen")]
)
def test_a_recipe_misses_nothing_on_its_own_source(project: Project, recipe: str, source: str) -> None:
    assert told(project, recipe, source) == []


def test_every_table_that_a_source_lacks_is_told_with_who_needs_it(project: Project) -> None:
    found = told(project, "cash_loan", "berka")
    needed = {
        "applicant_facts": "group applicant",
        "behaviour_events": "group hobbies",
        "device_events": "group devices",
        "employment": "group employment",
        "group_memberships": "group chat_groups",
        "group_messages": "group chats and group employment",
        "groups": "group chat_groups",
        "households": "group households",
        "identity_checks": "group identity",
        "location_events": "group trajectory and group employment",
        "relationships": "group relationships",
        "repayments": "label dpd30_in_90_days",
        "social_events": "group social and group rhythm",
        "wallpaper_changes": "group wallpaper",
    }
    assert found == [
        *(f"berka does not fill clean.{name}, which recipe cash_loan needs for {who}" for name, who in needed.items()),
        "recipe cash_loan lends CNY, the amounts of berka are CZK",
    ]


def test_a_table_of_customers_is_needed_by_its_groups_alone(project: Project) -> None:
    source = project.sources["simbank"]
    fewer = replace(source, tables={name: table for name, table in source.tables.items() if name != "customers"})
    found = [p.what for p in check_recipe_on_source(project, project.recipes["cash_loan"], fewer)]
    needs = "which recipe cash_loan needs for group employment and group customers"
    assert found == [f"simbank does not fill clean.customers, {needs}"]


def test_a_set_that_nobody_of_the_source_is_in_is_told(project: Project) -> None:
    recipe = replace(project.recipes["social_activity"], groups=("transactions",))
    found = [p.what for p in check_recipe_on_source(project, recipe, project.sources["berka"])]
    assert found == ["berka fills no table that observations contacts are drawn from"]


def test_groups_of_another_key_than_the_observations_are_told(project: Project) -> None:
    per_account = replace(project.feature_groups["transactions"], per="account_id")
    groups = {**project.feature_groups, "transactions": per_account}
    other = load_project(project.root)
    other.__dict__["feature_groups"] = groups  # as if its file said so
    found = [p.what for p in check_recipe_on_source(other, other.recipes["cash_loan"], other.sources["simbank"])]
    assert found == [
        "group transactions counts rows per account_id, the observations have the key application_id",
    ]


def test_what_the_recipe_names_and_does_not_exist_is_told_too(project: Project) -> None:
    recipe = replace(project.recipes["cash_loan"], groups=("social", "socail"), observations="aplications")
    found = [p.what for p in check_recipe_on_source(project, recipe, project.sources["simbank"])]
    assert found == [
        "recipe cash_loan names no known feature group socail",
        "recipe cash_loan names no known observation set aplications",
    ]


def test_a_run_says_all_that_is_missing_before_it_reads(
    project: Project, project_root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    empty = tmp_path / "delivery"
    empty.mkdir()
    missing = told(project, "cash_loan", "berka")
    with pytest.raises(DeclarationError, match=rf"cannot run on berka: {len(missing)} problem\(s\), listed above"):
        run_recipe(
            "cash_loan",
            [f"berka={empty}"],
            warehouse=tmp_path / "warehouse",
            project=project_root,
            dates=Dates(),
            run_id="",
        )
    said = capsys.readouterr().err.splitlines()
    assert len(said) == len(missing) > 1
    assert all(what in line for what, line in zip(missing, said, strict=True))
    assert not (tmp_path / "warehouse").exists()


def test_dimensions_and_thin_files_are_of_the_recipe(project: Project) -> None:
    elsewhere = Ablation(name="devices", title="devices", groups=("devices", "request"))
    thin = ThinFile(title="few", where="accounts_held_days_since_frist_all < 365")
    recipe = replace(project.recipes["consumer_loan"], ablations=(elsewhere,), thin_file=thin)
    found = list(recipe_problems(project, recipe))
    assert [problem.what for problem in found] == [
        "ablation devices names group devices, which is none of consumer_loan",
        f"unknown column accounts_held_days_since_frist_all in '{thin.where}'",
    ]
    assert found[1].fix == "did you mean accounts_held_days_since_first_all?"
    number = replace(recipe, ablations=(), thin_file=replace(thin, where="request_amount + 1"))
    assert [problem.what for problem in recipe_problems(project, number)] == [
        "'request_amount + 1' is double, not a condition"
    ]


def test_a_recipe_has_one_watch_list(project: Project) -> None:
    """Rows of ``score.watchlist`` are known by their recipe, so those of two lists would build on each other."""
    first = project.watch_lists["early_warning"]
    other = Project(project.root)
    other.__dict__.update(project.__dict__)
    second = replace(first, name="second", path="recipes/more.py:7")
    other.__dict__["watch_lists"] = {"early_warning": first, "second": second}  # as if a file said so
    assert list(watch_list_problems(other, first)) == []
    (problem,) = watch_list_problems(other, second)
    assert problem.where.startswith("recipes/more.py:7")
    assert problem.what == f"recipe early_warning has a watch list already, early_warning at {first.path}"
