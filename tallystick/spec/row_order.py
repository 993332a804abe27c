"""Whether a view that numbers its rows, or looks at the one before, says in full in which order they stand.

Of two rows that tie Spark takes whichever comes first in the files, or from the faster task: the same delivery could
give other rows. So the order must end in what makes a row of the query unique: the declared keys of the views that it
reads, where a row stands in its file, or what it groups by. Apart from ``allowed_sql``, which knows no view.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp

from tallystick.spec.row_keys import PLACE, Keys, QueryRows, RowKeys, output_names

# Their answer differs between rows that tie. RANK, DENSE_RANK, CUME_DIST and PERCENT_RANK give those the same one.
_BY_VALUE = frozenset(("FIRST", "FIRST_VALUE", "LAST", "LAST_VALUE", "NTH_VALUE", "ANY_VALUE", "COLLECT_LIST",
                       "ARRAY_AGG"))  # fmt: skip
_BY_PLACE = frozenset(("ROW_NUMBER", "NTILE", "LAG", "LEAD")) | _BY_VALUE
_AROUND = (exp.Filter, exp.IgnoreNulls, exp.RespectNulls)
_UNKNOWN = (
    "the check knows nothing that makes these rows unique: read views with a declared key, join them on the whole key, "
    "give each SELECT of a UNION ALL a text of its own as a column; RANK, MIN and MAX do without"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Placed:
    """A call that looks at the place of rows, and the values that it orders by, those of its partition included."""

    name: str
    call: exp.Expr
    named: frozenset[str]
    counts_rows: bool


def open_orders(
    tree: exp.Expr, keys: Mapping[str, Sequence[str]], *, files: Collection[str]
) -> Iterator[tuple[str, str]]:
    """What in a view's query depends on the order of rows that tie, and what to do.

    ``keys`` are those of the views; ``files`` are the views that are read from files, whose rows have a place there.
    """
    found = RowKeys(declared=keys, files=files)
    for query in tree.find_all(exp.Query):
        if isinstance(query, exp.Select):
            rows = found.of_select(query)
            yield from _open_windows(rows)
            yield from _open_texts(rows)
        is_cut = query.args.get("order") and (query.args.get("limit") or query.args.get("offset"))
        if is_cut and not _is_cut_clearly(query, found):
            of_rows = found.of_select(query).keys if isinstance(query, exp.Select) else _below(query, found)
            yield _told("LIMIT", of_rows)
    for window in tree.find_all(exp.Window):
        if not isinstance(window.find_ancestor(exp.Query), exp.Select):
            yield _told("a window outside of a SELECT", ())


def _told(name: str, keys: Keys) -> tuple[str, str]:
    what = f"{name} depends on which of two rows that tie comes first"
    if not keys:
        return what, _UNKNOWN
    names = sorted(keys[0])
    is_one = len({name.rpartition(".")[0] for name in names}) == 1
    said = ", ".join(name.rpartition(".")[2] if is_one else name for name in names)
    if {name.rpartition(".")[2] for name in names} == PLACE:
        said += "; RANK, MIN and MAX do without"
    return what, f"end its ORDER BY with what makes a row unique: {said}"


def _open_windows(rows: QueryRows) -> Iterator[tuple[str, str]]:
    for one in _placed(rows):
        if not (rows.covers(one.named, rows.keys) or _gives_what_orders(rows, one)):
            yield _told(one.name, rows.keys)


def _placed(rows: QueryRows) -> Iterator[_Placed]:
    select = rows.select
    named = {one.name.casefold(): one for one in select.args.get("windows") or ()}
    for window in (one for one in select.find_all(exp.Window) if one.find_ancestor(exp.Query) is select):
        call = window.this
        while isinstance(call, _AROUND):
            call = call.this
        if not isinstance(call, (exp.Anonymous, exp.AggFunc)):
            continue
        name = call.name.upper() if isinstance(call, exp.Anonymous) else type(call).__name__.upper()
        whole = named.get(window.alias.casefold(), window)
        counts_rows = _counts_rows(whole)
        if name in _BY_PLACE or counts_rows:
            order = whole.args.get("order")
            parts = [*(whole.args.get("partition_by") or ()), *(one.this for one in (order or exp.Order()).expressions)]
            yield _Placed(name=name, call=call, named=frozenset(map(rows.told, parts)), counts_rows=counts_rows)


def _counts_rows(window: exp.Expr) -> bool:
    """Whether a frame counts rows, so that which of two that tie stands first matters."""
    spec = window.args.get("spec")
    if spec is None or str(spec.args.get("kind") or "").upper() != "ROWS":
        return False
    ends = {str(spec.args.get(name) or "").upper() for name in ("start", "end")}
    return ends != {"UNBOUNDED"}


def _gives_what_orders(rows: QueryRows, one: _Placed) -> bool:
    """Whether a call gives a value that rows which tie have in common: FIRST_VALUE(a) in the order of a."""
    if one.name not in _BY_VALUE or one.counts_rows or not one.call.expressions:
        return False
    return _is_named(rows, one.call.expressions[0], one.named)


def _is_named(rows: QueryRows, node: exp.Expr, named: Collection[str]) -> bool:
    return rows.told(node) in named or all(rows.told(column) in named for column in node.find_all(exp.Column))


def _open_texts(rows: QueryRows) -> Iterator[tuple[str, str]]:
    """STRING_AGG in an order in which other texts may tie."""
    for call in rows.select.find_all(exp.GroupConcat):
        if call.find_ancestor(exp.Query) is not rows.select or not isinstance(call.this, exp.Order):
            continue
        named = {rows.told(one.this) for one in call.this.expressions}
        group = rows.select.args.get("group")
        whole = named | {rows.told(one) for one in (group.expressions if group else ())}
        value = call.this.this
        values = value.expressions if isinstance(value, exp.Distinct) else [value]
        if not (rows.covers(whole, rows.read) or all(_is_named(rows, one, named) for one in values)):
            yield _told("STRING_AGG", rows.read)


def _below(query: exp.Expr, found: RowKeys) -> Keys:
    return found.of_query(query.this) if isinstance(query, exp.Subquery) else found.of_query(query)


def _is_cut_clearly(query: exp.Expr, found: RowKeys) -> bool:
    """Whether LIMIT takes the same rows each time, because its order holds a key."""
    names = output_names(query)
    order = [one.this.unnest() for one in query.args["order"].expressions]
    shown = {name for one in order if (name := _output(one, names))}
    if not isinstance(query, exp.Select):
        # What stands around a query in parentheses, or after UNION, sees the columns of the result only.
        bare = {one.name.casefold() for one in order if isinstance(one, exp.Column) and not one.table}
        return any(key <= shown | bare for key in _below(query, found))
    rows = found.of_select(query)
    # A bare name is first that of a column of the result, whatever the views call so.
    aliased = {one.alias.casefold(): one.this for one in query.expressions if isinstance(one, exp.Alias)}
    named = set()
    for one in order:
        name = _output(one, names) or (one.name.casefold() if isinstance(one, exp.Column) and not one.table else "")
        if name in aliased:
            named.add(rows.told(aliased[name]))
        elif name in names and isinstance(one, exp.Literal):
            named.add(rows.told(query.expressions[names.index(name)]))
        else:
            named.add(rows.told(one))
    is_of_distinct = query.args.get("distinct") and any(key <= shown for key in found.of_query(query))
    return bool(is_of_distinct) or rows.covers(named, rows.keys)


def _output(node: exp.Expr, names: list[str]) -> str:
    """The column of the result that a part of ORDER BY names, by its name or its place; empty for none."""
    if isinstance(node, exp.Column) and not node.table and node.name.casefold() in names:
        return node.name.casefold()
    is_place = isinstance(node, exp.Literal) and not node.is_string and node.name.isdigit()
    return names[int(node.name) - 1] if is_place and 0 < int(node.name) <= len(names) else ""
