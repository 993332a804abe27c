"""Splits text into records of fields, exactly: each with its line and its raw text, and none lost over another.

CSV and JSON lines on blocks of text, columns as Arrow arrays. ``delivered_files`` has opened and decoded the file.

A record that cannot be split is rejected alone: when a quote is never closed, only its own line is rejected and
reading goes on at the next one, so that one stray character cannot swallow the rest of a file.
"""

from __future__ import annotations

import csv
import itertools
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tallystick.spec.sources import LONGEST_LINE, SourceFile

# A quoted text may hold line breaks, but a quote that is open this long was never meant to be one.
LONGEST_RECORD = 200

WRONG_FIELD_COUNT = "wrong_field_count"
BAD_QUOTING = "bad_quoting"
NOT_JSON = "not_json"
KEY_TWICE = "key_twice"
NOT_TEXT = "not_text"

# Stands in a text for bytes that no text of its encoding holds; ``ingest.delivered_files`` puts it there.
UNREADABLE = "\udcff"
_HALF_A_PAIR = re.compile("[\ud800-\udfff]")

# The module's own limit, 131,072 characters, would call a long field badly quoted; the longest line is checked before.
csv.field_size_limit(1 << 30)


@dataclass(frozen=True, slots=True)
class FileLayout:
    """Where a file's columns are: ``names`` of all its fields in order. ``wanted`` are those to keep, in order.

    ``nulls`` are the texts that mean nothing.
    """

    names: tuple[str, ...]
    wanted: tuple[str, ...]
    nulls: tuple[str, ...]
    format: str = "csv"
    delimiter: str = ","
    quote: str = '"'
    longest_line: int = LONGEST_LINE

    @classmethod
    def of(cls, file: SourceFile, names: Sequence[str]) -> FileLayout:
        """The layout of a file whose fields are called ``names``."""
        return cls(tuple(names), file.columns, file.nulls, file.format, file.delimiter, file.quote, file.longest_line)


class LineTooLong(ValueError):
    """A line is longer than is declared: ``line`` is its number."""

    def __init__(self, line: int) -> None:
        super().__init__(line)
        self.line = line


@dataclass(slots=True)
class Records:
    """Records of one block: a list per wanted column, and where each record came from. ``left`` are unread lines.

    ``keys`` are those of all JSON records in it; None when it holds none.
    """

    columns: list[pa.Array]
    lines: pa.Array
    raw: pa.Array
    problems: pa.Array
    left: list[str] = field(default_factory=list)
    keys: frozenset[str] | None = None


def split_block(block: str, layout: FileLayout, *, first_line: int, is_last: bool) -> Records:
    """The records in ``block``, whose first line is number ``first_line`` of its file.

    The block ends at the end of a line, or of the file when ``is_last``. Empty lines are no records. A record that may
    go on behind the block is handed back as ``left``. LineTooLong for a line that is longer than declared.
    """
    is_readable = UNREADABLE not in block
    if layout.format == "csv" and is_readable and (not layout.quote or layout.quote not in block):
        return _split_plain(block, layout, first_line)
    lines = block.split("\n")
    if lines and not lines[-1]:
        lines.pop()
    if len(block) > layout.longest_line:
        _refuse_long(max(range(len(lines)), key=lambda at: len(lines[at])), lines, layout, first_line)
    rows = _Rows(len(layout.wanted))
    if layout.format == "jsonl":
        _read_json(lines, layout, first_line, rows)
        return rows.records(layout, [])
    left = _read_quoted(lines, layout, first_line, rows=rows, is_last=is_last)
    return rows.records(layout, left)


def split_fields(line: str, layout: FileLayout) -> list[str] | None:
    """The fields of one line, as a header is read; None when its quotes do not match."""
    fields, _ = _read_record([line], layout, is_last=True)
    return fields


def _refuse_long(at: int, lines: Sequence[str], layout: FileLayout, first_line: int) -> None:
    if len(lines[at]) > layout.longest_line:
        raise LineTooLong(first_line + at)


def _split_plain(block: str, layout: FileLayout, first_line: int) -> Records:
    """The fast way for text without quotes: whole columns at a time."""
    lines = pc.list_flatten(pc.split_pattern(pa.array([block], pa.large_string()), "\n"))
    if "\r" in block:
        lines = pc.replace_substring_regex(lines, r"\r$", "")
    numbers = pa.array(np.arange(first_line, first_line + len(lines), dtype=np.int64))
    sizes = pc.binary_length(lines)
    if (pc.max(sizes).as_py() or 0) > layout.longest_line:
        longest = pc.utf8_length(lines)
        at = pc.index(longest, pc.max(longest)).as_py()
        if longest[at].as_py() > layout.longest_line:
            raise LineTooLong(first_line + at)
    kept = pc.not_equal(sizes, 0)
    lines, numbers = lines.filter(kept), numbers.filter(kept)
    parts = pc.split_pattern(lines, layout.delimiter)
    width = len(layout.names)
    is_whole = pc.equal(pc.list_value_length(parts), width)
    flat = pc.list_flatten(parts.filter(is_whole))
    places = np.arange(0, len(flat), width, dtype=np.int64)
    # A row of another width has no fields at all: which of them are the right ones is unknown.
    whole_of_row = np.cumsum(is_whole.to_numpy(zero_copy_only=False)) - 1
    taken = pa.array(whole_of_row, mask=~is_whole.to_numpy(zero_copy_only=False))
    columns = []
    for name in layout.wanted:
        if name not in layout.names:
            columns.append(pa.nulls(len(lines), pa.string()))
            continue
        values = flat.take(pa.array(places + layout.names.index(name))).take(taken)
        columns.append(_without_nulls(values.cast(pa.string()), layout))
    problems = pc.if_else(is_whole, pa.scalar(None, pa.string()), WRONG_FIELD_COUNT)
    return Records(columns, numbers, lines.cast(pa.string()), problems)


def _read_quoted(lines: list[str], layout: FileLayout, first_line: int, *, rows: _Rows, is_last: bool) -> list[str]:
    """Record after record; returns the lines of one that may go on behind the block."""
    picks = [layout.names.index(name) if name in layout.names else -1 for name in layout.wanted]
    width, quote = len(layout.names), layout.quote
    at = 0
    while at < len(lines):
        line = lines[at]
        length = 1
        if not line or line == "\r":
            at += 1
            continue
        fields: list[str] | None
        if quote and quote in line:
            fields, length = _read_record(lines[at : at + LONGEST_RECORD], layout, is_last=is_last)
            if length == 0:
                return lines[at:]
        else:
            fields = line.removesuffix("\r").split(layout.delimiter)
        problem = BAD_QUOTING if fields is None else WRONG_FIELD_COUNT if len(fields) != width else None
        if fields is not None and any(UNREADABLE in field for field in fields):
            problem = NOT_TEXT
        if problem is None and fields is not None:
            values: list[str | None] = [fields[pick] if pick >= 0 else None for pick in picks]
            rows.add(values, first_line + at, lines[at : at + length], None)
        else:
            # Only the first line of a broken record is given up: what follows may be records in their own right.
            length = length if problem == NOT_TEXT else 1
            rows.add([None] * len(picks), first_line + at, lines[at : at + length], problem)
        at += length
    return []


def _read_record(lines: Sequence[str], layout: FileLayout, *, is_last: bool) -> tuple[list[str] | None, int]:
    """The first record's fields and its number of lines; fields None when it is broken, 0 lines when it may go on."""
    used = itertools.count(1)
    taken = 0

    def feed() -> Iterable[str]:
        nonlocal taken
        for line in lines:
            taken = next(used)
            yield line.removesuffix("\r") + "\n"

    reader = csv.reader(feed(), delimiter=layout.delimiter, quotechar=layout.quote, doublequote=True, strict=True)
    try:
        return next(reader), taken
    except csv.Error:
        is_open = taken == len(lines) and len(lines) < LONGEST_RECORD and not is_last
        return None, 0 if is_open else 1


def _read_json(lines: list[str], layout: FileLayout, first_line: int, rows: _Rows) -> None:
    """One JSON object a line; a value that is no text becomes its JSON text, null and absent keys become null."""
    nothing = [None] * len(layout.wanted)
    for number, line in enumerate(lines, start=first_line):
        if not line.strip():
            continue
        problem: str | None = None
        try:
            record = _DECODER.decode(line)
            values = [_json_text(record.get(name)) for name in layout.wanted] if isinstance(record, dict) else nothing
            problem = None if isinstance(record, dict) else NOT_JSON
        except _KeyTwiceError:
            problem = KEY_TWICE
        except (ValueError, RecursionError):  # the latter of brackets in brackets, thousands deep
            problem = NOT_JSON
        # Half of a surrogate pair: JSON can write one, no text can hold it.
        if UNREADABLE in line or (problem is None and "\\u" in line and _has_half(values, record)):
            problem = NOT_TEXT
        if problem is None:
            rows.keys = rows.keys or set()
            rows.keys.update(record)
        rows.add(values if problem is None else nothing, number, [line], problem)


class _NotJsonError(ValueError):
    """Something that JSON has not."""


class _KeyTwiceError(ValueError):
    """An object has a key twice: which value counts is not said, and readers differ."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise _KeyTwiceError
    return made


def _refuse_constant(name: str) -> None:
    """NaN and Infinity: Python reads them, JSON has none."""
    raise _NotJsonError(name)


_DECODER = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=_refuse_constant, object_pairs_hook=_object)


def _has_half(values: Iterable[str | None], record: Mapping[str, Any]) -> bool:
    return any(_HALF_A_PAIR.search(text) for text in (*values, *record) if text)


def _json_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


class _Rows:
    """Collects records one by one, for text that cannot be split column by column."""

    def __init__(self, width: int) -> None:
        self.columns: list[list[str | None]] = [[] for _ in range(width)]
        self.lines: list[int] = []
        self.raw: list[str] = []
        self.problems: list[str | None] = []
        self.keys: set[str] | None = None

    def add(self, values: Sequence[str | None], line: int, raw: Sequence[str], problem: str | None) -> None:
        for column, value in zip(self.columns, values, strict=True):
            column.append(value)
        self.lines.append(line)
        text = "\n".join(part.removesuffix("\r") for part in raw)
        self.raw.append(text.replace(UNREADABLE, "\ufffd"))
        self.problems.append(problem)

    def records(self, layout: FileLayout, left: list[str]) -> Records:
        columns = [_without_nulls(pa.array(column, pa.string()), layout) for column in self.columns]
        return Records(
            columns,
            pa.array(self.lines, pa.int64()),
            pa.array(self.raw, pa.string()),
            pa.array(self.problems, pa.string()),
            left,
            None if self.keys is None else frozenset(self.keys),
        )


def _without_nulls(values: pa.Array, layout: FileLayout) -> pa.Array:
    is_nothing = pc.is_in(values, value_set=pa.array(layout.nulls, pa.string()))
    return pc.if_else(is_nothing, pa.scalar(None, pa.string()), values)
