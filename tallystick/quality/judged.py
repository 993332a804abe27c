"""What a judgement depends on, as one key, and the judgements that are stored: the same key is not judged again.

Apart from ``judge`` because it decides that nothing is judged, and so must load no library.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pyarrow as pa

from tallystick.quality.findings import Finding, JudgedAt, read_findings
from tallystick.spec.fingerprint import fingerprint
from tallystick.spec.tables import TableContract

# The code that decides which rows are looked at, and what is found; and the libraries it has from others.
CODE = (Path(__file__).parent, Path(__file__).parents[1] / "visibility")
LIBRARIES = ("great_expectations", "duckdb")


@dataclass(frozen=True, kw_only=True, slots=True)
class Stored:
    """The newest judgement of a table that is stored, under the day of its validation."""

    judged: JudgedAt
    validated_on: date
    findings: tuple[Finding, ...]

    def at(self, table_version: int) -> JudgedAt:
        """The same judgement for a later version of the table, which shows the same rows."""
        return replace(self.judged, table_version=table_version)


def judgement_key(*, table_id: str, contract: TableContract, suite: Mapping[str, Any], rows_sql: str) -> str:
    """What a judgement depends on besides the rows of the table: equal keys and equal rows give equal findings.

    ``table_id`` is that of the table's creation, so that one built again is another; ``rows_sql`` says which of its
    rows are looked at.
    """
    told = {"table": table_id, "contract": contract, "suite": suite, "rows": rows_sql, "code": _code()}
    return fingerprint(told)


def read_judged(rows: pa.Table, *, tables: Collection[str]) -> dict[str, Stored]:
    """The newest judgement of each of the ``tables``, from rows of monitor.validations; none where it has no key."""
    if "judgement_key" not in rows.column_names:
        return {}  # stored before judgements had one
    found: dict[str, Stored] = {}
    newest = read_findings(rows, tables=tables)
    marks = {(row["table_name"], row["validated_on"]): row for row in rows.select(MARKS).to_pylist()}
    for table in {finding.table for finding in newest}:
        day = max(on for name, on in marks if name == table)
        row = marks[table, day]
        if row["judgement_key"]:
            judged = JudgedAt(
                table_version=row["table_version"], judged_on=row["judged_on"] or day, key=row["judgement_key"]
            )
            findings = sorted((one for one in newest if one.table == table), key=lambda one: one.number)
            found[table] = Stored(judged=judged, validated_on=day, findings=tuple(findings))
    return found


MARKS = ["table_name", "validated_on", "table_version", "judged_on", "judgement_key"]


@cache
def _code() -> str:
    """A hash of the code and the names of the libraries' versions."""
    told = hashlib.sha256()
    for path in sorted(path for folder in CODE for path in folder.glob("*.py")):
        told.update(path.read_bytes())
    return f"{told.hexdigest()} {' '.join(version(name) for name in LIBRARIES)}"
