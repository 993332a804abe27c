"""Which tables a task may read without looking for second versions of an event."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from tallystick.errors import DeclarationError
from tallystick.features import list_bucket_tasks, settle_dates
from tallystick.features.backfill import Backfill, Chunk
from tallystick.spec.data_files import DataFile
from tallystick.spec.observations import ObservationSet, Rows
from tallystick.spec.sources import Source
from tests.lib.feature_cases import CONTRACTS, make_group, make_measure
from tests.lib.shipped import shipped_project

FIRST, SECOND = date(2026, 3, 1), date(2026, 3, 2)


def file(
    name: str,
    *,
    loads: tuple[date, date] | None = (FIRST, FIRST),
    bucket: int = 0,
    size: int = 100,
    period: str = "2026",
) -> DataFile:
    return DataFile(
        table_path="/w",
        rel=name,
        size=size,
        rows=1,
        partition={"bucket": str(bucket), "period": period},
        bounds={"loaded_on": loads} if loads else {},
    )


@pytest.fixture(scope="module")
def source() -> Source:
    return shipped_project().sources["simbank"]


def single_versions(source: Source, table: str, *files: DataFile) -> dict[int, bool]:
    tasks = list_bucket_tasks(source, {table: files})
    return {task.bucket: table in task.single_version for task in tasks}


def test_rows_of_one_load_have_no_second_versions(source: Source) -> None:
    assert single_versions(source, "clean.transactions", file("a"), file("b")) == {0: True}


def test_rows_of_two_loads_may_have_them_and_each_bucket_is_judged_alone(source: Source) -> None:
    files = (file("a"), file("b", loads=(SECOND, SECOND)), file("c", bucket=1))
    assert single_versions(source, "clean.transactions", *files) == {0: False, 1: True}


def test_a_file_of_merged_loads_may_have_them(source: Source) -> None:
    assert single_versions(source, "clean.transactions", file("a", loads=(FIRST, SECOND))) == {0: False}


def test_a_file_whose_loads_nobody_noted_may_have_them(source: Source) -> None:
    assert single_versions(source, "clean.transactions", file("a", loads=None)) == {0: False}


def test_a_mapping_that_dates_its_rows_itself_may_bring_two_versions_in_one_load(source: Source) -> None:
    assert source.tables["regions"].known_on.kind == "column"
    assert single_versions(source, "clean.regions", file("a")) == {0: False}


def test_events_that_are_reviewed_later_end_with_the_last_one_whose_review_is_over() -> None:
    loaded = SECOND
    at_once = ObservationSet(name="paid", key="loan_id", population=Rows(table="clean.loans"))
    reviewed = replace(at_once, review_days=1)
    assert settle_dates(at_once, loaded, first=SECOND, last=None) == (SECOND, None)
    assert settle_dates(reviewed, loaded, first=None, last=None) == (None, FIRST)
    # A night begins with the day before its own at the latest.
    assert settle_dates(reviewed, loaded, first=SECOND, last=SECOND) == (FIRST, FIRST)
    assert settle_dates(reviewed, loaded, first=None, last=date(2026, 2, 1)) == (None, date(2026, 2, 1))
    assert settle_dates(reviewed, None, first=SECOND, last=None) == (SECOND, None)


def test_a_backfill_of_a_review_ends_before_the_last_load_and_reads_the_night_after_its_last_day(
    source: Source,
) -> None:
    known = {"loaded_on": (SECOND, SECOND), "known_on": (SECOND, SECOND), "event_at": (FIRST, FIRST)}
    late = replace(file("b"), bounds=known)
    at_once = ObservationSet(name="paid", key="loan_id", population=Rows(table="clean.loans"))
    asked = Backfill(
        group=make_group(make_measure("count")), source=source, observations=at_once, contracts=CONTRACTS,
        files={"clean.transactions": [file("a"), late]},
    )  # fmt: skip
    reviewed = replace(asked, observations=replace(at_once, review_days=1))
    asked.check_range(FIRST, SECOND)
    reviewed.check_range(FIRST, FIRST)
    with pytest.raises(DeclarationError, match="less 1 day of review.*say --to 2026-03-01"):
        reviewed.check_range(FIRST, SECOND)
    # A delivery of before came late and was loaded on the second date, whose night has not come.
    with pytest.raises(DeclarationError, match="say --to 2026-03-01"):
        replace(asked, night=FIRST).check_range(FIRST, SECOND)
    held = [
        [path for task in one.tasks(Chunk(FIRST, FIRST)) for path in task.files["clean.transactions"]]
        for one in (asked, reviewed)
    ]
    assert [len(paths) for paths in held] == [1, 2]


def test_a_task_knows_the_bytes_of_its_files_and_those_that_every_task_reads(source: Source) -> None:
    regions = file("r", size=7, period="all")
    files = {"clean.transactions": [file("a"), file("b", bucket=1, size=40)], "clean.regions": [regions]}
    tasks = list_bucket_tasks(source, files)
    assert {task.bucket: task.size for task in tasks} == {0: 107, 1: 47}
    assert tasks[1].files == {"clean.transactions": ("/w/b",), "clean.regions": ("/w/r",)}
