"""Rows that Spark maps have the pseudonyms of those that DuckDB maps, in all tables and rejects."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tallystick.dialect import NotTranslated
from tallystick.ingest import branch_plans
from tests.lib.deliveries import ingest, rows_of, write_delivery, write_project
from tests.lib.pseudonyms import DELIVERY, KEY, RAW, YAML, places_of, pseudonym

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

TABLES = ("clean.customers", "clean.accounts", "clean.transactions", "clean.transactions_rejected")


def test_both_ways_to_map_a_delivery_give_the_same_pseudonyms(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TALLYSTICK_PSEUDONYM_KEY", KEY)
    project = write_project(tmp_path / "project", files={"source.yaml": YAML})
    delivery = write_delivery(tmp_path / "supplier", DELIVERY)
    ingest(spark, project, tmp_path / "duckdb", directory=delivery)
    monkeypatch.setattr(branch_plans, "_duckdb_sql", _no_rule)
    ingest(spark, project, tmp_path / "spark", directory=delivery)
    for table in TABLES:
        rows = rows_of(tmp_path / "spark", table)
        assert rows == rows_of(tmp_path / "duckdb", table)
        assert rows, table
    customers = {row["customer_id"] for row in rows_of(tmp_path / "spark", "clean.customers")}
    assert customers == {f"village:{pseudonym(text, 'human')}" for text in ("HUMAN-7001", "HUMAN-7002")}
    assert places_of(RAW, tmp_path / "spark") == []


def _no_rule(*told: object) -> str:
    raise NotTranslated("as if there were no rule")
