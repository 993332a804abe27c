"""Spark SQL as a contender: its session, its bucketed files, its tables.

Whatever gives Spark SQL its best case. ``sql`` has the queries.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.groups import ROOT
from benchmarks.layouts import READ_COLUMNS, Folder
from tallystick.tables import open_session
from tallystick.tables.runtime.profile import read_profile

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

MEMORY = "12g"


def open_contender(cores: int, scratch: Path) -> SparkSession:
    """A session for long queries: all of the JIT, and the parallel collector; short jobs do better without."""
    options = read_profile(ROOT)["spark.driver.extraJavaOptions"].split()
    kept = [option for option in options if not option.startswith("-XX:")]
    own = {
        "spark.driver.memory": MEMORY,
        "spark.driver.extraJavaOptions": " ".join([*kept, "-XX:+UseParallelGC"]),
        "spark.sql.parquet.compression.codec": "snappy",
        "spark.sql.shuffle.partitions": str(2 * cores),
        "spark.sql.warehouse.dir": str(scratch / "spark-warehouse"),
    }
    return open_session("benchmark contender", cores=cores, extra_conf=own.items(), project=ROOT)


def make_buckets(session: SparkSession, folder: Folder, fraction: int) -> dict[str, Any]:
    """The events of a share bucketed by customer and sorted, from those of DuckDB: no query shuffles them."""
    return folder.once(f"spark_1_of_{fraction}", lambda: _make(session, folder, fraction))


def _make(session: SparkSession, folder: Folder, fraction: int) -> dict[str, Any]:
    target = folder.share("spark", fraction)
    shutil.rmtree(target, ignore_errors=True)
    buckets = max(2, folder.scale.buckets // fraction)
    events = session.read.parquet(f"{folder.share('duckdb', fraction)}/events_*.parquet").select(*READ_COLUMNS)
    placed = events.repartition(buckets, "customer_id")
    writer = placed.write.bucketBy(buckets, "customer_id").sortBy("customer_id", "event_at")
    writer.option("path", str(target)).mode("overwrite").format("parquet").saveAsTable("made")
    session.sql("DROP TABLE made")
    return {"buckets": buckets}


def show_tables(session: SparkSession, folder: Folder, fraction: int, *, buckets: int) -> None:
    """The views ``events`` and ``asked`` of a share."""
    table = f"events_{fraction}"
    columns = session.read.parquet(str(folder.share("spark", fraction))).schema
    declared = ", ".join(f"{field.name} {field.dataType.simpleString()}" for field in columns)
    session.sql(f"DROP TABLE IF EXISTS {table}")
    session.sql(
        f"""CREATE TABLE {table} ({declared}) USING parquet
        CLUSTERED BY (customer_id) SORTED BY (customer_id, event_at) INTO {buckets} BUCKETS
        LOCATION '{folder.share("spark", fraction)}'"""
    )
    session.table(table).createOrReplaceTempView("events")
    asked = session.read.parquet(str(folder.share("duckdb", fraction) / "asked.parquet"))
    # Small enough to be sent to every task, whatever the statistics say.
    asked.hint("broadcast").createOrReplaceTempView("asked")
