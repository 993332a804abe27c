"""Opens DuckDB with the settings and functions under which a translated query answers as Spark does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from duckdb.func import FunctionNullHandling, PythonUDFType

from tallystick.dialect import own_functions
from tallystick.dialect.map_cells import MAP_FUNCTIONS
from tallystick.dialect.types import held_as


@dataclass(frozen=True, slots=True)
class OwnFunction:
    """A function that DuckDB gets from us: its name in SQL, what computes it, and its types."""

    name: str
    compute: Callable[..., Any]
    takes: tuple[str, ...]
    gives: str


OWN_FUNCTIONS = (
    OwnFunction("spark_int", own_functions.read_whole(32), ("VARCHAR",), "INTEGER"),
    OwnFunction("spark_bigint", own_functions.read_whole(64), ("VARCHAR",), "BIGINT"),
    OwnFunction("spark_decimal", own_functions.read_decimal, ("VARCHAR", "INTEGER", "INTEGER"), "VARCHAR"),
    OwnFunction("spark_double", own_functions.read_double, ("VARCHAR",), "DOUBLE"),
    OwnFunction("spark_boolean", own_functions.read_boolean, ("VARCHAR",), "BOOLEAN"),
    OwnFunction("spark_date", own_functions.read_date, ("VARCHAR",), "DATE"),
    OwnFunction("spark_timestamp", own_functions.read_timestamp, ("VARCHAR",), "TIMESTAMPTZ"),
    OwnFunction("spark_timestamp_ntz", own_functions.read_clock, ("VARCHAR",), "TIMESTAMP"),
    OwnFunction("spark_pattern", own_functions.read_pattern, ("VARCHAR", "VARCHAR"), "TIMESTAMPTZ"),
    OwnFunction("spark_to_utc", own_functions.to_utc, ("TIMESTAMPTZ", "VARCHAR"), "TIMESTAMPTZ"),
    OwnFunction("spark_from_utc", own_functions.from_utc, ("TIMESTAMPTZ", "VARCHAR"), "TIMESTAMPTZ"),
    OwnFunction("spark_lower", own_functions.change_case("lower"), ("VARCHAR",), "VARCHAR"),
    OwnFunction("spark_upper", own_functions.change_case("upper"), ("VARCHAR",), "VARCHAR"),
    OwnFunction("spark_date_text", own_functions.write_dates, ("DATE",), "VARCHAR"),
    OwnFunction("spark_time_text", own_functions.write_times, ("TIMESTAMP",), "VARCHAR"),
    OwnFunction("spark_hash", own_functions.hash_column, ("VARCHAR",), "BIGINT"),
    *(OwnFunction(own.name, own.compute, own.takes, held_as(own.type)) for own in MAP_FUNCTIONS),
)


# What Spark calls the errors that a query can stop with.
_CONDITIONS: dict[type[duckdb.Error], str] = {
    duckdb.OutOfRangeException: "ARITHMETIC_OVERFLOW",
    duckdb.ConversionException: "CAST_INVALID_INPUT",
}


class QueryStopped(Exception):
    """A query stopped on a row: ``condition`` is Spark's name for why. DuckDB's own text may quote the row."""

    def __init__(self, condition: str) -> None:
        super().__init__(condition)
        self.condition = condition


def answer(connection: duckdb.DuckDBPyConnection, sql: str) -> pa.Table:
    """All rows of a query; QueryStopped where it stops on one."""
    try:
        return connection.sql(sql).to_arrow_table()
    except duckdb.Error as error:
        raise QueryStopped(_CONDITIONS.get(type(error), type(error).__name__)) from None


@contextmanager
def connect(
    *, threads: int = 1, memory_mb: int | None = None, folder: Path | None = None
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database in memory in which translated queries run. ``folder`` takes what does not fit into ``memory_mb``.

    Queries must be done before it closes. It reads no files and loads no extension.
    """
    settings: dict[str, Any] = {
        "threads": threads,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "preserve_insertion_order": False,
        # A name in a query is a registered table, never a variable of whoever asks.
        "python_enable_replacements": False,
    }
    if memory_mb is not None:
        settings["memory_limit"] = f"{memory_mb}MB"
    settings["temp_directory"] = str(folder) if folder is not None else ""
    connection = duckdb.connect(":memory:", config=settings)
    try:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("SET enable_external_access = false")
        for own in OWN_FUNCTIONS:
            connection.create_function(
                own.name,
                own.compute,
                list(own.takes),
                own.gives,
                type=PythonUDFType.ARROW,
                null_handling=FunctionNullHandling.SPECIAL,
            )
        yield connection
    finally:
        connection.close()
