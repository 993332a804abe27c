"""The functions that DuckDB lacks, over whole columns: Arrow arrays in, an Arrow array out.

Texts of the usual look are read a column at a time in NumPy. Every other text goes through ``readers`` or ``patterns``
once per distinct text, which is the definition.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from tallystick.dialect import readers
from tallystick.dialect.java_zones import zone_table
from tallystick.dialect.patterns import TimePattern, time_pattern
from tallystick.dialect.types import NotTranslated

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

INSTANT, CLOCK = pa.timestamp("us", "UTC"), pa.timestamp("us")
# Spark's xxhash64 of a text is XXH64 of its UTF-8 bytes with this seed, and of null the seed itself.
SEED = 42
# Clocks beyond the years 1 to 9999 are left to Spark.
_EARLIEST, _LATEST = -62_135_596_800_000_000, 253_402_300_800_000_000
# Stands for null while whole columns are shifted.
_SOME_TIME = 1_577_836_800_000_000


def whole(column: pa.Array | pa.ChunkedArray) -> Any:
    """The column as one array."""
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def each_distinct(texts: Any, read: Callable[[str], Any], kind: pa.DataType) -> Any:
    """``read`` of every text, called once for each distinct one; null stays null."""
    coded = whole(texts).dictionary_encode()
    found = [read(text) for text in coded.dictionary.to_pylist()]
    return pa.array(found, _plain(kind)).cast(kind).take(coded.indices)


def _plain(kind: pa.DataType) -> pa.DataType:
    # Python's own days and times end with the year 9999, numbers do not.
    return {pa.date32(): pa.int32(), INSTANT: pa.int64(), CLOCK: pa.int64()}.get(kind, kind)


def read_whole(bits: int) -> Callable[[Any], Any]:
    """A function that reads whole numbers of so many bits."""
    kind = pa.int32() if bits == 32 else pa.int64()
    return lambda texts: each_distinct(texts, lambda text: readers.read_whole(text, bits), kind)


def read_decimal(texts: Any, digits: Any, places: Any) -> Any:
    """Texts as plain decimals that fit so many digits and places."""
    if not len(texts):
        return pa.array([], pa.string())
    size = whole(digits)[0].as_py(), whole(places)[0].as_py()
    return each_distinct(texts, lambda text: readers.read_decimal(text, *size), pa.string())


def read_double(texts: Any) -> Any:
    """Texts as doubles."""
    return each_distinct(texts, readers.read_double, pa.float64())


def read_boolean(texts: Any) -> Any:
    """Texts as truth values."""
    return each_distinct(texts, readers.read_boolean, pa.bool_())


_DATES = time_pattern("yyyy-MM-dd")
_SECONDS = time_pattern("yyyy-MM-dd HH:mm:ss")


def read_date(texts: Any) -> Any:
    """Texts as days."""
    array = whole(texts)
    micros, is_read = _read_fixed(array, _DATES)
    dates = pa.array((micros // readers.DAY).astype(np.int32), mask=~is_read).cast(pa.date32())
    return _fill(array, dates, is_read, readers.read_date)


def read_timestamp(texts: Any) -> Any:
    """Texts as instants."""
    return _read_time(whole(texts), readers.read_timestamp, INSTANT)


def read_clock(texts: Any) -> Any:
    """Texts as wall clocks."""
    return _read_time(whole(texts), readers.read_clock, CLOCK)


def _read_time(array: Any, read: Callable[[str], int | None], kind: pa.DataType) -> Any:
    micros, is_read = _read_fixed(array, _SECONDS)
    for_days, is_day = _read_fixed(array, _DATES)
    micros[is_day] = for_days[is_day]
    is_read |= is_day
    return _fill(array, pa.array(micros, mask=~is_read).cast(kind), is_read, read)


def read_pattern(texts: Any, patterns: Any) -> Any:
    """Texts as instants whose clock in UTC is what the pattern reads."""
    array = whole(texts)
    if not len(array):
        return pa.array([], INSTANT)
    pattern = time_pattern(whole(patterns)[0].as_py())
    if not pattern.is_fixed:
        return each_distinct(array, pattern.read, INSTANT)
    micros, is_read = _read_fixed(array, pattern)
    return _fill(array, pa.array(micros, mask=~is_read).cast(INSTANT), is_read, pattern.read)


def _fill(array: Any, quick: Any, is_read: Bools, read: Callable[[str], Any]) -> Any:
    """The values that the quick way found, and the others one by one."""
    if is_read.all():
        return quick
    others = pa.array(~is_read)
    rest = each_distinct(array.filter(others), read, quick.type)
    return pc.replace_with_mask(quick, others, rest)


def _read_fixed(array: Any, pattern: TimePattern) -> tuple[Ints, Bools]:
    """Microseconds of the texts that have the pattern's width, its signs and digits, and say a time; and which do."""
    size = len(array)
    found, is_read = np.zeros(size, dtype=np.int64), np.zeros(size, dtype=bool)
    width = sum(field.size for field in pattern.fields)
    _, offsets, data = array.buffers()
    if not size or data is None:
        return found, is_read
    starts = np.frombuffer(offsets, dtype=np.int32)[array.offset : array.offset + size + 1]
    is_wide = np.diff(starts) == width
    if array.null_count:
        is_wide &= array.is_valid().to_numpy(zero_copy_only=False)
    places = np.flatnonzero(is_wide)
    if not places.size:
        return found, is_read
    letters = np.frombuffer(data, dtype=np.uint8)
    if places.size == size and int(starts[-1] - starts[0]) == size * width:
        signs = letters[starts[0] : starts[-1]].reshape(size, width)
    else:
        signs = letters[starts[places][:, None] + np.arange(width)]
    micros, is_time = _fields_of(np.ascontiguousarray(signs.T), pattern)
    found[places], is_read[places] = micros, is_time
    return found, is_read


def _fields_of(signs: npt.NDArray[np.uint8], pattern: TimePattern) -> tuple[Ints, Bools]:
    """Microseconds of texts given sign by sign, and which of them say a time."""
    size = signs.shape[1]
    is_time, parts, place = np.ones(size, dtype=bool), dict[str, Ints](), 0
    for field in pattern.fields:
        rows = signs[place : place + field.size]
        place += field.size
        if not field.letter:
            # A letter of more than one byte never has the width of its text: then nothing is read here.
            if not field.text.isascii():
                return np.zeros(size, dtype=np.int64), np.zeros(size, dtype=bool)
            for row, sign in zip(rows, field.text.encode(), strict=True):
                is_time &= row == sign
            continue
        number = np.zeros(size, dtype=np.int64)
        for row in rows:
            digit = row - np.uint8(48)
            is_time &= digit < 10
            number = number * 10 + digit
        parts[field.letter] = number * 10 ** (6 - field.size) if field.letter == "S" and field.size < 7 else number
        if field.letter == "S" and field.size > 6:
            parts["S"] = number // 10 ** (field.size - 6)
    return _micros_of(parts, is_time, size)


def _micros_of(parts: dict[str, Ints], is_time: Bools, size: int) -> tuple[Ints, Bools]:
    one = np.ones(size, dtype=np.int64)
    year, month, day = (parts.get(name, one * usual) for name, usual in (("y", 1970), ("M", 1), ("d", 1)))
    hour, minute, second, fraction = (parts.get(name, one * 0) for name in "HmsS")
    is_time &= (month >= 1) & (month <= 12) & (hour < 24) & (minute < 60) & (second < 60)
    months: Any = ((year - 1970) * 12 + np.clip(month, 1, 12) - 1).astype("datetime64[M]")
    first = months.astype("datetime64[D]").astype(np.int64)
    last = (months + np.timedelta64(1, "M")).astype("datetime64[D]").astype(np.int64) - first
    is_time &= (day >= 1) & (day <= last)
    seconds = ((first + day - 1) * 24 + hour) * 3600 + minute * 60 + second
    return np.asarray(seconds * 1_000_000 + fraction), is_time


def to_utc(instants: Any, zones: Any) -> Any:
    """Instants of wall clocks that UTC's clock shows now."""
    return _shifted(whole(instants), zones, lambda table, micros: table.to_instants(micros))


def from_utc(instants: Any, zones: Any) -> Any:
    """Instants at which UTC's clock shows what the zone's clock shows now."""
    return _shifted(whole(instants), zones, lambda table, micros: table.to_local(micros))


def _shifted(array: Any, zones: Any, shift: Callable[[Any, Ints], Ints]) -> Any:
    if not len(array):
        return pa.array([], INSTANT)
    micros = array.cast(pa.int64()).fill_null(_SOME_TIME).to_numpy(zero_copy_only=False)
    if micros.min() < _EARLIEST or micros.max() >= _LATEST:
        raise NotTranslated("a time beyond the years 1 to 9999")
    moved = shift(zone_table(whole(zones)[0].as_py()), micros)
    mask = array.is_null().to_numpy(zero_copy_only=False) if array.null_count else None
    return pa.array(moved, mask=mask).cast(INSTANT)


def hash_texts(texts: Any) -> Any:
    """Spark's ``xxhash64`` of every text."""
    coded = whole(texts).dictionary_encode()
    made = [xxhash.xxh64_intdigest(text.encode(), seed=SEED) for text in coded.dictionary.to_pylist()]
    known = np.append(np.array(made, dtype=np.uint64).astype(np.int64), np.int64(SEED))
    return pa.array(known[coded.indices.fill_null(len(made)).to_numpy(zero_copy_only=False)])


def change_case(name: str) -> Callable[[Any], Any]:
    """LOWER or UPPER of texts, in any script."""
    quick = pc.ascii_lower if name == "lower" else pc.ascii_upper
    one = str.lower if name == "lower" else str.upper

    def change(texts: Any) -> Any:
        array = whole(texts)
        if pc.all(pc.string_is_ascii(array)).as_py() is not False:
            return quick(array)
        return each_distinct(array, one, pa.string())

    return change


def date_text(days: Any) -> Any:
    """Days of any year as Spark writes them."""
    return pa.array(
        [None if day is None else readers.date_text(day) for day in whole(days).cast(pa.int32()).to_pylist()],
        pa.string(),
    )


def time_text(clocks: Any) -> Any:
    """Wall clocks of any year as Spark writes them."""
    return pa.array(
        [None if at is None else readers.time_text(at) for at in whole(clocks).cast(pa.int64()).to_pylist()],
        pa.string(),
    )
