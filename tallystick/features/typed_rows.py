"""The one door for rows that a person hands in: dictionaries or an Arrow table, held to the contract's types.

Apart from ``features.vector`` because it knows no feature. A value is taken as exactly what it says or refused,
whatever form it comes in, and a message names the column and never a value.
"""

from __future__ import annotations

import datetime as dt
import difflib
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from tallystick.errors import ContractError
from tallystick.spec.tables import TableContract

_ARROW = {
    "string": pa.string(), "int32": pa.int32(), "int64": pa.int64(), "double": pa.float64(), "boolean": pa.bool_(),
    "date": pa.date32(), "timestamp": pa.timestamp("us", "UTC"),
}  # fmt: skip

Rows: TypeAlias = pa.Table | Sequence[Mapping[str, Any]]

_SEE = "see docs/data-model.md"


class _RefusedError(ValueError):
    """A value of a column is not what the contract says; never told as it is, so that no value is."""


def typed_rows(rows: Rows, contract: TableContract, *, filled: Sequence[str]) -> pa.Table:
    """The rows with the contract's types; columns that dictionaries leave out are null.

    ContractError for a column that the contract does not have, for a value that is not of its column's type without
    becoming another (1.5 or text as a whole number, a number or a bare day as an instant, an instant without an offset,
    a day with a time, an infinity), and for a null in a column of ``filled``.
    """
    where = f"rows of {contract.name}"
    table = rows if isinstance(rows, pa.Table) else None
    names = table.column_names if table is not None else _keys(rows, where)
    _refuse_unknown(names, contract, where)
    made = {}
    for column in contract.columns:
        wanted = _ARROW[column.type]
        if table is None:
            given = _gathered(rows, column.name, wanted, where)
        elif column.name in names:
            given = table.column(column.name)
        else:
            continue
        made[column.name] = _as_contract(given, wanted, column.name, where)
        nulls = made[column.name].null_count if column.name in filled else 0
        if nulls:
            what = f"column {column.name} is null in {nulls} of {len(made[column.name])} rows"
            raise ContractError(what, where=where, fix="every row needs one")
    return pa.table(made)


def _keys(rows: Any, where: str) -> list[str]:
    if isinstance(rows, (str, bytes, Mapping)) or not isinstance(rows, Sequence):
        raise ContractError(f"rows are a {type(rows).__name__}", where=where, fix="pa.Table, or a list of dictionaries")
    if not all(isinstance(row, Mapping) for row in rows):
        raise ContractError("a row is no dictionary", where=where, fix="pa.Table, or a list of dictionaries")
    return list(dict.fromkeys(str(name) for row in rows for name in row))


def _refuse_unknown(names: Sequence[str], contract: TableContract, where: str) -> None:
    known = [column.name for column in contract.columns]
    twice = next((name for name in names if names.count(name) > 1), "")
    unknown = next((name for name in names if name not in known), "")
    if twice:
        raise ContractError(f"column {twice} stands twice", where=where)
    if unknown:
        near = difflib.get_close_matches(unknown, known, n=1)
        fix = f"did you mean {near[0]}?" if near else f"leave it out; known: {', '.join(known)}"
        raise ContractError(f"{contract.name} has no column {unknown}", where=where, fix=fix)


def _gathered(rows: Sequence[Mapping[str, Any]], name: str, wanted: pa.DataType, where: str) -> pa.ChunkedArray:
    """The values of one key as Arrow takes them by themselves; what pandas writes for null is null."""
    values = [_without_null(row.get(name)) for row in rows]
    if all(value is None for value in values):
        return pa.chunked_array([pa.nulls(len(values), wanted)])
    kinds = {_python_kind(value) for value in values if value is not None}
    try:
        if len(kinds) > 1:
            raise _RefusedError
        return pa.chunked_array([pa.array(values)])
    except (_RefusedError, pa.ArrowException, OverflowError, TypeError, ValueError):
        _refuse(
            name, " or ".join(sorted({type(value).__name__ for value in values if value is not None})), wanted, where
        )


def _without_null(value: Any) -> Any:
    """None for the nulls of pandas and NumPy, which are no equals of themselves."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return None
    if isinstance(value, dt.datetime) and getattr(value, "nanosecond", None):
        return _Finer()  # Arrow would cut it
    is_scalar = isinstance(value, (float, int, str)) or hasattr(value, "dtype")
    return None if is_scalar and bool(value != value) else value


class _Finer:
    """Stands for an instant finer than a microsecond: of a kind that no column takes."""


def _python_kind(value: Any) -> str:
    if isinstance(value, dt.datetime):
        return "clock" if value.tzinfo is None else "instant"
    return "day" if isinstance(value, dt.date) else "other"


def _as_contract(given: pa.ChunkedArray, wanted: pa.DataType, name: str, where: str) -> pa.ChunkedArray:
    """The column as that type, where not one value changes by it: pandas keeps whole numbers with nulls as floats."""
    try:
        return _cast(given, wanted)
    except (_RefusedError, pa.ArrowException, OverflowError):
        _refuse(name, str(given.type), wanted, where)


def _cast(given: pa.ChunkedArray, wanted: pa.DataType) -> pa.ChunkedArray:
    coded = pa.types.is_dictionary(given.type)
    kind = _kind(given.type.value_type if coded else given.type)
    if kind == "null":
        return given.cast(wanted)
    if kind == "text" and wanted == pa.string():
        return given  # in whatever form, codes among them
    if coded:
        given = given.cast(given.type.value_type)
    if (kind, _kind(wanted)) not in _SAME:
        raise _RefusedError
    if kind == "clock" or (kind == "instant" and pa.types.is_date(wanted)):
        days = given.cast(wanted)
        if days.cast(given.type) != given:
            raise _RefusedError
        return days
    typed = given.cast(wanted)
    if pa.types.is_floating(wanted) and pc.any(pc.is_inf(typed)).as_py():
        raise _RefusedError
    return typed


# What a column may hold, and as what the contract may take it. A text for a day or an instant must say all of it.
_SAME = {
    ("number", "number"), ("truth", "truth"), ("text", "text"), ("text", "day"), ("text", "instant"), ("day", "day"),
    ("instant", "instant"), ("instant", "day"), ("clock", "day"),
}  # fmt: skip


def _kind(of: pa.DataType) -> str:
    """What a value of the type says: a number, a day, an instant, the time on a clock nobody names, and so on."""
    if pa.types.is_integer(of) or pa.types.is_floating(of) or pa.types.is_decimal(of):
        return "number"
    if pa.types.is_timestamp(of):
        return "instant" if of.tz else "clock"
    if pa.types.is_string(of) or pa.types.is_large_string(of) or pa.types.is_string_view(of):
        return "text"
    named = {pa.bool_(): "truth", pa.null(): "null", pa.date32(): "day", pa.date64(): "day"}
    return named.get(of, str(of))


def _refuse(name: str, given: str, wanted: pa.DataType, where: str) -> NoReturn:
    what = f"column {name} is {given}, the contract says {wanted}, and not every value fits"
    raise ContractError(f"a value has not the type of its column: {what}", where=where, fix=_SEE) from None
