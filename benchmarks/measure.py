"""Wall seconds, CPU seconds and memory of a piece of work, over this process and all below it.

Read from ``/proc``, so on Linux only.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SAMPLED_EVERY = 0.2
_TICK, _PAGE = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
_MEGA = 1024 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """``cpu`` is user and system time. Memory is resident, in MB, at its peak, JVMs apart: ``peak_mb`` that of all
    processes together, ``worker_mb`` that of the largest one below this (of this one where there is none), ``jvm_mb``
    that of the largest JVM (0 without one). Pages that two processes share count in both.
    """

    wall: float
    cpu: float
    peak_mb: float
    worker_mb: float
    jvm_mb: float


@dataclass(frozen=True, slots=True)
class _Process:
    number: int
    parent: int
    name: str
    ticks: int
    own_ticks: int
    resident: int


class Meter:
    """Measures its block: ``with Meter() as meter: work()``, then ``meter.measured()``."""

    def __enter__(self) -> Meter:
        self._peak = self._worker = self._jvm = 0
        self._over = threading.Event()
        self._sampler = threading.Thread(target=self._sample, daemon=True)
        self._cpu = self._cpu_seconds()
        self._sampler.start()
        self._wall = time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self._wall = time.perf_counter() - self._wall
        self._cpu = self._cpu_seconds() - self._cpu
        self._over.set()
        self._sampler.join()

    def measured(self) -> Measured:
        """What the block took."""
        peaks = (value / _MEGA for value in (self._peak, self._worker, self._jvm))
        peak, worker, jvm = peaks
        return Measured(wall=self._wall, cpu=self._cpu, peak_mb=peak, worker_mb=worker, jvm_mb=jvm)

    @staticmethod
    def _cpu_seconds() -> float:
        return sum(process.ticks for process in family()) / _TICK

    def _sample(self) -> None:
        while True:
            processes = list(family())
            mine = [p for p in processes if p.name != "java"]
            below = [p.resident for p in mine if p.number != os.getpid()]
            self._peak = max(self._peak, sum(p.resident for p in mine))
            self._worker = max(self._worker, *(below or [p.resident for p in mine]))
            self._jvm = max(self._jvm, *(p.resident for p in processes if p.name == "java"), 0)
            if self._over.wait(SAMPLED_EVERY):
                return


def family() -> Iterator[_Process]:
    """Itself and all processes below it. The time of those that ended is in their parents'."""
    known: dict[int, _Process] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            process = _read(folder)
            if process is not None:
                known[process.number] = process
    children: dict[int, list[_Process]] = {}
    for process in known.values():
        children.setdefault(process.parent, []).append(process)
    waiting = [known[os.getpid()]]
    while waiting:
        process = waiting.pop()
        waiting.extend(children.get(process.number, ()))
        yield process


def _read(folder: Path) -> _Process | None:
    try:
        text = (folder / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:  # it has ended
        return None
    name = text[text.index("(") + 1 : text.rindex(")")]
    fields = text[text.rindex(")") + 2 :].split()
    own, ended = (sum(map(int, fields[at : at + 2])) for at in (11, 13))
    return _Process(int(folder.name), int(fields[1]), name, own + ended, own, int(fields[21]) * _PAGE)
