"""What a run hands in to a load: how tasks are spread, how files are stored, where scratch files lie."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pyarrow as pa

from tallystick.how_far import HowFar
from tallystick.ingest.pseudonyms import PseudonymKey

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


class TableFiles(Protocol):
    """How files of a table are stored; a picklable value that travels to the tasks."""

    def read(self, table: str, paths: Sequence[str], columns: Sequence[str]) -> pa.Table:
        """The rows of the files with exactly these columns; no paths give no rows of the right types."""

    def write(self, table: str, partition: Mapping[str, str], rows: pa.Table) -> Any:
        """Store one file and describe it: its ``path``, ``rows`` and all that a commit needs."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadResources:
    """``spread`` runs a function on every task and joins what it gives in the tasks' order; it takes the tasks, the
    function, the tasks' sizes in bytes and what hears how far it is. ``working`` tells a person what is being done, and
    gives the function that hears how far that is. ``scratch`` is a folder that all tasks see and nobody else.
    ``session`` is asked for only where Spark's own SQL is needed. ``pseudonym_key`` is None for a source that is stored
    as it was delivered.
    """

    spread: Callable[[Sequence[Any], Callable[[Any], list[Any]], Sequence[int], HowFar], list[Any]]
    working: Callable[[str], AbstractContextManager[HowFar]]
    storage: TableFiles
    scratch: Path
    session: Callable[[], SparkSession]
    pseudonym_key: PseudonymKey | None = None

    def run(
        self, what: str, tasks: Sequence[Any], work: Callable[[Any], list[Any]], *, sizes: Sequence[int]
    ) -> list[Any]:
        """``spread``, of which a person is told as ``what``: names and counts only."""
        with self.working(what) as how_far:
            return self.spread(tasks, work, sizes, how_far)


def counted(names: Collection[str], what: str) -> str:
    """One thing by its name, several by their number."""
    return next(iter(names)) if len(names) == 1 else f"{len(names)} {what}"
