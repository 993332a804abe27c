"""The SQL that is run keeps what the author wrote, and lets no row get lost or stop the load."""

from __future__ import annotations

import pytest

from tallystick.spec.mapping_checks import Shape
from tallystick.spec.mapping_sql import branch_sql, forgive, reading_failures, view_sql
from tallystick.spec.mappings import DIALECT, fill_parameters, parse_mapping, parse_query
from tallystick.spec.readings import LOCAL_TEXT

SHAPES = {
    "rows": Shape(columns=("id", "amount", "Day", "kind"), key=("id",), is_text=True),
    "names": Shape(columns=("id", "name"), key=("id",), is_text=True),
}


def written(expression: str) -> str:
    """How an expression is run."""
    tree, problems = parse_query(f"SELECT {expression} AS x FROM rows", "x.sql")
    assert tree is not None
    assert problems == []
    return forgive(tree.expressions[0].unalias()).sql(dialect=DIALECT)


def failures(expression: str) -> list[tuple[str, str]]:
    """The conditions under which a reading in the expression failed, and their reasons."""
    tree, _ = parse_query(f"SELECT {expression} AS x FROM rows", "x.sql")
    assert tree is not None
    found = reading_failures(tree.expressions[0].unalias())
    return [(failure.condition.sql(dialect=DIALECT), failure.reason) for failure in found]


def branch(sql: str) -> str:
    mapping, problems = parse_mapping("t", sql, "t.sql")
    assert mapping is not None
    assert problems == []
    return branch_sql(mapping.branches[0], SHAPES, driven={"rows": "d"}, joined={"names": "n"})


def test_functions_run_as_they_were_written() -> None:
    for expression in (
        "REGEXP_REPLACE(a, '[.]0$', '')",
        "REGEXP_REPLACE(a, '\\\\d+', '')",
        "TO_UTC_TIMESTAMP(a, 'Europe/Prague')",
        "TIMESTAMPADD(SECOND, 5, a)",
        "SPLIT(a, ',')[0]",
        "CASE a WHEN 'x' THEN 1 ELSE 2 END",
        "FILTER(SPLIT(a, ','), x -> x <> 'b')",
        "NVL2(a, b, c)",
        "COALESCE(a, b)",
        "TRY_CAST(a AS INT)",
        "CAST(a AS STRING)",
        "SUBSTRING(a, 2, 3)",
        "a || b",
        "a RLIKE '^x'",
        "ADD_MONTHS(a, 1)",
        "FROM_JSON(a, 'b INT').b",
        "a DIV 2",
    ):
        assert written(expression) == expression


def test_reading_text_gives_null_instead_of_stopping() -> None:
    local = LOCAL_TEXT
    day = f"REGEXP_EXTRACT(CAST(a AS STRING), '{local}', 0)"
    assert written("a::int") == written("INT(a)") == written("CAST(a AS INT)")
    assert written("CAST(TRIM(a) AS BIGINT)") == "TRY_CAST(TRIM(a) AS BIGINT)"
    assert written("CAST(a AS DATE)") == written("TO_DATE(a)") == f"TRY_CAST({day} AS DATE)"
    assert written("CAST(TRIM(a) AS DATE)") == f"TRY_CAST(REGEXP_EXTRACT(TRIM(a), '{local}', 0) AS DATE)"
    assert written("TO_DATE(a, 'd.M.y')") == "TRY_CAST(TRY_TO_TIMESTAMP(a, 'd.M.y') AS DATE)"
    assert written("TO_TIMESTAMP_NTZ(a, 'y')") == "TRY_CAST(TRY_TO_TIMESTAMP(a, 'y') AS TIMESTAMP_NTZ)"
    assert written("UNIX_TIMESTAMP(a, 'y')") == "UNIX_TIMESTAMP(TRY_TO_TIMESTAMP(a, 'y'))"
    assert written("TO_NUMBER(a, '999')") == "TRY_TO_NUMBER(a, '999')"
    assert written("MAKE_DATE(a, b, 1)").startswith("TRY_CAST(REGEXP_EXTRACT(CONCAT(a, '-', b, '-', 1), ")
    assert written("ADD_MONTHS(CAST(CAST(a AS DATE) AS TIMESTAMP), 1)") == (
        f"ADD_MONTHS(TRY_CAST(TRY_CAST({day} AS DATE) AS TIMESTAMP), 1)"
    )


def test_a_text_without_a_day_is_no_time_of_today_where_a_function_takes_an_instant() -> None:
    instant = written("CAST(a AS TIMESTAMP)")
    assert written("DATE_FORMAT(a, 'dd.MM.yyyy')") == f"DATE_FORMAT({instant}, 'dd.MM.yyyy')"
    assert written("DATE_TRUNC('DAY', a)") == f"DATE_TRUNC('DAY', {instant})"
    assert [reason for _, reason in failures("DATE_FORMAT(a, 'yyyy')")] == ["not_a_time"]


def test_a_text_that_is_read_as_a_wall_clock_is_one() -> None:
    # A zone in the text would be counted twice: once by the cast and once by the call around it.
    clock = written("TO_UTC_TIMESTAMP(CAST(TRIM(a) AS TIMESTAMP_NTZ), 'Europe/Prague')")
    assert written("TO_UTC_TIMESTAMP(CAST(TRIM(a) AS TIMESTAMP), 'Europe/Prague')") == clock
    assert "Europe/Prague" in clock
    assert "UTC|GMT" not in clock
    assert "UTC|GMT" in written("CAST(TRIM(a) AS TIMESTAMP)")


def test_a_failed_reading_is_a_condition_with_a_reason() -> None:
    assert failures("CAST(TRIM(amount) AS BIGINT) + 1") == [
        ("NOT (TRIM(amount)) IS NULL AND (TRY_CAST(TRIM(amount) AS BIGINT)) IS NULL", "not_a_number")
    ]
    assert [reason for _, reason in failures("TO_DATE(a, 'y')")] == ["not_a_date"]
    assert [reason for _, reason in failures("TO_TIMESTAMP_NTZ(a, 'y')")] == ["not_a_time"]
    assert [reason for _, reason in failures("CAST(a AS BOOLEAN)")] == ["not_a_boolean"]
    for harmless in ("TRY_CAST(a AS INT)", "CAST(a AS STRING)", "CAST('1' AS INT)", "DATE '2020-01-01'", "UPPER(a)"):
        assert failures(harmless) == []


def test_a_reading_counts_only_in_the_branch_of_case_that_a_row_takes() -> None:
    ((condition, _),) = failures("CASE kind WHEN 'n' THEN CAST(TRIM(a) AS INT) ELSE 0 END")
    failed = "NOT (TRIM(a)) IS NULL AND (TRY_CAST(TRIM(a) AS INT)) IS NULL"
    assert condition == f"CASE kind WHEN 'n' THEN {failed} ELSE FALSE END"
    ((condition, _),) = failures("CASE WHEN kind = 'n' THEN 0 ELSE CAST(TRIM(a) AS INT) END")
    assert condition == f"CASE WHEN kind = 'n' THEN FALSE ELSE {failed} END"
    ((condition, _),) = failures("IF(kind = 'n', CAST(TRIM(a) AS INT), 0)")
    assert condition == f"CASE WHEN kind = 'n' THEN {failed} ELSE FALSE END"


def test_a_branch_carries_origin_and_turns_where_and_joins_into_columns() -> None:
    sql = branch("SELECT r.id, n.name FROM rows r JOIN names n ON n.id = r.id WHERE r.kind = 'a'")
    assert " FROM `d` AS `r` LEFT JOIN `n` AS `n` ON " in sql
    assert " WHERE " not in sql
    for name in ("_file", "_line", "_raw", "_problem", "_is_parked", "_branch", "_excluded", "_missed", "_failed"):
        assert f"`{name}`" in sql
    assert "'parent_unknown|id'" in sql
    assert "'missing|id'" in sql


def test_a_left_join_may_be_missed_and_a_text_in_where_that_cannot_be_read_is_no_exclusion() -> None:
    sql = branch("SELECT r.id, n.name FROM rows r LEFT JOIN names n ON n.id = r.id WHERE CAST(amount AS INT) > 1")
    assert "CAST(NULL AS STRING) AS `_missed`" in sql
    assert "THEN FALSE ELSE NOT COALESCE((TRY_CAST(`r`.`amount` AS INT) > 1), FALSE) END AS `_excluded`" in sql
    assert "THEN 'not_a_whole_number|amount' ELSE 'not_a_number|amount' END" in sql


def test_names_count_without_regard_to_case_and_keep_their_declared_form() -> None:
    assert branch("SELECT ID, day FROM rows").startswith("SELECT `rows`.`id` AS `ID`, `rows`.`Day` AS `day`")


def test_a_parameter_becomes_a_quoted_text_and_nothing_else() -> None:
    values = {"zone": "Europe/Prague", "odd": "it's \\ '; DROP"}
    assert fill_parameters("${zone} '${zone}'", values) == ("'Europe/Prague' 'Europe/Prague'", [])
    filled, _ = fill_parameters("SELECT ${odd} AS x FROM rows", values)
    tree, problems = parse_query(filled, "x.sql")
    assert problems == []
    assert tree is not None
    assert tree.expressions[0].unalias().name == values["odd"]


def test_a_derived_view_reads_the_tables_that_stand_for_its_views() -> None:
    tree, _ = parse_query("WITH a AS (SELECT id FROM rows) SELECT MIN(CAST(TRIM(id) AS INT)) AS m FROM a", "x.sql")
    assert tree is not None
    assert view_sql(tree, {"rows": "_t1"}) == (
        "WITH `a` AS (SELECT `id` FROM `_t1` AS `rows`) SELECT MIN(TRY_CAST(TRIM(`id`) AS INT)) AS `m` FROM `a`"
    )


@pytest.mark.parametrize("sql", ["SELECT id FROM rows; DROP TABLE x", "DELETE FROM rows", "INSERT INTO rows SELECT 1"])
def test_only_one_query_is_taken(sql: str) -> None:
    tree, problems = parse_query(sql, "x.sql")
    assert tree is None
    assert len(problems) == 1
