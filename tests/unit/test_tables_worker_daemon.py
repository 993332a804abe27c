"""A worker whose socket has no other end says nothing; whatever else goes wrong passes."""

from __future__ import annotations

from typing import Any

import pytest

from tallystick.tables.runtime import worker_daemon
from tallystick.tables.runtime.profile import CHECKOUT


def working(monkeypatch: pytest.MonkeyPatch, outcome: int | Exception) -> int:
    def work(sock: Any, authenticated: bool) -> int:
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    monkeypatch.setattr(worker_daemon, "_work", work)
    return worker_daemon.work_quietly(None, True)


def test_a_worker_that_nobody_reads_ends_in_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    assert working(monkeypatch, 0) == 0
    for error in (BrokenPipeError(), ConnectionResetError()):
        assert working(monkeypatch, error) == 1


@pytest.mark.parametrize("error", [OSError("disk"), ValueError("code"), MemoryError()])
def test_other_errors_of_a_worker_pass(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(type(error)):
        working(monkeypatch, error)


def test_every_profile_starts_this_daemon() -> None:
    for name in ("spark-defaults.conf", "spark-cluster.conf"):
        settings = dict(line.split(None, 1) for line in (CHECKOUT / "conf" / name).read_text().splitlines() if line)
        assert settings["spark.python.daemon.module"] == worker_daemon.__name__
