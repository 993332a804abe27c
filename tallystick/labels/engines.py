"""Queries of several steps, and who answers them: Spark, or DuckDB in this process with the same rows.

Apart because nothing else of labels knows an engine: all that they mean is SQL text.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

# name -> query, which may read the queries before it and the tables that are given.
Steps = dict[str, str]

_SPARK_TYPES = {"int32": "int", "int64": "bigint", "bool": "boolean", "date32[day]": "date"}


def query_of(steps: Mapping[str, str]) -> str:
    """The rows of the last step, as one query."""
    *names, last = steps
    before = ", ".join(f"{name} AS ({steps[name]})" for name in names)
    return f"WITH {before} {steps[last]}" if before else steps[last]


def view_name(table: str) -> str:
    """What a table is called in queries: ``tally_clean_loans`` for clean.loans. A session may have views of its own."""
    return f"tally_{table.replace('.', '_')}"


def day_sql(day: date) -> str:
    """A date as it stands in SQL."""
    return f"DATE '{day.isoformat()}'"


def ask_spark(sql: str, frames: Mapping[str, DataFrame]) -> DataFrame:
    """The rows of a query over frames of one session, by table; nothing is computed yet."""
    session = next(iter(frames.values())).sparkSession
    for name, frame in frames.items():
        frame.createOrReplaceTempView(view_name(name))
    try:
        return session.sql(sql)
    finally:
        for name in frames:
            session.catalog.dropTempView(view_name(name))


def ask_arrow(sql: str, tables: Mapping[str, pa.Table]) -> pa.Table:
    """The rows of a query over tables in memory. NotTranslated where only Spark knows the answer, QueryStopped where
    the query stops on a row, as it does in Spark.
    """
    # DuckDB takes long to load, and large tables never need it.
    from tallystick.dialect import answer, connect, translate

    types = {view_name(name): {field.name: _spark_type(field.type) for field in table.schema}
             for name, table in tables.items()}  # fmt: skip
    translated = translate(sql, types)
    with connect() as connection:
        for name, table in tables.items():
            connection.register(view_name(name), table)
        return answer(connection, translated)


def _spark_type(kind: pa.DataType) -> str:
    if pa.types.is_timestamp(kind):
        return "timestamp" if kind.tz else "timestamp_ntz"
    return _SPARK_TYPES.get(str(kind), str(kind))
