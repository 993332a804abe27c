"""Takes judged rows apart: what is put down for its bucket, what is rejected at once, what is only counted.

Both ways to map rows, DuckDB in a task and Spark's SQL, end here, so that all later steps know one kind of row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tallystick.errors import LoadRefused
from tallystick.ingest.casting import NAMED_ON, Target
from tallystick.ingest.conflicts import PARENT_UNKNOWN
from tallystick.ingest.counts import Outcome, Outcomes
from tallystick.ingest.staging import KEY, PLACED, Segment, StageWriter, put
from tallystick.spec.tables import TableContract

# What is stored of a row that is kept out, but for what all of them share. ``raw`` null: to be read again by its line.
REJECTS = pa.schema(
    [
        ("file", pa.string()),
        ("line", pa.int64()),
        ("branch", pa.int32()),
        ("raw", pa.string()),
        ("reason", pa.string()),
        ("column_name", pa.string()),
        ("known_on", pa.date32()),
    ]
)


@dataclass(frozen=True, kw_only=True, slots=True)
class TablePlan:
    """What tasks must know of a table that a load brings rows to."""

    contract: TableContract
    source: str
    load_date: date
    has_named_on: bool
    keeps_raw: bool = True
    again: frozenset[str] = frozenset()
    has_several: bool = False

    @classmethod
    def of(cls, target: Target) -> TablePlan:
        """That of a target."""
        return cls(
            contract=target.contract,
            source=target.source.name,
            load_date=target.load_date,
            has_named_on=target.has_own_known_on,
            keeps_raw=target.source.tables[target.contract.table].keeps_raw_lines,
            again=target.again,
            has_several=target.has_several,
        )

    @property
    def table(self) -> str:
        """Its name without the layer."""
        return self.contract.table

    @property
    def staged(self) -> list[str]:
        """The columns that are put down, without the places of the rows."""
        own = [column.name for column in self.contract.columns if column.name not in PLACED]
        return [*own, *([NAMED_ON] if self.has_named_on else []), "_line", "_branch", "_raw", KEY]

    @property
    def constants(self) -> Mapping[str, object]:
        """The columns that are alike in all rows of the load."""
        return {"source": self.source, "loaded_on": self.load_date}

    def is_again(self, file: str) -> bool:
        """Whether the file is of a delivery that an earlier load counted, and whose rejects that load told."""
        return file.partition("/")[0] in self.again


@dataclass(kw_only=True, slots=True)
class Placed:
    """What a task made of a table's rows: segments, rejects and rows that wait, on disk, and the outcomes of others."""

    table: str
    segments: list[Segment] = field(default_factory=list)
    rejects: list[str] = field(default_factory=list)
    parked: list[str] = field(default_factory=list)
    outcomes: Outcomes = field(default_factory=Outcomes)


class Placer:
    """Takes the judged rows of one table, batch after batch."""

    def __init__(self, plan: TablePlan, folder: Path) -> None:
        self.plan = plan
        self.folder = folder
        self.placed = Placed(table=plan.table)
        self._writer = StageWriter(folder)
        self._rejects: list[pa.Table] = []
        self._parked: list[pa.Table] = []

    def add(self, judged: pa.Table, *, file: str, raw: pa.Table | None = None) -> None:
        """Take rows of one file: the columns of ``judged_sql`` and KEY.

        ``raw`` has ``_line`` and ``_raw`` of them in the order of their lines; None when the rows carry their own.
        """
        parked = judged["_is_parked"]
        if pc.any(parked).as_py():
            # They are compared with everything that was stored since they came, so they are never settled alone.
            self._parked.append(judged.filter(parked))
            judged = judged.filter(pc.invert(parked))
        is_again = self.plan.is_again(file)
        excluded = judged["_is_excluded"]
        count = pc.sum(excluded).as_py() or 0
        if count:
            if not is_again:
                self.placed.outcomes.add(Outcome("excluded"), count, _first(judged.filter(excluded), file))
            judged = judged.filter(pc.invert(excluded))
        faulty = pc.is_valid(judged["_fault"])
        if pc.any(faulty).as_py():
            if not is_again:
                self._reject(self._without_waiting(judged.filter(faulty), file=file, raw=raw), file=file, raw=raw)
            judged = judged.filter(pc.invert(faulty))
        self._writer.add(judged.select([*self.plan.staged, "bucket", "period"]), file=file)

    def _without_waiting(self, faulty: pa.Table, *, file: str, raw: pa.Table | None) -> pa.Table:
        """The faulty rows that are out. Of several deliveries a later one may say something of a row that waits."""
        if not self.plan.has_several:
            return faulty
        waits = pc.starts_with(faulty["_fault"], PARENT_UNKNOWN)
        waiting = faulty.filter(waits)
        if waiting.num_rows:
            if raw is not None:
                place = waiting.column_names.index("_file")
                waiting = waiting.set_column(place, "_file", pa.repeat(file, waiting.num_rows))
            self._parked.append(waiting)
        return faulty.filter(pc.invert(waits))

    def _reject(self, rows: pa.Table, *, file: str, raw: pa.Table | None) -> None:
        for told in rows.group_by("_fault").aggregate([("_line", "count"), ("_line", "min")]).to_pylist():
            reason, column = split_fault(told["_fault"])
            outcome = Outcome("rejected", reason, column)
            self.placed.outcomes.add(outcome, told["_line_count"], (file, told["_line_min"]))
        texts = rows["_raw"]
        if raw is not None:
            at = np.searchsorted(raw["_line"].to_numpy(), rows["_line"].to_numpy())
            texts = raw["_raw"].take(pa.array(at))
        self._rejects.append(rejects_of(rows, rows["_fault"], file=file, raw=texts, plan=self.plan))

    def close(self) -> Placed:
        """Everything, on disk."""
        self.placed.segments = self._writer.close()
        if self._rejects:
            self.placed.rejects.append(put(pa.concat_tables(self._rejects), self.folder))
        if self._parked:
            self.placed.parked.append(put(pa.concat_tables(self._parked), self.folder))
        return self.placed


def rejects_of(
    rows: pa.Table, fault: pa.ChunkedArray, *, file: str, raw: pa.ChunkedArray | None, plan: TablePlan
) -> pa.Table:
    """Rows of one file as REJECTS; ``fault`` is ``reason|column`` of each. ``raw`` None: read again later."""
    size = rows.num_rows
    coded = fault.combine_chunks().dictionary_encode()
    parts = [split_fault(text) for text in coded.dictionary.to_pylist()]
    reasons = pa.array([reason for reason, _ in parts], pa.string()).take(coded.indices)
    columns = pa.array([column or None for _, column in parts], pa.string()).take(coded.indices)
    given = {
        "file": pa.repeat(file, size),
        "line": rows["_line"],
        "branch": rows["_branch"],
        "raw": raw if raw is not None and plan.keeps_raw else pa.nulls(size, pa.string()),
        "reason": reasons,
        "column_name": columns,
        "known_on": rows[plan.contract.known_on],
    }
    return pa.table(given).cast(REJECTS)


def split_fault(fault: str) -> tuple[str, str]:
    """Reason and column, which is empty for none."""
    reason, _, column = fault.partition("|")
    return reason, column


def _first(rows: pa.Table, file: str) -> tuple[str, int]:
    return file, pc.min(rows["_line"]).as_py()


def mapping_stopped(condition: str, *, source: str, load_date: date) -> LoadRefused:
    """The error of a mapping that stopped on a row; ``condition`` is Spark's name for what happened."""
    return LoadRefused(
        f"the mapping stopped on a row or expression: {condition}",
        where=f"source {source}, load of {load_date}",
        fix="nothing was published; use TRY_ functions or CAST in the mapping where a row may not fit",
    )
