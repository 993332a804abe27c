"""Splits delimited text into records of fields, exactly: each with its line and its raw text, none lost over another.

Arrow's own reader splits all lines that need no thought, as whole columns. What it reads differently or not at all is
told beforehand, line by line, from where the quotes stand: a record over several lines, a quote that is not closed or
stands inside a field, a lone carriage return, bytes that are no text. Those lines alone go through Python's ``csv``.

A record that cannot be split is rejected alone: when a quote is never closed, only its own line is rejected and
reading goes on at the next one, so that one stray character cannot swallow the rest of a file.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv

from tallystick.ingest.lines import Lines
from tallystick.ingest.records import (
    BAD_QUOTING,
    NOT_TEXT,
    UNREADABLE,
    WRONG_FIELD_COUNT,
    FileLayout,
    RecordList,
    Records,
    merge_records,
)

# A quoted text may hold line breaks, but a quote that is open this long was never meant to be one.
LONGEST_RECORD = 200

# The module's own limit, 131,072 characters, would call a long field badly quoted; the longest line is checked before.
csv.field_size_limit(1 << 30)


def split_block(block: bytes, layout: FileLayout, *, first_line: int, is_last: bool) -> Records:
    """The records in ``block``, UTF-8 whose first line is number ``first_line`` of its file.

    The block ends at the end of a line, or of the file when ``is_last``. Empty lines are no records. A record that may
    go on behind the block is not read: its lines are counted as ``left``. LineTooLong for a line that is longer than
    declared.
    """
    lines = Lines(block, first_line=first_line, longest=layout.longest_line)
    is_odd = _find_odd(lines, layout)
    if not is_odd.any():
        return _split_whole(lines, ~lines.is_empty, layout)
    rows = RecordList(len(layout.wanted))
    is_used, left = _read_odd(lines, is_odd, layout, rows=rows, is_last=is_last)
    return merge_records(_split_whole(lines, ~(lines.is_empty | is_used), layout), rows.records(layout, left))


def split_alone(texts: Sequence[str], layout: FileLayout) -> Records:
    """One record for each text, whatever it looks like; its number is its place, from 1 on."""
    rows = RecordList(len(layout.wanted))
    for number, text in enumerate(texts, start=1):
        lines = text.split("\n")
        fields, length = _read_record(iter(lines), layout, most=len(lines), is_last=True)
        _add_row(rows, fields, layout, line=number, raw=lines[: length or 1])
    return rows.records(layout)


def split_fields(line: str, layout: FileLayout) -> list[str] | None:
    """The fields of one line, as a header is read; None when its quotes do not match."""
    fields, _ = _read_record(iter([line]), layout, most=1, is_last=True)
    return fields


def _find_odd(lines: Lines, layout: FileLayout) -> np.ndarray:
    """Whether each line is one that only ``csv`` reads as it must be read."""
    if not (layout.delimiter + layout.quote).isascii():
        return ~lines.is_empty
    is_odd = lines.find_unreadable()
    if b"\r" in lines.block:
        is_odd[lines.lines_of(np.flatnonzero(lines.bytes == ord("\r")))] = True
    if layout.quote and layout.quote.encode() in lines.block:
        is_odd[_badly_quoted(lines, layout)] = True
    return is_odd


def _badly_quoted(lines: Lines, layout: FileLayout) -> np.ndarray:
    """Lines whose quotes, counted from the line's start, do not open at a field's start and close at its end.

    Inside a field a quote is doubled: so it closes and opens again at once.
    """
    quotes = np.flatnonzero(lines.bytes == ord(layout.quote))
    line = lines.lines_of(quotes)
    first = np.searchsorted(line, line, side="left")
    is_closing = (np.arange(len(quotes)) - first) % 2 == 1
    before = np.where(quotes > 0, lines.bytes[quotes - 1], ord("\n"))
    beside = np.where(is_closing, lines.bytes[quotes + 1], before)
    is_doubled = np.zeros(len(quotes), bool)
    is_adjacent = np.diff(quotes) == 1
    is_doubled[:-1] = is_closing[:-1] & is_adjacent
    is_doubled[1:] |= ~is_closing[1:] & is_adjacent
    is_last = np.append(line[1:] != line[:-1], True)
    is_end = (beside == ord("\n")) | (beside == ord(layout.delimiter))
    found: np.ndarray = line[~(is_end | is_doubled) | (is_last & ~is_closing)]
    return found


def _split_whole(lines: Lines, is_kept: np.ndarray, layout: FileLayout) -> Records:
    """The kept lines, each of them one record, as Arrow reads them."""
    numbers = np.flatnonzero(is_kept)
    if not len(numbers):
        return RecordList(len(layout.wanted)).records(layout)
    block = lines.chosen(is_kept)
    raw = lines.raw(is_kept)
    numbers = pa.array(numbers + lines.first_line, pa.int64())
    fields = [layout.names.index(name) if name in layout.names else -1 for name in layout.wanted]
    table, wrong = _read_table(block, fields, layout)
    columns = [table.column(str(at)).combine_chunks() for at in range(len(fields))]
    if not wrong:
        return Records(columns, numbers, raw, pa.nulls(len(numbers), pa.string()))
    # A row of another width has no fields at all: which of them are the right ones is unknown.
    is_wrong = np.zeros(len(numbers), bool)
    is_wrong[wrong] = True
    places = pa.array(np.cumsum(~is_wrong) - 1, mask=is_wrong)
    problems = pc.if_else(pa.array(is_wrong), WRONG_FIELD_COUNT, pa.scalar(None, pa.string()))
    return Records([column.take(places) for column in columns], numbers, raw, problems)


def _read_table(block: bytes, fields: list[int], layout: FileLayout) -> tuple[pa.Table, list[int]]:
    """Each wanted column under its number, and the places of rows of another width, which are not in it."""
    wrong: list[int] = []

    def skip(row: arrow_csv.InvalidRow) -> str:
        wrong.append(row.number - 1)
        return "skip"

    # By place, not by name: a name may stand twice.
    names = [f"field {at}" for at in range(len(layout.names))]
    wanted = [f"field {at}" for at in fields]
    has_quotes = layout.quote and layout.quote.encode() in block
    table = arrow_csv.read_csv(
        pa.BufferReader(block),
        arrow_csv.ReadOptions(use_threads=False, block_size=len(block) + 1, column_names=names),
        arrow_csv.ParseOptions(
            delimiter=layout.delimiter,
            quote_char=layout.quote if has_quotes else False,
            double_quote=bool(has_quotes),
            escape_char=False,
            invalid_row_handler=skip,
        ),
        arrow_csv.ConvertOptions(
            check_utf8=False,
            column_types=dict.fromkeys(wanted, pa.string()),
            include_columns=wanted,
            include_missing_columns=True,
            strings_can_be_null=bool(layout.nulls),
            null_values=list(layout.nulls),
        ),
    )
    return table.rename_columns([str(at) for at in range(len(fields))]), wrong


def _read_odd(
    lines: Lines, is_odd: np.ndarray, layout: FileLayout, *, rows: RecordList, is_last: bool
) -> tuple[np.ndarray, int]:
    """Records that begin in an odd line, one after the other; the lines they are made of, and how many are left."""
    is_used = np.zeros(len(lines), bool)
    behind = 0
    for odd in np.flatnonzero(is_odd):
        at = int(odd)
        if at < behind:
            continue
        most = min(LONGEST_RECORD, len(lines) - at)
        fields, length = _read_record(map(lines.text, range(at, at + most)), layout, most=most, is_last=is_last)
        if length == 0:
            is_used[at:] = True
            return is_used, len(lines) - at
        raw = [lines.text(place) for place in range(at, at + length)]
        behind = at + _add_row(rows, fields, layout, line=lines.first_line + at, raw=raw)
        is_used[at:behind] = True
    return is_used, 0


def _add_row(rows: RecordList, fields: list[str] | None, layout: FileLayout, *, line: int, raw: Sequence[str]) -> int:
    """Add a record that was read or could not be; the number of lines it takes."""
    problem = BAD_QUOTING if fields is None else WRONG_FIELD_COUNT if len(fields) != len(layout.names) else None
    if fields is not None and any(UNREADABLE in field for field in fields):
        problem = NOT_TEXT
    if problem is None and fields is not None:
        places = {name: at for at, name in enumerate(layout.names)}
        values = [fields[places[name]] if name in places else None for name in layout.wanted]
        rows.add(values, line=line, raw="\n".join(raw))
        return len(raw)
    # Only the first line of a broken record is given up: what follows may be records in their own right.
    length = len(raw) if problem == NOT_TEXT else 1
    rows.add([None] * len(layout.wanted), line=line, raw="\n".join(raw[:length]), problem=problem)
    return length


def _read_record(lines: Iterator[str], layout: FileLayout, *, most: int, is_last: bool) -> tuple[list[str] | None, int]:
    """The first record's fields and its number of lines; fields None when it is broken, 0 lines when it may go on.

    ``most`` is how many lines there are.
    """
    first = next(lines)
    if not layout.quote or layout.quote not in first:
        return first.split(layout.delimiter), 1
    taken = 0

    def feed() -> Iterator[str]:
        nonlocal taken
        taken = 1
        yield f"{first}\n"
        for line in lines:
            taken += 1
            yield f"{line}\n"

    reader = csv.reader(feed(), delimiter=layout.delimiter, quotechar=layout.quote, doublequote=True, strict=True)
    try:
        return next(reader), taken
    except csv.Error:
        is_open = taken == most and most < LONGEST_RECORD and not is_last
        return None, 0 if is_open else 1
