"""The benchmark at its smallest, without Spark: data from a seed, and contenders that say the same as tallystick."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks import agreement, generate, layouts, ours
from benchmarks.groups import EVENTS, wanted
from benchmarks.layouts import Folder
from benchmarks.report import lines_of
from benchmarks.rows import all_rows
from benchmarks.running import largest_share
from benchmarks.scale import MONTHS, Scale
from benchmarks.sql import STYLES, WORKS, select_sql
from tallystick.tables import pin, read_arrow

SCALE = Scale.of(12_000)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    made = Folder(tmp_path_factory.mktemp("benchmark"), SCALE)
    layouts.make_main(made, 1)
    return made


def test_the_same_scale_gives_the_same_rows_and_another_seed_others() -> None:
    first, numbers = generate.month_events(SCALE, 3)
    again, _ = generate.month_events(SCALE, 3)
    other, _ = generate.month_events(Scale.of(SCALE.events + 12), 3)
    assert first.equals(again)
    assert not first.slice(0, 10).equals(other.slice(0, 10))
    assert first.num_rows == numbers.size
    assert sum(generate.month_customers(SCALE, month)[1].size for month in range(MONTHS)) == SCALE.events


def test_the_clean_table_holds_the_generated_rows_in_buckets_and_in_order(folder: Folder) -> None:
    rows = read_arrow(folder.warehouse, EVENTS)
    assert rows.num_rows == SCALE.events
    assert len(set(rows["transaction_id"].to_pylist())) == SCALE.events
    for file in pin(folder.warehouse, EVENTS).files:
        held = pq.read_table(file.path, columns=["customer_id", "event_at"])
        assert held.equals(held.sort_by([("customer_id", "ascending"), ("event_at", "ascending")]))
        found = {generate.bucket_of(name, SCALE.buckets) for name in held["customer_id"].unique().to_pylist()}
        assert found == {int(file.partition["bucket"])}


@pytest.mark.parametrize("work", WORKS)
@pytest.mark.parametrize("style", STYLES)
def test_duckdb_says_the_same_as_tallystick(folder: Folder, tmp_path: Path, style: str, work: str) -> None:
    mine = tmp_path / "ours.parquet"
    pq.write_table(ours.run_local(ours.Job(folder=folder, width=45, work=work)), mine)
    theirs = tmp_path / "theirs.parquet"
    _answer(folder, select_sql("duckdb", style, width=45, work=work), theirs)
    one, other = agreement.Answer((str(mine),)), agreement.Answer((str(theirs),))
    assert one.keys().num_rows > 50
    assert agreement.differences(one, other, [column.name for column in wanted(45)]) == []


def test_rings_of_the_wide_set_say_the_same_as_tallystick(folder: Folder, tmp_path: Path) -> None:
    mine, theirs = tmp_path / "ours.parquet", tmp_path / "theirs.parquet"
    pq.write_table(ours.run_local(ours.Job(folder=folder, width=450, work="training")), mine)
    _answer(folder, select_sql("duckdb", "rings", width=450, work="training"), theirs)
    one, other = agreement.Answer((str(mine),)), agreement.Answer((str(theirs),))
    assert agreement.differences(one, other, agreement.compared_columns(450)) == []


def test_answers_that_differ_in_one_value_or_one_row_are_told(tmp_path: Path) -> None:
    def answer(name: str, counts: list[int | None]) -> agreement.Answer:
        keys = {"customer_id": [f"c{n}" for n in range(len(counts))], "as_of": pa.array(range(len(counts)))}
        path = tmp_path / name
        pq.write_table(pa.table(keys | {"count": pa.array(counts, pa.int64())}), path)
        return agreement.Answer((str(path),))

    one = answer("one", [1, 2, None])
    assert agreement.differences(one, answer("same", [1, 2, None]), ["count"]) == []
    assert agreement.differences(one, answer("value", [1, 3, None]), ["count"]) == ["count: 1 of 3 rows"]
    assert agreement.differences(one, answer("null", [1, 2, 0]), ["count"]) == ["count: 1 of 3 rows"]
    assert agreement.differences(one, answer("short", [1, 2]), ["count"]) == ["3 rows against 2"]


def test_a_part_of_the_customers_is_scaled_and_marked(tmp_path: Path) -> None:
    rows = all_rows(tmp_path, tmp_path, SCALE, 2)
    taken = {"status": "done", "cpu": 1.0, "peak_mb": 1.0, "jvm_mb": 0.0}
    results = {
        "ours_training_450": taken | {"wall": 2.0, "fraction": 1},
        "duckdb_rings_training_450": taken | {"wall": 1.0, "fraction": 40, "beside": [2.0, 2.0]},
    }
    lines = lines_of(rows, results, None, SCALE)
    assert [(line.wall, line.ratio, line.met) for line in lines] == [("2.0", "", ""), ("40.0", "0.050", "yes")]
    assert "1/40" in lines[1].what


def test_a_ratio_takes_the_median_of_ours_before_and_after_the_contender(tmp_path: Path) -> None:
    rows = all_rows(tmp_path, tmp_path, SCALE, 2)
    taken = {"status": "done", "fraction": 1, "cpu": 1.0, "peak_mb": 1.0, "jvm_mb": 0.0}
    walls = {"before": [1.0, 1.0, 1.1], "after": [2.0, 2.1, 2.1]}
    results = {
        "ours_snapshot_45": taken | {"wall": 1.0, "walls": walls["before"]},
        "spark_naive_snapshot_45": taken | {"wall": 10.0, "beside": [*walls["before"], *walls["after"]]},
    }
    _, line = lines_of(rows, results, None, SCALE)
    assert (line.beside, line.ratio, line.met) == ("1.55", "0.155", "yes")


@pytest.mark.parametrize(
    ("fixed", "whole", "largest"),
    [(0.0, 200.0, 1), (3.0, 250.0, 1), (0.0, 2000.0, 10), (20.0, 4000.0, 40), (0.0, 1e6, 0)],
)
def test_the_largest_share_that_ends_in_time_is_kept(fixed: float, whole: float, largest: int) -> None:
    def run(fraction: int) -> dict[str, Any]:
        wall = fixed + whole / fraction
        return {"status": "done" if wall <= 300 else "over", "wall": wall, "fraction": fraction}

    result = largest_share(run, limit=300)
    assert (result["fraction"] if result["status"] == "done" else 0) == largest


def _answer(folder: Folder, query: str, target: Path) -> None:
    files = folder.share("duckdb", 1)
    with duckdb.connect() as connection:
        connection.execute("SET threads = 1; SET TimeZone = 'UTC'")
        connection.execute(f"CREATE VIEW events AS FROM read_parquet('{files}/events_*.parquet')")
        connection.execute(f"CREATE VIEW asked AS FROM read_parquet('{files}/asked.parquet')")
        connection.execute(f"COPY ({query}) TO '{target}' (FORMAT parquet)")
