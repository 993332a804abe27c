"""Holds loads against the oracle, one after another: stored rows, rejects with their lines, and counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tallystick.project import load_project
from tests.lib.deliveries import ingest, rows_of, write_delivery
from tests.lib.ingest_oracle import SparkLoads

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from tests.lib.ingest_oracle import Settled


class Loads:
    """Loads of the source ``village`` into a warehouse below ``folder``, and what the oracle says of each."""

    def __init__(self, spark: SparkSession, project: Path, folder: Path) -> None:
        declared = load_project(project)
        self.oracle = SparkLoads(spark, declared.sources["village"], declared.contracts)
        self.spark, self.project = spark, project
        self.warehouse, self.supplier = folder / "warehouse", folder / "supplier"
        self.outcomes: Counter[str] = Counter()

    def load(self, day: date, files: Mapping[str, str | None], *, told: str) -> None:
        """Deliver these files, load them, and compare everything that the load leaves with the oracle's answer."""
        write_delivery(self.supplier / str(day), dict(files))
        ingest(self.spark, self.project, self.warehouse, directory=self.supplier)
        for table, settled in self.oracle.load(self.supplier, day).items():
            where = f"{told}, {table} of {day}"
            assert stored(self.warehouse, table, day) == expected(settled), where
            assert rejects(self.warehouse, table, day) == expected_rejects(settled), where
            assert counts(self.warehouse, table, day) == expected_counts(settled), where
            self.outcomes.update(row["_reason"] or row["_status"] for row in settled.rows.to_pylist())


def stored(warehouse: Path, table: str, day: date) -> Counter[Any]:
    rows = [row for row in rows_of(warehouse, f"clean.{table}") if row["loaded_on"] == day]
    return Counter(tuple(sorted(row.items(), key=lambda item: item[0])) for row in rows)


def expected(settled: Settled) -> Counter[Any]:
    rows = settled.accepted.to_pylist()
    return Counter(tuple(sorted(row.items(), key=lambda item: item[0])) for row in rows)


def rejects(warehouse: Path, table: str, day: date) -> Counter[Any]:
    names = ("file", "line", "raw", "reason", "column_name", "known_on")
    rows = [row for row in rows_of(warehouse, f"clean.{table}_rejected") if row["loaded_on"] == day]
    return Counter(tuple(row[name] for name in names) for row in rows)


def expected_rejects(settled: Settled) -> Counter[Any]:
    found: Counter[Any] = Counter()
    for row in settled.rows.to_pylist():
        waits = row["_status"] == "rejected" and row["_reason"] == "parent_unknown"
        if (row["_is_parked"] and not waits) or (not row["_is_parked"] and row["_status"] == "rejected"):
            reason = row["_reason"] or "entered_later"
            found[(row["_file"], row["_line"], row["_raw"], reason, row["_column"], row["known_on"])] += 1
    return found


def counts(warehouse: Path, table: str, day: date) -> dict[str, int]:
    (row,) = [
        row for row in rows_of(warehouse, "monitor.loads") if row["table_name"] == table and row["loaded_on"] == day
    ]
    return {name: row[f"rows_{name}"] for name in ("read", "accepted", "rejected", "duplicate", "excluded")}


def expected_counts(settled: Settled) -> dict[str, int]:
    found = Counter(row["_status"] for row in settled.rows.to_pylist() if not row["_is_parked"])
    told = {name: found[name] for name in ("accepted", "rejected", "duplicate", "excluded")}
    return {"read": found.total(), **told}
