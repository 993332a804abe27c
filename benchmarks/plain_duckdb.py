"""The same text in DuckDB, typed and sorted, one Parquet file a table: ``python -m benchmarks.plain_duckdb``.

The least that reading these files can cost. No duplicate is dropped, nothing is bucketed, and a line that does not read
is left out. DuckDB reads no GB 18030: Python decodes those files first. Apart from the command because it is a process
of its own.
"""

from __future__ import annotations

import argparse
import gzip
import shutil
import tempfile
from pathlib import Path

import duckdb

from benchmarks.bank_file import ZONE, BankFile
from benchmarks.bank_files import FILES

_READ_AS = {
    "text": "VARCHAR",
    "instant": "TIMESTAMP",
    "millis": "BIGINT",
    "day": "DATE",
    "yuan": "DECIMAL(18, 2)",
    "whole": "INTEGER",
    "long": "BIGINT",
    "real": "DOUBLE",
    "flag": "TINYINT",
}
_SPELT = {"yyyy": "%Y", "MM": "%m", "dd": "%d", "HH": "%H", "mm": "%M", "ss": "%S"}


def load_files(delivery: Path, out: Path, *, cores: int = 2) -> None:
    """Write each file of the delivery as a Parquet file in ``out``, named as the file."""
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, duckdb.connect() as connection:
        connection.execute(f"SET threads = {cores}; SET TimeZone = 'UTC'; SET temp_directory = '{scratch}/spill'")
        for file in FILES:
            path = _in_utf8(delivery / f"{file.name}.csv.gz", file.encoding, Path(scratch))
            query = select_sql(file, path)
            connection.execute(f"COPY ({query}) TO '{out / file.name}.parquet' (FORMAT parquet, COMPRESSION zstd)")


def select_sql(file: BankFile, path: Path) -> str:
    """The query that reads a file under the table's names and types, in the table's order."""
    types = ", ".join(f"'{header}': '{_READ_AS[kind]}'" for header, (kind, _) in file.columns.items())
    spelt = file.instant
    for ours, theirs in _SPELT.items():
        spelt = spelt.replace(ours, theirs)
    chosen = ", ".join(f"{_typed(header, kind)} AS {name}" for header, (kind, name) in file.columns.items())
    return f"""
        SELECT {chosen}
        FROM read_csv('{path}', header = true, delim = '{file.delimiter}', quote = '', escape = '', auto_detect = false,
            columns = {{{types}}}, timestampformat = '{spelt}', dateformat = '{spelt.split()[0]}', ignore_errors = true)
        ORDER BY {", ".join(file.sort)}"""


def _typed(header: str, kind: str) -> str:
    if kind == "instant":
        return f"timezone('{ZONE}', {header})"
    if kind == "millis":
        return f"to_timestamp({header} / 1000)"
    if kind == "yuan":
        return f"CAST({header} * 100 AS BIGINT)"
    return f"{header} = 1" if kind == "flag" else header


def _in_utf8(path: Path, encoding: str, scratch: Path) -> Path:
    if encoding == "utf-8":
        return path
    target = scratch / path.name.removesuffix(".gz")
    with gzip.open(path, "rt", encoding=encoding, newline="") as source, target.open("w", encoding="utf-8") as copy:
        shutil.copyfileobj(source, copy, 1 << 20)
    return target


def main() -> None:
    """Load one delivery."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.plain_duckdb", description="Load as DuckDB does.")
    parser.add_argument("delivery", type=Path)
    parser.add_argument("out", type=Path)
    args = parser.parse_args()
    load_files(args.delivery, args.out)


if __name__ == "__main__":
    main()
