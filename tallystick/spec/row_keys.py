"""What makes a row of a query unique, as far as the query and the declared keys of its views say.

Apart from ``row_order``, which asks whether an order holds that: here is where a name of a column belongs, through
aliases, joins, CTEs and UNION. Where anything is unclear nothing is known, so that an order is refused.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice, product

from sqlglot import exp

# Where a row stands in a file.
PLACE = frozenset(("_file", "_line"))

# Each set of names makes a row unique; none where nothing is known to. Names are in lower case.
Keys = tuple[frozenset[str], ...]

_MAKERS = frozenset(("EXPLODE", "EXPLODE_OUTER", "POSEXPLODE", "POSEXPLODE_OUTER", "INLINE", "INLINE_OUTER", "STACK",
                     "VARIANT_EXPLODE", "VARIANT_EXPLODE_OUTER"))  # fmt: skip
# Joins may have many keys; these are enough to find the one that is meant.
_MOST_KEYS = 16


@dataclass(frozen=True, kw_only=True, slots=True)
class QueryRows:
    """The rows that a SELECT reads: ``read`` says what makes them unique before, ``keys`` after GROUP BY."""

    select: exp.Select
    mentions: dict[str, frozenset[str]]
    read: Keys = ()
    keys: Keys = ()
    using: dict[str, bool] = field(default_factory=dict)
    equal: list[tuple[str, str]] = field(default_factory=list)

    def told(self, node: exp.Expr) -> str:
        """A value as a text that is the same for the same value: of a column, its relation and name."""
        node = node.unnest()
        if isinstance(node, exp.Column):
            return self._column(node)
        copy = node.copy()
        for column in list(copy.find_all(exp.Column)):
            column.replace(exp.to_identifier(self._column(column), quoted=True))
        text: str = copy.sql(dialect="spark", comments=False)
        return text

    def _column(self, node: exp.Column) -> str:
        name, table, db = node.name.casefold(), node.table.casefold(), node.text("db").casefold()
        if table:
            return f"{db}.{table}.{name}" if db not in ("", "clean") else f"{table}.{name}"
        if len(self.mentions) == 1:
            return f"{next(iter(self.mentions))}.{name}"
        # SQL takes a bare name only where one relation has it, or where USING makes the columns of several one.
        having = [alias for alias, names in self.mentions.items() if name in names]
        is_clear = self.using.get(name, len(having) == 1)
        return f"{having[0]}.{name}" if having and is_clear else f"?.{name}"

    def covers(self, named: Collection[str], keys: Keys) -> bool:
        """Whether what is named holds one of the keys; a column that a join sets equal to a named one counts, too."""
        known = set(named)
        before = -1
        while len(known) != before:
            before = len(known)
            known |= {other for one, other in self.equal if one in known}
        return any(key <= known for key in keys)

    @property
    def outputs(self) -> list[tuple[str, str]] | None:
        """The name and the value of each column of the result; None where a star stands for some."""
        parts = self.select.expressions
        if any(one.is_star for one in parts):
            return None
        return [(one.alias_or_name.casefold(), self.told(one.unalias())) for one in parts]

    def given(self) -> Keys:
        """The keys by the names of the result; a key of which a part is not selected is none."""
        parts = self.select.expressions
        named = [(one.alias_or_name.casefold(), self.told(one.unalias())) for one in parts if not one.is_star]
        names = [name for name, _ in named]
        single: dict[str, str] = {value: name for name, value in named if names.count(name) == 1}
        stars = [one for one in parts if one.is_star]

        def name_of(value: str) -> str:
            alias, _, name = value.rpartition(".")
            if value in single:
                return single[value]
            return name if name not in names and any(self._has(star, alias, name) for star in stars) else ""

        found = [frozenset(map(name_of, key)) for key in self.keys]
        return tuple(key for key in found if "" not in key)

    def _has(self, star: exp.Expr, alias: str, name: str) -> bool:
        """Whether a star stands for that column, too."""
        of = star.table.casefold() if isinstance(star, exp.Column) else ""
        plain = star.this if isinstance(star, exp.Column) else star
        left_out = [one.name.casefold() for one in plain.args.get("except_") or ()]
        return alias in self.mentions and of in ("", alias) and name not in left_out


@dataclass(frozen=True, kw_only=True, slots=True)
class RowKeys:
    """Finds keys. ``declared`` are those of the views, ``files`` are the views whose rows stand in files."""

    declared: Mapping[str, Sequence[str]]
    files: Collection[str]
    known: dict[int, Keys] = field(default_factory=dict)

    def of_query(self, query: exp.Expr) -> Keys:
        """What makes a row of a query's result unique, by the names of its columns."""
        if id(query) not in self.known:
            self.known[id(query)] = self._of_query(query)
        return self.known[id(query)]

    def _of_query(self, query: exp.Expr) -> Keys:
        if isinstance(query, exp.Subquery):
            is_plain = not any(query.args.get(one) for one in ("joins", "laterals", "expressions", "group"))
            return self.of_query(query.this) if is_plain else ()
        if isinstance(query, exp.Select):
            given = self.of_select(query).given()
            return given + _all_named(query) if query.args.get("distinct") else given
        if isinstance(query, exp.SetOperation):
            if query.args.get("distinct"):
                kept = () if isinstance(query, exp.Union) else self.of_query(query.this)
                return _all_named(query) + kept
            return self._of_branches(query) if isinstance(query, exp.Union) else self.of_query(query.this)
        return ()

    def _of_branches(self, query: exp.Expr) -> Keys:
        """Of UNION ALL: the keys of all its SELECTs, and a text in each that says which it is."""
        branches = [*_branches(query.this), *_branches(query.expression)]
        names = [output_names(one) for one in branches]
        if any(len(one) != len(names[0]) or len(set(one)) != len(one) or not one for one in names):
            return ()
        places = range(len(names[0]))
        tags = [names[0][place] for place in places if _tells_apart(branches, place)]
        keys = [
            [frozenset(names[0][own.index(name)] for name in key) for key in self.of_query(one)]
            for one, own in zip(branches, names, strict=True)
        ]
        found = tuple(frozenset().union(*each) for each in islice(product(*keys), _MOST_KEYS))
        return tuple(key | {tag} for key in found for tag in tags)

    def of_select(self, select: exp.Select) -> QueryRows:
        """The rows of a SELECT, and what makes them unique."""
        source, joins = select.args.get("from_"), select.args.get("joins") or ()
        relations = [one.this for one in (source, *joins) if one is not None]
        keys = [self._of_relation(one) for one in relations]
        aliases = [one.alias_or_name.casefold() for one in relations]
        rows = QueryRows(
            select=select,
            mentions={alias: frozenset().union(*own) for alias, own in zip(aliases, keys, strict=True)},
        )
        if source is None or select.args.get("laterals") or makes_rows(select) or len(set(aliases)) < len(aliases):
            return rows
        found = [frozenset(f"{aliases[0]}.{name}" for name in key) for key in keys[0]]
        for place, join in enumerate(joins, 1):
            found = _joined(rows, found, join, aliases[: place + 1], keys[place])
        read, group = tuple(found[:_MOST_KEYS]), select.args.get("group")
        return replace(rows, read=read, keys=read if group is None else _grouped(rows, group))

    def _of_relation(self, node: exp.Expr) -> Keys:
        renamed = node.args["alias"].args.get("columns") if node.args.get("alias") else None
        if isinstance(node, exp.Values):
            return _of_values(node, [one.name.casefold() for one in renamed or ()])
        if isinstance(node, exp.Subquery):
            if isinstance(node.this, exp.Values):
                return _of_values(node.this, [one.name.casefold() for one in renamed or ()])
            return _renamed(self.of_query(node), node, renamed)
        if not isinstance(node, exp.Table):
            return ()
        cte = _cte_of(node)
        if cte is not None:
            return () if renamed else _renamed(self.of_query(cte.this), cte.this, cte.args["alias"].args.get("columns"))
        name = ".".join(part for part in (node.db, node.name) if part)
        declared = frozenset(column.casefold() for column in self.declared.get(name, ()))
        found = ([declared] if declared else []) + ([PLACE] if name in self.files else [])
        return () if renamed else tuple(found)


def makes_rows(select: exp.Select) -> bool:
    """Whether a SELECT makes several rows of one by what it selects."""
    calls = (call for one in select.expressions for call in one.find_all(exp.Anonymous))
    return any(call.name.upper() in _MAKERS for call in calls)


def output_names(query: exp.Expr) -> list[str]:
    """The names of the columns of a result; none where a star stands for some."""
    while not isinstance(query, exp.Select):
        if not isinstance(query, (exp.Subquery, exp.SetOperation)):
            return []
        query = query.this
    parts = query.expressions
    return [] if any(one.is_star for one in parts) else [one.alias_or_name.casefold() for one in parts]


def _all_named(query: exp.Expr) -> Keys:
    names = output_names(query)
    return (frozenset(names),) if names and "" not in names and len(set(names)) == len(names) else ()


def _branches(query: exp.Expr) -> Iterator[exp.Expr]:
    """The SELECTs of a UNION ALL from left to right."""
    plain = query
    while isinstance(plain, exp.Subquery) and {key for key, value in plain.args.items() if value} == {"this"}:
        plain = plain.this
    if isinstance(plain, exp.Union) and not any(plain.args.get(one) for one in ("distinct", "limit", "offset")):
        yield from _branches(plain.this)
        yield from _branches(plain.expression)
    else:
        yield plain


def _tells_apart(branches: list[exp.Expr], place: int) -> bool:
    """Whether every SELECT has another text in a column."""
    values = [one.expressions[place].unalias().unnest() for one in branches if isinstance(one, exp.Select)]
    texts = [one.name for one in values if isinstance(one, exp.Literal) and one.is_string]
    return len(set(texts)) == len(branches)


def _cte_of(table: exp.Table) -> exp.CTE | None:
    """The CTE that a name in FROM means: of the nearest WITH, and one that stands before."""
    name = table.name.casefold()
    if table.db:
        return None
    child: exp.Expr = table
    around, inside = table.parent, None
    while around is not None:
        if isinstance(child, exp.CTE):
            inside = child
        ctes = around.args["with_"].expressions if around.args.get("with_") else []
        before = ctes[: ctes.index(inside)] if any(one is inside for one in ctes) else ctes
        found: list[exp.CTE] = [one for one in before if one.alias.casefold() == name]
        if found:
            return found[-1]
        child, around = around, around.parent
    return None


def _renamed(keys: Keys, query: exp.Expr, renamed: list[exp.Expr] | None) -> Keys:
    """The keys by the names that an alias gives the columns."""
    if not renamed:
        return keys
    names = output_names(query)
    if len(names) != len(renamed) or len(set(names)) != len(names):
        return ()
    given = dict(zip(names, (one.name.casefold() for one in renamed), strict=True))
    return tuple(frozenset(given[name] for name in key) for key in keys)


def _of_values(node: exp.Values, names: list[str]) -> Keys:
    """The columns of VALUES in which every row has another text."""
    rows = [one.expressions if isinstance(one, exp.Tuple) else [one] for one in node.expressions]
    if not names or any(len(row) != len(names) for row in rows):
        return ()
    columns = list(zip(*rows, strict=True))
    return tuple(
        frozenset((name,))
        for name, column in zip(names, columns, strict=True)
        if len({one.name for one in column if isinstance(one, exp.Literal) and one.is_string}) == len(rows)
    )


def _grouped(rows: QueryRows, group: exp.Group) -> Keys:
    """What is grouped by, columns by their place in the list included; nothing of CUBE and its like."""
    if not group.expressions or any(value for key, value in group.args.items() if key != "expressions"):
        return ()
    found = []
    for one in group.expressions:
        if isinstance(one, exp.Literal):
            place = int(one.name) - 1 if one.name.isdigit() and not one.is_string else -1
            if not 0 <= place < len(rows.select.expressions) or rows.outputs is None:
                return ()
            found.append(rows.outputs[place][1])
        elif isinstance(one, (exp.Cube, exp.Rollup, exp.GroupingSets, exp.Tuple)):
            return ()
        else:
            found.append(rows.told(one))
    return (frozenset(found),)


def _joined(
    rows: QueryRows, found: list[frozenset[str]], join: exp.Join, aliases: list[str], keys: Keys
) -> list[frozenset[str]]:
    """The keys after one more join. A relation of which the ON compares a whole key adds nothing."""
    own, side = aliases[-1], (join.side or "").upper()
    if (join.kind or "").upper() in ("SEMI", "ANTI"):
        return found
    is_plain = side in ("", "LEFT")
    using = [one.name.casefold() for one in join.args.get("using") or ()]
    rows.using.update(dict.fromkeys(using, is_plain))
    if join.method and not is_plain:
        # Of NATURAL nobody says here which names are shared.
        return []
    compared = set(using)
    for one, other in _equalities(join):
        if isinstance(one, exp.Column) and one.table.casefold() == own and _is_of_others(other, own):
            compared.add(one.name.casefold())
            if is_plain and isinstance(other, exp.Column):
                rows.equal.append((rows.told(other), rows.told(one)))
                rows.equal.extend([(rows.told(one), rows.told(other))] if not side else [])
    if is_plain and len(aliases) == 2:
        rows.equal.extend((f"{aliases[0]}.{name}", f"{own}.{name}") for name in using)
    if is_plain and any(key <= compared for key in keys):
        return found
    made = product(found, keys)
    return [key | {f"{own}.{name}" for name in more} for key, more in islice(made, _MOST_KEYS)]


def _equalities(join: exp.Join) -> Iterator[tuple[exp.Expr, exp.Expr]]:
    on = join.args.get("on")
    condition = on.unnest() if on is not None else exp.true()
    for part in condition.flatten() if isinstance(condition, exp.And) else (condition,):
        if isinstance(part, exp.EQ):
            yield part.this.unnest(), part.expression.unnest()
            yield part.expression.unnest(), part.this.unnest()


def _is_of_others(node: exp.Expr, own: str) -> bool:
    """Whether a value is read from the relations before; a bare name could be of the joined one."""
    columns = list(node.find_all(exp.Column))
    return all(column.table and column.table.casefold() != own for column in columns)
