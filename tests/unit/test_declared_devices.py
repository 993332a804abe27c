"""What the groups of telephones and checks of identity say of a few rows, counted by hand."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

import tallystick
from tests.lib.hand_made import Rows, differing

AS_OF = dt.date(2026, 3, 10)


@pytest.fixture(autouse=True)
def in_the_project(project_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project_root)


def taken_over() -> Rows:
    """A year with one telephone; then a new card, failed logins, and another telephone."""
    rows = Rows("device_event_id")
    rows.add("2025-03-10", kind="new_device", device_id="a", is_tampered=False)
    rows.add("2026-01-05", kind="login", device_id="a", is_tampered=False)
    rows.add("2026-02-20", kind="login", device_id="a", is_tampered=False)
    rows.add("2026-03-05", kind="sim_change", device_id="a")
    rows.add("2026-03-06", "02:00", kind="failed_login", device_id="b", is_tampered=True)  # never registered
    rows.add("2026-03-06", "02:01", kind="failed_login", device_id="b", is_tampered=True)
    rows.add("2026-03-06", "02:05", kind="new_device", device_id="b", is_tampered=True)
    rows.add("2026-03-06", "02:06", kind="login", device_id="b", is_tampered=True)
    rows.add("2026-03-08", kind="login", device_id="a", is_tampered=None)
    return rows


def test_a_telephone_that_takes_an_account_over_is_seen() -> None:
    found = tallystick.compute_vector(list(taken_over()), AS_OF, "devices")
    expected = {
        "login_count_30d": 5, "login_count_90d": 6, "login_active_days_30d": 3, "login_days_since_last_all": 2,
        "login_max_gap_180d": 46, "failed_count_7d": 2, "failed_share_30d": 2 / 5, "failed_again_count_30d": 1,
        "night_count_30d": 3, "night_share_30d": 3 / 5, "used_distinct_30d": 2, "used_distinct_all": 2,
        "used_top_share_180d": 4 / 8, "new_phone_count_7d": 1, "new_phone_days_since_first_all": 365,
        "new_phone_days_since_last_all": 4, "switch_count_30d": 2, "switch_days_since_last_all": 2,
        "unseen_count_7d": 1, "used_old_top_share_7d": 2 / 6, "new_sim_count_7d": 1, "new_sim_days_since_last_all": 5,
        "new_phone_after_sim_count_30d": 1, "tampered_count_30d": 4, "tampered_last_all": None,
        "login_count_ratio_30d_180d": (5 / 30) / (6 / 180),
    }  # fmt: skip
    assert not differing(found, "devices", expected)


def test_what_happened_today_is_known_tomorrow() -> None:
    rows = list(taken_over())
    noon = dt.datetime(2026, 3, 6, 4, tzinfo=dt.UTC)  # an application at noon of that day, in Shanghai
    found = tallystick.compute_vector(rows, noon, "devices")
    seen = {"new_phone_count_7d": 0, "failed_count_7d": 0, "new_sim_count_7d": 1, "used_distinct_all": 1}
    assert not differing(found, "devices", seen)


def test_a_new_telephone_long_after_a_new_card_is_an_ordinary_one() -> None:
    rows = Rows("device_event_id")
    rows.add("2026-01-10", kind="new_device", device_id="a")
    rows.add("2026-02-10", kind="sim_change", device_id="a")
    rows.add("2026-02-17", "12:00", kind="new_device", device_id="b")  # exactly a week
    rows.add("2026-02-18", kind="login", device_id=None)
    rows.add("2026-02-19", kind="login", device_id="b")
    found = tallystick.compute_vector(list(rows), AS_OF, "devices")
    expected = {
        "new_phone_after_sim_count_180d": 0, "unseen_count_90d": 0, "switch_count_90d": 1, "used_distinct_90d": 2,
        "tampered_count_180d": 0, "failed_share_90d": 0.0,
    }  # fmt: skip
    assert not differing(found, "devices", expected)


def check(rows: Rows, day: str, clock: str, face: float | None, **parts: object) -> None:
    usual = {"occasion": "application", "device_id": "a", "retry_count": 0, "is_passed": True}
    rows.add(day, clock, **{"face_match_score": face, **usual, **parts})


def test_checks_of_identity_are_held_against_those_before() -> None:
    rows = Rows("identity_check_id")
    check(rows, "2025-02-01", "09:00", 0.9, occasion="joining")
    check(rows, "2025-12-01", "10:00", None, is_passed=False)
    check(rows, "2026-02-10", "03:00", 0.95, retry_count=None)
    check(rows, "2026-03-09", "12:00", 0.75, device_id="b", retry_count=2, is_passed=False)
    found = tallystick.compute_vector(list(rows), AS_OF, "identity")
    expected = {
        "check_count_30d": 2, "check_count_180d": 3, "check_count_all": 4, "check_days_since_first_all": 402,
        "check_days_since_last_all": 1, "face_last_all": 0.75, "face_first_all": 0.9, "face_min_180d": 0.75,
        "face_mean_180d": 0.85, "face_step_last_all": 0.75 - 0.95, "face_step_min_all": 0.75 - 0.95,
        "retries_last_all": 2, "retries_max_all": 2, "retries_sum_180d": 2, "retries_mean_180d": 1.0,
        "failed_count_180d": 2, "failed_share_180d": 2 / 3, "night_count_30d": 1, "phones_distinct_180d": 2,
        "other_phone_last_all": 1,
    }  # fmt: skip
    assert not differing(found, "identity", expected)


def test_a_check_of_the_same_minute_is_known_where_the_source_says_so() -> None:
    """The face that is looked at for an application is a part of it: known on its own day."""
    rows = Rows("identity_check_id")
    check(rows, "2026-03-10", "11:59", 0.8)
    check(rows, "2026-03-10", "12:00", 0.1)  # at as_of itself, so not before it
    for row in rows:
        row["known_on"] = row["loaded_on"] = dt.date(2026, 3, 10)
    noon = dt.datetime(2026, 3, 10, 4, tzinfo=dt.UTC)
    found = tallystick.compute_vector(list(rows), noon, "identity")
    assert not differing(found, "identity", {"check_count_30d": 1, "face_last_all": 0.8, "face_std_all": None})
