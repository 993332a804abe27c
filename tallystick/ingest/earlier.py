"""What ingest asks of the rows that earlier loads published; a run hands in who answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import pyarrow as pa


class EarlierRows(Protocol):
    """A source's stored rows of the loads before this one. Travels to tasks, so it is picklable.

    A table that does not exist yet has no rows.
    """

    def has_rows(self, table: str) -> bool:
        """Whether any file of the table may hold such rows."""

    def matching(self, table: str, column: str, keys: np.ndarray) -> np.ndarray:
        """Those of ``keys`` (``hash`` of DuckDB, sorted, each once) that the column's values have, sorted."""

    def find(self, table: str, column: str, values: pa.Array) -> pa.Table:
        """The rows with one of these values in the column, with all columns of the contract."""

    def read(self, table: str, columns: Sequence[str]) -> pa.Table:
        """These columns of all rows."""
