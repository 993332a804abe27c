"""Translates a whole query: its SELECTs, joins, unions and the queries inside it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from tallystick.dialect.casts import cast
from tallystick.dialect.node_rules import Relation, Scope, columns_of, field_of
from tallystick.dialect.types import (
    INTEGERS,
    TIMES,
    NotTranslated,
    Value,
    common_type,
    decimal_size,
    held_as,
    quoted,
    struct_fields,
)
from tallystick.spec.mappings import DIALECT

Tables = Mapping[str, Mapping[str, str]]

_KNOWN_CLAUSES = frozenset(("expressions", "from_", "joins", "where", "group", "having", "distinct", "with_", "kind"))
_KNOWN_TABLE = frozenset(("this", "alias", "db"))
_ESCAPES = re.compile(r"\\(.)", re.DOTALL)
_UNNAMED = "?"
# Numbers with a letter behind them, which name a type.
_SUFFIXED = re.compile(r"(?<![\w'`.])[0-9][0-9.]*(?:BD|[LSYDF])\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Query:
    """A translated query and its columns with their types."""

    sql: str
    columns: dict[str, str]


def translate(sql: str, tables: Tables) -> str:
    """The query in DuckDB's SQL, whose rows are those that Spark gives; NotTranslated where that is not certain.

    ``tables`` are those it may read: column -> Spark type, in column order.
    """
    return _translated(sql, tables).sql


def output_types(sql: str, tables: Tables) -> dict[str, str]:
    """The columns of the query and their types as Spark names them; NotTranslated as ``translate``."""
    return dict(_translated(sql, tables).columns)


def _translated(sql: str, tables: Tables) -> Query:
    if any(escape not in "\\'\"nrt" for escape in _ESCAPES.findall(sql)):
        raise NotTranslated("a backslash before another sign")
    if _SUFFIXED.search(sql):
        raise NotTranslated("a number with a letter behind it")
    try:
        trees = sqlglot.parse(sql, dialect=DIALECT)
        if len(trees) != 1 or trees[0] is None:
            raise NotTranslated("not one query")
        found = _Queries(tables).query(trees[0])
    except SqlglotError:
        raise NotTranslated("syntax that is not known") from None
    except RecursionError:
        raise NotTranslated("a query too deep") from None
    if any(name.startswith(_UNNAMED) for name in found.columns):
        raise NotTranslated("an output without a name")
    return found


class _Queries:
    """Translates one text: numbers what has no name in it."""

    def __init__(self, tables: Tables) -> None:
        self.tables = {name.lower(): (name, dict(columns)) for name, columns in tables.items()}
        self.number = 0

    def query(self, tree: exp.Expr) -> Query:
        if isinstance(tree, exp.Subquery) and not tree.alias:
            return self.query(tree.this)
        if isinstance(tree, exp.Select):
            return self._select(tree)
        if isinstance(tree, exp.Union):
            return self._union(tree)
        raise NotTranslated(f"the query {type(tree).__name__}")

    def _select(self, tree: exp.Select) -> Query:
        for clause, given in tree.args.items():
            if given and clause not in _KNOWN_CLAUSES:
                raise NotTranslated(f"the clause {clause.strip('_').upper()}")
        if tree.args.get("kind") or tree.args.get("with_"):
            return self._with(tree)
        relations, source = self._from(tree)
        scope = Scope(relations)
        outputs = self._outputs(tree.expressions, scope)
        distinct = tree.args.get("distinct")
        if any(map(_is_exploded, tree.expressions)) and (distinct is not None or tree.args.get("group") is not None):
            raise NotTranslated("EXPLODE beside GROUP BY or DISTINCT")
        if distinct is not None:
            if distinct.args.get("on"):
                raise NotTranslated("DISTINCT ON")
            check_groups([value.type for _, value in outputs], "DISTINCT")
        told = ", ".join(f"{value.sql} AS {quoted(name)}" for name, value in outputs)
        parts = [f"SELECT {'DISTINCT ' if distinct is not None else ''}{told}{source}"]
        if (where := tree.args.get("where")) is not None:
            parts.append(f"WHERE {scope.truth(where.this)}")
        if (group := tree.args.get("group")) is not None:
            parts.append(f"GROUP BY {', '.join(self._groups(group, scope))}")
        if (having := tree.args.get("having")) is not None:
            parts.append(f"HAVING {scope.truth(having.this)}")
        return Query(" ".join(parts), _distinct_names([(name, value.type) for name, value in outputs]))

    def _with(self, tree: exp.Select) -> Query:
        with_ = tree.args.get("with_")
        if tree.args.get("kind") or with_ is None or with_.args.get("recursive"):
            raise NotTranslated("SELECT AS, or a query that calls itself")
        outer, made = dict(self.tables), []
        for part in with_.expressions:
            if part.args["alias"].columns or part.alias.lower() in self.tables:
                raise NotTranslated("WITH columns, or of a name twice")
            inner = self.query(part.this)
            name = self._name()
            made.append(f"{quoted(name)} AS ({inner.sql})")
            self.tables[part.alias.lower()] = (name, inner.columns)
        bare = tree.copy()
        bare.set("with_", None)
        found = self._select(bare)
        self.tables = outer
        return Query(f"WITH {', '.join(made)} {found.sql}", found.columns)

    def _name(self) -> str:
        self.number += 1
        return f"_q{self.number}"

    def _from(self, tree: exp.Select) -> tuple[list[Relation], str]:
        source = tree.args.get("from_")
        if source is None:
            if tree.args.get("joins"):
                raise NotTranslated("a join of nothing")
            return [], ""
        relation, sql = self._relation(source.this)
        relations, parts = [relation], [f" FROM {sql}"]
        for join in tree.args.get("joins") or ():
            relation, sql = self._relation(join.this)
            parts.append(self._join(join, relations, relation, sql))
            if (join.kind or "").upper() not in ("SEMI", "ANTI"):
                relations.append(relation)
        return relations, "".join(parts)

    def _join(self, join: exp.Join, relations: Sequence[Relation], joined: Relation, sql: str) -> str:
        side, kind, condition = (join.side or "").upper(), (join.kind or "").upper(), join.args.get("on")
        known = {("LEFT", ""): "LEFT", ("LEFT", "OUTER"): "LEFT", ("", ""): "INNER", ("", "INNER"): "INNER",
                 ("", "CROSS"): "CROSS", ("LEFT", "SEMI"): "SEMI", ("LEFT", "ANTI"): "ANTI"}  # fmt: skip
        word = known.get((side, kind))
        if word is None or join.args.get("using") or join.method or (condition is None and word != "CROSS"):
            raise NotTranslated("such a join")
        if condition is None:
            return f" CROSS JOIN {sql}"
        if word == "CROSS":
            raise NotTranslated("CROSS JOIN with ON")
        return f" {word} JOIN {sql} ON {Scope([*relations, joined]).truth(condition)}"

    def _relation(self, node: exp.Expr) -> tuple[Relation, str]:
        held = self._name()
        if isinstance(node, exp.Subquery):
            if any(node.args.get(key) for key in node.args if key not in ("this", "alias")) or _alias_columns(node):
                raise NotTranslated("such a query in FROM")
            inner = self.query(node.this)
            return Relation(node.alias, inner.columns, held), f"({inner.sql}) AS {held}"
        if not isinstance(node, exp.Table) or any(node.args.get(key) for key in node.args if key not in _KNOWN_TABLE):
            raise NotTranslated("such a table in FROM")
        if _alias_columns(node):
            raise NotTranslated("an alias with columns")
        name = f"{node.db}.{node.name}" if node.db else node.name
        if name.lower() not in self.tables:
            raise NotTranslated("a table that is not known")
        real, columns = self.tables[name.lower()]
        for kind in columns.values():
            held_as(kind)
        return Relation(node.alias_or_name, columns, held), f"{quoted(real)} AS {held}"

    def _outputs(self, items: Sequence[exp.Expr], scope: Scope) -> list[tuple[str, Value]]:
        found: list[tuple[str, Value]] = []
        for item in items:
            if _is_exploded(item):
                found.append((item.alias, _exploded(item.this, items, scope)))
            elif isinstance(item, exp.Star):
                found += _starred(item, [pair for relation in scope.relations for pair in columns_of(relation)])
            elif isinstance(item, exp.Column) and isinstance(item.this, exp.Star):
                found += _starred(item.this, _qualified_star(item.table, scope))
            elif isinstance(item, exp.Alias):
                found.append((item.alias, scope.value(item.this)))
            elif isinstance(item, exp.Column):
                found.append((item.name, scope.value(item)))
            else:
                # Spark makes up a name; a union's second query may do without.
                found.append((f"{_UNNAMED}{len(found)}", scope.value(item)))
        return found

    def _groups(self, group: exp.Expr, scope: Scope) -> list[str]:
        if any(given for key, given in group.args.items() if key != "expressions"):
            raise NotTranslated("GROUP BY ALL, or of sets")
        made = []
        for part in group.expressions:
            if isinstance(part.unnest(), exp.Literal):
                raise NotTranslated("GROUP BY a number")
            made.append(scope.value(part))
        check_groups([value.type for value in made], "GROUP BY")
        return [value.sql for value in made]

    def _union(self, tree: exp.Union) -> Query:
        if any(tree.args.get(key) for key in ("with_", "by_name", "side", "kind", "on", "order", "limit", "offset")):
            raise NotTranslated("such a union")
        one, other = self.query(tree.this), self.query(tree.expression)
        if len(one.columns) != len(other.columns):
            raise NotTranslated("a union of other columns")
        kinds = [common_type(pair, "UNION") for pair in zip(one.columns.values(), other.columns.values(), strict=True)]
        columns = dict(zip(one.columns, kinds, strict=True))
        word = "UNION" if tree.args.get("distinct") else "UNION ALL"
        if word == "UNION":
            check_groups(kinds, "UNION")
        return Query(f"{self._as_types(one, kinds)} {word} {self._as_types(other, kinds)}", columns)

    def _as_types(self, query: Query, kinds: Sequence[str]) -> str:
        if list(query.columns.values()) == list(kinds) and "void" not in kinds:
            return f"({query.sql})"
        held = self._name()
        made = [
            f"{cast(Value(f'{held}.{quoted(name)}', kind), wanted).sql} AS {quoted(name)}"
            for (name, kind), wanted in zip(query.columns.items(), kinds, strict=True)
        ]
        return f"(SELECT {', '.join(made)} FROM ({query.sql}) AS {held})"


def check_groups(kinds: Sequence[str], what: str) -> None:
    """NotTranslated when rows cannot be grouped by values of the types: doubles have two zeros."""
    for kind in kinds:
        if kind not in (*INTEGERS, *TIMES, "string", "boolean", "void") and not decimal_size(kind):
            raise NotTranslated(f"{what} {kind}")


def _is_exploded(item: exp.Expr) -> bool:
    call = item.this if isinstance(item, exp.Alias) else None
    return isinstance(call, exp.Anonymous) and call.name.upper() == "EXPLODE"


def _exploded(call: exp.Expr, items: Sequence[exp.Expr], scope: Scope) -> Value:
    """A row for each element beside columns; none for an empty array or null."""
    others = [item for item in items if item.this is not call]
    if len(call.expressions) != 1 or not all(isinstance(item, exp.Column) for item in others):
        raise NotTranslated("EXPLODE beside more than columns")
    value = scope.value(call.expressions[0])
    if not value.type.startswith("array<"):
        raise NotTranslated(f"EXPLODE of {value.type}")
    return Value(f"unnest({value.sql})", value.type[6:-1])


def _distinct_names(columns: Sequence[tuple[str, str]]) -> dict[str, str]:
    if len({name.lower() for name, _ in columns}) < len(columns):
        raise NotTranslated("two outputs of one name")
    return dict(columns)


def _alias_columns(node: exp.Expr) -> bool:
    alias = node.args.get("alias")
    return bool(alias is not None and alias.args.get("columns"))


def _qualified_star(name: str, scope: Scope) -> list[tuple[str, Value]]:
    relation = scope.relation(name)
    if relation is not None:
        return columns_of(relation)
    value = scope.named(name)
    if not value.type.startswith("struct<"):
        raise NotTranslated("* of what has no fields")
    return [(known, field_of(value, known)) for known, _ in struct_fields(value.type)]


def _starred(star: exp.Expr, columns: Sequence[tuple[str, Value]]) -> list[tuple[str, Value]]:
    if any(given for key, given in star.args.items() if key != "except_"):
        raise NotTranslated("* with changes")
    left_out = {column.name.lower() for column in star.args.get("except_") or ()}
    if not left_out <= {name.lower() for name, _ in columns}:
        raise NotTranslated("* EXCEPT a column that is not there")
    return [(name, value) for name, value in columns if name.lower() not in left_out]
