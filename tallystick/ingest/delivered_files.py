"""Reads a delivery's files: what is declared of each against what it begins with, and its records as Arrow batches.

One file at a time, on the driver (``inspect_file``) and in a task (``read_batches``), without Spark. ``packed_files``
unpacks, ``text_blocks`` decodes, ``*_records``, ``json_arrays`` and ``parquet_rows`` split.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from tallystick.errors import InputError
from tallystick.ingest.csv_records import split_alone, split_block
from tallystick.ingest.faults import FileFault, fault_error
from tallystick.ingest.first_lines import inspect_text
from tallystick.ingest.fixed_records import split_fixed, split_fixed_alone
from tallystick.ingest.json_arrays import read_json_array
from tallystick.ingest.json_records import read_json_alone, read_json_lines
from tallystick.ingest.packed_files import BROKEN
from tallystick.ingest.parquet_rows import arrow_type, inspect_parquet, read_parquet, read_row_texts
from tallystick.ingest.pseudonyms import Pseudonyms, hide
from tallystick.ingest.records import FileLayout, LineTooLong, Records
from tallystick.ingest.text_blocks import TextBlocks, open_parts, without_marks
from tallystick.spec.sources import SourceFile

__all__ = ["fault_error", "inspect_file", "read_batches", "split_raw", "view_schema"]

# Bytes of text read at once: large enough for whole-column work, small enough for many tasks in one worker's memory.
BLOCK = 4 << 20

# Undeclared keys of JSON records that are remembered of a file: a file whose keys are data has one a record.
MOST_KEYS = 100

# What to do about a file of 0 bytes. A transfer that broke off leaves such a one, too: a supplier with nothing to tell
# must be able to say so.
_SAY_NOTHING = {
    "csv": "a delivery without rows still has a header",
    "json": "a file without records is []",
    "parquet": "a Parquet file without rows still has its columns",
}


def view_schema(file: SourceFile) -> pa.Schema:
    """The schema of a raw view: columns, of text unless types are declared or an identifier is hashed, where each
    record is from, and what was wrong with it.

    ``_problem`` is a record that could not be split; ``_fault`` ends a file that could not be read to its end.
    ``_keys`` is, on some rows of a file of JSON records, a JSON list: together those of all its records.
    """
    types = {**file.types, **dict.fromkeys(file.hashed, "string")}
    fields = [pa.field(name, arrow_type(types.get(name, "string"))) for name in file.columns]
    fields += [pa.field("_file", pa.string()), pa.field("_line", pa.int64())]
    fields += [pa.field(name, pa.string()) for name in ("_raw", "_problem", "_fault", "_keys")]
    return pa.schema(fields)


def inspect_file(path: Path, file: SourceFile, *, where: str = "") -> tuple[FileLayout, list[str]]:
    """The layout of a delivered file, by its header or schema, and the columns that nobody asked for.

    Reads as little as says so; JSON records have no header, so that their keys are known when all are read. InputError,
    naming the file as ``where`` does and the column, when the file is empty or unreadable, when a column is missing, of
    another type, or unknown ones are refused, or when the delimiter is another one.
    """
    where = where or str(path)
    if path.stat().st_size == 0:
        without = "a file of one empty line is one without rows; one that may be absent is optional: true"
        is_lines = file.format == "csv" and not file.header
        fix = without if is_lines else _SAY_NOTHING.get(file.format, without)
        raise InputError("the file is empty: 0 bytes", where=where, fix=fix)
    if file.format == "parquet":
        return inspect_parquet(path, file, where=where)
    return inspect_text(path, file, where=where)


def read_batches(
    path: Path, name: str, file: SourceFile, layout: FileLayout, *, pseudonyms: Pseudonyms | None = None
) -> Iterator[pa.RecordBatch]:
    """The records of a file in batches of ``view_schema``; ``name`` is what they carry as ``_file``.

    With ``pseudonyms`` in place of its identifiers, and then without the text of any line, which holds them.

    Never raises for the file's content: a file that ends early or is damaged yields the records before that point and
    then one row whose ``_fault`` says why. Bytes that are no text cost the record they are in.
    """
    at = _Place()
    keys: set[str] = set()
    try:
        for records in _read_records(path, file, layout, at):
            keys_told = _new_keys(records, file, keys)
            yield _batch(file, name, records, keys_told, hide(records.columns, file, pseudonyms))
    except LineTooLong as error:
        word = "long_line" if file.format in ("csv", "fixed", "jsonl") else "long_record"
        yield _fault(file, name, error.line, FileFault(word, error.line))
    except FileFault as error:
        yield _fault(file, name, at.line, error)
    except UnicodeError:
        yield _fault(file, name, at.line, FileFault("not_text", at.line))
    except BROKEN as error:
        yield _fault(file, name, at.line, FileFault("truncated" if isinstance(error, EOFError) else "damaged"))


@dataclass(slots=True)
class _Place:
    """The number of the line, or record, that is read next."""

    line: int = 1


def _read_records(path: Path, file: SourceFile, layout: FileLayout, at: _Place) -> Iterator[Records]:
    """The records of a file, those of an archive's members one after the other."""
    if file.format == "parquet":
        yield from read_parquet(path, file, layout, size=BLOCK)
        return
    for text in open_parts(path, file, size=BLOCK):
        if file.format != "json":
            yield from _read_lines(text, file, layout, at)
            continue
        for records in read_json_array(text.read, layout, size=BLOCK, first=at.line):
            at.line += len(records.lines)
            yield records


def _read_lines(text: TextBlocks, file: SourceFile, layout: FileLayout, at: _Place) -> Iterator[Records]:
    to_skip, rest, more = layout.skipped, b"", b"more"
    while more:
        more = text.read()
        block, rest = _cut_lines(rest + more, is_last=not more)
        while block and to_skip:
            block, to_skip = block[(block.find(b"\n") + 1) or len(block) :], to_skip - 1
            at.line += 1
        block = without_marks(block)
        if block:
            records = _split(block, file, layout, first_line=at.line, is_last=not more)
            at.line += block.count(b"\n") - records.left + (not block.endswith(b"\n"))
            rest = _last_lines(block, records.left) + rest
            yield records
        elif _is_too_long(rest, file):
            raise LineTooLong(at.line)


def _split(block: bytes, file: SourceFile, layout: FileLayout, *, first_line: int, is_last: bool) -> Records:
    if file.format == "jsonl":
        return read_json_lines(block, layout, first_line=first_line)
    if file.format == "fixed":
        return split_fixed(block, file, layout, first_line=first_line)
    return split_block(block, layout, first_line=first_line, is_last=is_last)


def _cut_lines(text: bytes, *, is_last: bool) -> tuple[bytes, bytes]:
    """The whole lines in ``text``, and what is behind them."""
    end = len(text) if is_last else text.rfind(b"\n") + 1
    return text[:end], text[end:]


def _last_lines(block: bytes, number: int) -> bytes:
    """So many lines from the end of a block that ends with a line."""
    start = len(block)
    for _ in range(number):
        start = block.rfind(b"\n", 0, start - 1) + 1
    return block[start:]


def _is_too_long(line: bytes, file: SourceFile) -> bool:
    # Bytes first: a text of fewer is never longer in characters.
    return len(line) > file.longest_line and len(line.decode("utf-8", "surrogatepass")) > file.longest_line


def split_raw(raw: Sequence[str], layout: FileLayout, file: SourceFile) -> tuple[list[pa.Array], pa.Array]:
    """The columns, and the problems, of records given as raw text one by one: rows that were parked by an earlier load.

    Each text is one record, whatever it looks like.
    """
    if file.format == "parquet":
        return read_row_texts(raw, file, layout), pa.nulls(len(raw), pa.string())
    if file.is_json:
        records = read_json_alone(raw, layout)
    elif file.format == "fixed":
        records = split_fixed_alone(raw, file, layout)
    else:
        records = split_alone(raw, layout)
    return records.columns, records.problems


def _new_keys(records: Records, file: SourceFile, known: set[str]) -> str | None:
    """The keys of JSON records that are not yet ``known``, and from now on are, as a JSON list; None for no news."""
    if records.keys is None:
        return None
    declared = [key for key in file.columns if key in records.keys and key not in known]
    room = MOST_KEYS - len(known.difference(file.columns))
    others = sorted(records.keys.difference(known, file.columns))[:room]
    is_first = not known
    known.update(declared, others)
    return json.dumps([*declared, *others], ensure_ascii=False) if declared or others or is_first else None


def _batch(
    file: SourceFile, name: str, records: Records, keys: str | None, columns: Sequence[pa.Array]
) -> pa.RecordBatch:
    size = len(records.lines)
    names = pa.repeat(pa.scalar(name, pa.string()), size)
    nothing = pa.nulls(size, pa.string())
    told = nothing if keys is None else pa.array([keys, *[None] * (size - 1)], pa.string())
    raw = nothing if file.hashed else records.raw
    arrays = [*columns, names, records.lines, raw, records.problems, nothing, told]
    return pa.RecordBatch.from_arrays(arrays, schema=view_schema(file))


def _fault(file: SourceFile, name: str, line: int, fault: FileFault) -> pa.RecordBatch:
    values: dict[str, list[object]] = {column: [None] for column in view_schema(file).names}
    values |= {"_file": [name], "_line": [line], "_fault": [fault.fault]}
    return pa.RecordBatch.from_pydict(values, schema=view_schema(file))
