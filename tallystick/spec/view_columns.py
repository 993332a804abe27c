"""Which columns an expression of a mapping takes its values from, and which columns of files stand behind them.

Apart from the checks of identifiers: lineage asks the same of every column.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.lineage import lineage

from tallystick.spec.mapping_checks import Shape, query_views
from tallystick.spec.mappings import DIALECT
from tallystick.spec.sources import Source


def columns_behind(
    view: str, column: str, *, source: Source, views: Mapping[str, exp.Expr], shapes: Mapping[str, Shape]
) -> set[tuple[str, str]]:
    """The columns, each with the name of its file's view, that ``column`` of ``view`` is made of.

    ``views`` are the queries of the derived views. Empty where the column is none of a file or of a derived view, or
    is made of no column at all.
    """
    if view in source.files:
        return {(view, column)} if column in source.files[view].columns else set()
    if view not in views:
        return set()
    read: dict[str, object] = {name: dict.fromkeys(shapes[name].columns, "string") for name in query_views(views[view])}
    try:
        nodes = list(lineage(column, views[view].copy(), schema=read, dialect=DIALECT).walk())
    except (SqlglotError, ValueError, KeyError):
        return set()
    leaves = [(node.expression.name, node.name.rpartition(".")[2]) for node in nodes
              if isinstance(node.expression, exp.Table)]  # fmt: skip
    return {
        origin
        for name, part in leaves
        for origin in columns_behind(name, part, source=source, views=views, shapes=shapes)
    }


def value_columns(part: exp.Expr) -> Iterator[exp.Column]:
    """The columns whose values go into an expression: not those that only decide which."""
    if isinstance(part, exp.Column):
        yield part
    elif isinstance(part, exp.If):
        yield from (
            column for key in ("true", "false") if part.args.get(key) for column in value_columns(part.args[key])
        )
    elif isinstance(part, exp.Case):
        yield from (column for test in part.args["ifs"] for column in value_columns(test))
        if part.args.get("default") is not None:
            yield from value_columns(part.args["default"])
    elif not isinstance(part, exp.Predicate):
        yield from (column for child in part.iter_expressions() for column in value_columns(child))
