"""Texts of any length have the hash that Spark gives them: XXH64 with its seed, and null has the seed itself."""

from __future__ import annotations

import random

import pyarrow as pa
import xxhash

from tallystick.hashes import SEED, hash_texts


def test_every_length_and_script_has_the_hash_of_the_library() -> None:
    dice = random.Random(7)
    texts = [None if not size % 11 else "".join(dice.choices("aé消:1😀", k=size % 45)) for size in range(600)]
    expected = [SEED if text is None else xxhash.xxh64_intdigest(text.encode(), seed=SEED) for text in texts]
    signed = [number - (1 << 64) if number >= 1 << 63 else number for number in expected]
    array = pa.array(texts)
    assert hash_texts(array).tolist() == signed
    assert hash_texts(array.slice(13, 200)).tolist() == signed[13:213]
    assert hash_texts(pa.chunked_array([array[:7], array[7:]])).tolist() == signed
    assert hash_texts(array.cast(pa.large_string())).tolist() == signed


def test_columns_of_one_length_of_nothing_and_of_null_alone() -> None:
    same = pa.array(["simbank:C00000001", "simbank:C00000002"])
    assert hash_texts(same).tolist() == [hash_texts(same[:1])[0], hash_texts(same[1:])[0]]
    assert hash_texts(pa.array([], pa.string())).tolist() == []
    assert hash_texts(pa.array([None, None], pa.string())).tolist() == [SEED, SEED]
    assert hash_texts(pa.array(["", None])).tolist() == [-7444071767201028348, SEED]
