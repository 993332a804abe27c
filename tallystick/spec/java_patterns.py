r"""Patterns whose search could take longer than anybody waits: what may match a text in many ways is refused.

Java tries them all: ``(a+)+b`` on thirty signs takes a thousand million steps, and a supplier's file says which signs.
A pattern is read only as far as this needs. DuckDB's engine has no such patterns, but a large load goes to Spark.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from sqlglot import exp

# How often a group that may match in several ways may be repeated, and how often anything.
FEW = 5
OFTEN = 1_000
# Repetitions without an end in one pattern, and those that what follows can match, too; % before something in one LIKE.
# Each of the latter may try every place of the text.
MOST_OPEN = 10
MOST_UNCLEAR = 2
MOST_ANY = 3
# In how many ways the rest of a pattern may match; with one that is unclear, and with two.
MOST_WAYS = (1_000_000, 100_000, 100)

_OPEN = 1 << 40
# Which arguments are patterns.
_PATTERNS = {**dict.fromkeys(("REGEXP", "RLIKE", "REGEXP_LIKE", "REGEXP_COUNT", "REGEXP_EXTRACT", "REGEXP_EXTRACT_ALL",
             "REGEXP_INSTR", "REGEXP_REPLACE", "REGEXP_SUBSTR", "SPLIT"), (1,)), "STR_TO_MAP": (1, 2)}  # fmt: skip
_NOT_WRITTEN = (
    "a pattern that is not written",
    "write it as a text in quotes; CONTAINS, STARTSWITH or ENDSWITH look for a value",
)
_ANY_TOLD = (f"a LIKE with more than {MOST_ANY} % before something", "use several conditions, or CONTAINS")
_WAYS_TOLD = (
    "a pattern that may match in too many ways",
    "make repetitions possessive, as in a?+ or a{0,9}+, or split it",
)
_UNCLEAR_TOLD = (
    f"a pattern with more than {MOST_UNCLEAR} repetitions that what follows can match, too",
    "say what they end at, as [^,]*, instead of .*, does, or make them possessive, as in a++",
)
_FLAG_TOLD = ("a pattern with the flag x", "leave blanks and comments out of it")

# One sign for all beyond ASCII.
_OTHER = "\u00e9"
_ALL = frozenset((*map(chr, range(128)), _OTHER))


def slow_pattern(node: exp.Expr) -> tuple[str, str] | None:
    """Why a search by pattern could take too long, and what to do; None where it could not."""
    for text in _texts(node):
        if text is None:
            return _NOT_WRITTEN
        if isinstance(node, (exp.Like, exp.ILike)) or node.name.upper() in ("LIKE", "ILIKE"):
            if text.rstrip("%").count("%") > MOST_ANY:
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
    reader = _Reader(pattern, ignores_case=bool(re.search(r"\(\?[a-z]*[iu]", pattern)))
    ways, _ = _read_branches(reader)
    if reader.told:
        return reader.told
    unclear = reader.unclear()
    if unclear > MOST_UNCLEAR:
        return _UNCLEAR_TOLD
    if ways > MOST_WAYS[unclear]:
        return _WAYS_TOLD
    if reader.opened > MOST_OPEN:
        return f"a pattern with more than {MOST_OPEN} repetitions without an end", "write it with fewer * and +"
    return None


@dataclass(slots=True)
class _Atom:
    """The signs that a part of a pattern can match, whether it must be there, and whether it repeats without an end."""

    signs: frozenset[str]
    is_needed: bool
    is_open: bool


@dataclass(slots=True)
class _Reader:
    """Reads a pattern from left to right."""

    text: str
    place: int = 0
    ignores_case: bool = False
    opened: int = 0
    told: tuple[str, str] | None = None
    signs: frozenset[str] = frozenset()
    atoms: list[_Atom] = field(default_factory=list)

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

    def unclear(self) -> int:
        """How many repetitions without an end go on over what follows them, up to the next that must be there."""
        found = 0
        for place, atom in enumerate(self.atoms):
            following: set[str] = set()
            for other in self.atoms[place + 1 :]:
                following |= other.signs
                if other.is_needed and other.signs:
                    break
            found += bool(atom.is_open and atom.signs & following)
        return found


def _read_branches(reader: _Reader) -> tuple[int, bool]:
    """Reads alternatives up to the end of a group; in how many ways they can match, and whether in several at all."""
    ways, varies, parts, first = [], False, [], len(reader.atoms)
    while True:
        start = reader.place
        own, own_varies = _read_branch(reader)
        ways.append(own)
        varies |= own_varies
        parts.append(reader.text[start : reader.place])
        if not reader.take("|"):
            break
    is_clear = len(parts) == 1 or _are_apart(parts, ignores_case=reader.ignores_case)
    if len(parts) > 1:
        for atom in reader.atoms[first:]:
            atom.is_needed = False
    return min(max(ways) if is_clear else sum(ways), _OPEN), varies or not is_clear


def _are_apart(parts: list[str], *, ignores_case: bool) -> bool:
    """Whether at most one of the alternatives can match at a place: by their first signs, or as texts."""
    if ignores_case:
        if not all(part.isascii() for part in parts):
            return False
        parts = [part.lower() for part in parts]
    starts = [_first_sign(part) for part in parts]
    if "" not in starts and len(set(starts)) == len(starts):
        return True
    are_texts = all(part and not set(part) & set("\\.[](){}*+?^$|") for part in parts)
    return are_texts and not any(
        one.startswith(other) for place, one in enumerate(parts) for at, other in enumerate(parts) if at != place
    )


def _first_sign(branch: str) -> str:
    """The sign that an alternative begins with; empty where it may begin with several."""
    is_plain = branch[:1] not in ("", ".", "[", "(", "\\", "^", "$") and branch[1:2] not in ("*", "?", "{")
    return branch[:1] if is_plain else ""


def _read_branch(reader: _Reader) -> tuple[int, bool]:
    ways, varies = 1, False
    while not reader.is_over and reader.text[reader.place] not in "|)":
        start, first = reader.place, len(reader.atoms)
        inner, inner_varies = _read_atom(reader)
        low, high, is_possessive = _read_times(reader)
        whole = reader.text[start : reader.place]
        if max(low, high if high < _OPEN else 0) > OFTEN:
            reader.told = reader.told or (f"a pattern that repeats more than {OFTEN:,} times", "write it with * or +")
        if inner_varies and high > FEW and not is_possessive:
            what = f"a pattern that repeats a repetition, {whole}"
            fix = "make the inner one possessive, as in (a++)+, or repeat single signs"
            reader.told = reader.told or (what, fix)
        is_open = high == _OPEN and not is_possessive
        reader.opened += is_open
        if len(reader.atoms) == first:
            reader.atoms.append(_Atom(reader.signs, low > 0, is_open))
        else:
            _repeat(reader.atoms[first:], low=low, high=high)
        if not is_possessive and high <= FEW:
            ways *= inner**high
        else:
            ways *= inner
        if not is_possessive and high < _OPEN:
            ways *= high - low + 1
        ways = min(ways, _OPEN)
        varies |= (inner_varies or low != high) and not is_possessive
    return ways, varies


def _repeat(atoms: list[_Atom], *, low: int, high: int) -> None:
    """What stands in a group that may be absent need not be there; what follows a repetition in it may be its start."""
    for atom in atoms:
        atom.is_needed = atom.is_needed and low > 0
        if high > 1 and atom.is_open:
            atom.signs = _ALL


def _read_atom(reader: _Reader) -> tuple[int, bool]:
    """Reads one sign, class or group; in how many ways a group can match, and whether in several."""
    start, sign = reader.place, reader.next()
    if sign == "(":
        reader.signs = frozenset()
        return _read_group(reader)
    if sign == "\\":
        _read_escape(reader)
    elif sign == "[":
        _read_class(reader)
    reader.signs = _signs(reader.text[start : reader.place], ignores_case=reader.ignores_case)
    return 1, False


def _read_escape(reader: _Reader) -> None:
    sign = reader.next()
    if sign == "Q":
        end = reader.text.find("\\E", reader.place)
        reader.place = len(reader.text) if end < 0 else end + 2
    elif sign == "c":
        reader.next()  # a control sign by its letter, which may be a parenthesis
    elif sign in "pPxNk" and reader.text[reader.place : reader.place + 1] in ("{", "<"):
        end = min(found for mark in "}>" if (found := reader.text.find(mark, reader.place)) >= 0 or mark == ">")
        reader.place = len(reader.text) if end < 0 else end + 1


def _signs(atom: str, *, ignores_case: bool) -> frozenset[str]:
    """The signs that an atom can match; all where that is not known, none for ^, $ and the edges of words."""
    if atom in ("^", "$", "\\b", "\\B", "\\A", "\\z", "\\Z", "\\G"):
        return frozenset()
    if len(atom) == 1 and atom not in ".":
        found = frozenset((atom if atom.isascii() else _OTHER,))
    elif any(mark in atom[1:] for mark in ("[", "--", "&&", "||", "~~", "\\Q", "\\c", "\\p", "\\P")):
        return _ALL
    else:
        try:
            found = frozenset(one for one in _ALL if re.fullmatch(atom, one, re.DOTALL | re.ASCII))
        except re.error:
            return _ALL
    if any(not one.isascii() for one in atom):
        found |= {_OTHER}
    return found | {one.swapcase() for one in found} | {_OTHER} if ignores_case else found


def _read_class(reader: _Reader) -> None:
    """To the end of a class; Java's may hold others."""
    reader.take("^")
    reader.take("]")
    depth = 1
    while depth and not reader.is_over:
        sign = reader.next()
        if sign == "\\":
            _read_escape(reader)
        depth += (sign == "[") - (sign == "]")


def _read_group(reader: _Reader) -> tuple[int, bool]:
    is_atomic = reader.take("?>")
    is_around = any(reader.take(word) for word in ("?=", "?!", "?<=", "?<!"))
    if not (is_atomic or is_around) and reader.take("?"):
        start = reader.place
        while not reader.is_over and reader.text[reader.place] not in ":>)":
            reader.next()
        if not reader.text.startswith("<", start) and "x" in reader.text[start : reader.place]:
            reader.told = reader.told or _FLAG_TOLD
        if not (reader.take(":") or reader.take(">")):
            reader.next()  # flags for the rest of the group around it
            return 1, False
    first = len(reader.atoms)
    ways, varies = _read_branches(reader)
    reader.take(")")
    for atom in reader.atoms[first:]:
        # What only looks around takes no sign, so that what follows it is next.
        atom.is_needed = atom.is_needed and not is_around
    return ways, varies and not (is_atomic or is_around)


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
