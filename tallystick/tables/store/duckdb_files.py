"""Lets DuckDB read the files of tables that lie in a store.

Apart from ``file_access`` because of how DuckDB reads: the parts of a large file in several threads at once, all by one
handle, each of them by a seek and then a read.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from tallystick.tables.store.file_access import file_system, inner_path, is_remote, read_small

if TYPE_CHECKING:
    import duckdb

# When a table's file changed last.
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


def let_duckdb_read(connection: duckdb.DuckDBPyConnection, paths: Iterable[str]) -> None:
    """Let this connection read these files by their addresses; nothing to do for files of this machine."""
    told = [path for path in paths if is_remote(path)]
    if told:
        from fsspec.implementations.arrow import ArrowFSWrapper

        seen: dict[str, Any] = {}

        class Store(ArrowFSWrapper):
            protocol = tuple({path.partition(":")[0] for path in told})

            @classmethod
            def _strip_protocol(cls, path: str) -> str:
                # DuckDB puts the scheme before what this gives, and tells rows apart by the names of their files.
                return path.partition("://")[2] or path

            def info(self, path: str, **asked: Any) -> Any:
                # DuckDB asks some ten times a file, and files of a table never change.
                name = self._strip_protocol(path)
                if name not in seen:
                    content = read_small(addresses[name])
                    small = content and {"name": name, "size": len(content), "type": "file"}
                    seen[name] = small or super().info(path, **asked)
                return seen[name]

            def modified(self, path: str) -> datetime:
                return _NEVER

            def _open(self, path: str, *_: Any, **__: Any) -> SharedFile:
                address = addresses[self._strip_protocol(path)]
                content = read_small(address)
                if content is not None:
                    return SharedFile(pa.BufferReader(content))
                return SharedFile(file_system(address).open_input_file(inner_path(address)))

        addresses = {Store._strip_protocol(path): path for path in told}
        connection.register_filesystem(Store(file_system(told[0]), skip_instance_cache=True))


class SharedFile(io.RawIOBase):
    """A file for reading in which each thread has a place of its own, 0 at first.

    With one place for all, a thread reads where another has sought meanwhile, and gets the wrong bytes.
    """

    def __init__(self, file: pa.NativeFile) -> None:
        self._file, self._own, self._turn = file, threading.local(), threading.Lock()

    def readable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """The place of this thread."""
        return int(getattr(self._own, "place", 0))

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Set the place of this thread."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self.tell()}.get(whence)
        self._own.place = (self._file.size() if start is None else start) + offset
        return self.tell()

    def read(self, size: int = -1) -> bytes:
        """Up to ``size`` bytes from the place of this thread on; all that follow without it."""
        place = self.tell()
        with self._turn:  # a file that is written in Python seeks and reads, too
            wanted = self._file.size() - place if size < 0 else size
            content = bytes(self._file.read_at(wanted, place))
        self._own.place = place + len(content)
        return content

    def close(self) -> None:
        """For all threads."""
        if not self.closed:
            self._file.close()
        super().close()
