"""``tally``: the command line.

Here: arguments, printing, exit codes. Not here: work, which jobs and stages do, and slow imports at the top of a
module. ``tally sql`` answers in about two seconds because nothing starts Spark for it.

Data goes to stdout, everything else to stderr.
"""

from __future__ import annotations

import sys

from tallystick.ending import end_at_interrupt, one_sentence
from tallystick.errors import DeclarationError

__all__ = ["main"]


def main() -> None:
    """Run ``tally``; any error ends as one sentence on stderr and an exit code.

    A mistyped option is a wrong declaration as it is of a job: exit code 2 says that the machine lacks something.
    """
    end_at_interrupt()
    with one_sentence():
        # Here, not at the top: the commands take half a second to import, in which Ctrl-C is a sentence already.
        from typer.exceptions import TyperException

        from tallystick.cli.app import app

        try:
            code = app(standalone_mode=False)
        except TyperException as error:
            # Empty where a group of commands was named without one of them: its help is printed already.
            if told := error.format_message().rstrip("."):
                raise DeclarationError(told, where="the command line", fix="--help lists the options") from None
            code = DeclarationError.exit_code
        sys.exit(code)
