"""How fresh the loads are that an answer rests on: by the business dates that were known on its date."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from tallystick.answers import Answers
from tallystick.errors import InputError
from tallystick.project import Project, load_project
from tallystick.tables import Warehouse
from tests.lib.answered import note_features, score_night, told_loads

MONDAY, TUESDAY, WEDNESDAY, THURSDAY = (date(2026, 4, number) for number in (6, 7, 8, 9))


@pytest.fixture(scope="module")
def project(project_root: Path) -> Project:
    return load_project(project_root)


def answers(
    root: Path, project: Project, loads: list[date], *, deliveries: dict[date, str] | None = None, late: str = ""
) -> Answers:
    """Scores of four nights, and these loads; ``late`` is a table that the load of Tuesday did not bring."""
    warehouse = Warehouse(root)
    for day in (MONDAY, TUESDAY, WEDNESDAY, THURSDAY):
        score_night(warehouse, project, "simbank", day, {"simbank:1": 0.01})
    nights = [MONDAY, TUESDAY, WEDNESDAY, THURSDAY]
    note_features(warehouse, project, nights, dict.fromkeys(project.feature_groups, ("clean.transactions",)))
    told_loads(warehouse, project, without={late: TUESDAY} if late else None, deliveries=deliveries, simbank=loads)
    return Answers(warehouse, project)


def stale(found: Answers, day: date | None) -> list[tuple[str, date | None, date]]:
    return [(one.table, one.held, one.wanted) for one in found.score("simbank:1", as_of=day).stale]


@pytest.mark.parametrize("later", [(), (WEDNESDAY,), (WEDNESDAY, THURSDAY)])
def test_an_answer_of_the_past_stays_stale_whatever_was_loaded_since(
    tmp_path: Path, project: Project, later: tuple[date, ...]
) -> None:
    found = answers(tmp_path, project, [MONDAY, TUESDAY, *later], late="transactions")
    assert stale(found, TUESDAY) == [("the load of clean.transactions", MONDAY, TUESDAY)]
    assert stale(found, MONDAY) == []


def test_a_night_that_was_not_loaded_by_its_date_is_told_on_it_and_after_it(tmp_path: Path, project: Project) -> None:
    found = answers(tmp_path, project, [MONDAY, WEDNESDAY])
    assert stale(found, TUESDAY) == [("the load of simbank", MONDAY, TUESDAY)]
    assert stale(found, WEDNESDAY) == [("the load of simbank", None, TUESDAY)]
    (told,) = found.score("simbank:1", as_of=WEDNESDAY).stale
    assert "the load of 2026-04-07" in str(told)


def test_a_night_that_came_late_is_no_newer_than_the_nights_after_it(tmp_path: Path, project: Project) -> None:
    late = {THURSDAY: "2026-04-07:9"}
    found = answers(tmp_path, project, [MONDAY, WEDNESDAY, THURSDAY], deliveries=late)
    assert found.score("simbank:1").as_of == WEDNESDAY
    assert stale(found, THURSDAY) == [("the load of simbank", WEDNESDAY, THURSDAY)]
    # What an answer of Wednesday rests on lacked Tuesday, though it has come by now.
    assert stale(found, WEDNESDAY) == [("the load of simbank", None, TUESDAY)]


def test_with_the_night_of_the_same_load_date_the_source_is_fresh(tmp_path: Path, project: Project) -> None:
    both = {THURSDAY: "2026-04-07:9 2026-04-09:8"}
    found = answers(tmp_path, project, [MONDAY, WEDNESDAY, THURSDAY], deliveries=both)
    assert found.score("simbank:1").as_of == THURSDAY
    assert stale(found, THURSDAY) == []


def test_a_date_before_the_first_load_is_in_its_history(tmp_path: Path, project: Project) -> None:
    assert stale(answers(tmp_path, project, [THURSDAY]), WEDNESDAY) == []


def test_a_date_that_begins_before_the_calendar_is_refused(tmp_path: Path, project: Project) -> None:
    with pytest.raises(InputError, match="0001-01-01 begins at no instant"):  # in China, eight hours before it
        answers(tmp_path, project, [MONDAY]).vector("simbank:1", as_of=date.min, groups=["accounts"])
