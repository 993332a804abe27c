"""A mapping's own casts read a text as exactly what it says, or tell why not; drawn as tables."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tallystick.spec.mapping_checks import Shape
from tallystick.spec.mapping_sql import branch_sql
from tallystick.spec.mappings import parse_mapping
from tallystick.spec.spark_functions import SPARK_FUNCTIONS
from tests.lib.deliveries import SOURCE_YAML, load_delivery, rejects_of, rows_of, write_delivery, write_project

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# Expression of text ``t`` (of a file) or ``u`` (of a query, so of unknown type), texts, and what becomes of each.
MONEY = [
    ("12.34", Decimal("12.34")), ("12.3400", Decimal("12.34")), (" -5 ", Decimal(-5)), (".5", Decimal("0.5")),
    ("1e2", Decimal(100)), ("1.25E1", Decimal("12.5")), ("12.345", "not_a_whole_number"),
    ("0.001", "not_a_whole_number"),
    ("12.3400000000000000000000000000001", "not_a_whole_number"), ("1e-3", "not_a_whole_number"),
    ("1e-30", "not_a_whole_number"), ("99999999999999999999", "not_a_whole_number"), ("1,234", "not_a_number"),
    ("1.234,56", "not_a_number"), ("\u22125", "not_a_number"), ("5-", "not_a_number"), ("(5)", "not_a_number"),
    ("NaN", "not_a_number"), ("1d", "not_a_number"), ("\u0663", "not_a_number"), ("", "not_a_number"),
]  # fmt: skip
WHOLE = [("12", 12), ("12.5", "not_a_whole_number"), ("99999999999", "not_a_whole_number"), ("x", "not_a_number")]
SHARE = [("0.5", 0.5), ("1e400", "not_a_whole_number"), ("NaN", "not_a_number"), ("inf", "not_a_number"),
         ("1f", "not_a_number"), ("0x1p3", "not_a_number")]  # fmt: skip
DAY = [
    ("2024-01-02", date(2024, 1, 2)), ("2024-01-02 23:30:00", date(2024, 1, 2)), ("9999-12-31", date(9999, 12, 31)),
    ("2024-01-02 nonsense", "not_a_date"), ("2024-01-02 23:30:00Z", "not_a_date"), ("2024", "not_a_date"),
    ("20240102", "not_a_date"), ("10000-01-01", "not_a_date"),
]  # fmt: skip
CLOCK = [("2024-01-02 10:00", datetime(2024, 1, 2, 10)), ("2024-01-02 10:00Z", "not_a_time"),  # noqa: DTZ001 - a clock
         ("2024-01-02 10:00 CET", "not_a_time"), ("10:00", "not_a_time")]  # fmt: skip
EPOCH = [("0", datetime(1970, 1, 1)), ("99999999999999", "not_a_time"), ("-99999999999999", "not_a_time")]  # noqa: DTZ001
DRAWN: list[tuple[str, list[tuple[str, Any]]]] = [
    *((f"CAST({name} AS DECIMAL(18, 2))", MONEY) for name in ("t", "u", "REPLACE(t, '_', '')")),
    *((f"CAST({name} AS INT)", WHOLE) for name in ("t", "u")),
    ("CAST(CAST(t AS DECIMAL(9, 3)) * 100 AS BIGINT)", [("0.29", 29), ("12.345", "not_a_whole_number")]),
    ("CAST(CAST(t AS DOUBLE) * 100 AS BIGINT)", [("0.25", 25), ("0.29", "not_a_whole_number")]),
    ("CAST(CAST(t AS DOUBLE) / 10 AS DECIMAL(18, 2))", [("1234567891", Decimal("123456789.1")),
                                                        ("1.25", "not_a_whole_number")]),
    ("CAST(t = 'Y' AS INT)", [("Y", 1), ("N", 0)]),
    *((f"CAST({name} AS DOUBLE)", SHARE) for name in ("t", "u")),
    *((f"CAST({name} AS DATE)", DAY) for name in ("t", "u", "TRIM(t)")),
    ("CAST(t AS TIMESTAMP_NTZ)", CLOCK),
    ("TIMESTAMP_SECONDS(CAST(t AS BIGINT))", EPOCH),
    ("TIMESTAMP_MILLIS(CAST(t AS BIGINT))", [("0", datetime(1970, 1, 1)), ("9223372036854775807", "not_a_time")]),  # noqa: DTZ001
    ("TIMESTAMP_SECONDS(CAST(t AS DECIMAL(30, 9)))", [("0.5", datetime(1970, 1, 1, 0, 0, 0, 500000)),  # noqa: DTZ001
                                                     ("0.0000001", "not_a_time")]),
    ("TRY_CAST(t AS DECIMAL(18, 2))", [("12.34", Decimal("12.34")), ("12.345", None)]),
    ("MAKE_DATE('2024', t, '1')", [("2", date(2024, 2, 1)), ("13", "not_a_date")]),
]  # fmt: skip
SHAPES = {"rows": Shape(columns=("t",), key=(), is_text=True), "told": Shape(columns=("u",), key=())}


def test_a_text_is_read_as_exactly_what_it_says_or_refused_with_its_reason(spark: SparkSession) -> None:
    queries = []
    for number, (expression, drawn) in enumerate(DRAWN):
        view, column = ("told", "u") if "u" in expression else ("rows", "t")
        mapping, problems = parse_mapping("x", f"SELECT {expression} AS found FROM {view}", "x.sql")
        assert mapping is not None
        assert problems == []
        texts = ", ".join("('{}', {}L)".format(text.replace("'", "\\'"), line) for line, (text, _) in enumerate(drawn))
        nothing = "CAST(NULL AS STRING)"
        spark.sql(
            f"SELECT {column}, '' AS _file, line AS _line, '' AS _raw, {nothing} AS _problem, FALSE AS _is_parked"
            f" FROM VALUES {texts} AS ({column}, line)"
        ).createOrReplaceTempView(f"readings_{number}")
        sql = branch_sql(mapping.branches[0], SHAPES, driven={view: f"readings_{number}"}, joined={})
        told = "COALESCE(SUBSTRING_INDEX(_failed, '|', 1), CAST(found AS STRING))"
        queries.append(f"SELECT {number} AS number, _line, {told} AS told FROM ({sql})")
    rows = spark.sql(" UNION ALL ".join(queries)).collect()
    found = {(row["number"], row["_line"]): row["told"] for row in rows}
    for number, (expression, drawn) in enumerate(DRAWN):
        for line, (text, expected) in enumerate(drawn):
            told = found[number, line]
            if isinstance(expected, (Decimal, float)):
                told = type(expected)(told)
            elif isinstance(expected, datetime):
                told = datetime.fromisoformat(told)
            elif expected is not None:
                expected = str(expected)
            assert told == expected, (expression, text)


def test_the_list_of_functions_is_sparks_own(spark: SparkSession) -> None:
    known = {row[0].upper() for row in spark.sql("SHOW ALL FUNCTIONS").collect()}
    assert {name for name in known if name.isidentifier()} == SPARK_FUNCTIONS


def test_a_suppliers_default_dates_and_odd_values_cost_their_own_rows_only(spark: SparkSession, tmp_path: Path) -> None:
    project = write_project(
        tmp_path / "project", files={"source.yaml": SOURCE_YAML.replace("reject_rate: 0.5", "reject_rate: 0.9")}
    )
    defaults = ("9999-12-31", "9999-01-01", "2999-12-31", "1900-01-01", "1753-01-01", "0001-01-01", "0000-00-00")
    people = "person,born,village\n" + "".join(f"{n},{day},x\n" for n, day in enumerate(defaults, start=1))
    accounts = "account,person,opened\n" + "".join(f"A{n},{n},{day}\n" for n, day in enumerate(defaults, start=1))
    bookings = "booking,account,booked,amount,kind,note\n" + "".join(
        f"{n},A4,{day},{amount},CASH,\n"
        for n, (day, amount) in enumerate(
            [(day, "1") for day in defaults]
            + [("2024-01-02", amount) for amount in ("12.345", "0.001", "1,5", "12.34")]
            + [(f"2024-01-02 10:00:00{zone}", "1") for zone in ("UTC", " CET", "Z")]
            + [("20240102", "1"), ("202401", "1")],
            start=1,
        )
    ).replace("1,5", '"1,5"')  # fmt: skip
    files: dict[str, str | bytes | None] = {
        "people.csv": people,
        "accounts.csv.gz": accounts,
        "bookings_1.csv.gz": bookings,
    }
    load_delivery(spark, project, tmp_path / "warehouse", write_delivery(tmp_path / "first", files))
    warehouse = tmp_path / "warehouse"
    assert rejects_of(warehouse, "customers") == [("not_a_date", "birth_date", "2024-01-31/people.csv", 8)]
    born = [row["birth_date"] for row in rows_of(warehouse, "clean.customers")]
    assert [str(day) for day in born] == sorted(defaults[:-1], key=defaults.index)
    assert [(reason, column, line) for reason, column, _, line in rejects_of(warehouse, "accounts")] == [
        ("not_a_time", "event_at", line) for line in (2, 3, 7, 8)
    ]
    assert [(reason, column, line) for reason, column, _, line in rejects_of(warehouse, "transactions")] == [
        *(("not_a_time", "event_at", line) for line in (2, 3, 7, 8)),
        *(("not_a_whole_number", column, line) for column, line in (("direction", 9), ("direction", 10))),
        ("not_a_number", "direction", 11),
        *(("not_a_time", "event_at", line) for line in (14, 16, 17)),
    ]
    stored = {row["transaction_id"]: row for row in rows_of(warehouse, "clean.transactions")}
    assert sorted(stored, key=int) == ["3", "4", "5", "11", "12", "14"]
    assert stored["11"]["amount_minor"] == 1234
    at = datetime(2024, 1, 2, 10, tzinfo=UTC)
    assert (stored["12"]["event_at"], stored["14"]["event_at"]) == (at, at)
    # What was stored of the odd days stops no later load either.
    again = {
        "people.csv": people,
        "accounts.csv.gz": accounts,
        "bookings_1.csv.gz": bookings + "99,A4,2024-02-01,1,CASH,\n",
    }
    second = write_delivery(tmp_path / "second", again)
    load_delivery(spark, project, warehouse, second, load_date=date(2024, 2, 1))
    assert len(rows_of(warehouse, "clean.transactions")) == 7
