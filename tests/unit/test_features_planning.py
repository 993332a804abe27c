"""Which tables a task may read without looking for second versions of an event."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pytest

from tallystick.features import list_bucket_tasks
from tallystick.project import load_project
from tallystick.spec.sources import Source

FIRST, SECOND = date(2026, 3, 1), date(2026, 3, 2)


@dataclass(frozen=True)
class File:
    path: str
    loads: tuple[date, date] | None = (FIRST, FIRST)
    bucket: int = 0
    size: int = 100
    partition: dict[str, str] = field(default_factory=dict)

    @property
    def stats(self) -> dict[str, tuple[date, date]]:
        return {"loaded_on": self.loads} if self.loads else {}


def stored(*files: File) -> list[File]:
    for file in files:
        file.partition.update(bucket=str(file.bucket), period="2026-03")
    return list(files)


@pytest.fixture(scope="module")
def source(project_root: Path) -> Source:
    return load_project(project_root).sources["simbank"]


def single_versions(source: Source, table: str, *files: File) -> dict[int, bool]:
    tasks = list_bucket_tasks(source, {table: stored(*files)})
    return {task.bucket: table in task.single_version for task in tasks}


def test_rows_of_one_load_have_no_second_versions(source: Source) -> None:
    assert single_versions(source, "clean.transactions", File("a"), File("b")) == {0: True}


def test_rows_of_two_loads_may_have_them_and_each_bucket_is_judged_alone(source: Source) -> None:
    files = (File("a"), File("b", loads=(SECOND, SECOND)), File("c", bucket=1))
    assert single_versions(source, "clean.transactions", *files) == {0: False, 1: True}


def test_a_file_of_merged_loads_may_have_them(source: Source) -> None:
    assert single_versions(source, "clean.transactions", File("a", loads=(FIRST, SECOND))) == {0: False}


def test_a_file_whose_loads_nobody_noted_may_have_them(source: Source) -> None:
    assert single_versions(source, "clean.transactions", File("a", loads=None)) == {0: False}


def test_a_mapping_that_dates_its_rows_itself_may_bring_two_versions_in_one_load(source: Source) -> None:
    assert source.tables["regions"].known_on.kind == "column"
    assert single_versions(source, "clean.regions", File("a")) == {0: False}


def test_a_task_knows_the_bytes_of_its_files_and_those_that_every_task_reads(source: Source) -> None:
    regions = File("r", size=7)
    regions.partition.update(bucket="0", period="all")
    files = {"clean.transactions": stored(File("a"), File("b", bucket=1, size=40)), "clean.regions": [regions]}
    tasks = list_bucket_tasks(source, files)
    assert {task.bucket: task.size for task in tasks} == {0: 107, 1: 47}
    assert tasks[1].files == {"clean.transactions": ("b",), "clean.regions": ("r",)}
