"""Opens Parquet files of a table wherever they are: below a folder, or in a store.

Apart from ``parquet_files``, which knows contracts: readers of footers, of one customer and of merges open files, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from stat import S_ISREG
from typing import TYPE_CHECKING, Any, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from tallystick.places import SCHEMES, RemotePath, to_place

if TYPE_CHECKING:
    from pyarrow.fs import FileSystem

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")

_REQUESTS_AT_ONCE = 16
_BUFFER_BYTES = 2**20
# To ask takes as long as to send this many bytes, and to read a file by its parts is three requests or more.
SMALL_BYTES = 2**18
# So a process keeps 64 MB at most of the small files that it has read.
_SMALL_FILES = 256
_REMOTE = tuple(f"{scheme}:" for scheme in SCHEMES)


def open_parquet(path: str, **options: Any) -> pq.ParquetFile:
    """The file, as ``pq.ParquetFile`` opens it: mapped into memory, or read by ranges. FileNotFoundError when gone."""
    if not is_remote(path):
        return pq.ParquetFile(path, memory_map=True, **options)
    content = read_small(path)
    if content is not None:
        return pq.ParquetFile(pa.BufferReader(content), **options)
    return pq.ParquetFile(file_system(path).open_input_file(inner_path(path)), pre_buffer=True, **options)


def open_output(path: Path) -> pa.NativeFile:
    """A stream into a new file; its folder is made. An object appears when the stream is closed, whole."""
    if isinstance(path, RemotePath):
        return file_system(str(path)).open_output_stream(inner_path(str(path)), buffer_size=_BUFFER_BYTES)
    path.parent.mkdir(parents=True, exist_ok=True)
    # A file of hundreds of columns is thousands of small writes.
    return pa.output_stream(str(path), compression=None, buffer_size=_BUFFER_BYTES)


def ask_at_once(ask: Callable[[Asked], Answer], of: Iterable[Asked]) -> list[Answer]:
    """The answers to questions of a store, in their order; asked side by side, as each of them only waits."""
    asked = list(of)
    if len(asked) < 2:
        return [ask(one) for one in asked]
    with ThreadPoolExecutor(min(len(asked), _REQUESTS_AT_ONCE)) as pool:
        return list(pool.map(ask, asked))


@lru_cache(maxsize=_SMALL_FILES)
def read_small(path: str) -> bytes | None:
    """A table's file in a store, whole, by one request; None for a file that is not small, and for one of this machine.

    It is kept, as files of a table never change; of a large one, that it is large. FileNotFoundError when it is gone.
    """
    place = _remote(path)
    if place is None:
        return None
    content, size = place.store.read_end(place.key, SMALL_BYTES)
    return content if len(content) == size else None


def size_of(path: Path) -> int | None:
    """The bytes of a file; None when there is none."""
    try:
        told = path.stat()
    except FileNotFoundError:
        return None
    return told.st_size if S_ISREG(told.st_mode) else None


def is_remote(path: str) -> bool:
    """Whether the path is an address in a store."""
    return path.startswith(_REMOTE)


def file_system(path: str) -> FileSystem:
    """Arrow's file system for a path."""
    place = _remote(path)
    if place is not None:
        return place.store.arrow_files()
    from pyarrow.fs import LocalFileSystem

    return LocalFileSystem()


def inner_path(path: str) -> str:
    """The path as its file system has it."""
    place = _remote(path)
    return path if place is None else place.store.arrow_path(place.key)


def delta_options(path: Path | str) -> dict[str, str]:
    """What deltalake must be told to open a table there: nothing for a folder.

    Of two writers who commit one version, one then loses.
    """
    place = _remote(str(path))
    return {} if place is None else dict(place.store.delta_options())


def _remote(path: str) -> RemotePath | None:
    place = to_place(path) if is_remote(path) else None
    return place if isinstance(place, RemotePath) else None
