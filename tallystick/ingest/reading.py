"""Opens a delivery's files: compression, encoding, header, and their records as Arrow batches.

What lives here: one file at a time, on the driver (``inspect_file``) and in a task (``read_batches``). What must not:
Spark, the splitting of a line (``ingest.records``).
"""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import lzma
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from tallystick.errors import InputError
from tallystick.ingest.records import FileLayout, split_block, split_fields
from tallystick.spec.sources import SourceFile

# Text characters read at once: large enough for whole-column work, small enough for many tasks in one worker's memory.
BLOCK = 4 << 20

# Other delimiters that files come with; used only to say what a wrong one looks like.
DELIMITERS = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar"}

# Each opens for reading bytes.
_OPENERS: dict[str, Callable[[Path], Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
_BROKEN = (EOFError, zlib.error, gzip.BadGzipFile, lzma.LZMAError, OSError)


def view_schema(file: SourceFile) -> pa.Schema:
    """The schema of a raw view: text columns, where each record is from, and what was wrong with it.

    ``_problem`` is a record that could not be split; ``_fault`` ends a file that could not be read to its end.
    """
    texts = [*file.columns, "_file", "_raw", "_problem", "_fault"]
    fields = [pa.field(name, pa.string()) for name in texts]
    fields.insert(len(file.columns) + 1, pa.field("_line", pa.int64()))
    return pa.schema(fields)


def inspect_file(path: Path, file: SourceFile) -> tuple[FileLayout, list[str]]:
    """The layout of a delivered file, by its header, and the columns that nobody asked for.

    Reads the first line only. InputError, naming file and column, when the file is empty or unreadable, when a column
    is missing or unknown ones are refused, or when the delimiter is another one.
    """
    if path.stat().st_size == 0:
        fix = "a delivery without rows still has a header" if file.header else "leave an optional file out"
        raise InputError("the file is empty: 0 bytes", where=str(path), fix=fix)
    line = _first_line(path, file)
    if file.format == "jsonl":
        return FileLayout.of(file, file.columns), []
    given = split_fields(line, FileLayout.of(file, file.columns)) if file.quote else line.split(file.delimiter)
    if not file.header:
        if given is not None and len(given) != len(file.columns):
            _refuse_delimiter(path, file, line)
            what = f"the first line has {len(given)} fields, {len(file.columns)} columns are declared"
            raise InputError(what, where=str(path), fix="correct columns in source.yaml")
        return FileLayout.of(file, file.columns), []
    names = [name.strip() for name in given or []]
    return _match_header(path, file, names, line)


def _match_header(path: Path, file: SourceFile, names: list[str], line: str) -> tuple[FileLayout, list[str]]:
    missing = [name for name in file.columns if name not in names]
    extra = [name for name in names if name not in file.columns]
    if missing and len(names) == 1:
        _refuse_delimiter(path, file, line)
    if missing:
        renamed = f"; the file has {', '.join(extra)}, which is not declared" if extra else ""
        what = f"column {missing[0]} is missing from the header{renamed}"
        fix = "was it renamed? correct columns in source.yaml" if extra else "the supplier must deliver it"
        raise InputError(what, where=f"{path}, column {missing[0]}", fix=fix)
    twice = next((name for name in names if names.count(name) > 1), "")
    if twice:
        raise InputError("the header has a column twice", where=f"{path}, column {twice}", fix="ask the supplier")
    if extra and file.extra_columns == "refuse":
        fix = "declare it under columns, or set extra_columns: note"
        raise InputError("a column that is not declared", where=f"{path}, column {extra[0]}", fix=fix)
    return FileLayout.of(file, names), extra if file.extra_columns == "note" else []


def _refuse_delimiter(path: Path, file: SourceFile, line: str) -> None:
    """InputError when the line looks split by another delimiter than the declared one."""
    counts = {sign: line.count(sign) for sign in DELIMITERS if sign != file.delimiter}
    likely = max(counts, key=lambda sign: counts[sign])
    if counts[likely]:
        expected = DELIMITERS.get(file.delimiter, repr(file.delimiter))
        what = f"fields are not separated by {expected}, as declared; the first line has {DELIMITERS[likely]}"
        raise InputError(what, where=str(path), fix="correct delimiter in source.yaml")


def read_batches(path: Path, name: str, file: SourceFile, layout: FileLayout) -> Iterator[pa.RecordBatch]:
    """The records of a file in batches of ``view_schema``; ``name`` is what they carry as ``_file``.

    Never raises for the file's content: a file that ends early, is damaged or is in another encoding yields the records
    before that point and then one row whose ``_fault`` says why.
    """
    line, rest = 1, ""
    try:
        with open_text(path, file) as handle:
            if file.header and file.format == "csv":
                handle.readline()
                line = 2
            while True:
                text = handle.read(BLOCK)
                block = rest + text
                end = len(block) if not text else block.rfind("\n") + 1
                block, rest = block[:end], block[end:]
                if block:
                    records = split_block(block, layout, first_line=line, is_last=not text)
                    line += block.count("\n") - len(records.left)
                    rest = "\n".join([*records.left, rest]) if records.left else rest
                    yield _batch(file, records.columns, name, records.lines, records.raw, records.problems)
                if not text:
                    return
    except UnicodeDecodeError as error:
        line += rest.count("\n")
        yield _fault(file, name, line, f"not {file.encoding} text ({error.reason}), near or after line {line}")
    except _BROKEN as error:
        is_short = isinstance(error, EOFError)
        yield _fault(file, name, line, "the file ends early: it is truncated" if is_short else "the file is damaged")


def split_raw(raw: Sequence[str], layout: FileLayout, file: SourceFile) -> tuple[list[pa.Array], pa.Array]:
    """The columns, and the problems, of records given as raw text one by one: rows that were parked by an earlier load.

    Each text is one record, whatever it looks like.
    """
    parts = [split_block(text, layout, first_line=1, is_last=True) for text in raw]
    width = len(file.columns)
    columns = [pa.concat_arrays([part.columns[at].slice(0, 1) for part in parts]) for at in range(width)]
    return columns, pa.concat_arrays([part.problems.slice(0, 1) for part in parts])


def open_text(path: Path, file: SourceFile) -> IO[str]:
    """The file as text in its declared encoding; a byte order mark is no part of it."""
    opener: Callable[[Path], Any] | None = _OPENERS.get(path.suffix)
    raw = opener(path) if opener else path.open("rb")
    encoding = "utf-8-sig" if codecs.lookup(file.encoding).name == "utf-8" else file.encoding
    # newline="\n": a lone carriage return is no line end, and the text must come back unchanged.
    return io.TextIOWrapper(raw, encoding=encoding, errors="strict", newline="\n")


def _first_line(path: Path, file: SourceFile) -> str:
    try:
        with open_text(path, file) as handle:
            line = handle.readline()
    except UnicodeDecodeError:
        raise InputError(f"not {file.encoding} text", where=str(path), fix="correct encoding in source.yaml") from None
    except EOFError:
        raise InputError("the file ends early: it is truncated", where=str(path), fix="deliver it again") from None
    except _BROKEN:
        told = f"the file is damaged or no {path.suffix} file" if path.suffix in _OPENERS else "the file is unreadable"
        raise InputError(told, where=str(path), fix="deliver it again") from None
    if "\0" in line:
        raise InputError(f"not {file.encoding} text", where=str(path), fix="correct encoding in source.yaml")
    if not line.strip():
        raise InputError("the file has no header line", where=str(path), fix="deliver it again")
    return line.removesuffix("\n").removesuffix("\r")


def _batch(
    file: SourceFile, columns: list[pa.Array], name: str, lines: pa.Array, raw: pa.Array, problems: pa.Array
) -> pa.RecordBatch:
    size = len(lines)
    names = pa.array([name], pa.string()).take(pa.array([0] * size, pa.int64()))
    nothing = pa.nulls(size, pa.string())
    return pa.RecordBatch.from_arrays([*columns, names, lines, raw, problems, nothing], schema=view_schema(file))


def _fault(file: SourceFile, name: str, line: int, fault: str) -> pa.RecordBatch:
    values: dict[str, list[object]] = {column: [None] for column in view_schema(file).names}
    values |= {"_file": [name], "_line": [line], "_fault": [fault]}
    return pa.RecordBatch.from_pydict(values, schema=view_schema(file))
