"""Rules are refused at load for what cannot be right, with the file and the line of what is wrong."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import pytest

from tallystick.cli.rule_texts import WantedRules, explain_rule, list_rules
from tallystick.errors import DeclarationError, NotFound
from tallystick.project import load_project
from tallystick.project.checks import check_project
from tallystick.project.rule_checks import columns_of, plan_set
from tallystick.rules.mining import Condition, MinedRule
from tallystick.runs.rule_mining import leave_declared
from tallystick.spec.expressions import parse_condition
from tallystick.spec.predicates import contradiction, same_text, thresholds
from tests.lib.project_folder import CONTRACT, GROUP, write_project
from tests.lib.shipped import shipped_project

FAMILY = """\
family: velocity
title: How often
observations: visits
owner: fraud-risk
max_age_days: {clean.visits: 2}
rules:
  - id: VEL001
    title: Many visits
    when: visit_any_count_30d > 9 AND purpose = 'cash'
    severity: high
    reason: Number of your visits
    status: live
    since: 2026-04-01
  - id: VEL002
    title: A visit at night
    when: HOUR(event_at) < 6
    severity: low
    internal: Nobody is told.
    status: shadow
    since: 2026-04-01
"""
FRAUD_GROUP = GROUP.replace('owner="tests",', 'owner="tests", permitted_use="fraud review",')


def project(root: Path, family: str = FAMILY, **changed: str) -> Path:
    """A project with one family of rules."""
    write_project(root, **{"group": FRAUD_GROUP, **changed})
    (root / "rules").mkdir()
    (root / "rules" / "velocity.yaml").write_text(family, encoding="utf-8")
    return root


def problems(root: Path) -> list[str]:
    """What is wrong, with the file's name in place of its path."""
    found = [str(one) for one in check_project(load_project(root))]
    return [text.replace(f"{root}/rules/", "") for text in found]


def test_good_rules_have_no_problem_and_know_all_that_they_rest_on(tmp_path: Path) -> None:
    root = project(tmp_path)
    assert problems(root) == []
    first, second = plan_set(load_project(root), "visits")
    assert first.columns == ("visit_any_count_30d", "purpose")
    # An event's own columns come with the event.
    assert (first.tables, second.tables) == (("clean.visits",), ())
    assert first.rule.max_age("clean.visits") == 2
    assert first.rule.since == date(2026, 4, 1)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("visit_any_count_30d >", "visit_any_count_3d >", "velocity.yaml:9: rule VEL001: unknown column"),
        ("> 9 AND", "+ 9 AND", "velocity.yaml:9: rule VEL001: AND of int64"),
        ("= 'cash'", "= 1", "velocity.yaml:9: rule VEL001: int64 and string do not mix"),
        ("HOUR(event_at) < 6", "HOUR(event_at)", "velocity.yaml:16: rule VEL002: 'HOUR(event_at)' is int64, not a"),
        ("HOUR(event_at) < 6", "1 < 2", "velocity.yaml:16: rule VEL002 reads no column"),
        ("severity: low", "severity: lo", "velocity.yaml:17: rule VEL002 has severity 'lo' (one of low, medium"),
        ("status: shadow", "status: of", "velocity.yaml:19: rule VEL002 has status 'of'"),
        (
            "HOUR(event_at) < 6",
            "HOUR(event_at) BETWEEN 9 AND 3",
            "velocity.yaml:16: rule VEL002 can never hit (part_hour",
        ),
        ("= 'cash'", '= "cash"', "velocity.yaml:9: rule VEL001: unknown column"),
        (
            "since: 2026-04-01",
            "since: soon",
            "velocity.yaml:13: rule VEL001: since is a text (a date such as 2026-03-01",
        ),
        (
            "since: 2026-04-01",
            "since: 2026-04-01\n    earlier: 2026-03-01",
            "velocity.yaml:14: rule VEL001: earlier is a date or an instant (dates with the status that began on each",
        ),
        (
            "since: 2026-04-01",
            "since: 2026-04-01\n    earlier: {'2026-03-01': shadow}",
            "velocity.yaml:14: rule VEL001: earlier is a mapping (dates with the status that began on each",
        ),
        (
            "since: 2026-04-01",
            "since: 2026-04-01\n    earlier: {2026-03-01: shadows}",
            "velocity.yaml:14: rule VEL001 had status 'shadows' from 2026-03-01 on (one of live, shadow, retired)",
        ),
        (
            "since: 2026-04-01",
            "since: 2026-04-01\n    earlier: {2026-04-01: shadow}",
            "velocity.yaml:14: rule VEL001 had an earlier status from 2026-04-01 on, and has its own since 2026-04-01",
        ),
        (
            "since: 2026-04-01",
            "since: 2026-13-45",
            "velocity.yaml:13: a value looks like a date or a number and is none",
        ),
        ("when: HOUR(event_at) < 6", "when: 5", "velocity.yaml:16: rule VEL002: when is a number (put it in quotes)"),
        ("when: HOUR(event_at) < 6", "when:", "velocity.yaml:16: rule VEL002: when is empty (write when: ..., a text)"),
        (
            "status: shadow",
            "status: on",
            "velocity.yaml:19: rule VEL002: status is a truth value (put it in quotes: YAML",
        ),
        (
            "    severity: low",
            "    needs: clean.visits\n    severity: low",
            "velocity.yaml:17: rule VEL002: needs is a text (a list of tables: needs: [clean.visits])",
        ),
        (
            "    severity: low",
            "    max_age_days: {clean.visits: 1}\n    severity: low",
            "velocity.yaml:17: unknown key max_age_days (it stands at the top",
        ),
        ("{clean.visits: 2}", "[clean.visits]", "velocity.yaml:5: max_age_days names no tables with days"),
        (
            "observations: visits",
            "observations: [visits]",
            "velocity.yaml:3: observations is a list, and a text is needed",
        ),
        ("    reason: Number of your visits\n", "", "velocity.yaml:7: rule VEL001 has no reason"),
        ("    internal", "    reason: A visit\n    internal", "velocity.yaml:19: rule VEL002 has both"),
        ("id: VEL002", "id: VEL001", "velocity.yaml:14: rule VEL001 is declared twice (also at"),
        ("id: VEL002", "id: second", "velocity.yaml:14: rule id 'second' is not an id"),
        ("    severity: low", "    serverity: low", "velocity.yaml:17: unknown key serverity (did you mean severity?)"),
        ("    severity: low\n", "", "velocity.yaml:14: rule VEL002 has no severity"),
        ("observations: visits", "observations: visit", "velocity.yaml:3: rule VEL001 names no known observation set"),
        ("{clean.visits: 2}", "{clean.visit: 2}", "velocity.yaml:5: rule VEL001 needs clean.visit, which is no"),
        ("{clean.visits: 2}", "{clean.visits: -1}", "velocity.yaml:5: rule VEL001: clean.visits may be -1 days old"),
        (
            "    severity: low",
            "    needs: [clean.calls]\n    severity: low",
            "velocity.yaml:17: rule VEL002 needs clea",
        ),
        ("family: velocity", "family: place", "velocity.yaml:1: family place stands in the file of velocity"),
        ("family: velocity\n", "", "velocity.yaml: the family has no name (family: velocity"),
        ("rules:", "rule:", "velocity.yaml: the family has no rules"),
        ("title: How often\n", "", "velocity.yaml: the family has no title"),
        ("owner: fraud-risk\n", "", "velocity.yaml:6: rule VEL001 has no owner"),
        ("  - id: VEL002", "  - 7\n  - id: VEL002", "velocity.yaml:14: a rule is no mapping"),
        ("status: shadow", "status: [", "velocity.yaml:21: not YAML"),
        (
            "    severity: low",
            "\tseverity: low",
            "velocity.yaml:17: not YAML: found character '\\t' that cannot start any",
        ),
        (
            "A visit at night",
            "A visit: at night",
            "velocity.yaml:15: not YAML: mapping values are not allowed here (a text",
        ),
        (
            "when: HOUR(event_at) < 6",
            "when: 'a' = purpose",
            "velocity.yaml:16: not YAML: expected <block end>, but found",
        ),
        ("How often", "*others", "velocity.yaml:2: not YAML: found undefined alias"),
        (FAMILY, "", "velocity.yaml: the file holds nothing (write its keys, or delete it)"),
        (FAMILY, "- family: velocity", "velocity.yaml: not a mapping (key: value, from the first column on)"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, old: str, new: str, told: str) -> None:
    assert old in FAMILY
    found = problems(project(tmp_path, FAMILY.replace(old, new, 1)))
    assert any(text.startswith(told) for text in found), found


@pytest.mark.parametrize(
    ("old", "new", "advice"),
    [
        ("    severity: low", "\tseverity: low", "(indent with spaces: the line begins with a tab)"),
        ("A visit at night", "A visit: at night", "(a text with a colon stands in quotes: title: '...')"),
        (
            "when: HOUR(event_at) < 6",
            "when: 'a' = purpose",
            "(a text that begins with ' stands below its key: when: >-)",
        ),
        ("    severity: low", "   severity: low", "(compare how this line and those above it are indented, and their"),
        ("How often", "*others", "(one document, without anchors (&), aliases (*) and tags (!))"),
        ("= 'cash'", '= "cash"', "(a text has single quotes: 'cash')"),
    ],
)
def test_a_fault_comes_with_what_to_do(tmp_path: Path, old: str, new: str, advice: str) -> None:
    found = problems(project(tmp_path, FAMILY.replace(old, new, 1)))
    assert any(advice in text for text in found), found


def test_a_file_that_nothing_reads_is_told(tmp_path: Path) -> None:
    root = project(tmp_path)
    for name in ("place.yml", "old/place.yaml", "_draft.yaml"):
        path = root / "rules" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(FAMILY, encoding="utf-8")
    told = "nothing reads this file (rules/<family>.yaml)"
    assert problems(root) == [f"{name}: {told}" for name in ("old/place.yaml", "place.yml")]


@pytest.mark.parametrize(
    "when",
    [
        "purpose = 'cash' AND visit_any_count_30d > 9",
        "9 < visit_any_count_30d AND 'cash' = purpose",
        "NOT (visit_any_count_30d <= 9.0 OR NOT purpose IN ('cash'))",
    ],
)
def test_a_rule_that_asks_the_same_is_refused_however_it_is_spelt(tmp_path: Path, when: str) -> None:
    root = project(tmp_path, FAMILY.replace("HOUR(event_at) < 6", when))
    (told,) = problems(root)
    assert told.startswith("velocity.yaml:16: rule VEL002 asks the same as rule VEL001 (also at ")
    with pytest.raises(DeclarationError, match="asks the same"):
        plan_set(load_project(root), "visits")


def test_a_family_is_held_against_the_others(tmp_path: Path) -> None:
    root = project(tmp_path)
    other = FAMILY.replace("velocity", "place").replace("VEL", "PLA").replace("count_30d > 9", "count_30d > 8")
    (root / "rules" / "place.yaml").write_text(other, encoding="utf-8")
    (told,) = problems(root)
    assert "rule VEL002 asks the same as rule PLA002" in told


def test_features_are_read_as_their_owner_permits(tmp_path: Path) -> None:
    (told,) = problems(project(tmp_path, group=GROUP))
    assert "VEL001 reads visit_any_count_30d, which is permitted for credit decisions, not for fraud review" in told


def test_no_rule_reads_a_protected_attribute(tmp_path: Path) -> None:
    tagged = CONTRACT.replace("{name: purpose, ", "{name: purpose, tags: [protected], ")
    (told,) = problems(project(tmp_path, contract=tagged))
    assert "VEL001 reads purpose, which is a protected attribute" in told


TYPES = {"a": "int64", "b": "double", "c": "boolean", "t": "string"}


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("a BETWEEN 1 AND 2", "a <= 2 AND a >= 1", True),
        ("a > 1 OR (b > 2 OR c)", "(c OR a > 1) OR 2.0 < b", True),
        ("NOT (NOT c)", "c", True),
        ("NOT (a = 1)", "a <> 1", True),
        ("c AND c", "c", True),
        ("t IN ('x', 'y')", "t IN ('y', 'x', 'x')", True),
        ("a + b > 1", "1 < b + a", True),
        ("a > 1", "a >= 1", False),
        ("a - b > 1", "b - a > 1", False),
        ("c AND a > 1", "c OR a > 1", False),
        ("t = '1'", "t = 'x'", False),
        ("COALESCE(a, 0) > 1", "a > 1", False),
    ],
)
def test_predicates_are_compared_by_what_they_mean(one: str, other: str, is_same: bool) -> None:
    texts = [same_text(parse_condition(text, TYPES)) for text in (one, other)]
    assert (texts[0] == texts[1]) == is_same


@pytest.mark.parametrize(
    ("when", "is_never"),
    [
        ("a BETWEEN 9 AND 3", True),
        ("a > 9 AND (c AND 3 >= a)", True),
        ("NOT (a < 9 OR a > 3)", True),
        ("a = 1 AND a = 2", True),
        ("a + b > 9 AND b + a < 3", True),
        ("a BETWEEN 3 AND 3", False),
        ("a > 9 OR a < 3", False),
        ("a > 9 AND b < 3", False),
        # A null is 9 here and 0 there.
        ("COALESCE(a, 9) > 5 AND COALESCE(a, 0) < 3", False),
        ("t = 'x' AND t = 'y'", False),
    ],
)
def test_a_condition_that_no_number_meets_is_seen(when: str, is_never: bool) -> None:
    assert bool(contradiction(parse_condition(when, TYPES))) == is_never


def test_thresholds_are_the_numbers_that_columns_are_compared_with() -> None:
    node = parse_condition("5 < a AND COALESCE(b, 0) >= 2 AND a + 1 > 7 AND a IN (3, 4) AND t = 'x'", TYPES)
    told = [(one.column, one.op, one.value) for one in thresholds(node)]
    assert told == [("a", "gt", 5.0), ("b", "ge", 2.0), ("a", "eq", 3.0), ("a", "eq", 4.0)]


def test_a_rule_explains_itself(tmp_path: Path) -> None:
    root = project(tmp_path)
    told = explain_rule("VEL001", root)
    assert told["needs"] == ["clean.visits, at most 2 days old"]
    assert told["reads"] == [
        "visit_any_count_30d: Visits in the last 30 days (group visit)",
        "purpose: the observation's own, of clean.visits",
    ]


def test_rules_are_listed_by_each_word_that_they_have(tmp_path: Path) -> None:
    root = project(tmp_path)
    for wanted, ids in (
        (WantedRules(), ["VEL001", "VEL002"]),
        (WantedRules(family="velocity", status="shadow"), ["VEL002"]),
        (WantedRules(observations="visits", severity="high"), ["VEL001"]),
    ):
        assert list_rules(wanted, root).table["rule"].to_pylist() == ids
    for wanted, told in (
        (WantedRules(family="velocty"), "no rule has family velocty .did you mean velocity"),
        (WantedRules(status="Live"), "no rule has status Live .did you mean live"),
        (WantedRules(observations="visit"), "no rule has observations visit .did you mean visits"),
        (WantedRules(severity="critical"), "no rule has severity critical .known: high, low"),
    ):
        with pytest.raises(NotFound, match=told):
            list_rules(wanted, root)


def test_what_a_person_retired_is_not_proposed_again(tmp_path: Path) -> None:
    family = FAMILY.replace("HOUR(event_at) < 6", "12 <= visit_any_count_30d").replace("shadow", "retired")
    found = [
        MinedRule(
            conditions=(Condition(column="visit_any_count_30d", op=">=", value=float(value)),),
            hits=9, frauds=8, later_hits=4, later_frauds=3, chance=0.01,
        )
        for value in (12, 13)
    ]  # fmt: skip
    left = leave_declared(found, load_project(project(tmp_path, family)), "visits")
    assert [one.when for one in left] == ["visit_any_count_30d >= 13"]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("vel002", "did you mean VEL002"),
        ("VEL0002", "did you mean VEL002"),
        ("VEL-001", "did you mean VEL001"),
        # Ids that differ in a digit have nothing in common.
        ("VEL017", "VEL001 to VEL002: tally rules list velocity"),
        ("Velocity", "tally rules list velocity"),
        ("XYZ001", "known: VEL001, VEL002"),
    ],
)
def test_an_unknown_rule_is_told_with_the_one_that_is_meant(tmp_path: Path, name: str, told: str) -> None:
    with pytest.raises(NotFound, match=f"there is no rule {name} .*{told}"):
        explain_rule(name, project(tmp_path))


def test_the_sql_of_a_rule_gives_its_three_answers(tmp_path: Path) -> None:
    root = project(tmp_path)
    sql = explain_rule("VEL001", root)["SQL"]
    rows = "(VALUES (10, 'cash'), (9, 'cash'), (10, NULL), (9, NULL), (NULL, 'advice'))"
    query = f"SELECT {sql} FROM {rows} AS _(visit_any_count_30d, purpose)"
    answers = [answer for (answer,) in duckdb.sql(query).fetchall()]
    assert answers == ["hit", "clear", "held", "clear", "clear"]


def test_a_feature_of_a_graph_needs_the_tables_of_its_ties_that_the_source_fills() -> None:
    shipped = shipped_project()
    columns = columns_of(shipped, "applications")
    rules = [one for one in plan_set(shipped, "applications", columns=columns) if one.tie_tables]
    assert rules
    one = rules[0]
    assert not any(table.startswith("graph.") for table in one.tables)
    table = one.tie_tables[0]
    assert table in one.of_source({table}).tables
    assert one.of_source(set()).tables == one.tables
