"""Which files the rows of a derived view come from, as opposed to those that it only looks something up in.

Apart from ``mapping_checks``, which names every view of a query: a table is as fresh as the files that make its rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlglot import exp

from tallystick.spec.mappings import table_name


def makes_rows(query: exp.Expr, is_there: Callable[[str], bool]) -> bool:
    """Whether the files that are there can make rows of a query; ``is_there`` says so of each view that it reads.

    The view of FROM makes them, with those of inner and semi joins: without one of these there is no row. What is
    joined by LEFT or ANTI, or stands in WHERE, is looked up. Of a RIGHT JOIN the right side makes the rows, of a FULL
    JOIN either, of UNION any part, of INTERSECT all, of EXCEPT the first. Constants are always there, and alone make
    none: a query without any view makes no rows.
    """
    return bool(_made(query, {}, is_there))


# Whether rows can be made of a part of a query; None where it reads no view, so that it decides nothing.
_Made = bool | None


def _made(query: exp.Expr, named: Mapping[str, _Made], is_there: Callable[[str], bool]) -> _Made:
    """``named`` are the parts that WITH has named so far."""
    known = dict(named)
    for cte in getattr(query, "ctes", ()):
        known[cte.alias] = _made(cte.this, known, is_there)
    if isinstance(query, exp.Table):
        name = table_name(query)
        found: _Made = known[name] if name in known else is_there(name)
    elif isinstance(query, exp.SetOperation):
        left, right = (_made(side, known, is_there) for side in (query.this, query.expression))
        if isinstance(query, exp.Except):
            return left
        return _both(left, right) if isinstance(query, exp.Intersect) else _either(left, right)
    elif isinstance(query, exp.Select):
        source = query.args.get("from_")
        found = _made(source.this, known, is_there) if source is not None else None
    elif isinstance(query, (exp.Subquery, exp.Paren)):
        found = _made(query.this, known, is_there)
    else:
        return None
    for join in query.args.get("joins") or ():
        found = _joined(join, found, _made(join.this, known, is_there))
    return found


def _joined(join: exp.Join, left: _Made, right: _Made) -> _Made:
    if join.kind == "ANTI" or (join.side == "LEFT" and join.kind != "SEMI"):
        return left
    if join.side == "RIGHT":
        return right
    return _either(left, right) if join.side == "FULL" else _both(left, right)


def _both(left: _Made, right: _Made) -> _Made:
    decided = [one for one in (left, right) if one is not None]
    return all(decided) if decided else None


def _either(left: _Made, right: _Made) -> _Made:
    decided = [one for one in (left, right) if one is not None]
    return any(decided) if decided else None
