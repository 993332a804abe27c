"""What the SQL of a mapping says: branches, each with a driving view, joins, a WHERE and named outputs.

Parses with sqlglot and fills in parameters. ``mapping_checks`` says whether names exist, ``mapping_sql`` what is run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import sqlglot
from sqlglot import exp
from sqlglot.dialects.spark import Spark
from sqlglot.errors import ParseError, SqlglotError, TokenError
from sqlglot.parsers.spark import SparkParser

from tallystick.spec.allowed_sql import refused_parts
from tallystick.spec.clock_sql import with_instants
from tallystick.spec.sources import Problem

CLEAN = "clean"


class MappingDialect(Spark):
    """Spark SQL whose function calls are kept as they were written.

    sqlglot would turn many of them into its own notion of the function and write that back, patterns of dates included;
    a mapping must run as its author wrote it.
    """

    class Parser(SparkParser):
        """Knows by name only what has a syntax of its own."""

        FUNCTIONS: ClassVar = {name: SparkParser.FUNCTIONS[name] for name in ("ARRAY", "MAP", "STRUCT")}


DIALECT = MappingDialect

# Each costs the parser and what looks at its tree some calls inside each other, of which Python allows 1,000.
DEEPEST = 50

_PARAMETER = re.compile(r"(')?\$\{(\w+)\}(?(1)'|)")

# One row in must be one row out: these clauses would make the count of rows read and the origin of a row undefined.
_CLAUSES = {
    "with_": "WITH",
    "distinct": "DISTINCT",
    "group": "GROUP BY",
    "having": "HAVING",
    "qualify": "QUALIFY",
    "windows": "WINDOW",
    "laterals": "LATERAL VIEW",
    "order": "ORDER BY",
    "sort": "SORT BY",
    "cluster": "CLUSTER BY",
    "distribute": "DISTRIBUTE BY",
    "limit": "LIMIT",
    "offset": "OFFSET",
}
_NODES: tuple[tuple[type[exp.Expr], str], ...] = (
    (exp.Query, "a query inside the query"),
    (exp.Window, "a window function"),
    (exp.AggFunc, "an aggregate"),
    (exp.Star, "*"),
)
_AGGREGATES = frozenset(
    name for kind in exp.ALL_FUNCTIONS if issubclass(kind, exp.AggFunc) for name in kind.sql_names()
) | {
    "FIRST_VALUE",
    "LAST_VALUE",
    "ANY_VALUE",
    "BOOL_AND",
    "BOOL_OR",
    "EVERY",
    "SOME",
    "MEAN",
    "COLLECT_LIST",
    "COLLECT_SET",
    "BIT_AND",
    "BIT_OR",
    "BIT_XOR",
    "PERCENTILE",
    "SCHEMA_OF_VARIANT_AGG",
    "STD",
    "TRY_AVG",
    "TRY_SUM",
}
_ROW_MAKERS = {"EXPLODE", "EXPLODE_OUTER", "POSEXPLODE", "POSEXPLODE_OUTER", "INLINE", "INLINE_OUTER", "STACK",
               "VARIANT_EXPLODE", "VARIANT_EXPLODE_OUTER"}  # fmt: skip
_CALLS = (
    (_AGGREGATES, "an aggregate"),
    (_ROW_MAKERS, "a function that makes rows"),
)
# Functions whose first argument may be a bare unit, no column; with the number of arguments of that form.
_UNIT_FIRST = {"TIMESTAMPADD": 3, "TIMESTAMPDIFF": 3, "DATEADD": 3, "DATE_ADD": 3, "DATEDIFF": 3, "DATE_DIFF": 3}
_FIXES = {
    "*": "name the columns",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Join:
    """A view that a branch looks up. An inner one must be met, or the row is parked; a left one may be missed."""

    view: str
    alias: str
    is_inner: bool
    on: exp.Expr
    line: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Branch:
    """One SELECT of a mapping: every row of its driving ``view`` becomes one row, or is excluded or rejected."""

    number: int
    view: str
    alias: str
    outputs: tuple[tuple[str, exp.Expr], ...]
    joins: tuple[Join, ...]
    where: exp.Expr | None
    line: int

    @property
    def aliases(self) -> dict[str, str]:
        """The views by the names that columns are qualified with."""
        return {self.alias: self.view} | {join.alias: join.view for join in self.joins}


@dataclass(frozen=True, kw_only=True, slots=True)
class ParsedMapping:
    """The branches of one mapping; more than one where it is a UNION ALL."""

    table: str
    path: str
    branches: tuple[Branch, ...]

    @property
    def views(self) -> tuple[str, ...]:
        """All views that are read, sorted, ``clean.`` tables included."""
        return tuple(sorted({view for branch in self.branches for view in branch.aliases.values()}))

    @property
    def clean_tables(self) -> tuple[str, ...]:
        """The clean tables that are looked up, without their layer: they are mapped first."""
        return tuple(view.partition(".")[2] for view in self.views if view.startswith(f"{CLEAN}."))


def fill_parameters(sql: str, values: Mapping[str, str], *, where: str = "") -> tuple[str, list[Problem]]:
    """``sql`` with every ``${name}`` replaced by its value as a quoted SQL text, and what could not be replaced.

    The only place where text becomes part of SQL. ``'${name}'`` means the same as ``${name}``.
    """
    problems: list[Problem] = []

    def literal(match: re.Match[str]) -> str:
        name = match[2]
        if name not in values:
            line = sql.count("\n", 0, match.start()) + 1
            known = ", ".join(sorted(values))
            problems.append(Problem(where=f"{where}:{line}", what=f"unknown parameter {name}", fix=f"known: {known}"))
        return text_sql(values.get(name, ""))

    return _PARAMETER.sub(literal, sql), problems


def text_sql(value: str) -> str:
    """``value`` as a Spark SQL text literal."""
    return exp.Literal.string(value).sql(dialect=DIALECT)


def parse_mapping(table: str, sql: str, path: str) -> tuple[ParsedMapping | None, list[Problem]]:
    """The mapping in ``sql``, parameters already filled in, or None, and what is wrong with its form."""
    tree, problems = parse_query(sql, path, is_view=False)
    if tree is None:
        return None, problems
    branches: list[Branch] = []
    for number, select in enumerate(_selects(tree, path, problems)):
        names = [name for name, _ in branches[0].outputs] if branches else []
        branch = _parse_branch(number, select, path, problems, names)
        if branch is not None:
            branches.append(branch)
    parsed = ParsedMapping(table=table, path=path, branches=tuple(branches)) if branches else None
    return parsed, problems


def parse_query(
    sql: str, path: str, *, first_line: int = 1, is_view: bool = True
) -> tuple[exp.Expr | None, list[Problem]]:
    """The one query in ``sql``, or None and the syntax error, or what ``allowed_sql`` refuses, with the line."""
    if _depth(sql) > DEEPEST:
        return None, [Problem(where=f"{path}:{first_line}", what=f"more than {DEEPEST} parentheses in each other")]
    try:
        trees = [tree for tree in sqlglot.parse(sql, dialect=DIALECT) if tree is not None]
    except ParseError as error:
        first = error.errors[0] if error.errors else {}
        line = int(first.get("line") or 1) + first_line - 1
        near = str(first.get("highlight") or "").strip()
        told = f"not SQL: {first.get('description', 'syntax error')}" + (f" near {near}" if near else "")
        return None, [Problem(where=f"{path}:{line}", what=told, fix="it is read as Spark SQL")]
    except TokenError:
        return None, [Problem(where=f"{path}:{first_line}", what="not SQL: a quote or comment is not closed")]
    except (SqlglotError, AttributeError, IndexError, KeyError, RecursionError, TypeError, ValueError):
        # The parser stumbles over syntax of other dialects that it only half knows, such as |>.
        what = "not SQL that can be read"
        return None, [Problem(where=f"{path}:{first_line}", what=what, fix="it is read as Spark SQL")]
    if len(trees) != 1 or not isinstance(trees[0], exp.Query):
        return None, [Problem(where=f"{path}:{first_line}", what="not one query", fix="write one SELECT, or UNION ALL")]
    refused = [
        Problem(where=f"{path}:{line_of(node) + first_line - 1}", what=what, fix=fix)
        for node, what, fix in refused_parts(trees[0])
        # A mapping has no LIMIT at all, which its own rules say.
        if is_view or not (node is trees[0] and node.args.get("limit"))
    ]
    return (None, refused) if refused else (_mark_clocks(with_instants(_mark_units(trees[0]))), [])


def _depth(sql: str) -> int:
    """How many parentheses stand in each other at most, those in quotes counted along."""
    depth = deepest = 0
    for sign in sql:
        depth += (sign == "(") - (sign == ")")
        deepest = max(deepest, depth)
    return deepest


def line_of(node: exp.Expr, default: int = 1) -> int:
    """The line of the first token under ``node`` that has one, else of what ``node`` is part of."""
    around: exp.Expr | None = node
    while around is not None:
        lines = [int(found.meta["line"]) for found in around.walk() if "line" in found.meta]
        if lines:
            return min(lines)
        around = around.parent
    return default


def table_name(table: exp.Table) -> str:
    """The view a FROM or JOIN names: ``trans``, or ``clean.accounts``."""
    return f"{table.db}.{table.name}" if table.db else table.name


def split_conjunction(condition: exp.Expr) -> Iterator[exp.Expr]:
    """The parts of ``a AND b AND c``."""
    condition = condition.unnest()
    if isinstance(condition, exp.And):
        yield from split_conjunction(condition.this)
        yield from split_conjunction(condition.expression)
    else:
        yield condition


def _selects(tree: exp.Expr, path: str, problems: list[Problem]) -> list[exp.Select]:
    """The SELECTs of a UNION ALL from left to right."""
    if isinstance(tree, exp.Subquery) and not tree.alias:
        return _selects(tree.this, path, problems)
    if isinstance(tree, exp.Select):
        return [tree]
    _refuse_clauses(tree, path, problems)
    if isinstance(tree, exp.Union) and not tree.args.get("distinct"):
        return [*_selects(tree.this, path, problems), *_selects(tree.expression, path, problems)]
    what = f"{type(tree).__name__.upper()} loses count of rows"
    problems.append(Problem(where=f"{path}:{line_of(tree)}", what=what, fix="join SELECTs by UNION ALL only"))
    return []


def _parse_branch(
    number: int, select: exp.Select, path: str, problems: list[Problem], names: list[str]
) -> Branch | None:
    """One SELECT; ``names`` are those of the first one, which name the columns of all, by position."""
    line = line_of(select)
    _refuse_clauses(select, path, problems)
    _refuse_nodes(select, path, problems)
    source = select.args.get("from_")
    if source is None or not isinstance(source.this, exp.Table):
        problems.append(Problem(where=f"{path}:{line}", what="SELECT without a driving view", fix="FROM <view>"))
        return None
    driver = source.this
    joins = [_parse_join(join, path, problems) for join in select.args.get("joins") or ()]
    where = select.args.get("where")
    branch = Branch(
        number=number,
        view=table_name(driver),
        alias=driver.alias_or_name,
        outputs=_parse_outputs(select, path, problems, names),
        joins=tuple(join for join in joins if join is not None),
        where=where.this if where is not None else None,
        line=line_of(driver, line),
    )
    if len(branch.aliases) <= len(branch.joins):
        problems.append(Problem(where=f"{path}:{branch.line}", what="two views have one alias"))
    return branch


def _parse_outputs(
    select: exp.Select, path: str, problems: list[Problem], names: list[str]
) -> tuple[tuple[str, exp.Expr], ...]:
    if names and len(select.expressions) != len(names):
        what = f"{len(select.expressions)} columns where the first SELECT has {len(names)}"
        problems.append(Problem(where=f"{path}:{line_of(select)}", what=what, fix="same columns, same order"))
        return ()
    outputs: dict[str, exp.Expr] = {}
    for place, item in enumerate(select.expressions):
        name = names[place] if names else item.alias_or_name
        where = f"{path}:{line_of(item, line_of(select))}"
        if not name or not (names or isinstance(item, (exp.Alias, exp.Column))):
            problems.append(Problem(where=where, what="an expression has no name", fix="add AS <column>"))
        elif names and isinstance(item, exp.Alias) and item.alias != name:
            what = f"column {item.alias} stands where the first SELECT has {name}"
            problems.append(Problem(where=where, what=what, fix="same columns, same order"))
        elif name in outputs:
            problems.append(Problem(where=where, what=f"column {name} is selected twice"))
        else:
            outputs[name] = item.unalias()
    return tuple(outputs.items())


def _parse_join(join: exp.Join, path: str, problems: list[Problem]) -> Join | None:
    line = line_of(join)
    side, kind = (join.side or "").upper(), (join.kind or "").upper()
    is_inner = not side and kind in ("", "INNER")
    is_left = side == "LEFT" and kind in ("", "OUTER")
    what = fix = ""
    if not isinstance(join.this, exp.Table):
        what, fix = "a join of something that is no view", "declare it under views: in source.yaml and join its name"
    elif join.method or not (is_inner or is_left):
        what, fix = "a join that is neither JOIN nor LEFT JOIN", "one row of the driving view must stay one row"
    elif join.args.get("on") is None:
        what, fix = "a join without ON", "write ON <view>.<key> = <column>"
    if what:
        problems.append(Problem(where=f"{path}:{line}", what=what, fix=fix))
        return None
    alias = join.this.alias_or_name
    return Join(view=table_name(join.this), alias=alias, is_inner=is_inner, on=join.args["on"], line=line)


def _refuse_clauses(query: exp.Expr, path: str, problems: list[Problem]) -> None:
    found: Sequence[str] = [word for key, word in _CLAUSES.items() if query.args.get(key)]
    for word in found:
        fix = "one row of the driving view is one row of the table; declare such a query under views: in source.yaml"
        problems.append(Problem(where=f"{path}:{line_of(query)}", what=f"{word} in a mapping", fix=fix))


def _refuse_nodes(select: exp.Select, path: str, problems: list[Problem]) -> None:
    for node in select.walk():
        if node is select or isinstance(node, exp.Subquery):
            continue
        told = next((told for kind, told in _NODES if isinstance(node, kind)), "")
        if isinstance(node, exp.Any) and not isinstance(node.parent, (exp.Like, exp.ILike)):
            told = "an aggregate"
        if isinstance(node, exp.Anonymous):
            told = next((told for names, told in _CALLS if node.name.upper() in names), "")
        if told:
            fix = _FIXES.get(told, "declare such a query under views: in source.yaml")
            problems.append(Problem(where=f"{path}:{line_of(node)}", what=f"{told} in a mapping", fix=fix))


def _mark_units(tree: exp.Expr) -> exp.Expr:
    """Make a bare unit such as SECOND in ``timestampadd(SECOND, 5, t)`` a word instead of a column."""
    for call in tree.find_all(exp.Anonymous):
        arguments = call.expressions
        if _UNIT_FIRST.get(call.name.upper()) == len(arguments) and isinstance(arguments[0], exp.Column):
            arguments[0].replace(exp.var(arguments[0].name))
    return tree


def _mark_clocks(tree: exp.Expr) -> exp.Expr:
    """Read the text in ``TO_UTC_TIMESTAMP(CAST(t AS TIMESTAMP), zone)`` as the wall clock that it is taken for: a text
    with a zone of its own would be shifted twice.
    """
    for call in tree.find_all(exp.Anonymous):
        if call.name.upper() != "TO_UTC_TIMESTAMP" or not call.expressions:
            continue
        read = call.expressions[0].unnest()
        if isinstance(read, exp.Cast) and read.to.is_type(exp.DType.TIMESTAMP, exp.DType.TIMESTAMPTZ):
            read.set("to", exp.DataType.build("TIMESTAMP_NTZ", dialect=DIALECT))
        elif isinstance(read, exp.Anonymous) and read.name.upper() in ("TO_TIMESTAMP", "TIMESTAMP"):
            read.set("this", "TO_TIMESTAMP_NTZ")
    return tree
