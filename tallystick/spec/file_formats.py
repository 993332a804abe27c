"""The formats a supplier may deliver, and whether what is declared of a file fits its format.

Apart from ``spec.sources`` because each format has words of its own: places in a line, types of columns, an encoding.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping, Sequence

from tallystick.errors import DeclarationError

FORMATS = ("csv", "fixed", "json", "jsonl", "parquet")
# The format of a file that declares none, by the end of its name; ``.json`` says too little, for both kinds use it.
FORMAT_ENDS = {".parquet": "parquet", ".pq": "parquet", ".jsonl": "jsonl", ".ndjson": "jsonl"}
_WORKBOOK_ENDS = (".xlsx", ".xls", ".xlsm", ".ods")
# Ends of packed files.
PACKED_ENDS = (".gz", ".bz2", ".xz", ".zst", ".zip")
EXTRA_COLUMNS = ("note", "refuse", "ignore")
UNITS = ("characters", "bytes")

# Characters of a line, and 2**30 bytes of an unpacked file: beyond them a file is not what it is taken for.
LONGEST_LINE, LARGEST_GB = 1_000_000, 64

# What a column of a Parquet file may be declared as; a decimal also says its digits and places.
FIELD_TYPES = ("string", "int32", "int64", "float", "double", "boolean", "date", "timestamp", "timestamp_ntz")
DECIMAL = re.compile(r"decimal\(\s*([1-9][0-9]?)\s*,\s*([0-9]{1,2})\s*\)")

# Encodings of Python's for its own needs.
_NO_TEXT = ("idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined", "utf-7")

_PLACE = re.compile(r"([1-9][0-9]{0,6})(?:\s*-\s*([1-9][0-9]{0,6}))?")


def format_of(name: str) -> str:
    """The format of a file that is called so and declares none; DeclarationError where the name says too little."""
    for packed in PACKED_ENDS:
        name = name.removesuffix(packed)
    if name.endswith(".json"):
        fix = "format: json for one array, format: jsonl for an object a line"
        raise DeclarationError("a .json file has no format", fix=fix)
    if name.endswith(_WORKBOOK_ENDS):
        raise DeclarationError("a workbook is not read", fix="save its sheet as CSV")
    return next((form for end, form in FORMAT_ENDS.items() if name.endswith(end)), "csv")


def span_of(place: str) -> tuple[int, int]:
    """``3-7`` or ``3`` as the first place, counted from 0, and the one behind the last; DeclarationError for others."""
    match = _PLACE.fullmatch(place)
    if match is None or int(match[2] or match[1]) < int(match[1]):
        fix = "places: [1-10, 11-18, 19], one for each column, counted from 1 on"
        raise DeclarationError(f"{place} is no place in a line", fix=fix)
    return int(match[1]) - 1, int(match[2] or match[1])


def check_places(form: str, places: Sequence[str], columns: Sequence[str], *, counted_in: str, encoding: str) -> None:
    """DeclarationError unless a fixed width file, and no other, says where each of its columns stands."""
    check_choice("counted_in", counted_in, UNITS)
    if form != "fixed":
        if places:
            raise DeclarationError("places are of a fixed width file", fix="declare format: fixed")
        return
    if len(places) != len(columns):
        fix = "places: [1-10, 11-18, 19], one for each column, counted from 1 on"
        raise DeclarationError(f"{len(columns)} columns have {len(places)} places", fix=fix)
    if counted_in == "bytes" and "a".encode(encoding) != b"a":
        raise DeclarationError(f"bytes of {encoding} are not counted", fix="declare counted_in: characters")


def check_line_length(length: int, *, least: int) -> None:
    """DeclarationError for what is no length of a line that all places are in; 0 declares none."""
    if isinstance(length, bool) or not isinstance(length, int) or length < 0:
        raise DeclarationError("line_length is not a whole number")
    if 0 < length < least:
        raise DeclarationError(f"a column stands behind the line's length of {length}")


def check_types(form: str, name: str, columns: Sequence[str], *, types: Mapping[str, str]) -> None:
    """DeclarationError unless a Parquet file, and no other, has a type for each of its columns."""
    if form != "parquet":
        if types:
            fix = "list the names; the mapping casts their texts"
            raise DeclarationError(f"columns of a {form} file are text and have no types", fix=fix)
        return
    if name.endswith(PACKED_ENDS):
        fix = "deliver it as it is: it is packed inside"
        raise DeclarationError("a Parquet file is not read out of an archive", fix=fix)
    for column in columns:
        kind = types.get(column, "")
        decimal = DECIMAL.fullmatch(kind)
        if kind not in FIELD_TYPES and not (decimal and int(decimal[2]) <= int(decimal[1]) <= 38):
            fix = f"write columns: {{{column}: int64}}, one of {', '.join(FIELD_TYPES)}, decimal(18, 2)"
            raise DeclarationError(f"column {column} of a parquet file has no known type", fix=fix)


def check_encoding(name: str) -> None:
    """DeclarationError for what Python does not know, and for what it knows but is no way to write a supplier's text:
    rot13, hex and zlib turn one thing into another, unicode_escape would read a backslash as the start of a code.
    """
    fix = "such as utf-8, cp1250, latin-1"
    try:
        found = codecs.lookup(name)
    except (LookupError, ValueError):
        raise DeclarationError(f"unknown encoding {name}", fix=fix) from None
    # Python marks them itself, if under a private name; the rest it calls text, too.
    if not found._is_text_encoding or found.name in _NO_TEXT:
        raise DeclarationError(f"{name} is no encoding of text", fix=fix)


def check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    """DeclarationError for a value that is none of the choices."""
    if value not in choices:
        raise DeclarationError(f"{name} is not one of {', '.join(choices)}")
