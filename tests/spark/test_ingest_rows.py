"""Every value a mapping selects becomes the contract's type exactly, or a fault with its reason; drawn as tables."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from tallystick.ingest.casting import Target, judged_sql
from tallystick.spec.frozen import FrozenMap
from tallystick.spec.sources import KnownOn, Layout, Source, SourceFile
from tallystick.spec.tables import Column, TableContract

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

CONTRACT = TableContract(
    name="clean.things",
    description="",
    grain="",
    owner="",
    columns=(
        Column(name="customer_id", type="string", required=True),
        Column(name="thing_id", type="string", required=True),
        Column(name="event_at", type="timestamp", required=True),
        Column(name="known_on", type="date", required=True),
        Column(name="loaded_on", type="date", required=True),
        Column(name="sequence", type="int64"),
        Column(name="is_retracted", type="boolean", required=True),
        Column(name="whole", type="int64"),
        Column(name="small", type="int32"),
        Column(name="share", type="double"),
        Column(name="is_new", type="boolean"),
        Column(name="born", type="date"),
        Column(name="kind", type="string", values=("a", "b")),
        Column(name="source", type="string", required=True),
        Column(name="bucket", type="int32", required=True),
        Column(name="period", type="string", required=True),
    ),
    key=("source", "thing_id", "known_on"),
    entity="customer_id",
    event_id="thing_id",
    event_at="event_at",
    known_on="known_on",
    sequence="sequence",
)
GOOD = {
    "customer_id": "'town:1'",
    "thing_id": "'t'",
    "event_at": "'2024-01-02'",
    "whole": "'1'",
    "small": "'1'",
    "share": "'0.5'",
    "is_new": "'true'",
    "born": "'1970-05-01'",
    "kind": "'a'",
}


def target(known_on: str = "event_date + 1 day", *, load_date: date = date(2024, 1, 31)) -> Target:
    source = Source(
        name="town",
        zone="Europe/Prague",
        files=FrozenMap({"rows": SourceFile(view="rows", file="rows.csv", columns=("a",))}),
        tables=FrozenMap(),
        history_until=date(2024, 1, 31),
        layout=Layout(buckets=8, period="month"),
    )
    return Target(contract=CONTRACT, known_on=KnownOn.parse(known_on), source=source, load_date=load_date)


def judge(spark: SparkSession, rows: list[dict[str, str]], where: Target | None = None) -> list[dict[str, Any]]:
    """Judge rows of SQL expressions, each row a branch of its own so that types may differ; one Spark job."""
    queries = []
    for number, changes in enumerate(rows):
        parts = {**GOOD, **changes}
        origin = {
            "_file": "'f'",
            "_line": f"{number}L",
            "_raw": "''",
            "_branch": "0",
            "_is_parked": "FALSE",
            **dict.fromkeys(("_problem", "_missed", "_failed"), "CAST(NULL AS STRING)"),
            "_excluded": "FALSE",
        }
        origin |= {name: value for name, value in changes.items() if name.startswith("_")}
        selected = ", ".join(f"{value} AS `{name}`" for name, value in {**parts, **origin}.items())
        query = f"SELECT {selected}"
        types = {field.name: field.dataType.simpleString() for field in spark.sql(query).schema.fields}
        queries.append(judged_sql(query, types, where or target()))
    found = spark.sql(" UNION ALL ".join(queries)).collect()
    return [row.asDict() for row in sorted(found, key=lambda row: row["_line"])]


def test_event_at_is_the_zones_wall_clock_unless_it_says_otherwise(spark: SparkSession) -> None:
    drawn: list[tuple[str, datetime | None]] = [
        ("'2024-01-02'", datetime(2024, 1, 1, 23, tzinfo=UTC)),
        ("'2024-1-2'", datetime(2024, 1, 1, 23, tzinfo=UTC)),
        ("'2024-07-02 10:30:00.123456'", datetime(2024, 7, 2, 8, 30, 0, 123456, tzinfo=UTC)),
        ("'2024-07-02T10:30:00'", datetime(2024, 7, 2, 8, 30, tzinfo=UTC)),
        ("'2024-07-02T10:30:00Z'", datetime(2024, 7, 2, 10, 30, tzinfo=UTC)),
        ("'2024-07-02 10:30:00+05:00'", datetime(2024, 7, 2, 5, 30, tzinfo=UTC)),
        ("DATE '2024-07-02'", datetime(2024, 7, 1, 22, tzinfo=UTC)),
        ("TIMESTAMP_NTZ '2024-07-02 10:30:00'", datetime(2024, 7, 2, 8, 30, tzinfo=UTC)),
        ("TIMESTAMP '2024-07-02 10:30:00'", datetime(2024, 7, 2, 10, 30, tzinfo=UTC)),
        ("'2024-07-02 10:30:00UTC'", datetime(2024, 7, 2, 10, 30, tzinfo=UTC)),
        ("'2024-07-02 10:30:00 GMT+5'", datetime(2024, 7, 2, 5, 30, tzinfo=UTC)),
        ("'2024-07-02 10:30:00.5 America/New_York'", datetime(2024, 7, 2, 14, 30, 0, 500000, tzinfo=UTC)),
        ("'2924-07-02 10:30:00'", datetime(2924, 7, 2, 8, 30, tzinfo=UTC)),
        # 31 March 2024, 02:00 to 03:00 did not exist: forward by the gap. 27 October, 02:30 came twice: the first.
        ("'2024-03-31 02:30:00'", datetime(2024, 3, 31, 1, 30, tzinfo=UTC)),
        ("'2024-10-27 02:30:00'", datetime(2024, 10, 27, 0, 30, tzinfo=UTC)),
        ("'2024-02-30'", None),
        ("'2024'", None),
        ("'12:30'", None),
        ("'yesterday'", None),
        # Whose CST, which EST; CET in July is what, one hour or two?
        ("'2024-07-02 10:30:00 CST'", None),
        ("'2024-07-02 10:30:00 EST'", None),
        ("'2024-07-02 10:30:00 CET'", None),
        ("'2024-07-02 10:30:00 PM'", None),
        ("'2024-07-02 25:30:00'", None),
        ("'2024-07-02 nonsense'", None),
        ("'2024-07-02Z'", None),
        ("'2024-07-02 10:30Z'", None),
        # What a number counts is not said: seconds, or 2 July 2024?
        ("1719916200", None),
        ("20240702", None),
        ("202407BD", None),
        ("'20240702'", None),
        # Words for "none" and "no end", and what no calendar here holds.
        ("'9999-12-31'", None),
        ("'9999-01-01 00:00:00'", None),
        ("'0001-01-01'", None),
        ("'0000-01-01'", None),
        ("'10000-01-01'", None),
        ("DATE '9999-12-31'", None),
        ("DATE '0001-01-01'", None),
        ("DATE_ADD(DATE '9999-12-31', 99999999)", None),
        ("TIMESTAMP_NTZ '9999-12-31 23:59:59'", None),
        ("TIMESTAMP '0001-01-01 00:00:00'", None),
        ("TIMESTAMP '+294247-01-10 00:00:00'", None),
        ("TRUE", None),
    ]
    rows = judge(spark, [{"event_at": value} for value, _ in drawn])
    found = [row["event_at"] and row["event_at"].astimezone(UTC) for row in rows]
    assert dict(zip([value for value, _ in drawn], found, strict=True)) == dict(drawn)
    assert [row["_fault"] for row in rows] == [None if at else "not_a_time|event_at" for _, at in drawn]


VALUES: list[tuple[str, str, Any]] = [
    ("whole", "'12'", 12),
    ("whole", "' 12 '", 12),
    ("whole", "12.00BD", 12),
    ("whole", "CAST(NULL AS STRING)", None),
    ("whole", "NULL", None),
    ("whole", "12.5BD", "not_a_whole_number"),
    ("whole", "12.5D", "not_a_whole_number"),
    ("whole", "'12.0'", "not_a_whole_number"),
    ("whole", "'twelve'", "not_a_number"),
    ("whole", "'99999999999999999999'", "not_a_whole_number"),
    ("whole", "9007199254740993D", "not_a_whole_number"),
    ("whole", "16777217F", "not_a_whole_number"),
    ("whole", "DOUBLE('NaN')", "not_a_whole_number"),
    ("whole", "'1d'", "not_a_number"),
    ("whole", "'1,234'", "not_a_number"),
    ("whole", "'\u22125'", "not_a_number"),
    ("whole", "'5-'", "not_a_number"),
    ("whole", "TRUE", "not_a_number"),
    ("whole", "DATE '2024-01-02'", "not_a_number"),
    ("whole", "TIMESTAMP '2024-01-02 00:00:00'", "not_a_number"),
    ("small", "3000000000", "not_a_whole_number"),
    ("share", "'0.25'", 0.25),
    ("share", "'NaN'", "not_a_number"),
    ("share", "'0,25'", "not_a_number"),
    ("share", "'Infinity'", "not_a_number"),
    ("share", "'1e999'", "not_a_number"),
    ("share", "'1d'", "not_a_number"),
    ("share", "'0x1p3'", "not_a_number"),
    ("share", "'-1.5e-3'", -0.0015),
    ("share", "TRUE", "not_a_number"),
    ("share", "TIMESTAMP '2024-01-02 00:00:00'", "not_a_number"),
    ("is_new", "1", True),
    ("is_new", "2", "not_a_boolean"),
    ("is_new", "0.5BD", "not_a_boolean"),
    ("is_new", "DATE '2024-01-02'", "not_a_boolean"),
    ("is_new", "'no'", False),
    ("is_new", "'perhaps'", "not_a_boolean"),
    ("born", "'1970-05-01'", date(1970, 5, 1)),
    ("born", "'1970-05-01 23:30:00'", date(1970, 5, 1)),
    ("born", "'1970-05-01 23:30:00Z'", date(1970, 5, 2)),
    ("born", "'9999-12-31'", date(9999, 12, 31)),
    ("born", "'0001-01-01'", date(1, 1, 1)),
    ("born", "'0000-12-31'", "not_a_date"),
    ("born", "ADD_MONTHS(DATE '9999-12-31', 1)", "not_a_date"),
    ("born", "TIMESTAMP '+294247-01-10 00:00:00'", "not_a_date"),
    ("born", "'1970-05-01 nonsense'", "not_a_date"),
    ("born", "19700501", "not_a_date"),
    ("born", "'1970-02-30'", "not_a_date"),
    ("born", "'1970'", "not_a_date"),
    ("born", "'01.05.1970'", "not_a_date"),
    # An instant's date is the one on the zone's wall clock.
    ("born", "TIMESTAMP '2024-07-01 22:30:00'", date(2024, 7, 2)),
    ("kind", "'b'", "b"),
    ("kind", "NULL", None),
    ("kind", "'c'", "not_in_values"),
    ("customer_id", "'city:1'", "not_of_this_source"),
    ("customer_id", "NULL", "missing"),
    ("thing_id", "7", "7"),
]


def test_values_become_the_contracts_types_or_faults(spark: SparkSession) -> None:
    rows = judge(spark, [{name: value} for name, value, _ in VALUES])
    for (name, value, expected), row in zip(VALUES, rows, strict=True):
        reason, _, column = (row["_fault"] or "|").partition("|")
        told = reason or row[name]
        assert told == expected, (name, value)
        assert column in ("", name)


def test_the_first_fault_of_a_row_counts_and_an_excluded_row_has_none(spark: SparkSession) -> None:
    rows = judge(
        spark,
        [
            {"_problem": "'wrong_field_count'", "_missed": "'missing|a'", "_excluded": "TRUE"},
            {"_missed": "'parent_unknown|a'", "_failed": "'not_a_number|b'", "whole": "'x'"},
            {"_failed": "'not_a_number|b'", "whole": "'x'", "customer_id": "NULL"},
            {"whole": "'x'", "customer_id": "NULL"},
            {"customer_id": "NULL", "kind": "'c'"},
            {"_excluded": "TRUE", "whole": "'x'", "_missed": "'missing|a'"},
        ],
    )
    assert [(row["_fault"], row["_is_excluded"]) for row in rows] == [
        ("wrong_field_count|", False),
        ("parent_unknown|a", False),
        ("not_a_number|b", False),
        ("not_a_number|whole", False),
        ("missing|customer_id", False),
        (None, True),
    ]


def test_known_on_follows_its_rule_and_after_the_history_is_no_earlier_than_the_load(spark: SparkSession) -> None:
    at = {"event_at": "'2024-01-02 23:30:00'"}
    own = {**at, "known_on": "'2024-01-15'"}
    late = date(2024, 2, 1)
    drawn = [
        (at, target(), date(2024, 1, 3)),
        (at, target("event_date + 3 days"), date(2024, 1, 5)),
        (at, target("event_date"), date(2024, 1, 2)),
        (at, target("assumed"), date(2024, 1, 2)),
        (at, target("load_date"), date(2024, 1, 31)),
        (own, target("column"), date(2024, 1, 15)),
        (at, target(load_date=late), late),
        (at, target("assumed", load_date=late), late),
        ({"event_at": "'2024-02-09'"}, target(load_date=late), date(2024, 2, 10)),
    ]
    assert [judge(spark, [row], where)[0]["known_on"] for row, where, _ in drawn] == [day for _, _, day in drawn]


def test_a_day_of_knowing_beyond_the_calendar_is_a_fault_of_its_row(spark: SparkSession) -> None:
    late = {"event_at": "'9998-12-30 12:00:00'"}
    own = {"known_on": "'9999-12-31'"}
    rows = [*judge(spark, [late, {}], target()), *judge(spark, [own, {"known_on": "'2024-01-15'"}], target("column"))]
    assert [row["_fault"] for row in rows] == ["not_a_date|known_on", None, "not_a_date|known_on", None]


def test_technical_columns_are_filled(spark: SparkSession) -> None:
    row, taken_back = judge(
        spark,
        [{"event_at": "'2024-01-31 23:30:00'"}, {"is_retracted": "'true'", "sequence": "5", "customer_id": "'town:2'"}],
    )
    assert (row["source"], row["period"], row["loaded_on"]) == ("town", "2024-01", date(2024, 1, 31))
    assert (row["is_retracted"], row["sequence"]) == (False, None)
    assert (taken_back["is_retracted"], taken_back["sequence"]) == (True, 5)
    # The same hash as in Python, so that a look-up needs no Spark.
    import xxhash

    for found in (row, taken_back):
        signed = xxhash.xxh64_intdigest(found["customer_id"].encode(), seed=42)
        signed -= 2**64 if signed >= 2**63 else 0
        assert found["bucket"] == signed % 8
