"""CAST and TRY_CAST, type by type: how DuckDB writes each, so that it reads, rounds and overflows as Spark does.

Apart from the functions because implicit casts need them too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tallystick.dialect import readers
from tallystick.dialect.types import (
    INTEGERS,
    MOST_DIGITS,
    TIMES,
    NotTranslated,
    Value,
    common_type,
    decimal_size,
    decimal_type,
    exact_size,
    held_as,
    text_literal,
)

# Whole numbers of so many digits fit the type for certain.
_SURE_DIGITS = {"int": 9, "bigint": 18}
_QUICK_DIGITS = 18
_FIRST_DAY, _LAST_DAY = "DATE '0001-01-01'", "DATE '9999-12-31'"
_FOLDED: dict[str, Callable[[str], str | None]] = {
    "date": readers.date_literal,
    "timestamp": readers.timestamp_literal,
    "timestamp_ntz": readers.clock_literal,
    "double": readers.double_literal,
}


def cast(value: Value, kind: str, *, is_try: bool = False) -> Value:
    """``value`` as a type. What cannot be read or does not fit is null with TRY_CAST, else stops the query."""
    held = held_as(kind)
    if value.is_void or value.type == kind:
        return Value(f"CAST(NULL AS {held})", kind) if value.is_void else value
    if value.type == "string":
        return _read(value, kind, is_try=is_try)
    word = "TRY_CAST" if is_try else "CAST"
    numbers = (*INTEGERS, "double", "boolean")
    is_from_exact, is_to_exact = exact_size(value.type) is not None, exact_size(kind) is not None
    if kind == "string":
        return Value(_as_text(value), kind)
    if decimal_size(value.type) and kind in INTEGERS:
        return Value(f"{word}({_cut(value)} AS {held})", kind)
    if decimal_size(value.type) and kind == "double":
        return Value(_decimal_as_double(value), kind)
    if decimal_size(value.type) and kind == "boolean":
        return Value(f"({value.sql} <> 0)", kind)
    if is_from_exact and is_to_exact:
        return Value(f"{word}({value.sql} AS {held})", kind)
    if value.type in INTEGERS and kind in numbers:
        return Value(f"CAST({value.sql} AS {held})", kind)
    if value.type == "boolean" and (kind in numbers or is_to_exact):
        return Value(f"CAST(CAST({value.sql} AS INTEGER) AS {held})", kind)
    if value.type == "double" and kind in INTEGERS:
        return Value(f"{word}({_double_cut(value, kind)} AS {held})", kind)
    if value.type in TIMES and kind in (*TIMES, "bigint"):
        return Value(_time_as(value, kind), kind)
    raise NotTranslated(f"CAST of {value.type} to {kind}")


def _read(value: Value, kind: str, *, is_try: bool) -> Value:
    """A text as a type."""
    if isinstance(value.literal, str) and kind in _FOLDED:
        folded = _FOLDED[kind](value.literal)
        if folded is None and not is_try:
            raise NotTranslated(f"a literal that is no {kind}")
        return Value(folded if folded is not None else f"CAST(NULL AS {held_as(kind)})", kind)
    sql, held = value.sql, held_as(kind)
    size = decimal_size(kind)
    if kind in _SURE_DIGITS:
        is_plain = f"regexp_full_match({sql}, '[0-9]{{1,{_SURE_DIGITS[kind]}}}')"
        read = f"CASE WHEN {is_plain} THEN TRY_CAST({sql} AS {held}) ELSE spark_{kind}({sql}) END"
    elif size:
        digits, places = size
        whole = f"[0-9]{{1,{digits - places}}}" if digits > places else "0"
        is_plain = f"regexp_full_match({sql}, '-?{whole}([.][0-9]{{0,{places}}})?')"
        exact = f"CAST(spark_decimal({sql}, {digits}, {places}) AS {held})"
        read = f"CASE WHEN {is_plain} THEN TRY_CAST({sql} AS {held}) ELSE {exact} END"
    elif kind == "double":
        is_plain = f"regexp_full_match({sql}, '-?[0-9]{{1,30}}([.][0-9]{{1,30}})?')"
        read = f"CASE WHEN {is_plain} THEN TRY_CAST({sql} AS DOUBLE) ELSE spark_double({sql}) END"
    elif kind in ("boolean", "date", "timestamp", "timestamp_ntz"):
        read = f"spark_{kind}({sql})"
    else:
        raise NotTranslated(f"CAST of string to {kind}")
    return Value(read if is_try else must(read, f"{sql} IS NOT NULL", f"a text that is no {kind}"), kind)


def must(read: str, condition: str, what: str) -> str:
    """``read``, but the query stops on a row where that is null while the condition holds."""
    return f"COALESCE({read}, CASE WHEN {condition} THEN error({text_literal(what)}) END)"


def _cut(value: Value) -> str:
    """A decimal without its fraction. DuckDB's cast to a whole number rounds, so nearly a half is taken off first."""
    digits, places = decimal_size(value.type) or (0, 0)
    if not places:
        return value.sql
    if digits + 2 > 38:
        return f"trunc({value.sql})"
    half = f"CAST(0.{'4' if places > 0 else ''}{'9' * (places - 1)}5 AS DECIMAL({places + 1},{places + 1}))"
    wide = f"CAST({value.sql} AS DECIMAL({digits + 2},{places + 1}))"
    return f"CASE WHEN {value.sql} < 0 THEN {wide} + {half} ELSE {wide} - {half} END"


def whole_of(value: Value, kind: str) -> Value | None:
    """``CASE WHEN TRY_CAST(value AS kind) = value THEN TRY_CAST(value AS kind) END`` of a decimal; None without a rule.

    Cut and rounded agree on what is whole, and nearly all decimals fit into 64 bits, which DuckDB divides much quicker.
    """
    size, held = decimal_size(value.type), held_as(kind)
    if size is None or kind not in INTEGERS or size[1] + 20 > MOST_DIGITS:
        return None
    digits, places = size
    rounded = f"TRY_CAST({value.sql} AS {held})"
    if digits > _QUICK_DIGITS >= places + 1:
        rounded = f"COALESCE(TRY_CAST(TRY_CAST({value.sql} AS DECIMAL({_QUICK_DIGITS},{places})) AS {held}), {rounded})"
    wide = decimal_type(max(20, digits - places) + places, places).upper()
    return Value(f"CASE WHEN CAST({rounded} AS {wide}) = CAST({value.sql} AS {wide}) THEN {rounded} END", kind)


def _decimal_as_double(value: Value) -> str:
    digits, _ = decimal_size(value.type) or (0, 0)
    # Digits of a double and powers of ten below 10**22 are exact, and then their quotient is the nearest double.
    if digits <= 15:
        return f"CAST({value.sql} AS DOUBLE)"
    return f"CAST(CAST({value.sql} AS VARCHAR) AS DOUBLE)"


def _double_cut(value: Value, kind: str) -> str:
    cut = f"trunc({value.sql})"
    if kind == "int":
        return cut
    # Java takes 2**63, which no whole number of 64 bits is, for the greatest that is one.
    edge = "CAST(9223372036854775808 AS DOUBLE)"
    return f"CASE WHEN {value.sql} = {edge} THEN 9223372036854775807 ELSE TRY_CAST({cut} AS BIGINT) END"


def _as_text(value: Value) -> str:
    if value.type in (*INTEGERS, "boolean") or decimal_size(value.type):
        return f"CAST({value.sql} AS VARCHAR)"
    if value.type in TIMES:
        clock = as_clock(value) if value.type != "date" else value.sql
        first, last = (
            (_FIRST_DAY, _LAST_DAY)
            if value.type == "date"
            else ("TIMESTAMP '0001-01-01'", "TIMESTAMP '9999-12-31 23:59:59.999999'")
        )
        name = "spark_date_text" if value.type == "date" else "spark_time_text"
        return f"CASE WHEN {clock} BETWEEN {first} AND {last} THEN CAST({clock} AS VARCHAR) ELSE {name}({clock}) END"
    raise NotTranslated(f"CAST of {value.type} to string")


def as_clock(value: Value) -> str:
    """A day or time as DuckDB's TIMESTAMP, which knows no zone: the wall clock, of an instant that of UTC."""
    if value.type == "timestamp":
        return f"make_timestamp(epoch_us({value.sql}))"
    return f"CAST({value.sql} AS TIMESTAMP)" if value.type == "date" else value.sql


def as_instant(clock: str) -> str:
    """The instant at which UTC's clock shows a TIMESTAMP of DuckDB."""
    return f"make_timestamptz(epoch_us({clock}))"


def _time_as(value: Value, kind: str) -> str:
    if kind == "date":
        return f"CAST({as_clock(value)} AS DATE)"
    if kind == "timestamp":
        return as_instant(as_clock(value))
    if kind == "timestamp_ntz":
        return as_clock(value)
    if value.type == "timestamp":
        return whole_seconds(f"epoch_us({value.sql})")
    raise NotTranslated(f"CAST of {value.type} to {kind}")


def whole_seconds(micros: str) -> str:
    """Seconds of microseconds, rounded down, also before 1970."""
    return f"CASE WHEN {micros} < 0 THEN ({micros} - 999999) // 1000000 ELSE {micros} // 1000000 END"


def text(value: Value) -> str:
    """A text argument; whatever else Spark would make a text of is made one."""
    return cast(value, "string").sql


def only_text(value: Value) -> str:
    """An argument that must be text already."""
    if value.type != "string":
        raise NotTranslated(f"{value.type} for a text")
    return value.sql


def literal_text(value: Value) -> str:
    """What a text literal says."""
    if value.type != "string" or not isinstance(value.literal, str):
        raise NotTranslated("a text that is no literal")
    return value.literal


def literal_number(value: Value) -> int:
    """What a literal whole number says."""
    if not isinstance(value.literal, int):
        raise NotTranslated("a number that is no literal")
    return value.literal


def united(values: Sequence[Value], what: str) -> tuple[list[Value], str]:
    """The values in the one type that Spark gives them all."""
    kind = common_type([value.type for value in values], what)
    return ([cast(value, kind) for value in values] if kind != "void" else list(values)), kind
