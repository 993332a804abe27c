"""Makes Arrow schemas of contracts, and compares data with them for the door."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping

import pyarrow as pa

from tallystick.errors import ContractError
from tallystick.spec.tables import Column, TableContract

ARROW_TYPES: Mapping[str, pa.DataType] = {
    "string": pa.string(),
    "int32": pa.int32(),
    "int64": pa.int64(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", tz="UTC"),
}

SPARK_TYPES: Mapping[str, str] = {
    "string": "string",
    "int32": "int",
    "int64": "bigint",
    "double": "double",
    "boolean": "boolean",
    "date": "date",
    "timestamp": "timestamp",
}

# Delta's own default number of columns with statistics: more would bloat the log of a table of hundreds of features.
STATS_COLUMNS = 32


def arrow_schema(columns: Iterable[Column]) -> pa.Schema:
    """The Arrow schema of the columns in their order; required ones are not nullable."""
    return pa.schema([pa.field(c.name, ARROW_TYPES[c.type], nullable=not c.required) for c in columns])


def file_schema(contract: TableContract) -> pa.Schema:
    """The Arrow schema of the table's Parquet files: every column but the partition columns."""
    return arrow_schema(contract.file_columns)


def layout_fingerprint(contract: TableContract) -> str:
    """Names, types and nullability of the file's columns as a short text, equal when files can stand side by side."""
    text = "\n".join(f"{c.name} {c.type} {c.required}" for c in contract.file_columns)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def stats_columns(contract: TableContract) -> tuple[str, ...]:
    """The file columns that get minimum and maximum in the log: required dates and instants, and the first integers.

    A column that may be null everywhere in a file has no bounds there, and deltalake's dataset turns such a gap into
    ``column >= null``: every filter on it would find nothing. So only required columns are listed, here and in the
    table's properties.
    """
    required = [c for c in contract.file_columns if c.required]
    always = [c.name for c in required if c.type in ("date", "timestamp")]
    early = {c.name for c in contract.file_columns[:STATS_COLUMNS]}
    return tuple(always + [c.name for c in required if c.name in early and c.type in ("int32", "int64")])


def check_names(found: Iterable[str], wanted: Iterable[str], where: str) -> None:
    """ContractError that names the missing and the extra columns, when there are any."""
    found, wanted = list(found), list(wanted)
    there, allowed = Counter(found), set(wanted)
    missing = [name for name in wanted if name not in there]
    extra = [name for name in there if name not in allowed]
    twice = [name for name, count in there.items() if count > 1]
    words = (("missing", missing), ("extra", extra), ("repeated", twice))
    told = [f"{word} columns {names}" for word, names in words if names]
    if told:
        raise ContractError(" and ".join(told), where=where, fix="select exactly the contract's columns")


def conform(data: pa.Table, contract: TableContract, where: str) -> pa.Table:
    """``data`` in the column order and exact types of the contract's files.

    Only the encoding of a text may differ (large, view, dictionary); any other type is a ContractError, because a cast
    here would hide a wrong computation.
    """
    wanted = file_schema(contract)
    nullable = pa.schema([field.with_nullable(True) for field in wanted])
    if data.schema.equals(nullable):
        return pa.table(data.columns, schema=nullable)
    check_names(data.column_names, wanted.names, where)
    columns = data.select(wanted.names).itercolumns()
    arrays = [_conform_array(array, field, where) for array, field in zip(columns, wanted, strict=True)]
    return pa.table(arrays, schema=nullable)


def _conform_array(array: pa.ChunkedArray, field: pa.Field, where: str) -> pa.ChunkedArray:
    if array.type == field.type:
        return array
    kind = array.type.value_type if pa.types.is_dictionary(array.type) else array.type
    is_text = pa.types.is_large_string(kind) or pa.types.is_string_view(kind) or pa.types.is_string(kind)
    if pa.types.is_string(field.type) and is_text:
        return array.cast(field.type)
    raise ContractError(
        f"column {field.name} is {array.type}, not {field.type}", where=where, fix="cast it before writing"
    )
