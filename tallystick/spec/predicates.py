"""The condition of a rule as a value: whether two conditions ask the same, and the numbers that one compares with.

Apart from ``expressions``, which keeps what was written: here spellings of one meaning become one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tallystick.spec.expressions import Call, ColumnRef, Constant, Node

_TURNED = {"gt": "lt", "ge": "le"}
_OPPOSITE = {"lt": "ge", "ge": "lt", "le": "gt", "gt": "le", "eq": "ne", "ne": "eq"}
_SWAPPED = {"lt": "gt", "gt": "lt", "le": "ge", "ge": "le"}
_COMPARISONS = frozenset(_OPPOSITE)
_ANY_ORDER = frozenset({"and", "or", "add", "mul", "eq", "ne"})
_FLAT = frozenset({"and", "or", "add", "mul"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Threshold:
    """A number that a condition compares a column with. ``op`` is as if the column stood on the left."""

    column: str
    op: str
    value: float


def same_text(node: Node) -> str:
    """A text that is equal for conditions that are true, false and null in the same rows, as far as one can see that.

    The order of operands, the side on which a number stands, NOT, BETWEEN, double brackets, 1 and 1.0 make no
    difference. Rearranged arithmetic (``a - b > 0`` and ``a > b``) does.
    """
    return _text(node)


def thresholds(node: Node) -> list[Threshold]:
    """The numbers that columns are compared with, each once, in the order in which they stand."""
    return list(dict.fromkeys(_thresholds(node)))


def contradiction(node: Node) -> str:
    """The two sides that no row can be within, as in ``a BETWEEN 9 AND 3``; empty where there are none.

    Looks at what stands beside each other in an AND, each a value compared with a number.
    """
    lows: dict[str, float] = {}
    highs: dict[str, float] = {}
    for one in _operands(_lifted(node), "and"):
        name, op, value = _sides(one)
        if op in ("gt", "ge", "eq"):
            lows[name] = max(value, lows.get(name, value))
        if op in ("lt", "le", "eq"):
            highs[name] = min(value, highs.get(name, value))
    for name in lows.keys() & highs.keys():
        if lows[name] > highs[name]:
            return f"{name} is to be at least {lows[name]:.12g} and at most {highs[name]:.12g}"
    return ""


def _sides(node: Node) -> tuple[str, str, float]:
    """What is compared, how, and with which number; an empty ``op`` for anything else."""
    if (
        isinstance(node, Call)
        and node.op == "not"
        and isinstance(inner := node.args[0], Call)
        and inner.op in _OPPOSITE
    ):
        node = Call(_OPPOSITE[inner.op], inner.args, "boolean")
    if isinstance(node, Call) and node.op in _COMPARISONS:
        left, right, op = node.args[0], node.args[1], node.op
        if isinstance(left, Constant):
            left, right, op = right, left, _SWAPPED.get(op, op)
        if isinstance(right, Constant) and isinstance(right.value, int | float) and not isinstance(left, Constant):
            return _text(left), op, float(right.value)
    return "", "", 0.0


def _text(node: Node) -> str:
    if isinstance(node, ColumnRef):
        return node.name
    if isinstance(node, Constant):
        return _constant_text(node)
    if node.op == "to_double":
        return _text(node.args[0])
    if node.op == "not":
        return _negated_text(node.args[0])
    if node.op in _TURNED:
        return _call_text(_TURNED[node.op], [_text(arg) for arg in reversed(node.args)])
    if node.op == "in":
        values = sorted({_text(arg) for arg in node.args[1:]})
        first = _text(node.args[0])
        return _call_text("eq", [first, values[0]]) if len(values) == 1 else _call_text("in", [first, *values])
    if node.op in _FLAT:
        return _call_text(node.op, [_text(arg) for arg in _operands(node, node.op)])
    return _call_text(node.op, [_text(arg) for arg in node.args])


def _negated_text(node: Node) -> str:
    """NOT of a condition, moved inwards: three-valued logic allows it, for null stays null."""
    if isinstance(node, Call):
        if node.op == "not":
            return _text(node.args[0])
        if node.op in _OPPOSITE:
            return _text(Call(_OPPOSITE[node.op], node.args, "boolean"))
        if node.op in ("and", "or"):
            inner = tuple(Call("not", (arg,), "boolean") for arg in node.args)
            return _text(Call("or" if node.op == "and" else "and", inner, "boolean"))
    return _call_text("not", [_text(node)])


def _call_text(op: str, args: list[str]) -> str:
    if op in ("and", "or"):
        args = sorted(set(args))
        if len(args) == 1:
            return args[0]
    elif op in _ANY_ORDER:
        args = sorted(args)
    return f"{op}({', '.join(args)})"


def _operands(node: Node, op: str) -> Iterator[Node]:
    """The operands of nested calls of one operation; what a NOT hides is brought up first."""
    if isinstance(node, Call) and node.op == op:
        for arg in node.args:
            yield from _operands(_lifted(arg), op)
    else:
        yield node


def _lifted(node: Node) -> Node:
    """``NOT (a OR b)`` as ``NOT a AND NOT b``, and ``NOT (NOT a)`` as ``a``."""
    if not (isinstance(node, Call) and node.op == "not" and isinstance(node.args[0], Call)):
        return node
    inner = node.args[0]
    if inner.op == "not":
        return _lifted(inner.args[0])
    if inner.op in ("and", "or"):
        negated = tuple(Call("not", (arg,), "boolean") for arg in inner.args)
        return Call("or" if inner.op == "and" else "and", negated, "boolean")
    return node


def _constant_text(node: Constant) -> str:
    value = node.value
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return repr(value)


def _thresholds(node: Node) -> Iterator[Threshold]:
    if not isinstance(node, Call):
        return
    if node.op in _COMPARISONS:
        yield from _of_comparison(node)
    elif node.op == "in":
        for value in node.args[1:]:
            yield from _of_comparison(Call("eq", (node.args[0], value), "boolean"))
    for arg in node.args:
        yield from _thresholds(arg)


def _of_comparison(node: Call) -> Iterator[Threshold]:
    left, right = (_bare(arg) for arg in node.args)
    op = node.op
    if isinstance(left, Constant):
        left, right, op = right, left, _SWAPPED.get(op, op)
    if not (isinstance(left, ColumnRef) and isinstance(right, Constant)):
        return
    if isinstance(right.value, int | float) and not isinstance(right.value, bool):
        yield Threshold(column=left.name, op=op, value=float(right.value))


def _bare(node: Node) -> Node:
    """Without a conversion to double; of COALESCE(column, number) the column, which is compared where it is known."""
    if isinstance(node, Call) and node.op == "to_double":
        return _bare(node.args[0])
    if isinstance(node, Call) and node.op == "coalesce" and isinstance(_bare(node.args[1]), Constant):
        return _bare(node.args[0])
    return node
