"""What counts as fraud on a date, and what rules are worth by it: held against the definitions, row by row."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest

from tallystick.errors import DeclarationError
from tallystick.rules.backtesting import backtest_rules, wilson
from tallystick.rules.collecting import CollectedAnswers
from tallystick.rules.fraud_cases import CLEAN, FRAUD, IMMATURE, KNOWN, FraudCases, label_fraud
from tallystick.rules.rule_answers import RuleAnswers
from tallystick.rules.subsets import choose_subset
from tallystick.rules.weighing import PRIOR, fit_weights
from tallystick.spec.fraud_labels import FraudLabel
from tests.lib.rule_cases import planned
from tests.lib.shipped import shipped_project

ZONE = "Asia/Shanghai"
LABEL = FraudLabel(
    observations="visits", kinds=("ring", "mule"), roles=("perpetrator",), lead_days=2, unknown_days=5, maturity_days=20
)
CUTOFF = date(2026, 3, 31)


def report(number: int, customer: str, **more: Any) -> dict[str, Any]:
    """A version of a report: of a ring that began on 5 March and was confirmed early on the 10th, local time."""
    return {
        "fraud_report_id": f"r{number}", "customer_id": customer, "kind": "ring", "role": "perpetrator",
        "event_at": datetime(2026, 3, 9, 18, tzinfo=UTC), "began_on": date(2026, 3, 5), "known_on": date(2026, 3, 11),
        "loaded_on": date(2026, 3, 11), "is_retracted": False, **more,
    }  # fmt: skip


REPORTS = [
    report(1, "a"),
    report(2, "unknown_start", began_on=None),
    report(3, "victim", role="victim"),
    report(4, "other_kind", kind="take_over"),
    report(5, "late", known_on=date(2026, 4, 1)),
    report(6, "taken_back"),
    report(6, "taken_back", is_retracted=True, known_on=date(2026, 3, 20), loaded_on=date(2026, 3, 20)),
    # Corrected: it began earlier than was first thought.
    report(7, "corrected"),
    report(7, "corrected", began_on=date(2026, 3, 1), known_on=date(2026, 3, 15), loaded_on=date(2026, 3, 15)),
    report(8, "twice"),
    report(9, "twice", event_at=datetime(2026, 3, 20, tzinfo=UTC), began_on=date(2026, 3, 9),
           known_on=date(2026, 3, 21), loaded_on=date(2026, 3, 21)),
    # Confirmed on the date of the cut-off, and after it: no decision on that date sees it.
    report(10, "today", event_at=datetime(2026, 3, 30, 16, tzinfo=UTC)),
    report(11, "tomorrow", event_at=datetime(2026, 4, 2, tzinfo=UTC)),
    report(12, "yesterday", event_at=datetime(2026, 3, 30, 15, 59, tzinfo=UTC)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("customer", "day", "expected"),
    [
        ("a", 2, CLEAN), ("a", 3, FRAUD), ("a", 10, FRAUD), ("a", 11, KNOWN), ("a", 30, KNOWN),
        ("unknown_start", 2, CLEAN), ("unknown_start", 3, FRAUD),
        ("victim", 6, CLEAN), ("other_kind", 6, CLEAN), ("late", 6, CLEAN), ("taken_back", 6, CLEAN),
        ("corrected", -2, CLEAN), ("corrected", -1, FRAUD), ("corrected", 3, FRAUD), ("today", 6, CLEAN),
        ("tomorrow", 6, CLEAN), ("yesterday", 6, FRAUD),
        # In the second case, and after the first was confirmed: the bank knew the customer for a fraudster.
        ("twice", 10, FRAUD), ("twice", 11, KNOWN), ("twice", 20, KNOWN), ("twice", 21, KNOWN),
        ("nobody", 11, CLEAN), ("nobody", 12, IMMATURE),
    ],
)  # fmt: skip
def test_an_observation_is_fraud_by_what_was_confirmed_of_its_customer(customer: str, day: int, expected: int) -> None:
    dates = np.array([(date(2026, 2, 28) + timedelta(days=day) - date(1970, 1, 1)).days])
    reports = pa.Table.from_pylist(REPORTS)
    customers = pa.chunked_array([[customer]])
    found = label_fraud(customers, dates, reports, label=LABEL, cutoff=CUTOFF, zone=ZONE)
    assert found.codes.tolist() == [expected]
    if expected == FRAUD:
        # Only the corrected version reaches back to day -1; day 3 was fraud by the first one. What is confirmed on the
        # 30th is seen on the 31st at the earliest.
        later = {("corrected", -1): 15, ("yesterday", 6): 31}
        known_on = date(2026, 3, later.get((customer, day), 11))
        assert date.fromordinal(date(1970, 1, 1).toordinal() + int(found.known_on[0])) == known_on


def told_by_definition(versions: list[dict[str, Any]], day: date, on: date) -> tuple[bool, date | None]:
    """Whether an observation of that day is fraud to a decision on a date, and since when one of its cases says so."""

    def covers(case: str, today: date, *, is_after: bool = False) -> bool:
        known = [row for row in versions if row["fraud_report_id"] == case and row["known_on"] <= today]
        if not known:
            return False
        row = max(known, key=lambda version: version["known_on"])
        confirmed = row["event_at"].astimezone(ZoneInfo(ZONE))
        began = row["began_on"] or confirmed.date() - timedelta(days=LABEL.unknown_days)
        return (
            confirmed < datetime.combine(today, time(), ZoneInfo(ZONE))
            and not row["is_retracted"] and row["kind"] in LABEL.kinds and row["role"] in LABEL.roles
            and (day > confirmed.date() if is_after
                 else began - timedelta(days=LABEL.lead_days) <= day <= confirmed.date())
        )  # fmt: skip

    cases = {row["fraud_report_id"] for row in versions}
    days = [on - timedelta(days=back) for back in range(31)]
    since = [min(today for today in days if covers(case, today)) for case in cases if covers(case, on)]
    is_known = any(covers(case, on, is_after=True) for case in cases)
    return bool(since) and not is_known, min(since, default=None)


def versions_by_chance(chance: random.Random) -> list[dict[str, Any]]:
    """Three versions each of two reports of one customer."""

    def version(case: int, known: int) -> dict[str, Any]:
        began, hours = chance.choice([None, *range(1, 20)]), chance.randrange(32 * 24)
        known_on = date(2026, 3, known)
        return report(
            case,
            "c",
            is_retracted=chance.random() < 0.2,
            role=chance.choice(["perpetrator"] * 4 + ["victim"]),
            event_at=datetime(2026, 3, 1, tzinfo=UTC) + timedelta(hours=hours),
            began_on=None if began is None else date(2026, 3, began),
            known_on=known_on,
            loaded_on=known_on,
        )

    return [version(case, known) for case in range(2) for known in sorted(chance.sample(range(1, 31), 3))]


def test_fraud_and_its_first_date_are_those_of_the_definition_for_corrected_and_late_reports() -> None:
    chance, frauds = random.Random(7), 0
    label, days = replace(LABEL, maturity_days=0), [date(2026, 2, 20) + timedelta(days=n) for n in range(0, 40, 3)]
    numbers, customers = (
        np.array([(day - date(1970, 1, 1)).days for day in days]),
        pa.chunked_array([["c"] * len(days)]),
    )
    for _ in range(20):
        versions, cutoff = versions_by_chance(chance), date(2026, 3, chance.randrange(20, 32))
        found = label_fraud(customers, numbers, pa.Table.from_pylist(versions), label=label, cutoff=cutoff, zone=ZONE)
        for day, code, known_on in zip(days, found.codes, found.known_on, strict=True):
            is_fraud, since = told_by_definition(versions, day, cutoff)
            assert (code == FRAUD) == (is_fraud and day <= cutoff)
            if since is not None:
                assert date(1970, 1, 1) + timedelta(days=int(known_on)) == since
            frauds += is_fraud
    assert 20 < frauds < 260


def test_the_shipped_labels_fit_and_wrong_ones_are_refused() -> None:
    project = shipped_project()
    for label in project.fraud_labels.values():
        label.check(project.observations, project.contracts)
    told = {"observations": "applications", "kinds": ("rings",), "roles": ("perpetrator",)}
    with pytest.raises(DeclarationError, match="has no kind rings .did you mean ring"):
        FraudLabel(**told).check(project.observations, project.contracts)
    with pytest.raises(DeclarationError, match="roles is empty"):
        FraudLabel(**(told | {"roles": ()}))


# Rules by observation: hit (1), clear (0), held (2). The last two observations cannot be judged.
CODES = [
    [1, 1, 0, 0, 1, 0, 1, 0],
    [1, 1, 0, 0, 0, 0, 1, 0],
    [0, 0, 1, 2, 0, 0, 0, 1],
    [0, 0, 0, 0, 0, 0, 0, 0],
]
FRAUDS = [FRAUD, FRAUD, FRAUD, FRAUD, CLEAN, CLEAN, IMMATURE, KNOWN]
RULES = tuple(planned(f"VEL00{n}", f"a > {n}", status="shadow" if n == 3 else "live") for n in range(1, len(CODES) + 1))
CASES = FraudCases(
    codes=np.array(FRAUDS, dtype=np.int8), known_on=np.where(np.array(FRAUDS) == FRAUD, np.arange(8) * 7 + 30, 0)
)
COLLECTED = CollectedAnswers(
    answers=RuleAnswers(rules=RULES, codes=np.array(CODES, dtype=np.int8)),
    rows=pa.table({"customer_id": ["c"] * 8}),
    dates=np.arange(8) * 7,
    decided=np.arange(8) * 7,
    values=np.arange(8) * 100.0,
    ranges={},
)


def test_a_backtest_counts_what_can_be_judged() -> None:
    first, second, third, last = backtest_rules(COLLECTED, CASES).to_pylist()
    assert (first["hits"], first["judged_hits"], first["frauds_hit"]) == (4, 3, 2)
    assert (first["precision"], first["recall"]) == (2 / 3, 2 / 4)
    assert (first["value_caught"], first["lag_days"]) == (0 + 100, 30)
    # The second finds nothing that the first has not found; both together are three of four.
    assert (first["gain"], second["gain"], third["gain"]) == (0.5, 0.0, 0.25)
    assert (first["overlap"], first["overlap_with"]) == (3 / 4, "VEL002")
    assert (third["overlap"], third["overlap_with"]) == (0.0, None)
    # No live rule finds what the shadow finds.
    assert (first["beside"], second["beside"], third["beside"]) == (0, 0, 1)
    assert (third["held"], third["status"]) == (1 / 8, "shadow")
    assert first["stability"] == pytest.approx(np.std([1, 1, 0, 0, 1, 0, 1, 0], ddof=1) / 0.5)
    assert (last["precision"], last["lag_days"], last["stability"]) == (None, None, None)


@pytest.mark.parametrize(
    ("right", "asked", "low", "high"),
    # Newcombe (1998), table I: Wilson's interval without correction for continuity.
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_intervals_are_those_of_wilson(right: int, asked: int, low: float, high: float) -> None:
    assert wilson(right, asked) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize("asked", range(1, 60))
def test_intervals_end_exactly_where_none_or_all_are_right(asked: int) -> None:
    assert (wilson(0, asked)[0], wilson(asked, asked)[1]) == (0.0, 1.0)


def test_a_subset_is_chosen_by_what_each_rule_adds() -> None:
    hits = np.array(CODES) == 1
    found = choose_subset(hits, CASES.is_fraud)
    # The first two find the same frauds, and the second hits fewer others.
    assert (found.chosen, found.dead, found.redundant, found.left) == ((1, 2), (3,), (0,), ())
    assert found.recall == (2 / 3, 1.0)
    less = choose_subset(hits, CASES.is_fraud, most=0.25)
    assert (less.chosen, less.left, less.recall) == ((1,), (2,), (2 / 3,))
    nothing = choose_subset(hits, np.zeros(8, dtype=bool))
    assert (nothing.chosen, nothing.recall) == ((), ())


def test_weights_are_smoothed_never_negative_and_without_what_was_held() -> None:
    first, _, third, last = fit_weights(COLLECTED, CASES).to_pylist()
    assert (first["frauds"], first["frauds_hit"], first["cleans"], first["cleans_hit"]) == (4, 2, 2, 1)
    assert first["weight"] == pytest.approx(np.log((2 + PRIOR / 2) / (4 + PRIOR) / ((1 + PRIOR / 2) / (2 + PRIOR))))
    assert (third["frauds"], third["cleans"]) == (3, 2)
    assert third["weight"] > 0
    assert last["weight"] == 0.0
    only_clean = fit_weights(COLLECTED, FraudCases(codes=1 - np.minimum(CASES.codes, 1), known_on=CASES.known_on))
    assert min(only_clean["weight"].to_pylist()) == 0.0
    assert first["base"] == pytest.approx(np.log(4.5 / 2.5))
