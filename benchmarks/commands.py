"""Runs a command as a process of its own and tells what it took, with every process that it started.

Apart from ``measure``, which measures a piece of work inside the process that does it. A process in between takes in
the orphans of the command (Spark's Java process outlives the Python that started it), so no CPU second is lost. It
reads ``/proc``, so it works on Linux only.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import re
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from benchmarks.groups import ROOT
from benchmarks.measure import family

SAMPLED_EVERY = 0.25
# Processes that outlive the command by more than this are a fault of the command.
PATIENCE = 60.0
_SET_CHILD_SUBREAPER = 36
_TICK = os.sysconf("SC_CLK_TCK")
_KILO = 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """A line of the command's output that matched, and the seconds until then."""

    line: str
    wall: float
    cpu: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Taken:
    """What a command took: ``wall`` from its start to its end, ``cpu`` the user and system time of all its processes,
    ``peak_mb`` the largest sum of their proportional set sizes (PSS: a page that n processes share counts 1/n in each).
    """

    wall: float
    cpu: float
    peak_mb: float
    marks: tuple[Mark, ...] = ()


class CommandFailedError(Exception):
    """A command ended with another exit code than 0; the message has the last lines that it printed."""


def run_command(command: Sequence[str | Path], *, log: Path, home: Path = ROOT, marked: str = "") -> Taken:
    """Run ``command`` in ``home`` with its modules first on the path; what it prints goes to ``log``.

    ``marked`` is a regular expression: each line that it matches becomes a mark. CommandFailedError when it fails.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    told = {"command": [str(word) for word in command], "log": str(log), "home": str(home), "marked": marked}
    inner = [sys.executable, "-m", "benchmarks.commands", json.dumps(told)]
    watching = subprocess.Popen(inner, cwd=ROOT, stdout=subprocess.PIPE, start_new_session=True)
    try:
        out, _ = watching.communicate()
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(watching.pid, signal.SIGKILL)
    found: dict[str, Any] = json.loads(out) if watching.returncode == 0 else {"code": watching.returncode}
    code = found.pop("code")
    if code:
        last = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-12:])
        raise CommandFailedError(f"{' '.join(told['command'])} ended with {code}:\n{last}")
    return Taken(**found | {"marks": tuple(Mark(**mark) for mark in found["marks"])})


def environment_of(home: Path, given: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment for code of the checkout at ``home``: its modules, and nothing of another environment's."""
    kept = {name: value for name, value in given.items() if name not in ("VIRTUAL_ENV", "PYSPARK_PYTHON")}
    return kept | {"PYTHONPATH": str(home)}


class _Watch:
    """The command's processes, seen from the process between."""

    def __init__(self) -> None:
        self.began = time.perf_counter()
        self.peak = 0
        self.own_ticks: dict[int, int] = {}
        self.marks: list[Mark] = []
        self._over = threading.Event()
        self._sampler = threading.Thread(target=self._sample, daemon=True)
        self._sampler.start()

    def cpu_now(self) -> float:
        """Seconds of all processes so far, of those that run and of those that ended."""
        running = sum(process.ticks for process in family() if process.number != os.getpid()) / _TICK
        return max(running + _ended_seconds(), self.sampled_seconds())

    def sampled_seconds(self) -> float:
        """What each process had used when it was last seen. PySpark's daemon lets the system forget its workers, whose
        time is then in no parent's: only who looked meanwhile knows it, but for the last moment of each.
        """
        return sum(self.own_ticks.values()) / _TICK

    def read(self, lines: IO[str] | None, log: Path, marked: str) -> None:
        """Copy what the command prints to the log; remember the lines that match."""
        pattern = re.compile(marked) if marked else None
        with log.open("w", encoding="utf-8") as copy:
            for line in lines or ():
                copy.write(line)
                copy.flush()
                if pattern is not None and pattern.search(line):
                    now = time.perf_counter() - self.began
                    # A process that ends while it is looked at is in neither sum; what was used before stays used.
                    before = self.marks[-1].cpu if self.marks else 0.0
                    self.marks.append(Mark(line=line.strip(), wall=now, cpu=max(before, self.cpu_now())))

    def end(self) -> None:
        """Stop sampling."""
        self._over.set()
        self._sampler.join()

    def _sample(self) -> None:
        while not self._over.wait(SAMPLED_EVERY):
            others = [process for process in family() if process.number != os.getpid()]
            self.peak = max(self.peak, sum(_proportional_size(process.number) for process in others))
            self.own_ticks |= {process.number: process.own_ticks for process in others}


def _ended_seconds() -> float:
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return ended.ru_utime + ended.ru_stime


def _proportional_size(number: int) -> int:
    """PSS of a process in kB; 0 when it has ended."""
    try:
        text = Path(f"/proc/{number}/smaps_rollup").read_text(encoding="utf-8")
    except OSError:
        return 0
    found = re.search(r"^Pss:\s+(\d+) kB", text, re.MULTILINE)
    return int(found[1]) if found else 0


def _watch(command: Sequence[str], *, log: Path, home: Path, marked: str) -> dict[str, Any]:
    ctypes.CDLL(None, use_errno=True).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    watch = _Watch()
    child = subprocess.Popen(
        command,
        cwd=home,
        env=environment_of(home),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    reader = threading.Thread(target=watch.read, args=(child.stdout, log, marked))
    reader.start()
    code = child.wait()
    wall = time.perf_counter() - watch.began
    _wait_for_orphans()
    reader.join()
    watch.end()
    cpu = max(_ended_seconds(), watch.sampled_seconds())
    taken = Taken(wall=wall, cpu=cpu, peak_mb=watch.peak / _KILO, marks=tuple(watch.marks))
    return asdict(taken) | {"code": code}


def _wait_for_orphans() -> None:
    until = time.monotonic() + PATIENCE
    while True:
        try:
            ended, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not ended:
            if time.monotonic() > until:
                raise TimeoutError("processes of the command are still there a minute after its end")
            time.sleep(0.05)


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    result = _watch(given["command"], log=Path(given["log"]), home=Path(given["home"]), marked=given["marked"])
    sys.stdout.write(json.dumps(result))
