"""The definition of how delimited text is read, one record after the other over the whole text: the oracle of reading.

Python's ``csv`` says what a quoted record is. Everything else is written out here as docs/sources.md promises it.
"""

from __future__ import annotations

import csv

# What Python puts in place of bytes that are no text; the texts that tests draw do not hold it otherwise.
UNREADABLE = "\ufffd"

Record = tuple[int, str, str | None, tuple[str | None, ...]]


def read_records(
    content: bytes, *, delimiter: str, quote: str, width: int, nulls: tuple[str, ...], longest_record: int
) -> list[Record]:
    """Line, raw text, problem and fields of every record of a text without a header."""
    lines = content.decode("utf-8", "replace").split("\n")
    lines = [line.lstrip("\ufeff").removesuffix("\r") for line in lines]
    found: list[Record] = []
    at = 0
    while at < len(lines):
        if not lines[at]:
            at += 1
            continue
        fields, length = _first_record(lines[at : at + longest_record], delimiter, quote)
        problem = None
        if fields is None:
            problem = "bad_quoting"
        elif any(UNREADABLE in field for field in fields):
            problem = "not_text"
        elif len(fields) != width:
            problem = "wrong_field_count"
        if problem in ("bad_quoting", "wrong_field_count"):
            length = 1
        raw = "\n".join(lines[at : at + length])
        values = tuple(None if field in nulls else field for field in fields or ())
        found.append((at + 1, raw, problem, (None,) * width if problem else values))
        at += length
    return found


def _first_record(lines: list[str], delimiter: str, quote: str) -> tuple[list[str] | None, int]:
    if not quote or quote not in lines[0]:
        return lines[0].split(delimiter), 1
    for length in range(1, len(lines) + 1):
        text = [f"{line}\n" for line in lines[:length]]
        reader = csv.reader(iter(text), delimiter=delimiter, quotechar=quote, doublequote=True, strict=True)
        try:
            fields = next(reader)
        except csv.Error:
            continue
        if reader.line_num == length:
            return fields, length
    return None, 1
