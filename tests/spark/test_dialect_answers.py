"""Spark is the judge of every rule: one text, all nasty values of a type, the same answer from both engines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.lib.dialect_cases import EXPRESSIONS
from tests.lib.dialects import rows_of_both, values_of

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


SO_FAR = "OVER (PARTITION BY n % 3 ORDER BY n ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)"


@pytest.mark.parametrize("kind", sorted(EXPRESSIONS))
def test_every_rule_answers_as_spark_does(spark: SparkSession, kind: str) -> None:
    told = {f"c{number}": expression for number, expression in enumerate(EXPRESSIONS[kind])}
    listed = ", ".join(f"{expression} AS {name}" for name, expression in told.items())
    theirs, ours = rows_of_both(spark, f"SELECT n, x, {listed} FROM t", {"t": values_of(kind)})
    assert len(theirs) == len(ours)
    wrong = [
        f"{told[name]} of {one['x']!r}: Spark {one[name]!r}, DuckDB {other[name]!r}"
        for one, other in zip(theirs, ours, strict=True)
        for name in told
        if one[name] != other[name]
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    "sql",
    [
        f"SELECT n, SUM(x) {SO_FAR} AS before, SUM(n) OVER (PARTITION BY n % 3) AS whole FROM t",
        f"SELECT n, MAX(STRUCT(x, n)) {SO_FAR} AS last, MIN(STRUCT(x, n)) OVER (PARTITION BY n % 3) AS first FROM t",
        "SELECT n, x, EXPLODE(SEQUENCE(n % 4, x % 5)) AS number FROM t",
        "SELECT number, COUNT(*) AS rows FROM (SELECT EXPLODE(SEQUENCE(1, 3)) AS number FROM t) GROUP BY number",
    ],
)
def test_sums_over_windows_and_sequences_are_those_of_spark(spark: SparkSession, sql: str) -> None:
    theirs, ours = rows_of_both(spark, sql, {"t": values_of("int")})
    assert ours == theirs
    assert len(ours) > 2
