"""What the reading of a file's text comes to: records with their line, raw text and problem, as columns of Arrow.

Apart from its readers because ``csv_records`` and ``json_records`` share nothing but this: the layout that says where a
file's columns are, and the records of a block.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tallystick.spec.file_formats import LONGEST_LINE
from tallystick.spec.sources import SourceFile

WRONG_FIELD_COUNT = "wrong_field_count"
BAD_QUOTING = "bad_quoting"
NOT_JSON = "not_json"
KEY_TWICE = "key_twice"
NOT_TEXT = "not_text"
WRONG_LINE_LENGTH = "wrong_line_length"

# The mark that some programs put at the start of a text, as a character.
MARK = "\ufeff"

# Stands in a text for bytes that no text of its encoding holds (``ingest.text_blocks`` puts it there), and in a block.
UNREADABLE = "\udcff"
UNREADABLE_BYTES = UNREADABLE.encode("utf-8", "surrogatepass")


@dataclass(frozen=True, slots=True)
class FileLayout:
    """Where a file's columns are: ``names`` of all its fields in order. ``wanted`` are those to keep, in order.

    ``nulls`` are the texts that mean nothing. ``skipped`` lines stand before the first record. ``partitions`` are
    columns that the file's path gives, as texts.
    """

    names: tuple[str, ...]
    wanted: tuple[str, ...]
    nulls: tuple[str, ...]
    format: str = "csv"
    delimiter: str = ","
    quote: str = '"'
    longest_line: int = LONGEST_LINE
    skipped: int = 0
    partitions: tuple[tuple[str, str | None], ...] = ()

    @classmethod
    def of(cls, file: SourceFile, names: Sequence[str], *, skipped: int = 0) -> FileLayout:
        """The layout of a file whose fields are called ``names``."""
        return cls(
            names=tuple(names),
            wanted=file.columns,
            nulls=file.nulls,
            format=file.format,
            delimiter=file.delimiter,
            quote=file.quote,
            longest_line=file.longest_line,
            skipped=skipped,
        )


class LineTooLong(ValueError):
    """A line is longer than is declared: ``line`` is its number."""

    def __init__(self, line: int) -> None:
        super().__init__(line)
        self.line = line


@dataclass(slots=True)
class Records:
    """Records of one block: a list per wanted column, and where each record came from.

    ``left`` is the number of lines at the block's end that are not read yet. ``keys`` are those of all JSON records in
    it; None when it holds none.
    """

    columns: list[pa.Array]
    lines: pa.Array
    raw: pa.Array
    problems: pa.Array
    left: int = 0
    keys: frozenset[str] | None = None


class RecordList:
    """Collects records one by one, where text cannot be split column by column."""

    def __init__(self, width: int) -> None:
        self.columns: list[list[str | None]] = [[] for _ in range(width)]
        self.lines: list[int] = []
        self.raw: list[str] = []
        self.problems: list[str | None] = []
        self.keys: set[str] | None = None

    def add(self, values: Sequence[str | None], *, line: int, raw: str, problem: str | None = None) -> None:
        """One more record, whose values stand in the order of the wanted columns."""
        for column, value in zip(self.columns, values, strict=True):
            column.append(value)
        self.lines.append(line)
        self.raw.append(raw.replace(UNREADABLE, "\ufffd"))
        self.problems.append(problem)

    def records(self, layout: FileLayout, left: int = 0) -> Records:
        """All of them as columns."""
        return Records(
            [without_nulls(pa.array(column, pa.string()), layout) for column in self.columns],
            pa.array(self.lines, pa.int64()),
            pa.array(self.raw, pa.string()),
            pa.array(self.problems, pa.string()),
            left,
            None if self.keys is None else frozenset(self.keys),
        )


def without_nulls(values: pa.Array, layout: FileLayout) -> pa.Array:
    """The texts, with null in place of those that mean nothing."""
    is_nothing = pc.is_in(values, value_set=pa.array(layout.nulls, pa.string()))
    return pc.if_else(is_nothing, pa.scalar(None, pa.string()), values)


def merge_records(some: Records, others: Records) -> Records:
    """Both in the order of their lines."""
    lines = pa.concat_arrays([some.lines, others.lines])
    order = pa.array(np.argsort(lines.to_numpy(), kind="stable"))
    columns = [pa.concat_arrays(pair).take(order) for pair in zip(some.columns, others.columns, strict=True)]
    raw = pa.concat_arrays([some.raw, others.raw]).take(order)
    problems = pa.concat_arrays([some.problems, others.problems]).take(order)
    return Records(columns, lines.take(order), raw, problems, others.left)
