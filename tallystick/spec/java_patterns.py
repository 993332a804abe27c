r"""Patterns whose search could take longer than anybody waits: what may match a text in many ways is refused.

Java tries them all: ``(a+)+b`` on thirty signs takes a thousand million steps, and a supplier's file says which signs.
A pattern is read only as far as this needs. DuckDB's engine has no such patterns, but a large load goes to Spark.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlglot import exp

# How often a group that may match in several ways may be repeated, and how often anything.
FEW = 5
OFTEN = 1_000
# Repetitions without an end in one pattern, and % in one LIKE: each may try every place of the text.
MOST_OPEN = 10
MOST_ANY = 5

_OPEN = 1 << 40
# Which arguments are patterns.
_PATTERNS = {**dict.fromkeys(("REGEXP", "RLIKE", "REGEXP_LIKE", "REGEXP_COUNT", "REGEXP_EXTRACT", "REGEXP_EXTRACT_ALL",
             "REGEXP_INSTR", "REGEXP_REPLACE", "REGEXP_SUBSTR", "SPLIT"), (1,)), "STR_TO_MAP": (1, 2)}  # fmt: skip
_NOT_WRITTEN = (
    "a pattern that is not written",
    "write it as a text in quotes; CONTAINS, STARTSWITH or ENDSWITH look for a value",
)
_ANY_TOLD = (f"a LIKE with more than {MOST_ANY} %", "use several conditions, or CONTAINS")


def slow_pattern(node: exp.Expr) -> tuple[str, str] | None:
    """Why a search by pattern could take too long, and what to do; None where it could not."""
    for text in _texts(node):
        if text is None:
            return _NOT_WRITTEN
        if isinstance(node, (exp.Like, exp.ILike)) or node.name.upper() in ("LIKE", "ILIKE"):
            if text.count("%") > MOST_ANY:
                return _ANY_TOLD
        elif told := slow_part(text):
            return told
    return None


def _texts(node: exp.Expr) -> Iterator[str | None]:
    """The patterns of a node, None for one that is no literal."""
    if isinstance(node, (exp.Like, exp.ILike, exp.RegexpLike, exp.RegexpILike)):
        asked = node.expression.unnest()
        inner = asked.this.unnest() if isinstance(asked, (exp.Any, exp.All)) else asked
        parts = inner.expressions if isinstance(inner, exp.Tuple) else [inner]
    elif isinstance(node, exp.Anonymous):
        name = node.name.upper()
        places = (1,) if name in ("LIKE", "ILIKE") else _PATTERNS.get(name, ())
        parts = [node.expressions[place] for place in places if place < len(node.expressions)]
    else:
        return
    for part in parts:
        part = part.unnest()
        yield part.name if isinstance(part, exp.Literal) and part.is_string else None


def slow_part(pattern: str) -> tuple[str, str] | None:
    r"""What of a pattern could make a search take too long, and what to do; None where nothing could.

    >>> slow_part(r"^\d{4}-\d{2}$")
    >>> slow_part("(a+)+b")[0]
    'a pattern that repeats a repetition, (a+)+'
    """
    reader = _Reader(pattern)
    _read_branches(reader)
    if reader.told:
        return reader.told
    if reader.opened > MOST_OPEN:
        return f"a pattern with more than {MOST_OPEN} repetitions without an end", "write it with fewer * and +"
    return None


@dataclass(slots=True)
class _Reader:
    """Reads a pattern from left to right."""

    text: str
    place: int = 0
    opened: int = 0
    told: tuple[str, str] | None = None

    def take(self, word: str) -> bool:
        if self.text.startswith(word, self.place):
            self.place += len(word)
            return True
        return False

    def next(self) -> str:
        self.place += 1
        return self.text[self.place - 1 : self.place]

    @property
    def is_over(self) -> bool:
        return self.place >= len(self.text)


def _read_branches(reader: _Reader) -> bool:
    """Reads alternatives up to the end of a group; whether what they match can be matched in several ways."""
    varies, starts = False, []
    while True:
        start = reader.place
        varies |= _read_branch(reader)
        starts.append(_first_sign(reader.text[start : reader.place]))
        if not reader.take("|"):
            break
    is_clear = len(starts) == 1 or ("" not in starts and len(set(starts)) == len(starts))
    return varies or not is_clear


def _first_sign(branch: str) -> str:
    """The sign that an alternative begins with; empty where it may begin with several."""
    is_plain = branch[:1] not in ("", ".", "[", "(", "\\", "^", "$") and branch[1:2] not in ("*", "?", "{")
    return branch[:1] if is_plain else ""


def _read_branch(reader: _Reader) -> bool:
    varies = False
    while not reader.is_over and reader.text[reader.place] not in "|)":
        start = reader.place
        inner = _read_atom(reader)
        low, high, is_possessive = _read_times(reader)
        whole = reader.text[start : reader.place]
        if max(low, high if high < _OPEN else 0) > OFTEN:
            reader.told = reader.told or (f"a pattern that repeats more than {OFTEN:,} times", "write it with * or +")
        if inner and high > FEW and not is_possessive:
            what = f"a pattern that repeats a repetition, {whole}"
            fix = "make the inner one possessive, as in (a++)+, or repeat single signs"
            reader.told = reader.told or (what, fix)
        reader.opened += high == _OPEN and not is_possessive
        varies |= (inner or low != high) and not is_possessive
    return varies


def _read_atom(reader: _Reader) -> bool:
    """Reads one sign, class or group; whether it is a group that can match in several ways."""
    sign = reader.next()
    if sign == "\\":
        if reader.next() == "Q":
            end = reader.text.find("\\E", reader.place)
            reader.place = len(reader.text) if end < 0 else end + 2
        return False
    if sign == "[":
        _read_class(reader)
        return False
    return _read_group(reader) if sign == "(" else False


def _read_class(reader: _Reader) -> None:
    """To the end of a class; Java's may hold others."""
    reader.take("^")
    reader.take("]")
    depth = 1
    while depth and not reader.is_over:
        sign = reader.next()
        if sign == "\\":
            reader.next()
        depth += (sign == "[") - (sign == "]")


def _read_group(reader: _Reader) -> bool:
    is_atomic = reader.take("?>")
    is_around = any(reader.take(word) for word in ("?=", "?!", "?<=", "?<!"))
    if not (is_atomic or is_around) and reader.take("?"):
        while not reader.is_over and reader.text[reader.place] not in ":>)":
            reader.next()
        if not (reader.take(":") or reader.take(">")):
            reader.next()  # flags for the rest of the group around it
            return False
    varies = _read_branches(reader)
    reader.take(")")
    return varies and not (is_atomic or is_around)


def _read_times(reader: _Reader) -> tuple[int, int, bool]:
    """How often the atom before is repeated, at least and at most, and whether what was taken is given back."""
    times = (1, 1)
    if reader.take("*"):
        times = (0, _OPEN)
    elif reader.take("+"):
        times = (1, _OPEN)
    elif reader.take("?"):
        times = (0, 1)
    elif not reader.is_over and reader.text[reader.place] == "{":
        end = reader.text.find("}", reader.place)
        low, comma, high = reader.text[reader.place + 1 : max(end, 0)].partition(",")
        if end > 0 and low.isdigit() and (not high or high.isdigit()):
            times = (int(low), int(high) if high else _OPEN if comma else int(low))
            reader.place = end + 1
    is_possessive = times != (1, 1) and reader.take("+")
    if times != (1, 1) and not is_possessive:
        reader.take("?")
    return (*times, is_possessive)
