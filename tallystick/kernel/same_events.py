"""Which rows are versions of one event, found without building a dictionary of identifiers.

It finds the date on which each row's next version became known; ``history`` decides what that means.

Nearly all events have one version, and identifiers are long and many: they are hashed eight bytes at a time, the
hashes sorted, and only rows whose hash comes twice are looked at exactly. A collision costs time, never a result.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tallystick.errors import ContractError
from tallystick.kernel.nullable import Ints, one_array, vector_of
from tallystick.visibility import LOADED_ON, NEVER
from tallystick.visibility.arrays import delivery_order, has_conflict, version_ends

Hashes = npt.NDArray[np.uint64]

# Odd and irregular, from Knuth's golden ratio and MurmurHash3's finisher.
_MULTIPLIERS = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xFF51AFD7ED558CCD))
_SHIFT = np.uint64(29)

# Longer identifiers go through a dictionary: their hashing would read more than it saves.
_LONGEST_HASHED = 64

# The bytes of a word that belong to a text with so many bytes left.
_TAIL_MASKS = np.array([(1 << (8 * kept)) - 1 for kept in range(9)], dtype=np.uint64)


def find_version_ends(events: pa.Table, event_id: str, *, entity: Ints, known: Ints, where: str) -> Ints | None:
    """For each row the date from which its version is in force no more, else NEVER; None if no event has two versions.

    An event is an identifier of one customer. ContractError when two versions came in one load with one ``known_on``,
    and when there are versions but no load dates that say which came last.
    """
    array = one_array(events.column(event_id))
    rows = _repeated(identifier_hashes(array))
    if not rows.size:
        return None
    codes = array.take(pa.array(rows))
    if not pa.types.is_dictionary(codes.type):
        codes = codes.dictionary_encode()
    numbers = np.asarray(pc.fill_null(codes.indices, -1).to_numpy(zero_copy_only=False))
    order = np.lexsort((numbers, entity[rows]))
    rows, numbers = rows[order], numbers[order]
    is_same = (entity[rows][1:] == entity[rows][:-1]) & (numbers[1:] == numbers[:-1])
    if not is_same.any():
        return None
    event = np.cumsum(np.append(True, ~is_same))
    loaded = _load_dates(events, rows, where=where)
    order = delivery_order(event, known=known[rows], loaded=loaded)
    event, rows = event[order], rows[order]
    if has_conflict(event, known=known[rows], loaded=loaded[order]):
        raise ContractError(
            "two versions of one event came in one load with one known_on", where=where, fix="ingest rejects both"
        )
    until = np.full(entity.size, NEVER, dtype=np.int64)
    until[rows] = version_ends(event, known[rows])
    return until


def _load_dates(events: pa.Table, rows: Ints, *, where: str) -> Ints:
    has_dates = LOADED_ON in events.column_names
    dates = vector_of(events.column(LOADED_ON).take(pa.array(rows)), LOADED_ON) if has_dates else None
    if dates is None or dates.valid is not None:
        what = f"an event has several versions, but not all have the date on which they were delivered ({LOADED_ON})"
        raise ContractError(what, where=where, fix="give it, or only one version of each event")
    return dates.values


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
