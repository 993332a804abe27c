"""Whether stored features still mean what is declared: the ledger's definitions against today's.

Apart from ``table_ages`` because only this needs the declarations of features and the reader of their expressions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

import pyarrow as pa

from tallystick.answers.shelves import Customer, Shelf
from tallystick.answers.staleness import Redeclared
from tallystick.features.ledger import Definition, Ledger, LedgerTables
from tallystick.project import Project
from tallystick.tables.store.parquet_files import read_files
from tallystick.tables.store.schemas import arrow_schema


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldLedger(LedgerTables):
    """The ledger's tables as an answer holds them, to be read only."""

    shelf: Callable[[str], Shelf | None]
    project: Project

    def read(self, name: str, partition: Mapping[str, str]) -> pa.Table:
        """The partition's rows, without the partition's own columns; none where there is no table."""
        shelf = self.shelf(name)
        files = shelf.pinned.files if shelf else ()
        paths = [f.path for f in files if all(f.partition.get(key) == value for key, value in partition.items())]
        contract = self.project.contracts[name]
        return read_files(paths, arrow_schema([one for one in contract.columns if one.name not in partition]))

    def replace(self, name: str, rows: pa.Table, partition: Mapping[str, str]) -> None:
        """Never: an answer writes nothing."""
        raise NotImplementedError(name)


def find_redeclared(
    held: HeldLedger, customer: Customer, definition: Definition, *, observations: str, day: date
) -> Redeclared | None:
    """The features of a group whose stored values of the date have another meaning than is declared now; None where all
    mean the same, and where the ledger does not know the date.
    """
    ledger = Ledger(tables=held, source=customer.source.name, observations=observations)
    changed = ledger.redeclared(definition, day)
    if not changed:
        return None
    run = f"tally features backfill {definition.group} --source {customer.source.name} --observations {observations}"
    return Redeclared(table=f"feature.{definition.group}", features=changed, run=f"{run} --from {day} --to {day}")
