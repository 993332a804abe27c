"""Opens a delivered file and gives its text, unpacked and decoded: block after block of UTF-8.

Apart from ``delivered_files`` because nothing here knows what the text holds: compression, encoding, byte order marks,
and how much a file may unpack to.
"""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import lzma
import re
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from tallystick.ingest.records import UNREADABLE
from tallystick.spec.sources import SourceFile

# The mark that some programs put at the start of a text, as a character, and as bytes the proof of an encoding.
MARK = "\ufeff"
_MARK_BYTES = MARK.encode()
_MARKS_AT_START = re.compile(b"(?m)^(?:" + _MARK_BYTES + b")+")
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"), (codecs.BOM_UTF32_BE, "utf-32-be"), (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"),
)  # fmt: skip

# Each opens for reading bytes.
OPENERS: dict[str, Callable[[Path], Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
# What reading a file that is no whole archive raises.
BROKEN = (EOFError, zlib.error, gzip.BadGzipFile, lzma.LZMAError, OSError)


class FileFault(Exception):
    """What ends the reading of a file: a word that ``delivered_files.fault_error`` explains, and a line or encoding."""

    def __init__(self, word: str, place: str | int = "") -> None:
        self.fault = f"{word}|{place}"
        super().__init__(self.fault)


def _mark_unreadable(error: UnicodeError) -> tuple[str, int]:
    """Decode bytes that are no text as a mark, so that only their own record is lost."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return UNREADABLE, error.end


codecs.register_error("tallystick_mark", _mark_unreadable)


def open_text(path: Path, file: SourceFile) -> IO[str]:
    """The file as text in its declared encoding; what is no text in it becomes ``UNREADABLE``.

    Raises ``FileFault`` for a byte order mark of another encoding, and while reading for a file that is too large.
    """
    # newline="\n": a lone carriage return is no line end, and the text must come back unchanged.
    return io.TextIOWrapper(_open_bytes(path, file), encoding=file.encoding, errors="tallystick_mark", newline="\n")


class TextBlocks:
    """The same text as UTF-8, in blocks of about ``size`` bytes; a context that closes the file."""

    def __init__(self, path: Path, file: SourceFile, *, size: int) -> None:
        self.size = size
        self.handle = _open_bytes(path, file)
        self.is_utf_8 = _declared(file) == "utf-8"
        self.decoder = codecs.getincrementaldecoder(file.encoding)("tallystick_mark")
        self.rest = b""

    def __enter__(self) -> TextBlocks:
        return self

    def __exit__(self, *error: object) -> None:
        self.handle.close()

    def read(self) -> bytes:
        """The next block; empty at the end of the file. A character is never cut, a line may be."""
        while True:
            given = self.handle.read(self.size)
            text = self._checked(given) if self.is_utf_8 else self._decoded(given)
            if text or not given:
                return text

    def _checked(self, given: bytes) -> bytes:
        """UTF-8 stays as it is, but for bytes that are no text."""
        whole = self.rest + given
        self.rest = b""
        if whole.isascii():
            return whole
        try:
            _, end = codecs.utf_8_decode(whole, "strict", not given)
        except UnicodeDecodeError:
            marked, end = codecs.utf_8_decode(whole, "tallystick_mark", not given)
            self.rest = whole[end:]
            return marked.encode("utf-8", "surrogatepass")
        self.rest = whole[end:]
        return whole[:end]

    def _decoded(self, given: bytes) -> bytes:
        return self.decoder.decode(given, not given).encode("utf-8", "surrogatepass")


def without_marks(block: bytes) -> bytes:
    """A byte order mark at the start of a line is no data: files that begin with one are also put together."""
    if block.isascii() or _MARK_BYTES not in block:
        return block
    return _MARKS_AT_START.sub(b"", block)


def _open_bytes(path: Path, file: SourceFile) -> io.BufferedReader[_Counted]:
    opener: Callable[[Path], Any] | None = OPENERS.get(path.suffix)
    raw = io.BufferedReader(_Counted(opener(path) if opener else path.open("rb"), file.largest_gb))
    try:
        head = raw.peek(4)
        meant = next((encoding for mark, encoding in _MARKS if head.startswith(mark)), "")
        if meant and not meant.startswith(_declared(file)):
            raise FileFault("other_mark", meant)
    except BaseException:
        raw.close()
        raise
    return raw


def _declared(file: SourceFile) -> str:
    return codecs.lookup(file.encoding).name.removesuffix("-sig")


class _Counted(io.RawIOBase):
    """The bytes of a file as they come out of its archive, up to the declared size: a few packed ones can be many."""

    def __init__(self, raw: Any, largest_gb: float) -> None:
        self.raw, self.left = raw, int(largest_gb * (1 << 30))

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        size = int(self.raw.readinto(buffer))
        self.left -= size
        if self.left < 0:
            raise FileFault("too_large")
        return size

    def close(self) -> None:
        self.raw.close()
        super().close()
