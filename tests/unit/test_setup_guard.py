"""The guard of the fast kinds works.

Proof that a fast test cannot start Spark.
"""

from __future__ import annotations

import pytest


def test_a_fast_test_that_asks_for_a_session_fails_with_the_reason() -> None:
    from pyspark.sql import SparkSession

    with pytest.raises(pytest.fail.Exception, match="never starts Spark"):
        SparkSession.builder.getOrCreate()


def test_a_fast_test_that_starts_a_context_fails_with_the_reason() -> None:
    from pyspark import SparkContext

    with pytest.raises(pytest.fail.Exception, match="never starts Spark"):
        SparkContext()
