"""Reads a delivery's files: header, and records as Arrow batches.

One file at a time, on the driver (``inspect_file``) and in a task (``read_batches``), without Spark. ``text_blocks``
opens and decodes, ``csv_records`` and ``json_records`` split, ``headers`` judges names.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from tallystick.errors import InputError
from tallystick.ingest.csv_records import split_alone, split_block, split_fields
from tallystick.ingest.headers import match_header, refuse_delimiter
from tallystick.ingest.json_records import read_json_alone, read_json_lines
from tallystick.ingest.records import UNREADABLE, FileLayout, LineTooLong, Records
from tallystick.ingest.text_blocks import BROKEN, MARK, OPENERS, FileFault, TextBlocks, open_text, without_marks
from tallystick.spec.sources import SourceFile

# Bytes of text read at once: large enough for whole-column work, small enough for many tasks in one worker's memory.
BLOCK = 4 << 20

# Undeclared keys of JSON records that are remembered of a file: a file whose keys are data has one a record.
MOST_KEYS = 100

# Looked at on the driver, to tell a file in another encoding from one with a broken line.
SAMPLE = 1 << 16

# What can end the reading of a file, by the word that a row's ``_fault`` carries: what to say, and what to do.
_FAULTS = {
    "truncated": ("the file ends early: it is truncated", "deliver it again"),
    "damaged": ("the file is damaged", "deliver it again"),
    "not_text": (
        "not {encoding} text, near or after line {place}",
        "correct encoding in source.yaml, or deliver it again",
    ),
    "other_mark": (
        "the file begins with the byte order mark of {place}, not {encoding} as declared",
        "correct encoding in source.yaml, or deliver it again",
    ),
    "long_line": (
        "line {place} is longer than {longest_line} characters, the declared longest_line",
        "deliver it again, or declare a greater longest_line in source.yaml",
    ),
    "too_large": (
        "the file unpacks to more than {largest_gb} GB, the declared largest_gb",
        "deliver it again, or declare a greater largest_gb in source.yaml",
    ),
}


def view_schema(file: SourceFile) -> pa.Schema:
    """The schema of a raw view: text columns, where each record is from, and what was wrong with it.

    ``_problem`` is a record that could not be split; ``_fault`` ends a file that could not be read to its end.
    ``_keys`` is, on some rows of a file of JSON records, a JSON list: together those of all its records.
    """
    texts = [*file.columns, "_file", "_raw", "_problem", "_fault", "_keys"]
    fields = [pa.field(name, pa.string()) for name in texts]
    fields.insert(len(file.columns) + 1, pa.field("_line", pa.int64()))
    return pa.schema(fields)


def inspect_file(path: Path, file: SourceFile, *, where: str = "") -> tuple[FileLayout, list[str]]:
    """The layout of a delivered file, by its header, and the columns that nobody asked for.

    Reads the first line only; JSON records have no header, so that their keys are known when all are read. InputError,
    naming the file as ``where`` does and the column, when the file is empty or unreadable, when a column is missing or
    unknown ones are refused, or when the delimiter is another one.
    """
    where = where or str(path)
    has_header = file.header and file.format == "csv"
    if path.stat().st_size == 0:
        # A transfer that broke off leaves zero bytes, too: a supplier with nothing to tell must be able to say so.
        without = "a file of one empty line is one without rows; one that may be absent is optional: true"
        fix = "a delivery without rows still has a header" if has_header else without
        raise InputError("the file is empty: 0 bytes", where=where, fix=fix)
    line = _first_line(path, file, where)
    if has_header and not line.strip():
        raise InputError("the file has no header line", where=where, fix="deliver it again")
    layout = FileLayout.of(file, file.columns)
    _refuse_unreadable(path, file, where)
    if file.format == "jsonl" or not line.strip():
        return layout, []
    given = split_fields(line, layout) if file.quote else line.split(file.delimiter)
    if has_header:
        names = [name.strip() for name in given or []]
        return FileLayout.of(file, names), match_header(file, names, line, where=where)
    if given is not None and len(given) != len(file.columns):
        refuse_delimiter(file, line, where=where)
        what = f"the first line has {len(given)} fields, {len(file.columns)} columns are declared"
        raise InputError(what, where=where, fix="correct columns in source.yaml")
    return layout, []


def fault_error(fault: str, file: SourceFile, *, where: str) -> InputError:
    """The error of a file that could not be read to its end; ``fault`` is a row's ``_fault``."""
    word, _, place = fault.partition("|")
    what, fix = _FAULTS[word]
    declared = {name: getattr(file, name) for name in ("encoding", "longest_line", "largest_gb")}
    return InputError(what.format(place=place, **declared), where=where, fix=fix)


def read_batches(path: Path, name: str, file: SourceFile, layout: FileLayout) -> Iterator[pa.RecordBatch]:
    """The records of a file in batches of ``view_schema``; ``name`` is what they carry as ``_file``.

    Never raises for the file's content: a file that ends early or is damaged yields the records before that point and
    then one row whose ``_fault`` says why. Bytes that are no text cost the record they are in.
    """
    has_header = file.header and file.format == "csv"
    line, rest = 2 if has_header else 1, b""
    keys: set[str] = set()
    try:
        with TextBlocks(path, file, size=BLOCK) as text:
            while True:
                more = text.read()
                block, rest = _cut_lines(rest + more, is_last=not more)
                if block and has_header:
                    block, has_header = block[(block.find(b"\n") + 1) or len(block) :], False
                block = without_marks(block)
                if block:
                    records = _split(block, layout, first_line=line, is_last=not more)
                    line += block.count(b"\n") - records.left
                    rest = _last_lines(block, records.left) + rest
                    yield _batch(file, name, records, _new_keys(records, file, keys))
                elif _is_too_long(rest, file):
                    raise LineTooLong(line)
                if not more:
                    return
    except LineTooLong as error:
        yield _fault(file, name, error.line, FileFault("long_line", error.line))
    except FileFault as error:
        yield _fault(file, name, line, error)
    except UnicodeError:
        yield _fault(file, name, line, FileFault("not_text", line))
    except BROKEN as error:
        yield _fault(file, name, line, FileFault("truncated" if isinstance(error, EOFError) else "damaged"))


def _split(block: bytes, layout: FileLayout, *, first_line: int, is_last: bool) -> Records:
    if layout.format == "jsonl":
        return read_json_lines(block, layout, first_line=first_line)
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
    records = read_json_alone(raw, layout) if layout.format == "jsonl" else split_alone(raw, layout)
    return records.columns, records.problems


def _first_line(path: Path, file: SourceFile, where: str) -> str:
    """The header, or the first line that is not empty of a file without one; empty when there is none."""
    not_text = InputError(f"not {file.encoding} text", where=where, fix="correct encoding in source.yaml")
    most, number = file.longest_line, 1
    try:
        with open_text(path, file) as handle:
            line = handle.readline(most + 1)
            while line and not line.strip() and not (file.header and file.format == "csv"):
                line, number = handle.readline(most + 1), number + 1
    except UnicodeError:
        raise not_text from None
    except FileFault as error:
        raise fault_error(error.fault, file, where=where) from None
    except EOFError:
        raise fault_error("truncated", file, where=where) from None
    except BROKEN:
        told = f"the file is damaged or no {path.suffix} file" if path.suffix in OPENERS else "the file is unreadable"
        raise InputError(told, where=where, fix="deliver it again") from None
    if len(line.removesuffix("\n")) > most:
        raise fault_error(f"long_line|{number}", file, where=where)
    if "\0" in line or (UNREADABLE in line and file.header and file.format == "csv"):
        raise not_text
    return line.lstrip(MARK).removesuffix("\n").removesuffix("\r")


def _refuse_unreadable(path: Path, file: SourceFile, where: str) -> None:
    """InputError when most of the first lines are no text in the declared encoding: then it is another one.

    A file with a broken line here and there is read, and those lines are rejects.
    """
    try:
        with open_text(path, file) as handle:
            lines = handle.read(SAMPLE).split("\n")[1 if file.header and file.format == "csv" else 0 :]
    except (*BROKEN, FileFault):
        return  # told by the reading of the whole file
    broken = sum(UNREADABLE in line for line in lines)
    if 2 * broken > sum(bool(line) for line in lines):
        raise InputError(f"not {file.encoding} text", where=where, fix="correct encoding in source.yaml")


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


def _batch(file: SourceFile, name: str, records: Records, keys: str | None) -> pa.RecordBatch:
    size = len(records.lines)
    names = pa.repeat(pa.scalar(name, pa.string()), size)
    nothing = pa.nulls(size, pa.string())
    told = nothing if keys is None else pa.array([keys, *[None] * (size - 1)], pa.string())
    arrays = [*records.columns, names, records.lines, records.raw, records.problems, nothing, told]
    return pa.RecordBatch.from_arrays(arrays, schema=view_schema(file))


def _fault(file: SourceFile, name: str, line: int, fault: FileFault) -> pa.RecordBatch:
    values: dict[str, list[object]] = {column: [None] for column in view_schema(file).names}
    values |= {"_file": [name], "_line": [line], "_fault": [fault.fault]}
    return pa.RecordBatch.from_pydict(values, schema=view_schema(file))
