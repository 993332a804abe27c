"""When a delivery became known, which deliveries are read again with a late one, and which nights are missing."""

from __future__ import annotations

from datetime import date, timedelta
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallystick.errors import DeclarationError, InputError, LoadRefused
from tallystick.ingest.load_dates import SaidDates, is_late, load_date_for, missing_nights, read_again, tell_days
from tallystick.project.sources import load_source
from tallystick.spec.delivery_names import is_delivery, next_name
from tallystick.spec.sources import Source
from tests.lib.deliveries import SOURCE_YAML, write_source


def day(number: int) -> date:
    """The day of April 2026 with this number; after the thirtieth those of May follow."""
    return date(2026, 4, 1) + timedelta(days=number - 1)


def known(*numbers: int) -> dict[str, date]:
    return {day(number).isoformat(): day(number) for number in numbers}


def run_on(number: int) -> SaidDates:
    return SaidDates(run_date=day(number))


@pytest.mark.parametrize(
    ("name", "loaded", "on", "expected"),
    [
        ("2026-04-06", {}, 20, 6),  # in their turn, whenever they are loaded
        ("2026-04-06", known(5), 20, 6),
        ("2026-04-09", known(5), 9, 9),  # a gap opens
        ("2026-04-06", known(5, 7), 7, 8),  # late: after the newest night, on which decisions were made
        ("2026-04-06", known(5, 7), 20, 20),  # and not before it came
        ("2026-04-05", {**known(4, 7), "2026-04-06": day(8)}, 8, 8),  # a second late one joins the first
        ("2026-04-05", {**known(4, 7), "2026-04-06": day(20)}, 20, 20),
        ("2026-04-05", {**known(4, 7), "2026-04-06": day(20)}, 22, 22),
        ("2026-04-08", {**known(5, 7), "2026-04-06": day(8)}, 8, 8),  # the next night joins it, and is not shifted
        ("2026-04-08", {**known(5, 7), "2026-04-06": day(12)}, 12, 12),  # loads go forward
        ("2026-04-07.2", known(5, 7), 7, 8),  # a correction of a night that is loaded
        ("2026-04-07.2", known(5), 7, 7),
    ],
)
def test_the_load_date(name: str, loaded: dict[str, date], on: int, expected: int) -> None:
    assert load_date_for(name, loaded, source="village", said=run_on(on)) == day(expected)


def test_a_late_delivery_needs_a_date_and_one_in_its_turn_does_not() -> None:
    with pytest.raises(LoadRefused, match=r"village, delivery 2026-04-06: it came late, after 2026-04-07.*--run-date"):
        load_date_for("2026-04-06", known(5, 7), source="village")
    assert load_date_for("2026-04-08", known(5, 7), source="village") == day(8)


def test_a_late_delivery_joins_the_night_of_its_own_run_or_a_later_date_that_is_said() -> None:
    late = partial(load_date_for, "2026-04-06", source="village")
    assert late(known(5, 7, 8), same_run=day(8), said=run_on(8)) == day(8)
    assert late(known(5, 7, 8), same_run=day(8), said=run_on(20)) == day(20)  # a night that was loaded long after it
    assert late(known(5, 7), said=SaidDates(known_from=day(12))) == day(12)
    # In its turn, and decisions went on without it.
    assert late(known(5), said=SaidDates(known_from=day(12), run_date=day(14))) == day(12)


@pytest.mark.parametrize(
    ("loaded", "said", "least"),
    [
        (known(5), SaidDates(known_from=day(5)), 6),  # before its own night
        (known(5, 7), SaidDates(known_from=day(7)), 8),  # a night on which decisions were made without it
        ({**known(5, 7), "2026-04-04": day(10)}, SaidDates(known_from=day(9)), 10),  # before the newest load
        (known(5, 7), SaidDates(known_from=day(12), run_date=day(13)), 13),  # before it came
    ],
)
def test_a_date_on_which_it_cannot_have_been_known_is_refused(
    loaded: dict[str, date], said: SaidDates, least: int
) -> None:
    refusal = f"cannot have been known from {said.known_from} on .*say {day(least)} or a later date"
    with pytest.raises(LoadRefused, match=refusal):
        load_date_for("2026-04-06", loaded, source="village", said=said)


@settings(max_examples=60, deadline=None)
@given(
    order=st.permutations([f"2026-04-0{number}{end}" for number in range(1, 6) for end in ("", ".2")]),
    waits=st.lists(st.integers(0, 3), min_size=10, max_size=10),
)
def test_a_late_delivery_is_known_from_the_first_date_that_it_can_be(order: list[str], waits: list[int]) -> None:
    """From the definition, whatever the order and the days between runs: of all dates the first that is neither before
    its night nor before any load, and for a late one neither before the day of its run nor a night decided without it.
    """
    loaded: dict[str, date] = {}
    today = 0
    for name, wait in zip(order, waits, strict=True):
        night = date.fromisoformat(name[:10])
        today = max(today + wait, night.day)  # nothing comes before its night
        decided = [date.fromisoformat(other[:10]) for other in loaded]
        late = any(other >= night for other in decided)
        possible = [
            on
            for on in (day(number) for number in range(1, 31))
            if on >= night
            and all(on >= other for other in loaded.values())
            and not (late and (on < day(today) or any(on <= other for other in decided)))
        ]
        assert is_late(name, loaded) == late
        loaded[name] = load_date_for(name, loaded, source="village", said=run_on(today))
        assert loaded[name] == possible[0]


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
