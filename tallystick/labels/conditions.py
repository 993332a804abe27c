"""A declared condition as a Spark column: what ``where`` of a label means, in the same SQL that features use.

No text of a user reaches Spark as SQL: the typed nodes of ``spec.expressions`` are put together from columns.
"""

from __future__ import annotations

from collections.abc import Callable

from pyspark.sql import Column
from pyspark.sql import functions as F

from tallystick.spec.expressions import Call, ColumnRef, Constant, Node, parse_condition
from tallystick.spec.label_checks import condition_columns
from tallystick.spec.tables import TableContract

_SPARK_TYPES = {
    "string": "string", "int64": "bigint", "double": "double", "boolean": "boolean", "date": "date",
    "timestamp": "timestamp",
}  # fmt: skip


def holds_expr(text: str, contract: TableContract, *, zone: str) -> Column:
    """Whether ``text`` is true in a row of the table: null counts as not true, an empty text holds for every row.

    Integer arithmetic that leaves 64 bits stops the query, as Spark's ANSI mode has it.
    """
    if not text:
        return F.lit(True)
    node = parse_condition(text, condition_columns(contract), where=f"a condition on {contract.name}")
    return F.coalesce(node_expr(node, zone=zone), F.lit(False))


def node_expr(node: Node, *, zone: str) -> Column:
    """The value of a typed expression; parts of an instant are those of the local wall clock in ``zone``."""
    if isinstance(node, ColumnRef):
        # Whole numbers are 64 bits wide in expressions, so that arithmetic overflows nowhere else than in the kernel.
        return F.col(node.name).cast("bigint") if node.type == "int64" else F.col(node.name)
    if isinstance(node, Constant):
        return F.lit(node.value).cast(_SPARK_TYPES[node.type])
    args = [node_expr(arg, zone=zone) for arg in node.args]
    if node.op.startswith("part_"):
        local = F.from_utc_timestamp(args[0], zone) if node.args[0].type == "timestamp" else args[0]
        return _PARTS[node.op.removeprefix("part_")](local).cast("bigint")
    return _CALLS[node.op](args, node)


def _like(args: list[Column], node: Call) -> Column:
    pattern = node.args[1]
    return args[0].like(str(pattern.value) if isinstance(pattern, Constant) else "")


def _case(args: list[Column], _: Call) -> Column:
    branches = list(zip(args[:-1:2], args[1::2], strict=True))
    first, *others = branches
    made = F.when(*first)
    for condition, value in others:
        made = made.when(condition, value)
    return made.otherwise(args[-1])


_PARTS: dict[str, Callable[[Column], Column]] = {
    "year": F.year, "quarter": F.quarter, "month": F.month, "day": F.day, "hour": F.hour, "minute": F.minute,
    "isodow": lambda local: F.weekday(local) + 1,
}  # fmt: skip

_CALLS: dict[str, Callable[[list[Column], Call], Column]] = {
    "eq": lambda args, _: args[0] == args[1],
    "ne": lambda args, _: args[0] != args[1],
    "lt": lambda args, _: args[0] < args[1],
    "le": lambda args, _: args[0] <= args[1],
    "gt": lambda args, _: args[0] > args[1],
    "ge": lambda args, _: args[0] >= args[1],
    "in": lambda args, _: args[0].isin(*args[1:]),
    "like": _like,
    "and": lambda args, _: args[0] & args[1],
    "or": lambda args, _: args[0] | args[1],
    "not": lambda args, _: ~args[0],
    "is_null": lambda args, _: args[0].isNull(),
    "add": lambda args, _: args[0] + args[1],
    "sub": lambda args, _: args[0] - args[1],
    "mul": lambda args, _: args[0] * args[1],
    "div": lambda args, _: F.when(args[1] != 0, args[0] / args[1]),
    "neg": lambda args, _: -args[0],
    "abs": lambda args, _: F.abs(args[0]),
    "coalesce": lambda args, _: F.coalesce(*args),
    "case": _case,
    "to_double": lambda args, _: args[0].cast("double"),
}
