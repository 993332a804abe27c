"""A mapping's places become the same cells in DuckDB and in Spark, and a line that tells no place is a reject."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import h3
import pytest

from tallystick.dialect import NotTranslated
from tallystick.ingest import branch_plans
from tests.lib.deliveries import CHECKOUT, SOURCE_YAML, ingest, rows_of, write_delivery, write_project

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

YAML = SOURCE_YAML.replace(
    "files:", "files:\n  loc_fix: {file: loc_fix.csv, columns: [fix_no, cust, ts_ms, lat, lon, acc_m, del]}"
)
YAML += "  location_events: {known_on: event_date + 1 day, reject_rate: 0.9}\n"
SQL = (CHECKOUT / "sources" / "simbank" / "location_events.sql").read_text(encoding="utf-8")
FIXES = """\
fix_no,cust,ts_ms,lat,lon,acc_m,del
1,1,1704100000000,39.909187,116.397455,20,0
2,1,1704100060000,-33.8568,151.2153,15,0
3,2,1704100120000,91,116.397455,20,0
4,2,1704100180000,39.9,181.5,20,0
5,2,1704100240000,north,116.397455,20,0
6,2,1704100300000,,,20,0
7,2,1704100360000,NaN,1,20,0
"""
REJECTS = [
    (4, "not_a_place", "cell_id"),
    (5, "not_a_place", "cell_id"),
    (6, "not_a_number", "cell_id"),
    (7, "missing", "cell_id"),
    (8, "not_a_number", "cell_id"),
]


@pytest.mark.parametrize("engine", ["duckdb", "spark"])
def test_places_become_cells_or_rejects(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    if engine == "spark":
        monkeypatch.setattr(branch_plans, "_duckdb_sql", _no_rule)
    project = write_project(tmp_path / "project", files={"source.yaml": YAML, "location_events.sql": SQL})
    delivery = write_delivery(tmp_path / "supplier", {"loc_fix.csv": FIXES})
    ingest(spark, project, tmp_path / "warehouse", directory=delivery)
    found = {row["location_event_id"]: row for row in rows_of(tmp_path / "warehouse", "clean.location_events")}
    places = {"1": (39.909187, 116.397455), "2": (-33.8568, 151.2153)}
    assert {key: (row["cell_grid"], row["cell_id"]) for key, row in found.items()} == {
        key: ("h3/8", h3.latlng_to_cell(*place, 8)) for key, place in places.items()
    }
    for row in found.values():
        assert (row["cell_latitude"], row["cell_longitude"]) == h3.cell_to_latlng(row["cell_id"])
    rejected = rows_of(tmp_path / "warehouse", "clean.location_events_rejected")
    assert sorted((row["line"], row["reason"], row["column_name"]) for row in rejected) == REJECTS
    assert {row["raw"] for row in rejected} == {None}, "no coordinates are left there"
    assert not {row[0].upper() for row in spark.sql("SHOW USER FUNCTIONS").collect()} & {"H3_CELL", "H3_LATITUDE"}


def _no_rule(*told: object) -> str:
    raise NotTranslated("as if there were no rule")
