"""Arrow's file system over a Hadoop file system, by the client of ``hadoop_store``: pyarrow's own needs a JVM.

Arrow's threads call Python by it. One that does so while the process ends would abort it, so at the end the process
waits for them: a scan that needs no more rows leaves reads in Arrow's queue, and tells nobody.
"""

from __future__ import annotations

import atexit
import threading
import time
import weakref
from typing import Any, ClassVar

import pyarrow as pa
from fsspec import AbstractFileSystem
from hdfs_native import Client, FileReader, WriteOptions
from pyarrow.fs import FileSystem, FSSpecHandler, PyFileSystem

from tallystick.errors import SetupError

# Reads of one scan follow each other within milliseconds. A file that is held and not read is no scan's.
_QUIET_SECONDS = 0.2
_HELD_SECONDS = 2.0


def make_file_system(client: Client, address: str) -> FileSystem:
    """Arrow's file system of ``address``; paths begin with a slash."""
    return PyFileSystem(_Handler(_Listing(client, address)))


class _Listing(AbstractFileSystem):
    """What Arrow's handler asks of a file system beside opening its files."""

    def __init__(self, client: Client, address: str) -> None:
        super().__init__(skip_instance_cache=True)
        self.client, self.address = client, address

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        told = self.client.get_file_info(path)
        kind = "directory" if told.isdir else "file"
        return {"name": told.path, "size": told.length, "type": kind, "mtime": told.modification_time / 1000}


class _Handler(FSSpecHandler):
    """Opens files without asking first whether they are there: a NameNode that is away is no missing file."""

    def open_input_file(self, path: str) -> pa.NativeFile:
        return pa.PythonFile(_Reader(self.fs.client.read(path).inner), mode="r")

    def open_output_stream(self, path: str, metadata: Any) -> pa.NativeFile:
        return pa.PythonFile(self.fs.client.create(path, WriteOptions(overwrite=True)), mode="w")


class _Reader(FileReader):
    """A file that tells when it is read, and is read no more once the process ends."""

    live: ClassVar[weakref.WeakSet[_Reader]] = weakref.WeakSet()
    reading: ClassVar[set[int]] = set()  # the threads
    last_read: ClassVar[float] = 0.0
    is_over: ClassVar[bool] = False

    def __init__(self, inner: Any) -> None:
        super().__init__(inner)
        _Reader.live.add(self)
        _Reader.last_read = time.monotonic()

    def read(self, size: int = -1) -> bytes:
        if _Reader.is_over:
            raise SetupError("a file is read while the process ends")
        _Reader.reading.add(threading.get_ident())
        try:
            return super().read(size)
        finally:
            _Reader.last_read = time.monotonic()
            _Reader.reading.discard(threading.get_ident())


def _wait_for_readers() -> None:
    _Reader.is_over = True
    while True:
        idle = time.monotonic() - _Reader.last_read
        if not _Reader.reading and idle > (_HELD_SECONDS if _Reader.live else _QUIET_SECONDS):
            return
        time.sleep(0.01)


atexit.register(_wait_for_readers)
