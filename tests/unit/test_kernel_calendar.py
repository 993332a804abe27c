"""Business dates and window edges of columns agree with those of single instants, hour by hour around every turn."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from tallystick.errors import DeclarationError
from tallystick.kernel.zones import DAY, months_back, zone_offsets
from tallystick.spec.calendar import business_date, shift_back
from tallystick.spec.windows import parse_window
from tests.lib.drawn_rows import ZONES
from tests.lib.feature_cases import utc

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
ZONES_TRIED = [*sorted(ZONES), "America/Recife", "Africa/Casablanca", "Asia/Kolkata"]


def micros(moments: list[dt.datetime]) -> np.ndarray:
    return np.array([(moment - EPOCH) // dt.timedelta(microseconds=1) for moment in moments], dtype=np.int64)


def moments_around(zone: str) -> list[dt.datetime]:
    """Hours and odd minutes around the last turns of the zone's clock."""
    starts = zone_offsets(zone).starts[-60:] if zone_offsets(zone).starts.size else np.array([0])
    turns = [EPOCH + dt.timedelta(microseconds=int(start)) for start in starts]
    steps = [dt.timedelta(minutes=minutes) for minutes in (-1500, -61, -60, -31, -1, 0, 1, 29, 30, 59, 60, 90, 1440)]
    return [turn + step for turn in turns for step in steps]


@pytest.mark.parametrize("zone", ZONES_TRIED)
def test_local_clocks_agree_with_the_time_zone_database(zone: str) -> None:
    moments = moments_around(zone)
    from zoneinfo import ZoneInfo

    local = zone_offsets(zone).to_local(micros(moments))
    expected = [moment.astimezone(ZoneInfo(zone)).replace(tzinfo=dt.UTC) for moment in moments]
    assert local.tolist() == micros(expected).tolist()


@pytest.mark.parametrize("zone", ZONES_TRIED)
@pytest.mark.parametrize("window", ["1d", "7d", "1m", "6m"])
def test_edges_agree_with_those_of_single_instants(zone: str, window: str) -> None:
    moments = moments_around(zone)
    parsed = parse_window(window)
    place = zone_offsets(zone)
    found = place.back(place.clocks(micros(moments)), parsed.unit, parsed.count)
    assert found.tolist() == micros([shift_back(moment, parsed, zone) for moment in moments]).tolist()


@pytest.mark.parametrize("zone", ZONES_TRIED)
def test_business_dates_never_go_back(zone: str) -> None:
    moments = sorted(moments_around(zone))
    days = zone_offsets(zone).dates(micros(moments))
    assert (np.diff(days) >= 0).all()
    if not zone_offsets(zone).turns_midnight:
        printed = [(business_date(moment, zone) - EPOCH.date()).days for moment in moments]
        assert days.tolist() == printed


def test_a_clock_turned_back_over_midnight_keeps_the_new_date() -> None:
    # In St John's the clock went from 00:01 back to 23:01: both hours of 29 October are that date.
    moments = [utc(2006, 10, 29, 2, 29), utc(2006, 10, 29, 2, 30), utc(2006, 10, 29, 2, 32), utc(2006, 10, 29, 4)]
    days = zone_offsets("America/St_Johns").dates(micros(moments))
    assert [str(np.datetime64(int(day), "D")) for day in days] == [
        "2006-10-28",
        "2006-10-29",
        "2006-10-29",
        "2006-10-29",
    ]


def test_midnights_begin_the_dates() -> None:
    zone = zone_offsets("America/Santiago")
    days = np.arange(19_000, 20_500)
    midnights = zone.midnights(days)
    assert (zone.dates(midnights) == days).all()
    assert (zone.dates(midnights - 1) == days - 1).all()


def test_months_clamp_to_the_last_day() -> None:
    days = np.array(["2024-03-31", "2023-03-31", "2024-02-29", "2024-01-01"], dtype="datetime64[D]").astype(np.int64)
    back = months_back(days, 1).astype("datetime64[D]").astype(str)
    assert back.tolist() == ["2024-02-29", "2023-02-28", "2024-01-29", "2023-12-01"]
    assert months_back(days, 12)[2] == np.datetime64("2023-02-28").astype(np.int64)


def test_times_before_1970_keep_their_dates() -> None:
    zone = zone_offsets("Europe/Prague")
    assert zone.dates(np.array([-1, -DAY])).tolist() == [0, -1]


def test_an_unknown_zone_is_refused() -> None:
    with pytest.raises(DeclarationError, match="Mars/Olympus"):
        zone_offsets("Mars/Olympus")
    with pytest.raises(DeclarationError, match="no far edge"):
        shift_back(utc(2024, 1, 1), parse_window("all"), "UTC")
