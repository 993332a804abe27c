"""A declared expression as SQL that DuckDB computes to the same value.

Kept apart from ``feature_sql`` because it knows a single expression: nothing of windows, visibility or operations. The
text stays as it was declared wherever DuckDB means the same by it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import sqlglot
from sqlglot import exp

# Parts of an instant are those of the local wall clock.
_PARTS = (exp.Year, exp.Quarter, exp.Month, exp.Day, exp.Hour, exp.Minute, exp.DayOfWeekIso, exp.Extract)


def expression_sql(text: str, types: Mapping[str, str], *, lags: Mapping[str, str]) -> str:
    """``text`` over columns of these ``types``, with the column that ``lags`` names for each LAG and LAST_VALUE.

    Made explicit are parts of instants on the local clock, 32-bit arithmetic in 64 bits, and the null of a quotient by
    0. An OR is in brackets.
    """
    held, is_changed = _held(text, types)
    for lag in list(held.find_all(exp.Window)):
        lag.replace(exp.column(lags[_text(lag)]))
    shown = _text(held.this) if is_changed else text
    return f"({shown})" if isinstance(held.this, exp.Or) else shown


def lags_in(texts: Iterable[str], types: Mapping[str, str]) -> list[str]:
    """The SQL of every LAG and LAST_VALUE in these expressions, each once, without the order of rows. Those that hold
    another one come last.
    """
    found = dict.fromkeys(_text(lag) for text in texts for lag in _held(text, types)[0].find_all(exp.Window))
    return sorted(found, key=holds_lag)


def holds_lag(lag: str) -> bool:
    """Whether one of ``lags_in`` has another one inside, which SQL must compute in a step before."""
    return len(list(sqlglot.parse_one(lag, dialect="duckdb").find_all(exp.Window))) > 1


def ordered_lag(lag: str, order: str, names: Mapping[str, str] | None = None) -> str:
    """One of ``lags_in`` with the order of rows, and with columns of these names in the place of those inside."""
    tree = sqlglot.parse_one(lag, dialect="duckdb")
    for inner in list(tree.this.find_all(exp.Window)):
        inner.replace(exp.column((names or {})[_text(inner)]))
    tree.set("order", sqlglot.parse_one(f"SELECT 1 ORDER BY {order}", dialect="duckdb").args["order"])
    return _text(tree)


def _held(text: str, types: Mapping[str, str]) -> tuple[exp.Paren, bool]:
    """The expression in brackets, so that any part of it can be replaced, and whether it differs from its text."""
    held = exp.Paren(this=sqlglot.parse_one(text, dialect="duckdb"))
    lags, quotients = list(held.find_all(exp.Lag, exp.IgnoreNulls)), list(held.find_all(exp.Div))
    is_changed = bool(lags or quotients)
    for lag in reversed(lags):  # inner ones first: replacing copies what is inside
        if not isinstance(lag.parent, exp.Window):
            lag.replace(exp.Window(this=lag.copy()))
    for quotient in held.find_all(exp.Div):
        quotient.set("expression", exp.func("nullif", quotient.expression.copy(), exp.Literal.number(0)))
    for node in list(held.find_all(exp.Column)):
        kind = types[node.name]
        if kind == "timestamp" and node.find_ancestor(*_PARTS):
            node.replace(exp.Anonymous(this="timezone", expressions=[exp.Placeholder(this="zone"), node.copy()]))
            is_changed = True
        elif kind == "int32" and node.find_ancestor(exp.Add, exp.Sub, exp.Mul):
            node.replace(exp.cast(node.copy(), "bigint", dialect="duckdb"))
            is_changed = True
    return held, is_changed


def _text(tree: exp.Expr) -> str:
    return tree.sql(dialect="duckdb")
