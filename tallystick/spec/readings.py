"""What a text must look like to be read as a number, a day or a time, and the SQL that reads it without a trace of
doubt: a value is read as exactly what it says, or not at all.

Apart from ``spec.mapping_sql`` because a mapping's own casts and the contract's (``ingest.casting``) must agree. Spark
alone takes ``1d`` for 1, ``1998`` for the first day of that year, ``2024-01-02 nonsense`` for a day, and rounds 12.345
to 12.35.
"""

from __future__ import annotations

from sqlglot import exp

_DAY = "[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}"
_HOUR, _SIXTIETH = "([01]?[0-9]|2[0-3])", "[0-5]?[0-9]"
_MINUTES = f":{_SIXTIETH}(:{_SIXTIETH}([.][0-9]*)?)?"
# No abbreviation but UTC and GMT: CST is China's time, Chicago's and Cuba's, and CET in summer is not CET.
_ZONE = "(Z|(UTC|GMT)?[+-][0-9]{1,2}(:?[0-9]{2}(:?[0-9]{2})?)?|UTC|GMT|[A-Z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)+)"

# A day, or a day and a time on some wall clock.
LOCAL_TEXT = f"^[ ]*{_DAY}([T ]{_HOUR}({_MINUTES})?)?[ ]*$"
# A time that says its own zone, and so is an instant.
ZONED_TEXT = f"^[ ]*{_DAY}[T ]{_HOUR}{_MINUTES}[ ]?{_ZONE}[ ]*$"
NUMBER_TEXT = "^[ ]*[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?[ ]*$"

# When something happened and when it was known: the years 2 to 9998, but for a day at each end, so that a day means the
# same in every zone. What lies beyond is a supplier's word for "none" or "no end", and has no day before or after it.
FIRST_DAY, LAST_DAY = "0002-01-02", "9998-12-30"
FIRST_SECOND, LAST_SECOND = -62103974400, 253370678399

# Functions whose result is text, whatever they are given.
_TEXT_FUNCTIONS = frozenset(
    ("REPLACE", "REGEXP_REPLACE", "REGEXP_EXTRACT", "SUBSTR", "LEFT", "RIGHT", "LOWER", "UPPER", "LTRIM", "RTRIM",
     "BTRIM", "LPAD", "RPAD", "CONCAT", "CONCAT_WS", "SPLIT_PART", "TRANSLATE", "DATE_FORMAT", "FROM_UNIXTIME")
)  # fmt: skip
_TEXT_NODES = (exp.Trim, exp.Substring, exp.DPipe, exp.Lower, exp.Upper, exp.Concat)
_TEXT_IF_ALL = frozenset(("COALESCE", "NVL", "IFNULL", "NULLIF"))

# Marks a column of a file's view: its values are text as the supplier wrote it.
TEXT_MARK = "is_text"


def is_text(node: exp.Expr) -> bool:
    """Whether the expression gives text for certain."""
    node = node.unnest()
    if isinstance(node, exp.Column):
        return bool(node.meta.get(TEXT_MARK))
    if isinstance(node, exp.Literal):
        return bool(node.is_string)
    if isinstance(node, exp.Anonymous) and node.name.upper() in _TEXT_IF_ALL:
        return all(is_text(part) for part in node.expressions)
    return isinstance(node, _TEXT_NODES) or (isinstance(node, exp.Anonymous) and node.name.upper() in _TEXT_FUNCTIONS)


def exact_number(value: exp.Expr, kind: exp.DataType) -> exp.Expr:
    """``value`` as that type; null where it cannot be read, or only by rounding it or cutting a fraction off.

    A text without an exponent is whole by its look: no digit but 0 stands behind the places that the type keeps. With
    an exponent, and of a double, the finest decimal of the same range must agree, and the double, too.
    """
    whole = _try(value, kind)
    if isinstance(value.unnest(), (exp.Predicate, exp.Connector, exp.Not)) or (_is_integer(kind) and is_text(value)):
        return whole  # a truth value, and a text that Spark itself reads as a whole number or not at all
    digits, places = _size(kind)
    text = _text(value)
    finest = exp.DataType.build(f"DECIMAL(38, {38 - digits + places})")
    double = exp.DataType.build("DOUBLE")
    agrees = exp.and_(
        _matches(text, "^[^eE]{1,24}[eE]"),
        exp.EQ(this=_try(value, finest), expression=whole.copy()),
        exp.EQ(this=_try(value, double), expression=_try(whole, double)),
    )
    lossy = f"[.][0-9]{{{places}}}[0-9]*[1-9]|[0-9.][eE][+-]?[0-9]|[^\\x00-\\x7F]"
    ifs = [exp.If(this=exp.not_(_matches(text, lossy)), true=whole), exp.If(this=agrees, true=whole.copy())]
    return exp.Case(ifs=ifs)


def finite_double(value: exp.Expr) -> exp.Expr:
    """``value`` as a double; null for a text that is no number, or one that no double is large enough for."""
    double = exp.DataType.build("DOUBLE")
    if not is_text(value) and not isinstance(value.unnest(), exp.Column):
        return _try(value, double)
    read = _try(_looking_like(value, NUMBER_TEXT), double)
    infinite = exp.cast(exp.Literal.string("Infinity"), "DOUBLE")
    return exp.Anonymous(
        this="NULLIF",
        expressions=[exp.Anonymous(this="NULLIF", expressions=[read, infinite]), exp.Neg(this=infinite.copy())],
    )


def whole_time(value: exp.Expr, kind: exp.DataType) -> exp.Expr:
    """``value`` as a day or time; null unless all of the text says one. Only an instant may have a zone behind it."""
    pattern = f"{LOCAL_TEXT}|{ZONED_TEXT}" if kind.is_type(exp.DType.TIMESTAMP, exp.DType.TIMESTAMPTZ) else LOCAL_TEXT
    return _try(_looking_like(value, pattern), kind)


def storable_instant(call: exp.Anonymous) -> exp.Expr:
    """``TIMESTAMP_SECONDS``, ``_MILLIS`` or ``_MICROS`` of a number; null beyond the years that can be told, and for
    parts of a microsecond: Spark stops at both.
    """
    (number,) = call.expressions
    unit = {"TIMESTAMP_SECONDS": 1, "TIMESTAMP_MILLIS": 1000, "TIMESTAMP_MICROS": 1_000_000}[call.name.upper()]
    exact, finest = (_try(number, exp.DataType.build(f"DECIMAL({size})")) for size in ("24, 6", "38, 18"))
    low, high = (exp.Literal.number(bound * unit) for bound in (FIRST_SECOND, LAST_SECOND))
    fits: exp.Expr = exp.Between(this=exact, low=low, high=high)
    if unit == 1:
        fits = exp.and_(fits, exp.EQ(this=exact.copy(), expression=finest))
    return exp.Case(ifs=[exp.If(this=fits, true=call.copy())])


def nowhere(latitude: exp.Expr, longitude: exp.Expr) -> exp.Expr:
    """Whether no place on Earth has these degrees; not a number is none."""
    sides = [(latitude, 90), (longitude, 180)]
    bounds = [(side.copy(), exp.Literal.number(last)) for side, last in sides]
    inside = [exp.Between(this=side, low=exp.Neg(this=last.copy()), high=last) for side, last in bounds]
    return exp.Not(this=exp.paren(exp.and_(*inside), copy=False))


def looks_like_number(value: exp.Expr) -> exp.Expr:
    """Whether the text says a number of any size and precision; infinities and NaN are none."""
    return _matches(_text(value), NUMBER_TEXT)


def _text(value: exp.Expr) -> exp.Expr:
    return value.copy() if is_text(value) else exp.cast(value.copy(), "STRING")


def _looking_like(value: exp.Expr, pattern: str) -> exp.Expr:
    parts = [_text(value), exp.Literal.string(pattern), exp.Literal.number(0)]
    return exp.Anonymous(this="REGEXP_EXTRACT", expressions=parts)


def _matches(text: exp.Expr, pattern: str) -> exp.Expr:
    return exp.RegexpLike(this=text.copy(), expression=exp.Literal.string(pattern))


def _try(value: exp.Expr, kind: exp.DataType) -> exp.Expr:
    return exp.TryCast(this=value.copy(), to=kind.copy(), safe=True)


def _is_integer(kind: exp.DataType) -> bool:
    return bool(kind.is_type(*exp.DataType.INTEGER_TYPES))


def _size(kind: exp.DataType) -> tuple[int, int]:
    """All digits and decimal places of an exact type; a whole number has 20 digits at most and no places."""
    if _is_integer(kind):
        return 20, 0
    sizes = [int(part.name) for part in kind.expressions]
    return (sizes[0] if sizes else 10), (sizes[1] if len(sizes) > 1 else 0)
