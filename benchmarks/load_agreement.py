"""Whether two first loads of the same files hold the same rows: keys, instants and money, file by file.

Apart from ``agreement``, which compares features. Our side is the clean tables: where a mapping makes two rows of a
line (a message has two sides), the suffix of the id goes, and what was rejected is counted by line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
from deltalake import DeltaTable

from benchmarks.bank_file import BankFile
from benchmarks.bank_files import FILES

# The sides that sources/simbank makes of one line.
_SIDES = "-(a|b|in|out)$"


@dataclass(frozen=True, kw_only=True, slots=True)
class FileRows:
    """Where one side keeps the rows of a file, and where our rejects of it are."""

    ours: Sequence[str]
    rejected: Sequence[str]
    theirs: Sequence[str]


def delta_files(table: Path) -> list[str]:
    """The Parquet files of a Delta table's last version."""
    return DeltaTable(table).file_uris() if (table / "_delta_log").is_dir() else []


def rows_of(file: BankFile, warehouse: Path, theirs: Sequence[str]) -> FileRows:
    """The files that hold the rows of ``file`` in our warehouse and at the other side."""
    clean = warehouse / "clean"
    return FileRows(
        ours=delta_files(clean / file.table), rejected=delta_files(clean / f"{file.table}_rejected"), theirs=theirs
    )


def differences(file: BankFile, rows: FileRows) -> list[str]:
    """What differs; empty when each key is on both sides with the same instant and the same money, but for the lines
    that we rejected.
    """
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"CREATE TABLE ours AS {_ours(file, rows.ours)}")
        connection.execute(f"CREATE TABLE theirs AS SELECT {', '.join(_compared(file))} FROM {_parquet(rows.theirs)}")
        keys, values = ", ".join(file.key), ", ".join(_compared(file))
        told = {
            "keys twice at the other side": f"SELECT {keys} FROM theirs GROUP BY ALL HAVING count(*) > 1",
            "keys that only we have": f"SELECT {keys} FROM ours EXCEPT SELECT {keys} FROM theirs",
            "keys with other values": (
                f"SELECT {values} FROM ours EXCEPT SELECT {values} FROM theirs SEMI JOIN ours USING ({keys})"
            ),
        }
        found = {what: _count(connection, query) for what, query in told.items()}
        missing = _count(connection, f"SELECT {keys} FROM theirs EXCEPT SELECT {keys} FROM ours")
        lines = _count(connection, f"SELECT DISTINCT file, line FROM {_parquet(rows.rejected)}") if rows.rejected else 0
        if missing > lines:
            found["keys that only the other side has, more than our rejected lines"] = missing - lines
        if not _count(connection, "FROM ours"):
            found["rows, for we have none"] = _count(connection, "FROM theirs")
    return [f"{file.name}: {count:,} {what}" for what, count in found.items() if count]


def all_differences(warehouse: Path, out: Path) -> list[str]:
    """The differences of all files; ``out`` has a Delta table or a Parquet file for each."""
    found = []
    for file in FILES:
        single = out / f"{file.name}.parquet"
        theirs = [str(single)] if single.exists() else delta_files(out / file.name)
        found += differences(file, rows_of(file, warehouse, theirs))
    return found


def _ours(file: BankFile, paths: Sequence[str]) -> str:
    first, *others = _compared(file)
    chosen = ", ".join([f"regexp_replace({first}, '{_SIDES}', '') AS {first}", *others])
    return f"SELECT DISTINCT {chosen} FROM {_parquet(paths)}"


def _compared(file: BankFile) -> list[str]:
    money = [name for kind, name in file.columns.values() if kind == "yuan"]
    return list(dict.fromkeys([*file.key, "event_at", *money]))


def _parquet(paths: Sequence[str]) -> str:
    listed = ", ".join(f"'{path}'" for path in paths)
    return f"read_parquet([{listed}], hive_partitioning = false)"


def _count(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    found = connection.execute(f"SELECT count(*) FROM ({query})").fetchone()
    return int(found[0]) if found else 0
