"""What the groups of interests and hobbies say of a few rows, counted by hand."""

from __future__ import annotations

import datetime as dt
import math
from pathlib import Path

import pytest

import tallystick
from tests.lib.hand_made import Rows, at, differing

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


def test_groups_are_those_joined_and_not_left_however_often_it_was_told() -> None:
    rows = Rows("group_membership_id")
    for day, group, kind, is_member in (
        ("2025-03-10", "a", "hobby", True),
        ("2025-03-11", "a", "hobby", True),  # told twice
        ("2025-05-01", "b", "hobby", True),
        ("2025-06-01", "w", "work", True),
        ("2025-12-01", "b", "hobby", False),
        ("2025-12-02", "c", "hobby", False),  # left without having joined
        ("2026-02-08", "d", "hobby", True),
    ):
        rows.add(day, group_id=group, group_kind=kind, is_member=is_member)
    groups = [
        {"group_id": name, "event_at": at("2025-01-01"), "known_on": known, "is_retracted": False, "topic": topic}
        for name, topic, known in (
            ("a", "fishing", dt.date(2025, 1, 2)),
            ("b", "fishing", dt.date(2025, 1, 2)),
            ("d", "chess", dt.date(2026, 3, 11)),  # not known yet
        )
    ]
    found = tallystick.compute_vector(list(rows), AS_OF, "hobby_groups", lookups={"clean.groups": groups})
    assert found == {
        "hobby_groups_belongs_sum_180d": 0, "hobby_groups_belongs_sum_all": 2, "hobby_groups_left_count_180d": 2,
        "hobby_groups_left_count_all": 2, "hobby_groups_joined_days_since_first_all": 365,
        "hobby_groups_joined_days_since_last_all": 30, "hobby_groups_left_days_since_last_all": 98,
        "hobby_groups_topics_distinct_all": 1,
    }  # fmt: skip


def test_messages_count_in_hobby_groups_only() -> None:
    rows = Rows("group_message_id")
    rows.add("2025-11-01", group_id="a", group_kind="hobby")
    rows.add("2026-02-28", group_id="a", group_kind="hobby")  # a Saturday
    rows.add("2026-03-02", group_id="b", group_kind="hobby")
    rows.add("2026-03-09", group_id="w", group_kind="work")
    late = rows.add("2026-03-03", group_id="b", group_kind="hobby")
    late["known_on"] = dt.date(2026, 3, 11)
    found = tallystick.compute_vector(list(rows), AS_OF, "hobby_chats")
    expected = {
        "written_count_30d": 2, "written_count_180d": 3, "written_days_since_last_all": 8, "groups_distinct_90d": 2,
        "written_max_gap_180d": 119, "weekend_share_90d": 1 / 2, "written_count_change_90d": 1.0,
        "written_count_ratio_30d_180d": (2 / 30) / (3 / 180),
    }  # fmt: skip
    assert not differing(found, "hobby_chats", expected)


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
    found = tallystick.compute_vector(list(rows), AS_OF, "leisure")
    expected = {
        "spent_count_90d": 3, "spent_sum_90d": 6_000, "spent_max_90d": 3_000, "all_sum_90d": 10_000,
        "spent_share_90d": 0.6, "weekend_sum_90d": 1_000, "weekend_share_90d": 1 / 6, "places_distinct_180d": 2,
        "places_top_share_180d": 2 / 3, "spread_share_180d": 0.5, "spent_max_gap_180d": 45,
        "spent_days_since_last_all": 6, "spent_months_count_6m": 1, "spent_months_current_streak_6m": 0,
    }  # fmt: skip
    assert not differing(found, "leisure", expected)
