"""A rule counts on the dates on which it was in force, by the status that it had then, and on no other."""

from __future__ import annotations

import json
from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from tallystick.buckets import BucketTask
from tallystick.rules import rule_stage
from tallystick.rules.found_rows import decision_rows, flag_rows
from tallystick.rules.in_force import answers_in_force
from tallystick.rules.rule_answers import RuleAnswers, RuleRows, answer_rules
from tallystick.rules.rule_stage import DECISIONS, FLAGS, RuleWork, apply_buckets
from tallystick.rules.table_arrivals import Arrivals
from tallystick.rules.weights import RuleWeights
from tallystick.runs import rule_tables
from tallystick.runs.rule_tables import judged_rules
from tallystick.spec.rule_plans import PlannedRule
from tests.lib.rule_cases import observed, planned

EPOCH = date(1970, 1, 1)


def answered(rules: list[PlannedRule], rows: RuleRows) -> RuleAnswers:
    return answer_rules(rules, rows, groups={}, arrivals=Arrivals(), zone="UTC")


def on(day: int) -> date:
    return EPOCH + timedelta(days=day)


def test_a_rule_counts_from_the_date_since_which_it_is_live_and_says_nothing_before() -> None:
    """On each day one observation is hit, one is clear and one is held."""
    rule = planned("VEL001", "a > 3", since=on(10), severity="high")
    days = [day for day in (9, 10, 11) for _ in range(3)]
    rows = observed([{"a": 9}, {"a": 1}, {}] * 3, days=days)
    weights = RuleWeights(
        fitted_on=on(0), base=-2.0, weights={"VEL001": 2.0}, conditions={"VEL001": rule.predicate}
    )  # fmt: skip
    found = answers_in_force(answered([rule], rows), rows.days)
    made = decision_rows(found, rows, groups={}, arrivals=Arrivals(), weights=weights).to_pylist()
    told = [(row["live_rules"], row["live_hits"], row["live_held"]) for row in made]
    assert told == [(0, 0, 0)] * 3 + [(1, 1, 0), (1, 0, 0), (1, 0, 1)] * 2
    assert [row["severity"] for row in made] == [None] * 3 + ["high", None, None] * 2
    held = [json.loads(row["held_rules"] or "{}") for row in made]
    assert held == [{}] * 3 + [{}, {}, {"VEL001": "unknown a"}] * 2
    base, hit = (100 / (1 + np.exp(-total)) for total in (-2.0, 0.0))
    assert [row["fraud_score"] for row in made] == pytest.approx([base] * 3 + [hit, base, base] * 2)
    assert flag_rows(found, rows)["decided_on"].to_pylist() == [on(10), on(11)]


HISTORIES: tuple[dict[str, Any], ...] = (
    {"status": "live", "since": on(4)},
    {"status": "live", "since": on(6), "earlier": {on(3): "shadow"}},
    {"status": "retired", "since": on(8), "earlier": {on(5): "live", on(2): "shadow"}},
    {"status": "shadow", "since": on(9), "earlier": {on(1): "live", on(4): "retired", on(7): "live"}},
    {"status": "retired", "since": on(0)},
    {"status": "shadow", "since": on(99)},
)


def status_then(told: dict[str, Any], day: date) -> str:
    """From the definition: the status of the last change that is not after the date."""
    changes = {**told.get("earlier", {}), told["since"]: told["status"]}
    before = [one for one in changes if one <= day]
    return changes[max(before)] if before else "nothing"


def test_a_hit_has_the_status_of_its_date() -> None:
    rules = [planned(f"VEL00{n}", f"a > {n}", **told) for n, told in enumerate(HISTORIES)]
    rows = observed([{"a": 9}] * 12, days=[*range(12)])
    found = answers_in_force(answered(rules, rows), rows.days)
    flags = {(row["rule_id"], row["decided_on"]): row["status"] for row in flag_rows(found, rows).to_pylist()}
    expected = {
        (f"VEL00{n}", on(day)): status_then(told, on(day)) for n, told in enumerate(HISTORIES) for day in range(12)
    }
    assert flags == {key: status for key, status in expected.items() if status in ("live", "shadow")}
    made = decision_rows(found, rows, groups={}, arrivals=Arrivals(), weights=None).to_pylist()
    for day, row in enumerate(made):
        for status in ("live", "shadow"):
            number = sum(word == status for (_, when), word in expected.items() if when == on(day))
            assert (row[f"{status}_rules"], row[f"{status}_hits"]) == (number, number)
    for n, rule in enumerate(rules):
        for day in range(12):
            span = rule.rule.span_on(on(day))
            assert (span.status if span else "nothing") == status_then(HISTORIES[n], on(day))


def test_where_no_rule_was_in_force_a_decision_says_that_none_was_asked() -> None:
    rows = observed([{"a": 9}], days=[3])
    for rule in (planned("VEL001", "a > 3", since=on(4)), planned("VEL001", "a > 3", since=on(1), status="retired")):
        found = answers_in_force(answered([rule], rows), rows.days)
        (made,) = decision_rows(found, rows, groups={}, arrivals=Arrivals(), weights=None).to_pylist()
        assert (made["live_rules"], made["shadow_rules"], made["severity"], made["held_rules"]) == (0, 0, None, None)
        assert flag_rows(found, rows).num_rows == 0


@pytest.mark.parametrize("review_days", [0, 1])
def test_the_date_of_the_observation_counts_and_not_that_of_its_review(
    review_days: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What happened on the day before is reviewed on the day on which the rule begins."""
    rows = observed([{"a": 9}, {"a": 9}], days=[9 + review_days, 10 + review_days])
    rule = planned("VEL001", "a > 3", since=on(10))
    monkeypatch.setattr(rule_stage, "answer_bucket", lambda *_: (rows, answered([rule], rows)))
    written: dict[str, list[dict[str, Any]]] = {}

    def write(table: str, _: object, part: Any) -> str:
        written.setdefault(table, []).extend(part.to_pylist())
        return table

    declared = SimpleNamespace(review_days=review_days)
    work = SimpleNamespace(
        observed=SimpleNamespace(declared=declared, name="visits"), columns=SimpleNamespace(groups={}),
        arrivals=Arrivals(), weights=None,
    )  # fmt: skip
    task = BucketTask(source="village", bucket=0, files={}, zone="UTC", period="year")
    apply_buckets(None, [task], cast("RuleWork", work), storage=cast("Any", SimpleNamespace(write=write)))
    assert [row["decided_on"] for row in written[FLAGS]] == [on(10 + review_days)]
    assert [row["live_rules"] for row in written[DECISIONS]] == [0, 1]


@pytest.mark.parametrize("history", HISTORIES)
def test_a_judge_asks_a_rule_that_is_in_force_or_will_be(history: dict[str, Any]) -> None:
    """Day by day: the status of the date, else the next that is asked, else the rule is judged no more."""
    rule = planned("VEL001", "a > 3", **history).rule
    changes = {**history.get("earlier", {}), history["since"]: history["status"]}
    for day in range(12):
        by_day = [
            changes[max(begun)] if (begun := [one for one in changes if one <= on(later)]) else ""
            for later in range(day, 120)
        ]
        asked = next((status for status in by_day if status in ("live", "shadow")), None)
        judged = rule.judged_on(on(day))
        assert (judged and judged.status) == asked


def test_a_judge_asks_by_the_statuses_of_the_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """VEL001 retires on day 100, VEL002 stays: by day 99 both are judged, from day 100 on one."""
    rules = [
        planned("VEL001", "a > 3", status="retired", since=on(100), earlier={on(0): "live"}),
        planned("VEL002", "b > 3", since=on(0)),
        planned("VEL003", "b > 4", status="retired", since=on(9)),
    ]
    told = {day: [(one.rule.id, one.rule.status) for one in judged_rules(rules, on(day))] for day in (99, 100)}
    assert told == {99: [("VEL001", "live"), ("VEL002", "live")], 100: [("VEL002", "live")]}
    assert [one.rule.id for one in judged_rules(rules, None)] == ["VEL001", "VEL002"]
    for cutoff, newest, expected in ((on(5), on(9), on(5)), (None, on(9), on(9))):
        monkeypatch.setattr(rule_tables, "newest_night", lambda context, newest=newest: newest)
        assert rule_tables.judging_day(cast(Any, None), cutoff) == expected
