"""How much the SQL of a mapping or view may make is written down; what is not, or is too much, is refused."""

from __future__ import annotations

import pytest

from tallystick.spec.mappings import parse_mapping, parse_query

# More than a task can hold, or a search that does not end, made of a few letters.
BOMBS = r"""
REPEAT('x', 1000000000)
`repeat`('x', 1000000000)
REPEAT('x', CAST('1000000000' AS INT))
REPEAT('x', 100000 * 100000)
REPEAT('x', -1000000000)
REPEAT(a, b)
REPEAT(REPEAT(REPEAT('x', 1000), 1000), 1000)
SPACE(1000000000)
LENGTH(SPACE(a))
LPAD(a, 1000000000, '0')
RPAD(a, 1000000000)
RPAD(a, LEAST(b, 1000000000))
ARRAY_REPEAT(a, 1000000000)
ARRAY_INSERT(ARRAY(a), 1000000000, a)
ARRAY_REPEAT(ARRAY_REPEAT(a, 10000), 10000)
SEQUENCE(1, 1000000000)
SEQUENCE(-1000000000, 1)
SEQUENCE(1, CAST(a AS INT))
SEQUENCE(1, LEAST(CAST(a AS INT), 2000000000))
SEQUENCE(a, LEAST(b, a + 100))
SEQUENCE(a, GREATEST(a, b))
SEQUENCE(a, GREATEST(a, LEAST(b, c + 100)))
SEQUENCE(a, GREATEST(b, LEAST(c, a + 100)))
SEQUENCE(a, GREATEST(a, b, LEAST(c, a + 100)))
SEQUENCE(a, LEAST(a + 100, GREATEST(c, b)))
SEQUENCE(a, LEAST(a + 100, b, GREATEST(c, a)))
SEQUENCE(a, GREATEST(a, LEAST(b, a + 100000000)))
ARRAY_INSERT(ARRAY(a), LEAST(b, 5), a)
SEQUENCE(DATE '0001-01-01', DATE '9999-12-31')
SEQUENCE(CAST(a AS DATE), CAST(b AS DATE), INTERVAL 1 DAY)
SEQUENCE(CAST(a AS DATE), LEAST(CAST(b AS DATE), DATE_ADD(CAST(c AS DATE), 9)))
SEQUENCE(TIMESTAMP '2020-01-01 00:00:00', TIMESTAMP '2021-01-01 00:00:00', INTERVAL 1 SECOND)
SIZE(TRANSFORM(SEQUENCE(1, 10000), x -> REPEAT('x', 10000)))
FORMAT_STRING('%1000000000d', 1)
FORMAT_STRING(a, 1)
FORMAT_STRING(CONCAT('%100', '000', '000d'), 1)
PRINTF('%1$1000d', 1)
PRINTF('%%%1000d', 1)
PRINTF()
REPEAT('x')
ARRAY_REPEAT(a)
STACK()
SPACE()
LPAD(a)
RPAD(a)
FORMAT_NUMBER(1)
ARRAY_INSERT(ARRAY(a))
SEQUENCE()
PRINTF('%.999999999f', 1.0D)
FORMAT_NUMBER(1.5, 1000000000)
AGGREGATE(SEQUENCE(1, 40), 'x', (acc, y) -> CONCAT(acc, acc))
REDUCE(SEQUENCE(1, 40), 'x', (acc, y) -> acc || acc)
AGGREGATE(SEQUENCE(1, 40), 'x', (acc, y) -> REPLACE(acc, 'x', 'xx'))
AGGREGATE(SEQUENCE(1, 40), ARRAY(1), (acc, y) -> FLATTEN(ARRAY(acc, acc)))
AGGREGATE(SEQUENCE(1, 40), STRUCT('x' AS t), (acc, y) -> STRUCT(CONCAT(acc.t, acc.t) AS t))
AGGREGATE(SEQUENCE(1, 40), 'x', (acc, y) -> TO_JSON(STRUCT(acc, acc)))
a RLIKE '(a+)+b'
a REGEXP '(a*)*b'
REGEXP_LIKE(a, '(a|a)*b')
REGEXP_LIKE(a, '(\\w|\\d)+x')
REGEXP_REPLACE(a, '([a-z]+)*[0-9]', '')
REGEXP_EXTRACT(a, '(?:x+x+)+y', 0)
REGEXP_EXTRACT_ALL(a, '((a?){40})a{40}')
REGEXP_COUNT(a, '(?<n>a+)+b')
SPLIT(a, '(,+)+;')
STR_TO_MAP(a, '(,+)+;', ':')
a RLIKE b
SPLIT(a, b)
REGEXP_REPLACE(a, CONCAT('(', b, '+)+'), '')
a RLIKE '.*.*.*.*.*.*.*.*.*.*.*x'
a RLIKE 'a{100000}'
a LIKE '%a%b%c%d%e%f%'
a LIKE b
a LIKE ANY ('x', '%a%b%c%d%e%f%')
a LIKE '%a%a%a%a%b'
AGGREGATE(SEQUENCE(1, 40), MAP(1, 'x'), (acc, y) -> TRANSFORM_VALUES(acc, (k, v) -> CONCAT(v, v)))
AGGREGATE(SEQUENCE(1, 40), MAP(1, 'x'), (acc, y) -> MAP_ZIP_WITH(acc, acc, (k, v, w) -> CONCAT(v, w)))
AGGREGATE(SEQUENCE(1, 40), MAP('x', 1), (acc, y) -> TRANSFORM_KEYS(acc, (k, v) -> CONCAT(k, k)))
AGGREGATE(SEQUENCE(1, 40), ARRAY('x'), (acc, y) -> TRANSFORM(acc, v -> CONCAT(v, v)))
LPAD(a, IF(b = 'x', 10, b), '0')
TRANSFORM(SEQUENCE(1, 10000), x -> LPAD('x', 10000))
ARRAY_JOIN(SEQUENCE(1, 10000), LPAD('x', 10000))
CONCAT_WS(SPACE(10000), TRANSFORM(SEQUENCE(1, 10000), x -> a))
LPAD(a, IF(b = 'x', 10, 1000000), '0')
a RLIKE '[\\Q[\\E](a+)+b'
a RLIKE '\\c)(a+)+b'
a RLIKE '(?i)(a|A)*b'
a RLIKE '(?x)(a| a)*b'
a RLIKE '((((a?){5}){5}){5})a{125}'
a RLIKE 'a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?b'
a RLIKE '(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)b'
a RLIKE 'a{0,1000}a{0,1000}a{0,1000}b'
a RLIKE '.*.*.*x'
a RLIKE '.*,.*;.*x'
a RLIKE 'a*(?!c)a*(?!c)a*(?!c)ab'
a RLIKE '(a*b?){2}(a*c?){2}(a*d?){2}x'
a RLIKE '(abc|ab)+x'
""".strip().splitlines()


@pytest.mark.parametrize("value", BOMBS)
def test_what_makes_more_than_is_written_is_refused_with_its_line(value: str) -> None:
    mapping, problems = parse_mapping("t", f"SELECT\n  b AS c,\n  {value} AS x\nFROM t", "t.sql")
    assert mapping is None
    assert [problem.where for problem in problems] == ["t.sql:3"] * len(problems) != []
    view, problems = parse_query(f"SELECT b, {value} AS x FROM t", "source.yaml", first_line=40)
    assert view is None
    assert {problem.where for problem in problems} == {"source.yaml:40"}


PATTERNS = r"""
^\\s*([A-Z]{2})\\s*-\\s*(\\d+)\\s*$
(foo|fob)+
^(\\d{1,3}\\.){3}\\d{1,3}$
^\\+?\\d{1,3}[- ]?\\d{1,4}[- ]?\\d+$
^([^,]*),([^,]*),([^,]*),(.*)$
.*foo.*bar
[\\w.+-]+@[\\w-]+\\.[a-z]+
(?i)^(mr|mrs|dr)\\.? +[a-z]+$
""".strip().splitlines()


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern_whose_repetitions_end_at_what_follows_is_allowed(pattern: str) -> None:
    _, problems = parse_query(f"SELECT a RLIKE '{pattern}' AS x FROM t", "source.yaml")
    assert problems == []


ALLOWED = """
AGGREGATE(b, NAMED_STRUCT('n', 0, 's', 0), (acc, x) -> NAMED_STRUCT('n', acc.n + 1, 's', GREATEST(acc.s, x)))
AGGREGATE(b, 0, (acc, x) -> CASE WHEN x > acc THEN x ELSE acc END)
LPAD(a, IF(b = 'x', 10, 8), '0')
a LIKE '%a%b%c%'
CONCAT(LPAD(a, 10, '0'), LPAD(b, 10, '0'), LPAD(c, 10, '0'), LPAD(d, 10, '0'), RPAD(e, 99, ' '), RPAD(f, 999, ' '))
""".strip().splitlines()


@pytest.mark.parametrize("value", ALLOWED)
def test_what_is_bounded_is_allowed(value: str) -> None:
    _, problems = parse_query(f"SELECT {value} AS x FROM t", "source.yaml")
    assert problems == []


TENS = " ".join(f"LATERAL VIEW EXPLODE(ARRAY(1, 2, 3, 4, 5, 6, 7, 8, 9, 0)) a{place} AS b{place}" for place in range(7))


@pytest.mark.parametrize(
    "views",
    [TENS, "LATERAL VIEW EXPLODE(SPLIT(SPACE(10000), ' ')) x AS y LATERAL VIEW EXPLODE(SPLIT(SPACE(999), ' ')) z AS w"],
)
def test_rows_that_are_made_of_one_multiply(views: str) -> None:
    _, problems = parse_query(f"SELECT a FROM t {views}", "source.yaml")
    assert ["rows, elements or characters together" in problem.what for problem in problems] == [True]


def test_the_sides_of_a_union_add_up() -> None:
    side = "SELECT a FROM t LATERAL VIEW EXPLODE(SEQUENCE(1, 120)) x AS y"
    _, problems = parse_query(" UNION ALL ".join([side] * 4), "source.yaml")
    assert problems == []
