"""Opens Parquet files of a table wherever they are: below a folder, or in a store.

Apart from ``parquet_files``, which knows contracts: readers of footers, of one customer and of merges open files, too.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from tallystick.places import SCHEMES, RemotePath, to_place

if TYPE_CHECKING:
    import duckdb
    from pyarrow.fs import FileSystem

_BUFFER_BYTES = 2**20
_REMOTE = tuple(f"{scheme}:" for scheme in SCHEMES)


def open_parquet(path: str, **options: Any) -> pq.ParquetFile:
    """The file, as ``pq.ParquetFile`` opens it: mapped into memory, or read by ranges. FileNotFoundError when gone."""
    if not is_remote(path):
        return pq.ParquetFile(path, memory_map=True, **options)
    return pq.ParquetFile(file_system(path).open_input_file(inner_path(path)), pre_buffer=True, **options)


def open_output(path: Path) -> pa.NativeFile:
    """A stream into a new file; its folder is made. An object appears when the stream is closed, whole."""
    if isinstance(path, RemotePath):
        return file_system(str(path)).open_output_stream(inner_path(str(path)), buffer_size=_BUFFER_BYTES)
    path.parent.mkdir(parents=True, exist_ok=True)
    # A file of hundreds of columns is thousands of small writes.
    return pa.output_stream(str(path), compression=None, buffer_size=_BUFFER_BYTES)


def let_duckdb_read(connection: duckdb.DuckDBPyConnection, paths: Iterable[str]) -> None:
    """Let this connection read these files by their addresses; nothing to do for files of this machine."""
    told = [path for path in paths if is_remote(path)]
    if told:
        from fsspec.implementations.arrow import ArrowFSWrapper

        seen: dict[str, Any] = {}

        class Store(ArrowFSWrapper):
            protocol = tuple({path.partition(":")[0] for path in told})

            def info(self, path: str, **asked: Any) -> Any:
                # DuckDB asks some ten times a file, and files of a table never change.
                name = self._strip_protocol(path)
                if name not in seen:
                    seen[name] = super().info(path, **asked)
                return seen[name]

        connection.register_filesystem(Store(file_system(told[0]), skip_instance_cache=True))


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
