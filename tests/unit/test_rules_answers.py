"""A rule hits, is clear or is held: by its condition in three-valued logic, and by what had arrived by its decision."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from tallystick.errors import ContractError
from tallystick.rules import rule_answers
from tallystick.rules.collecting import known_columns
from tallystick.rules.found_rows import decision_rows, flag_rows
from tallystick.rules.gathering import find_rows
from tallystick.rules.rule_answers import RuleRows, answer_rules
from tallystick.rules.table_arrivals import Arrivals, TableArrivals
from tallystick.rules.weights import RuleWeights
from tallystick.spec.expression_sql import expression_sql
from tallystick.spec.rule_plans import PlannedRule
from tests.lib.rule_cases import ARROW, TYPES, observed, planned

THERE = Arrivals(tables={"clean.visits": TableArrivals(begins=-9, loads=(-9, 0), nights=(-9, 0))})
WORDS = ("clear", "hit", "unknown", "stale", "missing", "not_computed")

CONDITIONS = (
    "a > 3",
    "a > 3 AND b < 2",
    "a > 3 OR b < 2",
    "NOT (a > 3 OR b < 2)",
    "a BETWEEN 2 AND 4 AND NOT is_new",
    "COALESCE(a, 0) > 3 AND x IS NOT NULL",
    "x / a > 1.5",
    "kind IN ('cash', 'card') AND kind <> 'cash'",
    "kind LIKE 'c%' AND HOUR(event_at) < 8",
    "CASE WHEN is_new THEN a > 1 ELSE b > 1 END",
    "ABS(a - b) >= 3 AND a + b < 9",
    "x >= 2 AND (kind = 'cash' OR is_new)",
)


def said(rules: list[PlannedRule], rows: RuleRows, **more: Any) -> list[list[str]]:
    """The answers in words, rule by rule."""
    told: dict[str, Any] = {"groups": {}, "arrivals": THERE, "zone": "Asia/Shanghai", **more}
    return [[WORDS[code] for code in line] for line in answer_rules(rules, rows, **told).codes]


@pytest.mark.parametrize("piece", [7, 1000])
def test_all_rules_at_once_answer_as_sql_does_one_by_one(piece: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rule_answers, "PIECE_ROWS", piece)
    rng = np.random.default_rng(3)

    def some(values: list) -> list:
        return [None if rng.random() < 0.25 else values[int(rng.integers(len(values)))] for _ in range(60)]

    hours = [datetime(2026, 3, 1, hour, tzinfo=UTC) for hour in range(24)]
    values = {"a": some([*range(6)]), "b": some([*range(6)]), "x": some([0.0, 2.0, 4.5]), "is_new": some([True, False]),
              "kind": some(["cash", "card", "transfer"]), "event_at": some(hours)}  # fmt: skip
    rows = observed([{name: column[n] for name, column in values.items()} for n in range(60)])
    rules = [planned(f"VEL{n:03d}", text) for n, text in enumerate(CONDITIONS)]
    found = said(rules, rows)
    table = pa.table({name: rows.rows[name] for name in ARROW})  # DuckDB reads it by its name
    for text, line in zip(CONDITIONS, found, strict=True):
        sql = expression_sql(text, TYPES, lags={}).replace("$zone", "'Asia/Shanghai'")
        query = f"SELECT CASE WHEN {sql} THEN 'hit' WHEN NOT ({sql}) THEN 'clear' ELSE 'unknown' END FROM table"
        expected = [word for (word,) in duckdb.execute(query.replace("FROM table", 'FROM "table"')).fetchall()]
        assert line == expected, text
    assert table.num_rows == 60


# Loads on days 10, 11 and 13; the first of them brought history since day 3.
@pytest.mark.parametrize(
    ("day", "max_age", "expected"),
    [
        (2, 9, "missing"),
        (3, 0, "clear"),
        (9, 0, "clear"),
        (10, 0, "clear"),
        (11, 0, "clear"),
        (12, 0, "stale"),
        (12, 1, "clear"),
        (13, 0, "clear"),
        (20, 6, "stale"),
        (20, 7, "clear"),
    ],
)
def test_a_rule_is_held_by_what_had_arrived_on_the_day_of_its_decision(day: int, max_age: int, expected: str) -> None:
    arrivals = Arrivals(tables={"clean.visits": TableArrivals(begins=3, loads=(10, 11, 13), nights=(10, 11, 13))})
    rule = planned("VEL001", "a > 3", tables=("clean.visits",), max_age_days={"clean.visits": max_age})
    assert said([rule], observed([{"a": 1}], days=[day]), arrivals=arrivals) == [[expected]]


@pytest.mark.parametrize(("day", "expected"), [(11, "clear"), (12, "clear"), (13, "stale"), (14, "clear")])
def test_a_night_that_came_late_makes_a_table_no_fresher(day: int, expected: str) -> None:
    """That of day 11 came on day 13, after that of day 12; the night of day 13 came on day 14 with its own."""
    arrivals = Arrivals(
        tables={"clean.visits": TableArrivals(begins=3, loads=(10, 12, 13, 14), nights=(10, 12, 12, 14))}
    )
    rule = planned("VEL001", "a > 3", tables=("clean.visits",), max_age_days={"clean.visits": int(day == 11)})
    assert said([rule], observed([{"a": 1}], days=[day]), arrivals=arrivals) == [[expected]]


def test_want_of_data_is_never_clear_and_never_a_hit() -> None:
    rule = planned("VEL001", "a > 3", tables=("clean.visits", "clean.calls"))
    rows = observed([{"a": 1}, {"a": 9}, {}])
    assert said([rule], rows) == [["missing"] * 3]
    late = Arrivals(tables={name: TableArrivals(begins=-9, loads=(-9, -2), nights=(-9, -2)) for name in rule.tables})
    assert said([rule], rows, arrivals=late) == [["stale"] * 3]


def test_a_feature_that_was_not_computed_holds_the_rules_that_read_it() -> None:
    rules = [planned("VEL001", "a > 3"), planned("VEL002", "b > 3")]
    rows = observed([{"a": 1, "b": 9}, {"a": 9, "b": 9}], first=[False, True])
    found = said(rules, rows, groups={"first": ("a",), "second": ("b",)})
    assert found == [["not_computed", "hit"], ["hit", "hit"]]


@pytest.mark.parametrize(
    "when", ["x - x = 0", "x - x <> 0", "NOT (x - x > 0)", "x * 0 >= 0", "x / x > 1", "x - x IN (0, 1)"]
)
def test_what_is_not_a_number_holds_the_rule(when: str) -> None:
    rows = [{"x": float("inf")}, {"x": float("-inf")}, {}, {"x": 2.0}]
    assert said([planned("VEL001", when)], observed(rows))[0][:3] == ["unknown"] * 3
    assert said([planned("VEL001", when)], observed(rows))[0][3] != "unknown"
    assert said([planned("VEL001", f"COALESCE({when}, TRUE)")], observed(rows[:1])) == [["hit"]]
    assert said([planned("VEL001", f"({when}) OR x > 0")], observed(rows[:1])) == [["hit"]]


def test_values_that_hold_rules_are_null_to_whoever_looks_for_new_ones() -> None:
    rows = observed([{"a": 1, "b": 9}, {"a": 2, "b": 8}], first=[False, True])
    found = known_columns(rows, ("b", "customer_id", "a"), groups={"first": ("a", "x"), "second": ("b",)})
    assert found.to_pydict() == {"b": [9, 8], "customer_id": ["village:0", "village:1"], "a": [None, 2]}


def test_overflow_is_an_error_and_no_answer() -> None:
    with pytest.raises(ContractError):
        said([planned("VEL001", "a * a > 1")], observed([{"a": 2**62}]))


RULES = [
    planned("PLA001", "b > 3", family="place", severity="high", tables=("clean.visits",)),
    planned("VEL001", "a > 3", severity="medium", reason="", internal="why"),
    planned("VEL002", "a > 5", severity="critical"),
    planned("VEL003", "kind = 'cash' AND a > 3", status="shadow"),
]
ROWS = [{"a": 9, "b": 9, "kind": "cash"}, {"a": 4, "b": 1, "kind": "card"}, {"b": 5}, {"a": 1, "b": 1}]


def test_every_hit_is_a_row_with_the_values_that_made_it() -> None:
    rows = observed(ROWS, days=[0, 0, 0, 20], second=[True] * 4)
    found = answer_rules(RULES, rows, groups={}, arrivals=THERE, zone="UTC")
    made = flag_rows(found, rows).to_pylist()
    assert [(row["rule_id"], row["observation_id"], row["status"], row["reason"]) for row in made] == [
        ("PLA001", "o0", "live", "told"), ("PLA001", "o2", "live", "told"), ("VEL001", "o0", "live", None),
        ("VEL001", "o1", "live", None), ("VEL002", "o0", "live", "told"), ("VEL003", "o0", "shadow", "told"),
    ]  # fmt: skip
    assert json.loads(made[-1]["hit_values"]) == {"kind": "cash", "a": 9}
    assert json.loads(made[0]["hit_values"]) == {"b": 9}
    assert {row["decided_on"] for row in made} == {date(1970, 1, 1)}
    none = flag_rows(answer_rules(RULES, observed([{}]), groups={}, arrivals=THERE, zone="UTC"), observed([{}]))
    assert none.num_rows == 0
    assert none.schema.names == flag_rows(found, rows).schema.names


def test_a_decision_says_what_was_held_and_why() -> None:
    rows = observed(ROWS, days=[0, 0, 0, 20], second=[True, False, True, True])
    groups = {"second": ("b",)}
    found = answer_rules(RULES, rows, groups=groups, arrivals=THERE, zone="UTC")
    made = decision_rows(found, rows, groups=groups, arrivals=THERE, weights=None).to_pylist()
    assert [row["live_rules"] for row in made] == [3] * 4
    assert [(row["live_hits"], row["live_held"], row["shadow_hits"], row["shadow_held"]) for row in made] == [
        (3, 0, 1, 0), (1, 1, 0, 0), (1, 2, 0, 1), (0, 1, 0, 0),
    ]  # fmt: skip
    assert [row["severity"] for row in made] == ["critical", "medium", "high", None]
    told = [row["held_rules"] and json.loads(row["held_rules"]) for row in made]
    assert told == [
        None,
        {"PLA001": "not_computed second"},
        {"VEL001": "unknown a", "VEL002": "unknown a", "VEL003": "unknown kind a"},
        # Of kind and a only kind is null, but a > 3 is false: the rule is clear.
        {"PLA001": "stale clean.visits"},
    ]
    assert made[3]["decided_on"] == date(1970, 1, 1) + timedelta(days=20)
    assert {row["fraud_score"] for row in made} == {None}


def test_the_score_counts_the_strongest_live_hit_of_each_family() -> None:
    rows = observed(ROWS)
    found = answer_rules(RULES, rows, groups={}, arrivals=THERE, zone="UTC")
    asked = {one.rule.id: one.predicate for one in RULES}
    weights = {"PLA001": 1.0, "VEL001": 2.0, "VEL002": 3.0, "VEL003": 9.0}
    known = RuleWeights(fitted_on=date(2026, 1, 1), base=-4.0, weights=weights, conditions=asked)
    expected = [-4 + 1 + 3, -4 + 2, -4 + 1, -4]
    assert known.scores(found).tolist() == pytest.approx([100 / (1 + np.exp(-total)) for total in expected])
    # A condition that was changed since it was weighed has no weight.
    changed = RuleWeights(fitted_on=date(2026, 1, 1), base=-4.0, weights=weights, conditions=asked | {"VEL002": "?"})
    assert changed.scores(found)[0] == pytest.approx(100 / (1 + np.exp(4 - 1 - 2)))


def test_stored_rows_are_found_by_their_key_in_any_order() -> None:
    asked = observed([{}, {}, {}]).rows
    assert find_rows(asked, asked, where="t").tolist() == [0, 1, 2]
    assert find_rows(asked, asked.take([2, 0]), where="t").tolist() == [1, -1, 0]
    with pytest.raises(ContractError, match="several rows of one observation"):
        find_rows(asked, pa.concat_tables([asked, asked.slice(1, 1)]), where="t")
