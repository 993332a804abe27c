"""Where the SQL of a mapping or view would read the clock: by a call, and by a text that Spark makes a time of today.

Spark makes 'today' and 'now' times where constants become times, and gives a time without a day, such as '10:30', the
current day. Apart from ``allowed_sql``, which lists what a statement may be made of: what is refused here depends on
what stands around a part.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from sqlglot import exp

_CALLS = frozenset(("NOW", "CURRENT_DATE", "CURDATE", "CURRENT_TIME", "CURRENT_TIMESTAMP", "LOCALTIMESTAMP",
                    "CURRENT_TIMEZONE"))  # fmt: skip
_PARTS = (exp.CurrentDate, exp.CurrentDatetime, exp.CurrentTime, exp.CurrentTimestamp)
# Without an argument they tell the time of day.
_WITHOUT_ARGUMENT = frozenset(("UNIX_TIMESTAMP", "DATE", "TIMESTAMP"))
# A word may be followed by a zone, as in 'now UTC'.
_CLOCK_TEXT = re.compile(r"\s*((now|today|tomorrow|yesterday)(\s|$)|t?\d{1,2}:\d)", re.IGNORECASE)

_GIVE_TIMES = frozenset((
    "DATE", "TIMESTAMP", "TO_DATE", "TRY_TO_DATE", "TO_TIMESTAMP", "TO_TIMESTAMP_NTZ", "TO_TIMESTAMP_LTZ",
    "TRY_TO_TIMESTAMP", "TO_UTC_TIMESTAMP", "FROM_UTC_TIMESTAMP", "DATE_ADD", "DATE_SUB", "DATEADD", "TIMESTAMPADD",
    "ADD_MONTHS", "LAST_DAY", "NEXT_DAY", "DATE_TRUNC", "TRUNC", "MAKE_DATE", "MAKE_TIMESTAMP", "CONVERT_TIMEZONE",
    "DATE_FROM_UNIX_DATE", "TIMESTAMP_SECONDS", "TIMESTAMP_MILLIS", "TIMESTAMP_MICROS",
))  # fmt: skip
_TAKE_TIMES = _GIVE_TIMES | frozenset((
    "UNIX_TIMESTAMP", "TO_UNIX_TIMESTAMP", "DATEDIFF", "DATE_DIFF", "TIMESTAMPDIFF", "MONTHS_BETWEEN", "YEAR",
    "QUARTER", "MONTH", "DAY", "DAYOFMONTH", "DAYOFWEEK", "DAYOFYEAR", "DAYNAME", "MONTHNAME", "WEEKDAY", "WEEKOFYEAR",
    "HOUR", "MINUTE", "SECOND", "DATE_PART", "DATEPART", "DATE_FORMAT", "UNIX_DATE", "UNIX_SECONDS", "UNIX_MILLIS",
    "UNIX_MICROS", "SEQUENCE",
))  # fmt: skip
_JOIN_TEXTS = frozenset(("CONCAT", "CONCAT_WS"))
# Where the time stands among the arguments of functions that would give a time without a day the current one.
_INSTANT_AT = {"DATE_FORMAT": 0, "DATE_TRUNC": 1, "UNIX_SECONDS": 0, "UNIX_MILLIS": 0, "UNIX_MICROS": 0}


def reads_clock(node: exp.Expr) -> bool:
    """Whether this part tells the current time, or makes one of a constant text."""
    if isinstance(node, _PARTS):
        return True
    if isinstance(node, exp.Anonymous):
        name = node.name.upper()
        if name in _CALLS or (name in _WITHOUT_ARGUMENT and not node.expressions):
            return True
    if isinstance(node, exp.Literal):
        return node.is_string and bool(_CLOCK_TEXT.match(node.name)) and _becomes_time(node)
    return any(_is_computed_text(part) for part in _read_as_time(node))


def with_instants(tree: exp.Expr) -> exp.Expr:
    """The statement with a cast around what DATE_FORMAT and its like would read as an instant unasked: a cast of a text
    without a day is none, as everywhere in a mapping, and no time of the current day.
    """
    for call in list(tree.find_all(exp.Anonymous)):
        place = _INSTANT_AT.get(call.name.upper())
        if place is not None and place < len(call.expressions) and not _is_time(call.expressions[place]):
            asked = call.expressions[place]
            asked.replace(exp.cast(asked.copy(), "TIMESTAMP", copy=False, dialect="spark"))
    return tree


def _becomes_time(literal: exp.Expr) -> bool:
    """Whether a text stands where Spark makes it a time: in a cast, in a function of times, or beside a time.

    What a condition of CASE or a comparison of texts says goes no further than it.
    """
    node, around = literal, literal.parent
    while isinstance(around, exp.Expr):
        if any(part is node for part in _read_as_time(around)):
            return True
        if isinstance(around, exp.Predicate):
            return any(_is_time(side) for side in around.iter_expressions() if side is not node)
        if isinstance(around, exp.If) and node is around.this:
            return False
        # A piece of a longer text is no word of its own.
        if isinstance(around, (exp.Query, exp.Interval, exp.DPipe)) or around.name.upper() in _JOIN_TEXTS:
            return False
        if isinstance(around, (exp.Anonymous, exp.Case, exp.If, exp.Add, exp.Sub)) and _has_time_beside(around, node):
            return True
        node, around = around, around.parent
    return False


def _has_time_beside(around: exp.Expr, node: exp.Expr) -> bool:
    """Whether a value beside this one in a call or CASE is a time, so that both become one."""
    if isinstance(around, exp.Case):
        values = [test.args.get("true") for test in around.args["ifs"]] + [around.args.get("default")]
    elif isinstance(around, exp.If):
        values = [around.args.get("true"), around.args.get("false")]
    else:
        values = list(around.iter_expressions())
    return any(isinstance(one, exp.Expr) and one is not node and _is_time(one) for one in values)


def _read_as_time(node: exp.Expr) -> Iterator[exp.Expr]:
    """The arguments of a part that become times."""
    if isinstance(node, (exp.Cast, exp.TryCast)) and node.to.is_type(*exp.DataType.TEMPORAL_TYPES):
        yield node.this
    elif isinstance(node, exp.Extract):
        yield node.expression
    elif isinstance(node, exp.Anonymous) and node.name.upper() in _TAKE_TIMES:
        yield from node.expressions


def _is_computed_text(node: exp.Expr) -> bool:
    """Whether a text is put together of constants alone, such as CONCAT('to', 'day'): Spark computes it before it looks
    for words of the clock.
    """
    node = node.unnest()
    if isinstance(node, (exp.Literal, exp.Interval)) or _is_time(node) or node.find(exp.Column) is not None:
        return False
    return any(literal.is_string for literal in node.find_all(exp.Literal))


def _is_time(node: exp.Expr) -> bool:
    node = node.unnest()
    if isinstance(node, (exp.Cast, exp.TryCast)):
        return bool(node.to.is_type(*exp.DataType.TEMPORAL_TYPES))
    return isinstance(node, exp.Anonymous) and node.name.upper() in _GIVE_TIMES
