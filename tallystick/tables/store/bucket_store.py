"""Reads and writes the files of one bucket inside a Spark task.

A job hands this value to a bucket stage, so the stage knows no storage. A task writes files and never commits: the
driver commits the files of all tasks at once, or none.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from tallystick.spec.data_files import DataFile
from tallystick.spec.tables import TableContract
from tallystick.tables.store.parquet_files import new_rel, read_files, write_file
from tallystick.tables.store.schemas import arrow_schema
from tallystick.tables.store.warehouse import Warehouse

CODED_TEXT = pa.dictionary(pa.int32(), pa.string())


@dataclass(frozen=True, kw_only=True, slots=True)
class BucketStore:
    """Reads and writes files of the tables whose ``contracts`` it carries; it travels to the tasks."""

    warehouse: Warehouse
    contracts: Mapping[str, TableContract]

    def read(
        self, table: str, paths: Sequence[str], columns: Sequence[str], *, coded: Collection[str] = ()
    ) -> pa.Table:
        """The rows of the files with exactly these columns and the contract's types; no paths give no rows.

        The texts of the columns ``coded`` come as Arrow dictionaries, which spares decoding them row by row.
        """
        contract = self.contracts[table]
        schema = arrow_schema([contract.column(name) for name in columns])
        # Files older than a column lack it: their rows are null there, whatever the contract requires of new ones.
        fields = [field.with_nullable(True) for field in schema]
        fields = [f.with_type(CODED_TEXT) if f.name in coded and f.type == pa.string() else f for f in fields]
        return read_files(paths, pa.schema(fields))

    def write(self, table: str, partition: Mapping[str, str], rows: pa.Table) -> DataFile:
        """Write ``rows`` to one new file of the table; it belongs to no version until the driver commits it."""
        return write_file(
            self.warehouse.table_path(table), new_rel(dict(partition)), rows, partition, self.contracts[table]
        )
