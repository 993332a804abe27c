"""The lines that tell a person how far a run is; apart from the runs, since commands print them too.

``progress`` prints a line. ``working`` watches a piece of work: after five seconds without any line a thread says how
far it is and how long it will take, judged by the share that is done, or, while nothing is, how long it has taken. The
lines become rarer the longer a run takes: one that takes an hour says some thirty in a log.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TextIO

from tallystick.how_far import HowFar, Share

# So many seconds are silent; after a minute twice as many.
SILENT = 5.0

# In a file, lines are at least this part of the time so far apart.
RARER = 6

# How often the thread looks whether a line is due, in seconds.
EVERY = 0.5

# Less than the first is nothing yet, less than the second too little to judge the rest by: what starts is slow.
LEAST_SHARE = 0.01
LEAST_JUDGED = 0.05

# On a terminal the next line replaces the last one: back to its start, and what stood there goes.
_BACK = "\r\x1b[K"


def progress(text: str) -> None:
    """Print to stderr how far the work is. ``text`` must hold counts and names only, never a row's value."""
    _told.say(text)


def working(what: str) -> AbstractContextManager[HowFar]:
    """Watch a piece of work; gives the function that is to be called with the share that is done.

    ``what`` is how a person knows the work, in names and counts only. Inside another one it takes its place until it
    ends. Nothing is said when it ends.
    """
    return _told.working(what)


def how_far_line(what: str, seconds: float, share: float) -> str:
    """The line of some work after so many seconds."""
    if share < LEAST_SHARE:
        return f"      {what}: {_span(seconds)}"
    told = f"      {what}: {int(100 * share)} % after {_span(seconds)}"
    return told if not LEAST_JUDGED <= share < 1 else f"{told}, about {_span(seconds * (1 - share) / share)} left"


def _span(seconds: float) -> str:
    """A time as people say it, in whole seconds, then minutes, then hours and minutes."""
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"{max(round(seconds), 1)} s"
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


class _Work:
    """A piece of work that is watched."""

    def __init__(self, what: str, started: float) -> None:
        self.what, self.started, self.share = what, started, 0.0
        self._asked: Callable[[], float] | None = None

    def tell(self, share: Share) -> None:
        """Note how far it is, or whom to ask."""
        if callable(share):
            self._asked = share
        else:
            self._asked, self.share = None, share

    def ask(self) -> float:
        """How far it is; what cannot be found out is as it was."""
        if (asked := self._asked) is not None:
            try:
                share = asked()
            except Exception:  # noqa: BLE001 - whoever is asked may be gone: Spark's context, a folder
                return self.share
            # Told meanwhile by the work itself: that is newer.
            if self._asked is asked:
                self.share = max(self.share, share)
        return min(self.share, 1.0)


class Teller:
    """What a process says on one stream, and the work that it watches; the innermost one is told."""

    def __init__(self, stream: Callable[[], TextIO], clock: Callable[[], float]) -> None:
        self._stream, self._clock = stream, clock
        self._lock = threading.Lock()
        self._works: list[_Work] = []
        self._said = 0.0
        self._is_open = False

    def say(self, text: str) -> None:
        """Write a line."""
        with self._lock:
            self._write(f"{text}\n")

    @contextmanager
    def working(self, what: str) -> Iterator[HowFar]:
        """As ``working`` of this module."""
        work = _Work(what, self._clock())
        ended, is_first = threading.Event(), not self._works
        if is_first:
            self._said = work.started
            threading.Thread(target=self._watch, args=(ended,), name="progress", daemon=True).start()
        self._works.append(work)
        try:
            yield work.tell
        finally:
            ended.set()
            with self._lock:
                self._works.remove(work)
                if is_first and self._is_open:
                    self._write("")

    def look(self) -> None:
        """Say how far the innermost work is, if that is due. What is asked for it is asked first, and holds nobody."""
        if not self._is_due():
            return
        work = self._works[-1]
        share = work.ask()
        with self._lock:
            # It may have ended, or something else was said, while it was asked.
            if self._is_due() and work is self._works[-1]:
                self._write(how_far_line(work.what, self._clock() - work.started, share), is_open=self._rewrites())

    def _is_due(self) -> bool:
        if not self._works:
            return False
        now = self._clock()
        taken = now - self._works[0].started
        gap = SILENT if taken < 60 else 2 * SILENT
        return now - self._said >= (gap if self._rewrites() else max(gap, taken / RARER))

    def _rewrites(self) -> bool:
        return self._stream().isatty() and os.environ.get("TERM", "dumb") != "dumb"

    def _write(self, text: str, *, is_open: bool = False) -> None:
        end = "" if is_open or not text or text.endswith("\n") else "\n"
        stream, self._said = self._stream(), self._clock()
        stream.write(f"{_BACK if self._is_open else ''}{text}{end}")
        stream.flush()
        self._is_open = is_open

    def _watch(self, ended: threading.Event) -> None:
        while not ended.wait(EVERY):
            try:
                self.look()
            except Exception:  # noqa: BLE001 - nobody reads any more, and a run must not end for what it says
                return


_told = Teller(lambda: sys.stderr, time.monotonic)
