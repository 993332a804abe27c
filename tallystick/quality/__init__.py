"""The data quality gate: expectations run on tables by Great Expectations, results as rows and files.

Here: running suites, and what their results say. Not here: storage, what is expected (``expectations/``). Great
Expectations is imported only while it is used, since that alone takes seconds.
"""

from __future__ import annotations

from tallystick.quality.findings import (
    Finding,
    JudgedAt,
    findings_table,
    merge_findings,
    raise_for_critical,
    read_findings,
)
from tallystick.quality.gate import Validation, validate
from tallystick.quality.judge import JudgedRows
from tallystick.quality.judged import Stored, judgement_key, read_judged
from tallystick.quality.scope import choose_tables, latest_date, owned_rows, unseen_rows_sql

__all__ = [
    "Finding",
    "JudgedAt",
    "JudgedRows",
    "Stored",
    "Validation",
    "choose_tables",
    "findings_table",
    "judgement_key",
    "latest_date",
    "merge_findings",
    "owned_rows",
    "raise_for_critical",
    "read_findings",
    "read_judged",
    "unseen_rows_sql",
    "validate",
]
