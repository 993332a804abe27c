"""The SQL that ``where`` and ``value`` may use, as typed values.

One small subset, so that NumPy (``kernel.expressions``), DuckDB and Spark can all be made to mean the same by it.

Allowed: columns, numbers, 'text', TRUE, FALSE, NULL, DATE '2020-01-31'; = <> < <= > >=, BETWEEN, IN (literals),
LIKE 'literal', IS [NOT] NULL; AND, OR, NOT; + - * / and unary minus; ABS, COALESCE, CASE; YEAR, QUARTER, MONTH, DAY,
HOUR, MINUTE, ISODOW (Monday = 1), also as EXTRACT(part FROM x). Parts of an instant are those of the local wall
clock. Logic is three-valued; an integer overflow is an error. ``x NOT IN (...)`` and comparisons of null give null.
``a / b`` is a double, also of whole numbers, and null where b is 0 or either is null.
Where rows have an order, ``LAG(x)`` and ``LAG(x, k)`` too: x of the row before, or of the k-th before, null without
such a row; ``LAG(x) OVER (PARTITION BY loan_id)`` looks only at rows with the same value there (null is a value, too).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sqlglot
from sqlglot import exp

from tallystick.errors import DeclarationError
from tallystick.spec.names import near_name, nearest_name

# Types of expressions. int32 columns are widened to int64, so that arithmetic overflows only where int64 does.
NUMERIC = ("int64", "double")

LONGEST_LAG = 99

Literal = str | int | float | bool | dt.date | None


@dataclass(frozen=True, slots=True)
class ColumnRef:
    """The value of a column."""

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class Constant:
    """A literal. ``type`` is ``null`` for NULL."""

    value: Literal
    type: str


@dataclass(frozen=True, slots=True)
class Call:
    """A function of other nodes: ``op`` is one of CALLS, ``part_<unit>`` for a part of a date, ``lag`` of a value, a
    number of rows and the columns that rows must share, or ``last_value`` of a value and such columns.
    """

    op: str
    args: tuple[Node, ...]
    type: str


Node = ColumnRef | Constant | Call

_COMPARE: dict[type[exp.Expr], str] = {
    exp.EQ: "eq", exp.NEQ: "ne", exp.LT: "lt", exp.LTE: "le", exp.GT: "gt", exp.GTE: "ge",
}  # fmt: skip
_ARITHMETIC: dict[type[exp.Expr], str] = {exp.Add: "add", exp.Sub: "sub", exp.Mul: "mul"}
_PARTS: dict[type[exp.Expr], str] = {
    exp.Year: "year", exp.Quarter: "quarter", exp.Month: "month", exp.Day: "day",
    exp.Hour: "hour", exp.Minute: "minute", exp.DayOfWeekIso: "isodow",
}  # fmt: skip
_TIME_PARTS = ("hour", "minute")

# What a reader may write besides operators, for the advice that goes with anything else.
FUNCTIONS = (
    "ABS",
    "COALESCE",
    "CASE",
    "EPOCH",
    "EXTRACT",
    "LAG",
    "LAST_VALUE",
    *(part.upper() for part in _PARTS.values()),
)


def parse_expression(text: str, columns: Mapping[str, str], *, where: str = "", has_lag: bool = False) -> Node:
    """The typed node of ``text`` over ``columns`` (name to type); DeclarationError for anything not allowed.

    ``has_lag`` says that the rows have an order, so that LAG is allowed.
    """
    try:
        return _Parser(text, columns, where, has_lag).node(_syntax_tree(text))
    except sqlglot.errors.SqlglotError as error:
        # In our own words: those of the parser name its classes.
        told = getattr(error, "errors", None) or [{}]
        near = str(told[0].get("highlight") or "").strip()
        reason = f"it breaks off or has a word too many at {near}" if near else "it cannot be read"
        raise DeclarationError(f"{text!r} is not SQL: {reason}", where=where, texts=(text,)) from error
    except RecursionError:
        raise DeclarationError("parentheses in each other, too deep", where=where, texts=(text,)) from None
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        # The parser stumbles over syntax that it only half knows.
        raise DeclarationError(f"{text!r} is not SQL that can be read", where=where, texts=(text,)) from error


@lru_cache(maxsize=8192)
def _syntax_tree(text: str) -> exp.Expr:
    """The tree of one text, which nobody changes: a project asks for each of its few hundred ten times and more."""
    return sqlglot.parse_one(text, dialect="duckdb")


def parse_condition(text: str, columns: Mapping[str, str], *, where: str = "", has_lag: bool = False) -> Node:
    """As ``parse_expression``, for a condition: its type must be boolean."""
    node = parse_expression(text, columns, where=where, has_lag=has_lag)
    if node.type != "boolean":
        what = f"{text!r} is {node.type}, not a condition"
        raise DeclarationError(what, where=where, fix="compare it with a value", texts=(text,))
    return node


def parse_number(text: str, columns: Mapping[str, str], *, where: str = "") -> Node:
    """As ``parse_expression``, for a number: a text, a date or a condition is refused."""
    node = parse_expression(text, columns, where=where)
    if node.type not in NUMERIC:
        what = f"{text!r} is {node.type}, not a number"
        raise DeclarationError(what, where=where, fix="CASE WHEN ... THEN 1 ELSE 0 END makes one", texts=(text,))
    return node


def columns_used(node: Node) -> tuple[str, ...]:
    """The names of the columns an expression reads, each once, in order of first use."""
    return tuple(dict.fromkeys(leaf.name for leaf in _leaves(node) if isinstance(leaf, ColumnRef)))


def expression_text(node: Node) -> str:
    """The canonical text of an expression: the same for every spelling of one meaning. For fingerprints."""
    if isinstance(node, ColumnRef):
        return node.name
    if isinstance(node, Constant):
        return f"{node.type}:{node.value!r}"
    return f"{node.op}({', '.join(expression_text(arg) for arg in node.args)})"


@lru_cache(maxsize=4096)
def has_lags(node: Node) -> bool:
    """Whether an expression looks at rows before."""
    return bool(lags_of(node))


def lags_of(node: Node) -> tuple[Call, ...]:
    """Every LAG and LAST_VALUE in an expression: the nodes themselves, without those inside another one."""
    if not isinstance(node, Call):
        return ()
    return (node,) if node.op in ("lag", "last_value") else tuple(lag for arg in node.args for lag in lags_of(arg))


def _leaves(node: Node) -> Iterator[Node]:
    if isinstance(node, Call):
        for arg in node.args:
            yield from _leaves(arg)
    else:
        yield node


@dataclass(frozen=True, slots=True)
class _Parser:
    text: str
    columns: Mapping[str, str]
    where: str
    has_lag: bool = False

    def fail(self, what: str, fix: str = "", *, name: str = "") -> DeclarationError:
        texts = (name, self.text) if name else (self.text,)
        return DeclarationError(f"{what} in {self.text!r}", where=self.where, fix=fix, texts=texts)

    def node(self, tree: exp.Expr) -> Node:
        rule = _RULES.get(type(tree))
        if rule is None:
            name = tree.name if isinstance(tree, exp.Anonymous) else type(tree).__name__
            raise self.fail(f"{name.upper()} is not allowed", nearest_name(name.upper(), FUNCTIONS))
        made = rule(self, tree)
        # Some spellings (x NOT LIKE y) carry their NOT as a flag of the node.
        return Call("not", (made,), "boolean") if tree.args.get("negate") else made

    def column(self, tree: exp.Column) -> Node:
        if tree.table or tree.name not in self.columns:
            is_quoted = bool(tree.this.args.get("quoted")) and not near_name(tree.name, self.columns)
            fix = f"a text has single quotes: '{tree.name}'" if is_quoted else nearest_name(tree.name, self.columns)
            raise self.fail(f"unknown column {tree.sql()}", fix, name=tree.sql())
        kind = self.columns[tree.name]
        return ColumnRef(tree.name, "int64" if kind == "int32" else kind)

    def literal(self, tree: exp.Literal) -> Node:
        if tree.is_string:
            return Constant(str(tree.this), "string")
        if tree.this.isdigit():
            value = int(tree.this)
            if value >= 2**63:
                raise self.fail("a number outside int64")
            return Constant(value, "int64")
        return Constant(float(tree.this), "double")

    def date_literal(self, tree: exp.Cast) -> Node:
        inner = tree.this
        if not (tree.is_type("date") and isinstance(inner, exp.Literal) and inner.is_string):
            raise self.fail("CAST is not allowed", "the contract's type decides; dates are DATE '2020-01-31'")
        try:
            return Constant(dt.date.fromisoformat(inner.this), "date")
        except ValueError as error:
            raise self.fail("an impossible date") from error

    def logic(self, op: str, *trees: exp.Expr) -> Node:
        return Call(op, tuple(self.condition(op.upper(), tree) for tree in trees), "boolean")

    def condition(self, user: str, tree: exp.Expr) -> Node:
        made = self.node(tree)
        if made.type != "boolean":
            raise self.fail(f"{user} of {made.type}", "compare it with a value")
        return made

    def compare(self, op: str, left: exp.Expr, right: exp.Expr) -> Node:
        args = self.unify([self.node(left), self.node(right)])
        if any(isinstance(arg, Constant) and arg.value is None for arg in args):
            raise self.fail("a comparison with NULL", "IS NULL")
        return Call(op, args, "boolean")

    def membership(self, tree: exp.In) -> Node:
        if not tree.expressions:
            raise self.fail("IN without a list of literals")
        args = self.unify([self.node(tree.this), *(self.node(item) for item in tree.expressions)])
        if any(not isinstance(arg, Constant) or arg.value is None for arg in args[1:]):
            raise self.fail("IN takes literals only", "for null add OR x IS NULL")
        return Call("in", args, "boolean")

    def between(self, tree: exp.Between) -> Node:
        low = self.compare("ge", tree.this, tree.args["low"])
        high = self.compare("le", tree.this, tree.args["high"])
        return Call("and", (low, high), "boolean")

    def like(self, tree: exp.Like) -> Node:
        args = (self.node(tree.this), self.node(tree.expression))
        pattern = args[1]
        if args[0].type != "string" or not isinstance(pattern, Constant) or pattern.type != "string":
            raise self.fail("LIKE takes text and a literal pattern")
        if "\\" in str(pattern.value):
            raise self.fail("LIKE has no escapes here")
        return Call("like", args, "boolean")

    def is_null(self, tree: exp.Is) -> Node:
        if not isinstance(tree.expression, exp.Null):
            raise self.fail("IS takes NULL only")
        return Call("is_null", (self.node(tree.this),), "boolean")

    def negative(self, tree: exp.Neg) -> Node:
        made = self.numeric("neg", tree.this)
        inner = made.args[0] if isinstance(made, Call) else made
        if isinstance(inner, Constant) and isinstance(inner.value, (int, float)):
            return Constant(-inner.value, inner.type)
        return made

    def numeric(self, op: str, *trees: exp.Expr) -> Node:
        args = self.unify([self.node(tree) for tree in trees])
        for arg in args:
            if arg.type not in NUMERIC:
                raise self.fail(f"{op.upper()} of {arg.type}", "it takes numbers")
        return Call(op, args, args[0].type)

    def quotient(self, tree: exp.Div) -> Node:
        made = self.numeric("div", tree.this, tree.expression)
        return Call("div", tuple(_as_double(arg) for arg in made.args), "double") if isinstance(made, Call) else made

    def lag(self, tree: exp.Lag, keys: tuple[Node, ...] = ()) -> Node:
        if not self.has_lag:
            raise self.fail("LAG is not allowed", "it needs rows in order: value, where and filters of features")
        value, offset = self.node(tree.this), tree.args.get("offset")
        rows = self.node(offset) if offset is not None else Constant(1, "int64")
        if not (isinstance(rows, Constant) and isinstance(rows.value, int) and 1 <= rows.value <= LONGEST_LAG):
            raise self.fail("LAG looks a fixed number of rows back", f"LAG(x, k) with k from 1 to {LONGEST_LAG}")
        if tree.args.get("default") is not None or lags_of(value) or value.type == "null":
            raise self.fail("LAG takes a value and a number of rows", "COALESCE(LAG(x), 0), LAG(x, 2)")
        return Call("lag", (value, rows, *keys), value.type)

    def lag_of_key(self, tree: exp.Window) -> Node:
        keys = [self.node(key) for key in tree.args.get("partition_by") or ()]
        if not isinstance(tree.this, exp.Lag | exp.IgnoreNulls) or tree.args.get("order") or tree.args.get("spec"):
            raise self.fail("OVER is not allowed", "LAG(x) OVER (PARTITION BY loan_id): the order of rows is given")
        if not all(isinstance(key, ColumnRef) for key in keys):
            raise self.fail("PARTITION BY takes columns")
        inner = tree.this
        return self.lag(inner, tuple(keys)) if isinstance(inner, exp.Lag) else self.last_value(inner, tuple(keys))

    def last_value(self, tree: exp.IgnoreNulls, keys: tuple[Node, ...] = ()) -> Node:
        if not self.has_lag or not isinstance(tree.this, exp.LastValue):
            raise self.fail("IGNORE NULLS is not allowed", "LAST_VALUE(x IGNORE NULLS) in value, where and filters")
        value = self.node(tree.this.this)
        if value.type == "null" or any(lag.op == "last_value" for lag in lags_of(value)):
            raise self.fail("LAST_VALUE takes a value that is not one itself", "LAST_VALUE(x IGNORE NULLS)")
        return Call("last_value", (value, *keys), value.type)

    def alike(self, op: str, trees: list[exp.Expr]) -> Node:
        args = self.unify([self.node(tree) for tree in trees])
        return Call(op, args, next(arg.type for arg in args))

    def case(self, tree: exp.Case) -> Node:
        conditions: list[Node] = []
        for branch in tree.args["ifs"]:
            if tree.this is None:
                conditions.append(self.condition("CASE WHEN", branch.this))
            else:
                conditions.append(self.compare("eq", tree.this, branch.this))
        default = tree.args.get("default")
        results = [self.node(branch.args["true"]) for branch in tree.args["ifs"]]
        results.append(self.node(default) if default is not None else Constant(None, "null"))
        values = self.unify(results)
        flat = [node for pair in zip(conditions, values[:-1], strict=True) for node in pair]
        return Call("case", (*flat, values[-1]), values[0].type)

    def part(self, unit: str, tree: exp.Expr) -> Node:
        if unit not in _PARTS.values():
            raise self.fail(f"date part {unit} is not allowed", nearest_name(unit, _PARTS.values()))
        arg = self.node(tree)
        if arg.type not in (("timestamp",) if unit in _TIME_PARTS else ("timestamp", "date")):
            raise self.fail(f"{unit.upper()} of {arg.type}")
        return Call(f"part_{unit}", (arg,), "int64")

    def epoch(self, tree: exp.TimeToUnix) -> Node:
        arg = self.node(tree.this)
        if arg.type != "timestamp":
            raise self.fail(f"EPOCH of {arg.type}", "it takes an instant")
        return Call("epoch", (arg,), "double")

    def unify(self, nodes: list[Node]) -> tuple[Node, ...]:
        """The nodes in one common type: integers become doubles beside doubles, NULL takes the others' type."""
        kinds = {node.type for node in nodes} - {"null"}
        if not kinds:
            raise self.fail("only NULL values")
        if kinds == set(NUMERIC):
            return tuple(_as_double(node) for node in nodes)
        if len(kinds) > 1:
            raise self.fail(f"{' and '.join(sorted(kinds))} do not mix")
        kind = kinds.pop()
        return tuple(Constant(None, kind) if node.type == "null" else node for node in nodes)


# What each kind of syntax becomes. Made once: a dictionary of methods for each node took longer than the nodes.
_RULES: dict[type[exp.Expr], Callable[[_Parser, Any], Node]] = {
    exp.Paren: lambda p, t: p.node(t.this),
    exp.Column: _Parser.column,
    exp.Literal: _Parser.literal,
    exp.Boolean: lambda _, t: Constant(bool(t.this), "boolean"),
    exp.Null: lambda _, t: Constant(None, "null"),
    exp.Cast: _Parser.date_literal,
    exp.And: lambda p, t: p.logic("and", t.this, t.expression),
    exp.Or: lambda p, t: p.logic("or", t.this, t.expression),
    exp.Not: lambda p, t: p.logic("not", t.this),
    exp.In: _Parser.membership,
    exp.Between: _Parser.between,
    exp.Like: _Parser.like,
    exp.Is: _Parser.is_null,
    exp.Neg: _Parser.negative,
    exp.Div: _Parser.quotient,
    exp.Lag: _Parser.lag,
    exp.IgnoreNulls: _Parser.last_value,
    exp.Window: _Parser.lag_of_key,
    exp.Abs: lambda p, t: p.numeric("abs", t.this),
    exp.Coalesce: lambda p, t: p.alike("coalesce", [t.this, *t.expressions]),
    exp.Case: _Parser.case,
    exp.TimeToUnix: _Parser.epoch,
    exp.Extract: lambda p, t: p.part(t.this.name.lower(), t.expression),
    **{kind: lambda p, t: p.compare(_COMPARE[type(t)], t.this, t.expression) for kind in _COMPARE},
    **{kind: lambda p, t: p.numeric(_ARITHMETIC[type(t)], t.this, t.expression) for kind in _ARITHMETIC},
    **{kind: lambda p, t: p.part(_PARTS[type(t)], t.this) for kind in _PARTS},
}


def _as_double(node: Node) -> Node:
    if isinstance(node, Constant):
        return Constant(float(node.value) if isinstance(node.value, (int, float)) else None, "double")
    return node if node.type == "double" else Call("to_double", (node,), "double")
