"""The table of functions: for each of Spark's, how DuckDB writes it and which type comes out.

Each rule takes the translated arguments. One that does not cover the types or the form it is given refuses.
"""

from __future__ import annotations

from collections.abc import Sequence

from tallystick.dialect.arithmetic import divided
from tallystick.dialect.casts import cast, literal_number, united
from tallystick.dialect.map_cells import MAP_RULES
from tallystick.dialect.text_rules import TEXT_RULES
from tallystick.dialect.time_rules import TIME_RULES
from tallystick.dialect.types import (
    INTEGERS,
    TIMES,
    VOID,
    FunctionRule,
    NotTranslated,
    Rule,
    Value,
    common_type,
    decimal_size,
    decimal_type,
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


def cast_to(kind: str) -> Rule:
    """The function that bears a type's name."""
    return lambda values: cast(values[0], kind)


def _pmod(values: Sequence[Value]) -> Value:
    number, by = values[0], literal_number(values[1])
    if number.type not in INTEGERS or by <= 0:
        raise NotTranslated("another divisor")
    kind = common_type([number.type, values[1].type], "PMOD")
    rest = f"({number.sql} % {by})"
    return Value(f"CASE WHEN {rest} < 0 THEN {rest} + {by} ELSE {rest} END", kind)


def _abs(values: Sequence[Value]) -> Value:
    if values[0].type not in (*INTEGERS, "double") and not decimal_size(values[0].type):
        raise NotTranslated(values[0].type)
    return Value(f"abs({values[0].sql})", values[0].type)


def _nvl2(values: Sequence[Value]) -> Value:
    made, kind = united(values[1:], "NVL2")
    return Value(f"CASE WHEN {values[0].sql} IS NOT NULL THEN {made[0].sql} ELSE {made[1].sql} END", kind)


def is_null(word: str) -> Rule:
    """Whether a value is null, or is not."""
    return lambda values: Value(f"({word}({values[0].sql} IS NULL))", "boolean")


def _round(values: Sequence[Value]) -> Value:
    places, size = literal_number(values[1]) if len(values) > 1 else 0, decimal_size(values[0].type)
    if values[0].type in INTEGERS and places >= 0:
        return Value(values[0].sql, values[0].type)
    if values[0].type == "double" and places == 0:
        return _whole_double(values[0].sql)
    if size is None or places < 0:
        raise NotTranslated(f"{values[0].type}, or places before the point")
    kept = min(places, size[1])
    kind = decimal_type(size[0] - size[1] + 1 + kept, kept)
    return Value(f"CAST({values[0].sql} AS {kind.upper()})", kind)


def _whole_double(sql: str) -> Value:
    """The nearest whole double, of two the farther from zero: what is left of a double behind its point is exact.

    Adding 0 makes plus zero of minus zero, as Spark's way through a decimal does.
    """
    return Value(
        f"(trunc({sql}) + CASE WHEN abs({sql} - trunc({sql})) >= 0.5 THEN sign({sql}) ELSE 0 END + 0.0)", "double"
    )


def whole_number(name: str) -> Rule:
    """The next whole number above or below."""

    def apply(values: Sequence[Value]) -> Value:
        size = decimal_size(values[0].type)
        if values[0].type in INTEGERS:
            return cast(values[0], "bigint")
        if size is None:
            raise NotTranslated(values[0].type)
        if not size[1]:
            return Value(values[0].sql, values[0].type)
        kind = decimal_type(size[0] - size[1] + 1, 0)
        return Value(f"CAST({name}({values[0].sql}) AS {kind.upper()})", kind)

    return apply


def _sign(values: Sequence[Value]) -> Value:
    if values[0].type not in INTEGERS:
        raise NotTranslated(values[0].type)
    return Value(f"CAST(sign({values[0].sql}) AS DOUBLE)", "double")


def _array_contains(values: Sequence[Value]) -> Value:
    if values[0].type != f"array<{values[1].type}>":
        raise NotTranslated(f"{values[1].type} in {values[0].type}")
    return Value(f"list_contains({values[0].sql}, {values[1].sql})", "boolean")


def _sequence(values: Sequence[Value]) -> Value:
    if any(value.type != "int" for value in values):
        raise NotTranslated("numbers of another type")
    first, last = (value.sql for value in values)
    up, down = f"generate_series({first}, {last})", f"generate_series({first}, {last}, -1)"
    return Value(f"CAST(CASE WHEN {first} > {last} THEN {down} ELSE {up} END AS INTEGER[])", "array<int>")


GENERAL_RULES = (
    FunctionRule("COALESCE NVL IFNULL", 1, 100, _coalesce, ""),
    FunctionRule("NULLIF", 2, 2, _nullif, ""),
    FunctionRule("GREATEST", 2, 100, _greatest, "skips nulls"),
    FunctionRule("LEAST", 2, 100, _least, "skips nulls"),
    *(FunctionRule(kind.upper(), 1, 1, cast_to(kind)) for kind in ("int", "bigint", "double", "boolean")),
    FunctionRule("NVL2", 3, 3, _nvl2),
    FunctionRule("ISNULL", 1, 1, is_null("")),
    FunctionRule("ISNOTNULL", 1, 1, is_null("NOT ")),
    FunctionRule(
        "ROUND",
        1,
        2,
        _round,
        "of a decimal, half a unit away from zero; the places are a literal; of a DOUBLE to a whole number",
    ),
    FunctionRule("CEIL CEILING", 1, 1, whole_number("ceil"), "of a whole number or decimal"),
    FunctionRule("FLOOR", 1, 1, whole_number("floor"), "of a whole number or decimal"),
    FunctionRule("MOD", 2, 2, lambda values: divided("%", values[0], values[1]), "by a literal that is not 0"),
    FunctionRule("SIGN SIGNUM", 1, 1, _sign, "of a whole number"),
    FunctionRule("PMOD", 2, 2, _pmod, "by a literal above 0"),
    FunctionRule("ABS", 1, 1, _abs, ""),
    FunctionRule("ARRAY_CONTAINS", 2, 2, _array_contains, ""),
    FunctionRule("SEQUENCE", 2, 2, _sequence, "of INT, in steps of 1"),
)
RULES = {name: rule for rule in (*GENERAL_RULES, *TEXT_RULES, *TIME_RULES, *MAP_RULES) for name in rule.names.split()}


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
