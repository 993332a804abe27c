"""What the groups of chats say of a few messages and memberships, counted by hand."""

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


def test_messages_are_counted_by_circle_and_hour() -> None:
    rows = Rows("group_message_id")
    for day, clock, group, kind in (
        ("2026-01-05", "12:00", "w", "work"),
        ("2026-02-10", "23:00", "h", "hobby"),
        ("2026-02-28", "21:59", "f", "family"),  # a Saturday
        ("2026-03-01", "22:00", "f", "family"),  # a Sunday
        ("2026-03-01", "22:00", "h", "hobby"),
        ("2026-03-05", "05:59", "w", "work"),
    ):
        rows.add(day, clock, group_id=group, group_kind=kind)
    found = tallystick.compute_vector(list(rows), AS_OF, "chats")
    expected = {
        "written_count_7d": 1, "written_count_28d": 5, "written_family_count_28d": 2, "written_work_count_90d": 2,
        "written_active_days_28d": 4, "written_days_since_last_all": 5, "written_family_days_since_last_all": 9,
        "written_max_gap_90d": 36, "written_longest_streak_90d": 2, "circles_distinct_28d": 3,
        "circles_top_share_28d": 2 / 5, "circles_entropy_90d": math.log(3), "night_count_28d": 4,
        "night_share_28d": 4 / 5, "weekend_share_28d": 3 / 5, "family_share_28d": 2 / 5, "work_share_90d": 1 / 3,
        "written_count_ratio_28d_90d": (5 / 28) / (6 / 90), "written_count_change_28d": None,
    }  # fmt: skip
    assert not differing(found, "chats", expected)


def test_a_circle_that_was_left_is_gone() -> None:
    rows = Rows("group_membership_id")
    for day, group, kind, is_member in (
        ("2025-01-01", "w", "work", True),
        ("2025-02-01", "f", "family", True),
        ("2025-05-01", "w", "work", False),
        ("2025-06-01", "w2", "work", True),
        ("2026-02-01", "w2", "work", False),
        ("2026-02-02", "w2", "work", False),  # told twice
    ):
        rows.add(day, group_id=group, group_kind=kind, is_member=is_member)
    found = tallystick.compute_vector(list(rows), AS_OF, "chat_groups", lookups={"clean.groups": []})
    expected = {
        "belongs_sum_90d": -1, "belongs_sum_all": 1, "belongs_work_sum_all": 0, "belongs_family_sum_all": 1,
        "left_work_count_90d": 2, "left_count_all": 3, "joined_work_days_since_first_all": 433,
        "joined_family_days_since_first_all": 402, "left_work_days_since_last_all": 36,
    }  # fmt: skip
    assert not differing(found, "chat_groups", expected)


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
    found = tallystick.compute_vector(list(rows), AS_OF, "chat_groups", lookups={"clean.groups": groups})
    expected = {
        "belongs_hobby_sum_90d": 1, "belongs_hobby_sum_all": 2, "left_hobby_count_90d": 0, "left_hobby_count_all": 2,
        "joined_hobby_days_since_first_all": 365, "joined_days_since_last_all": 30,
        "left_hobby_days_since_last_all": 98, "topics_distinct_all": 1,
    }  # fmt: skip
    assert not differing(found, "chat_groups", expected)


def test_ties_that_hold_are_told_from_new_ones() -> None:
    rows = Rows("social_event_id")
    for day, who in (("2026-01-20", "ann"), ("2026-01-21", "bob"), ("2026-02-20", "bob"), ("2026-02-20", "cas")):
        rows.add(day, kind="call", direction="out", counterpart_id=who)
    found = tallystick.compute_vector(list(rows), AS_OF, "social")
    expected = {
        "contacts_kept_share_28d": 1 / 2, "contacts_jaccard_28d": 1 / 3, "contacts_new_share_28d": 1 / 2,
        "contacts_kept_share_90d": None, "contacts_new_share_90d": 1.0, "week_hours_similarity_28d": 0.0,
    }  # fmt: skip
    assert not differing(found, "social", expected)
