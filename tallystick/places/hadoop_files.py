"""Arrow's file system over a Hadoop file system, without a JVM, which pyarrow's own needs.

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
from hdfs_native import FileReader, FileWriter, WriteOptions
from pyarrow.fs import FileSystem, FSSpecHandler, PyFileSystem

from tallystick.errors import SetupError
from tallystick.places.hadoop_client import client_of, told_in_sentences

# Reads of one scan follow each other within milliseconds. A file that is held and not read is no scan's.
_QUIET_SECONDS = 0.2
_HELD_SECONDS = 2.0


def make_file_system(address: str) -> FileSystem:
    """Arrow's file system of ``hdfs://namenode:port`` and the like; paths begin with the store's name, as in S3."""
    return PyFileSystem(_Handler(_Listing(address)))


class _Listing(AbstractFileSystem):
    """What Arrow's handler asks of a file system beside opening its files."""

    def __init__(self, address: str) -> None:
        super().__init__(skip_instance_cache=True)
        self.address = address

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        with told_in_sentences(self.address):
            told = client_of(self.address).get_file_info(_inside(path))
        kind = "directory" if told.isdir else "file"
        return {"name": path, "size": told.length, "type": kind, "mtime": told.modification_time / 1000}


class _Handler(FSSpecHandler):
    """Opens files without asking first whether they are there: a NameNode that is away is no missing file."""

    def open_input_file(self, path: str) -> pa.NativeFile:
        with told_in_sentences(self.fs.address):
            return pa.PythonFile(
                _Reader(client_of(self.fs.address).inner.read(_inside(path)), self.fs.address), mode="r"
            )

    def open_output_stream(self, path: str, metadata: Any) -> pa.NativeFile:
        with told_in_sentences(self.fs.address):
            file = client_of(self.fs.address).inner.create(_inside(path), WriteOptions(overwrite=True))
        return pa.PythonFile(_Writer(file, self.fs.address), mode="w")


def _inside(path: str) -> str:
    return f"/{path.partition('/')[2]}"


class _Writer(FileWriter):
    """A new file, which is there once it is closed."""

    def __init__(self, inner: Any, address: str) -> None:
        super().__init__(inner)
        self._address, self._is_over = address, False

    def write(self, piece: Any) -> int:
        with told_in_sentences(self._address):
            return super().write(piece)

    def close(self) -> None:
        # Python closes a file again when it forgets it, also one whose closing has failed.
        if not self._is_over:
            self._is_over = True
            with told_in_sentences(self._address):
                super().close()


class _Reader(FileReader):
    """A file that tells when it is read, and is read no more once the process ends."""

    live: ClassVar[weakref.WeakSet[_Reader]] = weakref.WeakSet()
    reading: ClassVar[set[int]] = set()  # the threads
    last_read: ClassVar[float] = 0.0
    is_over: ClassVar[bool] = False

    def __init__(self, inner: Any, address: str) -> None:
        super().__init__(inner)
        self._address = address
        _Reader.live.add(self)
        _Reader.last_read = time.monotonic()

    def read(self, size: int = -1) -> bytes:
        if _Reader.is_over:
            raise SetupError("a file is read while the process ends")
        _Reader.reading.add(threading.get_ident())
        try:
            with told_in_sentences(self._address):
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
