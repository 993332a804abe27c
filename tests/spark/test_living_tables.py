"""Spark reads a feature table that lived through all four steps, marks and all, and so does a task of its own."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from tallystick.tables import Warehouse, read
from tests.lib.living import TABLE, by_deltalake, living_group, paid, store_days

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def by_spark(session: SparkSession, warehouse: Warehouse, column: str) -> dict[int, int | None]:
    """The column of the first customer by day, as Spark's own Delta reader sees it."""
    frame = session.read.format("delta").load(str(warehouse.table_path(TABLE)))
    rows = frame.where("customer_id = 'bank:1'").selectExpr("day(as_of) AS day", f"{column} AS value").collect()
    return {row["day"]: row["value"] for row in sorted(rows, key=lambda row: row["day"])}


def test_spark_reads_a_table_after_every_step(spark: SparkSession, tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path)
    store_days(warehouse, living_group(paid()), 4)
    assert by_spark(spark, warehouse, "txn_out_sum_3d") == {4: 600}
    added = living_group(paid(), paid(name="large", where="amount_minor >= 500"))
    store_days(warehouse, added, 5)
    assert by_spark(spark, warehouse, "txn_large_sum_3d") == {4: None, 5: 0}
    changed = living_group(paid(), paid(name="large", where="amount_minor >= 400", version=2))
    store_days(warehouse, changed, 6)
    assert by_spark(spark, warehouse, "txn_large_sum_3d") == {4: None, 5: 0, 6: 900}
    large = paid(name="large", where="amount_minor >= 400", version=2, retired_on=date(2026, 3, 8))
    store_days(warehouse, living_group(paid(name="spent", replaces="out"), large), 7, 8)
    for column, expected in {
        "txn_out_sum_3d": {4: 600, 5: 900, 6: 1200, 7: None, 8: None},
        "txn_spent_sum_3d": {4: None, 5: None, 6: None, 7: 1500, 8: 1800},
        "txn_large_sum_3d": {4: None, 5: 0, 6: 900, 7: 1500, 8: None},
    }.items():
        assert by_spark(spark, warehouse, column) == by_deltalake(warehouse, column) == expected
    schema = read(spark, warehouse, TABLE).schema
    assert schema["txn_out_sum_3d"].metadata == {"tallystick.replaced_by": "txn_spent_sum_3d"}
    assert schema["txn_large_sum_3d"].metadata == {"tallystick.retired_on": "2026-03-08"}
