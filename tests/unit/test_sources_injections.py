"""A mapping or view computes from rows. Whatever else Spark's SQL can do is refused before any data is read."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlglot import exp

from tallystick.project.contracts import load_contracts
from tallystick.project.sources import check_source
from tallystick.spec.allowed_sql import refused_parts
from tallystick.spec.mappings import parse_mapping, parse_query
from tallystick.spec.spark_functions import PURE_FUNCTIONS, SPARK_FUNCTIONS
from tests.lib.deliveries import CHECKOUT, SOURCE_YAML, write_source

# Values: each stands where a mapping or a view has an expression.
VALUES = """
reflect('java.lang.System', 'getenv', 'HOME')
java_method('java.lang.Runtime', 'exit', 1)
try_reflect('java.lang.System', 'exit', 1)
REFLECT ( 'java.util.UUID' , 'randomUUID' )
`reflect`('java.lang.System', 'getenv')
system.builtin.reflect('java.lang.System', 'getenv')
CONCAT(a, reflect('java.lang.System', 'getenv', 'HOME'))
CASE WHEN a = 'x' THEN java_method('java.lang.System', 'lineSeparator') END
TRANSFORM(ARRAY(a), x -> reflect('java.lang.System', 'getenv', x))
current_user()
current_user
session_user()
user()
current_catalog()
current_database()
current_schema()
current_timezone()
version()
input_file_name()
input_file_block_start()
input_file_block_length()
unix_timestamp()
now()
current_date
current_date()
current_timestamp
current_timestamp()
current_time()
curdate()
localtimestamp()
rand()
rand(7)
randn()
random()
randstr(5)
uniform(1, 10)
uniform(1, 10, 5)
uuid()
shuffle(ARRAY(a))
monotonically_increasing_id()
spark_partition_id()
raise_error(a)
assert_true(a = 'x')
aes_decrypt(a, 'key')
xpath(a, 'a/b')
xpath_string(a, '/x')
from_xml(a, 'b STRING')
schema_of_xml(a)
from_avro(a, 's')
from_protobuf(a, 'm')
approx_count_distinct(a)
approx_percentile(a, 0.5)
python_worker_logs()
my_function(a)
timestamp 'now'
date 'today'
CAST(' Today ' AS DATE)
TRY_CAST('yesterday' AS DATE)
'now'::TIMESTAMP
to_date('tomorrow')
to_timestamp('now')
date('today')
CAST(a AS DATE) < 'today'
DATE_ADD('today', 1)
CAST(CONCAT('to', 'day') AS DATE)
CAST('to' || 'day' AS DATE)
CAST(LOWER('TODAY') AS DATE)
YEAR(CONCAT('to', 'day'))
CAST(CASE WHEN TRUE THEN 'today' END AS DATE)
CAST(COALESCE('now') AS TIMESTAMP)
CAST('today CET' AS TIMESTAMP)
TIMESTAMP 'now UTC'
TIMESTAMP '12:30'
CAST('T12:30' AS TIMESTAMP)
DATEADD(DAY, 1, 'today')
TIMESTAMPADD(DAY, 1, 'now')
TIMESTAMPDIFF(DAY, a, 'today')
MONTHS_BETWEEN('today', a)
DATEDIFF(a, 'today')
NEXT_DAY('today', 'MON')
HOUR('now')
DAYOFWEEK('today')
UNIX_SECONDS('now')
DATE_PART('YEAR', 'today')
EXTRACT(YEAR FROM 'today')
SEQUENCE(DATE '2020-01-01', 'today')
CAST(a AS DATE) IN ('today')
CAST(a AS DATE) BETWEEN 'yesterday' AND 'tomorrow'
NULLIF(CAST(a AS DATE), 'today')
GREATEST(CAST(a AS DATE), 'today')
COALESCE(TRY_CAST(NULL AS DATE), 'today')
IF(a = '', DATE '2020-01-01', 'today')
CASE WHEN b = 'x' THEN DATE '2020-01-01' ELSE 'today' END
aes_encrypt(a, '0000111122223333')
spark_catalog.default.my_function(a)
IDENTIFIER('a')
:parameter
first(a)
first(a) IGNORE NULLS
last(a)
any_value(a)
FIRST_VALUE(a) OVER (PARTITION BY b)
collect_list(a)
collect_set(a) FILTER (WHERE a > 1)
ELEMENT_AT(array_agg(a), 1)
min_by(a, b)
max_by(a, b) OVER (PARTITION BY c)
mode(a)
mode(a, false)
string_agg(a, ',')
listagg(DISTINCT a, ',')
percentile_approx(a, 0.5)
collect_set(a) OVER (PARTITION BY b ORDER BY c)
SORT_ARRAY(first(a))
ARRAY_SORT(COLLECT_LIST(a), (l, r) -> 0)
""".strip().splitlines()

# What stands after the SELECT list: clauses and sources of rows.
CLAUSES = """
FROM t TABLESAMPLE (10 PERCENT)
FROM t TABLESAMPLE (5 ROWS)
FROM t TABLESAMPLE (BUCKET 4 OUT OF 10)
FROM t VERSION AS OF 3
FROM t TIMESTAMP AS OF '2026-01-01'
FROM t FOR SYSTEM_TIME AS OF '2026-01-01'
FROM t UNPIVOT (v FOR n IN (a, b))
FROM t PIVOT (SUM(a) FOR b IN (1, 2))
FROM parquet.`/etc/passwd`
FROM delta.`/tmp/x`
FROM csv.`/etc/passwd`
FROM text.`/etc/passwd`
FROM feature.transactions
FROM spark_catalog.clean.accounts
FROM range(1000000)
FROM sql_keywords()
FROM read_files('/etc/passwd')
FROM collations()
FROM IDENTIFIER('t')
FROM t CLUSTER BY a
FROM t DISTRIBUTE BY a
FROM t SORT BY a
FROM t MATCH_RECOGNIZE (ORDER BY a PATTERN (x) DEFINE x AS a > 1)
FROM t LATERAL VIEW reflect('java.lang.System', 'getenv') x AS y
FROM (SELECT TRANSFORM(a) USING 'cat /etc/passwd' AS (x) FROM t)
FROM t JOIN json.`/etc/passwd` s ON s.a = t.a
FROM t TABLESAMPLE (10 PERCENT) REPEATABLE (3)
FROM (SELECT a FROM t LIMIT 10) s
FROM t LATERAL VIEW EXPLODE(SEQUENCE(1, 1000000000)) x AS y
FROM t LATERAL VIEW EXPLODE(SEQUENCE(1, 10000)) x AS y LATERAL VIEW EXPLODE(SEQUENCE(1, 10000)) z AS w
FROM (SELECT EXPLODE(SEQUENCE(1, 10000)) AS a) s CROSS JOIN (SELECT EXPLODE(ARRAY_REPEAT(1, 10000)) AS b) r
FROM (SELECT STACK(1000000000, a) AS a FROM t) s
WHERE LENGTH(REPEAT(a, 1000000000)) > 1
WHERE a IN (SELECT a FROM t LIMIT 1)
FROM t ASOF JOIN u ON u.a = t.a AND u.b >= t.b
FROM (SELECT DISTINCT ON (a) a, b FROM t) s
GROUP BY a WITH TOTALS
UNION ALL BY NAME SELECT a FROM u
UNION BY NAME SELECT a FROM u
WHERE a = ANY (SELECT a FROM u)
WHERE a > ALL (SELECT a FROM u)
ORDER BY a WITH FILL LIMIT 3
""".strip().splitlines()

# Whole statements.
STATEMENTS = """
SELECT TRANSFORM(a, b) USING 'sh -c "touch /tmp/x"' AS (x) FROM t
SELECT MAP(a) USING 'cat' AS (x) FROM t
SELECT /*+ REPARTITION(1000) */ a FROM t
SELECT /*+ BROADCAST(t) */ a FROM t
SELECT a INTO x FROM t
INSERT INTO t SELECT 1
DROP TABLE t
CREATE TABLE x AS SELECT a FROM t
DELETE FROM t
SET spark.sql.ansi.enabled = false
ADD JAR '/tmp/x.jar'
CREATE FUNCTION f AS 'x.Y' USING JAR '/tmp/x.jar'
CALL system.x()
EXPLAIN SELECT a FROM t
DESCRIBE t
CACHE TABLE t
REFRESH TABLE t
USE x
SELECT a FROM t; DROP TABLE t
""".strip().splitlines()


@pytest.mark.parametrize("value", VALUES)
def test_a_value_that_is_not_computed_from_the_row_is_refused_with_its_line(value: str) -> None:
    mapping, problems = parse_mapping("t", f"SELECT\n  b AS c,\n  {value} AS x\nFROM t", "t.sql")
    assert mapping is None
    assert [problem.where for problem in problems] == ["t.sql:3"] * len(problems) != []
    view, problems = parse_query(f"SELECT b, {value} AS x FROM t", "source.yaml", first_line=40)
    assert view is None
    assert {problem.where for problem in problems} == {"source.yaml:40"}


# Parts that the parser knows and Spark reads otherwise or not at all; and those that it marks itself.
UNREAD = {"Distinct": "on", "Union": "by_name", "Group": "totals", "Ordered": "with_fill", "Bracket": "json_access",
          "Column": "join_mark", "RegexpLike": "flag", "Between": "symmetric", "Join": "match_condition"}  # fmt: skip


def test_of_each_part_of_a_statement_only_what_is_listed_may_be_there() -> None:
    for name, key in UNREAD.items():
        node = getattr(exp, name)(**{key: exp.true()})
        assert [what for _, what, _ in refused_parts(node)], (name, key)


@pytest.mark.parametrize("call", ["ANY(a = 'x')", "BOOL_OR(a = 'x')", "TRY_SUM(a)", "BIT_OR(a)", "STD(a)"])
def test_an_aggregate_in_a_mapping_is_refused(call: str) -> None:
    _, problems = parse_mapping("t", f"SELECT {call} AS x FROM t", "t.sql")
    assert [problem.what for problem in problems] == ["an aggregate in a mapping"]


@pytest.mark.parametrize("clause", CLAUSES)
def test_rows_that_come_from_elsewhere_or_by_chance_are_refused(clause: str) -> None:
    for read in (
        parse_query(f"SELECT a {clause}", "source.yaml"),
        parse_query(f"WITH w AS (SELECT a {clause}) SELECT a FROM w", "source.yaml"),
        parse_mapping("t", f"SELECT a AS x {clause}", "t.sql"),
    ):
        tree, problems = read
        assert tree is None
        assert problems


@pytest.mark.parametrize("clause", ["LIMIT 10", "OFFSET 10", "LIMIT 10 OFFSET 10"])
def test_a_view_that_takes_some_rows_in_no_order_is_refused(clause: str) -> None:
    # Of a mapping the rules for mappings say it, with an order or without.
    tree, problems = parse_query(f"SELECT a FROM t {clause}", "source.yaml")
    assert tree is None
    assert len(problems) == 1
    _, problems = parse_mapping("t", f"SELECT a AS x FROM t {clause}", "t.sql")
    assert problems


@pytest.mark.parametrize("statement", STATEMENTS)
def test_a_statement_that_is_no_query_of_rows_is_refused(statement: str) -> None:
    tree, problems = parse_query(statement, "source.yaml")
    assert tree is None
    assert problems


def test_a_view_that_asks_for_the_user_by_a_bare_word_is_refused(tmp_path: Path) -> None:
    # Spark takes USER for a call where no column has that name.
    view = 'views:\n  asked: {sql: "SELECT user FROM bookings", key: [user]}\nfiles:\n'
    write_source(tmp_path, files={"source.yaml": SOURCE_YAML.replace("files:\n", view, 1)})
    found = check_source(tmp_path, "village", contracts=load_contracts(CHECKOUT))
    assert [problem.what for problem in found if "user" in problem.what.lower()]


def test_what_a_mapping_may_call_exists_in_spark_and_a_dangerous_call_is_not_among_it() -> None:
    assert PURE_FUNCTIONS < SPARK_FUNCTIONS
    assert {"REFLECT", "JAVA_METHOD", "TRY_REFLECT", "CURRENT_USER", "RAND", "INPUT_FILE_NAME"} <= SPARK_FUNCTIONS
    assert not {"REFLECT", "JAVA_METHOD", "TRY_REFLECT", "CURRENT_USER", "RAND", "INPUT_FILE_NAME"} & PURE_FUNCTIONS


ALLOWED = (
    """
SELECT a, COUNT(*) AS n, MAX(b) FILTER (WHERE c > 1) AS m FROM t GROUP BY a HAVING COUNT(*) > 1
SELECT a, ROW_NUMBER() OVER (PARTITION BY a ORDER BY b DESC NULLS LAST) AS n FROM t
SELECT a, x.y FROM t LATERAL VIEW EXPLODE(SPLIT(b, ',')) x AS y
WITH w AS (SELECT a FROM t) SELECT w.a, u.b FROM w LEFT JOIN clean.accounts u ON u.account_id = w.a
SELECT a FROM t UNION ALL SELECT a FROM u UNION SELECT a FROM (VALUES ('x'), ('y')) v (a)
SELECT TRANSFORM(ARRAY(a), x -> UPPER(x))[0] AS x, STRUCT(a AS b).b AS y, NAMED_STRUCT('a', a) AS z FROM t
SELECT CAST(a AS DECIMAL(18, 2)), a::INT, TRY_CAST(b AS DATE), DATE '2026-01-01' + INTERVAL '1' DAY AS d FROM t
SELECT EXTRACT(YEAR FROM d), TRIM(BOTH 'x' FROM a), SUBSTRING(a FROM 2), a RLIKE 'x', a <=> b, a IN ('x'), NOT c FROM t
SELECT UNIX_TIMESTAMP(a, 'yyyyMMdd') AS x, TO_TIMESTAMP_NTZ(a, 'yyyyMMdd') AS y, LAST_VALUE(b) IGNORE NULLS
  OVER (ORDER BY a ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS z FROM t
SELECT CASE WHEN a = 'today' THEN 'now' END AS x, CONCAT(a, 'now') AS y FROM t
SELECT CAST(CASE WHEN a = 'today' THEN b ELSE c END AS DATE) AS x, DATE_FORMAT(DATE(a), 'HH:mm') > '12:30' AS y,
  TO_TIMESTAMP(CONCAT(a, ' 12:30'), 'yyyy-MM-dd HH:mm') AS z, TO_UTC_TIMESTAMP(a, '+08:00') AS w FROM t
SELECT LPAD(a, 10, '0') AS x, REPEAT('*', 8) AS y, SPACE(LEAST(LENGTH(a), 20)) AS z, REPEAT('*', 4) AS w,
  REPEAT('*', 9) AS v, REPEAT('*', 99) AS u, REPEAT('*', 999) AS s, ARRAY_REPEAT(a, 3) AS r FROM t
SELECT EXPLODE(SEQUENCE(1, 366)) AS a, SEQUENCE(1, 20000, 20) AS b FROM t
SELECT SEQUENCE(b, GREATEST(b, LEAST(c, b + 100))) AS x, SEQUENCE(b, LEAST(b + 9, GREATEST(c, b)), 2) AS y FROM t
SELECT SEQUENCE(d, GREATEST(d, LEAST(e, DATE_ADD(d, 366)))) AS x, SEQUENCE(d, ADD_MONTHS(d, 12), INTERVAL 1 MONTH) AS w,
  SEQUENCE(d, GREATEST(d, LEAST(e, d + INTERVAL 9 MONTH)), INTERVAL 1 MONTH) AS y,
  SEQUENCE(DATE '2020-01-01', DATE '2026-12-31', INTERVAL 1 DAY) AS z FROM t
SELECT AGGREGATE(b, 0, (acc, x) -> acc + x) AS x, FORMAT_STRING('%05d of %s', b, a) AS z,
  AGGREGATE(b, STRUCT(0 AS n, 0 AS s), (acc, x) -> STRUCT(acc.n + 1 AS n, acc.s + x AS s),
  acc -> CONCAT(acc.n, acc.s)) AS y FROM t
SELECT a RLIKE '^[A-Z]{2}[0-9]+$' AS x, a RLIKE '(cat|dog)+' AS y, SPLIT(a, '[|;] *') AS z, a LIKE '%x_y%' AS w,
  REGEXP_REPLACE(a, '(\\\\d{1,3}\\\\.){3}', '') AS v, REGEXP_REPLACE(a, '([a-z]++,)+', '') AS u FROM t
SELECT H3_CELL(CAST(a AS DOUBLE), CAST(b AS DOUBLE), 8) AS cell FROM t
SELECT FORMAT_STRING('ACC1000%s', a) AS x, PRINTF('%s %s', a, '20240101') AS y, PRINTF('100%% %1$5.2f', b) AS z FROM t
SELECT a, ANY(b = 'x') AS x FROM t NATURAL JOIN u WHERE a LIKE ANY ('x%', 'y%') GROUP BY a
SELECT SORT_ARRAY(COLLECT_SET(a) OVER (PARTITION BY b)) AS x, * EXCEPT (c) FROM t LEFT SEMI JOIN u ON u.a = t.a
""".strip()
    .replace("\n  ", " ")
    .splitlines()
)


@pytest.mark.parametrize("query", ALLOWED)
def test_what_computes_from_rows_is_allowed(query: str) -> None:
    tree, problems = parse_query(query, "source.yaml")
    assert problems == []
    assert tree is not None


@pytest.mark.parametrize(
    "query",
    [
        "SELECT a FROM t ORDER BY a LIMIT 10",
        "SELECT SORT_ARRAY(COLLECT_LIST(a)) AS x FROM t GROUP BY b",
        "SELECT MODE(a, TRUE) AS x, MIN(STRUCT(b, a)).a AS y FROM t GROUP BY c",
        "SELECT STRING_AGG(a, ',') WITHIN GROUP (ORDER BY a) AS x FROM t GROUP BY b",
        "SELECT FIRST_VALUE(a) IGNORE NULLS OVER (PARTITION BY b ORDER BY a) AS x FROM t",
    ],
)
def test_what_depends_on_an_order_that_is_said_is_allowed(query: str) -> None:
    tree, problems = parse_query(query, "source.yaml")
    assert (tree is not None, problems) == (True, [])
