"""Translates one expression: its tree from the innermost part outwards, each part with the type that Spark gives it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sqlglot import exp

from tallystick.dialect import aggregates, function_rules
from tallystick.dialect.arithmetic import added, beside_literal, comparison, divided, number
from tallystick.dialect.casts import cast, literal_text, only_text, united, whole_of
from tallystick.dialect.regexes import java_pattern
from tallystick.dialect.time_rules import later
from tallystick.dialect.types import (
    INTEGERS,
    VOID,
    NotTranslated,
    Value,
    decimal_size,
    quoted,
    spark_type,
    struct_fields,
    struct_type,
    text_literal,
)


@dataclass(slots=True)
class Relation:
    """What FROM or JOIN names: the name that columns are qualified with, and its columns with their types."""

    name: str
    columns: dict[str, str]
    held_by: str
    lowered: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.lowered = {name.lower(): name for name in self.columns}
        if len(self.lowered) < len(self.columns):
            raise NotTranslated("two columns whose names differ in case only")

    def value(self, name: str) -> Value | None:
        """The column of that name; None when there is none."""
        found = self.lowered.get(name.lower())
        if found is None:
            return None
        kind = self.columns[found]
        return VOID if kind == "void" else Value(f"{self.held_by}.{quoted(found)}", kind)


# What stops a query on some rows: arithmetic that does not fit its type, and casts that find nothing to read.
_MAY_STOP = re.compile(r"error\(| [-+*] |\(- |(?<!TRY_)CAST\([^']|abs\(|make_timestamptz")


class Scope:
    """Translates expressions over some relations."""

    def __init__(self, relations: Sequence[Relation]) -> None:
        self.relations = list(relations)

    def value(self, node: exp.Expr) -> Value:
        """The expression; NotTranslated for a form without a rule."""
        rule = _NODES.get(type(node))
        if rule is None:
            raise NotTranslated(f"the form {type(node).__name__}")
        return rule(self, node)

    def values(self, nodes: Sequence[exp.Expr]) -> list[Value]:
        """Several expressions."""
        return [self.value(node) for node in nodes]

    def truth(self, node: exp.Expr, *, is_tested: bool = False) -> str:
        """A condition; null stays null. ``is_tested``: by CASE or IF, where Spark takes no NULL without a type."""
        value = self.value(node)
        if value.is_void and not is_tested:
            return "CAST(NULL AS BOOLEAN)"
        if value.type != "boolean":
            raise NotTranslated(f"{value.type} for a truth value")
        return value.sql

    def relation(self, name: str) -> Relation | None:
        """The relation of that name."""
        found = [relation for relation in self.relations if relation.name.lower() == name.lower()]
        if len(found) > 1:
            raise NotTranslated("two tables of one name")
        return found[0] if found else None

    def column(self, node: exp.Column) -> Value:
        """A column, qualified or not, or a field of a struct column."""
        if node.args.get("db"):
            raise NotTranslated("a name of three parts")
        if node.table:
            relation = self.relation(node.table)
            found = relation.value(node.name) if relation else None
            if found is None and relation is None:
                return field_of(self.named(node.table), node.name)
        else:
            return self.named(node.name)
        if found is None:
            raise NotTranslated("a column that its table lacks")
        return found

    def named(self, name: str) -> Value:
        """An unqualified column; NotTranslated for a name that no table, or several, have."""
        found = [value for relation in self.relations if (value := relation.value(name)) is not None]
        if len(found) != 1:
            raise NotTranslated("a column that no table has, or several")
        return found[0]


def field_of(value: Value, name: str) -> Value:
    """A field of a struct."""
    if value.type.startswith("struct<"):
        for known, kind in struct_fields(value.type):
            if known.lower() == name.lower():
                return Value(f"struct_extract({value.sql}, {text_literal(known)})", kind)
    raise NotTranslated("a field that is none")


def _literal(scope: Scope, node: exp.Expr) -> Value:
    text = node.name
    if node.args.get("is_string"):
        return Value(text_literal(text), "string", text)
    return number(text, is_negative=False)


def _neg(scope: Scope, node: exp.Expr) -> Value:
    if isinstance(node.this, exp.Literal) and not node.this.is_string:
        return number(node.this.name, is_negative=True)
    value = scope.value(node.this)
    if value.type not in (*INTEGERS, "double") and not decimal_size(value.type):
        raise NotTranslated(f"minus {value.type}")
    return Value(f"(- {value.sql})", value.type)


def _compared(word: str) -> Callable[[Scope, exp.Expr], Value]:
    def apply(scope: Scope, node: exp.Expr) -> Value:
        one, other = scope.value(node.this), scope.value(node.expression)
        return comparison(one, other, word)

    return apply


def _and_or(word: str) -> Callable[[Scope, exp.Expr], Value]:
    def apply(scope: Scope, node: exp.Expr) -> Value:
        one, other = scope.truth(node.this), scope.truth(node.expression)
        if not _MAY_STOP.search(other):
            return Value(f"({one} {word} {other})", "boolean")
        # Spark does not come to the other side once this one decides; DuckDB would, and might stop there.
        decided = f"NOT {one} THEN FALSE" if word == "AND" else f"{one} THEN TRUE"
        return Value(f"CASE WHEN {decided} ELSE ({one} {word} {other}) END", "boolean")

    return apply


def _not(scope: Scope, node: exp.Expr) -> Value:
    if isinstance(node.this, exp.Is):
        return Value(f"(NOT {_is(scope, node.this).sql})", "boolean")
    return Value(f"(NOT {scope.truth(node.this)})", "boolean")


def _is(scope: Scope, node: exp.Expr) -> Value:
    value, asked = scope.value(node.this), node.expression
    if isinstance(asked, exp.Null):
        return Value(f"({value.sql} IS NULL)", "boolean")
    if isinstance(asked, exp.Boolean) and value.type == "boolean":
        return Value(f"({value.sql} IS NOT DISTINCT FROM {'TRUE' if asked.this else 'FALSE'})", "boolean")
    raise NotTranslated("IS")


def _between(scope: Scope, node: exp.Expr) -> Value:
    if node.args.get("symmetric"):
        raise NotTranslated("BETWEEN SYMMETRIC")
    value, low, high = (scope.value(node.args[name]) for name in ("this", "low", "high"))
    above, below = comparison(value, low, ">="), comparison(value, high, "<=")
    return Value(f"({above.sql} AND {below.sql})", "boolean")


def _in(scope: Scope, node: exp.Expr) -> Value:
    if not node.expressions or node.args.get("query") or node.args.get("unnest"):
        raise NotTranslated("IN of a query")
    value = scope.value(node.this)
    others = [beside_literal(scope.value(part), value) for part in node.expressions]
    made, kind = united([value, *others], "IN")
    if kind.startswith(("struct<", "array<", "void")):
        raise NotTranslated(f"IN of {kind}")
    return Value(f"({made[0].sql} IN ({', '.join(value.sql for value in made[1:])}))", "boolean")


def _like(scope: Scope, node: exp.Expr) -> Value:
    value, pattern = scope.value(node.this), scope.value(node.expression)
    text = literal_text(pattern)
    if value.type != "string" or "\\" in text:
        raise NotTranslated("LIKE of another type, or with a backslash")
    return Value(f"({value.sql} LIKE {pattern.sql})", "boolean")


def _rlike(scope: Scope, node: exp.Expr) -> Value:
    value = scope.value(node.this)
    pattern = java_pattern(literal_text(scope.value(node.expression)))
    if value.type != "string":
        raise NotTranslated(f"RLIKE of {value.type}")
    return Value(f"regexp_matches({value.sql}, {text_literal(pattern.text)})", "boolean")


def _cast(scope: Scope, node: exp.Expr) -> Value:
    if node.args.get("format") or node.args.get("default"):
        raise NotTranslated("CAST with a format")
    made = cast(scope.value(node.this), spark_type(node.args["to"]), is_try=bool(node.args.get("safe")))
    # A cast is no literal to Spark, even one to the literal's own type.
    return Value(made.sql, made.type)


def _case(scope: Scope, node: exp.Expr) -> Value:
    if (whole := _whole_or_null(scope, node)) is not None:
        return whole
    asked = scope.value(node.this) if node.this is not None else None
    tests, results = [], []
    for branch in node.args["ifs"]:
        if asked is None:
            tests.append(scope.truth(branch.this, is_tested=True))
        else:
            tests.append(comparison(asked, scope.value(branch.this), "=").sql)
        results.append(scope.value(branch.args["true"]))
    default = node.args.get("default")
    return _chosen(tests, [*results, scope.value(default) if default is not None else VOID])


def _whole_or_null(scope: Scope, node: exp.Expr) -> Value | None:
    """``CASE WHEN TRY_CAST(x AS INT) = x THEN TRY_CAST(x AS INT) END`` of a decimal; None of another form."""
    branches = node.args["ifs"]
    if node.this is not None or node.args.get("default") is not None or len(branches) != 1:
        return None
    test, read = branches[0].this, branches[0].args["true"]
    if not isinstance(test, exp.EQ) or not isinstance(read, exp.TryCast) or not read.args.get("safe"):
        return None
    if test.this != read or test.expression != read.this:
        return None
    value = scope.value(read.this)
    return whole_of(value, spark_type(read.args["to"])) if decimal_size(value.type) else None


def _if(scope: Scope, node: exp.Expr) -> Value:
    otherwise = node.args.get("false")
    results = [scope.value(node.args["true"]), scope.value(otherwise) if otherwise is not None else VOID]
    return _chosen([scope.truth(node.this, is_tested=True)], results)


def _chosen(tests: Sequence[str], results: Sequence[Value]) -> Value:
    made, kind = united(results, "CASE")
    if kind == "void":
        return VOID
    whens = " ".join(f"WHEN {test} THEN {result.sql}" for test, result in zip(tests, made, strict=False))
    return Value(f"CASE {whens} ELSE {made[-1].sql} END", kind)


def _on_both(rule: Callable[[str, Value, Value], Value], word: str) -> Callable[[Scope, exp.Expr], Value]:
    return lambda scope, node: rule(word, scope.value(node.this), scope.value(node.expression))


def _add(scope: Scope, node: exp.Expr) -> Value:
    one, other = scope.value(node.this), node.expression
    if not isinstance(other, exp.Interval):
        return added("+", one, scope.value(other))
    return later(one, other.this.name if other.this is not None else "", (other.text("unit") or "").upper())


def _pipe(scope: Scope, node: exp.Expr) -> Value:
    return function_rules.call("CONCAT", scope.values([node.this, node.expression]))


def _call(scope: Scope, node: exp.Expr) -> Value:
    name = node.name.upper()
    if name in aggregates.AGGREGATES:
        return aggregates.call(name, node.expressions, scope.value)
    return function_rules.call(name, scope.values(node.expressions))


def _trim(scope: Scope, node: exp.Expr) -> Value:
    signs = node.args.get("expression")
    kept = text_literal(literal_text(scope.value(signs))) if signs is not None else "' '"
    if kept == "''":
        raise NotTranslated("TRIM of no sign")
    names = {"": "trim", "BOTH": "trim", "LEADING": "ltrim", "TRAILING": "rtrim"}
    return Value(f"{names[node.args.get('position') or '']}({only_text(scope.value(node.this))}, {kept})", "string")


def _substring(scope: Scope, node: exp.Expr) -> Value:
    parts = [node.this, node.args["start"], node.args.get("length")]
    return function_rules.call("SUBSTRING", scope.values([part for part in parts if part is not None]))


def _bracket(scope: Scope, node: exp.Expr) -> Value:
    """``SPLIT(text, ',')[0]``: the first part there always is; of any other Spark stops where it is missing."""
    split, places = node.this, node.expressions
    if not isinstance(split, exp.Anonymous) or split.name.upper() != "SPLIT" or len(split.expressions) != 2:
        raise NotTranslated("an element but of SPLIT")
    if len(places) != 1 or scope.value(places[0]).literal != 0 or node.args.get("offset"):
        raise NotTranslated("an element but the first")
    text, by = scope.values(split.expressions)
    sign = java_pattern(literal_text(by)).single_sign
    if not sign:
        raise NotTranslated("SPLIT by more than one sign")
    return Value(f"split_part({only_text(text)}, {text_literal(sign)}, 1)", "string")


def _extract(scope: Scope, node: exp.Expr) -> Value:
    return function_rules.call(node.this.name.upper(), [scope.value(node.expression)])


def _position(scope: Scope, node: exp.Expr) -> Value:
    if node.args.get("position") or node.args.get("occurrence"):
        raise NotTranslated("POSITION from a place")
    return function_rules.call("LOCATE", scope.values([node.args["substr"], node.this]))


def _only_this(scope: Scope, node: exp.Expr) -> list[Value]:
    if any(given for key, given in node.args.items() if key != "this"):
        raise NotTranslated("a second argument there")
    return [scope.value(node.this)]


def _struct(scope: Scope, node: exp.Expr) -> Value:
    fields: list[tuple[str, Value]] = []
    for part in node.expressions:
        if isinstance(part, exp.Star) and not any(part.args.get(key) for key in ("except_", "replace", "rename")):
            fields += [(name, value) for relation in scope.relations for name, value in columns_of(relation)]
        elif isinstance(part, exp.PropertyEQ):
            fields.append((part.this.name, scope.value(part.expression)))
        else:
            raise NotTranslated("a field without a name")
    if len({name.lower() for name, _ in fields}) < len(fields) or not fields:
        raise NotTranslated("two fields of one name, or none")
    packed = ", ".join(f"{quoted(name)} := {value.sql}" for name, value in fields)
    return Value(f"struct_pack({packed})", struct_type([(name, value.type) for name, value in fields]))


def columns_of(relation: Relation) -> list[tuple[str, Value]]:
    """All columns of a relation in their order."""
    return [(name, value) for name in relation.columns if (value := relation.value(name)) is not None]


def _window(scope: Scope, node: exp.Expr) -> Value:
    return aggregates.window(node, scope.value)


_NODES: dict[type[exp.Expr], Callable[[Scope, exp.Expr], Value]] = {
    exp.Column: lambda scope, node: scope.column(node),  # type: ignore[arg-type]  # the key says the type
    exp.Literal: _literal,
    exp.Null: lambda scope, node: VOID,
    exp.Boolean: lambda scope, node: Value("TRUE" if node.this else "FALSE", "boolean"),
    exp.Paren: lambda scope, node: scope.value(node.this),
    exp.Neg: _neg,
    exp.Not: _not,
    exp.And: _and_or("AND"),
    exp.Or: _and_or("OR"),
    exp.EQ: _compared("="),
    exp.NEQ: _compared("<>"),
    exp.LT: _compared("<"),
    exp.LTE: _compared("<="),
    exp.GT: _compared(">"),
    exp.GTE: _compared(">="),
    exp.NullSafeEQ: _compared("IS NOT DISTINCT FROM"),
    exp.Is: _is,
    exp.Between: _between,
    exp.In: _in,
    exp.Like: _like,
    exp.RegexpLike: _rlike,
    exp.Cast: _cast,
    exp.TryCast: _cast,
    exp.Case: _case,
    exp.If: _if,
    exp.Add: _add,
    exp.Sub: _on_both(added, "-"),
    exp.Mul: _on_both(added, "*"),
    exp.Div: _on_both(divided, "/"),
    exp.IntDiv: _on_both(divided, "//"),
    exp.Mod: _on_both(divided, "%"),
    exp.DPipe: _pipe,
    exp.Anonymous: _call,
    exp.Trim: _trim,
    exp.Substring: _substring,
    exp.Bracket: _bracket,
    exp.Extract: _extract,
    exp.StrPosition: _position,
    exp.Ceil: lambda scope, node: function_rules.call("CEIL", _only_this(scope, node)),
    exp.Floor: lambda scope, node: function_rules.call("FLOOR", _only_this(scope, node)),
    exp.Struct: _struct,
    exp.Window: _window,
    exp.ArgMax: lambda scope, node: aggregates.max_by(scope.value(node.this), scope.value(node.expression)),
}
