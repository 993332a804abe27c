"""Cells of the H3 grid over whole columns: which hexagon a place lies in, and where a hexagon's centre is.

Apart from ``own_functions`` because these are functions of this project, which Spark lacks, too: both engines call this
code, so that a mapping names the same cell on either way. Spark reads from the types of the arguments that they take
whole columns.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import repeat
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tallystick.dialect.casts import cast, literal_number, only_text
from tallystick.dialect.types import FunctionRule, NotTranslated, Value
from tallystick.spec.spark_functions import FINEST_CELL

# A cell's number has 64 bits, of which the first four are 0 in every cell: its name is the other 15 digits.
_DIGITS = 15
_LETTERS = np.frombuffer(b"0123456789abcdef", np.uint8)


@dataclass(frozen=True, slots=True)
class MapFunction:
    """A function of mappings: its name, what computes it over Arrow columns, the type that Spark gives the result, and
    the types that DuckDB hands over.
    """

    name: str
    compute: Callable[..., pa.Array]
    type: str
    takes: tuple[str, ...]


def cell_names(latitudes: pa.Array, longitudes: pa.Array, resolutions: pa.Array) -> pa.Array:
    """The names of the cells that places in degrees lie in, all at the first row's resolution.

    Null where a coordinate is null, no finite number, or beyond 90 degrees of latitude or 180 of longitude.
    """
    # Here and below not at the top: most mappings know no place, and loading it takes 60 ms of each process.
    from h3.api import basic_int

    lat, lon = _degrees(latitudes), _degrees(longitudes)
    is_place = (np.abs(lat) <= 90) & (np.abs(lon) <= 180)
    found = np.zeros((len(lat), _DIGITS), np.uint8)
    if is_place.any():
        resolution = int(resolutions[0].as_py())
        # The C function behind it takes less than a microsecond; only the names are made of whole columns.
        cells = map(basic_int.latlng_to_cell, lat[is_place].tolist(), lon[is_place].tolist(), repeat(resolution))
        found[is_place] = _hexadecimal(np.fromiter(cells, np.uint64, int(is_place.sum())))
    names = pa.Array.from_buffers(pa.binary(_DIGITS), len(lat), [None, pa.py_buffer(found)]).cast(pa.string())
    return pc.if_else(pa.array(is_place), names, pa.scalar(None, pa.string()))


def centre_latitudes(names: pa.Array) -> pa.Array:
    """Latitude of each cell's centre in degrees; null for null and for a text that names no cell."""
    return _centres(names, 0)


def centre_longitudes(names: pa.Array) -> pa.Array:
    """Longitude of each cell's centre in degrees; null for null and for a text that names no cell."""
    return _centres(names, 1)


def _degrees(column: Any) -> np.ndarray:
    """Degrees as doubles; null as NaN, which lies nowhere."""
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    return pc.fill_null(array.cast(pa.float64()), float("nan")).to_numpy(zero_copy_only=False)


def _hexadecimal(numbers: np.ndarray) -> np.ndarray:
    """The last 15 hexadecimal digits of each number, as rows of letters."""
    octets = numbers.astype(">u8").view(np.uint8).reshape(-1, 8)
    digits = np.empty((len(numbers), 16), np.uint8)
    digits[:, 0::2], digits[:, 1::2] = _LETTERS[octets >> 4], _LETTERS[octets & 15]
    return digits[:, 1:]


def _centres(names: Any, part: int) -> pa.Array:
    return pa.array([None if name is None else _centre_of(name)[part] for name in names.to_pylist()], pa.float64())


# People come back to few cells, and both degrees of a centre are asked for.
@lru_cache(maxsize=1 << 14)
def _centre_of(name: str) -> tuple[float, float] | tuple[None, None]:
    """Latitude and longitude of a cell's centre; nothing for a text that is no cell's name."""
    from h3 import cell_to_latlng, is_valid_cell

    # The library reads blanks before a name, capitals and 0x as well, but a cell has one name.
    is_cell = len(name) == _DIGITS and name == name.lower() and is_valid_cell(name)
    return cell_to_latlng(name) if is_cell else (None, None)


MAP_FUNCTIONS = (
    MapFunction("H3_CELL", cell_names, "string", ("DOUBLE", "DOUBLE", "INTEGER")),
    MapFunction("H3_LATITUDE", centre_latitudes, "double", ("VARCHAR",)),
    MapFunction("H3_LONGITUDE", centre_longitudes, "double", ("VARCHAR",)),
)


def _cell(values: Sequence[Value]) -> Value:
    places, resolution = [cast(value, "double").sql for value in values[:2]], literal_number(values[2])
    if any(value.type == "string" for value in values) or not 0 <= resolution <= FINEST_CELL:
        raise NotTranslated("a text, or another resolution")
    return Value(f"H3_CELL({', '.join(places)}, {resolution})", "string")


def _centre(name: str) -> Callable[[Sequence[Value]], Value]:
    return lambda values: Value(f"{name}({only_text(values[0])})", "double")


MAP_RULES = (
    FunctionRule("H3_CELL", 3, 3, _cell, "latitude and longitude as numbers; the resolution is a literal of 0 to 15"),
    FunctionRule("H3_LATITUDE", 1, 1, _centre("H3_LATITUDE"), "of a cell's name"),
    FunctionRule("H3_LONGITUDE", 1, 1, _centre("H3_LONGITUDE"), "of a cell's name"),
)
