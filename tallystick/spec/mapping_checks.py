"""Whether a mapping's names exist and its rows can be what the clean table's contract says, before any data is read.

Kept apart from ``mappings``, which parses: these checks need the views and the contract as well as the SQL.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlglot import exp
from sqlglot.errors import OptimizeError
from sqlglot.optimizer.qualify import qualify

from tallystick.spec.mapping_values import check_instants, check_values
from tallystick.spec.mappings import (
    DIALECT,
    Branch,
    Join,
    ParsedMapping,
    line_of,
    split_conjunction,
    table_name,
)
from tallystick.spec.row_order import open_orders
from tallystick.spec.sources import ORIGIN_COLUMNS, KnownOn, Problem
from tallystick.spec.tables import TableContract

# Columns that the machinery fills; a mapping that selects one of them would contradict the declared rule.
MACHINE_COLUMNS = ("source", "bucket", "period", "loaded_on")
# Columns that a mapping may select and that are filled when it does not.
OPTIONAL_TECHNICAL = ("is_retracted", "sequence")

# Functions whose text argument would be cast without a trace when it is no number or time.
_NUMERIC = (exp.Add, exp.Sub, exp.Mul, exp.Div, exp.IntDiv, exp.Mod, exp.Neg)
_COMPARED = (exp.GT, exp.GTE, exp.LT, exp.LTE, exp.EQ, exp.NEQ)
_TYPED_FUNCTIONS = {
    **dict.fromkeys(
        ("ABS", "ROUND", "BROUND", "SIGN", "TIMESTAMP_SECONDS", "TIMESTAMP_MILLIS", "FROM_UNIXTIME"), "number"
    ),
    "H3_CELL": "coordinate",
    **dict.fromkeys(("TO_UTC_TIMESTAMP", "ADD_MONTHS", "DATE_ADD", "DATE_SUB", "LAST_DAY"), "time"),
}
_INSTANT_FUNCTIONS = {"TIMESTAMP", "TO_TIMESTAMP", "TO_TIMESTAMP_LTZ", "TRY_TO_TIMESTAMP"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Shape:
    """What a view offers: its columns, what makes a row unique (empty: nothing, so that it cannot be joined), and
    whether its columns are text, as those of files are but for ``typed`` ones. Of a view that ``is_unread`` neither is
    known, because its own declaration is wrong: what reads it cannot be judged.
    """

    columns: tuple[str, ...]
    key: tuple[str, ...]
    is_text: bool = False
    is_unread: bool = False
    typed: tuple[str, ...] = ()

    def has_text(self, column: str) -> bool:
        """Whether a column's values are text as the supplier wrote it."""
        return self.is_text and column != "_line" and column not in self.typed


UNREAD = Shape(columns=(), key=(), is_unread=True)


def clean_shape(contract: TableContract) -> Shape:
    """The newest version of every row of a clean table, as a mapping sees it."""
    return Shape(columns=tuple(column.name for column in contract.columns), key=(contract.event_id,))


def check_mapping(
    mapping: ParsedMapping, contract: TableContract, shapes: Mapping[str, Shape], *, known_on: KnownOn
) -> Iterator[Problem]:
    """What the mapping lacks to fill the contract's table from the views."""
    for branch in mapping.branches:
        unknown = list(_check_views(branch, mapping.path, shapes))
        yield from unknown
        if not unknown and not any(shapes[view].is_unread for view in branch.aliases.values()):
            yield from _check_columns(branch, mapping.path, shapes)
            for join in branch.joins:
                yield from _check_join(join, branch, mapping.path, shapes)
            yield from _check_types(branch, mapping.path, shapes)
            for expression in _expressions(branch):
                yield from check_values(expression, mapping.path, branch.line)
            yield from check_instants(branch, mapping.path, contract)
        # A branch without outputs has another number of columns than the first: that was told, and says it all.
        if branch.outputs:
            yield from _check_outputs(branch, mapping.path, contract, known_on)


def check_view(tree: exp.Expr, shapes: Mapping[str, Shape], *, where: str) -> Iterator[Problem]:
    """What a derived view's query lacks; ``shapes`` are the views it may read."""
    yield from (Problem(where=where, what=told.what, fix=told.fix) for told in check_values(tree, where))
    unknown = [name for name in query_views(tree) if name not in shapes]
    for name in unknown:
        yield Problem(where=where, what=f"unknown view {name}", fix=_near(name, shapes))
    if unknown or any(shapes[name].is_unread for name in query_views(tree)):
        return
    keys = {name: shape.key for name, shape in shapes.items()}
    files = [name for name, shape in shapes.items() if shape.is_text]
    yield from (Problem(where=where, what=what, fix=fix) for what, fix in open_orders(tree, keys, files=files))
    schema: dict[str, object] = {
        name: dict.fromkeys((*shape.columns, *ORIGIN_COLUMNS), "string") for name, shape in shapes.items()
    }
    try:
        qualify(tree.copy(), schema=schema, dialect=DIALECT)
    except OptimizeError as error:
        yield Problem(where=where, what=f"not a query of the views: {str(error).splitlines()[0]}")


def query_views(tree: exp.Expr) -> tuple[str, ...]:
    """The views a derived view's query reads, in order of first mention."""
    inner = {cte.alias for cte in tree.find_all(exp.CTE)}
    names = (table_name(table) for table in tree.find_all(exp.Table))
    return tuple(dict.fromkeys(name for name in names if name not in inner))


def resolve_column(column: exp.Column, branch: Branch, shapes: Mapping[str, Shape]) -> tuple[str, str] | str:
    """The alias and the declared name behind a column, or why there is none.

    Names count without regard to case, as in Spark. A branch's driving view also offers where a row came from.
    """
    aliases = branch.aliases
    if column.args.get("db"):
        return f"column {column.sql(dialect=DIALECT)} has too many dots"
    if column.table and column.table not in aliases:
        return f"unknown view {column.table}"
    found = []
    for alias in [column.table] if column.table else aliases:
        offered = shapes[aliases[alias]].columns + (ORIGIN_COLUMNS if alias == branch.alias else ())
        found += [(alias, name) for name in offered if name.casefold() == column.name.casefold()]
    if len(found) == 1:
        return found[0]
    if found:
        return f"column {column.name} is in several views"
    offered = tuple(name for alias in aliases for name in shapes[aliases[alias]].columns)
    near = difflib.get_close_matches(column.name, offered, n=1)
    of = f"view {aliases[column.table]} has no" if column.table else "no view here has a"
    return f"{of} column {column.name}" + (f"; {near[0]} is near" if near else "")


def columns_of(expression: exp.Expr) -> Iterator[exp.Column]:
    """The columns in an expression; a lambda's own names are none."""
    return expression.find_all(exp.Column)


def join_keys(join: Join, branch: Branch, shapes: Mapping[str, Shape]) -> dict[str, exp.Expr]:
    """The expression each key column of a joined view is compared with; a key that is not compared is absent."""
    keys: dict[str, exp.Expr] = {}
    for part in split_conjunction(join.on):
        if not isinstance(part, exp.EQ):
            continue
        for mine, other in ((part.this, part.expression), (part.expression, part.this)):
            if not isinstance(mine, exp.Column):
                continue
            found = resolve_column(mine, branch, shapes)
            others = [resolve_column(column, branch, shapes) for column in columns_of(other)]
            if isinstance(found, tuple) and found[0] == join.alias and all(name[0] != join.alias for name in others):
                keys[found[1]] = other
    return {name: keys[name] for name in shapes[join.view].key if name in keys}


def _check_views(branch: Branch, path: str, shapes: Mapping[str, Shape]) -> Iterator[Problem]:
    if branch.view.startswith("clean."):
        what = f"{branch.view} drives a mapping"
        yield Problem(
            where=f"{path}:{branch.line}", what=what, fix="clean tables can be joined; drive by a file's view"
        )
    lines = {branch.view: branch.line} | {join.view: join.line for join in branch.joins}
    for view in branch.aliases.values():
        if view not in shapes:
            yield Problem(where=f"{path}:{lines[view]}", what=f"unknown view {view}", fix=_near(view, shapes))


def _check_columns(branch: Branch, path: str, shapes: Mapping[str, Shape]) -> Iterator[Problem]:
    for expression in _expressions(branch):
        for column in columns_of(expression):
            found = resolve_column(column, branch, shapes)
            if isinstance(found, str):
                yield Problem(where=f"{path}:{line_of(column, branch.line)}", what=found)


def _check_join(join: Join, branch: Branch, path: str, shapes: Mapping[str, Shape]) -> Iterator[Problem]:
    where = f"{path}:{join.line}"
    key = shapes[join.view].key
    if not key:
        yield Problem(
            where=where, what=f"view {join.view} is joined but has no key", fix="declare its key in source.yaml"
        )
        return
    missing = [name for name in key if name not in join_keys(join, branch, shapes)]
    if missing:
        fix = f"only a join on the whole key {', '.join(key)} keeps one row one row"
        yield Problem(where=where, what=f"the join of {join.view} does not compare {missing[0]}", fix=fix)


def _check_outputs(branch: Branch, path: str, contract: TableContract, known_on: KnownOn) -> Iterator[Problem]:
    names = [column.name for column in contract.columns]
    own = [*MACHINE_COLUMNS, *([contract.known_on] if known_on.kind != "column" else [])]
    wanted = [name for name in names if name not in own and name not in OPTIONAL_TECHNICAL]
    selected = dict(branch.outputs)
    where = f"{path}:{branch.line}"
    for name, expression in branch.outputs:
        place = f"{path}:{line_of(expression, branch.line)}"
        if name in own and name in names:
            yield Problem(where=place, what=f"{name} is filled by the machinery", fix="leave it out of the SELECT")
        elif name not in names:
            yield Problem(where=place, what=f"{contract.name} has no column {name}", fix=_near(name, wanted))
    for name in wanted:
        if name not in selected and contract.column(name).required:
            yield Problem(where=where, what=f"{name} is not selected", fix=f"{contract.name} requires it")
        elif name not in selected:
            fix = f"CAST(NULL AS STRING) AS {name} when the supplier has none"
            yield Problem(where=where, what=f"{name} is not selected", fix=fix)
    event_at = selected.get(contract.event_at)
    if event_at is not None and _is_read_as_utc(event_at):
        fix = f"leave it as text for local time, or to_utc_timestamp(..., ${{zone}}) AS {contract.event_at}"
        place = f"{path}:{line_of(event_at, branch.line)}"
        yield Problem(where=place, what=f"{contract.event_at} would read local time as UTC", fix=fix)


def _check_types(branch: Branch, path: str, shapes: Mapping[str, Shape]) -> Iterator[Problem]:
    """Text of a file used as a number or time: Spark would convert it on the way and stop on the first bad one."""
    for expression in _expressions(branch):
        for node in expression.find_all(*_NUMERIC, *_COMPARED, exp.Between, exp.In, exp.Case, exp.Anonymous):
            for side, kind in _typed_sides(node):
                if isinstance(side, exp.Column) and _is_text(side, branch, shapes):
                    target = {"number": "DECIMAL(18, 2)", "coordinate": "DOUBLE"}.get(kind, "DATE")
                    fix = f"CAST({side.sql(dialect=DIALECT)} AS {target})"
                    what = f"column {side.name} is text and is used as a {kind}"
                    yield Problem(where=f"{path}:{line_of(side, branch.line)}", what=what, fix=fix)


def _typed_sides(node: exp.Expr) -> list[tuple[exp.Expr, str]]:
    """The operands that must be a number or time, and which of the two."""
    if isinstance(node, (exp.Between, exp.In, exp.Case)):
        return _chosen_sides(node)
    if isinstance(node, exp.Anonymous):
        kind = _TYPED_FUNCTIONS.get(node.name.upper(), "")
        return [(side, kind) for side in node.expressions[: 2 if kind == "coordinate" else 1]] if kind else []
    sides = [side for side in (node.args.get("this"), node.args.get("expression")) if isinstance(side, exp.Expr)]
    if isinstance(node, _COMPARED) and not any(_is_number(side) for side in sides):
        return []
    return [(side.unnest(), "number") for side in sides]


def _chosen_sides(node: exp.Between | exp.In | exp.Case) -> list[tuple[exp.Expr, str]]:
    """What BETWEEN, IN or ``CASE x WHEN`` hold against numbers."""
    if isinstance(node, exp.Case):
        others = [test.this for test in node.args["ifs"]]
    else:
        others = node.expressions if isinstance(node, exp.In) else [node.args["low"], node.args["high"]]
    is_asked = node.this is not None and any(_is_number(other) for other in others)
    return [(node.this.unnest(), "number")] if is_asked else []


def _is_text(column: exp.Column, branch: Branch, shapes: Mapping[str, Shape]) -> bool:
    found = resolve_column(column, branch, shapes)
    return isinstance(found, tuple) and shapes[branch.aliases[found[0]]].has_text(found[1])


def _is_number(node: exp.Expr) -> bool:
    node = node.unnest()
    return (isinstance(node, exp.Literal) and not node.is_string) or isinstance(node, exp.Neg)


def _is_read_as_utc(expression: exp.Expr) -> bool:
    """Whether an instant is made of text without a word about its zone: Spark takes the session's, which is UTC."""
    node = expression.unnest()
    if isinstance(node, (exp.Cast, exp.TryCast)):
        return node.to.is_type(exp.DType.TIMESTAMP, exp.DType.TIMESTAMPTZ)
    return isinstance(node, exp.Anonymous) and node.name.upper() in _INSTANT_FUNCTIONS


def _expressions(branch: Branch) -> Iterator[exp.Expr]:
    for _, expression in branch.outputs:
        yield expression
    for join in branch.joins:
        yield join.on
    if branch.where is not None:
        yield branch.where


def _near(name: str, known: Mapping[str, object] | list[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"did you mean {near[0]}?" if near else f"known: {', '.join(sorted(known))}"
