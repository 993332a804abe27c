"""The SQL that is run for a mapping: the author's SELECT, rewritten so that no row can get lost or stop the load.

Kept apart from ``mapping_checks``, which ran before: here the SQL is known to be right.

The author writes a plain SELECT. What is run of it

- carries where each row came from and whether the file's line could be split at all;
- turns every JOIN into a LEFT JOIN and says in ``_missed`` which one a row did not meet;
- turns WHERE into ``_excluded``;
- reads text without an error (CAST becomes TRY_CAST, and exact: ``spec.readings``) and says in ``_failed`` which
  reading failed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from sqlglot import exp

from tallystick.spec.mapping_checks import Shape, columns_of, join_keys, resolve_column
from tallystick.spec.mappings import DIALECT, Branch
from tallystick.spec.readings import (
    TEXT_MARK,
    exact_number,
    finite_double,
    looks_like_number,
    nowhere,
    storable_instant,
    whole_time,
)
from tallystick.spec.spark_functions import OUR_FUNCTIONS

# Set true in every row of a joined view, so that a missed join shows as null.
MET = "_met"
# What the driving view must offer beside its columns.
CARRIED = ("_file", "_line", "_raw", "_problem", "_is_parked")

_CAST_FUNCTIONS = {
    **{name: name for name in ("TINYINT", "SMALLINT", "INT", "BIGINT", "DOUBLE", "BOOLEAN", "DATE", "TIMESTAMP")},
    "DECIMAL": "DECIMAL(10, 0)",
}
_TIME_FUNCTIONS = {
    "TO_DATE": "DATE",
    "TO_TIMESTAMP": "TIMESTAMP",
    "TO_TIMESTAMP_LTZ": "TIMESTAMP",
    "TO_TIMESTAMP_NTZ": "TIMESTAMP_NTZ",
}
_EPOCH_FUNCTIONS = ("TIMESTAMP_SECONDS", "TIMESTAMP_MILLIS", "TIMESTAMP_MICROS")
NOT_A_NUMBER = "not_a_number"
# Functions whose result is a day or a time.
_TIMED = frozenset(
    (*_TIME_FUNCTIONS, *_EPOCH_FUNCTIONS, "DATE", "TIMESTAMP", "TRY_TO_TIMESTAMP", "TRY_TO_DATE", "TO_UTC_TIMESTAMP",
     "FROM_UTC_TIMESTAMP", "DATE_ADD", "DATE_SUB", "ADD_MONTHS", "LAST_DAY", "NEXT_DAY", "DATE_TRUNC", "TRUNC",
     "MAKE_DATE", "MAKE_TIMESTAMP", "MAKE_TIMESTAMP_NTZ", "TIMESTAMPADD", "DATEADD")
)  # fmt: skip


def branch_sql(
    branch: Branch, shapes: Mapping[str, Shape], *, driven: Mapping[str, str], joined: Mapping[str, str]
) -> str:
    """The query of one branch. ``driven`` and ``joined`` give the tables that stand for a view in each role.

    Beside the outputs it has the CARRIED columns, ``_branch``, ``_excluded`` (boolean), and ``_missed`` and
    ``_failed``, which are null or ``reason|column``.
    """

    def qualified(expression: exp.Expr) -> exp.Expr:
        return _qualify(expression, branch, shapes)

    carried = [exp.column(name, table=branch.alias) for name in CARRIED]
    outputs = [exp.alias_(forgive(qualified(part)), name) for name, part in branch.outputs]
    made = {
        "_branch": exp.Literal.number(branch.number),
        "_excluded": _excluded(branch, shapes),
        "_missed": _missed(branch, shapes),
        "_failed": _failed(branch, shapes),
    }
    query = exp.select(*outputs, *carried, *(exp.alias_(part, name) for name, part in made.items()))
    query = query.from_(_table(driven[branch.view], branch.alias))
    for join in branch.joins:
        table = _table(joined[join.view], join.alias)
        query = query.join(table, on=forgive(qualified(join.on)), join_type="left")
    return query.sql(dialect=DIALECT, identify=True, comments=False)


def view_sql(tree: exp.Expr, tables: Mapping[str, str]) -> str:
    """The query of a derived view, with forgiving casts and with the tables that stand for the views it reads."""
    inner = {cte.alias for cte in tree.find_all(exp.CTE)}

    def replaced(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Table) and node.name not in inner:
            return _table(tables[node.name], node.alias_or_name)
        return node

    return forgive(tree.copy().transform(replaced)).sql(dialect=DIALECT, identify=True, comments=False)


def _table(name: str, alias: str) -> exp.Expr:
    return exp.alias_(exp.to_table(name), exp.to_identifier(alias, quoted=True), table=True)


def forgive(expression: exp.Expr) -> exp.Expr:
    """A copy in which reading a text that is no number, date or time gives null instead of stopping the query."""
    root = exp.paren(expression.copy(), copy=False)
    # Innermost first, so that the milder form of an outer reading holds that of an inner one.
    for node in reversed(list(root.walk(bfs=False))):
        reading = _reading(node)
        if reading is not None:
            node.replace(reading.mild)
    found: exp.Expr = root.this.pop()
    return found


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadingFailure:
    """A reading that may fail: the condition that it did on a row, the reason's name, and the text it looked at."""

    condition: exp.Expr
    reason: str
    text: exp.Expr

    def told(self, column: str) -> exp.Expr:
        """``reason|column`` for a row of which the condition holds: a number that does not fit is told apart from a
        text that is none.
        """
        if self.reason != NOT_A_NUMBER:
            return _told(self.reason, column)
        is_number = exp.If(this=looks_like_number(self.text), true=_told("not_a_whole_number", column))
        return exp.Case(ifs=[is_number], default=_told(NOT_A_NUMBER, column))


def reading_failures(expression: exp.Expr) -> Iterator[ReadingFailure]:
    """For each reading of text in ``expression``, how it may fail.

    A branch of CASE or IF counts only on the rows that take it.
    """
    if isinstance(expression, (exp.Case, exp.If)):
        yield from _branch_failures(expression)
        return
    for child in expression.iter_expressions():
        yield from reading_failures(child)
    reading = _reading(expression)
    if reading is not None and any(next(columns_of(text), None) is not None for text in reading.texts):
        given = [exp.Not(this=_is_null(forgive(text))) for text in reading.texts]
        failed = reading.fails(*map(forgive, reading.texts)) if reading.fails else _is_null(forgive(expression))
        condition = exp.and_(*given, failed)
        yield ReadingFailure(condition=condition, reason=reading.reason, text=forgive(reading.texts[0]))


def _is_null(expression: exp.Expr) -> exp.Expr:
    return exp.Is(this=exp.paren(expression, copy=False), expression=exp.null())


def _branch_failures(expression: exp.Expr) -> Iterator[ReadingFailure]:
    """Failures inside CASE or IF: the same CASE, with the failure in place of the one result and FALSE elsewhere."""
    tests = [expression] if isinstance(expression, exp.If) else expression.args["ifs"]
    if isinstance(expression, exp.Case) and expression.this is not None:
        yield from reading_failures(expression.this)
    for test in tests:
        yield from reading_failures(test.this)
    results = [(number, test.args.get("true")) for number, test in enumerate(tests)]
    default = expression.args.get("false") if isinstance(expression, exp.If) else expression.args.get("default")
    for number, result in [*results, (len(tests), default)]:
        for failed in reading_failures(result) if result is not None else ():
            chosen = exp.Case(
                this=forgive(expression.this) if isinstance(expression, exp.Case) and expression.this else None,
                ifs=[
                    exp.If(this=forgive(test.this), true=failed.condition.copy() if number == place else exp.false())
                    for place, test in enumerate(tests)
                ],
                default=failed.condition if number == len(tests) else exp.false(),
            )
            yield ReadingFailure(condition=chosen, reason=failed.reason, text=failed.text)


@dataclass(frozen=True, slots=True)
class _Reading:
    """A reading of texts: the reason when it fails, and the form that gives null then. ``fails`` says of the texts that
    it does, where that costs less than to read them again.
    """

    texts: tuple[exp.Expr, ...]
    reason: str
    mild: exp.Expr
    fails: Callable[..., exp.Expr] | None = None


def _reading(node: exp.Expr) -> _Reading | None:
    """What ``node`` reads; None when it reads nothing, or is already forgiving because its author wants null."""
    if isinstance(node, exp.Cast) and node.args.get("safe"):
        # Null where it fails is the author's wish, and a rounded number is a failure, too.
        return _Reading((), "", exact_number(node.this, node.to)) if _is_decimal(node.to) else None
    if isinstance(node, exp.Cast):
        reason = _reason(node.to)
        return _Reading((node.this,), reason, _read(node.this, node.to)) if reason else None
    if not isinstance(node, exp.Anonymous) or not node.expressions:
        return None
    name, texts = node.name.upper(), node.expressions
    if name in _CAST_FUNCTIONS and len(texts) == 1:
        kind = exp.DataType.build(_CAST_FUNCTIONS[name], dialect=DIALECT)
        return _Reading((texts[0],), _reason(kind), _read(texts[0], kind))
    if name in _TIME_FUNCTIONS:
        kind = exp.DataType.build(_TIME_FUNCTIONS[name], dialect=DIALECT)
        if len(texts) == 1:
            return _Reading((texts[0],), _reason(kind), _read(texts[0], kind))
        # Parsed as an instant in the session's zone, which is UTC, and so equal to the wall clock that was written.
        return _Reading((texts[0],), _reason(kind), _try_cast(_call("TRY_TO_TIMESTAMP", *texts), kind))
    if name in ("UNIX_TIMESTAMP", "TO_UNIX_TIMESTAMP"):
        kind = exp.DataType.build("TIMESTAMP", dialect=DIALECT)
        parsed = _call("TRY_TO_TIMESTAMP", *texts) if len(texts) > 1 else _read(texts[0], kind)
        return _Reading((texts[0],), "not_a_time", _call("UNIX_TIMESTAMP", parsed))
    if name in _EPOCH_FUNCTIONS and len(texts) == 1:
        return _Reading((texts[0],), "not_a_time", storable_instant(node))
    if name == "TO_NUMBER":
        return _Reading((texts[0],), NOT_A_NUMBER, _call("TRY_TO_NUMBER", *texts))
    if name == "MAKE_DATE" and len(texts) == 3:
        dash = exp.Literal.string("-")
        text = _call("CONCAT", texts[0], dash, texts[1], dash, texts[2])
        return _Reading(tuple(texts), "not_a_date", whole_time(text, exp.DataType.build("DATE")))
    if name == "H3_CELL":
        return _Reading(tuple(texts[:2]), "not_a_place", node.copy(), fails=nowhere)
    if name in OUR_FUNCTIONS and not _is_cell(texts[0]):
        return _Reading((texts[0],), "not_a_cell", node.copy())
    return None


def _is_cell(value: exp.Expr) -> bool:
    """Whether the expression names a cell already, so that there is no text to look at."""
    value = value.unnest()
    return isinstance(value, exp.Anonymous) and value.name.upper() == "H3_CELL"


def _reason(kind: exp.DataType) -> str:
    """The reason's name for a text that is not of a type; empty for types that any text is of."""
    if kind.is_type(*exp.DataType.NUMERIC_TYPES):
        return NOT_A_NUMBER
    if kind.is_type(exp.DType.DATE):
        return "not_a_date"
    if kind.is_type(*exp.DataType.TEMPORAL_TYPES):
        return "not_a_time"
    return "not_a_boolean" if kind.is_type(exp.DType.BOOLEAN) else ""


def _read(value: exp.Expr, kind: exp.DataType) -> exp.Expr:
    """``value`` as that type, as exactly what it says; null where that cannot be."""
    if kind.is_type(*exp.DataType.TEMPORAL_TYPES):
        return _try_cast(value, kind) if _is_time(value) else whole_time(value, kind)
    if kind.is_type(exp.DType.DOUBLE):
        return finite_double(value)
    if _is_decimal(kind) or kind.is_type(*exp.DataType.INTEGER_TYPES):
        return exact_number(value, kind)
    return _try_cast(value, kind)


def _is_decimal(kind: exp.DataType) -> bool:
    return bool(kind.is_type(exp.DType.DECIMAL))


def _is_time(value: exp.Expr) -> bool:
    """Whether the expression is a day or time already, so that there is no text to look at."""
    value = value.unnest()
    if isinstance(value, exp.Cast):
        return bool(value.to.is_type(*exp.DataType.TEMPORAL_TYPES))
    return isinstance(value, exp.Anonymous) and value.name.upper() in _TIMED


def _try_cast(value: exp.Expr, kind: exp.DataType) -> exp.Expr:
    return exp.TryCast(this=value.copy(), to=kind.copy(), safe=True)


def _call(name: str, *arguments: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this=name, expressions=[part.copy() for part in arguments])


def _excluded(branch: Branch, shapes: Mapping[str, Shape]) -> exp.Expr:
    """Whether WHERE left the row out: not where a text that WHERE reads cannot be read, for that is a reject.

    A row that missed a join is left out only where WHERE is false for certain.
    """
    if branch.where is None:
        return exp.false()
    where = _qualify(branch.where, branch, shapes)
    kept = exp.paren(forgive(where), copy=False)
    ifs = [exp.If(this=failed.condition, true=exp.false()) for failed in reading_failures(where)]
    missed = [_is_missed(join.alias) for join in branch.joins if join.is_inner]
    if missed:
        sure = exp.Not(this=_call("COALESCE", kept, exp.true()))
        ifs.append(exp.If(this=exp.or_(*missed), true=sure))
    excluded = exp.Not(this=_call("COALESCE", kept, exp.false()))
    return exp.Case(ifs=ifs, default=excluded) if ifs else excluded


def _missed(branch: Branch, shapes: Mapping[str, Shape]) -> exp.Expr:
    """``reason|column`` of the first inner join that the row did not meet: without a key it never will."""
    ifs = []
    for join in branch.joins:
        if not join.is_inner:
            continue
        keys = join_keys(join, branch, shapes)
        column = _told_column(branch, list(keys.values()))
        absent = [_is_null(forgive(_qualify(key, branch, shapes))) for key in keys.values()]
        ifs.append(exp.If(this=exp.and_(_is_missed(join.alias), exp.or_(*absent)), true=_told("missing", column)))
        ifs.append(exp.If(this=_is_missed(join.alias), true=_told("parent_unknown", column)))
    return _first(ifs)


def _told_column(branch: Branch, keys: list[exp.Expr]) -> str:
    """The column a person would look for: the one the mapping selects the key as, else the file's own."""
    selected = next((name for name, part in branch.outputs if part in keys), "")
    return selected or next((found.name for key in keys for found in columns_of(key)), "")


def _failed(branch: Branch, shapes: Mapping[str, Shape]) -> exp.Expr:
    """``reason|column`` of the first reading of text that failed: an output's column, else the one that was read."""
    named: list[tuple[str, exp.Expr]] = [*branch.outputs]
    named += [("", part) for part in (*(join.on for join in branch.joins), branch.where) if part is not None]
    ifs, told = [], set()
    for name, expression in named:
        for failed in reading_failures(_qualify(expression, branch, shapes)):
            if failed.condition in told:
                continue  # what is read twice fails first where it stands first
            told.add(failed.condition)
            column = name or next((found.name for found in columns_of(failed.condition)), "")
            ifs.append(exp.If(this=failed.condition, true=failed.told(column)))
    return _first(ifs)


def _qualify(expression: exp.Expr, branch: Branch, shapes: Mapping[str, Shape]) -> exp.Expr:
    """A copy whose columns name their view, so that what is carried along cannot make one ambiguous."""

    def named(node: exp.Expr) -> exp.Expr:
        found = resolve_column(node, branch, shapes) if isinstance(node, exp.Column) else ""
        if not isinstance(found, tuple):
            return node
        column = exp.column(found[1], table=found[0])
        column.meta[TEXT_MARK] = shapes[branch.aliases[found[0]]].has_text(found[1])
        return column

    return expression.copy().transform(named)


def _is_missed(alias: str) -> exp.Expr:
    return exp.Is(this=exp.column(MET, table=alias), expression=exp.null())


def _told(reason: str, column: str) -> exp.Expr:
    return exp.Literal.string(f"{reason}|{column}")


def _first(ifs: list[exp.If]) -> exp.Expr:
    return exp.Case(ifs=ifs) if ifs else exp.cast(exp.null(), "STRING", dialect=DIALECT)
