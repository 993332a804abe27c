"""Reading without Spark: pinned files, Arrow, SQL, and the same rows through every reader."""

from __future__ import annotations

import pickle
import re
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from deltalake import DeltaTable

from tallystick.errors import InputError, NotFound
from tallystick.spec.tables import Column
from tallystick.tables import Warehouse, ensure_table, file_schema, pin, query, read_arrow, read_files, replace_arrow
from tests.lib import store


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    warehouse = Warehouse(tmp_path)
    for day in (1, 2):
        data = store.rows([day], buckets=2)
        replace_arrow(warehouse, store.CONTRACT, data, where=store.day_slice(day), run=store.run(f"r{day}"))
    return warehouse


def test_deltalake_duckdb_and_this_package_read_the_same_rows(warehouse: Warehouse) -> None:
    expected = store.ordered(store.rows([1, 2], buckets=2))
    table = DeltaTable(str(warehouse.table_path(store.NAME)))
    assert store.held(warehouse) == expected
    assert store.ordered(table.to_pyarrow_table()) == expected
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        events = table.to_pyarrow_dataset()
        connection.register("events", events)
        assert store.ordered(connection.sql("SELECT * FROM events").to_arrow_table()) == expected
    assert store.ordered(query(warehouse, f"SELECT * FROM {store.NAME}")) == expected
    protocol = table.protocol()
    assert (protocol.min_reader_version, protocol.min_writer_version) == (1, 2)


def test_a_pinned_version_does_not_move_and_crosses_to_tasks(warehouse: Warehouse) -> None:
    pinned = pickle.loads(pickle.dumps(pin(warehouse, store.NAME)))
    replace_arrow(warehouse, store.CONTRACT, store.rows([1], each=1), where=store.day_slice(1), run=store.run("r3"))
    assert pin(warehouse, store.NAME).version == pinned.version + 1
    assert pin(warehouse, store.NAME, version=pinned.version) == pinned
    assert (len(pinned.files), pinned.rows, len(pinned.paths)) == (4, 12, 4)
    rows = read_files(pinned.paths, ["event_id", "loaded_on"])
    assert sorted(set(rows["loaded_on"].to_pylist())) == [date(2026, 3, 1), date(2026, 3, 2)]


def test_a_query_reads_the_version_that_it_is_told_and_the_newest_otherwise(warehouse: Warehouse) -> None:
    pinned = pin(warehouse, store.NAME)
    replace_arrow(warehouse, store.CONTRACT, store.rows([3], each=1), where=store.day_slice(3), run=store.run("r3"))
    sql = f"SELECT count(DISTINCT loaded_on) AS days FROM {store.NAME}"
    assert query(warehouse, sql).to_pylist() == [{"days": 3}]
    assert query(warehouse, sql, versions={store.NAME: pinned.version}).to_pylist() == [{"days": 2}]
    with pytest.raises(NotFound, match="has no version 99"):
        query(warehouse, sql, versions={store.NAME: 99})


def test_pinned_files_are_chosen_by_partition_and_by_bounds(warehouse: Warehouse) -> None:
    pinned = pin(warehouse, store.NAME)
    assert {f.partition["bucket"] for f in pinned.where(source="north", bucket=1).files} == {"1"}
    assert pinned.where(source="south").files == ()
    assert pinned.overlapping("loaded_on", low=date(2026, 3, 2)).rows == 6
    assert pinned.overlapping("event_at", high=datetime(2026, 3, 1, 8, 0, 0, 123_456, tzinfo=UTC)).rows == 0
    assert pinned.overlapping("event_at", high=datetime(2026, 3, 1, 8, 0, 0, 123_457, tzinfo=UTC)).rows == 6


def test_read_files_filters_and_fills_columns_that_old_files_lack(warehouse: Warehouse) -> None:
    paths = pin(warehouse, store.NAME).where(bucket=0).paths
    amount = read_files(paths, ["amount_minor"], filters=pc.field("event_id") == "0_2_1")
    assert amount.to_pylist() == [{"amount_minor": 201}]
    wider = file_schema(store.CONTRACT).append(pa.field("channel", pa.string()))
    rows = read_files(paths, wider)
    assert rows.schema == wider
    assert rows["channel"].null_count == rows.num_rows == 6
    assert read_files([], wider).schema == wider
    with pytest.raises(NotFound, match=r"no file has the columns \["):
        read_files(paths, ["nothing"])
    Path(paths[0]).unlink()
    with pytest.raises(NotFound, match="gone"):
        read_files(paths, ["event_id"])


def test_read_arrow_reads_columns_versions_and_filters(warehouse: Warehouse) -> None:
    some = read_arrow(warehouse, store.NAME, columns=["bucket", "event_id"], filter=pc.field("bucket") == 1)
    assert (some.column_names, some.num_rows) == (["bucket", "event_id"], 6)
    assert read_arrow(warehouse, store.NAME, version=1).num_rows == 6
    with pytest.raises(NotFound, match=r"no columns \['nothing'\]"):
        read_arrow(warehouse, store.NAME, columns=["nothing"])
    with pytest.raises(NotFound, match="no version 99"):
        read_arrow(warehouse, store.NAME, version=99)
    with pytest.raises(NotFound, match=re.escape("did you mean clean.events?")):
        read_arrow(warehouse, "clean.event")


def test_a_query_knows_every_table_by_its_name(warehouse: Warehouse) -> None:
    replace_arrow(warehouse, store.SNAPSHOTS, store.rows([1]), where=store.source_slice(), run=store.run("r1"))
    sql = """
        WITH paid AS (SELECT customer_id, sum(amount_minor) AS amount FROM "clean"."events" GROUP BY 1)
        SELECT count(*) AS n, sum(paid.amount) AS amount
        FROM paid JOIN Feature.Events AS score USING (customer_id) WHERE score.share > 0.1 AND 'clean.nothing' <> ''
    """
    assert query(warehouse, sql).to_pylist() == [{"n": 3, "amount": 3 * 300 + 2 * 3}]
    assert query(warehouse, "DESCRIBE clean.events").num_rows == len(store.SCHEMA)
    assert query(warehouse, "SELECT event_at FROM clean.events").schema.field(0).type == pa.timestamp("us", "UTC")
    assert warehouse.tables() == ["clean.events", "feature.events"]


@pytest.mark.parametrize(
    ("sql", "error", "message"),
    [
        ("SELECT * FROM clean.evens", NotFound, r"no table clean.evens \(did you mean clean.events\?\)"),
        ("SELECT * FROM score.events", NotFound, r"no table score.events \(did you mean clean.events\?\)"),
        ("SELECT * FROM events", NotFound, r"no table events \(did you mean clean.events\?\)"),
        ("SELEC 1", InputError, "syntax error"),
        ("SELECT nothing FROM clean.events", InputError, "nothing"),
        ("SELECT customer_id::INT FROM clean.events", InputError, "DuckDB stopped: ConversionException"),
        ("SELECT no_such_function(1)", InputError, "no_such_function"),
    ],
)
def test_a_query_that_cannot_run_says_why_without_a_value(
    warehouse: Warehouse, sql: str, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message) as caught:
        query(warehouse, sql)
    assert "north:" not in str(caught.value)


def test_a_query_loads_no_engine_but_duckdb(warehouse: Warehouse) -> None:
    code = (
        "import sys; from tallystick.tables import Warehouse, query;"
        f"n = query(Warehouse({str(warehouse.root)!r}), 'SELECT count(*) AS n FROM clean.events').to_pylist()[0]['n'];"
        "print(n, sorted({'pyspark', 'delta', 'sqlglot', 'mlflow'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "12 []\n"


def test_a_column_that_the_contract_gained_is_added_and_null_in_old_rows(warehouse: Warehouse) -> None:
    wider = replace(store.CONTRACT, columns=(*store.CONTRACT.columns, Column(name="channel", type="string")))
    data = store.rows([3]).append_column("channel", pa.array(["card"] * 3))
    replace_arrow(warehouse, wider, data, where=store.day_slice(3), run=store.run("r3"))
    told = query(warehouse, "SELECT channel, count(*) AS n FROM clean.events GROUP BY 1 ORDER BY 1").to_pylist()
    assert told == [{"channel": "card", "n": 3}, {"channel": None, "n": 12}]
    assert ensure_table(warehouse, wider).version() == DeltaTable(str(warehouse.table_path(store.NAME))).version()


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM read_text('/etc/hostname')",
        "SELECT * FROM read_csv('/etc/hostname')",
        "SELECT * FROM glob('/etc/*')",
        "SELECT * FROM parquet_scan('x.parquet')",
        "COPY (SELECT 1) TO 'out.csv'",
        "EXPORT DATABASE 'out'",
        "ATTACH 'other.db'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET memory_limit = '900GB'",
        "SET enable_external_access = true",
        "RESET lock_configuration",
        "PRAGMA enable_external_access = true",
        "SELECT * FROM '/etc/hostname'",
        "SELECT * FROM warehouse",
        "SELECT getenv('HOME')",
    ],
)
def test_a_query_reaches_nothing_but_the_tables(
    warehouse: Warehouse, statement: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.iterdir())
    with pytest.raises((InputError, NotFound)):
        query(warehouse, statement)
    with pytest.raises((InputError, NotFound)):
        query(warehouse, f"SELECT count(*) FROM {store.NAME}; {statement}")
    assert sorted(tmp_path.iterdir()) == before


def test_what_does_not_fit_into_the_memory_of_a_query_goes_to_files_and_is_removed(
    warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "spilt"))
    (tmp_path / "spilt").mkdir()
    sql = f"SELECT count(*) AS n FROM (SELECT i, hash(i) AS h FROM range(1000000) t(i), {store.NAME} LIMIT 900000)"
    assert query(warehouse, sql, memory="64MB").to_pylist() == [{"n": 900_000}]
    assert list((tmp_path / "spilt").iterdir()) == []
    with pytest.raises(InputError, match="'much' is no amount of memory"):
        query(warehouse, "SELECT 1", memory="much")
