"""Columns of Parquet keep their types, come back from their raw text, and are held against the declared types."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tallystick.errors import InputError
from tallystick.ingest import delivered_files
from tallystick.ingest.delivered_files import fault_error, inspect_file, read_batches, split_raw, view_schema
from tallystick.project.contracts import load_contracts
from tallystick.project.sources import check_source
from tallystick.spec.frozen import FrozenMap
from tallystick.spec.sources import SourceFile
from tests.lib.deliveries import CHECKOUT, SOURCE_YAML, TRANSACTIONS_SQL, write_source

KINDS = {
    "word": "string", "small": "int32", "large": "int64", "half": "float", "real": "double", "flag": "boolean",
    "day": "date", "instant": "timestamp", "clock": "timestamp_ntz", "money": "decimal(18, 4)",
}  # fmt: skip


def clock(text: str) -> datetime:
    """A time on some wall clock."""
    return datetime.fromisoformat(text)


ROWS: dict[str, list[Any]] = {
    "word": ["a", 'Ž "\\\n\x01', "", None],
    "small": [1, -(1 << 31), None, 0],
    "large": [(1 << 63) - 1, None, -1, 0],
    "half": [0.1, float("inf"), None, -0.0],
    "real": [0.1, 1e300, float("nan"), None],
    "flag": [True, False, None, True],
    "day": [date(2024, 2, 29), date(1, 1, 1), None, date(9999, 12, 31)],
    "instant": [
        datetime(2024, 1, 1, 10, 0, 0, 1, UTC),
        datetime(1, 1, 1, tzinfo=UTC),
        None,
        datetime(9999, 1, 1, tzinfo=UTC),
    ],
    "clock": [clock("2024-01-01 10:00:00.000001"), clock("1969-12-31 23:59:59"), None, clock("9999-01-01")],
    "money": [Decimal("1.5000"), Decimal("-99999999999999.9999"), None, Decimal("0.0001")],
}


def spec(types: dict[str, str] = KINDS, **changes: Any) -> SourceFile:
    declared = {"view": "rows", "file": "rows*.parquet", "columns": tuple(types), "types": FrozenMap(types)}
    return SourceFile(**{**declared, "nulls": (), **changes})


def written(folder: Path, table: pa.Table, name: str = "rows.parquet", **options: Any) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, **options)
    return path


def as_table(rows: dict[str, list[Any]] = ROWS) -> pa.Table:
    types = view_schema(spec())
    return pa.table({name: pa.array(values, types.field(name).type) for name, values in rows.items()})


def read(path: Path, file: SourceFile) -> pa.Table:
    layout, _ = inspect_file(path, file)
    return pa.Table.from_batches(read_batches(path, path.name, file, layout), view_schema(file))


def refused(path: Path, file: SourceFile) -> str:
    with pytest.raises(InputError) as caught:
        inspect_file(path, file)
    return str(caught.value)


@pytest.mark.parametrize("size", [1, 1 << 20])
@pytest.mark.parametrize("options", [{}, {"row_group_size": 2, "use_dictionary": False, "compression": "zstd"}])
def test_columns_keep_their_types_and_rows_are_counted_from_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], size: int
) -> None:
    monkeypatch.setattr(delivered_files, "BLOCK", size)
    found = read(written(tmp_path, as_table(), **options), spec())
    # Compared as text: no two NaN are the same.
    assert str(found.select(list(KINDS)).to_pydict()) == str(as_table().to_pydict())
    assert found.column("_line").to_pylist() == [1, 2, 3, 4]
    assert found.column("_problem").null_count == 4
    assert json.loads(found.column("_raw")[0].as_py()) == {
        "word": "a", "small": 1, "large": (1 << 63) - 1, "half": 0.1, "real": 0.1, "flag": True, "day": "2024-02-29",
        "instant": "2024-01-01 10:00:00.000001Z", "clock": "2024-01-01 10:00:00.000001", "money": 1.5,
    }  # fmt: skip


def test_a_parked_row_comes_back_from_its_raw_text_as_it_was(tmp_path: Path) -> None:
    path, file = written(tmp_path, as_table()), spec()
    found = read(path, file)
    columns, problems = split_raw(found.column("_raw").to_pylist(), inspect_file(path, file)[0], file)
    again = pa.table(dict(zip(KINDS, columns, strict=True)))
    assert again.schema == as_table().schema
    assert str(again.to_pydict()) == str(as_table().to_pydict())
    assert problems.null_count == 4


def test_other_writers_types_are_read_where_no_value_is_lost(tmp_path: Path) -> None:
    given = pa.table({
        "word": pa.array(["a", "b"]).dictionary_encode(), "large": pa.array([1, 2], pa.uint8()),
        "real": pa.array([0.5, 1.5], pa.float32()), "clock": pa.array([1_500, -1], pa.timestamp("ns")),
        "money": pa.array([Decimal("1.25"), None], pa.decimal128(5, 2)),
        "instant": pa.array([1, 2], pa.timestamp("ms", "Asia/Tokyo")),
    })  # fmt: skip
    kinds = {name: KINDS[name] for name in given.column_names}
    found = read(written(tmp_path, given), spec(kinds)).to_pylist()[0]
    assert [found[name] for name in kinds] == [
        "a", 1, 0.5, clock("1970-01-01 00:00:00.000001"), Decimal("1.2500"), datetime(1970, 1, 1, 0, 0, 0, 1000, UTC),
    ]  # fmt: skip
    binary = written(tmp_path, pa.table({"word": pa.array([b"a"], pa.large_binary())}))
    assert read(binary, spec({"word": "string"})).column("word").to_pylist() == ["a"]
    nothing = read(written(tmp_path, pa.table({name: pa.nulls(2) for name in KINDS})), spec())
    assert [nothing.column(name).null_count for name in KINDS] == [2] * len(KINDS)
    old = written(
        tmp_path, pa.table({"instant": pa.array([1_000_000], pa.timestamp("us"))}), use_deprecated_int96_timestamps=True
    )
    assert read(old, spec({"instant": "timestamp"})).column("instant").to_pylist() == [
        datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)
    ]


def test_an_instant_of_the_old_kind_is_called_one(tmp_path: Path) -> None:
    rows = pa.table({"x": pa.array([1], pa.timestamp("us"))})
    path = written(tmp_path, rows, use_deprecated_int96_timestamps=True)
    assert "column x is timestamp, not timestamp_ntz" in refused(path, spec({"x": "timestamp_ntz"}))


@pytest.mark.parametrize(
    ("given", "kind", "told"),
    [
        (pa.array(["1"]), "int64", "column x is string, not int64 as declared (correct its type in source.yaml)"),
        (pa.array([1]), "int32", "column x is int64, not int32"),
        (pa.array([1], pa.uint64()), "int64", "column x is uint64, not int64"),
        (pa.array([1.0]), "float", "column x is double, not float"),
        (pa.array([1.0]), "decimal(18, 2)", "column x is double, not decimal(18, 2)"),
        (pa.array([Decimal("1.234")]), "decimal(18, 2)", "column x is decimal(4, 3), not decimal(18, 2)"),
        (pa.array([Decimal("123.4")]), "decimal(3, 1)", "column x is decimal(4, 1), not decimal(3, 1)"),
        (pa.array([1], pa.timestamp("us")), "timestamp", "column x is timestamp_ntz, not timestamp"),
        (pa.array([1], pa.timestamp("us", "UTC")), "timestamp_ntz", "column x is timestamp, not timestamp_ntz"),
        (pa.array([[1]]), "string", "column x is list<"),
    ],
)
def test_a_column_of_another_type_is_refused_with_its_name(tmp_path: Path, given: Any, kind: str, told: str) -> None:
    path = written(tmp_path, pa.table({"x": given}))
    assert f"rows.parquet, column x: {told}" in refused(path, spec({"x": kind}))


def test_columns_of_a_file_are_matched_by_name_and_others_are_noted(tmp_path: Path) -> None:
    path = written(tmp_path, pa.table({"b": [1], "a": ["x"], "Word": ["y"]}))
    file = spec({"a": "string", "b": "int64"})
    assert inspect_file(path, file)[1] == ["Word"]
    assert read(path, file).select(["a", "b"]).to_pylist() == [{"a": "x", "b": 1}]
    assert "column b: a column that is not declared" in refused(path, spec({"a": "string"}, extra_columns="refuse"))
    told = refused(path, spec({"a": "string", "word": "string"}))
    assert "column word is missing from the file; the file has Word, which is not declared" in told


def test_folders_give_columns_as_hive_writes_them(tmp_path: Path) -> None:
    file = spec({"x": "int64", "day": "date", "kind": "string"}, file="rows.parquet")
    table = pa.table({"x": [1, 2]})
    path = written(tmp_path / "up=1", table, "rows.parquet/day=2024-02-29/kind=a%2Fb/part-0.parquet")
    assert [tuple(row.values())[:3] for row in read(path, file).to_pylist()] == [
        (n, date(2024, 2, 29), "a/b") for n in (1, 2)
    ]
    again, _ = split_raw(read(path, file).column("_raw").to_pylist(), inspect_file(path, file)[0], file)
    assert [column.to_pylist() for column in again] == [[1, 2], [date(2024, 2, 29)] * 2, ["a/b"] * 2]
    none = written(tmp_path, table, "rows.parquet/day=__HIVE_DEFAULT_PARTITION__/kind=a/part-0.parquet")
    assert read(none, file).column("day").null_count == 2
    odd = written(tmp_path, table, "rows.parquet/day=jane/kind=a/part-0.parquet")
    assert "column day: the folder of column day is called by no date (correct its type" in refused(odd, file)
    plain = written(tmp_path, table, "rows.parquet/part-0.parquet")
    assert "column day is missing from the file" in refused(plain, file)


def test_texts_that_mean_nothing_are_null_and_bytes_that_are_no_text_cost_their_row(tmp_path: Path) -> None:
    table = pa.table({"word": pa.array([b"a", b"", b"\xff", None], pa.binary()), "large": [1, 2, 3, 4]})
    path, file = written(tmp_path, table), spec({"word": "string", "large": "int64"}, nulls=("",))
    found = read(path, file).to_pylist()
    assert [(row["word"], row["large"], row["_problem"]) for row in found] == [
        ("a", 1, None), (None, 2, None), (None, None, "not_text"), (None, 4, None),
    ]  # fmt: skip
    columns, _ = split_raw([found[1]["_raw"]], inspect_file(path, file)[0], file)
    assert [column.to_pylist() for column in columns] == [[None], [2]]
    assert found[2]["_raw"] == '{"word": "\ufffd", "large": 3}'


def test_a_file_that_is_damaged_or_too_large_is_told(tmp_path: Path) -> None:
    file = spec({"word": "string"})
    path = written(tmp_path, pa.table({"word": [f"{n}" * 20 for n in range(5000)]}), use_dictionary=False)
    whole = path.read_bytes()
    for content in (whole[:-100], whole[: len(whole) // 2], b"word\n1\n", b"PAR1"):
        path.write_bytes(content)
        assert "rows.parquet: the file is damaged or no Parquet file (deliver it again)" in refused(path, file)
    path.write_bytes(b"")
    assert "0 bytes (a Parquet file without rows still has its columns)" in refused(path, file)
    path.write_bytes(whole[:200] + b"\xff" * 20_000 + whole[20_200:])
    assert read(path, file).column("_fault").to_pylist()[-1] == "damaged|"
    path.write_bytes(whole)
    for limits, told in (
        ({"largest_gb": 0.0001}, "more than 0.0001 GB"),
        ({"longest_line": 79}, "record 1001 is longer than 79"),
    ):
        limited = spec({"word": "string"}, **limits)
        fault = read(path, limited).column("_fault").to_pylist()[-1]
        assert told in str(fault_error(fault, limited, where="x"))
    assert read(written(tmp_path, pa.table({"word": pa.array([], pa.string())})), file).num_rows == 0


TYPED_BOOKINGS = (
    '{booking: string, account: string, booked: timestamp_ntz, amount: "decimal(18, 2)", kind: string, note: string}'
)


def test_types_are_declared_beside_the_names_and_a_typed_column_needs_no_cast(tmp_path: Path) -> None:
    columns = "[booking, account, booked, amount, kind, note]"
    sql = TRANSACTIONS_SQL.replace("CAST(b.amount AS DECIMAL(18, 2))", "b.amount")
    packed, typed = SOURCE_YAML.replace("bookings*.csv.gz", "bookings*.parquet"), (columns, TYPED_BOOKINGS)
    told = {}
    for name, yaml in {
        "right": packed.replace(*typed),
        "text": SOURCE_YAML,
        "wrong": packed.replace(*typed).replace("timestamp_ntz", "time"),
        "bare": packed,
        "typed text": SOURCE_YAML.replace(*typed),
    }.items():
        write_source(tmp_path, files={"source.yaml": yaml, "transactions.sql": sql})
        found = check_source(tmp_path, "village", contracts=load_contracts(CHECKOUT))
        told[name] = [problem.what for problem in found]
    assert told.pop("right") == []
    assert told.pop("text") == ["column amount is text and is used as a number"] * 2
    assert {name: texts[0] for name, texts in told.items()} == {
        "wrong": "file bookings: column booked of a parquet file has no known type",
        "bare": "file bookings: column booking of a parquet file has no known type",
        "typed text": "file bookings: columns of a csv file are text and have no types",
    }
