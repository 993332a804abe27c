"""What the groups of interests and hobbies say of a few rows, counted by hand."""

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


def test_interests_are_counted_by_kind_topic_and_hour() -> None:
    rows = Rows("behaviour_event_id")
    rows.add("2025-06-01", kind="hobby", topic="fishing")  # before every window: fishing is not new later
    rows.add("2026-01-20", "03:00", kind="hobby", topic="fishing")
    rows.add("2026-02-20", kind="hobby", topic="cycling")
    rows.add("2026-02-20", kind="hobby", topic="cycling")  # at the same instant, new once
    rows.add("2026-02-22", "05:59", kind="content", topic="jobs")
    rows.add("2026-02-23", "06:00", kind="content", topic="cycling")  # an article; cycling is no news as a hobby
    rows.add("2026-03-05", kind="click", topic="loans")
    rows.add("2026-03-06", kind="click", topic="betting")
    rows.add("2026-03-06", "13:00", kind="click", topic=None)
    found = tallystick.compute_vector(list(rows), AS_OF, "hobbies")
    expected = {
        "looked_count_30d": 7, "looked_count_90d": 8, "looked_hobby_count_90d": 3, "looked_content_count_90d": 2,
        "looked_click_count_90d": 3, "looked_hobby_days_since_last_all": 18, "topics_hobby_distinct_90d": 2,
        "topics_hobby_hhi_90d": 5 / 9, "topics_content_entropy_90d": math.log(2), "new_topics_hobby_count_90d": 1,
        "new_topics_share_90d": 1 / 3, "hobby_share_90d": 3 / 8, "jobs_count_30d": 1, "loans_count_30d": 1,
        "loans_share_90d": 1 / 8, "betting_count_90d": 1, "betting_active_days_90d": 1, "night_count_90d": 2,
        "night_share_90d": 2 / 8, "hobby_active_days_180d": 2, "hobby_max_gap_180d": 31,
        "looked_hobby_count_ratio_30d_180d": (2 / 30) / (3 / 180), "hobby_months_count_6m": 2,
        "hobby_months_current_streak_6m": 2, "topics_hobby_distinct_change_90d": None,
    }  # fmt: skip
    assert not differing(found, "hobbies", expected)


def test_a_topic_that_was_taken_back_was_never_known() -> None:
    rows = Rows("behaviour_event_id")
    first = rows.add("2026-01-20", kind="hobby", topic="fishing")
    rows.add("2026-02-20", kind="hobby", topic="fishing")
    rows.correct(first, "2026-03-10", is_retracted=True)
    for day, new in ((9, 1), (10, 1)):
        found = tallystick.compute_vector(list(rows), dt.date(2026, 3, day), "hobbies")
        assert found["hobbies_new_topics_hobby_count_90d"] == new
        assert found["hobbies_looked_hobby_count_90d"] == {9: 2, 10: 1}[day]


def test_nobody_who_tells_nothing_has_an_interest() -> None:
    found = tallystick.compute_vector([], AS_OF, "hobbies", zone="Asia/Shanghai", customer_id="simbank:1")
    assert found["hobbies_looked_count_90d"] == 0
    assert found["hobbies_topics_hobby_entropy_90d"] is None
    assert found["hobbies_hobby_share_90d"] is None
