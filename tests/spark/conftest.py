"""What holds for every test of this folder."""

from __future__ import annotations

import pytest

from tallystick.buckets import spark_tasks


@pytest.fixture(autouse=True)
def _even_small_work_goes_to_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests are about Spark; outside this folder, work as small as theirs is done in the process that asks."""
    monkeypatch.setattr(spark_tasks, "HERE_BYTES", 0)
