"""Processes of this machine by their command lines and parents: what a test kills must be what it started.

Apart from what is killed: jobs of a night and services of Airflow are found in the same way.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Process:
    """A process: its parent's number and its command line, words parted by spaces.

    ``ticks`` of processor time include those of its children that have ended.
    """

    parent: int
    line: str
    ticks: int


def list_processes() -> dict[int, Process]:
    """Every process by its number."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it may end while it is looked at
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            line = (folder / "cmdline").read_bytes().decode(errors="replace").replace("\0", " ")
            found[int(folder.name)] = Process(int(fields[1]), line, sum(map(int, fields[11:15])))
    return found


def below(first: int) -> dict[int, Process]:
    """A process and all that it and those below it started."""
    found = list_processes()
    family, added = {first}, True
    while added:
        more = {number for number, one in found.items() if one.parent in family} - family
        family |= more
        added = bool(more)
    return {number: found[number] for number in sorted(family) if number in found}


def above(number: int) -> dict[int, Process]:
    """A process and its ancestors, the nearest first."""
    found, line = list_processes(), dict[int, Process]()
    while number in found and number not in line:
        line[number] = found[number]
        number = found[number].parent
    return line


def writers(warehouse: Path, job: str = "") -> list[int]:
    """The processes of Python that work for a warehouse, of one job or of any."""
    return sorted(
        number
        for number, one in list_processes().items()
        if one.line.startswith(sys.executable)
        and f"/jobs/{job}" in one.line
        and f" --warehouse {warehouse} " in one.line
    )


def belonging(name: str, value: str) -> list[int]:
    """The processes in whose environment a variable has this value, whoever started them."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it may end while it is looked at
            if f"{name}={value}".encode() in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
    return sorted(found)


def kill(number: int) -> None:
    """kill -9, also of one that has just ended."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(number, signal.SIGKILL)
