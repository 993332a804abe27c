"""What the commands about rules say beside their tables: what is odd, what a verdict rests on, what comes next."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import typer
from typer.testing import CliRunner

from tallystick.cli.asked_rules import AskedRules, about_rules
from tallystick.cli.fraud_rules import rules_app
from tallystick.cli.rule_verdicts import (
    check_new_family,
    tell_judged,
    tell_proposals,
    tell_subset,
    tell_uncomputed,
    tell_warnings,
)
from tallystick.cli.summary import next_commands
from tallystick.errors import InputError, NotFound
from tallystick.project import load_project
from tallystick.project.rules import load_rules
from tallystick.rules.mining import Condition, MinedRule
from tallystick.runs.rule_mining import NewFamily, Proposals, family_text
from tallystick.runs.rule_reports import EnoughRules, enough_rules, range_warnings
from tallystick.runs.rule_study import Grounds
from tests.lib.project_folder import write_project
from tests.lib.rule_cases import planned

PLACES = {"when": "rules/velocity.yaml:9"}


@pytest.mark.parametrize(
    ("when", "told"),
    [
        ("a > 9", "rule VEL001 asks for a > 9, and it was 0 to 3 in these observations"),
        ("-1 >= a", "rule VEL001 asks for a <= -1, and it was 0 to 3 in these observations"),
        ("a BETWEEN 1 AND 3", ""),
        ("b > 9", ""),  # nothing is known of a column without any value
        ("x > 9", ""),
    ],
)
def test_a_number_that_was_never_seen_is_a_warning(when: str, told: str) -> None:
    rule = planned("VEL001", when, places=PLACES)
    found = range_warnings(rule, {"a": (0.0, 3.0), "x": (0.5, 9.5)})
    assert [one.what for one in found] == ([told] if told else [])
    assert all(one.where == "rules/velocity.yaml:9" for one in found)
    assert range_warnings(planned("VEL001", when, outside="It is to be seen."), {"a": (0.0, 3.0)}) == []


def test_a_warning_is_one_line_and_stops_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    tell_warnings(range_warnings(planned("VEL001", "a > 9", places=PLACES), {"a": (0.0, 3.0)}))
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("warning: rules/velocity.yaml:9: rule VEL001 asks for a > 9, and it was 0 to 3")


@pytest.mark.parametrize(("held", "number"), [([5, 5], 2), ([5, 4], 1), ([0, 4], 0)])
def test_rules_without_any_computed_feature_are_told_with_what_computes_them(
    held: list[int], number: int, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = AskedRules(observations="transfers", source="village", first=date(2026, 3, 1))
    tell_uncomputed(pa.table({"decisions": [5, 5], "held_not_computed": held}), asked)
    told = capsys.readouterr().err
    run = "run tally rules run transfers --source village --from 2026-03-01\n"
    assert told.startswith(f"{number} of 2 rules ") == told.endswith(run) == bool(told) == bool(number)


RULES = [planned(f"VEL00{n}", f"a > {n}").rule for n in range(1, 5)]
HITS = np.array([[1, 1, 0, 0, 1], [1, 1, 0, 0, 0], [0, 0, 1, 0, 0], [0, 0, 0, 0, 0]]) == 1


def chosen(fraud: list[int], hits: np.ndarray = HITS) -> EnoughRules:
    judged = Grounds(
        observations=9, judged=len(fraud), frauds=sum(fraud), cutoff=date(2026, 4, 1), versions={"clean.x": 3}
    )
    return enough_rules(RULES, hits, np.array(fraud) == 1, judged=judged)


@pytest.mark.parametrize(
    ("fraud", "told"),
    [
        ([0, 0, 0, 0, 0], "no rules can be chosen: there is no confirmed fraud in these observations"),
        ([0, 0, 0, 1, 0], "no rules can be chosen: no rule finds any of it"),
        ([1, 1, 1, 1, 0], "the chosen rules find 100 % of the 3 frauds that all rules find"),
    ],
)
def test_a_choice_says_what_is_true_of_it(fraud: list[int], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = chosen(fraud)
    tell_subset(found)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == f"5 of 9 observations can be judged on 2026-04-01, {sum(fraud)} of them are confirmed fraud"
    assert lines[-1] == told
    # Nobody may call a rule redundant that was held against no fraud.
    words = dict(zip(found.table["rule"].to_pylist(), found.table["kept_as"].to_pylist(), strict=True))
    assert words["VEL004"] == "dead"
    assert words["VEL001"] == ("redundant" if found.found else "unknown")


def test_a_choice_that_is_not_enough_says_how_much_it_finds(capsys: pytest.CaptureFixture[str]) -> None:
    each = np.eye(4, 5, dtype=bool)
    tell_subset(chosen([1, 1, 1, 1, 0], each))
    told = capsys.readouterr().err.splitlines()[-1]
    assert told.startswith("the chosen rules find 50 % of the 4 frauds that all rules find; for 99 %, more than 50 %")


def test_a_verdict_without_fraud_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    tell_judged(chosen([0, 0, 0, 0, 0]).judged)
    assert "without confirmed fraud nothing can be said" in capsys.readouterr().err
    tell_judged(chosen([0, 1, 0, 0, 0]).judged)
    assert "nothing can be said" not in capsys.readouterr().err


MINED = MinedRule(
    conditions=(Condition(column="a", op=">=", value=1_470_000.0), Condition(column="x", op="<=", value=0.25)),
    hits=9, frauds=8, later_hits=4, later_frauds=3, chance=0.0012,
)  # fmt: skip


def test_proposals_are_a_family_that_can_be_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    new = NewFamily(family="mined", observations="visits", since=date(2026, 4, 1))
    other = replace(MINED, conditions=MINED.conditions[:1])
    proposed = Proposals(text=family_text([MINED, other], new), number=2, judged=chosen([0, 1, 0, 0, 0]).judged)
    (tmp_path / "rules").mkdir()
    path = tmp_path / "rules" / "mined.yaml"
    check_new_family(path)
    tell_proposals(proposed, path)
    assert capsys.readouterr().out == ""
    rules = load_rules(tmp_path)
    assert [(rule.family, rule.status) for rule in rules.values()] == [("mined", "shadow")] * 2
    assert rules[new.id_of(MINED)].when == "a >= 1470000 AND x <= 0.25"
    assert rules[new.id_of(other)].when == "a >= 1470000"
    with pytest.raises(InputError, match="the file exists .name a new one: proposals never replace rules"):
        check_new_family(path)
    for name in ("mined.yml", "none/mined.yaml"):
        with pytest.raises(InputError, match="it is no file of a family"):
            check_new_family(tmp_path / "rules" / name)
    tell_proposals(proposed, None)
    assert capsys.readouterr().out == proposed.text


def test_the_id_of_a_proposal_means_its_condition_alone() -> None:
    new = NewFamily(family="mined", observations="visits", since=date(2026, 4, 1))
    later = replace(new, family="more", since=date(2027, 1, 1))
    # Found again by another search, with other hits and in another order: the same rule.
    again = replace(MINED, conditions=MINED.conditions[::-1], hits=3, chance=0.04)
    assert later.id_of(again) == new.id_of(MINED)
    others = [
        new.id_of(replace(MINED, conditions=MINED.conditions[:1])),
        new.id_of(replace(MINED, conditions=(MINED.conditions[0], replace(MINED.conditions[1], value=0.26)))),
        new.id_of(replace(MINED, conditions=(MINED.conditions[0], replace(MINED.conditions[1], op=">=")))),
        replace(new, observations="logins").id_of(MINED),
    ]
    assert len({new.id_of(MINED), *others}) == 5
    # It stays the same: an id that stands in old flags must not mean something else after an upgrade.
    assert new.id_of(MINED) == "MIN933089200"


def test_without_proposals_nothing_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    new = NewFamily(family="mined", observations="visits", since=date(2026, 4, 1))
    nothing = Proposals(text=family_text([], new), number=0, judged=chosen([0, 1, 0, 0, 0]).judged)
    tell_proposals(nothing, tmp_path / "mined.yaml")
    told = capsys.readouterr()
    assert (told.out, list(tmp_path.iterdir())) == ("", [])
    assert told.err.startswith("nothing is proposed")


def test_commands_about_rules_share_their_arguments_and_have_their_own() -> None:
    app, seen = typer.Typer(), []

    @app.command()
    @about_rules
    def ask(asked: AskedRules, more: int = 1) -> None:
        """Ask."""
        seen.append((asked, more))

    dating = typer.Typer()

    @dating.command()
    @about_rules
    def date_them(asked: AskedRules) -> None:
        """Ask."""
        assert asked.dates

    typed = ["transfers", "--source", "bank", "--from", "2026-03-01", "-w", "here", "--more", "2"]
    result = CliRunner().invoke(app, typed, catch_exceptions=False)
    assert result.exit_code == 0
    ((asked, more),) = seen
    assert (asked.observations, asked.source, asked.last, asked.warehouse, more) == (
        "transfers", "bank", None, Path("here"), 2,
    )  # fmt: skip
    assert f"{asked.first:%Y-%m-%d}" == "2026-03-01"
    assert CliRunner().invoke(app, ["transfers"]).exit_code == 2  # without its source
    with pytest.raises(InputError, match="--from 2026-03-01 is after --to 2026-02-28"):
        CliRunner().invoke(dating, [*typed[:5], "--to", "2026-02-28"], catch_exceptions=False)


def test_a_date_without_its_observation_is_refused() -> None:
    with pytest.raises(InputError, match="--on is the date of a decision about one observation"):
        CliRunner().invoke(rules_app, ["explain", "APP001", "--on", "2026-03-01"], catch_exceptions=False)


def test_all_rules_are_listed_on_a_screen_without_a_warehouse_but_not_with_a_mistyped_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_project(tmp_path)
    (tmp_path / "rules").mkdir()
    rules = "".join(
        f"  - {{id: VEL{n:03d}, title: t, when: \"purpose = '{n}'\", severity: low, internal: tests, status: shadow,\n"
        f"     since: 2026-03-01}}\n"
        for n in range(60)
    )
    text = f"family: velocity\ntitle: How often\nobservations: visits\nowner: tests\nrules:\n{rules}"
    (tmp_path / "rules" / "velocity.yaml").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(rules_app, ["list"], catch_exceptions=False)
    assert [line.split()[0] for line in result.stdout.splitlines()[-60:]] == [f"VEL{n:03d}" for n in range(60)]
    for asked in (["list"], ["explain", "VEL001"]):
        with pytest.raises(NotFound, match="warehous: there is no warehouse here"):
            CliRunner().invoke(rules_app, [*asked, "-w", "warehous"], catch_exceptions=False)


def test_what_comes_next_fits_the_recipe(project_root: Path) -> None:
    project = load_project(project_root)
    lists = {one.recipe: one.name for one in project.watch_lists.values()}
    told = {
        name: next_commands("w", recipe, source="simbank", watch_list=lists.get(name, ""))
        for name, recipe in project.recipes.items()
    }
    assert all(commands[0] == ".venv/bin/tally tables --warehouse w" for commands in told.values())
    assert "from score.applications where recipe = 'cash_loan'" in told["cash_loan"][1]
    assert "from score.daily where recipe = 'returning'" in told["returning"][1]
    assert told["returning"][2] == ".venv/bin/tally score CUSTOMER --warehouse w"
    assert told["early_warning"][1:] == [
        ".venv/bin/tally watchlist update early_warning --source simbank --warehouse w",
        ".venv/bin/tally watchlist list early_warning --warehouse w",
    ]
    assert "from feature." in told["social_activity"][1]
