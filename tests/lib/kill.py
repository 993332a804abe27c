"""Killing a step at an exact point: the step runs in its own process, which sends itself SIGKILL there."""

from __future__ import annotations

import importlib
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

ROOT = Path(__file__).resolve().parents[2]


def run_killed(step: Callable[..., object], *args: object, at: str, after: bool = False, nth: int = 1) -> None:
    """Run ``step(*args)`` in a process that dies by SIGKILL at the ``nth`` call of ``at`` (``module:attribute``).

    It dies before the call, or after it with ``after``. AssertionError when the process ended in another way: then the
    point was never reached and the test would prove nothing.
    """
    job = pickle.dumps((step, args, at, after, nth))
    done = subprocess.run(
        [sys.executable, "-m", "tests.lib.kill"], input=job, capture_output=True, cwd=ROOT, check=False, timeout=120
    )
    assert done.returncode == -signal.SIGKILL, f"not killed at {at}: {done.stderr.decode()[-2000:]}"


def die() -> NoReturn:
    """End this process as a power cut would: no handler, no finally, no flush."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("SIGKILL returned")


def _arm(at: str, *, after: bool, nth: int) -> None:
    """Replace the attribute by one that dies at its ``nth`` call."""
    module_name, _, path = at.partition(":")
    owner: Any = importlib.import_module(module_name)
    *parents, name = path.split(".")
    for parent in parents:
        owner = getattr(owner, parent)
    real, calls = getattr(owner, name), [0]

    def deadly(*args: object, **kwargs: object) -> object:
        calls[0] += 1
        if calls[0] == nth and not after:
            die()
        result = real(*args, **kwargs)
        if calls[0] == nth:
            die()
        return result

    setattr(owner, name, deadly)


if __name__ == "__main__":
    step, args, at, after, nth = pickle.loads(sys.stdin.buffer.read())
    _arm(at, after=after, nth=nth)
    step(*args)
