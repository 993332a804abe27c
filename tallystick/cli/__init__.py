"""``tally``: the command line.

Here: arguments, printing, exit codes. Not here: work, which jobs and stages do, and slow imports at the top of a
module. ``tally sql`` answers in about two seconds because nothing starts Spark for it.

Data goes to stdout, everything else to stderr.
"""

from __future__ import annotations

import sys

from tallystick.cli.app import app
from tallystick.errors import TallystickError

__all__ = ["app", "main"]


def main() -> None:
    """Run ``tally``; a TallystickError ends as one sentence on stderr and the exit code of its class."""
    try:
        app()
    except TallystickError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
