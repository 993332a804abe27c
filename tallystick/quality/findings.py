"""What an expectation found, as a value, as rows of monitor.validations, and as the error that stops a run.

Kept apart from ``gate`` because whoever stores or reports a finding needs no library for it. No field holds a value of
a row.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc

from tallystick.errors import ValidationFailed

CRITICAL = "critical"


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What one expectation found on one table.

    ``number`` is its position in the suite's file, from 1. ``columns`` is empty when it is about the table.
    ``rows_unexpected`` is None when it passed or counts no rows; ``observed`` holds counts and shares only.
    """

    table: str
    number: int
    expectation: str
    columns: str
    severity: str
    is_success: bool
    reason: str
    rows_checked: int | None = None
    rows_unexpected: int | None = None
    unexpected_percent: float | None = None
    observed: str | None = None

    @property
    def is_critical_failure(self) -> bool:
        """Whether what depends on the table must not run."""
        return not self.is_success and self.severity == CRITICAL

    def __str__(self) -> str:
        text = f"{self.table}: {self.expectation}" + (f" of {self.columns}" if self.columns else "")
        if self.is_success:
            return f"{text} passed"
        if self.rows_unexpected is not None:
            of = f" of {self.rows_checked:,}" if self.rows_checked is not None else ""
            return f"{text} failed for {self.rows_unexpected:,}{of} rows"
        return f"{text} failed" + (f", {self.observed}" if self.observed else "")


@dataclass(frozen=True, kw_only=True, slots=True)
class JudgedAt:
    """How a table was judged: what was read of it, and the day whose validation looked at the rows.

    ``key`` is that of ``judgement_key``, empty for a judgement that nobody may use again.
    """

    table_version: int
    judged_on: date
    key: str = ""


def findings_table(
    findings: Sequence[Finding], *, run_id: str, source: str, validated_on: date, judged: Mapping[str, JudgedAt]
) -> pa.Table:
    """Rows of monitor.validations, one per finding. ``judged`` says of each table how it was judged."""
    rows = [
        {
            "run_id": run_id,
            "validated_on": validated_on,
            "table_name": finding.table,
            "expectation_number": finding.number,
            "expectation": finding.expectation,
            "column_name": finding.columns or None,
            "severity": finding.severity,
            "is_success": finding.is_success,
            "rows_checked": finding.rows_checked,
            "rows_unexpected": finding.rows_unexpected,
            "unexpected_percent": finding.unexpected_percent,
            "observed": finding.observed,
            "reason": finding.reason,
            "table_version": judged[finding.table].table_version,
            "judged_on": judged[finding.table].judged_on,
            "judgement_key": judged[finding.table].key or None,
            "source": source,
        }
        for finding in findings
    ]
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def read_findings(rows: pa.Table, *, tables: Collection[str]) -> list[Finding]:
    """What the newest validation of each of the ``tables`` found, from rows of monitor.validations."""
    chosen = [row for row in rows.to_pylist() if row["table_name"] in tables]
    newest = {row["table_name"]: row["validated_on"] for row in sorted(chosen, key=lambda row: row["validated_on"])}
    return [
        Finding(
            table=row["table_name"],
            number=row["expectation_number"],
            expectation=row["expectation"],
            columns=row["column_name"] or "",
            severity=row["severity"],
            is_success=row["is_success"],
            reason=row["reason"],
            rows_checked=row["rows_checked"],
            rows_unexpected=row["rows_unexpected"],
            unexpected_percent=row["unexpected_percent"],
            observed=row["observed"],
        )
        for row in chosen
        if row["validated_on"] == newest[row["table_name"]]
    ]


def merge_findings(rows: pa.Table, earlier: pa.Table) -> pa.Table:
    """``rows`` and those of the same day's ``earlier`` rows about other tables."""
    others = earlier.filter(pc.invert(pc.is_in(earlier["table_name"], pc.unique(rows["table_name"]))))
    for name in set(SCHEMA.names) - set(others.column_names):  # stored before the column was
        others = others.append_column(name, pa.nulls(others.num_rows, SCHEMA.field(name).type))
    return pa.concat_tables([rows, others.select(SCHEMA.names).cast(SCHEMA)])


SCHEMA = pa.schema(
    [
        ("run_id", pa.string()),
        ("validated_on", pa.date32()),
        ("table_name", pa.string()),
        ("expectation_number", pa.int32()),
        ("expectation", pa.string()),
        ("column_name", pa.string()),
        ("severity", pa.string()),
        ("is_success", pa.bool_()),
        ("rows_checked", pa.int64()),
        ("rows_unexpected", pa.int64()),
        ("unexpected_percent", pa.float64()),
        ("observed", pa.string()),
        ("reason", pa.string()),
        ("table_version", pa.int64()),
        ("judged_on", pa.date32()),
        ("judgement_key", pa.string()),
        ("source", pa.string()),
    ]
)


def raise_for_critical(findings: Sequence[Finding], *, fix: str = "") -> None:
    """Raise ValidationFailed when a critical expectation failed: it names the first, and how many more there are."""
    failed = [finding for finding in findings if finding.is_critical_failure]
    if failed:
        more = f", and {len(failed) - 1} more" if len(failed) > 1 else ""
        raise ValidationFailed(f"{failed[0]}{more}", fix=fix or "see monitor.validations")
