"""Reads JSON records: one object a line, or the elements of one array, each with its number and its raw text.

Apart from ``csv_records`` because a JSON record is read by a parser of its own, and has keys where a line has places.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tallystick.ingest.records import (
    KEY_TWICE,
    NOT_JSON,
    NOT_TEXT,
    UNREADABLE,
    FileLayout,
    LineTooLong,
    RecordList,
    Records,
)

_HALF_A_PAIR = re.compile("[\ud800-\udfff]")


def read_json_lines(block: bytes, layout: FileLayout, *, first_line: int) -> Records:
    """One JSON object a line; a value that is no text becomes its JSON text, null and absent keys become null.

    ``block`` is UTF-8 that ends at the end of a line, whose first line is number ``first_line`` of its file. Empty
    lines are no records. LineTooLong for a line that is longer than declared.
    """
    lines = block.decode("utf-8", "surrogatepass").split("\n")
    if not lines[-1]:
        lines.pop()
    rows = RecordList(len(layout.wanted))
    for number, line in enumerate(lines, start=first_line):
        if len(line) > layout.longest_line:
            raise LineTooLong(number)
        if line.strip():
            add_text(rows, line.removesuffix("\r"), layout, number=number)
    return rows.records(layout)


def read_json_alone(texts: Sequence[str], layout: FileLayout) -> Records:
    """One record for each text, whatever it looks like; its number is its place, from 1 on."""
    rows = RecordList(len(layout.wanted))
    for number, text in enumerate(texts, start=1):
        add_text(rows, text, layout, number=number)
    return rows.records(layout)


def add_text(rows: RecordList, text: str, layout: FileLayout, *, number: int) -> None:
    """Add the record that ``text`` is, or a reject when it is none."""
    record, problem = None, NOT_JSON
    try:
        record = DECODER.decode(text)
    except KeyTwiceError:
        problem = KEY_TWICE
    except (ValueError, RecursionError):  # the latter of brackets in brackets, thousands deep
        pass
    if isinstance(record, dict):
        add_object(rows, record, layout, text=text, number=number)
        return
    nothing = [None] * len(layout.wanted)
    rows.add(nothing, line=number, raw=text, problem=NOT_TEXT if UNREADABLE in text else problem)


def add_object(rows: RecordList, record: dict[str, Any], layout: FileLayout, *, text: str, number: int) -> None:
    """Add a record that was parsed from ``text``."""
    values = [_json_text(record.get(name)) for name in layout.wanted]
    # Half of a surrogate pair: JSON can write one, no text can hold it.
    if UNREADABLE in text or ("\\u" in text and _has_half(values, record)):
        rows.add([None] * len(values), line=number, raw=text, problem=NOT_TEXT)
        return
    rows.keys = rows.keys or set()
    rows.keys.update(record)
    rows.add(values, line=number, raw=text)


class _NotJsonError(ValueError):
    """Something that JSON has not."""


class KeyTwiceError(ValueError):
    """An object has a key twice: which value counts is not said, and readers differ."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise KeyTwiceError
    return made


def _refuse_constant(name: str) -> None:
    """NaN and Infinity: Python reads them, JSON has none."""
    raise _NotJsonError(name)


DECODER = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=_refuse_constant, object_pairs_hook=_object)


def _has_half(values: Iterable[str | None], record: Mapping[str, Any]) -> bool:
    return any(_HALF_A_PAIR.search(text) for text in (*values, *record) if text)


def _json_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)
