"""Reading tables without Spark: rows as Arrow, and SQL over all tables by DuckDB.

``read_arrow`` and ``query``. Neither pandas nor pyspark is imported: a query answers in two seconds.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from tallystick.errors import InputError, NotFound
from tallystick.spec.tables import LAYERS
from tallystick.tables.store.disk import damaged_file_is_setup_error, refuse_damaged_files
from tallystick.tables.store.snapshots import fetched_dataset, file_paths
from tallystick.tables.store.stored_schema import Gone, gone_columns
from tallystick.tables.store.warehouse import Warehouse, not_found

if TYPE_CHECKING:
    import duckdb
    from deltalake import DeltaTable

# Any mention of layer.table, quoted or not. A mention that is no table (a string, an alias) costs one look, no error.
MENTION = re.compile(rf"\b({'|'.join(LAYERS)})\"?\s*\.\s*\"?(\w+)", re.IGNORECASE)

# No table is read at a version of its own.
NEWEST: Mapping[str, int] = MappingProxyType({})

# What one query may hold in memory; half of a small laptop's.
DEFAULT_MEMORY = "4GB"

# The small files of a store are fetched before a read of so many, and before a statement, which may want few of them.
_FILES_TO_READ, _FILES_TO_SCAN = 256, 16

# The words of an error of DuckDB, among them the column that a statement names, quoted or not.
WORD = re.compile(r"\w+")
_QUOTED = re.compile(r'"+([^"]*)"+')


def read_arrow(
    warehouse: Warehouse,
    name: str,
    *,
    columns: Sequence[str] | None = None,
    version: int | None = None,
    filter: pc.Expression | None = None,  # noqa: A002 - the word Arrow uses for it
) -> pa.Table:
    """Rows of a table at ``version`` (default: newest), partition columns included, in no stated order.

    ``filter`` is an Arrow expression; files that cannot match are not opened. Columns that were retired or renamed are
    left out. NotFound for an unknown table, version or column; for one that was retired or renamed it says so.
    """
    table = warehouse.open(name, version=version)
    dataset = fetched_dataset(table, chosen=filter, most=_FILES_TO_READ)
    gone = gone_columns(table)
    told = [gone[column].text for column in columns or () if column in gone]
    if told:
        raise NotFound("; ".join(told), where=name, fix=f"an earlier version of {name} still shows it")
    unknown = [column for column in columns or () if column not in dataset.schema.names]
    if unknown:
        raise NotFound(f"{name} has no columns {unknown}", where=str(warehouse.root))
    chosen = columns if columns is not None or not gone else [n for n in dataset.schema.names if n not in gone]
    with damaged_file_is_setup_error(name, file_paths(table)):
        return dataset.to_table(columns=list(chosen) if chosen is not None else None, filter=filter)


def query(
    warehouse: Warehouse, sql: str, *, versions: Mapping[str, int] = NEWEST, memory: str = DEFAULT_MEMORY
) -> pa.Table:
    """The result of one SQL statement (DuckDB's dialect) over the tables, named ``layer.table``.

    It can read the tables and nothing else: no file, no network, no extension, no variable of this process, and it can
    change no setting. What does not fit into ``memory`` (as DuckDB writes it: ``4GB``) goes to temporary files.

    A table is read at the version that ``versions`` gives it, any other at its newest. Only the tables that the text
    mentions are opened. Columns that were retired or renamed are in no ``*``, and a statement that names one is told
    what happened to it. NotFound for an unknown table, with the nearest names, and for a version that is gone;
    InputError for a statement that DuckDB refuses, or that wants more than to read the tables.
    """
    import duckdb

    gone: dict[str, Gone] = {}
    with _reading_connection(memory) as connection:
        try:
            opened = warehouse.at_one_moment(
                lambda: {n: warehouse.open(n, version=versions.get(n)) for n in _mentioned(warehouse, sql)}
            )
            for name, table in opened.items():
                gone |= _show(connection, name, table)
            connection.execute("SET lock_configuration = true")
            result = connection.sql(_one_select(connection, sql))
            return result.to_arrow_table() if result is not None else pa.table({})
        except duckdb.CatalogException as error:
            raise _unknown(warehouse, str(error)) from None
        except duckdb.PermissionException:
            what = "a query reads the tables only: no file, network or extension"
            raise InputError(what, where="the SQL statement", fix="name tables as layer.table") from None
        except (duckdb.ParserException, duckdb.BinderException) as error:
            named = [
                gone[name.lower()].text for name in WORD.findall(str(error).partition("\n")[0]) if name.lower() in gone
            ]
            told = "; ".join(dict.fromkeys(named)) or _without_values(str(error), sql)
            raise InputError(told, where="the SQL statement") from None
        except duckdb.Error as error:
            for name in _mentioned(warehouse, sql):
                refuse_damaged_files(name, file_paths(warehouse.open(name, version=versions.get(name))))
            # Its text may quote a row, e.g. the value that could not be cast.
            raise InputError(f"DuckDB stopped: {type(error).__name__}", where="the SQL statement") from None


def _one_select(connection: duckdb.DuckDBPyConnection, sql: str) -> str:
    """The statement, if it is one query that reads; a second one could hide what the first has prepared."""
    import duckdb

    found = connection.extract_statements(sql)
    if len(found) != 1 or found[0].type not in (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN):
        raise InputError("not one query", where="the SQL statement", fix="write one SELECT")
    return sql


def _without_values(message: str, sql: str) -> str:
    """DuckDB's first sentence without what it quotes from rows: only words that stand in the statement are shown."""
    first = message.partition("\n")[0]
    known = sql.lower()
    return _QUOTED.sub(lambda found: found[0] if found[1].lower() in known else '"..."', first)


@contextmanager
def _reading_connection(memory: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database in memory that reaches nothing outside but a folder of its own for what does not fit."""
    import duckdb

    # What it takes from Python, it is given: a FROM that names nothing must not find a variable of this process.
    settings = {"memory_limit": memory, "python_enable_replacements": "false"}
    with tempfile.TemporaryDirectory(prefix="tallystick-sql-") as folder:
        try:
            connection = duckdb.connect(":memory:", config={**settings, "temp_directory": folder})
        except duckdb.Error:
            raise InputError(f"{memory!r} is no amount of memory", where="--memory", fix="4GB, or 512MB") from None
        with connection:
            connection.execute("SET TimeZone = 'UTC'")
            connection.execute("SET enable_external_access = false")
            yield connection


def _mentioned(warehouse: Warehouse, sql: str) -> list[str]:
    names = {f"{layer.lower()}.{table.lower()}" for layer, table in MENTION.findall(sql)}
    return sorted(name for name in names if warehouse.exists(name))


def _show(connection: duckdb.DuckDBPyConnection, name: str, opened: DeltaTable) -> dict[str, Gone]:
    """Make a view of the table; returns the columns that it leaves out, by lower-case name."""
    layer, _, table = name.partition(".")
    gone = gone_columns(opened)
    left_out = ", ".join(f'"{column}"' for column in gone)
    chosen = f"* EXCLUDE ({left_out})" if gone else "*"
    connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{layer}"')
    connection.register(f"_{layer}_{table}", fetched_dataset(opened, most=_FILES_TO_SCAN))
    connection.execute(f'CREATE VIEW "{layer}"."{table}" AS SELECT {chosen} FROM "_{layer}_{table}"')
    return {column.lower(): found for column, found in gone.items()}


def _unknown(warehouse: Warehouse, text: str) -> NotFound | InputError:
    found = re.search(r"Table with name \"?([\w.]+)\"? does not exist(?: because schema \"(\w+)\")?", text)
    if found is None:
        return InputError(text, where="the SQL statement")
    name, schema = found.group(1), found.group(2)
    if schema and not name.startswith(f"{schema}."):
        name = f"{schema}.{name}"
    return not_found(name, warehouse.tables(), where=str(warehouse.root))
