"""A customer's feature values computed on the spot, for dates of which the tables hold nothing.

What is computed is what the night would store: the same works, kernel and rows (``features.compute``), without Spark.
Apart from ``feature_values`` because only this imports the kernel.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date

import pyarrow as pa

from tallystick.answers.feature_values import Value
from tallystick.answers.shelves import Customer, Shelf
from tallystick.features.compute import GroupWork, compute_from
from tallystick.observations import OBSERVATION_SCHEMA
from tallystick.spec.observations import CUSTOMER
from tallystick.spec.tables import TableContract
from tallystick.tables.store.customer_rows import CustomerFiles
from tallystick.tables.store.parquet_files import read_files
from tallystick.tables.store.schemas import arrow_schema


@dataclass(slots=True)
class Computing:
    """Computes groups for one customer and date from the customer's own rows of the clean tables."""

    customer: Customer
    day: date
    contracts: Mapping[str, TableContract]
    shelf: Callable[[str], Shelf | None]
    files: CustomerFiles

    def features(self, works: Iterable[GroupWork]) -> dict[str, dict[str, Value]]:
        """The features of each group by its name."""
        instant = self.customer.midnight(self.day)
        asked = pa.Table.from_pylist(
            [{"observation_id": self.customer.id, "customer_id": self.customer.id, "as_of": instant}],
            OBSERVATION_SCHEMA,
        )
        wanted = list(works)
        rows = self._read(wanted)
        made = {}
        for work in wanted:
            found = compute_from(work, rows, asked, zone=self.customer.source.zone)
            made[work.plan.group] = {name: found[name][0].as_py() for name in work.names}
        return made

    def _read(self, works: Iterable[GroupWork]) -> dict[str, pa.Table]:
        """The rows of every table that the works read, each table once with all columns that any of them needs.

        Of a table that is looked up by another key than the customer, all rows of the source are read.
        """
        columns: dict[str, dict[str, None]] = {}
        whole: set[str] = set()
        for part in (part for work in works for part in work.parts):
            columns.setdefault(part.plan.table, {}).update(dict.fromkeys(part.stored_columns()))
            for other in part.others:
                columns.setdefault(other.table, {}).update(dict.fromkeys(other.reads))
                if other.on != CUSTOMER:
                    whole.add(other.table)
        return {name: self._rows(name, list(names), is_whole=name in whole) for name, names in columns.items()}

    def _rows(self, table: str, columns: list[str], *, is_whole: bool) -> pa.Table:
        contract, shelf = self.contracts[table], self.shelf(table)
        schema = arrow_schema([contract.column(name) for name in columns])
        schema = pa.schema([field.with_nullable(True) for field in schema])
        if shelf is None:
            return schema.empty_table()
        if is_whole:
            return read_files([file.path for file in shelf.shared_files(self.customer.source.name)], schema)
        found = self.files.read(shelf.files(self.customer), self.customer.id, columns)
        if found is None:
            return schema.empty_table()
        held = {name: found[name] for name in found.column_names}
        arrays = [held[f.name].cast(f.type) if f.name in held else pa.nulls(found.num_rows, f.type) for f in schema]
        return pa.table(arrays, schema=schema)
