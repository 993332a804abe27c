"""Packed whole numbers: whatever is written comes back, through every reader that is no Spark."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from tallystick.spec.tables import Column, TableContract
from tallystick.tables import file_schema, read_files, write_file

CONTRACT = TableContract(
    name="clean.numbers",
    description="Numbers",
    grain="one row per number",
    owner="tests",
    columns=(
        Column(name="amount_minor", type="int64"),
        Column(name="term_months", type="int32"),
        Column(name="event_at", type="timestamp"),
        Column(name="due_date", type="date"),
        Column(name="nothing_minor", type="int64"),
        Column(name="channel", type="string"),
    ),
    key=(),
)
SIZE = 999


def test_whole_numbers_dates_and_instants_of_any_size_come_back(tmp_path: Path) -> None:
    wild = [None, 0, -(2**63), 2**63 - 1, 1, -1, -(2**63), 7, 2**40]
    rows = pa.table(
        [
            pa.array(wild * (SIZE // 9), pa.int64()),
            pa.array([None, 2**31 - 1, -(2**31)] * (SIZE // 3), pa.int32()),
            pa.array([None, -(10**15), 4 * 10**15] * (SIZE // 3), pa.int64()).cast(pa.timestamp("us", "UTC")),
            pa.array([-30_000, None, 60_000] * (SIZE // 3), pa.int32()).cast(pa.date32()),
            pa.nulls(SIZE, pa.int64()),
            pa.array(["card", None, "cash"] * (SIZE // 3)),
        ],
        schema=file_schema(CONTRACT),
    )
    write_file(tmp_path, "one.parquet", rows, {}, CONTRACT)
    path = str(tmp_path / "one.parquet")
    assert "DELTA_BINARY_PACKED" in pq.read_metadata(path).row_group(0).column(0).encodings
    assert read_files([path], file_schema(CONTRACT)).equals(rows)
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        assert connection.read_parquet(path).to_arrow_table().cast(rows.schema).equals(rows)


def test_coded_texts_are_the_same_texts_and_null_where_a_file_lacks_the_column(tmp_path: Path) -> None:
    codes = pa.dictionary(pa.int32(), pa.string())
    for name, texts in (("one", ["b", None, "a"]), ("two", ["c", "a"])):
        pq.write_table(pa.table({"channel": pa.array(texts, pa.string())}), tmp_path / f"{name}.parquet")
    paths = [str(tmp_path / f"{name}.parquet") for name in ("one", "two")]
    read = read_files(paths, pa.schema([("channel", codes), ("category", codes)]))
    assert read.schema.types == [codes, codes]
    assert read["channel"].to_pylist() == ["b", None, "a", "c", "a"]
    assert read["category"].null_count == 5


def test_features_lie_in_row_groups_that_a_look_up_can_decode(tmp_path: Path) -> None:
    columns = (Column(name="customer_id", type="string"), Column(name="txn_count_30d", type="int64"))
    contract = TableContract(
        name="feature.txn", description="Features", grain="one row per customer", owner="tests", columns=columns,
        key=("customer_id",), sort_by=("customer_id",), entity="customer_id",
    )  # fmt: skip
    rows = pa.table({"customer_id": [f"b:{n:05d}" for n in range(40_000)], "txn_count_30d": list(range(40_000))})
    file = write_file(tmp_path, "part.parquet", rows, {}, contract)
    metadata = pq.ParquetFile(file.path).metadata
    assert [metadata.row_group(n).num_rows for n in range(metadata.num_row_groups)] == [16_384, 16_384, 7_232]
    assert read_files([file.path], ["txn_count_30d"]).num_rows == 40_000
