"""The table of functions: for each of Spark's, how DuckDB writes it and which type comes out.

Each rule takes the translated arguments. One that does not cover the types or the form it is given refuses.
"""

from __future__ import annotations

from collections.abc import Sequence

from tallystick.dialect.casts import cast, literal_number, united
from tallystick.dialect.text_rules import TEXT_RULES
from tallystick.dialect.time_rules import TIME_RULES
from tallystick.dialect.types import (
    INTEGERS,
    TIMES,
    VOID,
    FunctionRule,
    NotTranslated,
    Value,
    common_type,
    decimal_size,
)


def _extreme(name: str, values: Sequence[Value]) -> Value:
    made, kind = united(values, name)
    if kind not in (*INTEGERS, *TIMES, "string", "boolean") and not decimal_size(kind):
        raise NotTranslated(kind)
    return Value(f"{name}({', '.join(value.sql for value in made)})", kind)


def _coalesce(values: Sequence[Value]) -> Value:
    made, kind = united(values, "COALESCE")
    return Value(f"COALESCE({', '.join(value.sql for value in made)})", kind) if kind != "void" else VOID


def _nullif(values: Sequence[Value]) -> Value:
    made, _ = united(values, "NULLIF")
    return Value(f"CASE WHEN {made[0].sql} = {made[1].sql} THEN NULL ELSE {values[0].sql} END", values[0].type)


def _greatest(values: Sequence[Value]) -> Value:
    return _extreme("greatest", values)


def _least(values: Sequence[Value]) -> Value:
    return _extreme("least", values)


def _double(values: Sequence[Value]) -> Value:
    return cast(values[0], "double")


def _pmod(values: Sequence[Value]) -> Value:
    number, by = values[0], literal_number(values[1])
    if number.type not in INTEGERS or by <= 0:
        raise NotTranslated("another divisor")
    kind = common_type([number.type, values[1].type], "PMOD")
    return Value(f"((({number.sql} % {by}) + {by}) % {by})", kind)


def _abs(values: Sequence[Value]) -> Value:
    if values[0].type not in (*INTEGERS, "double") and not decimal_size(values[0].type):
        raise NotTranslated(values[0].type)
    return Value(f"abs({values[0].sql})", values[0].type)


def _array_contains(values: Sequence[Value]) -> Value:
    if values[0].type != f"array<{values[1].type}>":
        raise NotTranslated(f"{values[1].type} in {values[0].type}")
    return Value(f"list_contains({values[0].sql}, {values[1].sql})", "boolean")


GENERAL_RULES = (
    FunctionRule("COALESCE NVL IFNULL", 1, 100, _coalesce, ""),
    FunctionRule("NULLIF", 2, 2, _nullif, ""),
    FunctionRule("GREATEST", 2, 100, _greatest, "skips nulls"),
    FunctionRule("LEAST", 2, 100, _least, "skips nulls"),
    FunctionRule("DOUBLE", 1, 1, _double, ""),
    FunctionRule("PMOD", 2, 2, _pmod, "by a literal above 0"),
    FunctionRule("ABS", 1, 1, _abs, ""),
    FunctionRule("ARRAY_CONTAINS", 2, 2, _array_contains, ""),
)
RULES = {name: rule for rule in (*GENERAL_RULES, *TEXT_RULES, *TIME_RULES) for name in rule.names.split()}


def call(name: str, arguments: Sequence[Value]) -> Value:
    """A call of a function; NotTranslated for one without a rule."""
    found = RULES.get(name)
    if found is None:
        raise NotTranslated(f"the function {name}")
    if not found.fewest <= len(arguments) <= found.most:
        raise NotTranslated(f"{name} with {len(arguments)} arguments")
    try:
        return found.apply(arguments)
    except NotTranslated as error:
        raise NotTranslated(f"{name}: {error}") from None
