"""Whether a view that numbers its rows, or looks at the one before, says in full in which order they stand.

Of two rows that tie Spark takes whichever comes first in the files, or from the faster task: the same delivery could
give other rows. So the order must end in what makes a row of the query unique: the declared keys of the views that it
reads, or what it groups by. Apart from ``allowed_sql``, which knows no view.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from sqlglot import exp

from tallystick.spec.mappings import split_conjunction, table_name

# Their answer differs between rows that tie. RANK, DENSE_RANK, CUME_DIST and PERCENT_RANK give those the same one.
_BY_PLACE = frozenset(("ROW_NUMBER", "NTILE", "LAG", "LEAD", "FIRST", "FIRST_VALUE", "LAST", "LAST_VALUE", "NTH_VALUE",
                       "ANY_VALUE", "COLLECT_LIST", "ARRAY_AGG"))  # fmt: skip
_AROUND = (exp.Filter, exp.IgnoreNulls, exp.RespectNulls)

# Where a row stands in the files of a view.
_PLACE = frozenset(("_file", "_line"))

# Names of columns in lower case; None where nothing is known to make a row unique.
Key = frozenset[str] | None


def open_orders(tree: exp.Expr, keys: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, str]]:
    """What in a view's query depends on the order of rows that tie, and what to do; ``keys`` are those of the views."""
    inner: dict[str, Key] = {}
    for cte in tree.find_all(exp.CTE):
        inner[cte.alias.casefold()] = _key_of(cte.this, keys, inner)
    for select in tree.find_all(exp.Select):
        key = _rows_key(select, keys, inner)
        for name, named in _orders(select):
            is_placed = _reads_one_table(select) and named >= _PLACE
            if not is_placed and (key is None or key - named):
                yield _told(name, key)


def _told(name: str, key: Key) -> tuple[str, str]:
    what = f"{name} depends on which of two rows that tie comes first"
    if key is None:
        fix = "end its ORDER BY with the view's declared key, or with _file, _line; RANK, MIN and MAX do without"
        return what, fix
    return what, f"end its ORDER BY with what makes a row unique: {', '.join(sorted(key))}"


def _orders(select: exp.Select) -> Iterator[tuple[str, frozenset[str]]]:
    """What looks at the place of rows, and the columns that it orders by, those of its partition included."""
    named = {one.name.casefold(): one for one in select.args.get("windows") or ()}
    for window in (one for one in select.find_all(exp.Window) if one.find_ancestor(exp.Select) is select):
        call = window.this
        while isinstance(call, _AROUND):
            call = call.this
        if not isinstance(call, exp.Anonymous):
            continue
        name, whole = call.name.upper(), named.get(window.alias.casefold(), window)
        if name in _BY_PLACE or _is_running(whole):
            order = whole.args.get("order")
            parts = [
                *(whole.args.get("partition_by") or ()),
                *(one.this for one in (order.expressions if order else ())),
            ]
            yield name, _columns(parts)
    order = select.args.get("order")
    if order and (select.args.get("limit") or select.args.get("offset")):
        yield "LIMIT", _columns(one.this for one in order.expressions)


def _is_running(window: exp.Expr) -> bool:
    """Whether a frame counts rows, so that which of two that tie stands first matters."""
    spec = window.args.get("spec")
    if spec is None or str(spec.args.get("kind") or "").upper() != "ROWS":
        return False
    ends = {str(spec.args.get(name) or "").upper() for name in ("start", "end")}
    return ends != {"UNBOUNDED"}


def _columns(parts: Iterator[exp.Expr] | Sequence[exp.Expr]) -> frozenset[str]:
    return frozenset(part.name.casefold() for part in parts if isinstance(part, exp.Column))


def _key_of(query: exp.Expr, keys: Mapping[str, Sequence[str]], inner: Mapping[str, Key]) -> Key:
    """What makes a row of a query's result unique, by the names of its columns."""
    query = query.unnest()
    if not isinstance(query, exp.Select):
        return None
    key = _rows_key(query, keys, inner)
    given = {
        one.unalias().name.casefold(): one.alias_or_name.casefold()
        for one in query.expressions
        if isinstance(one.unalias(), exp.Column)
    }
    if query.args.get("distinct"):
        return frozenset(one.alias_or_name.casefold() for one in query.expressions)
    if key is None or any(isinstance(one, exp.Star) for one in query.expressions):
        return key
    return frozenset(given[name] for name in key) if key <= set(given) else None


def _rows_key(select: exp.Select, keys: Mapping[str, Sequence[str]], inner: Mapping[str, Key]) -> Key:
    """What makes a row of a SELECT unique before its columns are chosen: what it groups by, or the keys of what it
    reads. A joined view whose key the ON compares adds nothing.
    """
    group, source = select.args.get("group"), select.args.get("from_")
    if group is not None:
        is_plain = all(isinstance(one, exp.Column) for one in group.expressions) and len(group.args) == 1
        return _columns(group.expressions) if group.expressions and is_plain else None
    if source is None or select.args.get("laterals") or _makes_rows(select):
        return None
    found = _relation_key(source.this, keys, inner)
    for join in select.args.get("joins") or ():
        own = _relation_key(join.this, keys, inner)
        if found is None or own is None:
            return None
        found |= frozenset() if own <= _compared(join) else own
    return found


def _relation_key(node: exp.Expr, keys: Mapping[str, Sequence[str]], inner: Mapping[str, Key]) -> Key:
    if isinstance(node, exp.Subquery):
        return _key_of(node.this, keys, inner)
    if not isinstance(node, exp.Table):
        return None
    name = table_name(node)
    if name.casefold() in inner:
        return inner[name.casefold()]
    declared = keys.get(name, ())
    return frozenset(column.casefold() for column in declared) if declared else None


def _compared(join: exp.Join) -> frozenset[str]:
    """The columns of the joined view that its ON sets equal to something of the others."""
    on, own = join.args.get("on"), join.this.alias_or_name.casefold()
    sides = [(part.this, part.expression) for part in split_conjunction(on) if isinstance(part, exp.EQ)] if on else []
    pairs = [pair for one, other in sides for pair in ((one, other), (other, one))]
    return frozenset(
        one.name.casefold()
        for one, other in pairs
        if isinstance(one, exp.Column)
        and one.table.casefold() == own
        and all(column.table and column.table.casefold() != own for column in other.find_all(exp.Column))
    )


def _reads_one_table(select: exp.Select) -> bool:
    source = select.args.get("from_")
    others = ("joins", "laterals", "group", "distinct")
    return source is not None and isinstance(source.this, exp.Table) and not any(select.args.get(one) for one in others)


def _makes_rows(select: exp.Select) -> bool:
    makers = ("EXPLODE", "EXPLODE_OUTER", "POSEXPLODE", "POSEXPLODE_OUTER", "INLINE", "INLINE_OUTER", "STACK")
    calls = (call for one in select.expressions for call in one.find_all(exp.Anonymous))
    return any(call.name.upper() in makers for call in calls)
