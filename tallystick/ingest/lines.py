"""The lines of a block of text as places in its bytes, so that many of them are taken at once.

Apart from the splitting of lines because delimited and fixed width text share where a line begins and ends.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from tallystick.ingest.records import UNREADABLE_BYTES, LineTooLong

# Arrow's offsets are of 32 bits.
_LARGEST_BLOCK = 1 << 31


class Lines:
    """Where each line of a block of UTF-8 begins and ends. A carriage return before a line's end is no part of it.

    LineTooLong for a line of more than ``longest`` characters.
    """

    def __init__(self, block: bytes, *, first_line: int, longest: int) -> None:
        if not block.endswith(b"\n"):
            block += b"\n"
        if b"\r" in block:
            block = block.replace(b"\r\n", b"\n")
        self.block, self.first_line = block, first_line
        self.bytes = np.frombuffer(block, np.uint8)
        self.ends = np.flatnonzero(self.bytes == ord("\n"))
        self.starts = np.concatenate([[0], self.ends[:-1] + 1])
        self.sizes = self.ends - self.starts
        self.is_empty = self.sizes == 0
        if len(block) >= _LARGEST_BLOCK:
            raise LineTooLong(first_line)
        # Bytes first: a line of fewer is never longer in characters.
        for at in np.flatnonzero(self.sizes > longest):
            if len(self.text(int(at))) > longest:
                raise LineTooLong(first_line + int(at))

    def __len__(self) -> int:
        return len(self.ends)

    def text(self, at: int) -> str:
        """A line without its end."""
        return self.block[self.starts[at] : self.ends[at]].decode("utf-8", "surrogatepass")

    def numbers(self, is_chosen: np.ndarray) -> pa.Array:
        """The chosen lines' numbers in their file."""
        return pa.array(np.flatnonzero(is_chosen) + self.first_line, pa.int64())

    def chosen(self, is_chosen: np.ndarray) -> bytes:
        """Some of the lines, with their ends."""
        if is_chosen.all():
            return self.block
        offsets = np.append(self.starts, len(self.block)).astype(np.int32)
        buffers = [None, pa.py_buffer(offsets), pa.py_buffer(self.block)]
        kept = pa.BinaryArray.from_buffers(pa.binary(), len(self), buffers).filter(pa.array(is_chosen))
        size = int((self.sizes[is_chosen] + 1).sum())
        return bytes(kept.buffers()[2][:size]) if size else b""

    def raw(self, is_chosen: np.ndarray) -> pa.Array:
        """Some of the lines, without their ends, as text."""
        sizes = self.sizes[is_chosen]
        offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)
        text = self.chosen(is_chosen).replace(b"\n", b"")
        return pa.StringArray.from_buffers(len(sizes), pa.py_buffer(offsets), pa.py_buffer(text))

    def find_unreadable(self) -> np.ndarray:
        """Whether each line holds bytes that are no text."""
        found = np.zeros(len(self), bool)
        if not self.block.isascii() and UNREADABLE_BYTES in self.block:
            last = len(self.block) - len(UNREADABLE_BYTES) + 1
            signs = [self.bytes[at : last + at] == sign for at, sign in enumerate(UNREADABLE_BYTES)]
            found[self.lines_of(np.flatnonzero(np.logical_and.reduce(signs)))] = True
        return found

    def lines_of(self, places: np.ndarray) -> np.ndarray:
        """The line that each place of the block is in, by its index."""
        found: np.ndarray = np.searchsorted(self.ends, places)
        return found
