"""Splits lines of fixed width into fields by their places, each with its line and its raw text.

Apart from ``csv_records`` because nothing in such a line says where a field ends: one of another length is none.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tallystick.ingest.lines import Lines
from tallystick.ingest.records import (
    NOT_TEXT,
    UNREADABLE,
    WRONG_LINE_LENGTH,
    FileLayout,
    RecordList,
    Records,
    merge_records,
    without_nulls,
)
from tallystick.spec.sources import SourceFile

# Fills a field up to its width; no part of its value.
BLANK = " "


def split_fixed(block: bytes, file: SourceFile, layout: FileLayout, *, first_line: int) -> Records:
    """The records in ``block``, UTF-8 that ends at the end of a line, whose first line is number ``first_line``.

    Empty lines are no records. Blanks around a value are not part of it. LineTooLong for a line that is longer than
    declared.
    """
    lines = Lines(block, first_line=first_line, longest=layout.longest_line)
    is_odd = lines.find_unreadable()
    if file.counted_in == "bytes":
        is_odd[lines.lines_of(np.flatnonzero(lines.bytes > 0x7F))] = True
    whole = _split_whole(lines, ~(lines.is_empty | is_odd), file, layout)
    if not is_odd.any():
        return whole
    rows = RecordList(len(file.columns))
    for at in np.flatnonzero(is_odd):
        _add_line(rows, lines.text(int(at)), file, line=first_line + int(at))
    return merge_records(whole, rows.records(layout))


def split_fixed_alone(texts: Sequence[str], file: SourceFile, layout: FileLayout) -> Records:
    """One record for each text; its number is its place, from 1 on."""
    rows = RecordList(len(file.columns))
    for number, text in enumerate(texts, start=1):
        _add_line(rows, text, file, line=number)
    return rows.records(layout)


def _split_whole(lines: Lines, is_kept: np.ndarray, file: SourceFile, layout: FileLayout) -> Records:
    raw = lines.raw(is_kept)
    has_length = pc.equal(pc.utf8_length(raw), file.width)
    columns = []
    for start, end in file.spans:
        values = pc.utf8_trim(pc.utf8_slice_codeunits(raw, start, end), characters=BLANK)
        # A line of another length has no fields at all: which of them stand where they should is unknown.
        columns.append(without_nulls(pc.if_else(has_length, values, pa.scalar(None, pa.string())), layout))
    problems = pc.if_else(has_length, pa.scalar(None, pa.string()), WRONG_LINE_LENGTH)
    return Records(columns, lines.numbers(is_kept), raw, problems)


def _add_line(rows: RecordList, text: str, file: SourceFile, *, line: int) -> None:
    problem = None
    values: list[str | None] = [None] * len(file.columns)
    if UNREADABLE in text:
        problem = NOT_TEXT
    elif file.counted_in == "bytes":
        whole = text.encode(file.encoding)
        problem = None if len(whole) == file.width else WRONG_LINE_LENGTH
        try:
            fields = [whole[start:end].decode(file.encoding) for start, end in file.spans]
        except UnicodeDecodeError:  # a place begins or ends inside a character
            problem = problem or NOT_TEXT
    else:
        problem = None if len(text) == file.width else WRONG_LINE_LENGTH
        fields = [text[start:end] for start, end in file.spans]
    if problem is None:
        values = [field.strip(BLANK) for field in fields]
    rows.add(values, line=line, raw=text, problem=problem)
