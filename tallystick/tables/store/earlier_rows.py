"""The rows of a source that earlier loads stored, as a load asks for them: by key, without reading whole tables.

DuckDB reads the files: it decodes the other columns only where a row's key was asked for, so a night's few thousand
keys cost little beside many millions of stored rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import duckdb
import numpy as np
import pyarrow as pa

from tallystick.spec.data_files import DataFile
from tallystick.spec.tables import TableContract
from tallystick.tables.store.disk import damaged_file_is_setup_error
from tallystick.tables.store.duckdb_files import let_duckdb_read
from tallystick.tables.store.schemas import arrow_schema
from tallystick.tables.store.slices import Slice
from tallystick.tables.store.snapshots import Pinned, placement

_SQL_TYPES = {
    "string": "VARCHAR", "int32": "INTEGER", "int64": "BIGINT", "double": "DOUBLE", "boolean": "BOOLEAN",
    "date": "DATE", "timestamp": "TIMESTAMPTZ",
}  # fmt: skip

# The column that tells which file a row came from.
_PATH = "_path"


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredBefore:
    """The rows of ``source`` that were loaded before ``before``, in pinned versions of its tables.

    ``files`` are those that may hold such rows, by table. A table that was not pinned has none.
    """

    source: str
    before: date
    contracts: Mapping[str, TableContract]
    files: Mapping[str, tuple[DataFile, ...]]

    @classmethod
    def of(
        cls, pinned: Iterable[Pinned], contracts: Mapping[str, TableContract], *, source: str, before: date
    ) -> StoredBefore:
        """Those of pinned versions."""
        later = Slice.to_read(column="loaded_on", between=(None, before))
        files = {
            one.name: tuple(f for f in one.where(source=source).files if placement(f.bounds, later) != "outside")
            for one in pinned
        }
        known = {name: contracts[name] for name in files}
        return cls(source=source, before=before, contracts=known, files=files)

    def has_rows(self, table: str) -> bool:
        """Whether any file of the table may hold such rows."""
        return bool(self.files.get(table))

    def matching(self, table: str, column: str, keys: np.ndarray) -> np.ndarray:
        """Those of ``keys`` (``hash`` of DuckDB, sorted, each once) that the column's values have, sorted."""
        stored = f'SELECT hash("{column}") AS _key FROM ({self._rows(table, [column])})'
        asked = pa.table({"_key": keys})
        found = self._ask(table, f"SELECT _key FROM asked SEMI JOIN ({stored}) USING (_key) ORDER BY _key", asked)
        return np.asarray(found["_key"].to_numpy(), dtype=np.uint64)

    def find(self, table: str, column: str, values: pa.Array) -> pa.Table:
        """The rows with one of these values in the column, with all columns of the contract."""
        columns = [one.name for one in self.contracts[table].columns]
        rows = self._rows(table, columns)
        sql = f'SELECT * FROM ({rows}) WHERE "{column}" IN (SELECT _value FROM asked)'
        return self._typed(table, columns, self._ask(table, sql, pa.table({"_value": values})))

    def read(self, table: str, columns: Sequence[str]) -> pa.Table:
        """These columns of all rows."""
        found = self._ask(table, self._rows(table, columns), pa.table({"_none": pa.array([], pa.int64())}))
        return self._typed(table, columns, found)

    def _ask(self, table: str, sql: str, asked: pa.Table) -> pa.Table:
        paths = [file.path for file in self.files[table]]
        with damaged_file_is_setup_error(table, paths), duckdb.connect() as connection:
            let_duckdb_read(connection, paths)
            connection.execute("SET TimeZone = 'UTC'; SET threads = 1")
            connection.register("asked", asked)
            connection.register("placed", self._placed(table))
            return connection.sql(sql).to_arrow_table()

    def _typed(self, table: str, columns: Sequence[str], found: pa.Table) -> pa.Table:
        contract = self.contracts[table]
        schema = arrow_schema([contract.column(name) for name in columns])
        return found.cast(pa.schema([field.with_nullable(True) for field in schema]))

    def _rows(self, table: str, columns: Sequence[str]) -> str:
        """A query of these columns. A file that is older than a column lacks it: its rows are null there.

        Partition values come from the log and not from the paths, which DuckDB would take apart from the root on: a
        warehouse below a folder ``customer_id=7`` would give that value to every row.
        """
        contract = self.contracts[table]
        paths = ", ".join(f"'{_quoted(file.path)}'" for file in self.files[table])
        read = f"read_parquet([{paths}], union_by_name = true, hive_partitioning = false, filename = '{_PATH}')"
        with duckdb.connect() as connection:
            let_duckdb_read(connection, [file.path for file in self.files[table]])
            held = {row[0] for row in connection.execute(f"DESCRIBE SELECT * FROM {read}").fetchall()}
        held.update(contract.partition_by)
        shown = ", ".join(
            f'"{name}"' if name in held else f'CAST(NULL AS {_SQL_TYPES[contract.column(name).type]}) AS "{name}"'
            for name in columns
        )
        placed = f" JOIN placed USING ({_PATH})" if set(columns) & set(contract.partition_by) else ""
        return f"SELECT {shown} FROM {read}{placed} WHERE loaded_on < DATE '{self.before.isoformat()}'"

    def _placed(self, table: str) -> pa.Table:
        """The partition values of each file, typed, by its path."""
        contract, files = self.contracts[table], self.files[table]
        values = {
            name: pa.array([file.partition[name] for file in files], pa.string()).cast(
                arrow_schema([contract.column(name)]).field(0).type
            )
            for name in contract.partition_by
        }
        return pa.table({_PATH: pa.array([file.path for file in files], pa.string()), **values})


def _quoted(path: str) -> str:
    return path.replace("'", "''")
