"""What the groups of given facts, households and wallpapers say of a few rows, counted by hand."""

from __future__ import annotations

import datetime as dt
import math
from pathlib import Path

import pytest

import tallystick
from tests.lib.hand_made import Rows, differing

AS_OF = dt.date(2026, 3, 10)


@pytest.fixture(autouse=True)
def in_the_project(project_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project_root)


def filled_in() -> Rows:
    """Three forms: the second changes the telephone, the third nearly everything."""
    rows = Rows("applicant_fact_id")
    told = {"phone_id": "p1", "email_id": "m1", "address_id": "a1", "employer_id": "e1", "contact_id": "k1"}
    told |= {"contact_kind": "family", "housing": "owner", "declared_income_minor": 500_000, "form_seconds": 300}
    told["other_instalments_minor"] = 300_000
    rows.add("2025-09-01", **told, application_id="1")
    rows.add("2025-12-10", **told | {"phone_id": "p2", "declared_income_minor": 600_000}, application_id="2")
    changed = {"phone_id": "p1", "email_id": "m2", "address_id": None, "employer_id": None, "contact_id": "k2"}
    changed |= {"contact_kind": None, "housing": "rent", "declared_income_minor": 900_000, "form_seconds": 40}
    changed["other_instalments_minor"] = 90_000
    rows.add("2026-03-10", "05:30", **told | changed, application_id="3")
    for row in rows:
        row["known_on"] = row["loaded_on"] = row["event_at"].astimezone(dt.timezone(dt.timedelta(hours=8))).date()
    return rows


def test_a_form_is_held_against_the_one_before_it() -> None:
    half_past_five = dt.datetime(2026, 3, 9, 21, 30, 30, tzinfo=dt.UTC)  # half a minute after the form, in Shanghai
    found = tallystick.compute_vector(list(filled_in()), half_past_five, "applicant")
    expected = {
        "form_count_30d": 1, "form_count_180d": 2, "form_count_all": 3, "form_days_since_first_all": 190,
        "days_before_last_all": 90 - 6.5 / 24, "days_before_min_all": 90 - 6.5 / 24, "income_last_all": 900_000,
        "income_step_last_all": 1.5, "income_step_max_all": 1.5,
        "burden_last_all": 90_000, "burden_max_all": 300_000, "burden_share_last_all": 0.1,
        "seconds_last_all": 40, "seconds_min_all": 40, "night_last_all": 1, "phone_changed_last_all": 1,
        "phone_changed_sum_all": 2, "email_changed_last_all": 1,
        "address_changed_last_all": None, "address_changed_sum_all": 0, "employer_changed_last_all": None,
        "contact_changed_sum_all": 1, "changed_last_all": 3, "changed_max_all": 3, "phone_told_distinct_all": 2,
        "address_told_distinct_all": 1, "names_employer_last_all": 0, "contact_is_family_last_all": 0,
        "home_is_owner_last_all": 0, "home_is_rent_last_all": 1,
    }  # fmt: skip
    assert not differing(found, "applicant", expected)


def test_a_first_form_has_nothing_before_it() -> None:
    found = tallystick.compute_vector(list(filled_in())[:1], dt.date(2025, 10, 1), "applicant")
    expected = {
        "form_count_30d": 1, "days_before_last_all": None, "income_step_last_all": None, "changed_last_all": 0,
        "phone_changed_last_all": None, "phone_changed_sum_all": 0, "phone_told_distinct_all": 1,
        "home_is_owner_last_all": 1, "contact_is_family_last_all": 1,
    }  # fmt: skip
    assert not differing(found, "applicant", expected)


def test_a_household_is_what_was_told_last() -> None:
    rows = Rows("household_membership_id")
    rows.add("2024-01-10", household_id="h1", role="child", started_on=dt.date(2001, 5, 1), people_number=4)
    told = {"household_id": "h1", "role": "child", "started_on": dt.date(2001, 5, 1), "people_number": 4}
    rows.add("2026-01-10", **told, ended_on=dt.date(2025, 12, 1))
    rows.add("2026-01-10", "12:01", household_id="h2", role="alone", started_on=dt.date(2025, 12, 10), people_number=1)
    found = tallystick.compute_vector(list(rows), AS_OF, "households")
    expected = {
        "people_last_all": 1, "people_max_all": 4, "lived_age_days_all": 90, "homes_distinct_365d": 2,
        "homes_distinct_all": 2, "ended_count_365d": 1, "told_days_since_last_all": 59,
    }  # fmt: skip
    assert not differing(found, "households", expected)


def test_questions_of_other_lenders_are_counted_and_lenders_once() -> None:
    rows = Rows("credit_inquiry_id")
    rows.add("2025-06-01", lender_id="a", kind="card")
    rows.add("2026-03-04", lender_id="a", kind="loan")
    rows.add("2026-03-05", lender_id="b", kind="loan")
    rows.add("2026-03-08", lender_id="b", kind="loan")
    rows.add("2026-03-09", "23:00", lender_id="c", kind="loan", known_on=dt.date(2026, 3, 11))  # not yet known
    found = tallystick.compute_vector(list(rows), AS_OF, "inquiries")
    expected = {
        "asked_count_7d": 3, "asked_count_365d": 4, "asked_loan_count_365d": 3, "asked_days_since_last_all": 2,
        "lender_distinct_7d": 2, "lender_distinct_365d": 2, "lender_new_30d": 1, "days_max_gap_365d": 276,
        "asked_count_ratio_7d_90d": (3 / 7) / (3 / 90), "asked_count_ratio_30d_365d": (3 / 30) / (4 / 365),
    }  # fmt: skip
    assert not differing(found, "inquiries", expected)
    nothing = tallystick.compute_vector([], AS_OF, "inquiries", zone="Asia/Shanghai", customer_id="simbank:1")
    assert not differing(nothing, "inquiries", {"asked_count_7d": 0, "asked_days_since_last_all": None})


def test_wallpapers_are_counted_like_anything_else() -> None:
    rows = Rows("wallpaper_change_id")
    rows.add("2025-12-28", "04:00", theme="sea")  # a Sunday
    rows.add("2026-02-15", "14:00", theme="cats")  # a Sunday
    rows.add("2026-03-02", "09:00", theme="cats")
    found = tallystick.compute_vector(list(rows), AS_OF, "wallpaper")
    expected = {
        "change_count_30d": 2, "change_count_90d": 3, "change_night_count_90d": 1, "change_weekend_count_90d": 2,
        "weekend_share_90d": 2 / 3, "change_days_since_first_all": 72, "change_days_since_last_all": 8,
        "change_max_gap_180d": 49, "themes_distinct_90d": 2, "themes_top_share_90d": 2 / 3, "hours_mean_180d": 9.0,
        "themes_entropy_90d": -(2 / 3 * math.log(2 / 3) + 1 / 3 * math.log(1 / 3)), "change_count_change_90d": None,
        "change_count_ratio_30d_180d": (2 / 30) / (3 / 180),
    }  # fmt: skip
    assert not differing(found, "wallpaper", expected)
