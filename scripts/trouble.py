"""The one error of the set-up scripts, and how they end on it.

``run_script`` turns it into one sentence on stderr. Standard library only, because the scripts run before the
environment exists.
"""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable
from pathlib import Path

EXIT_CODE = 2  # the code of tallystick.errors.SetupError


class SetupTrouble(Exception):
    """The machine lacks something. The text is one sentence that says what, where and what to do."""


def no_space(where: Path) -> SetupTrouble:
    """The error for a disk that is full under ``where``."""
    return SetupTrouble(f"The disk is full at {where}: free some space and run the same command again.")


def run_script(main: Callable[[], None]) -> None:
    """Run ``main`` and exit: 0, or 2 with one sentence on stderr when the machine lacks something."""
    try:
        main()
    except SetupTrouble as trouble:
        print(f"error: {trouble}", file=sys.stderr)
        sys.exit(EXIT_CODE)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS):
            raise
        place = Path(error.filename) if error.filename else Path.cwd()
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            trouble = no_space(place)
        else:
            trouble = SetupTrouble(f"{place} cannot be written: use a folder that you own.")
        print(f"error: {trouble}", file=sys.stderr)
        sys.exit(EXIT_CODE)
    except KeyboardInterrupt:
        sys.exit(130)
