"""Which rules a decision asked: stored with it, and told where rules have changed since."""

from __future__ import annotations

import random
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tallystick.cli import one_answer, rule_texts
from tallystick.cli.rule_texts import RuleList, WantedRules, list_rules
from tallystick.rules.found_rows import decision_rows
from tallystick.rules.in_force import answers_in_force
from tallystick.rules.rule_answers import CLEAR, NOT_IN_FORCE, RuleAnswers
from tallystick.rules.table_arrivals import Arrivals
from tallystick.spec.rule_ids import pack_ids, unpack_ids
from tallystick.spec.rules import Rule
from tallystick.tables import Warehouse
from tests.lib.answered import store_rows
from tests.lib.rule_cases import observed, planned
from tests.lib.shipped import shipped_project

JANUARY, JUNE = date(2026, 1, 10), date(2026, 6, 10)


@pytest.mark.parametrize(
    ("ids", "text"),
    [
        ([], ""),
        (["VEL001"], "VEL001"),
        (["VEL003", "APP002", "APP001", "APP003"], "APP001-003 VEL003"),
        (["MIN000000009", "MIN000000010", "VEL009", "VEL010", "VEL999"], "MIN000000009-000000010 VEL009-010 VEL999"),
        (["AB009", "ABC010", "AB999", "AB1000"], "AB009 AB1000 AB999 ABC010"),
    ],
)
def test_ids_become_one_short_text(ids: list[str], text: str) -> None:
    assert (pack_ids(ids), unpack_ids(text)) == (text, frozenset(ids))


def test_any_ids_come_back() -> None:
    drawn = random.Random(7)
    for _ in range(200):
        ids = {f"{drawn.choice(('VEL', 'AB', 'MIN'))}{drawn.randrange(30):03d}" for _ in range(drawn.randrange(40))}
        assert unpack_ids(pack_ids(ids)) == ids


def test_each_decision_names_the_rules_that_were_in_force_about_it() -> None:
    rules = [planned(f"VEL00{n}", f"a > {n}", since=date(1970, 1, 1) + timedelta(days=n)) for n in (1, 2, 3, 5)]
    days = [4, 0, 1, 5, 1]
    rows = observed([{}] * len(days), days=days)
    codes = np.full((len(rules), len(days)), CLEAR, dtype=np.int8)
    found = answers_in_force(RuleAnswers(rules=tuple(rules), codes=codes), rows.days)
    made = decision_rows(found, rows, groups={}, arrivals=Arrivals(), weights=None)
    expected = [{one.rule.id for one in rules if int(one.rule.id[-1]) <= day} for day in days]
    assert [unpack_ids(text) for text in made["asked_rules"].to_pylist()] == expected
    assert [int((column != NOT_IN_FORCE).sum()) for column in found.codes.T] == [len(ids) for ids in expected]


def listed(
    monkeypatch: pytest.MonkeyPatch, folder: Path, rules: list[Rule], *, asked: dict[date, list[str] | None]
) -> RuleList:
    """The list of declared rules beside decisions of these dates that asked these rules (None: they do not say)."""
    shipped, home = shipped_project(), Warehouse(folder)
    stored: list[tuple[str, date, dict[str, Any]]] = [
        ("simbank:1", day, {"asked_rules": None if ids is None else pack_ids(ids), "live_rules": len(ids or "1")})
        for day, ids in asked.items()
    ]
    store_rows(home, shipped, "score.fraud_decisions", stored)
    declared = SimpleNamespace(rules={rule.id: rule for rule in rules}, sources=shipped.sources)
    monkeypatch.setattr(rule_texts, "open_project", lambda project: declared)
    return list_rules(WantedRules(), None, home=home)


def rule(name: str, **more: Any) -> Rule:
    return planned(name, "a > 3", observations="daily", **more).rule


def test_no_hit_is_told_only_of_a_rule_that_was_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """VEL001 has gone and VEL002 came: as many rules as before, and yet others."""
    found = listed(monkeypatch, tmp_path, [rule("VEL002"), rule("VEL003")], asked={JUNE: ["VEL001", "VEL003"]})
    assert found.table["hits"].to_pylist() == [None, 0]
    (note,) = found.notes
    assert note == (
        "other rules of daily were answered about 2026-06-10 than are declared now: VEL001, and not VEL002:"
        " tally rules run daily --source simbank"
    )


@pytest.mark.parametrize(
    ("asked", "hits"),
    [
        ({JANUARY: [], JUNE: []}, None),  # between these dates it was live, and on neither of them
        ({JANUARY: [], date(2026, 3, 1): ["VEL001"], JUNE: []}, 0),
        ({date(2026, 3, 1): None}, None),  # a decision of before does not say whom it asked
    ],
)
def test_a_rule_between_two_decisions_was_not_asked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, asked: dict[date, list[str] | None], hits: int | None
) -> None:
    lived = rule("VEL001", status="retired", since=date(2026, 5, 1), earlier={date(2026, 2, 1): "live"})
    assert listed(monkeypatch, tmp_path, [lived], asked=asked).table["hits"].to_pylist() == [hits]


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ("VEL001 VEL005", "clear"),
        ("VEL005", "not answered: the rule was not asked when the decision was made"),
        (None, "not known: the decision was made before decisions named the rules that were asked"),
    ],
)
def test_an_answer_is_clear_only_where_the_rule_was_asked(asked: str | None, answer: str) -> None:
    assert one_answer._unhit(rule("VEL001"), {"held_rules": None, "asked": asked}, JUNE) == answer
