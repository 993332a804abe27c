"""Reads Parquet files columns keep their types, a record's line is its row, its raw text that row as JSON.

Apart from the readers of text because nothing is split or decoded here: types are held against the declared ones, and
values that a column cannot have are found.
"""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tallystick.errors import InputError
from tallystick.ingest.faults import FileFault
from tallystick.ingest.headers import match_columns
from tallystick.ingest.records import NOT_TEXT, FileLayout, LineTooLong, Records, without_nulls
from tallystick.spec.file_formats import DECIMAL
from tallystick.spec.sources import SourceFile

# Rows read at first, before it is known how large they are.
_FIRST_ROWS, _MOST_ROWS = 1000, 100_000

# How Hive writes a null as a folder's name.
_NO_VALUE = "__HIVE_DEFAULT_PARTITION__"

_ARROW: dict[str, pa.DataType] = {
    "string": pa.string(), "int32": pa.int32(), "int64": pa.int64(), "float": pa.float32(), "double": pa.float64(),
    "boolean": pa.bool_(), "date": pa.date32(), "timestamp": pa.timestamp("us", "UTC"),
    "timestamp_ntz": pa.timestamp("us"),
}  # fmt: skip
_WHOLE = (pa.int8(), pa.int16(), pa.int32(), pa.uint8(), pa.uint16())

# What Arrow raises for a file that it cannot read.
_BROKEN = (pa.ArrowException, OSError, UnicodeDecodeError)


def arrow_type(kind: str) -> pa.DataType:
    """The type of a column that is declared as ``kind``."""
    decimal = DECIMAL.fullmatch(kind)
    return pa.decimal128(int(decimal[1]), int(decimal[2])) if decimal else _ARROW[kind]


def inspect_parquet(path: Path, file: SourceFile, *, where: str) -> tuple[FileLayout, list[str]]:
    """The layout of a Parquet file by its schema, and the columns that nobody asked for.

    Columns may stand in the path instead, as Hive writes them: ``day=2024-01-31``. InputError, with ``where`` and the
    column, for one that is missing or of another type than declared.
    """
    given = {}
    try:
        with pq.ParquetFile(path) as parquet:
            given = {field.name: field.type for field in parquet.schema_arrow}
            counted = {
                column.path: column.physical_type for column in map(parquet.schema.column, range(len(parquet.schema)))
            }
    except _BROKEN:
        raise InputError("the file is damaged or no Parquet file", where=where, fix="deliver it again") from None
    partitions = _partitions(path, file)
    extra = match_columns(file, [*given, *(name for name, _ in partitions if name not in given)], where=where)
    for name in file.columns:
        is_instant = counted.get(name) == "INT96"
        if name in given and not _fits(given[name], file.types[name], is_instant=is_instant):
            told = (
                f"column {name} is {_name_of(given[name], is_instant=is_instant)}, not {file.types[name]} as declared"
            )
            raise InputError(told, where=f"{where}, column {name}", fix="correct its type in source.yaml")
    layout = replace(FileLayout.of(file, tuple(given)), partitions=tuple(partitions))
    for name, value in partitions:
        if name in file.columns:
            _refuse_folder(name, value, file.types[name], where=where)
    return layout, extra


def _refuse_folder(name: str, value: str | None, kind: str, *, where: str) -> None:
    try:
        _typed([value], kind)
    except pa.ArrowInvalid:
        told = f"the folder of column {name} is called by no {kind}"
        raise InputError(told, where=f"{where}, column {name}", fix="correct its type in source.yaml") from None


def read_parquet(path: Path, file: SourceFile, layout: FileLayout, *, size: int) -> Iterator[Records]:
    """The rows of a file, about ``size`` bytes at a time. FileFault for a damaged file and one that is too large,
    LineTooLong for a text that is longer than a line may be.
    """
    own = [name for name in file.columns if name in layout.names]
    row, left = 1, int(file.largest_gb * (1 << 30))
    with _damage_told(), pq.ParquetFile(path, coerce_int96_timestamp_unit="us") as parquet:
        for group in range(parquet.num_row_groups):
            rows = _rows_at_once(parquet, group, own, size)
            for batch in parquet.iter_batches(batch_size=rows, row_groups=[group], columns=own, use_threads=False):
                left -= batch.nbytes
                if left < 0:
                    raise FileFault("too_large")
                yield _records(batch, file, layout, first=row)
                row += batch.num_rows


def read_row_texts(raw: Sequence[str], file: SourceFile, layout: FileLayout) -> list[pa.Array]:
    """The columns of rows that are given as ``read_parquet`` told their raw text."""
    found = [json.loads(text, parse_float=str, parse_int=str) for text in raw]
    columns = [_typed([_plain(row.get(name)) for row in found], file.types[name]) for name in file.columns]
    return _meaning(columns, layout)


@contextmanager
def _damage_told() -> Iterator[None]:
    try:
        yield
    except _BROKEN:
        raise FileFault("damaged") from None


def _rows_at_once(parquet: pq.ParquetFile, group: int, columns: list[str], size: int) -> int:
    """How many rows of a group have about ``size`` bytes: by what its first ones have, for values may repeat."""
    first = next(parquet.iter_batches(batch_size=_FIRST_ROWS, row_groups=[group], columns=columns), None)
    if first is None or not first.num_rows:
        return _FIRST_ROWS
    told = parquet.metadata.row_group(group)
    of_row = max(first.nbytes / first.num_rows, told.total_byte_size / max(told.num_rows, 1), 1)
    return max(1, min(_MOST_ROWS, int(size / of_row)))


def _records(batch: pa.RecordBatch, file: SourceFile, layout: FileLayout, *, first: int) -> Records:
    size = batch.num_rows
    is_bad = np.zeros(size, bool)
    columns = []
    given = dict(layout.partitions)
    for name in file.columns:
        kind = file.types[name]
        if name not in layout.names:
            columns.append(pa.repeat(_typed([given[name]], kind)[0], size))
        elif pa.types.is_null(batch.schema.field(name).type):
            columns.append(pa.nulls(size, arrow_type(kind)))
        elif kind == "string":
            columns.append(_texts(batch.column(name), is_bad))
        else:
            columns.append(_converted(batch.column(name), kind))
    for name, column in zip(file.columns, columns, strict=True):
        if file.types[name] == "string" and (pc.max(pc.utf8_length(column)).as_py() or 0) > file.longest_line:
            raise LineTooLong(first + pc.index(pc.greater(pc.utf8_length(column), file.longest_line), True).as_py())
    raw = _row_texts(file.columns, columns)
    if is_bad.any():
        columns = [pc.if_else(pa.array(is_bad), pa.scalar(None, column.type), column) for column in columns]
    problems = pc.if_else(pa.array(is_bad), NOT_TEXT, pa.scalar(None, pa.string()))
    columns = _meaning(columns, layout)
    return Records(columns, pa.array(np.arange(first, first + size), pa.int64()), raw, problems)


def _meaning(columns: Sequence[pa.Array], layout: FileLayout) -> list[pa.Array]:
    """The columns with null in place of texts that mean nothing."""
    return [without_nulls(column, layout) if column.type == pa.string() else column for column in columns]


def _texts(values: pa.Array, is_bad: np.ndarray) -> pa.Array:
    """A column of texts; rows whose bytes are no text are noted in ``is_bad`` and told with marks in place of them."""
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    texts = values.cast(pa.binary()).view(pa.string())
    try:
        texts.validate(full=True)
    except pa.ArrowInvalid:
        read = [
            None if value is None else value.decode("utf-8", "replace") for value in texts.cast(pa.binary()).to_pylist()
        ]
        is_bad |= [value is not None and not _is_text(value) for value in values.cast(pa.binary()).to_pylist()]
        return pa.array(read, pa.string())
    return texts


def _is_text(value: bytes) -> bool:
    try:
        value.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _converted(values: pa.Array, kind: str) -> pa.Array:
    """A column in its declared type. Parts of a microsecond are dropped, as they are of texts."""
    if kind == "timestamp" and values.type.tz is None:
        values = values.cast(pa.timestamp(values.type.unit, "UTC"))
    options = pc.CastOptions(arrow_type(kind), allow_time_truncate=True)
    converted = pc.cast(values, options=options)
    converted.validate(full=True)  # a damaged decimal may have more digits than its type
    return converted


def _row_texts(names: Sequence[str], columns: Sequence[pa.Array]) -> pa.Array:
    """Each row as a JSON object: numbers as such, all else as text."""
    parts: list[object] = []
    for name, column in zip(names, columns, strict=True):
        parts += [
            "{" if not parts else ", ",
            f"{json.dumps(name, ensure_ascii=False)}: ",
            pc.coalesce(_json(column), "null"),
        ]
    return pc.binary_join_element_wise(*parts, "}", "")


def _json(column: pa.Array) -> pa.Array:
    if pa.types.is_string(column.type):
        quoted = pc.binary_join_element_wise('"', column, '"', "")
        is_special = pc.fill_null(pc.match_substring_regex(column, '["\\\\\\x00-\\x1f]'), False)
        if not pc.any(is_special).as_py():
            return quoted
        special = [json.dumps(text, ensure_ascii=False) for text in column.filter(is_special).to_pylist()]
        return pc.replace_with_mask(quoted, is_special, pa.array(special, pa.string()))
    if pa.types.is_timestamp(column.type):
        end = "Z" if column.type.tz else ""
        return pc.binary_join_element_wise('"', column.cast(pa.timestamp("us")).cast(pa.string()), f'{end}"', "")
    text = column.cast(pa.string())
    if pa.types.is_floating(column.type):
        return pc.if_else(pc.is_finite(column), text, pc.binary_join_element_wise('"', text, '"', ""))
    is_number = pa.types.is_integer(column.type) or pa.types.is_decimal(column.type) or pa.types.is_boolean(column.type)
    return text if is_number else pc.binary_join_element_wise('"', text, '"', "")


def _plain(value: Any) -> str | None:
    return json.dumps(value) if isinstance(value, bool) else value


def _typed(texts: Sequence[str | None], kind: str) -> pa.Array:
    """Texts in a declared type; ArrowInvalid when one is not of it."""
    values = pa.array(texts, pa.string())
    if kind == "timestamp":
        values = pc.replace_substring_regex(values, "Z$", "").cast(pa.timestamp("us"))
    return values.cast(arrow_type(kind))


def _partitions(path: Path, file: SourceFile) -> list[tuple[str, str | None]]:
    """What the folders between the one that is delivered and the file say of the columns, from the outermost on."""
    parts = path.parts
    start = max((at for at, part in enumerate(parts) if fnmatch.fnmatchcase(part, file.file)), default=len(parts))
    found = [part.partition("=") for part in parts[start + 1 : -1] if "=" in part]
    return [(unquote(name), None if value == _NO_VALUE else unquote(value)) for name, _, value in found]


def _fits(given: pa.DataType, kind: str, *, is_instant: bool) -> bool:
    """Whether a column of that type holds no value that the declared one has not."""
    if pa.types.is_dictionary(given):
        given = given.value_type
    if pa.types.is_timestamp(given):
        # Spark used to write instants as INT96, which says nothing of a zone.
        return kind == ("timestamp" if given.tz is not None or is_instant else "timestamp_ntz")
    if pa.types.is_null(given):
        return True  # a column without any value, of which its writer knew no type
    decimal = DECIMAL.fullmatch(kind)
    if decimal:
        digits, places = int(decimal[1]), int(decimal[2])
        is_decimal = pa.types.is_decimal(given) and given.precision <= 38
        return is_decimal and given.scale <= places and given.precision - given.scale <= digits - places
    return _KINDS[kind](given)


_TEXT_CHECKS = (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary, pa.types.is_large_binary)

_KINDS: dict[str, Callable[[pa.DataType], bool]] = {
    "string": lambda given: any(check(given) for check in _TEXT_CHECKS),
    "int32": lambda given: given in _WHOLE,
    "int64": lambda given: given in (*_WHOLE, pa.int64(), pa.uint32()),
    "float": lambda given: given == pa.float32(),
    "double": lambda given: given in (pa.float32(), pa.float64()),
    "boolean": lambda given: bool(pa.types.is_boolean(given)),
    "date": lambda given: bool(pa.types.is_date(given)),
    "timestamp": lambda given: False,
    "timestamp_ntz": lambda given: False,
}


def _name_of(given: pa.DataType, *, is_instant: bool) -> str:
    """What to call a delivered type: as it would be declared, if it could be."""
    if pa.types.is_decimal(given):
        return f"decimal({given.precision}, {given.scale})"
    if pa.types.is_timestamp(given):
        return "timestamp" if given.tz or is_instant else "timestamp_ntz"
    return next((kind for kind in _KINDS if _KINDS[kind](given)), str(given))
