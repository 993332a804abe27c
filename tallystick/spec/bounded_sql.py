"""How much a few letters of SQL may make: lengths, numbers of elements and of rows are written down and bounded.

``REPEAT('x', 1000000000)`` fills the memory of a task, and so does a length that a supplier's file says. What grows
with the data, such as a join of two views, is not bounded here. Apart from ``allowed_sql``, whose lists say what may be
called at all.
"""

from __future__ import annotations

import re
from datetime import date
from math import prod

from sqlglot import exp

# Characters or elements that one call may make, and what the calls inside each other may make together.
LONGEST = 10_000
MOST = 1_000_000

# Which argument is a length.
_LENGTHS = {"SPACE": 0, "REPEAT": 1, "LPAD": 1, "RPAD": 1, "ARRAY_REPEAT": 1, "ARRAY_INSERT": 1, "STACK": 0,
            "FORMAT_NUMBER": 1}  # fmt: skip
# What makes so many times what is inside it, or so many rows.
_TIMES = ("REPEAT", "ARRAY_REPEAT", "SEQUENCE", "STACK", "LPAD", "RPAD", "SPACE")
# What puts one of its arguments into each part of another; so does every call with a lambda.
_INTO_EACH = ("ARRAY_JOIN", "CONCAT_WS", "REPLACE", "REGEXP_REPLACE", "TRANSLATE")
_ROW_MAKERS = ("EXPLODE", "EXPLODE_OUTER", "POSEXPLODE", "POSEXPLODE_OUTER", "INLINE", "INLINE_OUTER", "STACK")
_FORMATS = ("FORMAT_STRING", "PRINTF")
_FOLDS = ("AGGREGATE", "REDUCE")
# What is no longer than what it is made of, or has a fixed size: in these an accumulator may stand.
_HOLDING = frozenset((
    "ABS", "ADD_MONTHS", "ARRAY_CONTAINS", "ARRAY_MAX", "ARRAY_MIN", "BIGINT", "BOOLEAN", "BROUND", "CARDINALITY",
    "CEIL", "CEILING", "COALESCE", "CONTAINS", "DATE", "DATEDIFF", "DATE_ADD", "DATE_DIFF", "DATE_SUB", "DECIMAL",
    "DOUBLE", "ELEMENT_AT", "ENDSWITH", "EQUAL_NULL", "EXP", "FLOOR", "GET", "GREATEST", "IF", "IFNULL", "INT", "ISNAN",
    "ISNOTNULL", "ISNULL", "LEAST", "LEFT", "LENGTH", "LN", "MOD", "NANVL", "NEGATIVE", "NULLIF", "NVL", "NVL2", "PMOD",
    "POSITIVE", "POW", "POWER", "RIGHT", "ROUND", "SHIFTLEFT", "SHIFTRIGHT", "SIGN", "SIGNUM", "SIZE", "SLICE",
    "SMALLINT", "SQRT", "STARTSWITH", "SUBSTR", "SUBSTRING", "TINYINT", "TRIM", "TRY_ADD", "TRY_DIVIDE",
    "TRY_ELEMENT_AT", "TRY_MULTIPLY", "TRY_SUBTRACT", "XXHASH64",
))  # fmt: skip
_HOLDING_NODES = (
    exp.Add, exp.Sub, exp.Mul, exp.Div, exp.IntDiv, exp.Mod, exp.Neg, exp.Predicate, exp.And, exp.Or, exp.Not, exp.Case,
    exp.If, exp.Cast, exp.Paren, exp.Dot, exp.Column, exp.Bracket, exp.Substring, exp.Trim, exp.Extract, exp.Alias,
    exp.PropertyEQ,
)  # fmt: skip
_DAYS = {"DAY": 1, "WEEK": 7, "MONTH": 31, "QUARTER": 92, "YEAR": 366}

_TOO_LONG = f"at most {LONGEST:,}"
_LENGTH_FIX = "write it as a number, or LEAST(<length>, 100)"
_SEQUENCE_FIX = (
    "bound it to both sides: SEQUENCE(<start>, GREATEST(<start>, LEAST(<stop>, <start> + 100))), of dates with "
    "DATE_ADD(<start>, 100)"
)
_FOLD_TOLD = ("an accumulator that grows", "ARRAY_JOIN(TRANSFORM(...), '') puts texts together, FLATTEN arrays")
_FORMAT_TOLD = ("a width of more than 3 digits in a format", "LPAD(<text>, <length>) pads")
_NO_FORMAT = ("a format that is not written", "write it as one text in quotes; CONCAT puts values together")
# A width or a number of digits, such as the 5 and 2 of %5.2f; after %1$ the width of the first value.
_WIDTHS = re.compile(r"%(?:\d{1,3}\$)?[-#+ 0,(<]*(\d*)(?:\.(\d*))?")


def unbounded_call(node: exp.Expr) -> tuple[str, str] | None:
    """Why a call can make more than is written, or than may be, and what to do; None where it cannot."""
    if not isinstance(node, exp.Anonymous):
        return None
    name = node.name.upper()
    if name == "SEQUENCE":
        return _refused_size("SEQUENCE", "of a number of elements", _elements(node), fix=_SEQUENCE_FIX)
    if name in _LENGTHS and len(node.expressions) <= _LENGTHS[name]:
        return f"{name} without its length", f"write it as argument {_LENGTHS[name] + 1}"
    if name in _LENGTHS:
        size = node.expressions[_LENGTHS[name]]
        if name == "ARRAY_INSERT" and _number(size) is None:
            return "ARRAY_INSERT at a place that is not written", "a number; far before the first it fills up, too"
        is_format = name == "FORMAT_NUMBER" and isinstance(size, exp.Literal) and size.is_string
        return None if is_format else _refused_size(name, "of a length", _bound(size), fix=_LENGTH_FIX)
    if name in _FORMATS:
        return _refused_format(node)
    if name in _FOLDS and _grows(node):
        return _FOLD_TOLD
    return None


def refused_together(tree: exp.Expr) -> tuple[exp.Expr, str, str] | None:
    """The last of the calls that make too much together, though each alone may, why, and what to do; None without any.

    Rows of VALUES and of what is exploded multiply each other, and what a value is made of inside them.
    """
    last, most = tree, 1
    for node in tree.find_all(exp.Anonymous, exp.Transform):
        if not _makes_rows(node) and (size := _size(node)) > most:
            last, most = node, size
        elif most == 1 and node.name.upper() in _TIMES:
            last = node
    total = _rows(tree) * most
    if total <= MOST:
        return None
    return last, f"calls that make {total:,} rows, elements or characters together", f"at most {MOST:,}"


def _rows(node: exp.Expr) -> int:
    """How many rows are made of one: what stands beside each other multiplies, the sides of a UNION add up."""
    if isinstance(node, exp.Values):
        return max(len(node.expressions), 1)
    if isinstance(node, exp.Anonymous) and node.name.upper() in _ROW_MAKERS:
        return _size(node)
    if isinstance(node, exp.SetOperation):
        sides = _rows(node.this) + _rows(node.expression)
        others = (one for one in node.iter_expressions() if one is not node.this and one is not node.expression)
        return sides * prod(map(_rows, others))
    return prod(map(_rows, node.iter_expressions()))


def _size(node: exp.Expr) -> int:
    """How many elements or characters a value is made of, where a column counts as one."""
    parts = [_size(one) for one in node.iter_expressions()]
    most = max(parts, default=1)
    if isinstance(node, exp.Array):
        return max(sum(parts), 1)
    name = node.name.upper() if isinstance(node, exp.Anonymous) else ""
    if isinstance(node, exp.Anonymous) and name in _TIMES:
        return _times(node) if name == "SEQUENCE" else _times(node) * most
    is_into_each = name in _INTO_EACH or any(isinstance(one, exp.Lambda) for one in node.iter_expressions())
    return prod(parts) if is_into_each else most


def _refused_size(name: str, what: str, size: int | None, *, fix: str) -> tuple[str, str] | None:
    if size is None:
        return f"{name} {what} that is not written", fix
    return None if size <= LONGEST else (f"{name} {what} of {size:,}", _TOO_LONG)


def _times(node: exp.Anonymous) -> int:
    name = node.name.upper()
    size = _elements(node) if name == "SEQUENCE" else _bound(node.expressions[_LENGTHS[name]])
    return max(size or 1, 1)


def _makes_rows(node: exp.Expr) -> bool:
    around: exp.Expr | None = node
    while around is not None and not isinstance(around, exp.Query):
        if isinstance(around, exp.Lateral) or (
            isinstance(around, exp.Anonymous) and around.name.upper() in _ROW_MAKERS
        ):
            return True
        around = around.parent
    return False


def _bound(node: exp.Expr) -> int | None:
    """The greatest size that a number can have by what is written; None where nothing is."""
    number = _number(node)
    if number is not None:
        return abs(number)
    node = node.unnest()
    if isinstance(node, exp.If):
        sides = [_bound(one) for one in (node.args["true"], node.args.get("false")) if one is not None]
        return None if None in sides else max(one for one in sides if one is not None)
    if isinstance(node, exp.Anonymous) and node.name.upper() == "LEAST":
        return min((abs(one) for part in node.expressions if (one := _number(part)) is not None), default=None)
    return None


def _number(node: exp.Expr) -> int | None:
    """A whole number as it is written, with its sign."""
    node = node.unnest()
    if isinstance(node, exp.Neg):
        number = _number(node.this)
        return None if number is None else -number
    is_whole = isinstance(node, exp.Literal) and not node.is_string and node.name.isdigit()
    return int(node.name) if is_whole else None


def _elements(node: exp.Anonymous) -> int | None:
    """How many elements a SEQUENCE has at most; None where that is not written."""
    if len(node.expressions) not in (2, 3):
        return None
    start, stop = (part.unnest() for part in node.expressions[:2])
    step = _step(node.expressions[2]) if len(node.expressions) == 3 else 1
    reach = _reach(start, stop)
    return None if reach is None or not step else reach // step + 1


def _reach(start: exp.Expr, stop: exp.Expr) -> int | None:
    """How far a stop can be from the start at most, to either side; None where that is not written.

    It is where the stop itself is written, or lies between two that are, as GREATEST(start, LEAST(stop, start + 100))
    does. A stop before its start makes a sequence that falls.
    """
    if (itself := _distance(start, stop)) is not None:
        return itself
    for outer, inner in (("GREATEST", "LEAST"), ("LEAST", "GREATEST")):
        if _is_call(stop, outer):
            direct, nested = [], []
            for part in (one.unnest() for one in stop.expressions):
                if (far := _distance(start, part)) is not None:
                    direct.append(far)
                elif _is_call(part, inner) and (far := _nearest(start, part)) is not None:
                    nested.append(far)
                else:
                    return None  # it alone could be as far as it likes
            return max(direct + nested) if direct else None
    return None


def _nearest(start: exp.Expr, call: exp.Expr) -> int | None:
    """The least distance from the start that one of the parts of LEAST or GREATEST has."""
    parts = call.unnest().expressions
    return min((far for part in parts if (far := _distance(start, part.unnest())) is not None), default=None)


def _is_call(node: exp.Expr, name: str) -> bool:
    return isinstance(node, exp.Anonymous) and node.name.upper() == name


def _distance(start: exp.Expr, stop: exp.Expr) -> int | None:
    """How far a stop is from the start, in numbers or days; None where that is not written."""
    if start == stop:
        return 0
    first, last = _number(start), _number(stop)
    if first is not None and last is not None:
        return abs(last - first)
    first_day, last_day = _day(start), _day(stop)
    if first_day is not None and last_day is not None:
        return abs((last_day - first_day).days)
    if isinstance(stop, exp.Add) and stop.this.unnest() == start:
        number = _number(stop.expression)
        return abs(number) if number is not None else _interval(stop.expression)
    if isinstance(stop, exp.Anonymous) and len(stop.expressions) == 2 and stop.expressions[0].unnest() == start:
        unit, number = {"DATE_ADD": 1, "ADD_MONTHS": 31}.get(stop.name.upper()), _number(stop.expressions[1])
        return None if unit is None or number is None else abs(number) * unit
    return None


def _step(node: exp.Expr) -> int | None:
    number = _number(node)
    return abs(number) if number is not None else _interval(node)


def _interval(node: exp.Expr) -> int | None:
    """The days of an INTERVAL of whole days or more; None for any other value."""
    node = node.unnest()
    if isinstance(node, exp.Neg):
        return _interval(node.this)
    if not isinstance(node, exp.Interval) or not isinstance(node.this, exp.Literal):
        return None
    unit = _DAYS.get(str(node.args.get("unit") or "").upper().removesuffix("S"))
    return int(node.this.name) * unit if unit and node.this.name.isdigit() else None


def _day(node: exp.Expr) -> date | None:
    if isinstance(node, (exp.Cast, exp.TryCast)) and isinstance(node.this, exp.Literal):
        try:
            return date.fromisoformat(node.this.name[:10])
        except ValueError:
            return None
    return None


def _refused_format(node: exp.Anonymous) -> tuple[str, str] | None:
    """What is wrong with the format of a call: only one whose widths are written is bounded."""
    text = node.expressions[0].unnest() if node.expressions else None
    if not isinstance(text, exp.Literal) or not text.is_string:
        return _NO_FORMAT
    # %% is a sign of its own. Leading zeros are a flag, so that %0005d has a width of one digit.
    found = _WIDTHS.finditer(text.name.replace("%%", ""))
    return _FORMAT_TOLD if any(len(width or "") > 3 for one in found for width in one.groups()) else None


def _grows(node: exp.Anonymous) -> bool:
    """Whether a fold puts its accumulator into something that can be longer than it."""
    merges = [part for part in node.expressions if isinstance(part, exp.Lambda)][:1]
    for merge in merges:
        held = merge.expressions[0].name.casefold() if merge.expressions else ""
        for word in merge.this.find_all(exp.Identifier):
            if word.name.casefold() == held and _is_in_longer(word, merge):
                return True
    return False


def _is_in_longer(word: exp.Identifier, merge: exp.Lambda) -> bool:
    """Whether a word stands inside something that can be longer; a field that is named by it in a struct does not.

    A struct keeps its fields from step to step, so that it cannot grow but by what stands in them.
    """
    around: exp.Expr | None = word.parent
    is_field = isinstance(around, (exp.Dot, exp.Column)) and not _is_whole(word, around)
    while around is not None and around is not merge:
        is_call = isinstance(around, exp.Anonymous)
        name = around.name.upper() if is_call else ""
        is_struct = isinstance(around, exp.Struct) or name == "NAMED_STRUCT"
        holds = name in _HOLDING if is_call else isinstance(around, _HOLDING_NODES)
        if not (holds or (is_struct and is_field)):
            return True
        around = around.parent
    return False


def _is_whole(word: exp.Identifier, around: exp.Expr) -> bool:
    return isinstance(around, exp.Column) and around.this is word and not around.table
