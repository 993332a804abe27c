"""Counts of a load, fetched before anything is written: a load above its reject rate must stop while it still can.

A handful of sums, the only rows of a load that reach the driver. No value of a single row is among them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import pyarrow as pa

from tallystick.errors import LoadRefused
from tallystick.ingest.conflicts import OUTDATED, PARENT_UNKNOWN

# What is counted together, and the columns of rows that it is taken from.
_TOLD = ("_file", "_is_parked", "_status", "_reason", "_column")

Place = tuple[str, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class FileCounts:
    """Records of one file of a raw view, those that could not be split, and the fault that ended it, empty if none.

    ``keys`` are those of its JSON records, all declared ones and some of the others; None when it holds none.
    """

    view: str
    file: str
    rows: int = 0
    unreadable: int = 0
    fault: str = ""
    keys: frozenset[str] | None = None


@dataclass(frozen=True, order=True, slots=True)
class Outcome:
    """Where rows went: status accepted, rejected, duplicate or excluded, and the reason and column of rejects."""

    status: str
    reason: str = ""
    column: str = ""
    is_parked: bool = False


@dataclass(slots=True)
class Outcomes:
    """How many rows had which outcome, and file and line of the first; what tasks find is added up."""

    rows: dict[Outcome, int] = field(default_factory=dict)
    first: dict[Outcome, Place] = field(default_factory=dict)

    def add(self, outcome: Outcome, rows: int, first: Place) -> None:
        """Count rows with one outcome, the first of which stands at ``first``."""
        if rows:
            self.rows[outcome] = self.rows.get(outcome, 0) + rows
            self.first[outcome] = min(first, self.first.get(outcome, first))

    def merge(self, others: Iterable[Outcomes]) -> Outcomes:
        """These and all others, added up in this one."""
        for other in others:
            for outcome, rows in other.rows.items():
                self.add(outcome, rows, other.first[outcome])
        return self

    @classmethod
    def of(cls, rows: pa.Table) -> Outcomes:
        """Those of rows with ``_file``, ``_line``, ``_is_parked``, ``_status``, ``_reason`` and ``_column``."""
        found = cls()
        for told in rows.group_by(list(_TOLD)).aggregate([("_line", "count"), ("_line", "min")]).to_pylist():
            outcome = Outcome(told["_status"], told["_reason"] or "", told["_column"] or "", told["_is_parked"])
            found.add(outcome, told["_line_count"], (told["_file"], told["_line_min"]))
        return found


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
    def of(cls, outcomes: Outcomes) -> RowCounts:
        """The counts of a table's rows by their outcomes."""
        sums: dict[str, int] = {}
        faults = []
        for outcome, rows in outcomes.rows.items():
            names = [outcome.status]
            if outcome.is_parked:
                entered = ["entered"] if outcome.status == "accepted" else []
                names = ["waiting"] if outcome.reason == PARENT_UNKNOWN else ["settled", *entered]
            elif outcome.reason:
                file, line = outcomes.first[outcome]
                faults.append(Fault(reason=outcome.reason, column=outcome.column, rows=rows, file=file, line=line))
            for name in names:
                sums[name] = sums.get(name, 0) + rows
        return cls(**sums, faults=tuple(sorted(faults, key=lambda fault: (-fault.rows, fault.reason, fault.column))))

    def check(self, table: str, rate: float, *, source: str, place: Callable[[str], str]) -> None:
        """LoadRefused, with reasons and the first place of each, when more than ``rate`` of the rows is rejected.

        A row of which another delivery of the load says something later is none of these: it was right when it was
        delivered. ``place`` gives the path of a file.
        """
        faults = [fault for fault in self.faults if fault.reason != OUTDATED]
        rejected = self.rejected - sum(fault.rows for fault in self.faults if fault.reason == OUTDATED)
        if rejected <= rate * self.read:
            return
        told = "; ".join(fault.tell(place) for fault in faults[:3])
        raise LoadRefused(
            f"{rejected} of {self.read} rows of {table} would be rejected: {told}",
            where=f"source {source}",
            fix=f"nothing was published; correct the delivery or mapping, or raise reject_rate above {rate:g}",
        )
