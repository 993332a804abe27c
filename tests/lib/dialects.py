"""One text run by Spark and, translated, by DuckDB: nasty values of every type, and both answers as tables.

The values are shared by all expressions of a type, so that one query of each engine holds hundreds of them together.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from tallystick.dialect import connect, output_types, translate

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

Given = Mapping[str, pa.Table]

UTC = dt.UTC
_ARROW = {
    "string": pa.string(),
    "int": pa.int32(),
    "bigint": pa.int64(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", "UTC"),
    "timestamp_ntz": pa.timestamp("us"),
}

NUMBERS = (
    "0", "-0", "+0", "7", "-7", "+7", "007", " 7", "7 ", "\t7\n", "\x007", "7\x7f", "7\u00a0", "7 7", "- 7", "--7",
    "7-",
    "1.", ".5", "-.5", "+.5", ".", "-", "+", "1.0", "1.00", "1.005", "12.345", "12.344999999", "-12.345", "0.005",
    "-0.005", "0.5", "1.5", "2.5", "-0.5", "1e3", "1E3", "1e+3", "1e-3", "12.345e1", "1.2e", "e5", "1e400", "-1e400",
    "1e-400", "0e50", "1e18", "1e19", "1e38", "123456789", "2147483647", "2147483648", "-2147483648", "-2147483649",
    "999999999999999999", "9223372036854775807", "9223372036854775808", "-9223372036854775808",
    "-9223372036854775809",
    "99999999999999999999999999999999999999", "999999999999999999999999999999999999999", "9999999999999999.99",
    "9999999999999999.995", "-9999999999999999.995", "0.000000000000000001",
    "0000000000000000000000000000000000000000001",
    "0.3333333333333333333333333333333333333333", "1_000", "1,000", "0x1F", "0x1p3", "1d", "1f", "1D", "1L", "NaN",
    "nan",
    "-NaN", "Infinity", "-Infinity", "infinity", "inf", "-inf", "+inf", "Inf", "\u0661\u0662", "\uff11", "1\u0301",
    "9007199254740993",
    "0.1", "123456789012345678901234567890.123456789", "4.35", "1.1e1", "100e-2", "1e1000000000000",
)  # fmt: skip
TRUTHS = (
    "t",
    "T",
    "true",
    "TRUE",
    " true ",
    "y",
    "yes",
    "YES",
    "f",
    "false",
    "n",
    "no",
    "off",
    "on",
    "2",
    "tru",
    "tRuE\n",
)
DAYS = (
    "2024-01-05", "2024-1-5", "2024-01-5", " 2024-01-05 ", "2024", "2024-01", "2024-1", "2024-00-10", "2024-02-29",
    "2023-02-29", "1900-02-29", "2000-02-29", "2024-04-31", "2024-13-01", "2024-01-05T", "2024-01-05 ", "2024-01-05x",
    "2024-01-05 nonsense", "2024-01-05T10:00:00", "2024-01-05 10:00", "2024-01-05 10", "2024-01-05 1:2:3",
    "2024-01-05 10:00:00.5", "2024-01-05 10:00:00.", "2024-01-05 10:00:00.1234567", "2024-01-05 24:00:00",
    "2024-01-05 23:59:60", "2024-01-05 10:00:00Z", "2024-01-05 10:00:00 Z", "2024-01-05 10:00:00+08:00",
    "2024-01-05 10:00:00 +8", "2024-01-05 10:00:00-8:30", "2024-01-05 10:00:00+08:3", "2024-01-05 10:00:00+0830",
    "2024-01-05 10:00:00UTC", "2024-01-05 10:00:00 GMT+3", "2024-01-05 10:00:00UT+3",
    "2024-01-05 10:00:00 Europe/Prague",
    "2024-01-05 10:00:00 CET", "2024-01-05 10:00:00 CST", "2024-01-05 10:00:00 EST",
    "2024-01-05 10:00:00 europe/prague",
    "2024-01-05 10:00:00 Nowhere/Land", "2024-01-05 10:00:00.5 Asia/Shanghai", "2024-01-05 10:00:00+19:00",
    "2024-01-05 10:00:00+08:30:15", "2024-01-05 10:00Z", "2024-03-31 02:30:00 Europe/Prague",
    "2024-10-27 02:30:00 Europe/Prague", "1890-01-01 00:00:00 Europe/Prague", "2500-07-01 12:00:00 America/New_York",
    "0001-01-01", "0000-01-01", "-0001-01-01", "-2024-01-05", "+2024-01-05", "9999-12-31", "10000-01-01",
    "012024-01-05",
    "+12024-01-05 00:00:00", "99999-01-01 00:00:00", "1969-12-31 23:59:59.999999", "1582-10-10", "24-01-05",
    "20240105",
    "2024/01/05", "05.01.2024", "2024-01-05-", "2024--01-05", "2024-01-05 10:00:00 ", "2024-01-05  10:00:00",
)  # fmt: skip
PATTERNED = (
    "20240105 10:20:30", "20240105 10:20:30 ", " 20240105 10:20:30", "20240105 1:20:30", "20240105 24:00:00",
    "20240105 23:59:60", "20241305 10:20:30", "20240230 10:20:30", "20230229 00:00:00", "20240229 00:00:00",
    "120240105 10:20:30", "+120240105 10:20:30", "-20240105 10:20:30", "+20240105 10:20:30", "00010101 00:00:00",
    "00000101 00:00:00", "99991231 23:59:59", "2024/01/05 10:20:30", "2024/1/5 10:20:30", "2024-01-05", "5.1.2024",
    "05.01.2024", "005.01.2024", "05.01.2024 10:20", "5.1.2024 9:05", "-5.1.2024", "20240105", "20240100", "202401",
    "20240105T102030", "20240105t102030", "20240105 102030", "2024-01-05T10:20:30.5", "2024-01-05T10:20:30.123",
    "2024-01-05T10:20:30.1234", "2024-01-05T10:20:30.123456", "2024-01-05T10:20:30.", "10:20:30", "\uff12024-01-05",
)  # fmt: skip
WORDS = (
    "", " ", "  ", "a", "A", " a ", "a|b", "a|b|c", "|", "||", "|a", "a|", "\n", "a\n", "a\r\n", "\r", "a\nb", "\t",
    "\u2028",
    "a\u0085", "\u00a0", "\u3000", "é", "É", "e\u0301", "ß", "ẞ", "İ", "ı", "Σ", "ς", "ΑΣ", "ǅ", "ﬁ", "消费", "😀",
    "😀a", "\uffff", "it's",
    'quo"te', "back\\slash", "a\x00b", "\x1f", "\x7f", "%", "_", "a%b", "C1", "C", "c1", "simbank:1", "66487163.0",
    "0", ".0", "1.0\n",
    "1.0\r\n", "xx.0.0", "AB12", "ab12", "null", "NULL", "VOID", "POPLATEK MESICNE", "x" * 300,
)  # fmt: skip

TEXTS = (*NUMBERS, *TRUTHS, *DAYS, *PATTERNED, *WORDS, None)
INTS = (0, 1, -1, 7, -7, 2, 100, 1000, 2**31 - 1, -(2**31), None)
BIGINTS = (
    0, 1, -1, 7, -7, 100, 2**31, -(2**31) - 1, 2**53, 2**53 + 1, 2**63 - 1, -(2**63), 1700000000, 253402300799,
    -62135596800,
    1700000000000, None,
)  # fmt: skip
_CLOCKS = (
    "1970-01-01 00:00:00", "1969-12-31 23:59:59.999999", "2024-02-29 12:34:56.789", "2024-03-31 01:59:59",
    "2024-03-31 02:00:00",
    "2024-03-31 02:30:00", "2024-03-31 03:00:00", "2024-10-27 02:00:00", "2024-10-27 02:30:00", "2024-10-27 03:00:00",
    "2024-10-27 00:30:00", "2024-10-27 01:30:00", "0001-01-01 00:00:00", "0002-01-02 00:00:00", "1582-10-10 00:00:00",
    "1890-06-01 12:00:00", "1891-10-01 00:00:00", "1940-06-01 02:30:00", "1986-05-04 00:30:00", "1991-09-15 00:00:00",
    "2038-01-19 03:14:08", "2099-12-31 23:59:59", "2200-07-01 00:00:00", "2536-03-30 02:30:00",
    "9998-12-30 23:59:59.999999",
    "9999-12-30 12:00:00", "2023-12-31 23:59:59.5", "2000-02-29 00:00:00", "1900-03-01 00:00:00",
)  # fmt: skip


def _clocks(zone: dt.tzinfo | None) -> list[dt.datetime | None]:
    return [*(dt.datetime.fromisoformat(text).replace(tzinfo=zone) for text in _CLOCKS), None]


def _decimals(*texts: str) -> list[Decimal | None]:
    return [*map(Decimal, texts), None]


VALUES: dict[str, Sequence[Any]] = {
    "string": TEXTS,
    "int": INTS,
    "bigint": BIGINTS,
    "double": (0.0, -0.0, 1.0, -1.5, 0.5, 2.5, 1e15, 2.0**53, 2.0**63, -(2.0**63), 1e300, float("inf"), float("-inf"),
               float("nan"), 2147483647.0, 2147483647.5, -2147483648.5, 1e-9, None),
    "boolean": (True, False, None),
    "date": [*(at.date() for at in _clocks(None) if at), dt.date(9999, 12, 31), None],
    "timestamp": _clocks(UTC),
    "timestamp_ntz": _clocks(None),
    "decimal(18,2)": _decimals(
        "0.00", "0.01", "-0.01", "0.50", "-0.50", "1.49", "1.50", "-1.50", "100.00", "9999999999999999.99",
        "-9999999999999999.99", "2147483647.99", "-2147483648.99", "12.30",
    ),
    "decimal(22,2)": _decimals(
        "0.00", "-0.99", "0.99", "9223372036854775807.00", "9223372036854775807.99", "-9223372036854775808.99",
        "9223372036854775808.00", "99999999999999999999.99", "7.00",
    ),
    "decimal(38,18)": _decimals("0", "1.000000000000000001", "-0.5", "99999999999999999999", "0.1"),
}  # fmt: skip


def arrow_type(kind: str) -> pa.DataType:
    """Arrow's type for values of a Spark type."""
    if kind.startswith("decimal("):
        digits, places = kind[8:-1].split(",")
        return pa.decimal128(int(digits), int(places))
    return _ARROW[kind]


def values_of(kind: str) -> pa.Table:
    """All nasty values of a type in column ``x``, numbered by ``n``."""
    values = VALUES[kind]
    return pa.table({"n": pa.array(range(len(values)), pa.int32()), "x": pa.array(values, arrow_type(kind))})


def types_of(table: pa.Table) -> dict[str, str]:
    """The Spark types of an Arrow table's columns."""
    known = {kind: name for name, kind in _ARROW.items()}
    return {
        field.name: f"decimal({field.type.precision},{field.type.scale})"
        if pa.types.is_decimal(field.type)
        else known[field.type]
        for field in table.schema
    }


def ask_duckdb(sql: str, given: Given) -> pa.Table:
    """The answer of the translated text."""
    tables = {name: types_of(table) for name, table in given.items()}
    with connect() as connection:
        for name, table in given.items():
            connection.register(name, table)
        return connection.sql(translate(sql, tables)).to_arrow_table()


def ask_spark(session: SparkSession, sql: str, given: Given) -> tuple[pa.Table, dict[str, str]]:
    """Spark's answer to the text as it is, and the types that it names."""
    for name, table in given.items():
        ddl = ", ".join(f"`{column}` {kind}" for column, kind in types_of(table).items())
        session.createDataFrame(table, ddl).createOrReplaceTempView(name)
    frame = session.sql(sql)
    return frame.toArrow(), {field.name: field.dataType.simpleString() for field in frame.schema.fields}


def rows_of_both(session: SparkSession, sql: str, given: Given) -> tuple[list[Any], list[Any]]:
    """The rows of both engines, sorted, with types that must agree."""
    theirs, named = ask_spark(session, sql, given)
    tables = {name: types_of(table) for name, table in given.items()}
    found = output_types(sql, tables)
    assert {name: kind for name, kind in found.items() if named[name] != kind} == {}, named
    assert list(found) == list(named)
    ours = ask_duckdb(sql, given)
    for kind, name in zip(ours.schema.types, ours.schema.names, strict=True):
        assert named[name] == "void" or kind == theirs.schema.field(name).type, (name, kind, named[name])
    return _sorted(theirs), _sorted(ours)


def _sorted(table: pa.Table) -> list[Any]:
    # Python's own days and times end with the year 9999.
    counted = [
        column.cast(pa.int32() if pa.types.is_date(column.type) else pa.int64())
        if pa.types.is_temporal(column.type)
        else column
        for column in table.columns
    ]
    rows = [
        {name: _plain(value) for name, value in row.items()}
        for row in pa.table(counted, table.column_names).to_pylist()
    ]
    return sorted(rows, key=lambda row: [(value is None, str(value)) for value in row.values()])


def _plain(value: Any) -> Any:
    """A value that compares with itself, NaN and minus zero included."""
    return repr(value) if isinstance(value, float) else value
