"""What the group of places says of a few sightings, counted by hand; distances by the angle between two places."""

from __future__ import annotations

import datetime as dt
import math
import statistics
from pathlib import Path

import pytest

import tallystick
from tests.lib.hand_made import Rows, differing

AS_OF = dt.date(2026, 3, 10)
# Cells as centres in degrees. The new home is a degree north of the old one.
HOME, OFFICE, CAFE, NEW_HOME = (30.0, 120.0), (30.0, 120.2), (30.1, 120.0), (31.0, 120.0)
NAMES = {HOME: "home", OFFICE: "office", CAFE: "cafe", NEW_HOME: "new"}


@pytest.fixture(autouse=True)
def in_the_project(project_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project_root)


def kilometres(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Along the great circle of a ball with the earth's mean radius: the angle between two vectors from its middle."""
    vectors = []
    for north, east in (one, other):
        up, round_ = math.radians(north), math.radians(east)
        vectors.append((math.cos(up) * math.cos(round_), math.cos(up) * math.sin(round_), math.sin(up)))
    (x, y, z), (u, v, w) = vectors
    across = math.hypot(y * w - z * v, z * u - x * w, x * v - y * u)
    return 6371.0088 * math.atan2(across, x * u + y * v + z * w)


def seen(rows: Rows, day: str, clock: str, place: tuple[float, float]) -> None:
    latitude, longitude = place
    parts = {"cell_grid": "h3/8", "cell_id": NAMES[place], "accuracy_metres": 20}
    rows.add(day, clock, **parts, cell_latitude=latitude, cell_longitude=longitude)


def moved() -> Rows:
    """Home and office until the end of the year; from January on another home, and no office."""
    rows = Rows("location_event_id")
    for day in ("2025-10-06", "2025-11-03", "2025-12-01"):  # Mondays
        seen(rows, day, "05:59", HOME)
        seen(rows, day, "09:00", OFFICE)
    seen(rows, "2025-11-08", "20:00", CAFE)  # a Saturday
    for day in ("2026-01-05", "2026-02-02", "2026-03-02"):
        seen(rows, day, "01:00", NEW_HOME)
    seen(rows, "2026-02-10", "17:59", CAFE)  # a Tuesday
    seen(rows, "2026-03-01", "02:00", HOME)  # a visit
    seen(rows, "2026-03-01", "12:00", HOME)
    return rows


def test_home_and_work_are_the_places_of_most_nights_and_working_hours() -> None:
    found = tallystick.compute_vector(list(moved()), AS_OF, "trajectory")
    expected = {
        "seen_count_30d": 4, "seen_count_90d": 6, "seen_count_180d": 13, "seen_night_count_90d": 4,
        "seen_work_count_90d": 1, "seen_weekend_count_90d": 2, "seen_days_since_last_all": 8,
        "seen_work_days_since_last_all": 28, "seen_max_gap_180d": 35, "cell_night_top_share_90d": 3 / 4,
        "cell_work_top_share_180d": 3 / 4, "cell_distinct_90d": 3, "cell_night_distinct_90d": 2,
        "cell_night_entropy_90d": -(3 / 4 * math.log(3 / 4) + 1 / 4 * math.log(1 / 4)),
        "kept_night_top_kept_90d": 0, "kept_work_top_kept_90d": 0, "still_night_old_top_share_30d": 1 / 2,
        "still_work_old_top_share_30d": 0.0, "places_kept_share_90d": 2 / 3, "places_jaccard_90d": 2 / 4,
        "places_new_share_30d": 0.0, "places_new_share_90d": 1 / 3, "at_home_count_90d": 3,
        "at_work_count_180d": 3, "at_work_days_since_last_180d": 99,
        "weekend_share_90d": 2 / 6, "at_work_share_180d": 3 / 13, "nights_away_90d": 1, "nights_away_180d": 3,
        "explained_share_90d": 4 / 5, "explained_share_180d": 7 / 11, "way_distance_180d": kilometres(HOME, OFFICE),
        "moved_distance_90d": kilometres(HOME, NEW_HOME), "changed_distance_90d": kilometres(OFFICE, CAFE),
        "home_months_count_6m": 3, "workplace_months_current_streak_6m": 0,
    }  # fmt: skip
    assert not differing(found, "trajectory", expected)


def test_the_radius_of_gyration_is_the_spread_around_the_middle() -> None:
    rows = Rows("location_event_id")
    for day, place in (("2026-01-05", HOME), ("2026-01-06", HOME), ("2026-01-07", OFFICE), ("2026-01-08", CAFE)):
        seen(rows, day, "12:00", place)
    found = tallystick.compute_vector(list(rows), AS_OF, "trajectory")
    places = [HOME, HOME, OFFICE, CAFE]
    middle = (statistics.mean(north for north, _ in places), statistics.mean(east for _, east in places))
    exact = math.sqrt(statistics.mean(kilometres(place, middle) ** 2 for place in places))
    assert found["trajectory_about_gyration_90d"] == pytest.approx(exact, rel=1e-3)


def test_who_is_not_seen_has_no_home() -> None:
    found = tallystick.compute_vector([], AS_OF, "trajectory", zone="Asia/Shanghai", customer_id="simbank:1")
    expected = {
        "seen_count_90d": 0, "cell_night_top_share_90d": None, "kept_night_top_kept_90d": None,
        "way_distance_90d": None, "about_gyration_90d": None, "nights_away_90d": 0, "explained_share_90d": None,
        "at_work_share_90d": None,
        "home_months_count_6m": 0,
    }  # fmt: skip
    assert not differing(found, "trajectory", expected)
