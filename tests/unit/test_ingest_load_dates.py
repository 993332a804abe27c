"""When a delivery became known, which deliveries are read again with a late one, and which nights are missing."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallystick.errors import DeclarationError, InputError, LoadRefused
from tallystick.ingest.load_dates import is_late, load_date_for, missing_nights, read_again, tell_days
from tallystick.project.sources import load_source
from tallystick.spec.delivery_names import is_delivery, next_name
from tallystick.spec.sources import Source
from tests.lib.deliveries import SOURCE_YAML, write_source


def day(number: int) -> date:
    return date(2026, 4, number)


def known(*numbers: int) -> dict[str, date]:
    return {day(number).isoformat(): day(number) for number in numbers}


@pytest.mark.parametrize(
    ("name", "loaded", "expected"),
    [
        ("2026-04-06", {}, 6),
        ("2026-04-06", known(5), 6),
        ("2026-04-09", known(5), 9),  # a gap opens
        ("2026-04-06", known(5, 7), 8),  # late: the day after the newest night
        ("2026-04-05", {**known(4, 7), "2026-04-06": day(8)}, 8),  # a second late one joins the first
        ("2026-04-08", {**known(5, 7), "2026-04-06": day(8)}, 8),  # the next night joins it, and is not shifted
        ("2026-04-08", {**known(5, 7), "2026-04-06": day(12)}, 12),  # loads go forward
        ("2026-04-07.2", known(5, 7), 8),  # a correction of a night that is loaded
        ("2026-04-07.2", known(5), 7),
    ],
)
def test_the_load_date(name: str, loaded: dict[str, date], expected: int) -> None:
    assert load_date_for(name, loaded, source="village") == day(expected)


def test_a_late_delivery_joins_the_night_of_its_own_run_or_a_later_date_that_is_said() -> None:
    assert load_date_for("2026-04-06", known(5, 7, 8), source="village", same_run=day(8)) == day(8)
    assert load_date_for("2026-04-06", known(5, 7), source="village", known_from=day(12)) == day(12)
    for loaded in (known(5, 7), known(5)):
        with pytest.raises(LoadRefused, match="cannot have been known from 2026-04-05 on"):
            load_date_for("2026-04-06", loaded, source="village", known_from=day(5))


@settings(max_examples=60, deadline=None)
@given(order=st.permutations([f"2026-04-0{number}{end}" for number in range(1, 6) for end in ("", ".2")]))
def test_no_load_date_is_before_what_was_loaded_or_decided(order: list[str]) -> None:
    """From the definition: whatever the order, a delivery is known neither before its night nor before any load, and
    later than every night that was decided on without it.
    """
    loaded: dict[str, date] = {}
    for name in order:
        found = load_date_for(name, loaded, source="village")
        night = date.fromisoformat(name[:10])
        assert found >= max([night, *loaded.values()])
        decided = [date.fromisoformat(other[:10]) for other in loaded]
        assert is_late(name, loaded) == any(other >= night for other in decided)
        if is_late(name, loaded):
            assert found > max(decided)
        loaded[name] = found


def test_what_says_something_after_the_oldest_is_read_again() -> None:
    before = ["2026-04-05", "2026-04-07", "2026-04-07.2", "2026-04-06"]
    assert read_again(["2026-04-08", "2026-04-06.2"], before) == ["2026-04-07", "2026-04-07.2"]
    assert read_again(["2026-04-08"], before) == []


def source(tmp_path: Path, *more: str) -> Source:
    yaml = SOURCE_YAML.replace("2024-01-31", "2026-03-31") + "".join(f"{line}\n" for line in more)
    return load_source(write_source(tmp_path, files={"source.yaml": yaml}), "village")


def test_missing_nights_are_those_between_the_first_and_the_last(tmp_path: Path) -> None:
    village = source(tmp_path)
    assert missing_nights(village, []) == []
    assert missing_nights(village, ["2026-04-03", "2026-04-06", "2026-04-06.2"]) == [day(4), day(5)]
    assert missing_nights(village, ["2026-04-03", "2026-04-04"], until=day(6)) == [day(5), day(6)]
    # History has no nights; what lies between its end and the first one does.
    assert missing_nights(village, ["2025-12-31", "2026-02-28", "2026-04-02"]) == [day(1)]


def test_a_source_says_on_which_days_it_delivers(tmp_path: Path) -> None:
    names = ["2026-04-03", "2026-04-08"]  # Friday and Wednesday
    assert missing_nights(source(tmp_path / "a", "delivers: weekdays"), names) == [day(6), day(7)]
    assert missing_nights(source(tmp_path / "b", "delivers: irregularly"), names) == []
    with pytest.raises(DeclarationError, match="delivers"):
        source(tmp_path / "c", "delivers: hourly")


def test_days_are_told_as_spans() -> None:
    days = [day(1) + timedelta(days=number) for number in (0, 2, 3, 4, 6)]
    assert tell_days(days) == "2026-04-01, 2026-04-03 to 2026-04-05, 2026-04-07"


def test_names_of_deliveries() -> None:
    assert [name for name in ("2026-04-06", "2026-04-06.2", "2026-04-06.part", "files") if is_delivery(name)] == [
        "2026-04-06",
        "2026-04-06.2",
    ]
    assert (next_name("2026-04-06"), next_name("2026-04-06.2")) == ("2026-04-06.2", "2026-04-06.3")
    for name in ("2026-13-06", "2026-04-06.1", "2026-04-06.12"):
        with pytest.raises(InputError, match="the folder's name is no"):
            is_delivery(name)
