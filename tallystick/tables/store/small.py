"""Reads and replaces whole partitions of small tables, for a stage that keeps records of its own (the ledger)."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from tallystick.spec.tables import TableContract
from tallystick.tables.store.door import replace_arrow
from tallystick.tables.store.queries import read_arrow
from tallystick.tables.store.schemas import arrow_schema
from tallystick.tables.store.slices import Run, Slice
from tallystick.tables.store.warehouse import Warehouse


@dataclass(frozen=True, kw_only=True, slots=True)
class SmallTables:
    """Reads and replaces partitions of the tables whose ``contracts`` it carries; ``job`` and ``code`` sign commits."""

    warehouse: Warehouse
    contracts: Mapping[str, TableContract]
    job: str = ""
    code: str = ""

    def read(self, name: str, partition: Mapping[str, str]) -> pa.Table:
        """The partition's rows with the contract's columns; none when the table does not exist yet.

        A column that the contract has gained is null until a row is written with it.
        """
        schema = arrow_schema(self.contracts[name].columns)
        chosen: pc.Expression | None = None
        for column, value in partition.items():
            same = pc.field(column) == value
            chosen = same if chosen is None else chosen & same
        found = self.warehouse.at_one_moment(
            lambda: read_arrow(self.warehouse, name, filter=chosen) if self.warehouse.exists(name) else None
        )
        if found is None:
            return schema.empty_table()
        for field in schema:
            if field.name not in found.column_names and field.nullable:
                found = found.append_column(field, pa.nulls(found.num_rows, field.type))
        return found.select(schema.names).cast(schema)

    def replace(self, name: str, rows: pa.Table, partition: Mapping[str, str]) -> None:
        """Make the partition hold exactly ``rows``, in one commit."""
        where = Slice.of_partition(name, partition)
        # A run may replace the same partition several times, so the commit is not found again by the run's own id.
        by = Run(f"{self.job}/{uuid.uuid4().hex}", self.job, self.code, is_first_try=True)
        replace_arrow(self.warehouse, self.contracts[name], rows, where=where, run=by)
