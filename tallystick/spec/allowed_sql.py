"""What the SQL of a mapping or view may be made of: a declaration computes from rows, and does nothing else.

Spark's SQL can call Java methods, start programs, ask who and where it is, read files and draw lots. So every part of
a statement, every clause of a query and every function must be on a list here; what is on none is refused, also what
Spark learns one day. Apart from ``mappings``, whose rules keep one row one row.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping

from sqlglot import exp

from tallystick.spec.bounded_sql import refused_together, unbounded_call
from tallystick.spec.clock_sql import reads_clock
from tallystick.spec.java_patterns import slow_pattern
from tallystick.spec.spark_functions import GRAMMAR_FUNCTIONS, OUR_FUNCTIONS, PURE_FUNCTIONS, SPARK_FUNCTIONS

# Parts that hold values only; what they are made of is looked at part by part.
_VALUES: frozenset[type[exp.Expr]] = frozenset((
    exp.Add, exp.Alias, exp.All, exp.And, exp.Anonymous, exp.Any, exp.Array, exp.Between, exp.BitwiseAnd,
    exp.BitwiseLeftShift, exp.BitwiseNot, exp.BitwiseOr, exp.BitwiseRightShift, exp.BitwiseXor, exp.Boolean,
    exp.Bracket, exp.Case, exp.Cast, exp.Column, exp.ColumnDef, exp.DataType, exp.DataTypeParam,
    exp.Div, exp.Dot, exp.DPipe, exp.EQ, exp.Escape, exp.Exists, exp.Extract, exp.Filter, exp.GT, exp.GTE,
    exp.GroupConcat, exp.ILike, exp.Identifier, exp.If, exp.IgnoreNulls, exp.In, exp.IntDiv, exp.Interval,
    exp.IntervalSpan, exp.Is, exp.LT, exp.LTE, exp.Lambda, exp.Like, exp.Literal, exp.Mod, exp.Mul, exp.NEQ, exp.Neg,
    exp.Not, exp.Null, exp.NullSafeEQ, exp.NullSafeNEQ, exp.Or, exp.Overlay, exp.Paren, exp.PropertyEQ,
    exp.RegexpILike, exp.RegexpLike, exp.RespectNulls, exp.Slice, exp.Star, exp.StrPosition, exp.Struct, exp.Sub,
    exp.Substring, exp.Transform, exp.Trim, exp.TryCast, exp.Tuple, exp.Var, exp.VarMap, exp.Xor,
))  # fmt: skip

# What a part may hold besides ``this``, ``expression`` and ``expressions``. The rest of what the parser knows is of
# other dialects, and would be dropped without a word or stop the load.
_BESIDES: Mapping[type[exp.Expr], frozenset[str]] = {
    kind: frozenset(words.split())
    for kind, words in {
        exp.Alias: "alias",
        exp.Between: "low high",
        exp.Bracket: "offset safe",
        exp.Case: "ifs default",
        exp.Cast: "to safe",
        exp.Column: "table db",
        exp.ColumnDef: "kind",
        exp.DataType: "nested",
        exp.Div: "typed safe",
        exp.DPipe: "safe",
        exp.GroupConcat: "separator",
        exp.Identifier: "quoted",
        exp.If: "true false",
        exp.In: "query",
        exp.Interval: "unit",
        exp.Literal: "is_string",
        exp.Overlay: "from_ for_",
        exp.Star: "except_",
        exp.StrPosition: "substr position",
        exp.Substring: "start length",
        exp.Trim: "position",
        exp.TryCast: "to safe requires_string",
        exp.VarMap: "keys values",
    }.items()
}
_ALWAYS = frozenset(("this", "expression", "expressions"))

# Parts of a query, with the clauses that each may have. A clause that is not named, such as TABLESAMPLE, UNPIVOT,
# VERSION AS OF or a hint, would be dropped without a word or would choose other rows.
_QUERY = {"expressions", "from_", "joins", "where", "group", "having", "distinct", "order", "limit", "offset",
          "qualify", "windows", "laterals", "with_", "this", "alias"}  # fmt: skip
_CLAUSES: Mapping[type[exp.Expr], frozenset[str]] = {
    kind: frozenset(words)
    for kind, words in {
        exp.Select: _QUERY - {"this", "alias"},
        exp.Subquery: _QUERY,
        exp.Union: {"this", "expression", "distinct", "order", "limit", "offset", "with_"},
        exp.Intersect: {"this", "expression", "distinct", "order", "limit", "offset", "with_"},
        exp.Except: {"this", "expression", "distinct", "order", "limit", "offset", "with_"},
        exp.From: {"this"},
        exp.Table: {"this", "db", "alias"},
        exp.TableAlias: {"this", "columns"},
        exp.Join: {"this", "side", "kind", "on", "using", "method"},
        exp.Lateral: {"this", "view", "outer", "alias"},
        exp.Values: {"expressions", "alias"},
        exp.With: {"expressions"},
        exp.CTE: {"this", "alias"},
        exp.Where: {"this"},
        exp.Having: {"this"},
        exp.Qualify: {"this"},
        exp.Group: {"expressions", "all", "cube", "rollup", "grouping_sets"},
        exp.Cube: {"expressions"},
        exp.Rollup: {"expressions"},
        exp.GroupingSets: {"expressions"},
        exp.Order: {"this", "expressions"},
        exp.Ordered: {"this", "desc", "nulls_first"},
        exp.Distinct: {"expressions"},
        exp.Limit: {"expression"},
        exp.Offset: {"expression"},
        exp.Window: {"this", "partition_by", "order", "spec", "alias", "over"},
        exp.WindowSpec: {"kind", "start", "start_side", "end", "end_side"},
    }.items()
}
_NAMES: Mapping[type[exp.Expr], str] = {
    exp.QueryTransform: "TRANSFORM ... USING",
    exp.CurrentUser: "CURRENT_USER",
    exp.Placeholder: "a placeholder",
}
_WORDS = {"sample": "TABLESAMPLE", "pivots": "PIVOT or UNPIVOT", "version": "VERSION AS OF", "hint": "a hint",
          "catalog": "a catalog", "sort": "SORT BY", "cluster": "CLUSTER BY", "distribute": "DISTRIBUTE BY",
          "into": "INTO", "on": "DISTINCT ON", "totals": "WITH TOTALS", "by_name": "BY NAME"}  # fmt: skip
# The words of a join or a window that Spark reads as they are meant; None where nothing is written.
_SAID: Mapping[type[exp.Expr], Mapping[str, tuple[str, ...]]] = {
    exp.Join: {"method": ("NATURAL",), "side": ("LEFT", "RIGHT", "FULL"),
               "kind": ("INNER", "OUTER", "CROSS", "SEMI", "ANTI")},
    exp.Window: {"over": ("OVER",)},
}  # fmt: skip
_CHANCE = frozenset(("RAND", "RANDOM", "RANDN", "RANDSTR", "UNIFORM", "UUID", "SHUFFLE", "MONOTONICALLY_INCREASING_ID",
                     "SPARK_PARTITION_ID"))  # fmt: skip
# Over rows in no declared order each answers by how rows are spread over tasks.
_BY_ORDER = frozenset(("FIRST", "FIRST_VALUE", "LAST", "LAST_VALUE", "NTH_VALUE", "ANY_VALUE", "COLLECT_LIST",
                       "COLLECT_SET", "ARRAY_AGG"))  # fmt: skip
_BY_TIES = (exp.ArgMin, exp.ArgMax)
_UNTOLD_TIES = ("MIN_BY and MAX_BY take any of the rows that tie", "use MIN(STRUCT(<order>, <value>)).<value>, or MAX")
_UNTOLD_MODE = ("MODE takes any of the values that tie", "write MODE(<value>, TRUE), the least of them")
_UNORDERED_TEXT = ("a text of many rows in no order", "add WITHIN GROUP (ORDER BY ...)")
_AROUND_CALLS = (exp.Paren, exp.Filter, exp.IgnoreNulls, exp.RespectNulls)
_ARRAYS = frozenset(("COLLECT_LIST", "COLLECT_SET", "ARRAY_AGG"))
_ALLOWED = PURE_FUNCTIONS | GRAMMAR_FUNCTIONS | OUR_FUNCTIONS
_REPEATABLE = "the same delivery must give the same rows"
_ORDERED = "use MIN or MAX, SORT_ARRAY(COLLECT_LIST(...)), or a window with ORDER BY"
_CLOCK_TOLD = ("the clock may not be read", "use ${load_date}")
_LISTED = "docs/sources.md says what a declaration may use"


def refused_parts(tree: exp.Expr) -> Iterator[tuple[exp.Expr, str, str]]:
    """Every part of a statement that no list allows or that is not bounded, what is wrong, and what to do instead."""
    is_refused = False
    for node in tree.walk():
        found = _refused(node) or unbounded_call(node) or slow_pattern(node)
        if found is not None:
            is_refused = True
            yield node, *found
    together = None if is_refused else refused_together(tree)
    if together is not None:
        yield together


def _refused(node: exp.Expr) -> tuple[str, str] | None:
    """What is wrong with one part, and what to do; None where nothing is."""
    if reads_clock(node):
        return _CLOCK_TOLD
    if isinstance(node, (exp.Anonymous, *_BY_TIES, exp.GroupConcat)):
        return _refused_call(node)
    allowed = _CLAUSES.get(type(node))
    if type(node) in _VALUES:
        allowed = _ALWAYS | _BESIDES.get(type(node), frozenset())
    if allowed is None:
        return f"{_NAMES.get(type(node), type(node).__name__)} is not allowed", _LISTED
    said = _SAID.get(type(node), {})
    for key, value in node.args.items():
        if value and key not in allowed:
            return f"{_WORDS.get(key, key)} is not allowed", _LISTED
        if value and key in said and str(value).upper() not in said[key]:
            return f"{value} is not allowed", _LISTED
    if isinstance(node, (exp.Any, exp.All)) and not _is_quantifier(node):
        return f"{type(node).__name__.upper()} beside a comparison is not allowed", _LISTED
    if (node.args.get("limit") or node.args.get("offset")) and not node.args.get("order"):
        return "LIMIT or OFFSET without ORDER BY takes other rows each time", _REPEATABLE
    if isinstance(node, exp.Table):
        return _refused_table(node)
    return None


def _refused_call(node: exp.Expr) -> tuple[str, str] | None:
    if isinstance(node, exp.GroupConcat):
        return None if isinstance(node.this, exp.Order) else _UNORDERED_TEXT
    if isinstance(node, _BY_TIES):
        return _UNTOLD_TIES
    name = node.name.upper()
    if name in _ALLOWED:
        if name == "MODE" and not _breaks_ties(node):
            return _UNTOLD_MODE
        if name in _BY_ORDER and not _has_order(node):
            return f"{name} depends on the order of rows, and none is said", _ORDERED
        return None
    if name in _CHANCE:
        return f"{name} answers differently each time", _REPEATABLE
    if name in SPARK_FUNCTIONS:
        return f"function {name} is not allowed", _LISTED
    near = difflib.get_close_matches(name, _ALLOWED, n=1)
    return f"unknown function {node.name}", f"did you mean {near[0]}?" if near else "it is read as Spark SQL"


def _is_quantifier(node: exp.Expr) -> bool:
    """Whether ANY or ALL stands where Spark knows it: after LIKE; ANY also alone, where it is BOOL_OR."""
    if isinstance(node.parent, (exp.Like, exp.ILike)):
        return True
    return isinstance(node, exp.Any) and not isinstance(node.parent, exp.Predicate)


def _breaks_ties(node: exp.Expr) -> bool:
    """Whether a MODE says that the least of the most frequent values is meant."""
    asked = node.expressions[1:]
    return len(asked) == 1 and isinstance(asked[0], exp.Boolean) and bool(asked[0].this)


def _has_order(node: exp.Expr) -> bool:
    """Whether a call looks at rows in a declared order: of its window, or because its array is sorted at once.

    A set stands in no order, whatever its window says.
    """
    around = node.parent
    while isinstance(around, _AROUND_CALLS):
        around = around.parent
    if isinstance(around, exp.Window):
        if node.name.upper() != "COLLECT_SET" and (around.args.get("order") or around.args.get("alias")):
            return True
        around = around.parent
    return node.name.upper() in _ARRAYS and around is not None and _sorts(around)


def _sorts(node: exp.Expr) -> bool:
    """Whether a call puts an array in its natural order; for what a comparison takes as equal there is none."""
    name = node.name.upper() if isinstance(node, exp.Anonymous) else ""
    return name == "SORT_ARRAY" or (name == "ARRAY_SORT" and len(node.expressions) == 1)


def _refused_table(node: exp.Table) -> tuple[str, str] | None:
    """A FROM reads a view of the source or a clean table, never a file, a function or another catalog."""
    if not isinstance(node.this, exp.Identifier):
        return "a table function in FROM", "name a file's view, or a view of source.yaml"
    if node.db and node.db != "clean":
        return f"FROM {node.db}.{node.name}", "name a file's view, a view of source.yaml, or clean.<table>"
    return None
