"""What docs/fraud.md says of rules is what the project declares."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
import yaml

from tallystick.cli.fraud_rules import rules_app
from tallystick.project.rules import FAMILY_KEYS, RULE_KEYS, load_rules
from tallystick.spec.rules import SHADOW


@pytest.fixture(scope="module")
def page(project_root: Path) -> str:
    return (project_root / "docs" / "fraud.md").read_text(encoding="utf-8")


def test_the_numbers_of_rules_are_those_that_are_declared(project_root: Path, page: str) -> None:
    rules = load_rules(project_root).values()
    signs = [rule for rule in rules if rule.family == "early_warning"]
    others = [rule for rule in rules if rule.family != "early_warning"]
    shadows = sum(rule.status == SHADOW for rule in others)
    told = f"{len(others)} rules in ten families, {shadows} of them in shadow; the {len(signs)} signs of"
    assert told in page
    (table,) = re.findall(r"\| family \| rules \| about.*?\n(?=\n)", page, re.DOTALL)
    rows = re.findall(r"^\| `(\w+)` \| (\d+) \| ([\w, ]+) \|", table, re.MULTILINE)
    assert {family: int(number) for family, number, _ in rows} == Counter(rule.family for rule in others)
    words = {"daily": "days"}
    sets: dict[str, set[str]] = {rule.family: set() for rule in others}
    for rule in others:
        sets[rule.family].add(words.get(rule.observations, rule.observations))
    assert {family: set(about.split(", ")) for family, _, about in rows} == sets
    asked = Counter(rule.observations for rule in others)
    (chosen,) = re.findall(r"\| rules that find all.*\|$", page, re.MULTILINE)
    order = ("applications", "transfers", "logins", "daily")
    assert [int(number) for number in re.findall(r"of (\d+)", chosen)] == [asked[name] for name in order]


def test_every_key_of_a_rule_is_on_the_page(page: str) -> None:
    family, *parts = map(yaml.safe_load, re.findall(r"```yaml\n(.*?)```", page, re.DOTALL))
    assert set(family) <= set(FAMILY_KEYS)
    for rule in (*family["rules"], *parts):
        assert set(rule) <= set(RULE_KEYS)
    told = {key for row in re.findall(r"^\| (`.*?) \|", page, re.MULTILINE) for key in re.findall(r"`(\w+)`", row)}
    assert set(RULE_KEYS) - told == {"title", "internal"}
    assert "`internal` says why" in page


def test_every_command_about_rules_is_on_the_page(page: str) -> None:
    for command in rules_app.registered_commands:
        assert f"tally rules {command.name} " in page, command.name
