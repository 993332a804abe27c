"""The same rows written in every format and packing that may be delivered, for tests of their readers."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa

from tallystick.errors import InputError
from tallystick.ingest.delivered_files import fault_error, inspect_file, read_batches
from tallystick.spec.sources import SourceFile

COLUMNS = ("id", "name", "amount")
ROWS = [("1", "Ann", "1.50"), ("2", 'Žď; "x"', None), ("3", None, "-7")]
PLACES = ("1-3", "4-13", "14-20")


def zstd(content: bytes) -> bytes:
    """The content packed by zstd."""
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as packed:
        packed.write(content)
    return bytes(sink.getvalue())


def zipped(*members: tuple[str, bytes]) -> bytes:
    """A zip archive of members."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return sink.getvalue()


def quoted(text: str | None) -> str:
    """A field in quotes; nothing for null."""
    return "" if text is None else '"' + text.replace('"', '""') + '"'


def as_csv(rows: list[Any], separator: str = ",") -> str:
    """The rows with a header, every field quoted."""
    return "\n".join([separator.join(COLUMNS), *(separator.join(map(quoted, row)) for row in rows)]) + "\n"


def as_objects(rows: list[Any]) -> list[dict[str, Any]]:
    """The rows as JSON objects."""
    return [dict(zip(COLUMNS, row, strict=True)) for row in rows]


def as_fixed(rows: list[Any]) -> str:
    """The rows as lines that fit PLACES."""
    return "".join(f"{a or '':<3}{b or '':<10}{c or '':>7}\n" for a, b, c in rows)


# How the same rows are written, and what is declared of them.
WRITERS: dict[str, tuple[dict[str, Any], Callable[[list[Any]], bytes]]] = {
    "csv": ({}, lambda rows: as_csv(rows).encode()),
    "excel": ({"delimiter": ";"}, lambda rows: ("\ufeffsep=;\n" + as_csv(rows, ";")).replace("\n", "\r\n").encode()),
    "unicode text": (
        {"delimiter": "\t", "encoding": "utf-16"},
        lambda rows: as_csv(rows, "\t").replace("\n", "\r\n").encode("utf-16"),
    ),
    "jsonl": ({"format": "jsonl"}, lambda rows: "\n".join(map(json.dumps, as_objects(rows))).encode()),
    "json": ({"format": "json"}, lambda rows: json.dumps(as_objects(rows)).encode()),
    "pretty json": (
        {"format": "json"},
        lambda rows: ("\ufeff \n" + json.dumps(as_objects(rows), indent=2, ensure_ascii=False)).encode(),
    ),
    "fixed": ({"format": "fixed", "places": PLACES}, lambda rows: as_fixed(rows).encode()),
    "fixed in bytes": (
        {"format": "fixed", "places": PLACES, "counted_in": "bytes", "encoding": "cp1250"},
        lambda rows: as_fixed(rows).encode("cp1250"),
    ),
}
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": zstd,
    ".zip": lambda content: zipped(("sub/", b""), ("sub/rows.txt", content), ("__MACOSX/sub/._rows.txt", b"\0")),
}


def spec(**changes: Any) -> SourceFile:
    """What is declared of the file."""
    return SourceFile(**{"view": "rows", "file": "rows*", "columns": COLUMNS, **changes})


def written(folder: Path, content: str | bytes, name: str = "rows.txt") -> Path:
    """The path of a file with this content."""
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def read(path: Path, file: SourceFile) -> list[dict[str, Any]]:
    """The rows of a file."""
    layout, _ = inspect_file(path, file)
    return [row for batch in read_batches(path, path.name, file, layout) for row in batch.to_pylist()]


def values(rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """The values of rows."""
    return [tuple(row[name] for name in COLUMNS) for row in rows]


def ending(path: Path, file: SourceFile) -> str:
    """What ends the reading of a file, at its first look or later."""
    try:
        rows = read(path, file)
    except InputError as error:
        return str(error)
    return str(fault_error(rows[-1]["_fault"], file, where="x"))
