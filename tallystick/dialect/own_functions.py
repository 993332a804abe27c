"""The functions that DuckDB lacks, over whole columns: Arrow arrays in, an Arrow array out.

Texts of the usual look are read a column at a time in NumPy. Every other text goes through ``readers`` or ``patterns``
once per distinct text, which is the definition.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tallystick.dialect import readers
from tallystick.dialect.any_year import DAY, date_text, time_text
from tallystick.dialect.fixed_width import Bools, Ints, read_fixed
from tallystick.dialect.java_zones import zone_table
from tallystick.dialect.patterns import time_pattern
from tallystick.dialect.types import NotTranslated
from tallystick.hashes import hash_texts

INSTANT, CLOCK = pa.timestamp("us", "UTC"), pa.timestamp("us")
# Microseconds that a zone's offset does not take beyond 64 bits.
_FARTHEST = (1 << 63) - (1 << 37)
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
    micros, is_read = read_fixed(array, _DATES)
    dates = pa.array((micros // DAY).astype(np.int32), mask=~is_read).cast(pa.date32())
    return _fill(array, dates, is_read, readers.read_date)


def read_timestamp(texts: Any) -> Any:
    """Texts as instants."""
    return _read_time(whole(texts), readers.read_timestamp, INSTANT)


def read_clock(texts: Any) -> Any:
    """Texts as wall clocks."""
    return _read_time(whole(texts), readers.read_clock, CLOCK)


def _read_time(array: Any, read: Callable[[str], int | None], kind: pa.DataType) -> Any:
    micros, is_read = read_fixed(array, _SECONDS)
    for_days, is_day = read_fixed(array, _DATES)
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
    micros, is_read = read_fixed(array, pattern)
    return _fill(array, pa.array(micros, mask=~is_read).cast(INSTANT), is_read, pattern.read)


def _fill(array: Any, quick: Any, is_read: Bools, read: Callable[[str], Any]) -> Any:
    """The values that the quick way found, and the others one by one."""
    if is_read.all():
        return quick
    others = pa.array(~is_read)
    rest = each_distinct(array.filter(others), read, quick.type)
    return pc.replace_with_mask(quick, others, rest)


def to_utc(instants: Any, zones: Any) -> Any:
    """Instants of wall clocks that UTC's clock shows now."""
    return _shifted(whole(instants), zones, lambda table, micros: table.to_instants(micros))


def from_utc(instants: Any, zones: Any) -> Any:
    """Instants at which UTC's clock shows what the zone's clock shows now."""
    return _shifted(whole(instants), zones, lambda table, micros: table.to_local(micros))


def _shifted(array: Any, zones: Any, shift: Callable[[Any, Ints], Ints]) -> Any:
    size = len(array)
    if not size:
        return pa.array([], INSTANT)
    micros = np.frombuffer(array.buffers()[1], dtype=np.int64)[array.offset : array.offset + size]
    mask = array.is_null().to_numpy(zero_copy_only=False) if array.null_count else None
    known = micros if mask is None else np.where(mask, _SOME_TIME, micros)
    if known.min() < -_FARTHEST or known.max() > _FARTHEST:
        raise NotTranslated("a time that 64 bits do not hold in every zone")
    moved = shift(zone_table(whole(zones)[0].as_py()), known)
    if mask is not None:
        return pa.array(moved, mask=mask).cast(INSTANT)
    return pa.Array.from_buffers(INSTANT, size, [None, pa.py_buffer(moved)])


def hash_column(texts: Any) -> Any:
    """Spark's ``xxhash64`` of every text."""
    return pa.array(hash_texts(whole(texts)))


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


def write_dates(days: Any) -> Any:
    """Days of any year as Spark writes them."""
    return pa.array(
        [None if day is None else date_text(day) for day in whole(days).cast(pa.int32()).to_pylist()],
        pa.string(),
    )


def write_times(clocks: Any) -> Any:
    """Wall clocks of any year as Spark writes them."""
    return pa.array(
        [None if at is None else time_text(at) for at in whole(clocks).cast(pa.int64()).to_pylist()],
        pa.string(),
    )
