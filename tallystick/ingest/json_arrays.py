"""Reads a file that is one JSON array, element after element, so that a large one is never held whole.

Apart from ``json_records`` because where an element ends must be found before it can be judged: then one that no parser
takes is rejected alone, as a line is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from tallystick.ingest.faults import FileFault
from tallystick.ingest.json_records import DECODER, add_object, add_text
from tallystick.ingest.records import MARK, FileLayout, LineTooLong, RecordList, Records

# A whole string, one that the end of the text cuts off (its group is no quote), or a sign that ends something. A string
# holds no line break, so that a quote that is never closed takes no more than its line.
_TOKEN = re.compile(r'"[^"\\\x00-\x1f]*(?:\\.[^"\\\x00-\x1f]*)*("|\\?\Z)?|[{}\[\],]')
_BLANKS = " \t\r\n"
_BLANK = re.compile(f"[{_BLANKS}]*")


def read_json_array(read: Callable[[], bytes], layout: FileLayout, *, size: int, first: int = 1) -> Iterator[Records]:
    """The elements of the array, about ``size`` characters at a time; a record's line is its place, from ``first``
    on.

    ``read`` gives the next block of UTF-8, empty at the end. Raises LineTooLong for an element that is longer than
    declared, FileFault where the text is no array or ends early.
    """
    text = _Text(read)
    if text.peek() != "[":
        raise FileFault("no_array", first)
    text.at += 1
    number, taken = first - 1, 0
    rows = RecordList(len(layout.wanted))
    is_open = text.peek() != "]"
    text.at += not is_open
    while is_open:
        number += 1
        element, record = text.take(number, layout.longest_line)
        if record is None:
            add_text(rows, element, layout, number=number)
        else:
            add_object(rows, record, layout, text=element, number=number)
        is_open = text.text[text.at] == ","
        text.at += 1
        taken += len(element)
        if taken >= size:
            yield rows.records(layout)
            rows, taken = RecordList(len(layout.wanted)), 0
    if rows.lines:
        yield rows.records(layout)
    if text.peek():
        raise FileFault("no_array", number + 1)


class _Text:
    """As much of the text as was needed, from the element on that is read now."""

    def __init__(self, read: Callable[[], bytes]) -> None:
        self.read, self.text, self.at = read, "", 0
        self.more()
        self.text = self.text.lstrip(MARK)

    def more(self) -> bool:
        """Add the next block, and let go what was read; false at the end."""
        block = self.read()
        self.text = self.text[self.at :] + block.decode("utf-8", "surrogatepass")
        self.at = 0
        return bool(block)

    def peek(self) -> str:
        """The next sign that is not blank; empty at the end."""
        while True:
            self.at = _end_of_blank(self.text, self.at)
            if self.at < len(self.text) or not self.more():
                return self.text[self.at : self.at + 1]

    def take(self, number: int, longest: int) -> tuple[str, dict[str, Any] | None]:
        """The next element, and what it says if that is an object; then the comma or bracket behind it is next."""
        self.peek()
        while True:
            record, end = self._parsed()
            if record is None:
                end = self._scanned()
            if (len(self.text) if end < 0 else end) - self.at > longest:
                raise LineTooLong(number)
            if end >= 0:
                element = self.text[self.at : end].rstrip(_BLANKS)
                self.at = end
                return element, record
            if not self.more():
                raise FileFault("not_closed", number)

    def _parsed(self) -> tuple[dict[str, Any] | None, int]:
        """The object that stands here, and the place of the sign behind it; None when it is not whole or no object."""
        try:
            record, end = DECODER.raw_decode(self.text, self.at)
        except (ValueError, RecursionError):
            return None, -1
        end = _end_of_blank(self.text, end)
        return (record, end) if isinstance(record, dict) and self.text[end : end + 1] in (",", "]") else (None, -1)

    def _scanned(self) -> int:
        """The place of the sign behind the element, whatever stands in it; -1 when that is not read yet."""
        depth = 0
        for token in _TOKEN.finditer(self.text, self.at):
            sign = token[0][0]
            if sign == '"':
                if token[1] not in (None, '"'):
                    return -1
            elif sign in "{[":
                depth += 1
            elif depth == 0 and sign != "}":
                return token.start()
            elif sign in "}]":
                depth = max(depth - 1, 0)
        return -1


def _end_of_blank(text: str, at: int) -> int:
    match = _BLANK.match(text, at)
    return match.end() if match else at
