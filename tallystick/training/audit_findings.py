"""What an audit finds: one finding a check and feature, how findings are kept, and what stops a training.

Apart from the checks, so that a run can read and write findings without them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from tallystick.errors import LeakageFound

# Below this many rows of either class, a perfect separation is no surprise and says nothing.
LEAST_PER_CLASS = 10

# The finding that holds no judgement: a digest of the rows that the others are about.
AUDITED_ROWS = "audited_rows"


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditFinding:
    """What one check says of one feature, or of the whole set when ``feature`` is empty."""

    check: str
    feature: str = ""
    value: float | None = None
    threshold: float | None = None
    is_passed: bool
    detail: str = ""


def audited_rows(digest: str) -> AuditFinding:
    """The finding that says which rows were looked at; ``digest`` is that of the training set."""
    return AuditFinding(check=AUDITED_ROWS, is_passed=True, detail=digest)


def check_audited(findings: Sequence[Mapping[str, object]], digest: str, *, recipe: str) -> None:
    """LeakageFound unless the last audit of the recipe passed, on the rows that are to be learned from.

    ``findings`` are rows of monitor.leakage, ``digest`` is that of the training set.
    """
    own = [row for row in findings if row["recipe"] == recipe]
    failed = sorted({str(row["check_name"]) for row in own if not row["is_passed"]})
    fix = "run audit_leakage on these tables first"
    if failed:
        raise LeakageFound(
            f"the last audit failed: {', '.join(failed)}", where=f"recipe {recipe}", fix="see monitor.leakage"
        )
    if not any(row["check_name"] == AUDITED_ROWS and row["detail"] == digest for row in own):
        what = "the rows to learn from are not those that were audited" if own else "no audit was recorded"
        raise LeakageFound(what, where=f"recipe {recipe}", fix=fix)


def stop_on_leak(findings: Iterable[AuditFinding], *, recipe: str) -> None:
    """LeakageFound, naming checks and features, when any finding failed."""
    failed = [f for f in findings if not f.is_passed]
    if not failed:
        return
    named = [f"{f.check}: {f.feature or f.detail}" for f in failed]
    shown = "; ".join(named[:8]) + (f"; and {len(named) - 8} more" if len(named) > 8 else "")
    fix = "see monitor.leakage; drop the features, or correct their declaration or the label's window"
    raise LeakageFound(shown, where=f"recipe {recipe}", fix=fix)


def list_findings(findings: Iterable[AuditFinding], *, run_id: str, recipe: str, source: str) -> pa.Table:
    """The findings as rows of monitor.leakage."""
    rows = list(findings)
    return pa.table(
        {
            "run_id": pa.array([run_id] * len(rows), pa.string()),
            "recipe": pa.array([recipe] * len(rows), pa.string()),
            "check_name": pa.array([f.check for f in rows], pa.string()),
            "feature": pa.array([f.feature for f in rows], pa.string()),
            "value": pa.array([f.value for f in rows], pa.float64()),
            "threshold": pa.array([f.threshold for f in rows], pa.float64()),
            "is_passed": pa.array([f.is_passed for f in rows], pa.bool_()),
            "detail": pa.array([f.detail for f in rows], pa.string()),
            "source": pa.array([source] * len(rows), pa.string()),
        }
    )


def merge_findings(new: pa.Table, before: pa.Table, *, recipe: str) -> pa.Table:
    """The rows that monitor.leakage is to hold of a source: the new findings, and those of the other recipes."""
    others = before.filter(pc.not_equal(before["recipe"], recipe)).select(new.column_names)
    return pa.concat_tables([new, others.cast(new.schema)])
