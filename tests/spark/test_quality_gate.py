"""The gate's two ways to an answer: SQL of ours, and Great Expectations on Spark. They must find the same."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pytest

from tallystick.quality import Finding, JudgedRows, validate
from tallystick.quality.metrics import NoSql

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

TABLE = "clean.odd"
ENDS = ("", "\n", "\r\n", "\n\n", "\u0085", "\u2028", "\r")
TEXTS = ("CZK", "czk", "C.K", "CZKX", " CZK", "CZ\nK", "a:1", "žluť", "C\\K", "it's", "")
TYPES = (pa.string(), pa.int64(), pa.float64(), pa.date32(), pa.bool_(), pa.timestamp("us", "UTC"), pa.date32())
COLUMNS = {
    "text": "string", "number": "int64", "share": "double", "on": "date", "is_new": "boolean", "at": "timestamp",
    "until": "date",
}  # fmt: skip
SCHEMA = pa.schema(list(zip(COLUMNS, TYPES, strict=True)))


def odd_rows() -> pa.Table:
    """Texts with every line end that Java knows, nulls, NaN, infinities, ties, the edges of bounds."""
    texts = [text + end for text in TEXTS for end in ENDS]
    shares = (0.5, None, float("nan"), float("inf"), -0.0, 1.0, 2**60 + 1.0)
    rows = [
        {
            "text": None if n % 13 == 5 else texts[n % len(texts)],
            "number": (None, 0, 1, -5, 2**53 + 1, 7)[n % 6],
            "share": shares[n % len(shares)],
            "on": (None, date(2026, 3, 1), date(2026, 3, 4), date(1899, 12, 31))[n % 4],
            "is_new": (None, True, False)[n % 3],
            "until": (None, date(2026, 3, 2), date(2026, 3, 1))[n % 3],
            "at": (None, datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 1, 0, 0, 0, 1, tzinfo=UTC))[n % 3],
        }
        for n in range(180)
    ]
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def expect(kind: str, **kwargs: Any) -> dict[str, Any]:
    """One expectation as its file says it."""
    return {"type": kind, "kwargs": kwargs, "severity": "warning", "meta": {"reason": "to compare"}}


PATTERNS = ("^[A-Z]{3}$", "Z.K", "^C.K$", "K$", "^[a-z][a-z0-9_]*:.+$", "a|^$", "\\.", "[.\\\\]", "^(?:CZK)+?$", "'")
PAIR = "expect_column_pair_values_a_to_be_greater_than_b"
BETWEEN, IN_SET = "expect_column_values_to_be_between", "expect_column_values_to_be_in_set"
SUITE = [
    *(expect("expect_column_values_to_match_regex", column="text", regex=one) for one in PATTERNS),
    *(expect("expect_column_values_to_not_match_regex", column="text", regex=one, mostly=0.9) for one in PATTERNS),
    *(expect("expect_column_values_to_not_be_null", column=name, mostly=0.7) for name in COLUMNS),
    *(expect("expect_column_values_to_be_null", column=name) for name in COLUMNS),
    *(expect("expect_column_values_to_be_unique", column=name) for name in COLUMNS),
    expect("expect_compound_columns_to_be_unique", column_list=["text", "number"]),
    expect("expect_compound_columns_to_be_unique", column_list=["number", "on"], ignore_row_if="any_value_is_missing"),
    expect("expect_compound_columns_to_be_unique", column_list=["number", "on"], ignore_row_if="never", mostly=0.1),
    expect(IN_SET, column="text", value_set=["CZK", "it's", "C\\K"]),
    expect(IN_SET, column="number", value_set=[0, 7]),
    expect(IN_SET, column="number", value_set=[]),
    expect("expect_column_values_to_not_be_in_set", column="text", value_set=["CZK"]),
    expect(BETWEEN, column="number", min_value=0, max_value=2**53),
    expect(BETWEEN, column="number", min_value=0, strict_min=True, mostly=0.2),
    expect(BETWEEN, column="share", min_value=0.5, max_value=1),
    expect(BETWEEN, column="share", max_value=1, strict_max=True),
    expect(BETWEEN, column="on", min_value="1900-01-01", max_value="2026-03-04"),
    expect(BETWEEN, column="on", min_value="1900-01-01", max_value="2026-03-04", strict_max=True),
    expect(BETWEEN, column="at", min_value="2026-03-01", max_value="2026-03-01"),
    expect("expect_column_value_lengths_to_be_between", column="text", min_value=1, max_value=3),
    expect("expect_column_max_to_be_between", column="number", max_value=10),
    expect("expect_column_min_to_be_between", column="share", min_value=0),
    expect("expect_table_row_count_to_be_between", min_value=181),
    *(
        expect(PAIR, column_A="until", column_B="on", or_equal=or_equal, ignore_row_if=ignored, mostly=0.5)
        for or_equal in (True, False)
        for ignored in ("either_value_is_missing", "both_values_are_missing", "neither")
    ),
    expect("expect_column_values_to_be_null", column="number", row_condition="text = 'CZK'", condition_parser="spark"),
    expect(BETWEEN, column="number", min_value=0, row_condition="share > 0.7 OR is_new", condition_parser="spark"),
    expect("unexpected_rows_expectation", unexpected_rows_query="SELECT * FROM {batch} WHERE number > 1 OR is_new"),
]  # fmt: skip


def judge(rows: pa.Table, spark: SparkSession | None) -> list[Finding]:
    """What the gate finds; without ``spark`` it must need none."""

    def ask(sql: str) -> pa.Table:
        with duckdb.connect() as connection:
            connection.execute("SET TimeZone = 'UTC'")
            connection.register("odd", rows)
            return connection.sql(sql).to_arrow_table()

    def frame() -> Any:
        assert spark is not None, "Spark is needed"
        return spark.createDataFrame(rows)

    judged = JudgedRows(sql="SELECT * FROM odd", columns=COLUMNS, ask=ask, frame=frame)
    suites = {TABLE: {"name": TABLE, "expectations": SUITE}}
    return list(validate({TABLE: judged}, suites).findings)


@pytest.mark.parametrize("count", [180, 0], ids=["odd rows", "no rows"])
def test_sql_finds_what_the_library_finds_on_spark(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    def nothing(*_: object, **__: object) -> None:
        raise NoSql

    rows = odd_rows().slice(0, count)
    by_sql = judge(rows, None)
    monkeypatch.setattr("tallystick.quality.judge.metric_sql", nothing)
    by_library = judge(rows, spark)
    assert [pair for pair in zip(by_sql, by_library, strict=True) if pair[0] != pair[1]] == []
    failed = [finding for finding in by_sql if not finding.is_success]
    assert not count or 20 < len(failed) < len(by_sql)
