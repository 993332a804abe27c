"""Two schedulers start each job of a night at the same moment: the rows are those of one, and the loser says so."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tallystick.errors import ConflictError
from tests.lib import nights

PATIENCE = 1200.0

pytestmark = [pytest.mark.soak, pytest.mark.timeout(3600)]


def test_a_night_that_two_schedulers_start_is_done_once(tmp_path: Path) -> None:
    deliveries = nights.simulate(tmp_path / "bank", customers=200, nights=1, seed=5)
    quiet, raced = (nights.Bank(deliveries=deliveries, warehouse=tmp_path / name) for name in ("quiet", "raced"))
    for day in quiet.dates:
        for job in quiet.jobs(day):
            assert end(*start(job, f"quiet-{day}", tmp_path)) == 0
    codes: Counter[tuple[str, int]] = Counter()
    for day in raced.dates:
        for job in raced.jobs(day):
            both = [start(job, f"{name}-{day}", tmp_path) for name in ("one", "other")]
            ended = [end(started, log) for started, log in both]
            codes.update((Path(job[0]).stem, code) for code in ended)
            assert 0 in ended, f"{job[0]}: {ended}"
            for code, (_, log) in zip(ended, both, strict=True):
                if code != 0:
                    assert code == ConflictError.exit_code, log.read_text()[-2000:]
                    sys.stdout.write(f"{log.name}: {last_error(log)}\n")
                    assert end(*start(job, f"again-{day}", tmp_path)) == 0
    sys.stdout.write(f"exit codes: {dict(codes)}\n")
    expected, found = nights.tables(quiet.warehouse), nights.tables(raced.warehouse)
    assert found.keys() == expected.keys()
    assert [name for name in expected if not found[name].equals(expected[name])] == []
    assert sum(count for (_, code), count in codes.items() if code != 0) > 0, "nobody lost: no two jobs met"


def start(job: list[str], name: str, folder: Path) -> tuple[subprocess.Popen[bytes], Path]:
    """Start a job on this machine under a name of its own; the process and its log."""
    log = folder / f"{name}-{Path(job[0]).stem}.log"
    with log.open("wb") as written:
        command = [sys.executable, *job, "--run-id", log.stem]
        return subprocess.Popen(command, stdout=written, stderr=written, start_new_session=True), log


def end(started: subprocess.Popen[bytes], log: Path) -> int:
    """The exit code of a job; AssertionError where it hangs."""
    code = nights.end_group(started, patience=PATIENCE)
    assert code is not None, f"{log} has not ended"
    return code


def last_error(log: Path) -> str:
    """The sentence with which a job ended."""
    return next(line for line in reversed(log.read_text().splitlines()) if line.startswith("error: "))
