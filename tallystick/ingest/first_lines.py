"""Looks at the first lines of a delivered text, before it is read: the header, and whether it is what is declared.

On the driver, so that a file that cannot be right stops the load at once. ``headers`` judges the names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from tallystick.errors import InputError
from tallystick.ingest.csv_records import split_fields
from tallystick.ingest.faults import FileFault, fault_error
from tallystick.ingest.headers import match_header, refuse_delimiter
from tallystick.ingest.packed_files import BROKEN, is_packed, list_parts
from tallystick.ingest.records import MARK, UNREADABLE, FileLayout
from tallystick.ingest.text_blocks import open_text
from tallystick.spec.sources import SourceFile

# Looked at to tell a file in another encoding from one with a broken line.
SAMPLE = 1 << 16

# The first line by which a program of tables says what separates the fields of the others.
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?', re.IGNORECASE)
# How an array of records begins that is written over several lines or in one.
_ARRAY_START = re.compile(r"\s*\[\s*(\{|$)")


def inspect_text(path: Path, file: SourceFile, *, where: str) -> tuple[FileLayout, list[str]]:
    """The layout of a file of text, and the columns in its header that nobody asked for.

    InputError, naming the file as ``where`` does, when it is unreadable or not what is declared. All members of an
    archive must have one and the same header.
    """
    with _told(path, file, where):
        parts = list_parts(path, file)
    if file.format == "json":
        _refuse_no_array(path, file, parts[0], where=where)
        return FileLayout.of(file, file.columns), []
    lines, skipped = _first_lines(path, file, parts[0], where=where)
    line = lines[-1]
    if file.has_header and not line.strip():
        raise InputError("the file has no header line", where=where, fix="deliver it again")
    _refuse_unreadable(path, file, parts[0], where=where)
    if file.has_header:
        for part in parts[1:]:
            if _first_lines(path, file, part, where=where) != (lines, skipped):
                fix = "declare as member which of them are read, or deliver them alike"
                raise InputError("the files in the archive have not one header", where=where, fix=fix)
    layout = FileLayout.of(file, file.columns, skipped=skipped)
    if file.format != "csv":
        if file.format == "jsonl" and _ARRAY_START.match(line):
            raise InputError("the file is one JSON array", where=where, fix="declare format: json")
        return layout, []
    return _inspect_fields(file, layout, line, where=where) if line.strip() else (layout, [])


def _inspect_fields(file: SourceFile, layout: FileLayout, line: str, *, where: str) -> tuple[FileLayout, list[str]]:
    given = split_fields(line, layout) if file.quote else line.split(file.delimiter)
    if file.has_header:
        names = tuple(name.strip() for name in given or [])
        return replace(layout, names=names), match_header(file, names, line, where=where)
    if given is not None and len(given) != len(file.columns):
        refuse_delimiter(file, line, where=where)
        what = f"the first line has {len(given)} fields, {len(file.columns)} columns are declared"
        raise InputError(what, where=where, fix="correct columns in source.yaml")
    return layout, []


@contextmanager
def _told(path: Path, file: SourceFile, where: str) -> Iterator[None]:
    """What can be wrong with a file that is opened, as an InputError."""
    try:
        yield
    except UnicodeError:
        raise InputError(f"not {file.encoding} text", where=where, fix="correct encoding in source.yaml") from None
    except FileFault as error:
        raise fault_error(error.fault, file, where=where) from None
    except EOFError:
        raise fault_error("truncated", file, where=where) from None
    except BROKEN:
        told = f"the file is damaged or no {path.suffix} file" if is_packed(path) else "the file is unreadable"
        raise InputError(told, where=where, fix="deliver it again") from None


def _first_lines(path: Path, file: SourceFile, part: str, *, where: str) -> tuple[list[str], int]:
    """The lines up to the header, or up to the first that is not empty of a file without one; how many of them are read
    over before the first record.
    """
    with _told(path, file, where), open_text(path, file, part=part) as handle:
        line, number = _read_line(handle.readline(file.longest_line + 1), 1, file, where=where)
        separator = _SEPARATOR_LINE.fullmatch(line) if file.format == "csv" else None
        if separator is None:
            while not file.has_header and line == "" and (more := handle.readline(file.longest_line + 1)):
                line, number = _read_line(more, number + 1, file, where=where)
            return [line], int(file.has_header)
        if separator[1] != file.delimiter:
            refuse_delimiter(file, separator[1], where=where)
        header, _ = _read_line(handle.readline(file.longest_line + 1), 2, file, where=where)
    return [line, header], 1 + int(file.has_header)


def _read_line(line: str, number: int, file: SourceFile, *, where: str) -> tuple[str, int]:
    """The line without its mark and end, and its number."""
    if len(line.removesuffix("\n")) > file.longest_line:
        raise fault_error(f"long_line|{number}", file, where=where)
    if "\0" in line or (UNREADABLE in line and file.has_header):
        raise InputError(f"not {file.encoding} text", where=where, fix="correct encoding in source.yaml")
    line = line.lstrip(MARK).removesuffix("\n").removesuffix("\r")
    return line if line.strip() or file.format == "fixed" else "", number


def _refuse_no_array(path: Path, file: SourceFile, part: str, *, where: str) -> None:
    """InputError for a text that does not begin as an array does, or is no text in the declared encoding."""
    with _told(path, file, where), open_text(path, file, part=part) as handle:
        start = handle.read(SAMPLE).lstrip(MARK).lstrip()
    if not start.startswith("["):
        raise fault_error("no_array|1", file, where=where)
    _refuse_other_encoding(start.split("}"), file, where=where)


def _refuse_unreadable(path: Path, file: SourceFile, part: str, *, where: str) -> None:
    try:
        with open_text(path, file, part=part) as handle:
            lines = handle.read(SAMPLE).split("\n")[1 if file.has_header else 0 :]
    except (*BROKEN, FileFault):
        return  # told by the reading of the whole file
    _refuse_other_encoding(lines, file, where=where)


def _refuse_other_encoding(records: list[str], file: SourceFile, *, where: str) -> None:
    """InputError when most of the first records are no text in the declared encoding: then it is another one.

    A file with a broken record here and there is read, and those are rejects.
    """
    broken = sum(UNREADABLE in record for record in records)
    if 2 * broken > sum(bool(record) for record in records):
        raise InputError(f"not {file.encoding} text", where=where, fix="correct encoding in source.yaml")
