"""Counts of a load, fetched before anything is written: a load above its reject rate must stop while it still can.

A handful of sums, the only rows of a load that reach the driver. No value of a single row is among them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from tallystick.errors import LoadRefused
from tallystick.ingest.conflicts import PARENT_UNKNOWN

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

COUNTED = ("COUNT(1) AS _rows", "MIN(STRUCT(_file, _line)) AS _first")
MARKED = ("COUNT(1) AS _rows", "COUNT(_problem) AS _odd", "MIN(_fault) AS _fault", "COLLECT_LIST(_keys) AS _keys")


@dataclass(frozen=True, kw_only=True, slots=True)
class FileCounts:
    """Records of one file of a raw view, those that could not be split, and the fault that ended it, empty if none.

    ``keys`` are those of its JSON records, all declared ones and some of the others; None when it holds none.
    """

    view: str
    file: str
    rows: int
    unreadable: int
    fault: str
    keys: frozenset[str] | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """Rows of a table with one reason and column, and file and line of the first; line 0 is a derived view's row."""

    reason: str
    column: str
    rows: int
    file: str
    line: int

    def tell(self, place: Callable[[str], str]) -> str:
        """One phrase for people; ``place`` gives the path of a file."""
        column = f" in {self.column}" if self.column else ""
        first = f"at {place(self.file)}:{self.line}" if self.line else f"in {self.file.rpartition('/')[2]}"
        return f"{self.rows} {self.reason}{column}, first {first}"


@dataclass(frozen=True, kw_only=True, slots=True)
class RowCounts:
    """Where each row of a table went: read = accepted + rejected + duplicate + excluded.

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
                    file, line = row["_first"]["_file"], row["_first"]["_line"]
                    column = row["_column"] or ""
                    faults.append(Fault(reason=row["_reason"], column=column, rows=row["_rows"], file=file, line=line))
                continue
            waits = row["_reason"] == PARENT_UNKNOWN
            for name in ["waiting"] if waits else ["settled", *(["entered"] if row["_status"] == "accepted" else [])]:
                sums[name] = sums.get(name, 0) + row["_rows"]
        return cls(**sums, faults=tuple(sorted(faults, key=lambda fault: (-fault.rows, fault.reason, fault.column))))

    def check(self, table: str, rate: float, *, source: str, place: Callable[[str], str]) -> None:
        """LoadRefused, with reasons and the first place of each, when more than ``rate`` of the rows is rejected.

        ``place`` gives the path of a file.
        """
        if self.rejected <= rate * self.read:
            return
        told = "; ".join(fault.tell(place) for fault in self.faults[:3])
        raise LoadRefused(
            f"{self.rejected} of {self.read} rows of {table} would be rejected: {told}",
            where=f"source {source}",
            fix=f"nothing was published; correct the delivery or mapping, or raise reject_rate above {rate:g}",
        )


def _expr(texts: tuple[str, ...]) -> list[Column]:
    return [F.expr(text) for text in texts]


def read_counts(marks: DataFrame) -> list[FileCounts]:
    """The counts of files by view and name, from ``view``, ``_file``, ``_problem``, ``_fault`` and ``_keys`` of rows.

    A file without rows is not among them.
    """
    counted = marks.groupBy("view", "_file").agg(*_expr(MARKED)).collect()
    found = [
        FileCounts(
            view=row["view"],
            file=row["_file"],
            rows=row["_rows"],
            unreadable=row["_odd"],
            fault=row["_fault"] or "",
            keys=frozenset(key for keys in row["_keys"] for key in json.loads(keys)) if row["_keys"] else None,
        )
        for row in counted
    ]
    return sorted(found, key=lambda told: (told.view, told.file))
