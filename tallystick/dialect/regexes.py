"""Java's regular expressions in RE2's words, as far as both mean the same.

What differs and cannot be said otherwise is NotTranslated: looking around, back references, word boundaries, flags.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tallystick.dialect.types import NotTranslated

Ranges = list[tuple[int, int]]

_LAST = 0x10FFFF
# Where Java ends a line. "." takes none of them; "$" also stands before one that ends the text.
_LINE_ENDS = (0x0A, 0x0D, 0x85, 0x2028, 0x2029)
_CLASSES: dict[str, Ranges] = {
    "d": [(48, 57)],
    "w": [(48, 57), (65, 90), (95, 95), (97, 122)],
    "s": [(9, 13), (32, 32)],
}
_CONTROLS = {"t": 9, "n": 10, "r": 13, "f": 12}
_LINE_END = r"(?:\r\n|[\n\r\x{85}\x{2028}\x{2029}])?"
_END = rf"{_LINE_END}\z"


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern for RE2, and what its author's says: the sign if it is nothing else, the number of groups, whether it
    stands at the text's end.
    """

    text: str
    inner: str
    single_sign: str
    groups: int
    is_ended: bool
    is_ended_always: bool
    can_be_empty: bool

    @property
    def bracketed(self) -> str:
        """With all that Java's match covers in a group before the author's own: an end of line behind it is not."""
        return f"({self.inner}){_END}"

    @property
    def kept_end(self) -> str:
        """With the end of line behind a match in the only group."""
        return rf"(?:{self.inner})({_LINE_END})\z"


@dataclass(slots=True)
class _Reader:
    """Reads a pattern from left to right."""

    source: str
    place: int = 0
    groups: int = 0
    taken: Ranges = field(default_factory=list)

    def peek(self, text: str) -> bool:
        return self.source.startswith(text, self.place)

    def take(self, text: str) -> bool:
        if self.peek(text):
            self.place += len(text)
            return True
        return False

    def next(self) -> str:
        if self.place >= len(self.source):
            raise NotTranslated("a pattern that is not closed")
        self.place += 1
        return self.source[self.place - 1]


def java_pattern(source: str) -> Pattern:
    """The pattern as RE2 reads it; NotTranslated where it would mean another thing."""
    reader = _Reader(source)
    branches = _branches(reader)
    if reader.place < len(source):
        raise NotTranslated("a pattern with a stray )")
    ends = [branch.is_ended for branch in branches]
    if any(ends) and any(low <= end <= high for low, high in reader.taken for end in _LINE_ENDS):
        raise NotTranslated("a pattern with $ that may take an end of line")
    inner = "|".join(branch.text for branch in branches)
    text = f"(?:{inner}){_END}" if all(ends) else "|".join(f"{b.text}{_END if b.is_ended else ''}" for b in branches)
    one = reader.taken[0] if len(reader.taken) == 1 else (0, 1)
    single = chr(one[0]) if one[0] == one[1] and inner == _written([one]) and not any(ends) else ""
    return Pattern(
        text, inner, single, reader.groups, any(ends), all(ends), any(branch.can_be_empty for branch in branches)
    )


@dataclass(slots=True)
class _Branch:
    """One of the alternatives of a pattern or group."""

    text: str
    can_be_empty: bool
    is_ended: bool


def _branches(reader: _Reader) -> list[_Branch]:
    found = [_branch(reader)]
    while reader.take("|"):
        found.append(_branch(reader))
    return found


def _branch(reader: _Reader) -> _Branch:
    made, can_be_empty, is_ended = [], True, False
    if reader.take("^"):
        made.append(r"\A")
    while reader.place < len(reader.source) and not (reader.peek("|") or reader.peek(")")):
        if reader.take("$"):
            is_ended = True
            break
        text, is_empty, is_group = _atom(reader)
        quantifier, may_skip = _quantifier(reader)
        if quantifier and is_group and is_empty:
            raise NotTranslated("a pattern that repeats what may be empty")
        made.append(text + quantifier)
        can_be_empty &= is_empty or may_skip
    return _Branch("".join(made), can_be_empty, is_ended)


def _atom(reader: _Reader) -> tuple[str, bool, bool]:
    """One piece of a branch, whether it can be empty, and whether it is a group."""
    sign = reader.next()
    if sign == "(":
        return (*_group(reader), True)
    if sign in "^$*+?{}":
        raise NotTranslated(f"a pattern with {sign} there")
    if sign == "[":
        ranges = _class(reader)
    elif sign == ".":
        ranges = _outside([(end, end) for end in _LINE_ENDS])
    elif sign == "\\":
        ranges = _escape(reader)
    else:
        ranges = [(ord(sign), ord(sign))]
    reader.taken += ranges
    return _written(ranges), False, False


def _group(reader: _Reader) -> tuple[str, bool]:
    head = "("
    if reader.take("?"):
        if not reader.take(":"):
            raise NotTranslated("a pattern with (?")
        head = "(?:"
    else:
        reader.groups += 1
    branches = _branches(reader)
    if not reader.take(")"):
        raise NotTranslated("a pattern that is not closed")
    if any(branch.is_ended for branch in branches):
        raise NotTranslated("a pattern with $ inside")
    return f"{head}{'|'.join(branch.text for branch in branches)})", any(branch.can_be_empty for branch in branches)


def _quantifier(reader: _Reader) -> tuple[str, bool]:
    """A quantifier, and whether it allows none."""
    text = ""
    if reader.peek("*") or reader.peek("+") or reader.peek("?"):
        text = reader.next()
    elif reader.take("{"):
        end = reader.source.find("}", reader.place)
        low, comma, high = reader.source[reader.place : end].partition(",")
        if end < 0 or not low.isascii() or not low.isdigit() or (high and not (high.isascii() and high.isdigit())):
            raise NotTranslated("a pattern with {")
        if int(low) > int(high or low) or int(high or low) > 1000:
            raise NotTranslated("a pattern that repeats more than 1000 times")
        reader.place = end + 1
        text = f"{{{int(low)}{comma}{int(high) if high else ''}}}"
    if not text:
        return "", False
    if reader.peek("+") or reader.peek("*") or reader.peek("{") or reader.peek("??"):
        raise NotTranslated("a pattern with two quantifiers")
    lazy = "?" if reader.take("?") else ""
    return text + lazy, text in ("*", "?") or text.startswith(("{0,", "{0}"))


def _escape(reader: _Reader) -> Ranges:
    sign = reader.next()
    if sign in _CLASSES:
        return list(_CLASSES[sign])
    if sign.lower() in _CLASSES:
        return _outside(_CLASSES[sign.lower()])
    return [(code, code)] if (code := _code(reader, sign)) is not None else []


def _code(reader: _Reader, sign: str) -> int:
    """The one sign that an escape stands for."""
    if sign in _CONTROLS:
        return _CONTROLS[sign]
    if sign in "xu":
        size = 2 if sign == "x" else 4
        digits = reader.source[reader.place : reader.place + size]
        if len(digits) < size or any(digit not in "0123456789abcdefABCDEF" for digit in digits):
            raise NotTranslated(f"a pattern with \\{sign}")
        reader.place += size
        return int(digits, 16)
    if sign.isascii() and not sign.isalnum():
        return ord(sign)
    raise NotTranslated(f"a pattern with \\{sign}")


def _class(reader: _Reader) -> Ranges:
    """What stands in brackets, as ranges."""
    is_negated, ranges, is_first = reader.take("^"), Ranges(), True
    while True:
        if reader.peek("&&"):
            raise NotTranslated("a pattern with &&")
        sign = reader.next()
        if sign == "]" and not is_first:
            break
        is_first = False
        if sign in "[]^":
            raise NotTranslated(f"a pattern with {sign} in brackets")
        if sign == "\\" and reader.place < len(reader.source) and reader.source[reader.place].lower() in _CLASSES:
            ranges += _escape(reader)
            if reader.peek("-") and not reader.peek("-]"):
                raise NotTranslated("a pattern with a range from a class")
            continue
        low = high = _code(reader, reader.next()) if sign == "\\" else ord(sign)
        if reader.peek("-") and not reader.peek("-]") and not reader.peek("-["):
            reader.place += 1
            sign = reader.next()
            if sign in "[]":
                raise NotTranslated("a pattern with a range to a bracket")
            high = _code(reader, reader.next()) if sign == "\\" else ord(sign)
            if high < low:
                raise NotTranslated("a pattern with a range that is empty")
        ranges.append((low, high))
    return _outside(ranges) if is_negated else ranges


def _outside(ranges: Ranges) -> Ranges:
    found, start = [], 0
    for low, high in sorted(ranges):
        if low > start:
            found.append((start, low - 1))
        start = max(start, high + 1)
    return [*found, (start, _LAST)] if start <= _LAST else found


def _written(ranges: Ranges) -> str:
    if len(ranges) == 1 and ranges[0][0] == ranges[0][1]:
        return _sign(ranges[0][0])
    outside = _outside(ranges)
    # What takes nearly everything is told by what it leaves out: shorter, and quicker for RE2.
    negated = "^" if ranges and sorted(ranges)[-1][1] == _LAST else ""
    told = outside if negated else ranges
    if not told:
        raise NotTranslated("a pattern that takes everything or nothing in brackets")
    return f"[{negated}{''.join(_sign(a) if a == b else f'{_sign(a)}-{_sign(b)}' for a, b in told)}]"


def _sign(code: int) -> str:
    return chr(code) if chr(code).isascii() and (chr(code).isalnum() or code == 32) else f"\\x{{{code:x}}}"
