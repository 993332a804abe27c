"""Which rows are versions of one event, found without building a dictionary of identifiers.

What lives here: the date on which each row's next version became known. What must not: visibility, order of events.

Nearly all events have one version, and identifiers are long and many: they are hashed eight bytes at a time, the
hashes sorted, and only rows whose hash comes twice are looked at exactly. A collision costs time, never a result.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tallystick.errors import ContractError
from tallystick.kernel.vectors import Ints, one_array

# Later than any date (dates are 32 bit): an event's last version is never superseded.
NEVER = 2**32

Hashes = npt.NDArray[np.uint64]

# Odd and irregular, from Knuth's golden ratio and MurmurHash3's finisher.
_MULTIPLIERS = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xFF51AFD7ED558CCD))
_SHIFT = np.uint64(29)

# Longer identifiers go through a dictionary: their hashing would read more than it saves.
_LONGEST_HASHED = 64

# The bytes of a word that belong to a text with so many bytes left.
_TAIL_MASKS = np.array([(1 << (8 * kept)) - 1 for kept in range(9)], dtype=np.uint64)


def version_ends(ids: pa.ChunkedArray, entity: Ints, known: Ints, *, where: str) -> Ints | None:
    """For each row the date on which its event's next version became known, else NEVER; None if all have one version.

    An event is an identifier of one customer. ContractError when two versions became known on one date.
    """
    array = one_array(ids)
    rows = _repeated(identifier_hashes(array))
    if not rows.size:
        return None
    codes = array.take(pa.array(rows))
    if not pa.types.is_dictionary(codes.type):
        codes = codes.dictionary_encode()
    numbers = np.asarray(pc.fill_null(codes.indices, -1).to_numpy(zero_copy_only=False))
    within = np.lexsort((known[rows], numbers, entity[rows]))
    order, numbers = rows[within], numbers[within]
    same = (entity[order][1:] == entity[order][:-1]) & (numbers[1:] == numbers[:-1])
    later = known[order][1:]
    if (same & (later == known[order][:-1])).any():
        raise ContractError(
            "two versions of one event became known on one date", where=where, fix="ingest rejects both"
        )
    if not same.any():
        return None
    until = np.full(entity.size, NEVER)
    until[order[:-1][same]] = later[same]
    return until


def identifier_hashes(ids: pa.Array) -> Hashes:
    """A number for each identifier: equal ones have equal numbers, and hardly any others do."""
    if pa.types.is_dictionary(ids.type):
        texts = identifier_hashes(ids.dictionary)
        codes = np.asarray(pc.fill_null(ids.indices, 0).to_numpy(zero_copy_only=False))
        return texts[codes] if texts.size else np.zeros(len(ids), dtype=np.uint64)
    if pa.types.is_integer(ids.type):
        return np.asarray(pc.fill_null(ids.cast(pa.int64()), 0).to_numpy(zero_copy_only=False)).view(np.uint64)
    return _text_hashes(ids.cast(pa.large_string()))


def _text_hashes(texts: pa.LargeStringArray) -> Hashes:
    _, offsets, data = texts.buffers()
    ends = np.frombuffer(offsets, dtype=np.int64)[texts.offset : texts.offset + len(texts) + 1]
    starts, sizes = ends[:-1], np.diff(ends)
    longest = int(sizes.max(initial=0))
    if longest > _LONGEST_HASHED:
        codes = texts.dictionary_encode().indices
        return np.asarray(pc.fill_null(codes, -1).to_numpy(zero_copy_only=False)).astype(np.uint64)
    # Room for a whole word behind the last text; then a word can be read at any byte.
    used = int(ends[-1]) if len(texts) else 0
    padded = np.zeros(used + 8, dtype=np.uint8)
    if used:
        padded[:used] = np.frombuffer(data, dtype=np.uint8)[:used]
    words = np.ndarray(shape=(used + 1,), dtype=np.uint64, buffer=padded.data, strides=(1,))
    hashes = sizes.astype(np.uint64) * _MULTIPLIERS[0]
    for read in range(0, longest, 8):
        hashes ^= words[np.minimum(starts + read, used)] & _TAIL_MASKS[np.clip(sizes - read, 0, 8)]
        for multiplier in _MULTIPLIERS:
            hashes *= multiplier
            hashes ^= hashes >> _SHIFT
    return hashes


def _repeated(hashes: Hashes) -> Ints:
    """The rows whose hash other rows have too."""
    ordered = np.sort(hashes)
    twice = ordered[1:][ordered[1:] == ordered[:-1]]
    if not twice.size:
        return np.empty(0, dtype=np.int64)
    return np.flatnonzero(np.isin(hashes, twice))
