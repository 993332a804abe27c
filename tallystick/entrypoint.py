"""How a job starts and ends: arguments in, one Spark session, errors as one sentence and an exit code.

What lives here: what every file in ``jobs/`` shares. What must not: anything a job does.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import uuid
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tallystick.errors import TallystickError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from tallystick.project import Project

Job = Callable[[Any, argparse.Namespace], None]


def progress(text: str) -> None:
    """Tell a person how far the work is, on stderr. ``text`` must hold counts and names only, never a row's value."""
    print(text, file=sys.stderr, flush=True)


def add_common_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of every job: the project folder, the warehouse, and an id that makes a repeated run a no-op."""
    parser.add_argument("--project", type=Path, help="project folder; default: upwards from the working directory")
    parser.add_argument("--warehouse", type=Path, required=True, help="folder of all tables, models and reports")
    parser.add_argument("--run-id", default="", help="same id again = same run, which is not repeated; default: new")


def parse_arguments(
    add_arguments: Callable[[argparse.ArgumentParser], None], argv: list[str] | None = None, *, doc: str | None = None
) -> argparse.Namespace:
    """Parse a job's command line; ``project`` is found and ``run_id`` filled where they were not given."""
    from tallystick.project import find_project

    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_common_arguments(parser)
    add_arguments(parser)
    args = parser.parse_args(argv)
    args.project = Path(args.project).resolve() if args.project else find_project()
    args.warehouse = args.warehouse.resolve()
    args.run_id = args.run_id or uuid.uuid4().hex
    return args


def run_job(
    add_arguments: Callable[[argparse.ArgumentParser], None],
    run: Job,
    doc: str | None = None,
    *,
    needs_spark: bool = True,
) -> None:
    """Run one job as a program and leave the process with its exit code.

    A TallystickError ends as one sentence on stderr and the exit code of its class; anything else is a defect and
    keeps its stack trace.
    """
    try:
        args = parse_arguments(add_arguments, doc=doc)
        session = _open_session(args) if needs_spark else None
        try:
            run(session, args)
        finally:
            if session is not None:
                session.stop()
    except TallystickError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)


def load_job_project(args: argparse.Namespace) -> Project:
    """The project of this run."""
    from tallystick.project import load_project

    return load_project(args.project)


def _open_session(args: argparse.Namespace) -> SparkSession:
    from tallystick.tables import open_session

    return open_session(Path(sys.argv[0]).stem or "tallystick", project=args.project)


def code_version(project: Path) -> str:
    """What code ran, for commits and manifests: the package's version, and the commit of the checkout if it is one."""
    package = f"tallystick {version('tallystick')}"
    command = ["git", "-C", str(project), "rev-parse", "--short=12", "HEAD"]
    try:
        found = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)
    except FileNotFoundError:
        return package
    return f"{package} ({found.stdout.strip()})" if found.returncode == 0 else package
