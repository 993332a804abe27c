"""How a run is started: as a program with one Spark session, or inside a process that has a session already.

Errors of ours end a program as one sentence and an exit code. What a run does is in ``runs``.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from tallystick.ending import end_at_interrupt, one_sentence
from tallystick.errors import DeclarationError
from tallystick.runs.arguments import check_order, parse
from tallystick.runs.fields import Params
from tallystick.runs.progress import working

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

P = TypeVar("P", bound=Params)


def start(params: type[P], run: Callable[[P, Any], None], doc: str | None = None) -> None:
    """Run one job as a program: arguments from the command line, a session where the run needs one, an exit code.

    Any error ends as one sentence on stderr and an exit code, that of its class where it is one of ours.
    """
    with one_sentence():
        told = parse(params, doc=doc)
        _check_dates(told)
        with working(_title(told)):
            session = _open_session(told) if params.needs_spark else None
            try:
                run(told, session)
            finally:
                if session is not None:
                    session.stop()


def perform(params: Params, session: SparkSession | None = None) -> None:
    """Do the run that these parameters are for, in this process: ``run`` of the module of ``runs`` with its name."""
    if unfilled := params.templates():
        raise DeclarationError(
            f"{', '.join(unfilled)} hold templates", where=params.job, fix="a scheduler fills them in"
        )
    _check_dates(params)
    with working(_title(params)):
        importlib.import_module(f"tallystick.runs.{params.job}").run(params, session)


def _check_dates(params: Params) -> None:
    """Refuse a range that ends before it begins, in whatever run has one, before a session is opened."""
    check_order(getattr(params, "first", None), getattr(params, "last", None))


def _title(params: Params) -> str:
    """How a person knows a run, for the parts of it that have no name of their own."""
    return params.job.replace("_", " ")


def _open_session(params: Params) -> SparkSession:
    from tallystick.tables import open_session, own_processes

    with working("starting Spark"):
        session = open_session(params.job, project=params.project)
    end_at_interrupt(own_processes)
    return session
