"""Aggregates and window functions: null orders and frames are written out, for DuckDB's own are others than Spark's."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlglot import exp

from tallystick.dialect.types import (
    INTEGERS,
    TIMES,
    VOID,
    NotTranslated,
    Value,
    decimal_size,
    struct_fields,
    text_literal,
)

Translate = Callable[[exp.Expr], Value]

AGGREGATES = frozenset(
    ("COUNT", "MIN", "MAX", "SUM", "COLLECT_SET", "COUNT_IF", "BOOL_AND", "BOOL_OR", "EVERY", "ANY", "SOME")
)
_WINDOWS = frozenset(("ROW_NUMBER", "LEAD", "LAG"))
_BOUNDS = {"CURRENT ROW", "UNBOUNDED"}


def call(name: str, arguments: Sequence[exp.Expr], translate: Translate) -> Value:
    """An aggregate."""
    if len(arguments) != 1:
        raise NotTranslated(f"{name} with {len(arguments)} arguments")
    (argument,) = arguments
    if name == "COUNT" and isinstance(argument, exp.Star):
        return Value("count(*)", "bigint")
    if name == "COUNT" and isinstance(argument, exp.Distinct):
        values = [translate(part) for part in argument.expressions]
        if len(values) != 1 or not _is_comparable(values[0].type):
            raise NotTranslated("COUNT DISTINCT of several or of such a type")
        return Value(f"count(DISTINCT {values[0].sql})", "bigint")
    value = translate(argument)
    if name == "COUNT":
        return Value(f"count({value.sql})", "bigint")
    if value.is_void and name in ("MIN", "MAX"):
        return VOID
    if name in ("MIN", "MAX"):
        return _extreme(name, value)
    if name == "SUM":
        return _sum(value)
    if name == "COLLECT_SET" and _is_comparable(value.type, deep=True):
        return Value(
            f"coalesce(list(DISTINCT {value.sql}) FILTER (WHERE {value.sql} IS NOT NULL), [])", f"array<{value.type}>"
        )
    if value.type != "boolean":
        raise NotTranslated(f"{name} of {value.type}")
    if name == "COUNT_IF":
        return Value(f"count_if({value.sql})", "bigint")
    return Value(f"{'bool_and' if name in ('BOOL_AND', 'EVERY') else 'bool_or'}({value.sql})", "boolean")


def _is_comparable(kind: str, *, deep: bool = False) -> bool:
    """Whether equal values of a type are the same in both engines; doubles have two zeros."""
    if deep and kind.startswith("struct<"):
        return all(part == "void" or part == "double" or _is_comparable(part) for _, part in struct_fields(kind))
    return kind in (*INTEGERS, *TIMES, "string", "boolean") or decimal_size(kind) is not None


def _extreme(name: str, value: Value) -> Value:
    if value.type.startswith("struct<"):
        return Value(f"arg_{name.lower()}({value.sql}, {sort_key(value)})", value.type)
    if not _is_comparable(value.type) and value.type != "double":
        raise NotTranslated(f"{name} of {value.type}")
    return Value(f"{name.lower()}({value.sql})", value.type)


def max_by(value: Value, key: Value) -> Value:
    """MAX_BY; which one of equals is for neither engine to say."""
    ordered = sort_key(key) if key.type.startswith("struct<") else key.sql
    if not key.type.startswith("struct<") and not _is_comparable(key.type):
        raise NotTranslated(f"MAX_BY {key.type}")
    return Value(f"arg_max_null({value.sql}, {ordered})", value.type)


def sort_key(value: Value) -> str:
    """Bytes in the order that Spark gives structs: field by field, null before all else."""
    parts = []
    for name, kind in struct_fields(value.type):
        if not _is_comparable(kind) and kind not in ("double", "void"):
            raise NotTranslated(f"order of {value.type}")
        if kind != "void":
            parts.append(f"struct_extract({value.sql}, {text_literal(name)}), 'ASC NULLS FIRST'")
    if not parts:
        raise NotTranslated("order of structs without a field")
    # A struct that is null itself is skipped.
    return f"CASE WHEN {value.sql} IS NOT NULL THEN create_sort_key({', '.join(parts)}) END"


def _sum(value: Value) -> Value:
    size = decimal_size(value.type)
    if size and size[0] + 10 <= 38:
        return Value(
            f"CAST(sum({value.sql}) AS DECIMAL({size[0] + 10},{size[1]}))", f"decimal({size[0] + 10},{size[1]})"
        )
    if value.type in INTEGERS:
        return Value(f"CAST(sum({value.sql}) AS BIGINT)", "bigint")
    raise NotTranslated(f"SUM of {value.type}")


def window(node: exp.Expr, translate: Translate) -> Value:
    """A function over a window."""
    if node.args.get("alias") or node.args.get("first"):
        raise NotTranslated("a named window")
    inner = node.this
    if not isinstance(inner, exp.Anonymous):
        raise NotTranslated(f"{type(inner).__name__} over a window")
    name = inner.name.upper()
    if name in _WINDOWS:
        made = _placed(name, [translate(part) for part in inner.expressions])
    elif name in ("COUNT", "MIN", "MAX"):
        made = call(name, inner.expressions, translate)
        if "DISTINCT" in made.sql:
            raise NotTranslated(f"{name} over a window")
    elif name == "SUM" and len(inner.expressions) == 1:
        value = translate(inner.expressions[0])
        if value.type not in INTEGERS:
            raise NotTranslated(f"SUM of {value.type} over a window")
        made = Value(f"sum({value.sql})", "bigint")
    else:
        raise NotTranslated(f"{name} over a window")
    if made.is_void:
        return VOID
    parts = []
    keys = [translate(part) for part in node.args.get("partition_by") or ()]
    for key in keys:
        if not _is_comparable(key.type) and not key.is_void:
            raise NotTranslated(f"PARTITION BY {key.type}")
    if keys:
        parts.append(f"PARTITION BY {', '.join(key.sql for key in keys)}")
    order = node.args.get("order")
    if order is not None:
        parts.append(f"ORDER BY {', '.join(_ordered(part, translate) for part in order.expressions)}")
    spec = node.args.get("spec")
    if spec is not None:
        parts.append(_frame(spec))
    elif order is None and name in _WINDOWS:
        raise NotTranslated(f"{name} without an order")
    told = f"{made.sql} OVER ({' '.join(parts)})"
    narrowed = {"ROW_NUMBER": "INTEGER", "SUM": "BIGINT"}.get(name)
    return Value(f"CAST({told} AS {narrowed})" if narrowed else told, made.type)


def _placed(name: str, values: Sequence[Value]) -> Value:
    if name == "ROW_NUMBER" and not values:
        return Value("row_number()", "int")
    if name in ("LEAD", "LAG") and len(values) == 1:
        return Value(f"{name.lower()}({values[0].sql})", values[0].type) if not values[0].is_void else VOID
    raise NotTranslated(f"{name} with {len(values)} arguments")


def _ordered(node: exp.Expr, translate: Translate) -> str:
    if not isinstance(node, exp.Ordered) or node.args.get("with_fill"):
        raise NotTranslated("such an order")
    value = translate(node.this)
    if not _is_comparable(value.type) and value.type != "double":
        raise NotTranslated(f"ORDER BY {value.type}")
    is_last = not node.args.get("nulls_first")
    return f"{value.sql} {'DESC' if node.args.get('desc') else 'ASC'} NULLS {'LAST' if is_last else 'FIRST'}"


def _frame(spec: exp.Expr) -> str:
    if spec.args.get("kind") != "ROWS" or spec.args.get("exclude"):
        raise NotTranslated("a frame that is not of rows")
    sides = []
    for side in ("start", "end"):
        bound, way = spec.args.get(side), spec.args.get(f"{side}_side") or ""
        if isinstance(bound, exp.Literal) and bound.name.isdigit():
            sides.append(f"{bound.name} {way}")
        elif bound in _BOUNDS:
            sides.append(f"{bound} {way}".strip())
        else:
            raise NotTranslated("such a frame")
    return f"ROWS BETWEEN {sides[0]} AND {sides[1]}"
