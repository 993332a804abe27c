"""A backfill on Spark: killed in the middle, run again, the same numbers as the definition gives."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from tallystick.features.ledger import list_days
from tallystick.runs import backfill_features
from tests.lib import backfills as bank
from tests.lib.kill import run_killed

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

FIRST, LAST = "2026-02-26", "2026-03-04"
DAYS = list_days(date.fromisoformat(FIRST), date.fromisoformat(LAST))


def test_spark_ends_what_a_killed_backfill_began(spark: SparkSession, tmp_path: Path) -> None:
    project, warehouse = bank.write_project(tmp_path / "project"), tmp_path / "warehouse"
    rows = bank.store_bank(project, warehouse)
    # The first chunk is written down, the second committed but not yet: its days count as missing.
    at = "tallystick.features.ledger:Ledger.record"
    run_killed(bank.backfill, str(project), str(warehouse), FIRST, LAST, at=at, nth=2)
    params = bank.backfill_params(project, warehouse, FIRST, LAST)
    assert [(chunk.first, chunk.days) for chunk in backfill_features.plan(params).chunks] == [(date(2026, 3, 1), 4)]
    backfill_features.run(params, spark)
    assert bank.stored(warehouse) == bank.spent(rows, DAYS)
    assert not backfill_features.plan(params).chunks
