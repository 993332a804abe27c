"""Spark's types by the names that ``DataType.simpleString`` gives them, and what holds a value of each in DuckDB.

Apart from the rules because each of them asks here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote

from sqlglot import exp

INTEGERS = ("int", "bigint")
TIMES = ("date", "timestamp", "timestamp_ntz")

_HELD = {
    "string": "VARCHAR",
    "int": "INTEGER",
    "bigint": "BIGINT",
    "double": "DOUBLE",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "timestamp": "TIMESTAMPTZ",
    "timestamp_ntz": "TIMESTAMP",
    "void": "INTEGER",
}
_NAMES = {
    exp.DType.TEXT: "string",
    exp.DType.INT: "int",
    exp.DType.BIGINT: "bigint",
    exp.DType.DOUBLE: "double",
    exp.DType.BOOLEAN: "boolean",
    exp.DType.DATE: "date",
    exp.DType.TIMESTAMPTZ: "timestamp",
    exp.DType.TIMESTAMPLTZ: "timestamp",
    exp.DType.TIMESTAMPNTZ: "timestamp_ntz",
}
_WRITTEN = str.maketrans({sign: f"%{ord(sign):02X}" for sign in "%,:<>()"})
_DECIMAL = re.compile(r"decimal\((\d+),(\d+)\)")
MOST_DIGITS = 38


class NotTranslated(Exception):
    """DuckDB has no exact form of a query. Says which function, form or types; never a value of a row."""


@dataclass(frozen=True, slots=True)
class Value:
    """An expression in DuckDB's SQL and the type that Spark gives it. ``literal`` is what a literal says."""

    sql: str
    type: str
    literal: str | int | None = None

    @property
    def is_void(self) -> bool:
        """Whether it is NULL without a type."""
        return self.type == "void"


VOID = Value("NULL", "void")

Rule = Callable[[Sequence[Value]], Value]


@dataclass(frozen=True, slots=True)
class FunctionRule:
    """What translates the calls of a function, by any of its names, with so many arguments; and its limits in words."""

    names: str
    fewest: int
    most: int
    apply: Rule
    told: str = ""


def held_as(kind: str) -> str:
    """DuckDB's type for values of a Spark type; NotTranslated for a type that has no rules."""
    if kind in _HELD:
        return _HELD[kind]
    if decimal_size(kind):
        return kind.upper()
    if kind.startswith("array<"):
        return f"{held_as(kind[6:-1])}[]"
    if kind.startswith("struct<"):
        return f"STRUCT({', '.join(f'{quoted(name)} {held_as(part)}' for name, part in struct_fields(kind))})"
    raise NotTranslated(f"the type {kind}")


def spark_type(kind: exp.DataType) -> str:
    """The type that CAST names; NotTranslated for one without rules."""
    if kind.this in _NAMES:
        return _NAMES[kind.this]
    if kind.this == exp.DType.DECIMAL:
        sizes = [int(part.name) for part in kind.expressions]
        digits, places = (sizes[0] if sizes else 10), (sizes[1] if len(sizes) > 1 else 0)
        return decimal_type(digits, places)
    raise NotTranslated(f"the type {kind.sql()}")


def decimal_type(digits: int, places: int) -> str:
    """The exact type of so many digits, of which so many are decimal places; NotTranslated where Spark would cut."""
    if not 0 <= places <= digits <= MOST_DIGITS:
        raise NotTranslated(f"a decimal of {digits} digits with {places} places")
    return f"decimal({digits},{places})"


@lru_cache(maxsize=1024)
def decimal_size(kind: str) -> tuple[int, int] | None:
    """All digits and decimal places of a decimal type; None for another type."""
    found = _DECIMAL.fullmatch(kind)
    return (int(found[1]), int(found[2])) if found else None


def exact_size(kind: str) -> tuple[int, int] | None:
    """Digits and places that hold any value of a whole or decimal type; None for another type."""
    return {"int": (10, 0), "bigint": (20, 0)}.get(kind) or decimal_size(kind)


def struct_type(fields: Sequence[tuple[str, str]]) -> str:
    """The type of a struct; in the names of its fields, signs that types are written with stand as in addresses."""
    return f"struct<{','.join(f'{name.translate(_WRITTEN)}:{kind}' for name, kind in fields)}>"


@lru_cache(maxsize=1024)
def struct_fields(kind: str) -> tuple[tuple[str, str], ...]:
    """Name and type of each field of a struct type."""
    fields, depth, start, text = [], 0, 0, kind[len("struct<") : -1]
    for place, sign in enumerate([*text, ","]):
        depth += (sign in "<(") - (sign in ">)")
        if sign == "," and depth == 0:
            name, _, part = text[start:place].partition(":")
            fields.append((unquote(name), part))
            start = place + 1
    return tuple(fields)


def quoted(name: str) -> str:
    """A name as DuckDB's SQL."""
    return '"' + name.replace('"', '""') + '"'


def text_literal(text: str) -> str:
    """A text as DuckDB's SQL; NotTranslated for one with a zero byte, at which SQL text ends."""
    if "\0" in text:
        raise NotTranslated("a literal with a zero byte")
    return "'" + text.replace("'", "''") + "'"


def common_type(kinds: Sequence[str], what: str) -> str:
    """The type in which Spark compares or unites values of several types; NotTranslated without a rule."""
    found = "void"
    for kind in kinds:
        found = _wider(found, kind, what)
    return found


def _wider(one: str, other: str, what: str) -> str:
    if one == other or other == "void":
        return one
    if one == "void":
        return other
    kinds = {one, other}
    if kinds == {"int", "bigint"}:
        return "bigint"
    if "double" in kinds and (kinds & set(INTEGERS) or decimal_size(one) or decimal_size(other)):
        return "double"
    first, second = exact_size(one), exact_size(other)
    if first and second:
        places = max(first[1], second[1])
        return decimal_type(max(first[0] - first[1], second[0] - second[1]) + places, places)
    if kinds in ({"date", "timestamp"}, {"date", "timestamp_ntz"}):
        return max(kinds, key=len)
    raise NotTranslated(f"{what} of {one} and {other}")
