"""Makes the archive of Spark's classes: a JVM maps it into memory instead of reading ten thousand classes.

Apart from the session because making it takes a session of its own, whose JVM writes at its end what it has loaded.
`make setup` runs it. Without an archive, or with one of another Java or other jars, a JVM starts as it always did, and
takes 5 CPU seconds more until its first results (measured on Java 17: 15 without, 10 with).

    python -m tallystick.tables.runtime.class_archive        writes conf/local/spark-classes.jsa and prints its path
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# Nobody waits longer for a JVM that writes its archive; half a minute is usual.
LONGEST_WAIT = 300


def make_archive() -> Path:
    """Make the archive, in place of an older one, and return its path; the file is empty where this Java makes none."""
    from tallystick.tables.runtime.profile import ARCHIVE, QUIET, find_home, read_profile
    from tallystick.tables.runtime.session import open_session, own_processes

    ARCHIVE.parent.mkdir(parents=True, exist_ok=True)
    ARCHIVE.unlink(missing_ok=True)
    part = ARCHIVE.with_name(f"{ARCHIVE.name}.part")
    part.unlink(missing_ok=True)
    name = "spark.driver.extraJavaOptions"
    options = f"{read_profile(find_home())[name]} -XX:ArchiveClassesAtExit={part} {QUIET}"
    session = open_session("class archive", extra_conf=[(name, options)])
    with tempfile.TemporaryDirectory() as folder:
        _load_classes(session, Path(folder))
    processes = own_processes()
    session.stop()
    for process in processes:
        # Its JVM ends when nobody can write to it any more, and only then writes the archive.
        if process.stdin is not None:
            process.stdin.close()
        process.wait(timeout=LONGEST_WAIT)
    part.touch()
    part.replace(ARCHIVE)
    return ARCHIVE


def _load_classes(session: SparkSession, folder: Path) -> None:
    """Do a little of everything that runs do, so that its classes are in the archive."""
    from pyspark.sql import Window
    from pyspark.sql import functions as F

    table, rows = str(folder / "rows"), session.range(20)
    latest = F.row_number().over(Window.partitionBy("bucket").orderBy(F.desc("id")))
    made = rows.select(
        "id",
        (F.col("id") % 2).alias("bucket"),
        F.date_add(F.lit("2024-01-31").cast("date"), F.col("id").cast("int")).alias("known_on"),
        F.concat(F.lit("a"), "id").alias("text"),
        F.col("id").cast("decimal(18,2)").alias("amount"),
    )
    made.write.format("delta").partitionBy("bucket").save(table)
    stored = session.read.format("delta").load(table)
    made.where("bucket = 1").write.format("delta").mode("overwrite").option("replaceWhere", "bucket = 1").save(table)
    newest = stored.withColumn("place", latest).where("place <= 5")
    joined = newest.join(stored.groupBy("bucket").agg(F.sum("amount").alias("total"), F.max("known_on")), "bucket")
    joined.where(F.col("known_on") > F.lit("2024-02-01").cast("date")).toArrow()
    stored.select("id", "text").mapInArrow(lambda batches: batches, "id long, text string").collect()
    stored.write.mode("overwrite").parquet(str(folder / "files"))
    session.read.parquet(str(folder / "files")).orderBy("id").toArrow()


if __name__ == "__main__":
    sys.stdout.write(f"{make_archive()}\n")
