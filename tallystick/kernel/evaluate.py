"""Evaluates the typed expressions of ``spec.expressions`` over columns.

``spec.expressions`` parses and types them.

Logic is three-valued. Integer arithmetic that leaves int64 is a ContractError. A part of an expression that reads
one text column only is evaluated once per distinct text, and its result looked up by code.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tallystick.errors import ContractError
from tallystick.kernel.nullable import (
    Array,
    Bools,
    Ints,
    Vector,
    both_valid,
    distinct_codes,
    rows_by_code,
    stable_order,
    text_ranks,
    unify_texts,
)
from tallystick.kernel.zones import DAY, Zone
from tallystick.spec.expressions import Call, ColumnRef, Constant, Node, columns_used, has_lags, lags_of

_EPOCH_ORDINAL = dt.date(1970, 1, 1).toordinal()

# A look-up pays when the rows are clearly more than the distinct texts.
_ROWS_PER_TEXT = 2

_DTYPES: dict[str, type] = {"boolean": np.bool_, "double": np.float64, "string": np.int64}


class Frame:
    """Columns of one length, and what has been evaluated over them already.

    ``by_text`` keeps what was evaluated by distinct text, for the frames whose columns share their dictionaries.
    Nodes are known by their identity, so whoever evaluates keeps them until the frame is done with.
    ``owner`` tells rows apart that do not follow each other: those of one value stand together, in their order.
    """

    __slots__ = ("_by_text", "_known", "_runs", "columns", "owner", "size", "zone")

    def __init__(
        self,
        columns: Mapping[str, Vector],
        size: int,
        zone: Zone,
        *,
        by_text: dict[int, Vector] | None = None,
        owner: Ints | None = None,
    ) -> None:
        self.owner = owner
        self.columns = columns
        self.size = size
        self.zone = zone
        self._known: dict[int, Vector] = {}
        self._by_text = {} if by_text is None else by_text
        self._runs: dict[tuple[int, ...], tuple[Ints, Ints]] = {}

    def evaluate(self, node: Node) -> Vector:
        """The value of ``node`` in every row (a constant has no dimension)."""
        if id(node) not in self._known:
            self._known[id(node)] = self._evaluate(node)
        return self._known[id(node)]

    def take(self, index: Ints, node: Node) -> Frame:
        """The rows at ``index`` with what ``node`` needs, also of rows before them that are not among these."""
        columns = {name: self.columns[name].take(index) for name in columns_used(node)}
        made = Frame(columns, index.size, self.zone)
        made._known = {id(lag): self.evaluate(lag).take(index) for lag in lags_of(node)}
        return made

    def by_code(self, node: Node, names: tuple[str, ...]) -> Bools | None:
        """Where a condition over the text column ``names`` holds: by the column's codes, and at the end for null. None
        where it reads other columns too, or there are not clearly fewer texts than rows.
        """
        name = self._text_of(node, names)
        return None if name is None else self._by_distinct(node, name).is_true()

    def _evaluate(self, node: Node) -> Vector:
        if isinstance(node, ColumnRef):
            column = self.columns[node.name]
            if node.type == "boolean" and column.values.dtype != np.bool_:  # a column that is null throughout
                return Vector(column.values.astype(np.bool_), column.valid)
            return column
        if isinstance(node, Constant):
            return _constant(node)
        name = self._text_of(node, _columns_of(node))
        if name is not None:
            return self._look_up(node, name)
        args = [self.evaluate(arg) for arg in node.args]
        if node.op == "lag":
            return self._lag(args[0].spread(self.size), int(args[1].values), args[2:])
        if node.op == "last_value":
            return self._last_value(args[0].spread(self.size), args[1:])
        if node.op.startswith("part_"):
            return _part(node.op.removeprefix("part_"), args[0], node.args[0].type, self.zone)
        return _CALLS[node.op](args, node)

    def _lag(self, value: Vector, back: int, keys: list[Vector]) -> Vector:
        """The value ``back`` rows before, among the rows of one owner that have the same keys."""
        group, order = self._run_order(keys)
        near, far = order[back:], order[: max(self.size - back, 0)]
        before = np.full(self.size, -1, dtype=np.int64)
        before[near] = np.where(group[near] == group[far], far, -1)
        is_there = before >= 0
        found = value.take(np.maximum(before, 0)) if self.size else value
        return Vector(found.values, is_there if found.valid is None else is_there & found.valid, found.texts)

    def _last_value(self, value: Vector, keys: list[Vector]) -> Vector:
        """The last value that is not null up to each row, among the rows of one owner that have the same keys."""
        if value.valid is None:
            return value
        group, order = self._run_order(keys)
        latest = np.maximum.accumulate(np.where(value.valid[order], np.arange(self.size), -1))
        found = np.empty(self.size, dtype=np.int64)
        # One that lies in another run is none.
        found[order] = np.where(group[order[latest]] == group[order], order[latest], -1) if self.size else latest
        is_there = found >= 0
        is_there[order] &= latest >= 0
        taken = value.take(np.maximum(found, 0)) if self.size else value
        return Vector(taken.values, is_there, taken.texts)

    def _run_order(self, keys: list[Vector]) -> tuple[Ints, Ints]:
        """The group of each row, one for each owner and keys, and the rows group by group in their order."""
        if self.owner is None:
            raise TypeError("rows without an owner have no order")
        name = tuple(id(key) for key in keys)  # the frame keeps these vectors
        if name not in self._runs:
            group = self.owner.astype(np.int64)
            for key in keys:
                codes = distinct_codes(key)
                codes = codes + 1 if key.valid is None else np.where(key.valid, codes + 1, 0)
                # Numbered from 0 each time, so that they stay far below what int64 holds.
                group = distinct_codes(Vector(group * (int(codes.max(initial=0)) + 1) + codes))
            self._runs[name] = group, stable_order(group)
        return self._runs[name]

    def _text_of(self, node: Node, names: tuple[str, ...]) -> str | None:
        """The only column that a call reads, if it is a text column with clearly fewer texts than rows."""
        if len(names) != 1 or not isinstance(node, Call) or has_lags(node):
            return None
        texts = self.columns[names[0]].texts
        return names[0] if texts is not None and len(texts) * _ROWS_PER_TEXT < self.size else None

    def _by_distinct(self, node: Node, name: str) -> Vector:
        """The value of ``node`` for each text of a column, and for null at the end."""
        if id(node) not in self._by_text:
            texts = self.columns[name].texts
            count = 0 if texts is None else len(texts)
            valid = np.arange(count + 1) < count
            codes = np.minimum(np.arange(count + 1), count - 1)
            distinct = Frame({name: Vector(codes, valid, texts)}, count + 1, self.zone)
            self._by_text[id(node)] = distinct.evaluate(node).spread(count + 1)
        return self._by_text[id(node)]

    def _look_up(self, node: Node, name: str) -> Vector:
        column, result = self.columns[name], self._by_distinct(node, name)
        if result.values.dtype == np.bool_:
            known = None if result.valid is None else rows_by_code(column, result.valid)
            return Vector(rows_by_code(column, result.values), known)
        codes = column.values
        if column.valid is not None:
            codes = np.where(column.valid, codes.astype(np.int64), result.values.size - 1)
        return result.take(codes)


@lru_cache(maxsize=4096)
def _columns_of(node: Node) -> tuple[str, ...]:
    return columns_used(node)


def _constant(node: Constant) -> Vector:
    value = node.value
    if value is None:
        texts = pa.array([""], pa.string()) if node.type == "string" else None
        return Vector(np.zeros((), dtype=_DTYPES.get(node.type, np.int64)), np.zeros((), dtype=np.bool_), texts)
    if isinstance(value, str):
        return Vector(np.zeros((), dtype=np.int64), None, pa.array([value], pa.string()))
    if isinstance(value, dt.date):
        value = value.toordinal() - _EPOCH_ORDINAL
    return Vector(np.array(value))


_ARROW_NAMES = {
    "eq": "equal", "ne": "not_equal", "lt": "less", "le": "less_equal", "gt": "greater", "ge": "greater_equal",
}  # fmt: skip


def _comparison(compare: Callable[[Any, Any], Any], *, ordered: bool) -> Callable[[list[Vector], Call], Vector]:
    def evaluate(args: list[Vector], node: Call) -> Vector:
        left, right = args
        if left.texts is not None and isinstance(node.args[1], Constant):
            holds = pc.call_function(_ARROW_NAMES[node.op], [left.texts, str(node.args[1].value)])
            return Vector(np.asarray(holds.to_numpy(zero_copy_only=False))[left.values], left.valid)
        if left.texts is not None:
            left, right = unify_texts(args)
            if ordered:
                ranks = text_ranks(left.texts)
                left, right = Vector(ranks[left.values], left.valid), Vector(ranks[right.values], right.valid)
        return Vector(compare(left.values, right.values), both_valid(left.valid, right.valid))

    return evaluate


def _in(args: list[Vector], node: Call) -> Vector:
    if args[0].texts is not None:
        texts = pa.array([str(arg.value) for arg in node.args[1:] if isinstance(arg, Constant)], pa.string())
        holds = pc.is_in(args[0].texts, value_set=texts).to_numpy(zero_copy_only=False)
        return Vector(np.asarray(holds)[args[0].values], args[0].valid)
    wanted = np.array([arg.values for arg in args[1:]])
    return Vector(np.isin(args[0].values, wanted), args[0].valid)


def _like(args: list[Vector], node: Call) -> Vector:
    pattern = str(getattr(node.args[1], "value", ""))  # a literal: the parser lets nothing else through
    matches = pc.match_like(args[0].texts, pattern).to_numpy(zero_copy_only=False)
    return Vector(np.asarray(matches)[args[0].values], args[0].valid)


def _and(args: list[Vector], _: Call) -> Vector:
    left, right = args
    if left.valid is None and right.valid is None:
        return Vector(left.values & right.values)
    true = left.is_true() & right.is_true()
    return Vector(true, true | _is_false(left) | _is_false(right))


def _or(args: list[Vector], _: Call) -> Vector:
    left, right = args
    if left.valid is None and right.valid is None:
        return Vector(left.values | right.values)
    true = left.is_true() | right.is_true()
    return Vector(true, true | (_is_false(left) & _is_false(right)))


def _is_false(vector: Vector) -> Bools:
    no: Bools = ~vector.values
    return no if vector.valid is None else no & vector.valid


def _not(args: list[Vector], _: Call) -> Vector:
    return Vector(~args[0].values, args[0].valid)


def _is_null(args: list[Vector], _: Call) -> Vector:
    valid = args[0].valid
    return Vector(np.zeros(args[0].values.shape, dtype=np.bool_) if valid is None else ~valid)


def _arithmetic(exact: str, inexact: Callable[..., Any]) -> Callable[[list[Vector], Call], Vector]:
    def evaluate(args: list[Vector], node: Call) -> Vector:
        valid = both_valid(*(arg.valid for arg in args))
        if node.type == "double":
            return Vector(inexact(*(arg.values for arg in args)), valid)
        # Values under a null are arbitrary: they must not overflow.
        safe = [arg.values if valid is None else np.where(valid, arg.values, 0) for arg in args]
        try:
            made = pc.call_function(exact, [pa.array(a) if a.ndim else pa.scalar(int(a), pa.int64()) for a in safe])
        except pa.ArrowInvalid as error:
            raise ContractError(f"{node.op} of whole numbers leaves int64", fix="scale the value") from error
        values = np.array(made.as_py()) if isinstance(made, pa.Scalar) else np.asarray(made.to_numpy())
        return Vector(values, valid)

    return evaluate


def _quotient(args: list[Vector], _: Call) -> Vector:
    above, below = args
    is_known = below.values != 0
    values = above.values / np.where(is_known, below.values, 1.0)
    valid = both_valid(above.valid, below.valid)
    if is_known.all():
        return Vector(values, valid)
    return Vector(values, np.broadcast_to(is_known if valid is None else valid & is_known, values.shape))


def _to_double(args: list[Vector], _: Call) -> Vector:
    return Vector(args[0].values.astype(np.float64), args[0].valid)


def _epoch(args: list[Vector], _: Call) -> Vector:
    """Seconds since 1970 of an instant, wherever the clock stands."""
    return Vector(args[0].values / 1e6, args[0].valid)


def _coalesce(args: list[Vector], _: Call) -> Vector:
    if args[0].texts is not None:
        args = unify_texts(args)
    made = args[-1]
    for arg in reversed(args[:-1]):
        if arg.valid is None:
            made = arg
            continue
        valid = None if made.valid is None else arg.valid | made.valid
        made = Vector(np.where(arg.valid, arg.values, made.values), valid, arg.texts)
    return made


def _case(args: list[Vector], _: Call) -> Vector:
    conditions, values = args[:-1:2], [*args[1::2], args[-1]]
    if values[0].texts is not None:
        values = unify_texts(values)
    made = values[-1]
    for condition, value in zip(reversed(conditions), reversed(values[:-1]), strict=True):
        holds = condition.is_true()
        valid = None
        if value.valid is not None or made.valid is not None:
            valid = np.where(holds, _valid_array(value), _valid_array(made))
        made = Vector(np.where(holds, value.values, made.values), valid, value.texts)
    return made


def _valid_array(vector: Vector) -> Bools:
    return np.ones((), dtype=np.bool_) if vector.valid is None else vector.valid


def _part(unit: str, arg: Vector, kind: str, zone: Zone) -> Vector:
    """A part of a local date or time. Weekday 1970-01-01 was a Thursday."""
    local = zone.to_local(arg.values) if kind == "timestamp" else arg.values * DAY
    days, time = np.divmod(local, DAY)
    return Vector(_PARTS[unit](days, time), arg.valid)


def _months(days: Array) -> Array:
    return np.asarray(days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64))


def _day_of_month(days: Array) -> Array:
    date = days.astype("datetime64[D]")
    return np.asarray((date - date.astype("datetime64[M]")).astype(np.int64) + 1)


_PARTS: dict[str, Callable[[Array, Array], Array]] = {
    "year": lambda days, _: 1970 + _months(days) // 12,
    "quarter": lambda days, _: 1 + _months(days) % 12 // 3,
    "month": lambda days, _: 1 + _months(days) % 12,
    "day": lambda days, _: _day_of_month(days),
    "hour": lambda _, time: time // (DAY // 24),
    "minute": lambda _, time: time // (DAY // 1440) % 60,
    "isodow": lambda days, _: (days + 3) % 7 + 1,
}

_CALLS: dict[str, Callable[[list[Vector], Call], Vector]] = {
    "eq": _comparison(np.equal, ordered=False),
    "ne": _comparison(np.not_equal, ordered=False),
    "lt": _comparison(np.less, ordered=True),
    "le": _comparison(np.less_equal, ordered=True),
    "gt": _comparison(np.greater, ordered=True),
    "ge": _comparison(np.greater_equal, ordered=True),
    "in": _in,
    "like": _like,
    "and": _and,
    "or": _or,
    "not": _not,
    "is_null": _is_null,
    "add": _arithmetic("add_checked", np.add),
    "sub": _arithmetic("subtract_checked", np.subtract),
    "mul": _arithmetic("multiply_checked", np.multiply),
    "div": _quotient,
    "neg": _arithmetic("negate_checked", np.negative),
    "abs": _arithmetic("abs_checked", np.abs),
    "coalesce": _coalesce,
    "case": _case,
    "to_double": _to_double,
    "epoch": _epoch,
}
