"""``tally``: the command line.

Here: arguments, printing, exit codes. Not here: work, which jobs and stages do, and slow imports at the top of a
module. ``tally sql`` answers in about two seconds because nothing starts Spark for it.

Data goes to stdout, everything else to stderr.
"""

from __future__ import annotations

from tallystick.ending import end_at_interrupt, one_sentence

__all__ = ["main"]


def main() -> None:
    """Run ``tally``; any error ends as one sentence on stderr and an exit code."""
    end_at_interrupt()
    with one_sentence():
        # Here, not at the top: the commands take half a second to import, in which Ctrl-C is a sentence already.
        from tallystick.cli.app import app

        app()
