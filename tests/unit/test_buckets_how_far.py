"""How far Spark is with a stage's tasks, as its status tracker tells it, and what work done here says of itself."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from tallystick.buckets.spark_tasks import run_tasks, share_done


class Tracker:
    """A session and its status tracker: each running job has stages, each stage tasks of which some are done."""

    def __init__(self, jobs: dict[int, list[tuple[int, int] | None]]) -> None:
        self.jobs = jobs

    @property
    def sparkContext(self) -> Any:  # noqa: N802 - Spark's name
        return SimpleNamespace(statusTracker=lambda: self)

    def getActiveJobsIds(self) -> list[int]:  # noqa: N802 - Spark's name
        return list(self.jobs)

    def getJobInfo(self, job: int) -> Any:  # noqa: N802 - Spark's name
        return SimpleNamespace(stageIds=[(job, place) for place in range(len(self.jobs[job]))])

    def getStageInfo(self, stage: tuple[int, int]) -> Any:  # noqa: N802 - Spark's name
        found = self.jobs[stage[0]][stage[1]]
        return found and SimpleNamespace(numTasks=found[0], numCompletedTasks=found[1])


@pytest.mark.parametrize(
    ("jobs", "share"),
    [
        ({}, 0.0),
        ({7: [None]}, 0.0),
        ({7: [(3, 0)]}, 0.0),
        ({7: [(3, 1)]}, 0.6),
        ({7: [(3, 3)]}, 1.0),
        ({6: [(200, 199)], 7: [None, (3, 2)]}, 0.9),
    ],
)
def test_the_running_stage_with_as_many_tasks_is_ours(
    jobs: dict[int, list[tuple[int, int] | None]], share: float
) -> None:
    assert share_done(cast("Any", Tracker(jobs)), [6, 3, 1]) == share


def test_tasks_of_unknown_size_count_alike() -> None:
    assert share_done(cast("Any", Tracker({1: [(4, 1)]})), [0, 0, 0, 0]) == 0.25


def test_work_that_is_done_here_says_after_each_task_how_far_it_is() -> None:
    told: list[Any] = []
    tasks = ["b", "a"]
    assert run_tasks(None, tasks, lambda task: [task, len(told)], sizes=[3, 1], how_far=told.append) == ["b", 0, "a", 1]
    assert told == [0.75, 1.0]
