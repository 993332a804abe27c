"""What the groups of income and spending say of a few bookings, counted by hand."""

from __future__ import annotations

import datetime as dt
import math
import statistics
from pathlib import Path

import pytest

import tallystick
from tests.lib.hand_made import Rows, differing

AS_OF = dt.date(2026, 3, 10)


@pytest.fixture(autouse=True)
def in_the_project(project_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project_root)


def paid(rows: Rows, day: str, amount: int, payer: str, *, category: str | None = "salary") -> None:
    rows.add(day, direction="in", category=category, amount_minor=amount, counterparty_id=payer)


def spent(rows: Rows, day: str, amount: int, category: str, *, clock: str = "12:00", **parts: object) -> None:
    rows.add(day, clock, direction="out", category=category, amount_minor=amount, **parts)


def test_income_is_held_against_the_one_before_it_whatever_lies_between() -> None:
    rows = Rows("transaction_id")
    paid(rows, "2025-08-15", 90_000, "old")  # before the window; the payer is known from it
    paid(rows, "2025-10-15", 100_000, "old")
    spent(rows, "2025-10-20", 5_000, "food")
    paid(rows, "2025-11-15", 100_000, "old")
    paid(rows, "2025-11-20", 999_000, "bank", category="loan_disbursal")  # no income, and no payer
    paid(rows, "2025-12-15", 60_000, "new")
    paid(rows, "2026-02-15", 60_000, "new", category=None)  # of a bank that tells no kinds
    found = tallystick.compute_vector(list(rows), AS_OF, "income")
    amounts = [100_000, 100_000, 60_000, 60_000]
    gaps = [61, 31, 30, 62]  # from 15 August on
    expected = {
        "pay_count_90d": 2, "pay_count_180d": 4, "pay_sum_180d": 320_000, "pay_mean_90d": 60_000.0,
        "pay_q50_180d": 80_000.0, "pay_min_180d": 60_000, "pay_last_180d": 60_000, "pay_salary_sum_180d": 260_000,
        "pay_pension_sum_180d": 0, "pay_days_since_first_all": 207, "gap_days_mean_180d": statistics.mean(gaps),
        "gap_days_std_180d": statistics.stdev(gaps), "gap_days_max_180d": 62, "payday_entropy_180d": 0.0,
        "payers_distinct_90d": 1, "payers_distinct_180d": 2, "payers_top_kept_90d": 0,
        "per_payer_max_180d": 200_000,
        "main_payer_share_180d": 200 / 320, "same_payer_count_180d": 3, "same_payer_share_90d": 1 / 2,
        "other_payer_days_since_last_all": 85, "spread_share_180d": statistics.stdev(amounts) / 80_000,
        "last_pay_share_180d": 60 / 80, "pay_months_mean_6m": 320_000 / 6, "pay_months_min_6m": 0.0,
        "pay_months_last_6m": 60_000.0, "step_months_last_6m": None, "unpaid_months_count_6m": 2,
        "unpaid_months_current_streak_6m": 0, "unpaid_months_count_12m": 7, "unpaid_months_longest_streak_12m": 5,
        "cut_months_count_6m": 3,
    }  # fmt: skip
    assert not differing(found, "income", expected)


def test_income_that_was_corrected_counts_as_it_was_known() -> None:
    rows = Rows("transaction_id")
    paid(rows, "2026-01-15", 50_000, "a")
    wrong = rows.add("2026-02-15", direction="in", category="salary", amount_minor=70_000, counterparty_id="a")
    rows.correct(wrong, "2026-03-10", counterparty_id="b")
    for day, expected in (
        (9, {"same_payer_count_90d": 1, "payers_distinct_90d": 1, "other_payer_days_since_last_all": None}),
        (10, {"same_payer_count_90d": 0, "payers_distinct_90d": 2, "other_payer_days_since_last_all": 23}),
    ):
        assert not differing(tallystick.compute_vector(list(rows), dt.date(2026, 3, day), "income"), "income", expected)


def test_spending_is_placed_after_payday_by_hour_and_by_whom_it_paid() -> None:
    rows = Rows("transaction_id")
    spent(rows, "2025-12-01", 1_000, "food", counterparty_id="shop")  # before the 90 days: no new place later
    spent(rows, "2026-01-31", 2_000, "cash", channel="cash")
    paid(rows, "2026-02-01", 80_000, "boss")
    spent(rows, "2026-02-02", 4_000, "shopping", counterparty_id="shop")
    spent(rows, "2026-02-04", 3_000, "food", clock="11:59", counterparty_id="cafe")  # a minute short of three days
    spent(rows, "2026-02-04", 5_000, "household", counterparty_id="rent", channel="cash")
    spent(rows, "2026-02-07", 6_000, "gambling", clock="05:59", counterparty_id="odds")  # a Saturday
    spent(rows, "2026-02-10", 7_000, "savings", counterparty_id="own")  # not spent
    rows.add("2026-02-12", direction="in", category="shopping", amount_minor=1_500, counterparty_id="shop")
    found = tallystick.compute_vector(list(rows), AS_OF, "spending")
    total = 20_000
    expected = {
        "all_sum_90d": total, "all_count_90d": 5, "all_sum_180d": 21_000, "kinds_entropy_90d": math.log(5),
        "essentials_sum_90d": 8_000, "essentials_share_90d": 0.4, "cash_count_90d": 2, "cash_sum_90d": 7_000,
        "cash_share_90d": 7 / 20, "refund_count_90d": 1, "refund_share_90d": 1_500 / total,
        "after_pay_sum_90d": 7_000, "after_pay_share_90d": 7 / 20, "weekend_sum_90d": 8_000, "night_count_90d": 1,
        "night_share_90d": 6 / 20, "places_distinct_90d": 4, "places_top_share_90d": 1 / 4,
        "new_places_count_90d": 3, "new_places_share_90d": 3 / 5, "places_kept_share_90d": 1.0,
        "all_months_max_6m": 18_000.0,
        "all_sum_zscore_30d": -3_500 / statistics.stdev([20_000, 0, 1_000, 0, 0, 0]),
        "essentials_sum_ratio_30d_180d": 0.0,
    }  # fmt: skip
    assert not differing(found, "spending", expected)


def test_debt_and_what_is_bound_are_compared_with_income() -> None:
    rows = Rows("transaction_id")
    paid(rows, "2025-12-20", 40_000, "boss")
    paid(rows, "2026-01-20", 60_000, "boss")
    spent(rows, "2026-01-25", 15_000, "loan_payment")
    spent(rows, "2026-01-26", 10_000, "household")
    spent(rows, "2026-01-27", 5_000, "medical")
    rows.add("2026-02-20", direction="in", category="family_support", amount_minor=25_000)
    spent(rows, "2026-02-25", 1_000, "food")
    found = tallystick.compute_vector(list(rows), AS_OF, "consumption")
    expected = {
        "debt_service_share_30d": None, "debt_service_share_90d": 0.15, "bound_sum_90d": 25_000,
        "bound_share_90d": 0.25, "medical_share_180d": 5 / 16, "food_share_180d": 1 / 16, "support_share_90d": 0.25,
        "overspent_months_count_6m": 1, "overspent_months_current_streak_6m": 1,
    }  # fmt: skip
    assert not differing(found, "consumption", expected)


def test_leisure_is_compared_with_all_spending() -> None:
    rows = Rows("transaction_id")
    rows.add("2026-01-15", direction="out", category="entertainment", amount_minor=3_000, counterparty_id="m1")
    rows.add(
        "2026-03-01", direction="out", category="entertainment", amount_minor=1_000, counterparty_id="m1"
    )  # Sunday
    rows.add("2026-03-04", direction="out", category="entertainment", amount_minor=2_000, counterparty_id="m2")
    rows.add("2026-03-04", direction="in", category="entertainment", amount_minor=9_000)  # a refund
    rows.add("2026-03-05", direction="out", category="food", amount_minor=4_000)
    rows.add("2026-03-05", direction="out", category="savings", amount_minor=70_000)  # not spent
    found = tallystick.compute_vector(list(rows), AS_OF, "spending")
    expected = {
        "leisure_count_90d": 3, "leisure_sum_90d": 6_000, "leisure_max_90d": 3_000, "all_sum_90d": 10_000,
        "leisure_share_90d": 0.6, "leisure_weekend_sum_90d": 1_000, "leisure_weekend_share_90d": 1 / 6,
        "leisure_places_distinct_180d": 2,
        "leisure_places_top_share_180d": 2 / 3, "leisure_spread_share_180d": 0.5, "leisure_max_gap_180d": 45,
        "leisure_days_since_last_all": 6, "leisure_months_count_6m": 1, "leisure_months_current_streak_6m": 0,
    }  # fmt: skip
    assert not differing(found, "spending", expected)
