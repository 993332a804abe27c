"""Helpers for a full disk, for files that appear whole or not at all, and for files that serve as locks.

A full disk is an ordinary event of a batch machine, so a user reads a sentence about it instead of a traceback.
"""

from __future__ import annotations

import errno
import fcntl
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake.exceptions import DeltaError

from tallystick.errors import ConflictError, SetupError
from tallystick.places import RemotePath, to_place

# How often a lock that another run holds for milliseconds is asked for.
_ASK_SECONDS = 0.01

_UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM)


@contextmanager
def full_disk_is_setup_error(where: str) -> Iterator[None]:
    """Turn a full disk, and one that cannot be written to, inside the block into a SetupError; other errors pass."""
    try:
        yield
    except (OSError, DeltaError) as error:
        # Delta's writer raises errors without a number; their text is the system's.
        text = str(error)
        codes = [code for code in _UNWRITABLE if getattr(error, "errno", 0) == code or os.strerror(code) in text]
        if codes and codes[0] in (errno.ENOSPC, errno.EDQUOT):
            raise SetupError("the disk is full", where=where, fix="free some space and run it again") from None
        if codes:
            what = f"the warehouse cannot be written to: {os.strerror(codes[0])}"
            raise SetupError(what, where=where, fix="check its rights and how it is mounted") from None
        raise


def write_whole(path: Path, text: str) -> None:
    """Write ``text`` so that ``path`` is the old file or the new one whenever the process dies."""
    if isinstance(path, RemotePath):
        path.write_bytes(text.encode())
        return
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


@contextmanager
def locked(path: Path, conflict: str, *, where: str, wait_seconds: float = 0) -> Iterator[None]:
    """Hold the lock file; the system drops the lock when the process dies, however it dies.

    ConflictError when another run still holds it after ``wait_seconds``. Nothing is written to the file, and a link in
    its place is not followed: what it leads to is not ours. In an object store, a lease stands for the lock.
    """
    if isinstance(path, RemotePath):
        from tallystick.places.leases import leased

        with leased(path, conflict, where=where, wait_seconds=wait_seconds):
            yield
        return
    try:
        opened = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise SetupError("the lock is a link", where=str(path), fix="remove the link") from None
        raise
    with os.fdopen(opened) as handle:
        latest = time.monotonic() + wait_seconds
        while not _is_taken(handle):
            if time.monotonic() >= latest:
                raise ConflictError(conflict, where=where, fix="wait for it to end")
            time.sleep(_ASK_SECONDS)
        yield


def _is_taken(handle: IO[str]) -> bool:
    """Whether the lock is ours now."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def damaged_file_is_setup_error(name: str, paths: Iterable[str]) -> Iterator[None]:
    """Turn Arrow's error for a Parquet file that cannot be read into a SetupError with table and file; others pass.

    ``paths`` are the files that are read in the block; they are looked at again only after an error.
    """
    try:
        yield
    except (pa.ArrowInvalid, OSError):
        refuse_damaged_files(name, paths)
        raise


def refuse_damaged_files(name: str, paths: Iterable[str]) -> None:
    """SetupError for the first of a table's Parquet files that cannot be read to its end."""
    broken = next((path for path in paths if not is_whole(path)), "")
    if broken:
        fix = "restore it from a copy, or run the step that wrote it again"
        raise SetupError(f"a file of {name} is damaged", where=broken, fix=fix) from None


def is_whole(path: str) -> bool:
    """Whether a Parquet file can be read to its end; one that is gone is not damaged.

    SetupError when the object store that holds it does not answer: then nobody can tell.
    """
    from tallystick.tables.store.file_access import is_remote, open_parquet

    try:
        # Arrow's error for a store that does not answer cannot be told from that for a damaged file.
        content = to_place(path).read_bytes() if is_remote(path) else None
        with open_parquet(path) if content is None else pq.ParquetFile(pa.BufferReader(content)) as file:
            for _ in file.iter_batches(batch_size=1 << 16):
                pass
    except FileNotFoundError:
        return True
    except (pa.ArrowException, OSError):
        return False
    return True
