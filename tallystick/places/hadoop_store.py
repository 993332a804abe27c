"""Asks a Hadoop file system: look, list, read, write, and write only where nothing or a known thing is.

HDFS creates a file, or renames one to a free name, in one step that only one writer can do. It cannot replace a file
only where that is unchanged. So an object that is replaced so is a folder of numbered files, of which the highest
counts; a writer renames its own to the next number (docs/adr/0021).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from tallystick.places.hadoop_client import client_of, told_in_sentences
from tallystick.places.store_interface import Found, NoSuchObject

if TYPE_CHECKING:
    from hdfs_native import Client, FileStatus
    from pyarrow.fs import FileSystem

_CHUNK = 1 << 22
_DIGITS = 20
# A reader that finds the highest number removed meanwhile looks again; each time another writer was faster.
_TRIES = 8


@dataclass(frozen=True, slots=True)
class HadoopStore:
    """One file system, ``hdfs://namenode:port``, or a name of the Hadoop configuration (``Store`` says what each method
    promises).
    """

    scheme: str
    name: str

    def look(self, key: str) -> Found | None:
        """One request; two for what was written by ``write_where``."""
        with self._sentences(), suppress(FileNotFoundError):
            told = self._client().get_file_info(_path(key))
            if not told.isdir:
                return Found(key, told.length, _instant(told))
            newest = self._newest(key)
            if newest is not None:
                return Found(key, newest.length, _instant(newest), str(_number(newest)))
        return None

    def age(self, key: str) -> tuple[str, timedelta] | None:
        """The clock is read off a new file of ours: every write has the time by the NameNode's clock."""
        found = self.look(key)
        if found is None:
            return None
        with self._sentences():
            fresh = self._put_beside(f"{key}/clock" if found.tag else key, b"")
            now = _instant(self._client().get_file_info(fresh))
            self._client().delete(fresh)
        return found.tag, now - found.changed_at

    def find(self, prefix: str, *, depth: int = 0) -> Iterator[Found]:
        """Folder by folder, in the order of the names in it; what is being written is left out."""
        folder = _path(prefix.rstrip("/"))
        with self._sentences(), suppress(FileNotFoundError):
            for told in self._client().list_status(folder):
                name = _name(told)
                if told.path == folder or name.startswith("."):
                    continue
                if not told.isdir:
                    yield Found(f"{prefix}{name}", told.length, _instant(told))
                elif depth:
                    yield Found(f"{prefix}{name}/", -1, _instant(told))
                else:
                    yield from self.find(f"{prefix}{name}/")

    def read(self, key: str) -> bytes:
        """Two requests, one of a DataNode; three for what was written by ``write_where``."""
        with self._sentences():
            with suppress(FileNotFoundError):
                return self._client().read(_path(key)).read()
            for _ in range(_TRIES):
                with suppress(FileNotFoundError):
                    newest = self._newest(key)
                    if newest is None:
                        break
                    return self._client().read(_path(f"{key}/{_name(newest)}")).read()
        raise NoSuchObject(f"{self._address}/{key}")

    def read_end(self, key: str, length: int) -> tuple[bytes, int]:
        """Two requests, one of a DataNode, of which it has more than one where the file is large."""
        with self._sentences():
            try:
                told = self._client().read(_path(key))
                size = len(told)
                start = max(size - length, 0)
                return bytes(told.read_range(start, size - start)) if size else b"", size
            except FileNotFoundError:
                raise NoSuchObject(f"{self._address}/{key}") from None

    def write(self, key: str, data: bytes) -> None:
        """A new file, renamed to its place."""
        with self._sentences():
            self._client().rename(self._put_beside(key, data), _path(key), overwrite=True)

    def upload(self, key: str, path: str) -> None:
        """Piece by piece."""
        with self._sentences():
            self._client().rename(self._put_beside(key, b"", path=path), _path(key), overwrite=True)

    def download(self, key: str, path: str) -> None:
        """Piece by piece."""
        with self._sentences(), Path(path).open("wb") as copy:
            told = self._client().read(_path(key))
            for piece in told.read_range_stream(0, len(told)):
                copy.write(piece)

    def write_where(self, key: str, data: bytes, *, tag: str = "") -> str:
        """A rename to the next number, which fails where that is taken; the tag is the number."""
        held = int(tag or 0)
        with self._sentences():
            if _number(self._newest(key)) != held:
                return ""
            target = f"{key}/{held + 1:0{_DIGITS}}"
            # Others who are far ahead remove what we write; and it is gone where our first try's answer was lost.
            with suppress(FileNotFoundError):
                fresh = self._put_beside(target, data)
                try:
                    self._client().rename(fresh, _path(target))
                except FileExistsError:
                    self._client().delete(fresh)
                    return ""
                return self._confirm(key, held)
        return ""

    def create(self, key: str, data: bytes) -> str | None:
        """A rename to the place itself, which fails where that is taken."""
        with self._sentences():
            fresh = self._put_beside(key, data)
            # It is gone where our first try's answer was lost.
            with suppress(FileNotFoundError):
                try:
                    self._client().rename(fresh, _path(key))
                except FileExistsError:
                    self._client().delete(fresh)
                    return None
        return ""

    def remove(self, key: str) -> None:
        """One request."""
        with self._sentences(), suppress(FileNotFoundError):
            self._client().delete(_path(key))

    def arrow_files(self) -> FileSystem:
        """One that reads and writes by the same client."""
        return _arrow_files(self._address)

    def arrow_path(self, key: str) -> str:
        """The name of the file system, too."""
        return f"{self.name}/{key}"

    def delta_options(self) -> dict[str, str]:
        """Nothing: it writes an entry of the log beside its place, and renames it only where there is none."""
        return {}

    @property
    def _address(self) -> str:
        return f"{self.scheme}://{self.name}"

    def _client(self) -> Client:
        return client_of(self._address)

    def _newest(self, key: str) -> FileStatus | None:
        """The file with the highest number in the folder; None where there is no such folder, or no such file."""
        with suppress(FileNotFoundError):
            return max(
                (told for told in self._client().list_status(_path(key)) if _name(told).isdigit()),
                key=_number,
                default=None,
            )
        return None

    def _confirm(self, key: str, held: int) -> str:
        """The tag of the file that was renamed to the number after ``held``; empty when it does not count.

        Who slept while others went far ahead may have met a number that they had used and removed.
        """
        if _number(self._newest(key)) != held + 1:
            return ""
        # Two are kept: who has just found the one before may be about to read it.
        for told in list(self._client().list_status(_path(key))):
            if (_number(told) or held) < held:
                self._client().delete(f"{_path(key)}/{_name(told)}")
        return str(held + 1)

    def _put_beside(self, key: str, data: bytes, *, path: str = "") -> str:
        """The path of a new file with this content, or that of a file of this machine, in the folder of ``key``."""
        folder, _, name = _path(key).rpartition("/")
        fresh = f"{folder}/.{name}.{uuid.uuid4().hex}"
        try:
            with self._client().create(fresh) as sink:
                sink.write(data)
                if path:
                    with Path(path).open("rb") as origin:
                        while piece := origin.read(_CHUNK):
                            sink.write(piece)
        except BaseException:
            with suppress(OSError, RuntimeError):
                self._client().delete(fresh)
            raise
        return fresh

    def _sentences(self) -> AbstractContextManager[None]:
        return told_in_sentences(self._address)


@cache
def _arrow_files(address: str) -> FileSystem:
    from tallystick.places.hadoop_files import make_file_system

    return make_file_system(address)


def _path(key: str) -> str:
    return f"/{key}"


def _name(told: FileStatus) -> str:
    return told.path.rpartition("/")[2]


def _number(told: FileStatus | None) -> int:
    """The number that a file of such a folder has, or is to have; 0 for none."""
    digits = _name(told).lstrip(".")[:_DIGITS] if told is not None else ""
    return int(digits) if digits.isdigit() else 0


def _instant(told: FileStatus) -> datetime:
    return datetime.fromtimestamp(told.modification_time / 1000, UTC)
