"""What a task is described by: picklable values and the protocol of storage."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import pyarrow as pa


class Storage(Protocol):
    """How a task reads and writes; a picklable value that a run hands in."""

    def read(
        self, table: str, paths: Sequence[str], columns: Sequence[str], *, coded: Collection[str] = ()
    ) -> pa.Table:
        """The rows of the files with exactly these columns; no paths give no rows of the right types.

        The texts of the columns ``coded`` may come as Arrow dictionaries.
        """

    def write(self, table: str, partition: Mapping[str, str], rows: pa.Table) -> Any:
        """Store one file and describe it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BucketTask:
    """One bucket of one source: its zone, its period rule (``year`` or ``month``) and its files by table.

    ``single_version`` names the clean tables of which no event can have a second version in these files. ``size`` is
    that of all files, in bytes.
    """

    source: str
    bucket: int
    zone: str
    period: str
    files: Mapping[str, tuple[str, ...]]
    single_version: frozenset[str] = frozenset()
    size: int = 0
