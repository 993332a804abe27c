"""Starts contenders, each in a process group of its own, and ends those that take too long.

Kept apart from ``contender``, which is the process that is started.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.contender import Spec
from benchmarks.groups import ROOT
from benchmarks.scale import FRACTIONS

# Setting up includes Spark's own files, once.
SET_UP_LIMIT = 900.0
_EVERY = 0.1
# A share is tried when the smaller ones say that it takes at most so many times the limit: they may be wrong.
HOPE = 1.5


def run_process(spec: Spec, *, limit: float) -> dict[str, Any]:
    """What the process told, with ``status`` ``done``, ``over`` (past ``limit`` seconds of work) or ``failed``."""
    out = Path(spec.out)
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    (out / "spec.json").write_text(json.dumps(asdict(spec)), encoding="utf-8")
    command = [sys.executable, "-m", "benchmarks.contender", str(out / "spec.json")]
    with (out / "log.txt").open("w", encoding="utf-8") as log:
        child = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, start_new_session=True)
        status = "over"
        try:
            status = _wait(child, out, limit * spec.repeats)
        finally:
            _end(child, patience=20.0 if status == "done" else 0.0)
    if status != "done":
        return {"status": status, "log": _last_lines(out / "log.txt") if status == "failed" else ""}
    told: dict[str, Any] = json.loads((out / "done.json").read_text(encoding="utf-8"))
    return {"status": "done", **told}


def largest_share(run: Callable[[int], dict[str, Any]], *, limit: float) -> dict[str, Any]:
    """The result of the largest share (one in ``fraction`` of the customers) that ends within ``limit`` seconds.

    The smallest is run first; then each time the largest that is expected to end, until none is left to try.
    """
    best = run(FRACTIONS[-1])
    takes = [(1 / FRACTIONS[-1], best.get("wall", 0.0))]
    open_to_try = list(FRACTIONS[:-1])
    while best["status"] == "done":
        chosen = next((fraction for fraction in open_to_try if _expected(takes, 1 / fraction) <= HOPE * limit), None)
        if chosen is None:
            return best
        result = run(chosen)
        if result["status"] == "over":
            open_to_try = [fraction for fraction in open_to_try if fraction > chosen]
            continue
        best = result
        takes.append((1 / chosen, result.get("wall", 0.0)))
        open_to_try = [fraction for fraction in open_to_try if fraction < chosen]
    return best


def _expected(takes: list[tuple[float, float]], share: float) -> float:
    """Seconds of a share: in proportion to the only one that was run, on a line through the last two."""
    last_share, last = takes[-1]
    if len(takes) == 1:
        return last * share / last_share
    before_share, before = takes[-2]
    return last + (last - before) * (share - last_share) / (last_share - before_share)


def _wait(child: subprocess.Popen[bytes], out: Path, limit: float) -> str:
    began, ready = time.monotonic(), 0.0
    while child.poll() is None and not (out / "done.json").exists():
        now = time.monotonic()
        if not ready and (out / "ready").exists():
            ready = now
        if (ready and now - ready > limit) or (not ready and now - began > SET_UP_LIMIT):
            return "over"
        time.sleep(_EVERY)
    return "done" if (out / "done.json").exists() else "failed"


def _end(child: subprocess.Popen[bytes], *, patience: float) -> None:
    """Let the process close its session; end its whole group if it does not."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(timeout=patience)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def _last_lines(path: Path) -> str:
    return "\n".join(path.read_text(encoding="utf-8", errors="replace").splitlines()[-12:])
