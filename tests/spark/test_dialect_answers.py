"""Spark is the judge of every rule: one text, all nasty values of a type, the same answer from both engines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.lib.dialect_cases import EXPRESSIONS
from tests.lib.dialects import rows_of_both, values_of

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


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
