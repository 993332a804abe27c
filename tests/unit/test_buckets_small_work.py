"""Small work is done in the process that asks; work that is larger, or of unknown size, is Spark's."""

from __future__ import annotations

import os
from typing import Any, cast

import pytest

from tallystick.buckets.spark_tasks import HERE_BYTES, run_tasks


def run(sizes: list[int] | None) -> list[Any]:
    """Two tasks whose results name the process, with something that is no session."""
    return run_tasks(cast("Any", object()), ["b", "a"], lambda task: [task, os.getpid()], sizes=sizes)


def test_small_work_is_done_here_in_the_order_of_the_tasks() -> None:
    assert run([HERE_BYTES // 2 - 1, HERE_BYTES // 2]) == ["b", os.getpid(), "a", os.getpid()]


@pytest.mark.parametrize("sizes", [[HERE_BYTES // 2, HERE_BYTES // 2], [0, 1], None])
def test_work_that_is_larger_or_of_unknown_size_is_not(sizes: list[int] | None) -> None:
    with pytest.raises(AttributeError, match="sparkContext"):
        run(sizes)
