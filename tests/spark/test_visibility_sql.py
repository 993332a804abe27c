"""The drawn tables of versions hold for the SQL of labels and of ingest, run by Spark."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from tallystick.labels.engines import query_of
from tallystick.labels.versions import in_force_sql, known_versions
from tallystick.visibility.sql import newest_sql, until_sql
from tests.spec.drawn_tables import VersionCase
from tests.spec.drawn_versions import days_of, midnight, versions_of
from tests.spec.version_cases import VERSIONS

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

COLUMNS = (
    "case_number",
    "source",
    "transaction_id",
    "event_at",
    "known_on",
    "loaded_on",
    "is_retracted",
    "amount_minor",
)
SCHEMA = (
    "case_number int, source string, transaction_id string, event_at timestamp, known_on date, loaded_on date,"
    " is_retracted boolean, amount_minor bigint"
)
Told = set[tuple[int, str, int]]


def stored(spark: SparkSession) -> DataFrame:
    """All cases as rows of one table; their events do not meet."""
    rows = []
    for number, case in enumerate(VERSIONS):
        for row in versions_of(case).to_pylist():
            made = {**row, "case_number": number, "source": "s", "transaction_id": f"{number}/{row['transaction_id']}"}
            rows.append(tuple(made[name] for name in COLUMNS))
    return spark.createDataFrame(rows, SCHEMA).coalesce(1)


def drawn() -> Told:
    """(case, day, amount) of every row that is in."""
    found = set()
    for number, case in enumerate(VERSIONS):
        for place, row in enumerate(case.rows):
            found |= {(number, column, 2**place) for column in case.answers if row[column]}
    return found


def every_day() -> list[tuple[str, VersionCase, dt.date]]:
    """Each column of the cases once, with its day."""
    assert len({tuple(case.answers) for case in VERSIONS}) == 1
    return [(column, VERSIONS[0], day) for column, day in days_of(VERSIONS[0]).items()]


def test_labels_see_the_version_that_the_tables_draw(spark: SparkSession) -> None:
    stored(spark).createOrReplaceTempView("drawn_versions")
    frames = [
        spark.sql(
            query_of(
                {
                    **known_versions("seen", "drawn_versions", "transaction_id", cutoff=day),
                    "newest": in_force_sql("seen"),
                }
            )
        )
        .where(F.col("event_at") < F.lit(midnight(case, day)))
        .select("case_number", F.lit(column).alias("day"), "amount_minor")
        for column, case, day in every_day()
    ]
    united = frames[0]
    for frame in frames[1:]:
        united = united.unionAll(frame)
    assert {tuple(row) for row in united.collect()} == drawn()


def test_the_end_of_a_version_in_sql_is_what_the_tables_draw(spark: SparkSession) -> None:
    spans = stored(spark).withColumn("_until", F.expr(until_sql(("source", "transaction_id")))).collect()
    found = {
        (row["case_number"], column, row["amount_minor"])
        for column, case, day in every_day()
        for row in spans
        if row["known_on"] <= day and (row["_until"] is None or row["_until"] > day)
        if not row["is_retracted"] and row["event_at"].replace(tzinfo=dt.UTC) < midnight(case, day)
    }
    assert found == drawn()


def test_the_newest_version_is_the_one_delivered_last(spark: SparkSession) -> None:
    stored(spark).createOrReplaceTempView("drawn_versions")
    found = {
        row["transaction_id"]: row["amount_minor"]
        for row in spark.sql(newest_sql("drawn_versions", "transaction_id")).collect()
    }
    # Within an event the tables draw versions in the order of delivery.
    last = {f"{n}/{row['event']}": 2**place for n, case in enumerate(VERSIONS) for place, row in enumerate(case.rows)}
    assert found == last
