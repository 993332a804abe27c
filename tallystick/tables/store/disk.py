"""Helpers for a full disk, and for files that appear whole or not at all.

A full disk is an ordinary event of a batch machine, so a user reads a sentence about it instead of a traceback.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tallystick.errors import SetupError


@contextmanager
def full_disk_is_setup_error(where: str) -> Iterator[None]:
    """Turn "no space left" and "quota exceeded" inside the block into a SetupError; other errors pass."""
    try:
        yield
    except OSError as error:
        # Delta's writer raises an OSError without a number; its text is the system's.
        is_full = error.errno in (errno.ENOSPC, errno.EDQUOT) or os.strerror(errno.ENOSPC) in str(error)
        if is_full:
            raise SetupError("the disk is full", where=where, fix="free some space and run it again") from None
        raise


def write_whole(path: Path, text: str) -> None:
    """Write ``text`` so that ``path`` is the old file or the new one whenever the process dies."""
    # One name, so that the next write takes over what a killed one left; writers of one path hold a lock.
    part = path.with_name(f".{path.name}.part")
    # A link in its place would be written through.
    part.unlink(missing_ok=True)
    try:
        with part.open("x", encoding="utf-8") as handle:
            handle.write(text)
            handle.flush()
            os.fsync(handle.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
