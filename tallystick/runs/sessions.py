"""Opens Spark's session for a run only when a part of it asks: small deliveries are loaded without one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tallystick.ending import end_at_interrupt
from tallystick.runs.fields import Params
from tallystick.runs.progress import working

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@contextmanager
def session_when_asked(params: Params, given: SparkSession | None) -> Iterator[Callable[[], SparkSession]]:
    """A function that gives the session: this process's, or else one that is opened now and stopped at the end.

    ``given`` is the session of a process that has one already.
    """
    opened: list[SparkSession] = []

    def ask() -> SparkSession:
        if given is not None:
            return given
        from pyspark.sql import SparkSession

        running = SparkSession.getActiveSession()
        if running is not None and not opened:
            return running  # whoever opened it stops it
        if not opened:
            # Not at the top: what needs no Spark does not load it.
            from tallystick.tables import open_session, own_processes

            with working("starting Spark"):
                opened.append(open_session(params.job, project=params.project))
            end_at_interrupt(own_processes)
        return opened[0]

    try:
        yield ask
    finally:
        for session in opened:
            session.stop()
