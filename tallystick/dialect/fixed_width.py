"""Reads columns of texts that have the usual width of a time pattern, digit by digit in NumPy.

Most of a column looks alike. What does not is left to the pattern itself, text by text.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from tallystick.dialect.patterns import TimePattern

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_FIELDS = "yMdHmsS"
_USUAL = {"y": 1970, "M": 1, "d": 1}
_LAST_YEAR = 9999


def read_fixed(array: Any, pattern: TimePattern) -> tuple[Ints, Bools]:
    """Microseconds of the texts of an Arrow array that have the pattern's width, signs and digits, and which these are.

    The others have 0, as have those that say no time: 30 February, or 25 hours.
    """
    size = len(array)
    found, is_read = np.zeros(size, dtype=np.int64), np.zeros(size, dtype=bool)
    layout = _layout(pattern)
    _, offsets, data = array.buffers()
    if not size or data is None or layout is None:
        return found, is_read
    starts = np.frombuffer(offsets, dtype=np.int32)[array.offset : array.offset + size + 1]
    is_wide = np.diff(starts) == layout.width
    if array.null_count:
        is_wide &= array.is_valid().to_numpy(zero_copy_only=False)
    letters = np.frombuffer(data, dtype=np.uint8)
    if is_wide.all():
        return layout.read(letters[starts[0] : starts[-1]].reshape(size, layout.width))
    places = np.flatnonzero(is_wide)
    if places.size:
        found[places], is_read[places] = layout.read(letters[starts[places][:, None] + np.arange(layout.width)])
    return found, is_read


class _Layout:
    """Where in a text of the usual width each field's digits stand, and each sign between them."""

    def __init__(self, pattern: TimePattern) -> None:
        place, digits, signs = 0, list[tuple[int, int, int]](), list[tuple[int, int]]()
        for field in pattern.fields:
            if field.letter:
                row = _FIELDS.index(field.letter)
                digits += [(place + step, row, field.size - 1 - step) for step in range(field.size)]
            else:
                signs += [(place + step, sign) for step, sign in enumerate(field.text.encode())]
            place += field.size
        self.width = place
        self.digits = np.array([at for at, _, _ in digits])
        self.signs = np.array([at for at, _ in signs], dtype=np.int64)
        self.expected = np.array([sign for _, sign in signs], dtype=np.uint8)[:, None]
        # One product gives all fields; numbers below 2**24 are exact in it.
        self.weights = np.zeros((len(_FIELDS), len(digits)), dtype=np.float32)
        for column, (_, row, power) in enumerate(digits):
            self.weights[row, column] = 10**power
        letters = {field.letter: field.size for field in pattern.fields}
        self.usual = np.array([0 if name in letters else _USUAL.get(name, 0) for name in _FIELDS])[:, None]
        self.fraction = 10 ** (6 - letters.get("S", 6))

    def read(self, texts: npt.NDArray[np.uint8]) -> tuple[Ints, Bools]:
        """Microseconds, and which texts say a time."""
        columns = np.ascontiguousarray(texts.T)
        digits = columns[self.digits] - np.uint8(48)
        is_time = (digits < 10).all(axis=0)
        if self.signs.size:
            is_time &= (columns[self.signs] == self.expected).all(axis=0)
        digits *= is_time
        fields = (self.weights @ digits.astype(np.float32)).astype(np.int64) + self.usual
        year, month, day, hour, minute, second, fraction = fields
        is_time &= (month >= 1) & (month <= 12) & (day >= 1) & (hour < 24) & (minute < 60) & (second < 60)
        first, length = _months()
        place = np.where(is_time, year * 12 + month - 1, 0)
        is_time &= day <= length[place]
        seconds = ((first[place] + day - 1) * 24 + hour) * 3600 + minute * 60 + second
        return np.where(is_time, seconds * 1_000_000 + fraction * self.fraction, 0), is_time


@lru_cache(maxsize=64)
def _layout(pattern: TimePattern) -> _Layout | None:
    """The layout of a pattern; None where texts have no usual width, or digits and signs beyond what is quick."""
    has_text = all(field.text.isascii() for field in pattern.fields)
    is_small = all(field.letter != "S" or field.size <= 6 for field in pattern.fields)
    return _Layout(pattern) if pattern.is_fixed and has_text and is_small else None


@lru_cache(maxsize=1)
def _months() -> tuple[Ints, Ints]:
    """The first day of each month of the years 0 to 9999, and its length."""
    months: Any = np.arange(-1970 * 12, (_LAST_YEAR + 1 - 1970) * 12 + 1).astype("datetime64[M]")
    first = months.astype("datetime64[D]").astype(np.int64)
    return first[:-1], np.diff(first)
