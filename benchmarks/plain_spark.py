"""The first load as a good Spark engineer writes it without this project: ``python -m benchmarks.plain_spark``.

One process and one session with the settings that the ingest job has. A file a table: ``spark.read.schema(types)`` with
the file's delimiter, encoding and format of times, so that the CSV reader makes the types itself; ``dropDuplicates`` on
the key; ``pmod(xxhash64(customer), buckets)``; ``repartition`` by that bucket, ``sortWithinPartitions``, and
``write.partitionBy("bucket").format("delta")``. No window function, nothing cached, nothing counted. Apart from the
command because it is a process of its own.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from benchmarks.bank_file import ZONE, BankFile
from benchmarks.bank_files import FILES
from benchmarks.groups import ROOT
from tallystick.tables import open_session

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

_READ_AS = {
    "text": "STRING",
    "instant": "TIMESTAMP",
    "millis": "BIGINT",
    "day": "DATE",
    "yuan": "DECIMAL(18, 2)",
    "whole": "INT",
    "long": "BIGINT",
    "real": "DOUBLE",
    "flag": "INT",
}


def load_files(session: SparkSession, delivery: Path, out: Path, *, buckets: int) -> None:
    """Write each file of the delivery as a Delta table below ``out``, named as the file."""
    for file in FILES:
        rows = read_typed(session, delivery, file).dropDuplicates(list(file.key))
        if file.customer:
            bucket = F.pmod(F.xxhash64(file.customer), F.lit(buckets)).cast("int")
            rows = rows.withColumn("bucket", bucket).repartition(buckets, "bucket")
            writer = rows.sortWithinPartitions("bucket", *file.sort).write.partitionBy("bucket")
        else:
            writer = rows.coalesce(1).sortWithinPartitions(*file.sort).write
        writer.format("delta").save(str(out / file.name))


def read_typed(session: SparkSession, delivery: Path, file: BankFile) -> DataFrame:
    """The rows of a file under the table's names and types; a field that does not read is null."""
    schema = ", ".join(f"{header} {_READ_AS[kind]}" for header, (kind, _) in file.columns.items())
    reader = session.read.schema(schema).options(
        header=True,
        sep=file.delimiter,
        encoding=file.encoding,
        timestampFormat=file.instant,
        dateFormat=file.instant.split()[0],
        timeZone=ZONE,
    )
    rows = reader.csv(str(delivery / f"{file.name}.csv.gz"))
    return rows.select(*(_typed(F.col(header), kind).alias(name) for header, (kind, name) in file.columns.items()))


def _typed(column: Column, kind: str) -> Column:
    if kind == "millis":
        return F.timestamp_millis(column)
    if kind == "yuan":
        return (column * 100).cast("bigint")
    return column == 1 if kind == "flag" else column


def main() -> None:
    """Load one delivery."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.plain_spark", description="Load as plain Spark does.")
    parser.add_argument("delivery", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--buckets", type=int, required=True)
    parser.add_argument("--whole-jit", action="store_true", help="all of Java's compiler, not its first stage only")
    args = parser.parse_args()
    # Without it Spark 4 reads no GB 18030.
    extra = [("spark.sql.legacy.javaCharsets", "true"), *(_whole_jit() if args.whole_jit else [])]
    session = open_session("plain spark", extra_conf=extra, project=ROOT)
    load_files(session, args.delivery, args.out, buckets=args.buckets)
    session.stop()


def _whole_jit() -> list[tuple[str, str]]:
    from tallystick.tables.runtime.profile import read_profile

    options = read_profile(ROOT)["spark.driver.extraJavaOptions"].split()
    kept = [option for option in options if not option.startswith("-XX:TieredStopAtLevel")]
    return [("spark.driver.extraJavaOptions", " ".join(kept))]


if __name__ == "__main__":
    main()
