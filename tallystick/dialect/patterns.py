"""Reads texts by a pattern of Java's DateTimeFormatter, as Spark's TRY_TO_TIMESTAMP does.

A pattern has the fields y M d H m s S, signs between them, and quoted letters; what else Java knows has no rule here.
Texts of the pattern's usual width are read a column at a time, all others one by one.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache

from tallystick.dialect.any_year import DAY, days_of
from tallystick.dialect.types import NotTranslated

_READ = frozenset(
    [("y", 4), *((letter, size) for letter in "MdHms" for size in (1, 2)), *(("S", size) for size in range(1, 10))]
)
_PART = re.compile(r"([A-Za-z])\1*|'(?:[^']|'')*'|[^A-Za-z']")
# Of Java's calendar.
_LAST_YEAR = 999_999_999
_RESERVED = "[]{}#"


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a pattern and how many letters it has; a literal text when the letter is empty."""

    letter: str
    size: int
    text: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class TimePattern:
    """A pattern's fields and the expression of the texts that it reads."""

    fields: tuple[Field, ...]
    expression: re.Pattern[str]

    @property
    def is_fixed(self) -> bool:
        """Whether all usual texts have one width."""
        return all(field.size > 1 or not field.letter or field.letter == "S" for field in self.fields)

    def read(self, text: str) -> int | None:
        """Microseconds of the wall clock that a text says; None when it is not of this pattern."""
        found = self.expression.fullmatch(text)
        if not found:
            return None
        parts = found.groupdict()
        year = int(parts.get("y") or 1970)
        days = days_of(year, int(parts.get("M") or 1), int(parts.get("d") or 1))
        hour, minute, second = (int(parts.get(name) or 0) for name in "Hms")
        if days is None or abs(year) > _LAST_YEAR or hour > 23 or minute > 59 or second > 59:
            return None
        micros = int(((parts.get("S") or "") + "000000")[:6])
        return days * DAY + ((hour * 60 + minute) * 60 + second) * 1_000_000 + micros


@lru_cache(maxsize=256)
def time_pattern(pattern: str) -> TimePattern:
    """The pattern; NotTranslated for one that Java reads by rules that are not written here."""
    fields = fields_of(pattern, known=_READ)
    letters = [field.letter for field in fields if field.letter]
    if not letters or len(set(letters)) < len(letters):
        raise NotTranslated("a pattern that names a field twice, or none")
    return TimePattern(fields, re.compile(_expression(fields), re.ASCII | re.DOTALL))


def fields_of(pattern: str, *, known: Collection[tuple[str, int]]) -> tuple[Field, ...]:
    """The fields of a pattern, each of a letter and size that is known, and the texts between them."""
    fields, place = list[Field](), 0
    while place < len(pattern):
        found = _PART.match(pattern, place)
        if not found:
            raise NotTranslated("a pattern with an open quote")
        fields.append(_field(found[0], known))
        place = found.end()
    return tuple(fields)


def _field(part: str, known: Collection[tuple[str, int]]) -> Field:
    if part[0] == "'":
        text = part[1:-1].replace("''", "'") or "'"
        return Field("", len(text), text)
    if not (part[0].isascii() and part[0].isalpha()):
        if part in _RESERVED:
            raise NotTranslated(f"a pattern with {part}")
        return Field("", 1, part)
    if (part[0], len(part)) not in known:
        raise NotTranslated(f"a pattern with {part}")
    return Field(part[0], len(part))


def _expression(fields: Sequence[Field]) -> str:
    """The regular expression of what Java's strict parser takes."""
    made = []
    for place, field in enumerate(fields):
        after = fields[place + 1].letter if place + 1 < len(fields) else ""
        before = fields[place - 1].letter if place else ""
        if not field.letter:
            made.append("".join(_any_case(sign) for sign in field.text))
            continue
        if after == "S" or (before and field.letter == "S" and len(fields) > place + 1 and after):
            raise NotTranslated("a pattern with a fraction beside digits")
        if field.letter == "y":
            # More digits than the pattern has letters need a sign, and fewer are none. Digits that follow at once have
            # their own places.
            made.append("(?P<y>[0-9]{4}|[+][0-9]{5,19}|-[0-9]{4,19})")
        elif field.letter == "S":
            made.append(f"(?P<S>[0-9]{{1,{field.size}}})")
        elif field.size == 2:
            made.append(f"(?P<{field.letter}>[0-9]{{2}})")
        elif after or before:
            raise NotTranslated("a pattern whose fields of any width touch")
        else:
            made.append(f"(?P<{field.letter}>[0-9]{{1,19}})")
    return "".join(made)


def _any_case(sign: str) -> str:
    cases = sorted({sign, sign.lower(), sign.upper()})
    return f"(?:{'|'.join(re.escape(case) for case in cases)})" if len(cases) > 1 else re.escape(sign)
