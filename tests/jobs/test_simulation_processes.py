"""The simulated bank in several processes: the same bytes, and nothing left when one of them fails or is killed."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import pytest

from tallystick.errors import InputError, SetupError
from tallystick.how_far import HowFar, Share, untold
from tallystick.simulation import bank as bank_module
from tallystick.simulation import simulate
from tallystick.simulation.processes import work_in_order

UNTIL = date(2025, 6, 20)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_bytes_do_not_depend_on_the_number_of_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bank_module, "TOWN_SIZE", 40)
    shares: list[Share] = []
    for processes in (1, 2):
        told = shares.append if processes == 2 else untold
        out = tmp_path / str(processes)
        simulate(out, customers=110, until=UNTIL, days=40, daily=2, processes=processes, how_far=told)
    alone = contents(tmp_path / "1")
    assert len(alone) > 60
    assert alone == contents(tmp_path / "2")
    assert shares == pytest.approx([40 / 110, 80 / 110, 1.0])


def test_days_of_history_end_with_the_last_day_and_exclude_months(tmp_path: Path) -> None:
    summary = simulate(tmp_path / "out", customers=5, until=UNTIL, days=20)
    assert (summary.first_day, summary.last_day) == (date(2025, 6, 1), UNTIL)
    with pytest.raises(InputError, match="same thing"):
        simulate(tmp_path / "other", customers=5, days=20, months=1)
    with pytest.raises(InputError, match="at least 1"):
        simulate(tmp_path / "other", customers=5, days=0)


def end(task: str, how_far: HowFar) -> str:
    """Does what its task says."""
    if task == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if task == "fail":
        raise ValueError("told to")
    return task * 1_000_000


def test_a_process_that_fails_or_is_killed_ends_the_others() -> None:
    work = work_in_order(end, ["a", "b", "c"], processes=2, how_far=[untold] * 3)
    assert [result[0] for result in work] == ["a", "b", "c"]
    for tasks, error, told in (("kill", SetupError, "ended from outside"), ("fail", ValueError, "told to")):
        with pytest.raises(error, match=told):
            list(work_in_order(end, ["a", tasks, "c"], processes=2, how_far=[untold] * 3))
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_command_leaves_no_bank_and_no_process(tmp_path: Path, ending: signal.Signals) -> None:
    out = tmp_path / "bank"
    program = [sys.executable, "-c", "from tallystick.cli import main; main()"]
    wanted = ["--customers", "20000", "--days", "200", "--processes", "2"]
    command = [*program, "simulate", "--out", str(out), *wanted]
    run = subprocess.Popen(command, stderr=subprocess.PIPE)
    children = Path(f"/proc/{run.pid}/task/{run.pid}/children")
    deadline = time.monotonic() + 30
    while not (tmp_path / ".bank.part").exists() or not children.read_text().split():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    started = [Path("/proc") / child for child in children.read_text().split()]
    run.send_signal(ending)
    run.communicate(timeout=30)
    assert run.returncode != 0
    assert not out.exists()
    while any(child.exists() for child in started):
        assert time.monotonic() < deadline, "a process outlives the command"
        time.sleep(0.05)
    simulate(out, customers=3, days=2)
    assert [path.name for path in tmp_path.iterdir()] == ["bank"]
