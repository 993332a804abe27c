"""Cells are those that the library names one by one, and what is no place has none."""

from __future__ import annotations

import random
from pathlib import Path

import h3
import pyarrow as pa
import pytest

from tallystick.dialect import NotTranslated, answer, connect, translate
from tallystick.project.contracts import load_contract
from tallystick.project.sources import check_source
from tests.lib.deliveries import CHECKOUT, SOURCE_YAML, write_source

TABLES = {"t": {"lat": "double", "lon": "double", "exact": "decimal(9,6)", "text": "string"}}
FIXES_SQL = (CHECKOUT / "sources" / "simbank" / "location_events.sql").read_text(encoding="utf-8")


def asked(expression: str, rows: dict[str, pa.Array]) -> list[object]:
    """What DuckDB answers to an expression over some rows."""
    with connect() as connection:
        connection.register("t", pa.table(rows))
        table = answer(connection, translate(f"SELECT {expression} AS x FROM t", TABLES))
    return list(table["x"].to_pylist())


def test_every_place_lies_in_the_cell_that_the_library_names() -> None:
    drawn = random.Random(4)
    lat = [90.0, -90.0, 0.0, -0.0, *(drawn.uniform(-90, 90) for _ in range(500))]
    lon = [180.0, -180.0, 0.0, 1e-12, *(drawn.uniform(-180, 180) for _ in range(500))]
    rows = {"lat": pa.array(lat), "lon": pa.array(lon)}
    for resolution in (0, 8, 15):
        told = [h3.latlng_to_cell(a, b, resolution) for a, b in zip(lat, lon, strict=True)]
        assert asked(f"H3_CELL(lat, lon, {resolution})", rows) == told
    cells = [h3.latlng_to_cell(a, b, 8) for a, b in zip(lat, lon, strict=True)]
    for number, name in enumerate(("H3_LATITUDE", "H3_LONGITUDE")):
        assert asked(f"{name}(H3_CELL(lat, lon, 8))", rows) == [h3.cell_to_latlng(cell)[number] for cell in cells]


def test_what_is_no_place_is_in_no_cell_and_what_is_no_cell_has_no_centre() -> None:
    nowhere = [(None, 1.0), (1.0, None), (90.5, 1.0), (1.0, -180.1), (float("nan"), 1.0), (1.0, float("inf"))]
    rows = {"lat": pa.array([lat for lat, _ in nowhere]), "lon": pa.array([lon for _, lon in nowhere])}
    assert asked("H3_CELL(lat, lon, 8)", rows) == [None] * 6
    name = h3.latlng_to_cell(1, 2, 8)
    texts = [name, name.upper(), f" {name}", f"0x{name}", name[:-1], "8f", "", "a" * 15, None]
    assert asked("H3_LATITUDE(text)", {"text": pa.array(texts)}) == [h3.cell_to_latlng(name)[0], *[None] * 8]


def test_an_empty_column_and_an_exact_number_are_places_too() -> None:
    empty = {"lat": pa.array([], pa.float64()), "lon": pa.array([], pa.float64())}
    assert asked("H3_CELL(lat, lon, 8)", empty) == []
    exact = pa.array([39.909187], pa.float64()).cast(pa.decimal128(9, 6))
    assert asked("H3_CELL(exact, 116, 8)", {"exact": exact}) == [h3.latlng_to_cell(39.909187, 116, 8)]


@pytest.mark.parametrize("call", ["H3_CELL(text, lon, 8)", "H3_CELL(lat, lon, 16)", "H3_LATITUDE(lat)"])
def test_other_arguments_are_not_translated(call: str) -> None:
    with pytest.raises(NotTranslated):
        translate(f"SELECT {call} AS x FROM t", TABLES)


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("H3_CELL(lat, CAST(lon AS DOUBLE), 8)", "column lat is text and is used as a coordinate"),
        ("H3_CELL(CAST(lat AS DOUBLE), lon, 8)", "column lon is text and is used as a coordinate"),
        ("H3_CELL(CAST(lat AS DOUBLE), CAST(lon AS DOUBLE))", "H3_CELL has 2 arguments"),
        ("H3_CELL(CAST(lat AS DOUBLE), CAST(lon AS DOUBLE), 16)", "H3_CELL has a resolution that the grid has not"),
        ("H3_CELL(CAST(lat AS DOUBLE), CAST(lon AS DOUBLE), acc_m)", "H3_CELL has a resolution that is no number"),
        ("H3_LATITUDES(acc_m)", "unknown function H3_LATITUDES"),
    ],
)
def test_a_misused_function_is_told_with_its_place(tmp_path: Path, written: str, told: str) -> None:
    asked = "H3_CELL(CAST(lat AS DOUBLE), CAST(lon AS DOUBLE), 8) AS cell_id"
    assert asked in FIXES_SQL
    columns = "[fix_no, cust, ts_ms, lat, lon, acc_m, del]"
    yaml = SOURCE_YAML.replace("files:", f"files:\n  loc_fix: {{file: loc_fix.csv, columns: {columns}}}")
    yaml += "  location_events: {known_on: event_date + 1 day}\n"
    sql = FIXES_SQL.replace(asked, f"{written} AS cell_id")
    write_source(tmp_path, files={"source.yaml": yaml, "location_events.sql": sql})
    name = "clean.location_events"
    path = CHECKOUT / "schemas" / "clean" / "location_events.yaml"
    contracts = {name: load_contract(path, name=name)}
    found = check_source(tmp_path, "village", contracts=contracts)
    line = sql.split(f" {written}")[0].count("\n") + 1
    of_mapping = [problem for problem in found if "location_events.sql" in problem.where]
    assert [problem.what.startswith(told) for problem in of_mapping] == [True], of_mapping
    assert of_mapping[0].where.endswith(f"location_events.sql:{line}")
