"""Opens Parquet files of a table wherever they are: below a folder, or in an object store.

Apart from ``parquet_files``, which knows contracts: readers of footers, of one customer and of merges open files, too.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from tallystick.places import RemotePath, to_place

if TYPE_CHECKING:
    import duckdb
    from pyarrow.fs import FileSystem

_BUFFER_BYTES = 2**20
_REMOTE = f"{RemotePath.SCHEME}:"


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
    if any(is_remote(path) for path in paths):
        from fsspec.implementations.arrow import ArrowFSWrapper

        seen: dict[str, Any] = {}

        class Store(ArrowFSWrapper):
            protocol = (RemotePath.SCHEME,)

            def info(self, path: str, **asked: Any) -> Any:
                # DuckDB asks some ten times a file, and files of a table never change.
                name = self._strip_protocol(path)
                if name not in seen:
                    seen[name] = super().info(path, **asked)
                return seen[name]

        connection.register_filesystem(Store(_object_store(), skip_instance_cache=True))


def is_remote(path: str) -> bool:
    """Whether the path is an address in an object store."""
    return path.startswith(_REMOTE)


def file_system(path: str) -> FileSystem:
    """Arrow's file system for a path."""
    if is_remote(path):
        return _object_store()
    from pyarrow.fs import LocalFileSystem

    return LocalFileSystem()


def inner_path(path: str) -> str:
    """The path as its file system has it."""
    place = to_place(path) if is_remote(path) else path
    return f"{place.bucket}/{place.key}" if isinstance(place, RemotePath) else str(place)


def delta_options(path: Path | str) -> dict[str, str]:
    """What deltalake must be told to open a table there: nothing for a folder.

    Its commits are then put only where there is no entry of the log yet, so that of two writers one loses.
    """
    if not is_remote(str(path)):
        return {}
    from tallystick.places.object_store import ATTEMPTS, endpoint, region

    options = {"aws_conditional_put": "etag", "aws_region": region(), "max_retries": str(ATTEMPTS)}
    if endpoint():
        options |= {"aws_endpoint": endpoint(), "allow_http": str(endpoint().startswith("http:")).lower()}
    return options


@cache
def _object_store() -> FileSystem:
    from pyarrow.fs import AwsDefaultS3RetryStrategy, S3FileSystem

    from tallystick.places.object_store import ATTEMPTS, endpoint, region

    # Not the standard strategy: it has a budget of a hundred retries, which Arrow never gives back, and a process that
    # has used it up fails at the next request that does.
    retry = AwsDefaultS3RetryStrategy(max_attempts=ATTEMPTS)
    # A small file is then one request, not three.
    return S3FileSystem(
        endpoint_override=endpoint() or None, region=region(), retry_strategy=retry, allow_delayed_open=True
    )
