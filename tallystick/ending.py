"""How a command ends: every error as one sentence and an exit code, whatever it is.

Apart from ``entrypoint`` and ``cli`` because both end alike. A stack trace may quote rows and helps no user, so it is
shown only where ``TALLYSTICK_TRACEBACK`` is set.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tallystick.errors import SetupError, TallystickError, storage_failure

# 128 + SIGINT, as shells count it.
INTERRUPTED = 130
# What DuckDB raises in place of KeyboardInterrupt, as a RuntimeError.
_STOPPED_QUERY = "Query interrupted"
_PACKAGE = Path(__file__).resolve().parent


@contextmanager
def one_sentence() -> Iterator[None]:
    """End the process with a sentence on stderr and an exit code when the block raises anything."""
    try:
        yield
    except BrokenPipeError:
        # Nobody reads any more: ``tally tables | head``. Python would complain again when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - whatever it is, it ends as a sentence
        told, code = describe(error)
        if os.environ.get("TALLYSTICK_TRACEBACK") and not isinstance(error, KeyboardInterrupt):
            traceback.print_exc()
        sys.stderr.write(f"error: {told}\n")
        sys.exit(code)


def describe(error: Any) -> tuple[str, int]:
    """The sentence and the exit code of an error. What is none of ours is told by its kind and place, not its text."""
    if isinstance(error, TallystickError):
        return str(error), error.exit_code
    if isinstance(error, KeyboardInterrupt) or (type(error), str(error)) == (RuntimeError, _STOPPED_QUERY):
        return "interrupted; what was committed stays, run it again for the rest", INTERRUPTED
    if isinstance(error, OSError) and error.strerror:
        where = str(error.filename or "")
        ours = SetupError(error.strerror, where=where, fix="check the path, its rights and the disk")
        return str(ours), ours.exit_code
    failed = storage_failure(error, where=_place(error))
    if failed is not None:
        return describe(failed)
    if type(error).__module__.partition(".")[0] in ("pyspark", "py4j"):
        from tallystick.tables.runtime.spark_errors import translate

        return describe(translate(error, "Spark"))
    if isinstance(error, MemoryError):
        return "the memory is full (a smaller part at once, or more memory)", SetupError.exit_code
    place = _place(error)
    fix = "TALLYSTICK_TRACEBACK=1 shows where; please report it"
    return f"{type(error).__name__} in {place}, which is a defect of tallystick ({fix})", TallystickError.exit_code


def _place(error: BaseException) -> str:
    """The last line of our own code that the error passed, as file and line."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).resolve().is_relative_to(_PACKAGE)]
    last = own[-1:] or frames[-1:]
    return f"{Path(last[0].filename).name}:{last[0].lineno}" if last else "an unknown place"


def end_at_interrupt(processes: Callable[[], list[Any]] = list) -> None:
    """From now on Ctrl-C says one sentence and ends the process at once, with the ``processes`` it started.

    Spark's own handler cancels jobs one by one, and each of its parts then reports the end of the others. Nothing needs
    to be tidied up: a run may be killed at any point, and the next one repairs what it left.
    """

    def interrupted(number: int, frame: object) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        for process in processes():
            process.kill()
        told, code = describe(KeyboardInterrupt())
        sys.stderr.write(f"\nerror: {told}\n")
        sys.stderr.flush()
        os._exit(code)

    signal.signal(signal.SIGINT, interrupted)
