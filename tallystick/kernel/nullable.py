"""Columns as NumPy arrays with their nulls beside them.

The way from Arrow into NumPy is here alone, so every type has one representation.

Representation by type: int64, double and boolean as they are; date as int64 days and timestamp as int64 microseconds
since 1970-01-01 UTC; text as codes into a dictionary, so that a comparison looks at each distinct text once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tallystick.errors import ContractError

Array = npt.NDArray[Any]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Vector:
    """Values, and where they are null: ``valid`` None means nowhere. ``texts`` is the dictionary of text codes.

    Values under a null are arbitrary but real (a code stays inside its dictionary). A constant has no dimension.
    """

    values: Array
    valid: Bools | None = None
    texts: pa.StringArray | None = None

    def take(self, index: Ints | Bools | slice) -> Vector:
        """The rows at ``index``."""
        valid = None if self.valid is None else self.valid[index]
        return Vector(self.values[index], valid, self.texts)

    def spread(self, size: int) -> Vector:
        """The same with ``size`` rows where this is a constant."""
        if self.values.ndim:
            return self
        valid = None if self.valid is None else np.broadcast_to(self.valid, size)
        return Vector(np.broadcast_to(self.values, size), valid, self.texts)

    def is_true(self) -> Bools:
        """Where a condition holds; null does not."""
        return self.values if self.valid is None else self.values & self.valid


def both_valid(*valids: Bools | None) -> Bools | None:
    """Where all are valid."""
    known = [valid for valid in valids if valid is not None]
    if not known:
        return None
    made = known[0]
    for valid in known[1:]:
        made = made & valid
    return made


def one_array(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    """A column as one array."""
    if not isinstance(column, pa.ChunkedArray):
        return column
    if column.num_chunks == 1:  # combining would copy it
        return column.chunk(0)
    made = column.combine_chunks()
    if isinstance(made, pa.ChunkedArray):  # an empty one stays chunked
        return pa.concat_arrays(made.chunks) if made.num_chunks else pa.array([], made.type)
    return made


def vector_of(column: pa.ChunkedArray | pa.Array, name: str) -> Vector:
    """The vector of an Arrow column. NaN counts as null; ContractError for a type that no contract allows."""
    array = one_array(column)
    kind = array.type
    if pa.types.is_string_view(kind):
        array, kind = array.cast(pa.string()), pa.string()
    if pa.types.is_dictionary(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return _text_vector(array)
    valid = None if not array.null_count else np.asarray(pc.is_valid(array).to_numpy(zero_copy_only=False))
    if pa.types.is_boolean(kind):
        filled = pc.fill_null(array, False) if array.null_count else array
        return Vector(np.asarray(filled.to_numpy(zero_copy_only=False)), valid)
    if pa.types.is_floating(kind):
        values = _filled(_as(array, pa.float64()))
        missing = np.isnan(values)
        if missing.any():
            values = np.where(missing, 0.0, values)
            valid = ~missing if valid is None else valid & ~missing
        return Vector(values, valid)
    if pa.types.is_integer(kind):
        return Vector(_filled(_as(array, pa.int64())), valid)
    if pa.types.is_date32(kind):
        return Vector(_filled(array.view(pa.int32())).astype(np.int64), valid)
    if pa.types.is_timestamp(kind):
        return Vector(_filled(_as(array, pa.timestamp("us", kind.tz)).view(pa.int64())), valid)
    if pa.types.is_null(kind):
        return Vector(np.zeros(len(array), dtype=np.int64), np.zeros(len(array), dtype=np.bool_))
    raise ContractError(f"column {name} has type {kind}, which no contract allows", fix="cast it when it is mapped")


def _as(array: pa.Array, kind: pa.DataType) -> pa.Array:
    return array if array.type == kind else array.cast(kind)


def _filled(array: pa.Array) -> Array:
    if array.null_count:
        array = pc.fill_null(array, 0)
    return np.asarray(array.to_numpy(zero_copy_only=True))


def _text_vector(array: pa.Array) -> Vector:
    encoded = array if pa.types.is_dictionary(array.type) else array.dictionary_encode()
    texts = _as(encoded.dictionary, pa.string())
    if not len(texts):
        texts = pa.array([""], pa.string())
    # The fewer bytes a code has, the faster rows are compared and sorted by it.
    narrow = np.uint8 if len(texts) <= 2**8 else np.uint16 if len(texts) <= 2**16 else np.int64
    indices = encoded.indices
    if not indices.null_count:
        return Vector(np.asarray(indices.to_numpy(zero_copy_only=True)).astype(narrow, copy=False), None, texts)
    valid = np.asarray(pc.is_valid(indices).to_numpy(zero_copy_only=False))
    # What stands under a null may be anything: it becomes the first code.
    stored = pa.Array.from_buffers(indices.type, len(indices), [None, indices.buffers()[1]], 0, indices.offset)
    codes: Array = np.asarray(stored.to_numpy(zero_copy_only=True)).astype(narrow)
    return Vector(np.multiply(codes, valid, out=codes), valid, texts)


# Up to so many codes are compared one by one; a look-up in a table costs as much as some 50 comparisons.
_FEW_CODES = 8

_SIX, _LOW_BITS = np.int64(6), np.int64(63)


def rows_in(codes: Array, wanted: Bools) -> Bools:
    """The rows whose code is wanted: ``wanted[codes]``, faster where few codes are, or few are not."""
    some = np.flatnonzero(wanted)
    if some.size > _FEW_CODES and wanted.size - some.size <= _FEW_CODES:
        return ~rows_in(codes, ~wanted)
    if some.size > _FEW_CODES:
        return wanted[codes]
    if not some.size:
        return np.zeros(codes.shape, dtype=np.bool_)
    # Of the codes' own type: beside a wider one they would all be widened first.
    first, *others = some.astype(codes.dtype)
    mask: Bools = codes == first
    for code in others:
        mask |= codes == code
    return mask


def rows_by_code(column: Vector, by_code: Bools) -> Bools:
    """Of a condition by code, its value in each row; the last of ``by_code`` is that of null."""
    if by_code.all():
        return np.ones(column.values.shape, dtype=np.bool_)
    rows = rows_in(column.values, by_code[:-1])
    if column.valid is None:
        return rows
    return rows | ~column.valid if by_code[-1] else rows & column.valid


def count_before(mask: Bools, places: Ints) -> Ints:
    """How often ``mask`` holds before each of ``places``: counted by words of 64 rows."""
    packed = np.zeros(mask.size // 64 * 8 + 8, dtype=np.uint8)
    bits = np.packbits(mask, bitorder="little")
    packed[: bits.size] = bits
    words = packed.view(np.uint64)
    before = np.zeros(words.size, dtype=np.int64)
    np.cumsum(np.bitwise_count(words[:-1]), out=before[1:])
    word = places >> _SIX
    below = (np.uint64(1) << (places & _LOW_BITS).astype(np.uint64)) - np.uint64(1)
    return np.asarray(before[word] + np.bitwise_count(words[word] & below))


def distinct_codes(vector: Vector) -> Ints:
    """A number for each distinct value, which depends on what else is there. Values under a null have some number."""
    if vector.texts is not None:
        return vector.values.astype(np.int64)
    values = vector.values
    if values.dtype == np.float64:
        values = values + 0.0  # -0.0 and 0.0 are one value
    encoded = pa.array(values).dictionary_encode().indices
    return np.asarray(encoded.to_numpy(zero_copy_only=False)).astype(np.int64)


def stable_order(codes: Ints) -> Ints:
    """The rows by code, those of one code in their order. Two bytes are sorted by radix, several times faster."""
    narrow = codes.astype(np.uint16) if codes.size and codes.max() < 2**16 else codes
    return np.argsort(narrow, kind="stable")


def unify_texts(vectors: list[Vector]) -> list[Vector]:
    """The same texts with codes into one common dictionary, so that codes compare as texts do."""
    # A constant NULL has no text of its own: it must not cost a pass over the texts of a column.
    told = [vector.texts for vector in vectors if not _is_null_constant(vector)]
    if told and told[0] is not None and len(told[0]) and all(texts is told[0] for texts in told):
        null = Vector(np.zeros((), dtype=np.int64), np.zeros((), dtype=np.bool_), told[0])
        return [null if _is_null_constant(vector) else vector for vector in vectors]
    dictionaries: list[Any] = [vector.texts for vector in vectors]
    merged = pa.concat_arrays(dictionaries).dictionary_encode()
    codes = np.asarray(merged.indices.to_numpy(zero_copy_only=True))
    made, start = [], 0
    for vector, texts in zip(vectors, dictionaries, strict=True):
        part = codes[start : start + len(texts)]
        made.append(Vector(part[vector.values], vector.valid, merged.dictionary))
        start += len(texts)
    return made


def _is_null_constant(vector: Vector) -> bool:
    return vector.values.ndim == 0 and vector.valid is not None and not vector.valid


def text_ranks(texts: pa.StringArray) -> Ints:
    """The rank of each text of a dictionary, by its bytes."""
    order = np.asarray(pc.sort_indices(texts).to_numpy(zero_copy_only=False)).astype(np.int64)
    ranks = np.empty(order.size, dtype=np.int64)
    ranks[order] = np.arange(order.size)
    return ranks
