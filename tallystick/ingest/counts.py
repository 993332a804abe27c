"""Counts of a load, fetched before anything is written: a load above its reject rate must stop while it still can.

What lives here: the only rows a load brings to the driver, a handful of sums. What must not: single rows' values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from tallystick.errors import LoadRefused
from tallystick.ingest.versions import PARENT_UNKNOWN

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

COUNTED = ("COUNT(1) AS _rows", "MIN(STRUCT(_file, _line)) AS _first")
MARKED = (
    "COUNT(1) AS _rows",
    "COUNT(_problem) AS _odd",
    "MIN(CASE WHEN _fault IS NOT NULL THEN STRUCT(_file, _fault) END) AS _first",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class ViewCounts:
    """Lines of a raw view, those that could not be split, and the fault that ended a file, with the file's name."""

    rows: int
    unreadable: int
    fault: str
    file: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """Rows of a table with one reason and column, and the place of the first."""

    reason: str
    column: str
    rows: int
    place: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RowCounts:
    """What became of a table's rows: read = accepted + rejected + duplicate + excluded.

    ``entered`` and ``waiting`` are rows of earlier loads that had been parked and are not part of that sum.
    """

    accepted: int = 0
    rejected: int = 0
    duplicate: int = 0
    excluded: int = 0
    entered: int = 0
    waiting: int = 0
    settled: int = 0
    faults: tuple[Fault, ...] = ()

    @property
    def read(self) -> int:
        """Rows of the driving views of this delivery."""
        return self.accepted + self.rejected + self.duplicate + self.excluded

    @property
    def stored(self) -> int:
        """Rows for the clean table: this load's accepted ones and the parked rows that entered."""
        return self.accepted + self.entered

    @property
    def stored_rejects(self) -> int:
        """Rows for the ``_rejected`` table: this load's rejects and the parked rows it settled."""
        return self.rejected + self.settled

    @property
    def notes(self) -> list[str]:
        """What a reader should know about parked rows."""
        told = []
        if self.entered:
            told.append(f"{self.entered} parked rows of earlier loads entered")
        if self.waiting:
            told.append(f"{self.waiting} rows of earlier loads still wait for a parent")
        return told

    def line(self, table: str) -> str:
        """One line for people."""
        parts = [f"{self.read} read", f"{self.accepted} accepted"]
        others = (("rejected", self.rejected), ("duplicate", self.duplicate), ("excluded", self.excluded))
        parts += [f"{rows} {word}" for word, rows in others if rows]
        return f"{table}: {', '.join([*parts, *self.notes])}"

    @classmethod
    def read_from(cls, settled: DataFrame) -> RowCounts:
        """The counts of a settled frame: one Spark job, which also fills its cache."""
        sums: dict[str, int] = {}
        faults = []
        for row in settled.groupBy("_is_parked", "_status", "_reason", "_column").agg(*_expr(COUNTED)).collect():
            if not row["_is_parked"]:
                sums[row["_status"]] = sums.get(row["_status"], 0) + row["_rows"]
                if row["_reason"]:
                    first = f"{row['_first']['_file']}:{row['_first']['_line']}"
                    column = row["_column"] or ""
                    faults.append(Fault(reason=row["_reason"], column=column, rows=row["_rows"], place=first))
                continue
            waits = row["_reason"] == PARENT_UNKNOWN
            for name in ["waiting"] if waits else ["settled", *(["entered"] if row["_status"] == "accepted" else [])]:
                sums[name] = sums.get(name, 0) + row["_rows"]
        return cls(**sums, faults=tuple(sorted(faults, key=lambda fault: (-fault.rows, fault.reason, fault.column))))

    def check(self, table: str, rate: float, *, source: str, home: Path) -> None:
        """LoadRefused, with reasons and the first place of each, when more than ``rate`` of the rows is rejected."""
        if self.rejected <= rate * self.read:
            return
        told = "; ".join(
            f"{fault.rows} {fault.reason}{' in ' + fault.column if fault.column else ''}, first at {home / fault.place}"
            for fault in self.faults[:3]
        )
        raise LoadRefused(
            f"{self.rejected} of {self.read} rows of {table} would be rejected: {told}",
            where=f"source {source}",
            fix=f"nothing was published; correct the delivery or mapping, or raise reject_rate above {rate:g}",
        )


def _expr(texts: tuple[str, ...]) -> list[Column]:
    return [F.expr(text) for text in texts]


def read_counts(marks: DataFrame) -> Mapping[str, ViewCounts]:
    """The counts of raw views by name, from ``view``, ``_problem``, ``_fault`` and ``_file`` of their rows."""
    counted = marks.groupBy("view").agg(*_expr(MARKED))
    return {
        row["view"]: ViewCounts(
            rows=row["_rows"],
            unreadable=row["_odd"],
            fault=row["_first"]["_fault"] if row["_first"] else "",
            file=row["_first"]["_file"] if row["_first"] else "",
        )
        for row in counted.collect()
    }
