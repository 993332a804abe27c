"""Spark's ``xxhash64`` of texts, which deals customers into buckets, over whole columns.

Apart because storage checks buckets and the SQL of a load asks for them, and neither knows the other.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import xxhash

# Spark's xxhash64 of a text is XXH64 of its UTF-8 bytes with this seed, and of null the seed itself.
SEED = 42

Hashes = npt.NDArray[np.uint64]

_P1, _P2, _P3, _P4, _P5 = (
    np.uint64(number)
    for number in (
        0x9E3779B185EBCA87,
        0xC2B2AE3D27D4EB4F,
        0x165667B19E3779F9,
        0x85EBCA77C2B2AE63,
        0x27D4EB2F165667C5,
    )
)
# Shorter texts are hashed without the lanes of XXH64: a column of equally long ones in a few steps.
_LANES = 32


def hash_texts(texts: Any) -> npt.NDArray[np.int64]:
    """Spark's ``xxhash64`` of every text of an Arrow column, as signed 64-bit numbers; null has the seed."""
    array = texts.combine_chunks() if hasattr(texts, "combine_chunks") else texts
    size = len(array)
    made = np.full(size, SEED, dtype=np.uint64)
    _, offsets, data = array.buffers()
    if not size or data is None:
        is_known = array.is_valid().to_numpy(zero_copy_only=False)
        made[is_known] = xxhash.xxh64_intdigest(b"", seed=SEED)
        return made.view(np.int64)
    kind = np.int64 if str(array.type).startswith("large") else np.int32
    starts = np.frombuffer(offsets, dtype=kind)[array.offset : array.offset + size + 1]
    lengths = np.diff(starts)
    is_known = array.is_valid().to_numpy(zero_copy_only=False) if array.null_count else np.ones(size, dtype=bool)
    letters = np.frombuffer(data, dtype=np.uint8)
    length = int(lengths[0])
    if length < _LANES and is_known.all() and (lengths == length).all():
        return _short(letters[starts[0] : starts[-1]].reshape(size, length)).view(np.int64)
    for length in np.unique(lengths[is_known]).tolist():
        places = np.flatnonzero((lengths == length) & is_known)
        if length < _LANES:
            rows = letters[starts[places][:, None] + np.arange(length)]
            made[places] = _short(rows)
            continue
        for place in places.tolist():
            made[place] = xxhash.xxh64_intdigest(letters[starts[place] : starts[place + 1]].tobytes(), seed=SEED)
    return made.view(np.int64)


def hash_text(text: str) -> int:
    """Spark's ``xxhash64`` of one text, as a signed 64-bit number."""
    found = int(xxhash.xxh64_intdigest(text.encode(), seed=SEED))
    return found - 2**64 if found >= 2**63 else found


def _short(rows: npt.NDArray[np.uint8]) -> Hashes:
    """XXH64 of texts of one length below 32 bytes, a row each."""
    size, length = rows.shape
    made = np.full(size, np.uint64(SEED) + _P5 + np.uint64(length), dtype=np.uint64)
    place = 0
    while place + 8 <= length:
        word = np.ascontiguousarray(rows[:, place : place + 8]).view("<u8").ravel()
        made ^= _turned(word * _P2, 31) * _P1
        made = _turned(made, 27) * _P1 + _P4
        place += 8
    if place + 4 <= length:
        word = np.ascontiguousarray(rows[:, place : place + 4]).view("<u4").ravel().astype(np.uint64)
        made = _turned(made ^ (word * _P1), 23) * _P2 + _P3
        place += 4
    for step in range(place, length):
        made = _turned(made ^ (rows[:, step].astype(np.uint64) * _P5), 11) * _P1
    made = (made ^ (made >> np.uint64(33))) * _P2
    made = (made ^ (made >> np.uint64(29))) * _P3
    return np.asarray(made ^ (made >> np.uint64(32)))


def _turned(words: Hashes, bits: int) -> Hashes:
    return np.asarray((words << np.uint64(bits)) | (words >> np.uint64(64 - bits)))
