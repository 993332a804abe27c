"""The loops that NumPy cannot say in one pass, compiled by Numba.

Searches in ranges of rows, ``reduce_rings`` and what makes its words. Kept apart because compiled code takes arrays
only.

A row carries a *word*: bit ``k`` says whether the row belongs to family ``k``.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numba
import numpy as np
import numpy.typing as npt

from tallystick.kernel.compiling import array_type, compiler_for, part
from tallystick.kernel.nullable import Array, Bools, Ints

Words = npt.NDArray[np.uint64]

# Ranges of rows: first row and end. Rows, windows and results: see ``reduce_rings``. Compiled code takes tuples of
# arrays, but no objects.
Ranges = tuple[Ints, Ints]
Rows = tuple[Words, Ints, Bools, Ints, Ints]
Windows = tuple[Ints, Ints, Ints]
Results = tuple[Ints, Ints, Ints, Ints, Array, Bools]

# What is kept of one family's rows while an observation's windows grow.
_ROWS, _KNOWN, _SUM, _MIN, _MAX, _SQUARES_HIGH, _SQUARES_LOW = range(7)
# The squares only where a deviation is wanted.
_WITHOUT_SQUARES, _WITH_SQUARES = 5, 7
_LEAST, _MOST = np.int64(-(2**63)), np.int64(2**63 - 1)

# The bit that stands alone in a word, found by one multiplication (de Bruijn's sequence).
_SEQUENCE = np.uint64(0x03F79D71B4CB0A89)
_ONE, _TOP = np.uint64(1), np.uint64(58)
_PLACES = np.zeros(64, dtype=np.uint64)
for _bit in range(64):
    _PLACES[((1 << _bit) * int(_SEQUENCE) & (2**64 - 1)) >> 58] = _bit

# Observations whose results are written together: those of one lie on as many pages of memory as there are results.
_TOGETHER = 32

# Halves of a machine word.
_HALF, _LOW_HALF = np.uint64(32), np.uint64(2**32 - 1)


_compiled = compiler_for(__file__)
_WORD, _INT, _DOUBLE, _BOOL = numba.uint64, numba.int64, numba.float64, numba.boolean
_CODES = (numba.uint8, numba.uint16, numba.int64)
_INTS, _BOOLS, _LINES = array_type(_INT), array_type(_BOOL), array_type(_INT, 2)
_RANGES = numba.types.Tuple((_INTS, _INTS))
_REDUCED = (
    numba.types.Tuple((array_type(_WORD), _INTS, _BOOLS, _INTS, _INTS)),
    numba.types.Tuple((_LINES, _INTS, _INTS)),
    numba.types.Tuple(
        (_LINES, _INTS, _INTS, *(array_type(kind, 2, is_written=True) for kind in (_INT, _DOUBLE, _BOOL))),
    ),
)


@_compiled(*((array_type(_WORD, is_written=True), array_type(kind), _BOOLS, array_type(_WORD)) for kind in _CODES))
def keep_by_code(words: Words, codes: Array, valid: Bools, kept: Words) -> None:
    """Of each word only the bits that ``kept`` has for the row's code; its last place is that of null.

    ``valid`` without any rows says that no row is null.
    """
    last = kept.size - 1
    for row in range(words.size):
        if valid.size and not valid[row]:
            words[row] &= kept[last]
        else:
            words[row] &= kept[codes[row]]


@_compiled((array_type(_WORD, is_written=True), _BOOLS, _WORD))
def keep_where(words: Words, holds: Bools, kept: np.uint64) -> None:
    """Of each word all bits where ``holds``, else only those of ``kept``."""
    for row in range(words.size):
        if not holds[row]:
            words[row] &= kept


@part
def _first_at_least(values: Ints, low: int, high: int, target: int) -> int:
    start, count = low, high - low
    while count > 0:
        half = count // 2
        if values[start + half] < target:
            start += half + 1
            count -= half + 1
        else:
            count = half
    return start


@_compiled((_INTS, _RANGES, _LINES), gives=array_type(_INT, 2, is_written=True))
def find_places(values: Ints, ranges: Ranges, target: Ints) -> Ints:
    """For each range of ascending ``values`` and each line of targets the first place whose value is not below the
    target.
    """
    low, high = ranges
    found = np.empty(target.shape, dtype=np.int64)
    for line in range(target.shape[0]):
        for m in range(low.size):
            found[line, m] = _first_at_least(values, low[m], high[m], target[line, m])
    return found


@_compiled(
    (_RANGES, _RANGES, _INTS),
    gives=numba.types.Tuple((array_type(_INT, is_written=True), array_type(_BOOL, is_written=True))),
)
def cut_unknown(rows: tuple[Ints, Ints], ranges: Ranges, day: Ints) -> tuple[Ints, Bools]:
    """For each range the first row that is known after ``day`` (its end if none is), and whether a row behind it is
    known by then. ``rows`` are entity and day of knowledge; a range begins at its entity's first row.
    """
    entity, known = rows
    first, end = ranges
    latest = np.empty(known.size, dtype=np.int64)
    for row in range(known.size):
        is_same = row > 0 and entity[row] == entity[row - 1]
        latest[row] = max(latest[row - 1], known[row]) if is_same else known[row]
    cut, is_late = np.empty(first.size, dtype=np.int64), np.zeros(first.size, dtype=np.bool_)
    for m in range(first.size):
        cut[m] = end[m]
        if end[m] > first[m] and latest[end[m] - 1] > day[m]:
            cut[m] = _first_at_least(latest, first[m], end[m], day[m] + 1)
            for row in range(cut[m], end[m]):
                is_late[m] = is_late[m] or known[row] <= day[m]
    return cut, is_late


@_compiled((_INTS, numba.types.Tuple((_INTS, _INTS, _INTS)), _INT), gives=array_type(_INT, 2, is_written=True))
def count_values(codes: Ints, ranges: tuple[Ints, Ints, Ints], space: int) -> Ints:
    """How often each code below ``space`` is in each range ``[begin, high)``, in two parts that meet at ``low``.

    Five lines, one place for each code of each range, by range and last row: the range's number, the rows from ``low``
    on, those before, the last row from ``low`` on and the last one before (-1 where there is none).
    """
    begin, low, high = ranges
    total = 0
    for m in range(low.size):
        total += high[m] - begin[m]
    found = np.empty((5, total), dtype=np.int64)
    now, before = np.zeros(space, dtype=np.int64), np.zeros(space, dtype=np.int64)
    last, last_before = np.empty(space, dtype=np.int64), np.empty(space, dtype=np.int64)
    made = 0
    for m in range(low.size):
        for row in range(begin[m], low[m]):
            before[codes[row]] += 1
            last_before[codes[row]] = row
        for row in range(low[m], high[m]):
            now[codes[row]] += 1
            last[codes[row]] = row
        for row in range(begin[m], high[m]):
            code = codes[row]
            if row == (last[code] if now[code] else last_before[code]):
                found[0, made], found[1, made], found[2, made] = m, now[code], before[code]
                found[3, made] = last[code] if now[code] else -1
                found[4, made] = last_before[code] if before[code] else -1
                made += 1
                now[code] = before[code] = 0
    return found[:, :made].copy()


@part
def _take_up(kept: Ints, m: int, w: int) -> None:
    """Begin the window ``w`` of an observation with what the one inside it holds."""
    for k in range(kept.shape[2]):
        if w:
            for what in range(_WITHOUT_SQUARES):
                kept[m, w, k, what] = kept[m, w - 1, k, what]
        else:
            kept[m, w, k, _ROWS] = kept[m, w, k, _KNOWN] = kept[m, w, k, _SUM] = 0
            kept[m, w, k, _MIN], kept[m, w, k, _MAX] = _MOST, _LEAST
        for what in range(_WITHOUT_SQUARES, kept.shape[3]):
            kept[m, w, k, what] = kept[m, w - 1, k, what] if w else 0


def _adder(*, is_checked: bool, has_squares: bool) -> Callable[[Rows, np.uint64, tuple[int, int], int, Ints], None]:
    """The innermost loop, compiled for what is wanted: with or without a check of what is seen, and of squares."""

    def add_rows(rows: Rows, wanted: np.uint64, ring: tuple[int, int], day: int, kept: Ints) -> None:
        words, values, valid, known, until = rows
        start, end = ring
        for row in range(start, end):
            if is_checked and (known[row] > day or (until.size and until[row] <= day)):
                continue
            is_known = values.size > 0 and (valid.size == 0 or valid[row])
            value = values[row] if is_known else 0
            least, most = (value, value) if is_known else (_MOST, _LEAST)
            word = words[row] & wanted
            while word:
                bit = word & (~word + _ONE)
                word ^= bit
                k = _PLACES[(bit * _SEQUENCE) >> _TOP]
                kept[k, _ROWS] += 1
                kept[k, _KNOWN] += is_known
                kept[k, _SUM] += value
                kept[k, _MIN] = min(kept[k, _MIN], least)
                kept[k, _MAX] = max(kept[k, _MAX], most)
                if has_squares:
                    square = np.uint64(value * value)
                    kept[k, _SQUARES_HIGH] += np.int64(square >> _HALF)
                    kept[k, _SQUARES_LOW] += np.int64(square & _LOW_HALF)

    return part(add_rows)


_add_plain = _adder(is_checked=False, has_squares=False)
_add_plain_squares = _adder(is_checked=False, has_squares=True)
_add_seen = _adder(is_checked=True, has_squares=False)
_add_seen_squares = _adder(is_checked=True, has_squares=True)


@part
def _add_rows(rows: Rows, wanted: np.uint64, ring: tuple[int, int], day: int, kept: Ints) -> None:
    """Count the rows of a ring that are seen on ``day`` into the families they belong to."""
    has_squares = kept.shape[1] == _WITH_SQUARES
    if rows[3].size:
        if has_squares:
            _add_seen_squares(rows, wanted, ring, day, kept)
        else:
            _add_seen(rows, wanted, ring, day, kept)
    elif has_squares:
        _add_plain_squares(rows, wanted, ring, day, kept)
    else:
        _add_plain(rows, wanted, ring, day, kept)


@part
def _wide_product(x: np.uint64, y: np.uint64) -> tuple[np.uint64, np.uint64]:
    """The 128-bit product as upper and lower word."""
    x1, x0, y1, y0 = x >> _HALF, x & _LOW_HALF, y >> _HALF, y & _LOW_HALF
    middle = x1 * y0 + (x0 * y0 >> _HALF)
    other = x0 * y1 + (middle & _LOW_HALF)
    return x1 * y1 + (middle >> _HALF) + (other >> _HALF), x * y


@part
def _deviation(made: Ints) -> float:
    """The sample standard deviation, from the exact integer ``n * sum of squares - square of the sum``."""
    count = made[_KNOWN]
    high, low = np.uint64(made[_SQUARES_HIGH]), np.uint64(made[_SQUARES_LOW])
    # The sum of squares as two words, times n.
    lower = (high << _HALF) + low
    upper = (high >> _HALF) + (_ONE if lower < low else np.uint64(0))
    carried, lower = _wide_product(lower, np.uint64(count))
    upper = upper * np.uint64(count) + carried
    upper_sum, lower_sum = _wide_product(np.uint64(abs(made[_SUM])), np.uint64(abs(made[_SUM])))
    upper -= upper_sum + (_ONE if lower < lower_sum else np.uint64(0))
    lower -= lower_sum
    excess = np.float64(np.int64(upper)) * 2.0**64 + np.float64(lower)
    return math.sqrt(excess / (np.float64(max(count, 2)) * max(count - 1, 1)))


@part
def _write_block(kept: Ints, results: Results, begin: int, count: int) -> None:
    """Write the results of some observations, result by result."""
    entries, starts, places, ints, doubles, nulls = results
    windows = kept.shape[1]
    for e in range(starts[5]):
        k = entries[e, 0]
        for w in range(windows):
            line, slot = entries[e, 1 + w], entries[e, 1 + windows + w]
            for m in range(count):
                made, place = kept[m, w, k], places[begin + m]
                is_null = made[_KNOWN] == 0
                if e < starts[1]:
                    ints[line, place] = made[_ROWS]
                elif e < starts[2]:
                    ints[line, place] = made[_SUM]
                elif e < starts[3]:
                    doubles[line, place] = made[_SUM] / max(made[_KNOWN], 1)
                    nulls[slot, place] = is_null
                else:
                    ints[line, place] = 0 if is_null else made[_MIN] if e < starts[4] else made[_MAX]
                    nulls[slot, place] = is_null


@part
def _write_deviations(kept: Ints, results: Results, begin: int, count: int) -> None:
    """The same of deviations: beside them the other loop would be compiled to twice its time."""
    entries, starts, places, _, doubles, nulls = results
    windows = kept.shape[1]
    for e in range(starts[5], starts[6]):
        for w in range(windows):
            line, slot = entries[e, 1 + w], entries[e, 1 + windows + w]
            for m in range(count):
                made, place = kept[m, w, entries[e, 0]], places[begin + m]
                doubles[line, place] = _deviation(made)
                nulls[slot, place] = made[_KNOWN] < 2


@_compiled(_REDUCED)
def reduce_rings(rows: Rows, windows: Windows, results: Results) -> None:
    """Counts, sums, means, extremes and deviations of every family and window, in one pass over an observation's rows.

    ``rows`` are words, values, their validity, and the days from which and before which a row is seen; without values
    rows are only counted, without validity all values are known, without days all rows are seen.
    ``windows`` end before row ``high[m]`` and begin at ``lows[w, m]``, inner ones first: each takes up where the one
    inside it ends. ``day[m]`` is the day that decides what is seen.
    ``results`` are entries, starts, places, whole numbers, doubles and nulls. An entry is a family's bit, then for each
    window the line of its result (doubles for means and deviations), then for each window its line among nulls; counts,
    sums, means, minima, maxima and deviations follow one another, parted at ``starts``. Results of observation ``m``
    are written to ``places[m]``. Sums must fit int64, as must the square of a value where there are deviations.
    """
    lows, high, day = windows
    entries, starts, places, _, _, _ = results
    kinds = _WITH_SQUARES if starts[6] > starts[5] else _WITHOUT_SQUARES
    wanted, families = np.uint64(0), 0
    for e in range(entries.shape[0]):
        wanted |= _ONE << np.uint64(entries[e, 0])
        families = max(families, entries[e, 0] + 1)
    kept = np.empty((_TOGETHER, lows.shape[0], families, kinds), dtype=np.int64)
    for begin in range(0, places.size, _TOGETHER):
        count = min(_TOGETHER, places.size - begin)
        for m in range(count):
            end = high[begin + m]
            for w in range(lows.shape[0]):
                start = lows[w, begin + m]
                _take_up(kept, m, w)
                _add_rows(rows, wanted, (start, end), day[begin + m], kept[m, w])
                end = min(end, start)
        _write_block(kept, results, begin, count)
        _write_deviations(kept, results, begin, count)
