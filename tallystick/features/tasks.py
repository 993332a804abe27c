"""The values that a bucket's work is described by: what Spark hands to a task.

What lives here: picklable values and the protocol of storage. What must not: work.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

import pyarrow as pa

from tallystick.spec.observations import Customers, ObservationSet


class Storage(Protocol):
    """How a task reads and writes; a picklable value that the job hands in."""

    def read(
        self, table: str, paths: Sequence[str], columns: Sequence[str], *, coded: Collection[str] = ()
    ) -> pa.Table:
        """The rows of the files with exactly these columns; no paths give no rows of the right types.

        The texts of the columns ``coded`` may come as Arrow dictionaries.
        """

    def write(self, table: str, partition: Mapping[str, str], rows: pa.Table) -> Any:
        """Store one file and describe it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Observed:
    """Which observations a task makes.

    ``kind`` is ``applications`` (the instants of the applications), ``daily`` (all customers each local midnight) or
    ``given`` (whatever pairs somebody gave, each once).
    ``tables`` maps a clean table to its event_id column: the one of the applications, or all that make a population.
    Given observations stand in files of their own under the one name in ``tables``.
    ``first`` and ``last`` are inclusive business dates and may be None for applications.
    """

    kind: str
    name: str
    tables: Mapping[str, str]
    first: date | None = None
    last: date | None = None

    @classmethod
    def of(
        cls, observations: ObservationSet, tables: Mapping[str, str], *, first: date | None, last: date | None
    ) -> Observed:
        """The observations as declared, over these tables and dates."""
        kind = "daily" if isinstance(observations.population, Customers) else "applications"
        return cls(kind=kind, name=observations.name, tables=tables, first=first, last=last)


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
