"""Gives a delivered file's text, unpacked and decoded: block after block of UTF-8.

Apart from ``delivered_files`` because nothing here knows what the text holds: only its encoding and byte order marks.
``packed_files`` unpacks.
"""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from tallystick.ingest.faults import FileFault
from tallystick.ingest.packed_files import Counted, list_parts, open_part
from tallystick.ingest.records import MARK, UNREADABLE
from tallystick.spec.sources import SourceFile

# A mark at the start of a file as bytes, the proof of an encoding.
# How files begin that are no text, whatever their name says.
_BINARY = {
    b"\x1f\x8b": "a gzip archive", b"BZh": "a bzip2 archive", b"\xfd7zXZ": "an xz archive",
    b"\x28\xb5\x2f\xfd": "a zstd archive", b"PK\x03\x04": "a zip archive or a workbook",
    b"\xd0\xcf\x11\xe0": "a workbook", b"PAR1": "a Parquet file",
}  # fmt: skip

_MARK_BYTES = MARK.encode()
_MARKS_AT_START = re.compile(b"(?m)^(?:" + _MARK_BYTES + b")+")
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"), (codecs.BOM_UTF32_BE, "utf-32-be"), (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"),
)  # fmt: skip


def _mark_unreadable(error: UnicodeError) -> tuple[str, int]:
    """Decode bytes that are no text as a mark, so that only their own record is lost."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return UNREADABLE, error.end


codecs.register_error("tallystick_mark", _mark_unreadable)


def open_text(path: Path, file: SourceFile, *, part: str = "") -> IO[str]:
    """The file, or the member ``part`` of it, as text in its declared encoding; what is no text in it becomes
    ``UNREADABLE``.

    Raises ``FileFault`` for a byte order mark of another encoding and for what is no text at all, and while reading for
    a file that is too large.
    """
    # newline="\n": a lone carriage return is no line end, and the text must come back unchanged.
    raw = _open_bytes(path, file, part=part)
    return io.TextIOWrapper(raw, encoding=file.encoding, errors="tallystick_mark", newline="\n")


def open_parts(path: Path, file: SourceFile, *, size: int) -> Iterator[TextBlocks]:
    """The texts of a file: one, or those of an archive's members in the order of their names."""
    allowed = int(file.largest_gb * (1 << 30))
    for part in list_parts(path, file):
        with _open_bytes(path, file, part=part, allowed=allowed) as handle:
            yield TextBlocks(handle, file, size=size)
            allowed = handle.raw.left


class TextBlocks:
    """An opened text as UTF-8, in blocks of about ``size`` bytes."""

    def __init__(self, handle: io.BufferedReader[Counted], file: SourceFile, *, size: int) -> None:
        self.size = size
        self.handle = handle
        self.is_utf_8 = _declared(file) == "utf-8"
        self.decoder = codecs.getincrementaldecoder(file.encoding)("tallystick_mark")
        self.rest = b""

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


def _open_bytes(path: Path, file: SourceFile, *, part: str, allowed: int | None = None) -> io.BufferedReader[Counted]:
    raw = io.BufferedReader(
        Counted(open_part(path, part), int(file.largest_gb * (1 << 30)) if allowed is None else allowed)
    )
    try:
        head = raw.peek(8)
        meant = next((encoding for mark, encoding in _MARKS if head.startswith(mark)), "")
        if meant and not meant.startswith(_declared(file)):
            raise FileFault("other_mark", meant)
        kind = next((kind for sign, kind in _BINARY.items() if head.startswith(sign)), "")
        if kind:
            raise FileFault("other_kind", kind)
    except BaseException:
        raw.close()
        raise
    return raw


def _declared(file: SourceFile) -> str:
    return codecs.lookup(file.encoding).name.removesuffix("-sig")
