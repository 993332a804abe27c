"""What happened in a town, column by column.

The steps of a day only append to it. ``supplier`` turns it into files.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np
import pandas as pd

Value: TypeAlias = np.ndarray | int
Facts: TypeAlias = dict[str, Value]


class Journal:
    """Rows per table, kept as pieces of columns; every row has the ``day`` on which it happened."""

    def __init__(self) -> None:
        self._pieces: dict[str, list[dict[str, np.ndarray]]] = {}

    def add(self, table: str, day: np.ndarray | int, *, size: int, columns: Mapping[str, Value]) -> None:
        """Append ``size`` rows; a single value stands for all of them. No rows: nothing is recorded."""
        if size:
            piece = {name: _column(value, size) for name, value in columns.items()}
            piece["day"] = _column(day, size)
            self._pieces.setdefault(table, []).append(piece)

    def rows_of(self, table: str, day: int) -> dict[str, np.ndarray]:
        """The columns of what was added last to a table, if that is of this day; else empty."""
        last = self._pieces.get(table, [{}])[-1]
        return last if last and last["day"][0] == day else {}

    def tables(self) -> tuple[str, ...]:
        """The names of the tables that have rows, in the order of their first row."""
        return tuple(self._pieces)

    def frame(self, table: str) -> pd.DataFrame:
        """All rows of a table in the order they were added (empty frame: none)."""
        pieces = self._pieces.get(table, [])
        if not pieces:
            return pd.DataFrame({"day": np.empty(0, dtype=np.int64)})
        return pd.DataFrame({name: np.concatenate([piece[name] for piece in pieces]) for name in pieces[0]})


def _column(value: Value, size: int) -> np.ndarray:
    return value if isinstance(value, np.ndarray) else np.full(size, value)
