"""Opens delivered files for reading their bytes, unpacked: gzip, bzip2, xz, zstd, and the members of a zip archive.

Apart from ``text_blocks`` because nothing here knows of text: only how a file is packed, and how much it may unpack to.
"""

from __future__ import annotations

import bz2
import fnmatch
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow as pa

from tallystick.ingest.faults import FileFault
from tallystick.spec.sources import SourceFile

# What reading a file that is no whole archive raises.
BROKEN = (EOFError, zlib.error, gzip.BadGzipFile, lzma.LZMAError, zipfile.BadZipFile, OSError)

# Packed by these, a member of a zip archive is read.
_ZIP_PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
# How a file that is packed by zstd begins.
_ZSTD = b"\x28\xb5\x2f\xfd"
# Members that a Mac adds of its own accord.
_OF_A_MAC = "__MACOSX"


def list_parts(path: Path, file: SourceFile) -> list[str]:
    """The members of a zip archive that are read, sorted; of another file one part without a name.

    Hidden ones are left out, as those that a Mac adds. FileFault when there is none, or one needs a password.
    """
    if path.suffix != ".zip":
        return [""]
    with _packing_told(), zipfile.ZipFile(path) as archive:
        members = [member for member in archive.infolist() if not member.is_dir() and _is_meant(member.filename, file)]
    if not members:
        raise FileFault("no_member")
    if any(member.flag_bits & 1 for member in members):
        raise FileFault("encrypted")
    if any(member.compress_type not in _ZIP_PACKINGS for member in members):
        raise FileFault("other_packing")
    return sorted(member.filename for member in members)


def open_part(path: Path, part: str) -> Any:
    """A binary file that reads what is packed in it; of a zip archive the member ``part``."""
    return _OPENERS.get(path.suffix, _open_plain)(path, part)


def is_packed(path: Path) -> bool:
    """Whether the file's name says that it is packed."""
    return path.suffix in _OPENERS


class Counted(io.RawIOBase):
    """The bytes of a file as they come out of its archive, ``left`` of them at most: a few packed ones can be many."""

    def __init__(self, raw: Any, left: int) -> None:
        self.raw, self.left = raw, left

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer as far as there is something; FileFault for more than is allowed."""
        size = int(self.raw.readinto(buffer))
        self.left -= size
        if self.left < 0:
            raise FileFault("too_large")
        return size

    def close(self) -> None:
        """Close the file it reads."""
        self.raw.close()
        super().close()


@contextmanager
def _packing_told() -> Iterator[None]:
    try:
        yield
    except NotImplementedError:
        raise FileFault("other_packing") from None


def _is_meant(name: str, file: SourceFile) -> bool:
    parts = PurePosixPath(name).parts
    is_hidden = any(part.startswith(".") or part == _OF_A_MAC for part in parts)
    return not is_hidden and (fnmatch.fnmatchcase(name, file.member) or fnmatch.fnmatchcase(parts[-1], file.member))


def _open_plain(path: Path, part: str) -> Any:
    del part
    return path.open("rb")


class _ZstdFile(io.RawIOBase):
    """A file packed by zstd. It says of its end alone that it was cut off: ``EOFError``, as the other packings do."""

    def __init__(self, path: Path) -> None:
        self.packed = pa.OSFile(str(path))
        # Arrow tells what is no such file at its end, as if it were cut off.
        if self.packed.read(len(_ZSTD)) != _ZSTD:
            raise FileFault("not_packed", path.suffix)
        self.packed.seek(0)
        self.stream = pa.CompressedInputStream(self.packed, "zstd")

    def readinto(self, buffer: Any) -> int:
        try:
            return int(self.stream.readinto(buffer))
        except OSError:
            if self.packed.tell() >= self.packed.size():
                raise EOFError from None
            raise

    def close(self) -> None:
        self.stream.close()
        super().close()


class _ZipMember(io.RawIOBase):
    """A member of a zip archive, which is closed with it."""

    def __init__(self, path: Path, name: str) -> None:
        with _packing_told():
            self.archive = zipfile.ZipFile(path)
            self.member: Any = self.archive.open(name)

    def readinto(self, buffer: Any) -> int:
        return int(self.member.readinto(buffer))

    def close(self) -> None:
        self.member.close()
        self.archive.close()
        super().close()


def _open_by(opener: Callable[[Path], Any]) -> Callable[[Path, str], Any]:
    return lambda path, part: opener(path)


_OPENERS: dict[str, Callable[[Path, str], Any]] = {
    ".gz": _open_by(gzip.open),
    ".bz2": _open_by(bz2.open),
    ".xz": _open_by(lzma.open),
    ".zst": _open_by(_ZstdFile),
    ".zip": _ZipMember,
}
