"""What is translated, into which types, and what is refused; whether both engines agree is for tests/spark to say."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from tallystick.dialect import NotTranslated, QueryStopped, answer, connect, output_types, translate
from tallystick.ingest.casting import name_sql

TABLES = {
    "rows": {"id": "string", "n": "int", "big": "bigint", "amount": "decimal(18,2)", "d": "double", "ok": "boolean",
             "day": "date", "at": "timestamp", "clock": "timestamp_ntz", "nothing": "void"},
    "names": {"id": "string", "name": "string"},
}  # fmt: skip


def types_of(*expressions: str) -> list[str]:
    """The types of some expressions over ``rows``."""
    listed = ", ".join(f"{expression} AS x{number}" for number, expression in enumerate(expressions))
    return list(output_types(f"SELECT {listed} FROM rows", TABLES).values())


def test_each_expression_has_the_type_that_spark_gives_it() -> None:
    assert types_of("amount * 100", "amount + amount", "n + big", "d + n", "1.50", "10000000000", "1e3") == [
        "decimal(22,2)",
        "decimal(19,2)",
        "bigint",
        "double",
        "decimal(3,2)",
        "bigint",
        "double",
    ]
    assert types_of("COALESCE(nothing, day)", "CASE WHEN ok THEN NULL END", "NULLIF(n, 1)", "COUNT(*) OVER ()") == [
        "date",
        "void",
        "int",
        "bigint",
    ]
    assert types_of("STRUCT(id, n)", "ROW_NUMBER() OVER (ORDER BY n)") == ["struct<id:string,n:int>", "int"]


def test_fields_keep_their_names_whatever_signs_are_in_them() -> None:
    names = ["1) id", "paid, total", "a:b<int>", "(open", "100%2C", 'we"i`rd', "Částka (Kč)"]
    table = dict.fromkeys(names, "string")
    fields = ", ".join(name_sql(name) for name in names)
    sql = f"SELECT _low.* FROM (SELECT MIN(STRUCT({fields})) AS _low FROM rows)"
    assert output_types(sql, {"rows": table}) == table
    with connect() as connection:
        connection.register("rows", pa.table({name: [f"{name} value", "~"] for name in names}))
        assert answer(connection, translate(sql, {"rows": table})).to_pylist() == [
            {name: f"{name} value" for name in names}
        ]


def test_a_query_keeps_the_names_and_the_order_of_its_columns() -> None:
    sql = (
        "SELECT r.* EXCEPT (d, OK, day, at, clock, nothing, big), name AS Name FROM rows r JOIN names n ON n.id = r.id"
    )
    assert list(output_types(sql, TABLES)) == ["id", "n", "amount", "Name"]


def test_a_union_takes_names_from_its_first_query_and_one_type_for_both() -> None:
    assert output_types("SELECT n AS x, NULL AS y FROM rows UNION ALL SELECT big, 'a' FROM rows", TABLES) == {
        "x": "bigint",
        "y": "string",
    }


def test_rows_come_out_of_a_connection_that_leaves_nothing_behind() -> None:
    with connect() as connection:
        connection.register("names", pa.table({"id": ["1", "x", None], "name": ["a", "b", "c"]}))
        sql = translate("SELECT name, TRY_CAST(id AS INT) AS n FROM names WHERE id IS NOT NULL", TABLES)
        assert connection.sql(sql).to_arrow_table().to_pylist() == [{"name": "a", "n": 1}, {"name": "b", "n": None}]


def test_a_connection_reads_no_files_and_spills_where_it_is_told(tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("a\n1\n", encoding="utf-8")
    with connect(memory_mb=50, folder=tmp_path / "scratch") as connection:
        with pytest.raises(duckdb.PermissionException):
            connection.execute(f"SELECT * FROM read_csv('{tmp_path}/secret.csv')")
        connection.register("numbers", pa.table({"n": pa.array(range(2_000_000), pa.int64())}))
        sorted_rows = "SELECT n, ROW_NUMBER() OVER (ORDER BY n % 1000003, n) AS place FROM numbers"
        assert connection.execute(f"SELECT count(*) FROM ({sorted_rows}) WHERE place > 5").fetchone() == (1_999_995,)


@pytest.mark.parametrize("sql", ["SELECT 1 DIV n AS x FROM rows", "SELECT 1 / d AS x FROM rows"])
def test_a_division_by_0_stops_the_query(sql: str) -> None:
    rows = pa.table({"n": pa.array([2, 0], pa.int32()), "d": [2.0, -0.0]})
    with connect() as connection:
        connection.register("rows", rows)
        translated = translate(sql, {"rows": {"n": "int", "d": "double"}})
        with pytest.raises(QueryStopped):
            answer(connection, translated)


REFUSED = (
    "RAND()", "UUID()", "CURRENT_DATE", "CURRENT_TIMESTAMP()", "NOW()", "REFLECT('java.lang.Math', 'random')",
    "MONOTONICALLY_INCREASING_ID()",
    "JAVA_METHOD('a', 'b')", "id = 1", "id + 1", "amount / n", "id DIV n", "d DIV n", "n / 0", "amount / 2", "big % n",
    "id RLIKE '(?i)a'",
    "id RLIKE 'a\\\\b'",
    "id RLIKE '(?=a)'", "id RLIKE '\\\\p{L}'", "id RLIKE 'a++'", "id RLIKE '[a&&b]'", "id RLIKE '(a)\\\\1'",
    "id RLIKE '[^a]$'", "id RLIKE n",
    "CAST(d AS STRING)", "CAST(d AS DECIMAL(10, 2))", "CAST(big AS TIMESTAMP)", "CAST(id AS BINARY)",
    "CAST(id AS FLOAT)", "r'x'", "'a\\d'",
    "TRY_TO_TIMESTAMP(id, 'yy-MM-dd')", "TRY_TO_TIMESTAMP(id, 'EEE')", "TRY_TO_TIMESTAMP(id, 'Hmm')",
    "TRY_TO_TIMESTAMP(id, id)",
    "TO_UTC_TIMESTAMP(at, 'Nowhere/Land')", "TO_UTC_TIMESTAMP(at, id)", "missing", "rows.missing",
    "id LIKE 'a' ESCAPE '!'", "id ILIKE 'a'",
    "SPLIT(id, ',')[1]", "1L", "EXISTS (SELECT 1)", "id IN (SELECT id FROM names)", "TRIM(BOTH '' FROM id)",
    "DATE_FORMAT(day, 'EEEE')",
    "SUM(n) OVER (ORDER BY n RANGE BETWEEN 1 PRECEDING AND CURRENT ROW)", "x -> x", "SUBSTRING(id, n)",
    "amount * CAST(1 AS DECIMAL(38, 2))", "SUM(d) OVER ()", "day + INTERVAL '1' DAY", "at + INTERVAL '1' HOUR",
    "EXPLODE(id)", "SEQUENCE(big, big)", "1 + EXPLODE(SEQUENCE(1, n))",
    "'it''s'", "TRANSFORM(ARRAY(1), x -> x)", "STRUCT(n) < STRUCT(n)", "REGEXP_REPLACE(id, '(a)', '$1')",
    "REGEXP_REPLACE(id, 'a*', 'b')",
)  # fmt: skip


@pytest.mark.parametrize("expression", REFUSED)
def test_what_has_no_rule_is_refused(expression: str) -> None:
    with pytest.raises(NotTranslated):
        translate(f"SELECT {expression} AS x FROM rows", TABLES)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT id FROM rows LIMIT 1",
        "SELECT id FROM rows ORDER BY id",
        "SELECT id FROM rows TABLESAMPLE (10 PERCENT)",
        "SELECT id FROM unknown",
        "SELECT DISTINCT d FROM rows",
        "SELECT id, id FROM rows",
        "SELECT id + FROM rows",
        "SELECT id FROM rows; SELECT id FROM rows",
        "SELECT n AS a, a + 1 AS b FROM rows",
        "SELECT rows.id FROM rows FULL JOIN names ON rows.id = names.id",
        "SELECT name FROM rows JOIN names USING (id)",
        "SELECT COUNT(*) AS c FROM rows GROUP BY 1",
        "SELECT COUNT(*) FROM rows",
        "SELECT id FROM rows WHERE n",
        "SELECT EXPLODE(ARRAY(1)) AS x FROM rows",
        "SELECT DISTINCT EXPLODE(SEQUENCE(1, n)) AS x FROM rows",
        "SELECT n + 1 AS y, EXPLODE(SEQUENCE(1, n)) AS x FROM rows",
    ],
)
def test_a_query_of_another_form_is_refused(sql: str) -> None:
    with pytest.raises(NotTranslated):
        translate(sql, TABLES)
