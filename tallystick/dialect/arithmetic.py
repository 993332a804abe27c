"""Numbers as they stand in SQL, arithmetic and comparisons, in the types that Spark computes and compares in.

Apart because decimals have rules of their own: how many digits a product has, and how DuckDB is kept from fewer.
"""

from __future__ import annotations

from tallystick.dialect.casts import cast
from tallystick.dialect.types import (
    INTEGERS,
    TIMES,
    NotTranslated,
    Value,
    common_type,
    decimal_size,
    decimal_type,
    exact_size,
)

INT_MAX, BIGINT_MAX = (1 << 31) - 1, (1 << 63) - 1


def number(text: str, *, is_negative: bool) -> Value:
    """A number as it stands in SQL."""
    sign = "-" if is_negative else ""
    if text.isascii() and text.isdigit():
        whole = -int(text) if is_negative else int(text)
        if -INT_MAX - 1 <= whole <= INT_MAX:
            return Value(f"CAST({whole} AS INTEGER)", "int", whole)
        if -BIGINT_MAX - 1 <= whole <= BIGINT_MAX:
            return Value(f"CAST({whole} AS BIGINT)", "bigint", whole)
    if "e" in text.lower():
        return Value(f"CAST('{sign}{text}' AS DOUBLE)", "double")
    before, _, after = text.partition(".")
    figures = (before + after).lstrip("0")
    kind = decimal_type(max(len(figures), len(after), 1), len(after))
    return Value(f"CAST('{sign}{text}' AS {kind.upper()})", kind)


def added(word: str, one: Value, other: Value) -> Value:
    """A sum, difference or product; one that does not fit its type stops the query."""
    if decimal_size(one.type) or decimal_size(other.type):
        return _decimal_arithmetic(word, one, other)
    kinds = (*INTEGERS, "double")
    if one.type not in kinds or other.type not in kinds:
        raise NotTranslated(f"{one.type} {word} {other.type}")
    kind = common_type([one.type, other.type], word)
    return Value(f"({cast(one, kind).sql} {word} {cast(other, kind).sql})", kind)


def _decimal_arithmetic(word: str, one: Value, other: Value) -> Value:
    """Exact arithmetic in the type that Spark gives the result, which holds any."""
    first, second = (_literal_size(value) or exact_size(value.type) for value in (one, other))
    if first is None or second is None:
        raise NotTranslated(f"{one.type} {word} {other.type}")
    if word == "*":
        digits, places = first[0] + second[0] + 1, first[1] + second[1]
        kind = decimal_type(digits, places)
        # DuckDB keeps products of small decimals small, too small: the first factor is made as large as the result.
        left, right = (
            cast(one, f"decimal({digits - second[1]},{first[1]})"),
            cast(other, f"decimal({second[0]},{second[1]})"),
        )
        if digits - second[1] <= 18:
            left = Value(f"CAST({one.sql} AS DECIMAL(19,{first[1]}))", kind)
        return Value(f"CAST({left.sql} * {right.sql} AS {kind.upper()})", kind)
    places = max(first[1], second[1])
    kind = decimal_type(max(first[0] - first[1], second[0] - second[1]) + places + 1, places)
    return Value(f"CAST({cast(one, kind).sql} {word} {cast(other, kind).sql} AS {kind.upper()})", kind)


def _literal_size(value: Value) -> tuple[int, int] | None:
    """A literal whole number beside a decimal has as many digits as it is written with."""
    return (len(str(abs(value.literal))), 0) if isinstance(value.literal, int) else None


def divided(word: str, one: Value, other: Value) -> Value:
    """Division; by 0 it stops the query, of null it does not."""
    if other.literal is None and word != "%":
        return _divided_by_any(word, one, other)
    if one.type not in INTEGERS or not isinstance(other.literal, int) or other.literal == 0:
        raise NotTranslated(f"{word} but of a whole number by a literal")
    if word == "/":
        return Value(f"({cast(one, 'double').sql} / {cast(other, 'double').sql})", "double")
    kind = "bigint" if word == "//" else common_type([one.type, other.type], word)
    return Value(f"({cast(one, kind).sql} {word} {cast(other, kind).sql})", kind)


def _divided_by_any(word: str, one: Value, other: Value) -> Value:
    kinds, kind = (INTEGERS, "bigint") if word == "//" else ((*INTEGERS, "double"), "double")
    if one.type not in kinds or other.type not in kinds:
        raise NotTranslated(f"{one.type} {word} {other.type}")
    by, of = cast(other, kind).sql, cast(one, kind).sql
    # DuckDB gives null there.
    stops = f"WHEN {by} = 0 AND {of} IS NOT NULL THEN error('a division by 0')"
    return Value(f"CASE {stops} ELSE ({of} {word} {by}) END", kind)


def comparison(one: Value, other: Value, word: str) -> Value:
    """Two values compared, in the type that Spark compares them in."""
    one, other = beside_literal(one, other), beside_literal(other, one)
    kind = common_type([one.type, other.type], f"{word}")
    if kind == "void":
        return Value("TRUE" if "NOT DISTINCT" in word else "CAST(NULL AS BOOLEAN)", "boolean")
    is_nested = kind.startswith(("struct<", "array<"))
    if is_nested and "DISTINCT" not in word:
        raise NotTranslated(f"{word} of structs or arrays")
    return Value(f"({cast(one, kind).sql} {word} {cast(other, kind).sql})", "boolean")


def beside_literal(value: Value, other: Value) -> Value:
    """A text literal beside a number, truth value or time, as Spark reads it there; any other value as it is."""
    if value.type != "string" or value.literal is None or other.type in ("string", "void"):
        return value
    kinds = {**dict.fromkeys((*TIMES, "boolean"), other.type), "int": "bigint", "bigint": "bigint", "double": "double"}
    kind = "double" if decimal_size(other.type) else kinds.get(other.type, "")
    return cast(value, kind) if kind else value
