"""Do two contenders say the same: rows by key, whole numbers exactly, doubles to 1e-9.

It sees files of answers and not who made them.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.groups import wanted

RELATIVE = 1e-9
SAMPLED_COLUMNS = 40
KEYS = ["customer_id", "as_of"]
_INSTANT = pa.timestamp("us", "UTC")


@dataclass(frozen=True, slots=True)
class Answer:
    """One contender's answer: the Parquet files that hold it."""

    paths: tuple[str, ...]

    def column(self, name: str) -> pa.ChunkedArray:
        """One column, in the order of the files."""
        return pa.chunked_array(
            [chunk for path in self.paths for chunk in pq.read_table(path, columns=[name])[name].chunks]
        )

    def keys(self) -> pa.Table:
        """customer_id and as_of of every row."""
        return pa.table({"customer_id": self.column("customer_id"), "as_of": self.column("as_of").cast(_INSTANT)})


def compared_columns(width: int, *, seed: int = 0) -> list[str]:
    """All counts and sums, and some of the other columns."""
    columns = wanted(width)
    always = [column.name for column in columns if column.op in ("count", "sum")]
    others = [column.name for column in columns if column.op not in ("count", "sum")]
    return always + random.Random(seed).sample(others, min(SAMPLED_COLUMNS, len(others)))


def differences(ours: Answer, theirs: Answer, columns: Sequence[str], *, is_part: bool = False) -> list[str]:
    """What differs, in words; empty where the answers agree.

    With ``is_part`` they answered for some customers only, and our other rows are left out.
    """
    left, right = ours.keys(), theirs.keys()
    if is_part:
        kept = pc.is_in(left["customer_id"], value_set=pc.unique(right["customer_id"]))
        places = np.flatnonzero(kept.to_numpy())
        left = left.filter(kept)
    else:
        places = np.arange(left.num_rows)
    if left.num_rows != right.num_rows:
        return [f"{left.num_rows} rows against {right.num_rows}"]
    by = [(name, "ascending") for name in KEYS]
    left_order, right_order = (pc.sort_indices(keys, sort_keys=by) for keys in (left, right))
    if not left.take(left_order).equals(right.take(right_order)):
        return ["other customers or instants"]
    chosen = pa.array(places).take(left_order)
    found = []
    for name in columns:
        one, other = ours.column(name).take(chosen), theirs.column(name).take(right_order)
        wrong = _unequal(one, other)
        if wrong:
            found.append(f"{name}: {wrong} of {len(one)} rows")
    return found


def _unequal(one: pa.ChunkedArray, other: pa.ChunkedArray) -> int:
    nulls = [np.asarray(array.is_null().to_numpy()) for array in (one, other)]
    wrong = nulls[0] != nulls[1]
    values = [np.asarray(array.fill_null(0).to_numpy()) for array in (one, other)]
    if pa.types.is_floating(one.type):
        wrong |= np.abs(values[0] - values[1]) > RELATIVE * np.maximum(np.abs(values[0]), np.abs(values[1]))
    else:
        wrong |= values[0] != values[1]
    return int(np.count_nonzero(wrong))
