"""The leakage audit of the split: does what a model learns from overlap in time or person with what it is tested on?

The dates come from the label table, not from the training set, and nothing here is shared with ``split``, whose work it
checks: rows are walked one by one, as the definition says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pyarrow as pa

from tallystick.spec.recipes import Recipe
from tallystick.training.audit_findings import AuditFinding
from tallystick.training.split import UNIT

Row = Mapping[str, Any]


def check_split(
    keys: pd.DataFrame, part: pd.Series, labels: pa.Table, *, recipe: Recipe, zone: str
) -> list[AuditFinding]:
    """The findings on a split; ``part`` names the part of each row of ``keys``, ``labels`` is the label table.

    By time: a training row is older than the test, its label was known on the test's first day (a retrospective recipe
    is told, not refused), and no training row's label window overlaps that of a test row of the same key. At random: no
    customer is on both sides.
    """
    rows = list(_dated(keys, part, labels, zone=zone))
    train = [row for row in rows if row["part"] == "train"]
    test = [row for row in rows if row["part"] == "test"]
    both = {row["customer_id"] for row in train} & {row["customer_id"] for row in test}
    if not recipe.split.is_by_time:
        return [_counted("split_customer", len(both), "customers are both learned from and tested on")]
    start = min((row["day"] for row in test), default=date.max)
    newer = sum(row["day"] >= start for row in train)
    late = sum(row["known_on"] is None or row["known_on"] > start for row in train)
    known = _counted("split_label_known", late, "training rows have a label that became known after the test began")
    if recipe.is_retrospective:
        known = _told(known, "kept, as the recipe is retrospective")
    customers = _counted("split_customer", len(both), "customers are in both parts")
    return [
        _counted("split_time", newer, "training rows are not older than the test"),
        known,
        _counted("split_overlap", _count_overlaps(train, test), "training rows share days of a label with the test"),
        _told(customers, "allowed where a test is newer than what is learned from"),
    ]


def _dated(keys: pd.DataFrame, part: pd.Series, labels: pa.Table, *, zone: str) -> Iterator[Row]:
    wanted = ["source", UNIT, "as_of", "known_on", "window_from", "window_to"]
    decided = {(row["source"], row[UNIT], row["as_of"]): row for row in labels.select(wanted).to_pylist()}
    named = zip(keys["source"], keys[UNIT], keys["as_of"], keys["customer_id"], part, strict=True)
    for source, unit, as_of, customer, name in named:
        if name in ("train", "test"):
            own = decided[source, unit, as_of.to_pydatetime()]
            day = own["as_of"].astimezone(ZoneInfo(zone)).date()
            yield {**own, "day": day, "customer_id": customer, "part": name}


def _count_overlaps(train: list[Row], test: list[Row]) -> int:
    windows: dict[tuple[str, str], list[tuple[date, date]]] = {}
    for row in test:
        if row["window_from"] is not None and row["window_to"] is not None:
            windows.setdefault((row["source"], row[UNIT]), []).append((row["window_from"], row["window_to"]))
    count = 0
    for row in train:
        begin, end = row["window_from"], row["window_to"]
        own = windows.get((row["source"], row[UNIT]), [])
        count += begin is not None and end is not None and any(begin < last and first < end for first, last in own)
    return count


def _counted(check: str, count: int, what: str) -> AuditFinding:
    return AuditFinding(check=check, value=float(count), threshold=0.0, is_passed=count == 0, detail=f"{count} {what}")


def _told(finding: AuditFinding, why: str) -> AuditFinding:
    detail = f"{finding.detail}; {why}" if finding.value else finding.detail
    return AuditFinding(check=finding.check, value=finding.value, is_passed=True, detail=detail)
