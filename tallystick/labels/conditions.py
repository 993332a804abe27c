"""A declared condition as Spark's SQL: what ``where`` of a label means, in the same SQL that features use.

No text of a user reaches an engine as SQL: the text is made from the typed nodes of ``spec.expressions``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tallystick.labels.engines import day_sql
from tallystick.spec.expressions import Call, ColumnRef, Constant, Node, parse_condition
from tallystick.spec.label_checks import condition_columns
from tallystick.spec.mappings import text_sql
from tallystick.spec.tables import TableContract

_SPARK_TYPES = {
    "string": "STRING", "int64": "BIGINT", "double": "DOUBLE", "boolean": "BOOLEAN", "date": "DATE",
    "timestamp": "TIMESTAMP",
}  # fmt: skip


def holds_sql(text: str, contract: TableContract, *, zone: str) -> str:
    """Whether ``text`` is true in a row of the table: null counts as not true, an empty text holds for every row.

    Integer arithmetic that leaves 64 bits stops the query, as Spark's ANSI mode has it.
    """
    if not text:
        return "TRUE"
    node = parse_condition(text, condition_columns(contract), where=f"a condition on {contract.name}")
    return f"COALESCE({node_sql(node, zone=zone)}, FALSE)"


def node_sql(node: Node, *, zone: str) -> str:
    """The value of a typed expression; parts of an instant are those of the local wall clock in ``zone``."""
    if isinstance(node, ColumnRef):
        # Whole numbers are 64 bits wide in expressions, so that arithmetic overflows nowhere else than in the kernel.
        return f"CAST(`{node.name}` AS BIGINT)" if node.type == "int64" else f"`{node.name}`"
    if isinstance(node, Constant):
        return _constant(node)
    args = [node_sql(arg, zone=zone) for arg in node.args]
    if node.op.startswith("part_"):
        is_instant = node.args[0].type == "timestamp"
        local = f"FROM_UTC_TIMESTAMP({args[0]}, {text_sql(zone)})" if is_instant else args[0]
        return f"CAST({_PARTS[node.op.removeprefix('part_')].format(local)} AS BIGINT)"
    return f"({_CALLS[node.op](args, node)})"


def _constant(node: Constant) -> str:
    if node.value is None:
        return f"CAST(NULL AS {_SPARK_TYPES[node.type]})"
    if isinstance(node.value, str):
        return text_sql(node.value)
    if node.type == "date":
        return day_sql(node.value)  # type: ignore[arg-type]  # the node's type says so
    if node.type == "double":
        # A number with a point is a decimal to Spark; a text is read as the nearest double, as Python reads it.
        return f"CAST('{float(node.value)!r}' AS DOUBLE)"  # type: ignore[arg-type]
    return f"CAST({str(node.value).upper()} AS {_SPARK_TYPES[node.type]})"


def _like(args: Sequence[str], node: Call) -> str:
    pattern = node.args[1]
    return f"{args[0]} LIKE {text_sql(str(pattern.value) if isinstance(pattern, Constant) else '')}"


def _case(args: Sequence[str], _: Call) -> str:
    branches = zip(args[:-1:2], args[1::2], strict=True)
    return f"CASE {' '.join(f'WHEN {test} THEN {value}' for test, value in branches)} ELSE {args[-1]} END"


def _between(word: str) -> Callable[[Sequence[str], Call], str]:
    return lambda args, _: f"{args[0]} {word} {args[1]}"


_PARTS = {
    "year": "YEAR({})", "quarter": "QUARTER({})", "month": "MONTH({})", "day": "DAY({})", "hour": "HOUR({})",
    "minute": "MINUTE({})", "isodow": "(WEEKDAY({}) + 1)",
}  # fmt: skip

_CALLS: dict[str, Callable[[Sequence[str], Call], str]] = {
    "eq": _between("="),
    "ne": _between("<>"),
    "lt": _between("<"),
    "le": _between("<="),
    "gt": _between(">"),
    "ge": _between(">="),
    "in": lambda args, _: f"{args[0]} IN ({', '.join(args[1:])})",
    "like": _like,
    "and": _between("AND"),
    "or": _between("OR"),
    "not": lambda args, _: f"NOT {args[0]}",
    "is_null": lambda args, _: f"{args[0]} IS NULL",
    "add": _between("+"),
    "sub": _between("-"),
    "mul": _between("*"),
    "div": lambda args, _: f"CASE WHEN {args[1]} <> 0 THEN {args[0]} / {args[1]} END",
    "neg": lambda args, _: f"- {args[0]}",
    "abs": lambda args, _: f"ABS({args[0]})",
    "coalesce": lambda args, _: f"COALESCE({', '.join(args)})",
    "case": _case,
    "to_double": lambda args, _: f"CAST({args[0]} AS DOUBLE)",
}
