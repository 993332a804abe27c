"""Features of fraud review, on a handful of rows: what a new payee, a guessed password or money passed on is."""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from typing import Any

import pyarrow as pa
import pytest

from tallystick.features import GroupWork, compute_local
from tallystick.kernel.row_values import evaluate_expression
from tallystick.observations import OBSERVATION_SCHEMA
from tallystick.project import Project
from tallystick.project.rule_checks import columns_of
from tests.lib.shipped import shipped_project

ZONE, WHO = "Asia/Shanghai", "simbank:1"
NOON = dt.datetime(2026, 3, 10, 4, tzinfo=dt.UTC)  # 12:00 in Shanghai
KINDS = {
    "string": pa.string(), "timestamp": pa.timestamp("us", "UTC"), "date": pa.date32(), "int64": pa.int64(),
    "int32": pa.int32(), "boolean": pa.bool_(), "double": pa.float64(),
}  # fmt: skip


@lru_cache(maxsize=1)
def project() -> Project:
    return shipped_project()


def features(group: str, rows: list[dict[str, Any]], *, at: dt.datetime = NOON, review_days: int = 1) -> dict[str, Any]:
    """The group's features the microsecond after ``at``, reviewed on the next day."""
    declared, contracts = project().feature_groups[group], project().contracts
    contract = contracts[declared.table]
    filled = [
        {
            "customer_id": WHO, contract.event_id: f"e{number}", "is_retracted": False,
            "known_on": row["event_at"].astimezone(dt.UTC).date() + dt.timedelta(days=1), **row,
        }
        for number, row in enumerate(rows)
    ]  # fmt: skip
    schema = pa.schema([(column.name, KINDS[column.type]) for column in contract.columns])
    events = pa.Table.from_pylist(filled, schema=schema)
    asked = pa.Table.from_pylist(
        [{"observation_id": "x", "customer_id": WHO, "as_of": at + dt.timedelta(microseconds=1)}], OBSERVATION_SCHEMA
    )
    work = GroupWork.of(declared, contracts, review_days=review_days)
    return dict(compute_local(work, events, asked, dimensions={}, zone=ZONE).to_pylist()[0])


def ago(**parts: float) -> dt.datetime:
    return NOON - dt.timedelta(**parts)


def booking(at: dt.datetime, yuan: float, to: str | None = "p1", **parts: Any) -> dict[str, Any]:
    told = {"direction": "out", "channel": "mobile", "category": "transfer", "account_id": "a1", **parts}
    return {"event_at": at, "amount_minor": int(yuan * 100), "counterparty_id": to, **told}


def test_a_payee_is_new_until_the_account_had_to_do_with_it() -> None:
    rows = [booking(ago(days=9), 300, "p1"), booking(ago(minutes=5), 2_000, "p2"), booking(NOON, 2_000, "p1")]
    found = features("velocity", rows)
    assert (found["velocity_payee_is_new_last_all"], found["velocity_payee_is_new_sum_24h"]) == (0, 1)
    assert found["velocity_payee_days_last_all"] == 9
    assert features("velocity", rows[:2])["velocity_payee_is_new_last_all"] == 1
    # The review of the same day knows nothing of that day yet.
    assert features("velocity", rows, review_days=0)["velocity_payee_is_new_last_all"] is None


def test_payments_count_within_minutes_and_the_one_under_review_is_among_them() -> None:
    rows = [booking(ago(minutes=10, seconds=-1), 50), booking(ago(minutes=3), 60, "p2"), booking(NOON, 70, "p3")]
    found = features("velocity", [*rows, booking(ago(minutes=11), 80, "p4")])
    assert [found[f"velocity_paid_count_{window}"] for window in ("10min", "1h")] == [3, 4]
    assert found["velocity_payee_distinct_10min"] == 3
    assert found["velocity_rushed_min_24h"] == 61


def test_a_large_sum_after_a_trial_of_a_few_yuan_is_counted_for_an_hour() -> None:
    trial = booking(ago(minutes=59), 5, "shop", channel="card", category="shopping")
    assert features("velocity", [trial, booking(NOON, 1_000)])["velocity_after_trial_sum_24h"] == 100_000
    early = {**trial, "event_at": ago(minutes=61)}
    assert features("velocity", [early, booking(NOON, 1_000)])["velocity_after_trial_sum_24h"] == 0


def test_money_is_passed_on_if_about_as_much_leaves_within_a_day() -> None:
    given = booking(ago(hours=23), 5_000, "friend", direction="in")
    found = features("flows", [given, booking(NOON, 4_500, "boss"), booking(ago(hours=1), 1_000)])
    assert (found["flows_passed_count_24h"], found["flows_passed_sum_30d"]) == (1, 450_000)
    assert found["flows_through_share_24h"] == 1.1
    cash = booking(NOON, 4_500, None, channel="cash", category="cash")
    assert features("flows", [given, cash])["flows_passed_cash_count_30d"] == 1
    late = {**given, "event_at": ago(hours=25)}
    assert features("flows", [late, cash])["flows_passed_cash_count_30d"] == 0


def test_just_below_what_is_reported_is_a_tenth_below_and_not_the_sum_itself() -> None:
    sums = (44_999.99, 45_000, 49_999.99, 50_000)
    rows = [booking(ago(days=n), yuan, f"s{n}", direction="in") for n, yuan in enumerate(sums)]
    found = features("structuring", rows)
    assert (found["structuring_below_count_7d"], found["structuring_above_count_90d"]) == (2, 1)
    assert found["structuring_below_sender_distinct_30d"] == 2


def test_the_share_of_sums_that_begin_with_one_is_that_of_first_digits() -> None:
    sums = (1, 19.99, 123, 1_999, 2, 20, 999, 9_999.99)
    rows = [booking(ago(hours=n), yuan, direction="in") for n, yuan in enumerate(sums)]
    assert features("structuring", rows)["structuring_first_one_share_180d"] == 0.5


def session(at: dt.datetime, kind: str = "login", device: str = "d1", **parts: Any) -> dict[str, Any]:
    return {"event_at": at, "kind": kind, "device_id": device, "is_tampered": False, **parts}


def test_a_password_is_guessed_if_a_session_follows_three_failures_within_half_an_hour() -> None:
    failures = [session(ago(minutes=n), "failed_login", "d2") for n in (9, 6, 3)]
    found = features("sessions", [session(ago(days=3)), *failures, session(NOON, "new_device", "d2")])
    assert (found["sessions_guessed_count_24h"], found["sessions_fail_then_phone_count_24h"]) == (1, 1)
    assert found["sessions_failed_count_10min"] == 3
    two = features("sessions", [session(ago(days=3)), *failures[1:], session(NOON, device="d2")])
    assert two["sessions_guessed_count_24h"] == 0


def test_a_telephone_is_new_once_and_never_the_first_one() -> None:
    first = [session(ago(days=40), "new_device")]
    assert features("sessions", first, at=ago(days=40))["sessions_is_new_last_all"] == 0
    swapped = [*first, session(ago(hours=2), "sim_change"), session(NOON, "new_device", "d2", is_tampered=True)]
    found = features("sessions", swapped)
    assert (found["sessions_is_new_last_all"], found["sessions_sim_then_phone_count_24h"]) == (1, 1)
    assert (found["sessions_tampered_last_all"], found["sessions_was_tampered_last_all"]) == (1, 0)
    again = features("sessions", [*swapped, session(NOON + dt.timedelta(hours=1), device="d1")])
    assert again["sessions_is_new_last_all"] == 1  # what comes after the event under review is not seen


@pytest.mark.parametrize(("hours", "speed"), [(1.0, 1112.0), (2.0, 556.0)])
def test_a_speed_is_at_least_the_way_north_or_east(hours: float, speed: float) -> None:
    rows = [
        {"event_at": ago(hours=hours), "cell_id": "a", "cell_latitude": 30.0, "cell_longitude": 110.0},
        {"event_at": NOON, "cell_id": "b", "cell_latitude": 40.0, "cell_longitude": 110.0},
    ]
    assert features("whereabouts", rows)["whereabouts_speed_max_24h"] == pytest.approx(speed)
    near = {**rows[1], "cell_latitude": 30.3}
    assert features("whereabouts", [rows[0], near])["whereabouts_speed_max_24h"] is None


def test_what_forms_tell_is_compared_with_the_form_before() -> None:
    forms = [
        {"event_at": at, "declared_income_minor": income, "employer_id": "e", "form_seconds": seconds,
         "other_instalments_minor": debts, "contact_id": contact}
        for at, income, seconds, debts, contact in (
            (ago(days=60), 100, 50, 5, "a"), (ago(days=20), 90, 300, 9, "b"), (NOON, 95, 301, 0, "a"),
        )
    ]  # fmt: skip
    found = features("told", forms)
    names = ("income_up", "debts_down", "no_debts", "same_seconds", "contact_back")
    assert [found[f"told_{name}_last_all"] for name in names] == [1, 1, 1, 1, 1]
    alone = features("told", forms[:1], at=ago(days=60))
    assert [alone[f"told_{name}_last_all"] for name in names] == [None, None, 0, None, None]


def test_there_are_a_hundred_and_twenty_rules_and_a_third_of_them_at_most_wait_in_shadow() -> None:
    rules = [rule for rule in project().rules.values() if rule.family != "early_warning"]
    families = {rule.family for rule in rules}
    assert len(rules) >= 120
    assert len(families) == 10, sorted(families)
    assert min(sum(rule.family == family for rule in rules) for family in families) >= 12
    assert sum(rule.status == "shadow" for rule in rules) <= len(rules) / 3
    assert {rule.observations for rule in rules} == {"applications", "transfers", "logins", "daily"}


@pytest.mark.parametrize("observations", ["applications", "transfers", "logins", "daily"])
def test_without_a_graph_no_rule_about_ties_says_clear(observations: str) -> None:
    columns = columns_of(project(), observations)
    found = 0
    for rule in project().rules.values():
        if rule.observations != observations:
            continue
        planned = columns.plan(rule, columns.types)
        graphs = [name for name in planned.columns if columns.group_of(name) in ("chains", "circles", "counterparty")]
        if graphs:
            found += 1
            row = pa.table({name: pa.nulls(1, KINDS[columns.types[name]]) for name in planned.columns})
            assert evaluate_expression(planned.node, row).to_pylist() == [None], rule.id
    assert found > 0
